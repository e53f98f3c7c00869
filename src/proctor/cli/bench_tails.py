"""Heavy-tailed lengths: how much is gained when finished rows leave and waiting rows enter.

Both ways decode the same rollouts with the same engine, at most a quarter of them side by side. In padded batches, every row of a
batch is decoded until its longest is done, as samplers do that know no other way; what lies behind a rollout's own end is thrown away.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from proctor.chat.renderer import Renderer
from proctor.cli.bench_work import BenchPlan
from proctor.data.config import DataConfig
from proctor.data.loaders import load_tasks
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.models.load import load_policy

_INDEX = 1.2
"""Of the Pareto distribution that lengths are drawn from."""
_LONGEST = 8
"""Times the mean: longer draws are cut there."""
_SHORTEST = 0.292
"""Times the mean; with this beginning the distribution, cut at its longest, has the mean that was asked for."""


@dataclass(frozen=True, slots=True)
class TailsReport:
    """Sampling of rollouts whose lengths have a heavy tail. Seconds are medians over passes that take turns; `ratio` is that of their pairs."""

    seconds_continuous: float
    seconds_padded: float
    ratio: float
    tokens_per_s: float
    tokens_sampled: int
    rows_decoded_continuous: int
    rows_decoded_padded: int
    length_mean: float
    length_longest: int
    rows_at_once: int


def heavy_tailed(mean: int, *parts: int | str) -> int:
    """A length drawn by what identifies its rollout, at least 1: Pareto with index 1.2, cut at eight times the mean."""
    uniform = (rollout_seed("length", *parts) + 1) / 2**64
    return max(1, round(min(_LONGEST * mean, _SHORTEST * mean * uniform ** (-1 / _INDEX))))


def bench_tails(plan: BenchPlan) -> TailsReport:
    """Measure both ways, a pass of each in turn after one warm-up."""
    policy = load_policy(plan.model)
    tasks = load_tasks(plan.data, config=DataConfig(train=plan.data), split="train", seed=0, num_tasks=plan.num_prompts).tasks
    renderer, rows = Renderer(policy.tokenizer), max(plan.group_size, plan.num_rollouts // 4)
    engine = LocalEngine(policy, max_rows=rows, ends_at_eos=False)
    requests = [
        SampleRequest(
            renderer.prompt_ids(tasks[number % len(tasks)].messages),
            seeds=tuple(rollout_seed("bench", number, index) for index in range(plan.group_size)),
            limits=tuple(heavy_tailed(plan.new_tokens, number, index) for index in range(plan.group_size)),
        )
        for number in range(plan.num_prompts)
    ]
    sampling = Sampling(1.0, _LONGEST * plan.new_tokens)
    batches = list(padded(requests, rows // plan.group_size))
    pairs = [(_seconds(engine, [requests], sampling), _seconds(engine, batches, sampling)) for _ in range(plan.num_steps + 1)][1:]
    lengths = [limit for request in requests for limit in request.limits]
    continuous = statistics.median(first for first, _ in pairs)
    return TailsReport(
        seconds_continuous=continuous,
        seconds_padded=statistics.median(second for _, second in pairs),
        ratio=statistics.median(second / first for first, second in pairs),
        tokens_per_s=sum(lengths) / continuous,
        tokens_sampled=sum(lengths),
        rows_decoded_continuous=sum(lengths),
        rows_decoded_padded=sum(limit for batch in batches for request in batch for limit in request.limits),
        length_mean=statistics.mean(lengths),
        length_longest=max(lengths),
        rows_at_once=rows,
    )


def padded(requests: Sequence[SampleRequest], groups_at_once: int) -> Iterator[list[SampleRequest]]:
    """Batches of whole groups, in each of which every row runs to the longest."""
    for start in range(0, len(requests), groups_at_once):
        batch = requests[start : start + groups_at_once]
        longest = max(limit for request in batch for limit in request.limits)
        yield [replace(request, limits=(longest,) * len(request.seeds)) for request in batch]


def _seconds(engine: LocalEngine, batches: Sequence[Sequence[SampleRequest]], sampling: Sampling) -> float:
    began = perf_counter()
    for batch in batches:
        asyncio.run(engine.sample(batch, sampling))
    return perf_counter() - began
