"""A problem whose answer can be checked, and the verdict of checking it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from proctor.core.messages import Message


@dataclass(frozen=True, slots=True)
class Task:
    """One problem with its reference answer.

    Attributes:
        id: unique within its source and stable between runs; seeds and logs refer to it.
        prompt: what the model reads: plain text (rendered as one user message) or a whole conversation.
        answer: the reference answer, or None where the verifier needs none.
        info: everything else that the source knows (difficulty, tests, other columns); verifiers may read it.
        source: the data source it came from, for per-source metrics.
    """

    id: str
    prompt: str | tuple[Message, ...]
    answer: Any = None
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])
    source: str = ""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt as a conversation."""
        return (Message("user", self.prompt),) if isinstance(self.prompt, str) else self.prompt

    @property
    def prompt_text(self) -> str:
        """The prompt as plain text: what graders that take a string receive."""
        return self.prompt if isinstance(self.prompt, str) else "\n".join(message.content for message in self.prompt)


class Outcome(StrEnum):
    """The verdict on one completion. Blame decides between INCORRECT and ERROR.

    A limit exceeded or a crash that the completion itself caused is INCORRECT, with the reason: otherwise a policy
    learns to earn by breaking its checker. ERROR is only for faults that the completion did not cause (a dead worker,
    an endpoint that is down); it carries no value, and the rollout leaves its group.
    """

    CORRECT = "CORRECT"
    INCORRECT = "INCORRECT"
    UNPARSED = "UNPARSED"  # no answer could be read; paid as INCORRECT, counted apart
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class StepScore:
    """What a verifier says of one reasoning step of a completion.

    Attributes:
        end: characters of the completion up to the end of the step.
        value: its reward.
    """

    end: int
    value: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a verifier says of one completion. A score is not a float.

    Attributes:
        outcome: the verdict; None where a reward function returned only a number.
        value: the number to be weighted into a reward (1.0 and 0.0 by convention for CORRECT and INCORRECT); None for
            ERROR, and for a reward function that declared itself not applicable.
        extracted: the answer that was read from the completion, as text, for people who look at rollouts.
        reason: why, in a few words; always present for ERROR and for a killed check.
        metrics: further numbers to log, averaged over rollouts; they never enter the reward.
        extra: further text to keep beside the rollout.
        steps: rewards of reasoning steps, in order, from verifiers that judge the process; process supervision needs them.
    """

    outcome: Outcome | None
    value: float | None
    extracted: str | None = None
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: tuple[StepScore, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.outcome is Outcome.ERROR

    @classmethod
    def correct(cls, extracted: str | None = None, reason: str = "") -> Score:
        return cls(Outcome.CORRECT, 1.0, extracted, reason)

    @classmethod
    def incorrect(cls, extracted: str | None = None, reason: str = "") -> Score:
        return cls(Outcome.INCORRECT, 0.0, extracted, reason)

    @classmethod
    def unparsed(cls, reason: str) -> Score:
        return cls(Outcome.UNPARSED, 0.0, None, reason)

    @classmethod
    def error(cls, reason: str) -> Score:
        return cls(Outcome.ERROR, None, None, reason)


class Verifier(Protocol):
    """Anything that scores a completion against a task. Stateless and picklable; raising means that *it* is at fault."""

    def __call__(self, completion: str, task: Task) -> Score: ...
