"""The work that `proctor bench` measures: sampling, training, and the whole step, on a fixed number of tokens.

Every completion runs to its limit and every group has variance, so that nothing is skipped and the work is the same for
whoever is compared. One warm-up counts the work exactly (`models.work`); the passes after it are timed. A clock on a shared
machine says little alone: compare medians of alternating runs, or the counts.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TypeVar

import torch
from torch.nn import functional

from proctor.algorithms.presets import grpo
from proctor.chat.renderer import Renderer
from proctor.core import Completion, Rollout, RolloutGroup, Task, Turn
from proctor.data.config import DataConfig
from proctor.data.loaders import load_tasks
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError
from proctor.learner.batch import build_batch
from proctor.learner.config import LearnerConfig
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.fused import DEFAULT_CHUNK_TOKENS
from proctor.models.load import load_policy
from proctor.models.lowering import lays_out_bf16
from proctor.models.policy import Policy
from proctor.models.work import Work, counted_work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What is measured.

    Attributes:
        model: what `load_policy` takes.
        data: a task source; its first tasks are taken, going round.
        num_prompts: of each step.
        group_size: completions of each prompt.
        new_tokens: of every completion, exactly.
        num_steps: timed, after one warm-up.
        micro_batch_tokens: of the learner.
    """

    model: str
    data: str
    num_prompts: int
    group_size: int
    new_tokens: int
    num_steps: int
    micro_batch_tokens: int

    def __post_init__(self) -> None:
        for option, value, minimum in (
            ("--prompts", self.num_prompts, 1),
            ("--group-size", self.group_size, 2),
            ("--new-tokens", self.new_tokens, 1),
            ("--steps", self.num_steps, 1),
            ("--micro-batch-tokens", self.micro_batch_tokens, 1),
        ):
            if value < minimum:
                raise ConfigError(f"{option} must be at least {minimum}, not {value}")

    @property
    def num_rollouts(self) -> int:
        return self.num_prompts * self.group_size


@dataclass(frozen=True, slots=True)
class Spent:
    """What some work took: seconds on the clock, and seconds of this process's threads, which other work on the machine does not lengthen."""

    seconds: float
    cpu_seconds: float

    @property
    def work(self) -> float:
        """What is compared with other work: seconds of the device where there is one, else of the processor."""
        return self.seconds if torch.cuda.is_available() else self.cpu_seconds

    def times(self, factor: float) -> Spent:
        return Spent(factor * self.seconds, factor * self.cpu_seconds)


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Sampling alone. `limit_tokens_per_s` is what the model's own matrix products allow at this many rows, timed just after; for the fraction
    of it see `TrainReport`."""

    seconds_per_pass: float
    cpu_seconds: float
    products_cpu_seconds: float
    tokens_sampled: int
    tokens_per_s: float
    limit_tokens_per_s: float
    fraction_of_limit: float
    forward_tokens: int
    gemm_flops: int
    cache_bytes: int
    peak_bytes: int
    compute_dtype: str


@dataclass(frozen=True, slots=True)
class TrainReport:
    """One optimizer update alone. `distinct_tokens` counts each prompt once; the limit is what the matrix products alone allow, and the fraction of it
    is taken in processor seconds where there is no other device, since other work on the machine lengthens the clock."""

    seconds_per_update: float
    cpu_seconds: float
    products_cpu_seconds: float
    distinct_tokens: int
    tokens_per_s: float
    limit_tokens_per_s: float
    fraction_of_limit: float
    rollouts_trained: int
    grad_norm: float
    forward_tokens: int
    gemm_flops: int
    peak_bytes: int
    master_dtype: str
    compute_dtype: str


@dataclass(frozen=True, slots=True)
class StepReport:
    """A whole GRPO step, from tasks to published weights; seconds are medians, `cpu_seconds` those of the process's own threads."""

    seconds_per_step: float
    cpu_seconds: float
    seconds_sampling: float
    seconds_training: float
    tokens_sampled: int
    rollouts_trained: int
    grad_norm: float
    master_dtype: str
    compute_dtype: str
    forward_tokens: int
    gemm_flops: int
    cache_bytes: int
    peak_bytes: int


def variance_reward(completion: Completion, answer: str) -> float:
    """1 where the answer occurs in the text, and a little by the token ids, so that no group is unanimous."""
    return float(answer in completion.text) + 0.01 * (sum(completion.token_ids) % 7)


