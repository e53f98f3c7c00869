"""The reward of a run as one target: every part graded by itself, and their weighted sum, which a rollout is paid before shaping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from proctor.audit.declared import counts_last_number
from proctor.core.task import Outcome, Score
from proctor.sandbox.base import Limits
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.grading import Grader, Verdict


class WholeReward:
    """Grades completions by the weighted sum of several parts. A context manager.

    Parts alone can each be sound where their sum is not: a length reward that outweighs the answer. As in training
    (`proctor.verifiers.rewards.Rewards`), a part that is not applicable is left out of the sum and an ERROR of any part leaves no reward at all. A part
    whose check a completion broke is worth 0, the most that a run would pay for it.
    """

    def __init__(self, parts: Sequence[RewardPart], *, num_workers: int | None, timeout_s: float, limits: Limits) -> None:
        """Recognise the signatures of the parts and pack them.

        Args:
            parts: as `Rewards` takes them.
            num_workers: processes a part; None for the number of processors, at most four.
            timeout_s: wall seconds for one completion and part.
            limits: of the workers.

        Raises:
            ConfigError: an unknown signature, or a function that cannot be sent to a worker.
        """
        self._parts = tuple(parts)
        self._graders = [Grader(part.function, name=part.name, num_workers=num_workers, timeout_s=timeout_s, limits=limits) for part in parts]
        self._stack = ExitStack()

    @property
    def graders(self) -> tuple[tuple[RewardPart, Grader], ...]:
        """Every part, with what grades it alone."""
        return tuple(zip(self._parts, self._graders, strict=True))

    @property
    def can_take_messages(self) -> bool:
        """Whether a part may want prompts and completions as messages."""
        return any(grader.can_take_messages for grader in self._graders)

    @property
    def declared(self) -> WholeReward | None:
        """The sum of those parts alone that declare the last number to be the answer, in the same workers; None where none does."""
        chosen = [index for index, part in enumerate(self._parts) if counts_last_number(part.function)]
        if not chosen:
            return None
        alone = WholeReward((), num_workers=None, timeout_s=1.0, limits=Limits())
        alone._parts = tuple(self._parts[index] for index in chosen)
        alone._graders = [self._graders[index] for index in chosen]
        return alone

    def __enter__(self) -> WholeReward:
        for grader in self._graders:
            self._stack.enter_context(grader)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stack.close()

    def renew(self) -> None:
        """Replace the workers of every part."""
        for grader in self._graders:
            grader.renew()

    def grade(self, requests: Sequence[ScoreRequest], *, retry: bool = True) -> list[Verdict]:
        """Grade every request with every part, and add up, in order."""
        by_part = [grader.grade(requests, retry=retry) for grader in self._graders]
        return [self._total(verdicts) for verdicts in zip(*by_part, strict=True)]

    def _total(self, verdicts: Sequence[Verdict]) -> Verdict:
        seconds = math.fsum(verdict.seconds for verdict in verdicts)
        named = list(zip(self._parts, verdicts, strict=True))
        reason = "; ".join(f"{part.name}: {_said(verdict.score)}" for part, verdict in named)
        if any(verdict.score.outcome is Outcome.ERROR for verdict in verdicts):
            return Verdict(Score.error(reason), seconds, None)
        values = [(part.weight, 0.0 if verdict.fault is not None else verdict.score.value) for part, verdict in named]
        terms = [weight * value for weight, value in values if value is not None]
        fault = next((verdict.fault for verdict in verdicts if verdict.fault is not None), None)
        return Verdict(Score(None, math.fsum(terms) if terms else None, reason=reason), seconds, fault)


def _said(score: Score) -> str:
    value = "not applicable" if score.value is None else f"{score.value:g}"
    return f"{value} ({score.reason})" if score.reason else value
