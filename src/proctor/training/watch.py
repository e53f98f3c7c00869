"""Canaries and tripwires of a run: what is mixed in beside the tasks, and which alarms a step raises. Trains nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proctor.algorithms.collection import Demonstrations
from proctor.algorithms.spec import AnyObjective
from proctor.audit.canaries import SOURCE, impossible_twin, judge_canaries, with_canaries
from proctor.audit.config import AuditConfig
from proctor.audit.tripwires import Alarm, Tripwire, Unanimous, alarms
from proctor.config import needs_pairs
from proctor.core import RolloutGroup, Task
from proctor.errors import ConfigError
from proctor.rollouts.shaping import is_paid_as_right
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.rewards import Rewards

NUM_PROBED_TWINS = 8


@dataclass(slots=True)
class Watch:
    """Looks at each step of a run.

    Attributes:
        config: of the audit.
        seed: of the run.
        tripwires: those that mean something for the objective.
        history: metrics of the last steps, as many as the tripwires read.
    """

    config: AuditConfig
    seed: int
    tripwires: tuple[Tripwire, ...]
    history: list[Mapping[str, float]] = field(default_factory=list)

    def canaries(self, tasks: Sequence[Task], step: int) -> list[Task]:
        """The impossible twins to mix into a step with these tasks; the same for the same step, however often it is done."""
        return with_canaries(tasks, rate=self.config.canary_rate, step=step, seed=self.seed)[len(tasks) :] if self.config.canary_rate else []

    def remember(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the metrics of steps done before, in order; what was not finite is null there, and left out."""
        num_read = max((wire.num_steps_read for wire in self.tripwires), default=0)
        numbers = [{name: value for name, value in row.items() if isinstance(value, int | float)} for row in rows]
        self.history = [*self.history, *numbers][-num_read - 1 :]  # one more: whether the step before raised the same alarm

    def look(self, metrics: Mapping[str, float], canaries: Sequence[RolloutGroup]) -> list[Alarm]:
        """The alarms of one step. A tripwire that only warns does so on the first of the steps in a row that trip it."""
        known = {alarm.tripwire for alarm in alarms(self.history, self.tripwires)}
        self.remember([metrics])
        tripped = [alarm for alarm in alarms(self.history, self.tripwires) if alarm.action == "stop" or alarm.tripwire not in known]
        return [*judge_canaries(canaries).alarms(self.config.on_canary), *tripped]


def canary_metrics(canaries: Sequence[RolloutGroup]) -> dict[str, float]:
    """Metrics of the canaries of one step; none where it had none."""
    num_errors = sum(len(group.errors) for group in canaries)
    return {**judge_canaries(canaries).metrics(), "canary_errors": float(num_errors)} if canaries else {}


def check_canaries(tasks: Sequence[Task], rewards: Rewards, *, seed: int) -> None:
    """Find canaries that could tell nothing, before training: twins of a few tasks are given the right answers of these tasks.

    Args:
        tasks: that are trained on.
        rewards: of the run.
        seed: of the run.

    Raises:
        ConfigError: no twin can be made, none can be scored, or the right answer is paid although the twin has another.
        VerifierError: a reward function fails on every one.
    """
    if taken := next((task.id for task in tasks if task.source == SOURCE), None):
        raise ConfigError(f"task {taken!r} has the source {SOURCE!r}, which marks canaries; give the source another name, or leave audit.canary_rate at 0")
    pairs = [(task, twin) for task in tasks if (twin := impossible_twin(task, seed=seed)) is not None][:NUM_PROBED_TWINS]
    if not pairs:
        raise ConfigError(
            "audit.canary_rate: none of the tasks has an impossible twin; it takes an answer that cannot be guessed (a number, a text, no choice) or tests "
            "with outputs. Leave audit.canary_rate at 0"
        )
    requests = [ScoreRequest(twin, rewards.gold(task) or ("" if task.answer is None else str(task.answer))) for task, twin in pairs]
    scores = rewards.score(requests)
    if all(rewards.combine(row) is None for row in scores):
        why = next((score.reason for row in scores for score in row.values() if score.reason), "no part applies")
        raise ConfigError(f"audit.canary_rate: the reward cannot score impossible twins of these tasks ({why}). Leave audit.canary_rate at 0")
    for request, row in zip(requests, scores, strict=True):
        if is_paid_as_right(row, rewards.combine(row) or 0.0):
            raise ConfigError(
                f"audit.canary_rate: the reward pays {request.completion[-60:]!r} for {request.task.id}, whose reference is another: it does not compare "
                "with `answer` or `tests`, so canaries can tell nothing about it. Leave audit.canary_rate at 0"
            )


def tripwires_for(config: AuditConfig, objective: AnyObjective) -> tuple[Tripwire, ...]:
    """Those that mean something: none for demonstrations, which are all paid; unanimous groups only where groups teach."""
    if isinstance(objective.source, Demonstrations):
        return ()
    return tuple(wire for wire in config.tripwires if compares_rollouts(objective) or not isinstance(wire, Unanimous))


def compares_rollouts(objective: AnyObjective) -> bool:
    """True for objectives that learn from differences within a group."""
    return needs_pairs(objective) or getattr(objective, "needs_group", False)
