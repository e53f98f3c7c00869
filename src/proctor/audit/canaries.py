"""Tasks that nobody can solve, mixed into training: a canary that is rewarded proves that a reward is paid without a right answer.

A twin has the prompt of a real task and a reference that no honest completion gives: a random number of twelve digits, a random word, tests with
random outputs. It catches rewards that do not depend on the reference (empty equals empty, sentinels, code that ends its own grader), not hedges
around the right answer: the audit before training is for those. Twins are sampled and scored like any task, and never trained on.

Source: Zhong et al. 2025 (ImpossibleBench), whose impossible tests pass only by cheating.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.audit.tripwires import Action, Alarm
from proctor.core import Rollout, RolloutGroup
from proctor.core.task import Task
from proctor.errors import ConfigError
from proctor.rollouts.shaping import is_correct

SOURCE = "canary"
_OUTPUT_NAMES = ("output", "expected", "expected_output")


def impossible_twin(task: Task, *, seed: int) -> Task | None:
    """Return a task with the same prompt whose reference nothing honest matches; None where none can be made.

    None for choices, where every reference is a guess away, and for tasks without reference or tests.

    Args:
        task: a real one.
        seed: of the run; the same seed makes the same twin.
    """
    rng = random.Random(f"canary/{seed}/{task.source}/{task.id}")
    tests = task.info.get("tests")
    if isinstance(tests, (list, tuple)) and tests:
        spoilt = [_spoilt(test, rng) for test in tests]
        if any(test is None for test in spoilt):
            return None
        return _twin(task, task.answer, {**task.info, "tests": spoilt})
    answer = "" if task.answer is None else str(task.answer).strip()
    if not answer or "choices" in task.info or (len(answer.strip("().")) == 1 and answer.strip("().").isalpha()):
        return None
    if not isinstance(task.answer, (str, int, float)) or isinstance(task.answer, bool):
        return None
    is_word = not any(character.isdigit() or character == "\\" for character in answer)
    return _twin(task, "".join(rng.choices("bcdfghjklmnpqrstvwxz", k=16)) if is_word else str(rng.randrange(10**11, 10**12)), dict(task.info))


def _spoilt(test: Any, rng: random.Random) -> dict[str, Any] | None:
    name = next((name for name in _OUTPUT_NAMES if isinstance(test, Mapping) and name in test), None)
    return {**test, name: f"{rng.randrange(10**11, 10**12)}\n"} if name else None


def _twin(task: Task, answer: Any, info: dict[str, Any]) -> Task:
    return Task(f"{SOURCE}/{task.source}/{task.id}", task.prompt, answer, info, SOURCE)


def is_canary(task: Task) -> bool:
    """Whether a task is an impossible twin."""
    return task.source == SOURCE


def with_canaries(tasks: Sequence[Task], *, rate: float, step: int, seed: int) -> list[Task]:
    """Return a step's tasks followed by the twins of some of them.

    On average `rate` twins a task, rounded by chance from step to step, so that a rate of 0.01 puts one into every hundredth task even where a
    step has eight.

    Args:
        tasks: of one step.
        rate: twins a task, in [0, 1].
        step: of the run.
        seed: of the run.

    Raises:
        ConfigError: the rate is not in [0, 1].
    """
    if not 0 <= rate <= 1:
        raise ConfigError(f"the rate of canaries must be between 0 and 1, not {rate}")
    rng = random.Random(f"canaries/{seed}/{step}")
    wanted = math.floor(rate * len(tasks) + rng.random())
    twins = [twin for task in rng.sample(list(tasks), len(tasks)) if (twin := impossible_twin(task, seed=seed)) is not None]
    return [*tasks, *twins[:wanted]]


def split(groups: Sequence[RolloutGroup]) -> tuple[list[RolloutGroup], list[RolloutGroup]]:
    """Return the groups to train on, and those of canaries."""
    return [group for group in groups if not is_canary(group.task)], [group for group in groups if is_canary(group.task)]


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What canaries earned in one step.

    Attributes:
        num_rollouts: of canaries that were scored.
        paid: those that were rewarded as right.
    """

    num_rollouts: int
    paid: tuple[Rollout, ...]

    def metrics(self) -> dict[str, float]:
        return {"canary_rollouts": float(self.num_rollouts), "canary_paid": float(len(self.paid))} if self.num_rollouts else {}

    def alarms(self, action: Action) -> list[Alarm]:
        """One alarm if any was paid, with the first completion."""
        if not self.paid:
            return []
        first = self.paid[0]
        message = (
            f"{len(self.paid)} of {self.num_rollouts} completions of impossible tasks were paid; the first, for {first.task.id}: {first.text[:200]!r}. "
            "The reward can be had without a right answer: read them, and audit the reward with `proctor audit`"
        )
        return [Alarm("Canary", message, action)]


def judge_canaries(groups: Sequence[RolloutGroup]) -> CanaryReport:
    """Say which rollouts of canaries were paid as right, by the same rule as group rewards (`proctor.rollouts.shaping.is_correct`).

    A part that judges form alone may well pay a canary; only where every part with an outcome says CORRECT is the reward had without
    a right answer.
    """
    rollouts = [rollout for group in groups if is_canary(group.task) for rollout in group.rollouts]
    return CanaryReport(len(rollouts), tuple(rollout for rollout in rollouts if is_correct(rollout)))
