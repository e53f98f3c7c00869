"""A session holds what a run is made of; `training.assembly` builds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from proctor.algorithms.collection import Collection, Demonstrations
from proctor.algorithms.spec import AnyObjective, Objective
from proctor.chat.renderer import Renderer
from proctor.config import RunConfig, to_mapping
from proctor.core import RolloutGroup, Task
from proctor.data.loaders import LoadedTasks, content_hash
from proctor.data.mixture import Mixture, fair_part
from proctor.data.schedule import Schedule
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError, VerifierError
from proctor.learner.batch import build_batch
from proctor.learner.step import Learner
from proctor.models.policy import Policy
from proctor.models.scoring import Sequences
from proctor.rollouts.demonstrations import demonstration_groups
from proctor.rollouts.groups import Clock, Collected, RolloutPlan, Workshop, collect_groups, collect_with_refills
from proctor.rollouts.partial import OpenGroup, collect_partial
from proctor.training.evaluate import Evaluation, evaluate, success_rate, summarize_ranking
from proctor.training.events import EvaluationFinished, Listener, Phase, Warned
from proctor.training.manifest import Manifest
from proctor.training.run_directory import RunDirectory
from proctor.training.tracking import Tracker
from proctor.training.watch import Watch, compares_rollouts
from proctor.verifiers.base import RewardPart
from proctor.verifiers.rewards import Rewards


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller in Python hands over ready-made instead of naming it in the configuration."""

    policy: Policy | None = None
    train: Sequence[Task] | None = None
    test: Sequence[Task] | None = None
    rewards: Sequence[RewardPart] | None = None


