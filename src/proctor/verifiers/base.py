"""What is asked of a reward: one request for each completion, one part for each function with its weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proctor.core.task import Task


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One completion to be scored.

    Attributes:
        task: the problem it answers.
        completion: its text.
        prompt_ids: token ids that the model read, for functions that ask for them.
        completion_ids: token ids that it wrote.
        step: training step, for functions with a schedule.
    """

    task: Task
    completion: str
    prompt_ids: tuple[int, ...] = ()
    completion_ids: tuple[int, ...] = ()
    step: int = 0


@dataclass(frozen=True, slots=True)
class RewardPart:
    """One verifier or reward function and its share of the reward.

    Attributes:
        name: unique within a run; scores are stored and logged under it.
        function: a verifier, or a function with one of the signatures of `proctor.verifiers.signatures`.
        weight: factor of its value in the weighted sum.
    """

    name: str
    function: Callable[..., Any]
    weight: float = 1.0


class Scorer(Protocol):
    """A model of this process that gives a number to a completion, such as a reward model."""

    def score(self, requests: Sequence[ScoreRequest]) -> list[float]:
        """One finite number a request, in order."""
        ...


@dataclass(frozen=True, slots=True)
class ScorerPart:
    """A scorer and its share of the reward.

    Attributes:
        name: unique within a run.
        scorer: the model.
        weight: factor of its value in the weighted sum.
    """

    name: str
    scorer: Scorer
    weight: float = 1.0