class Bench:
    """A policy, its engine and its learner, ready to do the work of a plan."""

    def __init__(self, plan: BenchPlan) -> None:
        self.plan = plan
        self.policy = load_policy(plan.model)
        # A repeated task is another rollout by its step, so that a short file serves any number of steps.
        self.tasks = load_tasks(plan.data, config=DataConfig(train=plan.data), split="train", seed=0, num_tasks=plan.num_prompts * (plan.num_steps + 1)).tasks
        self.engine = LocalEngine(self.policy, max_rows=max(128, plan.num_rollouts), ends_at_eos=False)
        config = LearnerConfig(micro_batch_tokens=plan.micro_batch_tokens)
        objective = grpo(max_completion_tokens=plan.new_tokens, beta=0.0)
        self.learner = Learner(self.policy, config, LearnerPlan(1e-6, plan.num_steps + 1, 1.0, 0), objective)
        self._renderer = Renderer(self.policy.tokenizer)
        _ = self.engine.slow_reason, lays_out_bf16()  # the probes are no part of the work

    def sample(self, step: int) -> list[RolloutGroup]:
        """The groups of a step, scored."""
        tasks = [self.tasks[(step * self.plan.num_prompts + number) % len(self.tasks)] for number in range(self.plan.num_prompts)]
        prompts = [self._renderer.prompt_ids(task.messages) for task in tasks]
        seeds = [tuple(rollout_seed("bench", step, number, index) for index in range(self.plan.group_size)) for number in range(len(tasks))]
        requests = [SampleRequest(ids, numbers) for ids, numbers in zip(prompts, seeds, strict=True)]
        sampled = asyncio.run(self.engine.sample(requests, Sampling(1.0, self.plan.new_tokens)))
        return [_group(task, ids, completions) for task, ids, completions in zip(tasks, prompts, sampled, strict=True)]

    def train(self, groups: Sequence[RolloutGroup], step: int) -> dict[str, float]:
        """Update on the groups and publish; returns the learner's metrics."""
        self.learner.begin_step(step)
        metrics = self.learner.update(self.learner.annotate(build_batch(groups)), step=step)
        self.engine.policy_version = step + 1
        return metrics


def _group(task: Task, prompt_ids: tuple[int, ...], completions: Sequence[Completion]) -> RolloutGroup:
    rewards = [variance_reward(completion, str(task.answer)) for completion in completions]
    return RolloutGroup(
        task,
        tuple(Rollout(task, index, prompt_ids, (Turn(completion),), reward=rewards[index]) for index, completion in enumerate(completions)),
    )


def bench_sample(plan: BenchPlan) -> SampleReport:
    """Measure sampling alone."""
    bench = Bench(plan)
    with counted_work(bench.policy) as work:
        bench.sample(0)
    spent = _median([_timed(lambda step=step: bench.sample(step))[0] for step in range(1, plan.num_steps + 1)])
    tokens = plan.num_rollouts * plan.new_tokens
    products = _gemm_spent(bench.policy, plan.num_rollouts, with_head=True).times(plan.new_tokens)
    return SampleReport(
        seconds_per_pass=spent.seconds,
        cpu_seconds=spent.cpu_seconds,
        products_cpu_seconds=products.cpu_seconds,
        tokens_sampled=tokens,
        tokens_per_s=tokens / spent.seconds,
        limit_tokens_per_s=tokens / products.seconds,
        fraction_of_limit=products.work / spent.work,
        cache_bytes=bench.engine.peak_cache_bytes,
        peak_bytes=peak_bytes(),
        compute_dtype=_name(bench.policy.compute_dtype),
        **_counts(work),
    )