@dataclass(slots=True)
class Session:
    """Everything that the steps of a run use."""

    config: RunConfig
    objective: AnyObjective
    train: LoadedTasks
    test: LoadedTasks
    rewards: Rewards
    policy: Policy
    engine: LocalEngine
    renderer: Renderer
    learner: Learner
    mixture: Mixture
    refills: Mixture
    schedule: Schedule | None
    sampler: LocalEngine
    plan: RolloutPlan
    emit: Listener
    notes: tuple[str, ...]
    watch: Watch
    run: RunDirectory = field(init=False)
    tracker: Tracker = field(init=False)
    in_flight: list[OpenGroup] = field(default_factory=list[OpenGroup])
    _num_steps_without_variance: int = 0

    async def evaluate(self, name: str, *, step: int) -> Evaluation | None:
        """Evaluate on the held-out tasks; None where the configuration asks for none."""
        settings = self.config.evaluation
        tasks = self.test.tasks[: settings.num_tasks]
        if not tasks:
            return None
        self.emit(Phase("evaluating"))
        workshop = Workshop(self.engine, self.renderer, self.rewards, lambda phase: None)
        if self.learner.reward_model is not None:
            evaluation = await self._rank(tasks, workshop)
        else:
            budgets = tuple(sorted(self.plan.budgets)[-1:])
            options = {"sampling": self.config.evaluation_sampling, "num_samples": settings.num_samples, "seed": self.config.seed, "budgets": budgets}
            evaluation, _ = await evaluate(tasks, workshop=workshop, **options)
        interval = evaluation.reward
        self.emit(EvaluationFinished(name, interval.mean, interval.low, interval.high, interval.num_tasks, step))
        return evaluation

    async def _rank(self, tasks: Sequence[Task], workshop: Workshop) -> Evaluation:
        """How a reward model ranks held-out rollouts of the policy: the fraction of pairs in the right order, by task."""
        groups = await collect_groups(tasks, step=0, workshop=workshop, plan=replace(self.plan, purpose="evaluation", collection=Collection()))
        return summarize_ranking(groups, [self.learner.ranking_accuracy(group) for group in groups], seed=self.config.seed)

    def set_version(self, version: int) -> None:
        """Say which weights the policy has. A snapshot that samples keeps those it was taken of."""
        self.engine.policy_version = version
        if not self.learner.snapshot:
            self.sampler.policy_version = version

    async def collect(self, step: int, clock: Clock) -> Collected:
        """The groups of one step, from wherever the objective takes them."""
        schedule, num = self.schedule, self.config.prompts_per_step
        tasks = self.mixture.take(step, num) if schedule is None else schedule.take(step, num)
        if isinstance(self.objective.source, Demonstrations):
            clock("sampling")
            limit = self.config.max_completion_tokens
            return Collected(demonstration_groups(tasks, renderer=self.renderer, rewards=self.rewards, max_tokens=limit), [])

        drawn = {task.id for task in tasks}

        def more(number: int, count: int) -> Sequence[Task]:
            if schedule is not None:
                return schedule.take(step, count, draw=number)
            # Every round of every step has a place of its own in the second stream, so that a resumed run draws the same.
            place = step * self.plan.collection.max_refills + number - 1
            further = fair_part(self.refills.take(place, num), count, key=f"{self.config.seed}/refill/{place}", used=drawn)
            drawn.update(task.id for task in further)
            return further

        workshop = Workshop(self.sampler, self.renderer, self.rewards, clock)
        if self.config.rollout.partial_tokens:
            collected, self.in_flight = await collect_partial(tasks, self.in_flight, step=step, workshop=workshop, plan=self.plan, config=self.config.rollout)
        else:
            collected = await collect_with_refills(tasks, more, step=step, workshop=workshop, plan=self.plan)
        if schedule is not None:
            groups = [*collected.groups, *collected.dropped]
            schedule.learn(step, [(group.task.id, rate) for group in groups if (rate := success_rate(group)) is not None])
        return collected

    async def collect_canaries(self, step: int, clock: Clock) -> list[RolloutGroup]:
        """The groups of a step's canaries: a call of their own, so that the step's groups are those of a run without canaries, to the bit."""
        twins = self.watch.canaries(self.mixture.take(step, self.config.prompts_per_step), step)
        if not twins:
            return []
        plan = replace(self.plan, purpose="canary", needs_greedy=False, needs_steps=False, collection=Collection())
        try:
            return await collect_groups(twins, step=step, workshop=Workshop(self.sampler, self.renderer, self.rewards, clock), plan=plan)
        except VerifierError as error:  # of rewards that break only on canaries; on the step's own tasks it ends the run
            self.emit(Warned(f"step {step}: {len(twins)} canaries could not be scored: {error}"))
            return []

    def pretraining(self, step: int) -> Sequences | None:
        """Text that is imitated beside the loss, where the objective has a weight for it: demonstrations of further tasks."""
        if not isinstance(self.objective, Objective) or not self.objective.pretraining_weight:
            return None
        tasks = self.refills.take(step, self.config.prompts_per_step)
        groups = demonstration_groups(tasks, renderer=self.renderer, rewards=self.rewards, max_tokens=self.config.max_completion_tokens)
        wanted = [replace(group, rollouts=tuple(one for one in group.rollouts if one.reward)) for group in groups]  # never what a preference rejects
        wanted = [group for group in wanted if group.rollouts]
        return build_batch(wanted).sequences if wanted else None

    def manifest(self) -> Manifest:
        """What the run is made of, for its directory."""
        return Manifest.collect(
            seeds={"run": self.config.seed},
            data_hashes={"train": content_hash(self.train.tasks), "test": content_hash(self.test.tasks)},
            reward_hashes=self.rewards.source_hashes,
            opt_outs=("in_process",) if self.config.scoring.in_process else (),
        )

    def faults(self) -> dict[str, int]:
        """Calls of reward functions that hung or died so far, and completions that this was held against."""
        counters = self.rewards.counters
        return {"reward_timeouts": counters.timeouts, "reward_crashes": counters.crashes, "reward_faults": sum(self.rewards.faults.values())}

    def warnings(self, step: int, metrics: dict[str, float]) -> Iterator[str]:
        """What the user should hear about this step."""
        limit = self.config.learner.max_sampler_mismatch
        if not metrics.get("sampler_mismatch", 0.0) <= limit:
            yield (
                f"step {step}: sampler and trainer differ by {metrics['sampler_mismatch']:.3g} nats a token on average (limit {limit:g}); "
                "compute in float32 to see whether it is rounding"
            )
        faults = metrics["reward_timeouts"] + metrics["reward_crashes"]
        if faults:
            yield f"step {step}: {faults:.0f} calls of reward functions hung or crashed, were killed and tried again; the rollouts' reasons say which"
        has_variance = metrics["unanimous_fraction"] < 1
        self._num_steps_without_variance = 0 if has_variance else self._num_steps_without_variance + 1
        if self._num_steps_without_variance in (1, 10) and compares_rollouts(self.objective):
            yield _no_variance(step, metrics["reward_mean"])


def _no_variance(step: int, reward: float) -> str:
    return (
        f"step {step}: no group had variance: all rollouts of each task earned the same (mean reward {reward:.3g}), so nothing was learned from its rewards. "
        "If the reward is always low, the task is too hard for this model: make it easier, relax the format, or teach the format first; "
        "if it is always high, the task is solved; a larger group_size finds rarer successes"
    )


def settle(config: RunConfig) -> RunConfig:
    """Fill in what deterministic mode decides: the processor and fp32.

    Raises:
        ConfigError: the configuration asks for something else.
    """
    if not config.deterministic:
        return config
    if config.device not in (None, "cpu") or config.compute_dtype == "bfloat16":
        raise ConfigError(
            f"deterministic runs compute in float32 on the cpu, not with device={config.device!r} and compute_dtype={config.compute_dtype!r}; leave both out"
        )
    return replace(config, device="cpu", compute_dtype="float32")


@contextmanager
def deterministic_kernels(is_on: bool) -> Iterator[None]:
    """Have torch use kernels that give the same bits twice, and refuse those that cannot."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(is_on or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def resolved(config: RunConfig, recipe: str) -> dict[str, Any]:
    """The configuration as the run directory keeps it, with the recipe's name."""
    return {"recipe": recipe, **to_mapping(config)}
