"""The reward of a run as one target: every part graded by itself, and their weighted sum, which is what the policy is paid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from proctor.core.task import Outcome, Score
from proctor.errors import ConfigError
from proctor.sandbox.base import Limits
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.grading import Grader, Verdict


class WholeReward:
    """Grades completions by the weighted sum of several parts. A context manager.

    Parts alone can each be sound where their sum is not: a format that pays as much as the answer, a length reward that outweighs both. As in
    training (`proctor.verifiers.rewards.Rewards.combine`), a part that is not applicable is left out of the sum, and an ERROR of any part leaves no
    reward at all.
    """

    def __init__(self, parts: Sequence[RewardPart], *, num_workers: int | None, timeout_s: float, limits: Limits) -> None:
        """Recognise the signatures of the parts and pack them.

        Args:
            parts: at least one, with different names.
            num_workers: processes a part; None for the number of processors, at most four.
            timeout_s: wall seconds for one completion and part.
            limits: of the workers.

        Raises:
            ConfigError: no part, an unknown signature, or a function that cannot be sent to a worker.
        """
        if not parts:
            raise ConfigError("there is no reward function to audit")
        self._parts = tuple(parts)
        self._graders = [Grader(part.function, name=part.name, num_workers=num_workers, timeout_s=timeout_s, limits=limits) for part in parts]
        self._stack = ExitStack()

    @property
    def can_take_messages(self) -> bool:
        """Whether a part may want prompts and completions as messages."""
        return any(grader.can_take_messages for grader in self._graders)

    @property
    def counts_last_number(self) -> bool:
        """Whether a part declares that the last number is the answer."""
        return any(counts_last_number(part.function) for part in self._parts)

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
        fault = next((verdict.fault for verdict in verdicts if verdict.fault is not None), None)
        named = list(zip(self._parts, verdicts, strict=True))
        reason = "; ".join(f"{part.name}: {_said(verdict.score)}" for part, verdict in named)
        if any(verdict.score.outcome is Outcome.ERROR for verdict in verdicts):
            return Verdict(Score.error(reason), seconds, fault)
        terms = [part.weight * verdict.score.value for part, verdict in named if verdict.score.value is not None]
        return Verdict(Score(None, math.fsum(terms) if terms else None, reason=reason), seconds, fault)


def counts_last_number(function: Callable[..., Any]) -> bool:
    """Whether a function declares that the last number of a completion is its answer, as the verifier `number` does."""
    return bool(getattr(function, "counts_last_number", False))


def _said(score: Score) -> str:
    value = "not applicable" if score.value is None else f"{score.value:g}"
    return f"{value} ({score.reason})" if score.reason else value