def bench_train(plan: BenchPlan) -> TrainReport:
    """Measure one update alone, each on rollouts sampled just before it."""
    bench = Bench(plan)
    groups = bench.sample(0)
    with counted_work(bench.policy) as work:
        metrics = bench.train(groups, 0)
    updates: list[Spent] = []
    for step in range(1, plan.num_steps + 1):
        groups = bench.sample(step)
        spent, metrics = _timed(lambda step=step, groups=groups: bench.train(groups, step))
        updates.append(spent)
    median = _median(updates)
    completion_tokens = plan.num_rollouts * plan.new_tokens
    distinct = completion_tokens + sum(len(group.rollouts[0].prompt_ids) for group in groups)
    rows = min(plan.micro_batch_tokens, distinct)
    in_chunk = min(DEFAULT_CHUNK_TOKENS, rows)
    body, head = (
        _gemm_spent(bench.policy, rows, with_head=False).times(distinct / rows),
        _head_spent(bench.policy, in_chunk).times(completion_tokens / in_chunk),
    )
    products = Spent(body.seconds + head.seconds, body.cpu_seconds + head.cpu_seconds).times(3)  # forward, and twice that backward; not the head computed again
    return TrainReport(
        seconds_per_update=median.seconds,
        cpu_seconds=median.cpu_seconds,
        products_cpu_seconds=products.cpu_seconds,
        distinct_tokens=distinct,
        tokens_per_s=distinct / median.seconds,
        limit_tokens_per_s=distinct / products.seconds,
        fraction_of_limit=products.work / median.work,
        rollouts_trained=_trained(metrics, plan),
        grad_norm=metrics.get("grad_norm", 0.0),
        peak_bytes=peak_bytes(),
        master_dtype=_master_dtype(bench.policy),
        compute_dtype=_name(bench.policy.compute_dtype),
        **_counts(work),
    )


def bench_step(plan: BenchPlan) -> StepReport:
    """Measure whole steps."""
    bench = Bench(plan)
    with counted_work(bench.policy) as work:
        metrics = bench.train(bench.sample(0), 0)
    sampling: list[Spent] = []
    training: list[Spent] = []
    for step in range(1, plan.num_steps + 1):
        spent, groups = _timed(lambda step=step: bench.sample(step))
        sampling.append(spent)
        spent, metrics = _timed(lambda step=step, groups=groups: bench.train(groups, step))
        training.append(spent)
    steps = [Spent(a.seconds + b.seconds, a.cpu_seconds + b.cpu_seconds) for a, b in zip(sampling, training, strict=True)]
    return StepReport(
        seconds_per_step=_median(steps).seconds,
        cpu_seconds=_median(steps).cpu_seconds,
        seconds_sampling=_median(sampling).seconds,
        seconds_training=_median(training).seconds,
        tokens_sampled=plan.num_rollouts * plan.new_tokens,
        rollouts_trained=_trained(metrics, plan),
        grad_norm=metrics.get("grad_norm", 0.0),
        master_dtype=_master_dtype(bench.policy),
        compute_dtype=_name(bench.policy.compute_dtype),
        cache_bytes=bench.engine.peak_cache_bytes,
        peak_bytes=peak_bytes(),
        **_counts(work),
    )


def peak_bytes() -> int:
    """The most memory this process has held: of the device where there is one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _counts(work: Work) -> dict[str, int]:
    return {"forward_tokens": work.forward_tokens, "gemm_flops": work.gemm_flops}


def _trained(metrics: dict[str, float], plan: BenchPlan) -> int:
    return round(plan.num_rollouts * (1 - metrics["skipped_fraction"]))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _master_dtype(policy: Policy) -> str:
    return _name(policy.trainable_parameters[0].dtype)


def _median(parts: Sequence[Spent]) -> Spent:
    return Spent(statistics.median(part.seconds for part in parts), statistics.median(part.cpu_seconds for part in parts))


def _timed(work: Callable[[], T]) -> tuple[Spent, T]:
    _wait()
    began, cpu_began = perf_counter(), process_time()
    result = work()
    _wait()
    return Spent(perf_counter() - began, process_time() - cpu_began), result


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _gemm_spent(policy: Policy, rows: int, *, with_head: bool) -> Spent:
    """What is spent on the products of one forward pass over `rows` tokens, each linear layer of the model once and nothing else: median of 3."""
    layers = [module for module in policy.causal_model.modules() if isinstance(module, torch.nn.Linear) and (with_head or module is not policy.head)]
    return _products(policy, layers, rows)


def _head_spent(policy: Policy, rows: int) -> Spent:
    return _products(policy, [policy.head] if isinstance(policy.head, torch.nn.Linear) else [], rows)


def _products(policy: Policy, layers: Sequence[torch.nn.Linear], rows: int) -> Spent:
    dtype = policy.compute_dtype
    weights = [layer.weight.detach().to(dtype) for layer in layers]
    inputs = {width: torch.randn(rows, width, device=policy.device).to(dtype) for width in {weight.shape[1] for weight in weights}}

    def products() -> None:
        for weight in weights:
            functional.linear(inputs[weight.shape[1]], weight)

    with torch.inference_mode():
        products()
        return _median([_timed(products)[0] for _ in range(3)])
