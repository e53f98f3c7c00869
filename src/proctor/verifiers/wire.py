"""How scores cross from a worker to its parent: plain JSON values, checked on arrival.

`Judges` is the handler that runs in the worker (or, with `in_process=True`, in the caller's process).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.core.task import Outcome, Score, StepScore
from proctor.errors import VerifierError
from proctor.verifiers.adapters import score_requests
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.signatures import Signature


@dataclass(frozen=True, slots=True)
class Judge:
    """A reward function that is ready to be called."""

    name: str
    function: Callable[..., Any]
    signature: Signature


@dataclass(frozen=True, slots=True)
class ShippedJudge:
    """The same, with the function pickled by value."""

    name: str
    function: bytes
    signature: Signature


class Judges:
    """Handler of a worker pool: scores the requests of one payload with the part that it names."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self._judges = tuple(judges)

    def __call__(self, payload: tuple[int, tuple[ScoreRequest, ...]]) -> dict[str, Any]:
        """Return `{"scores": [...]}`, or `{"contract": message}` where the function itself is at fault."""
        index, requests = payload
        judge = self._judges[index]
        try:
            return {"scores": [encode(score, name=judge.name) for score in score_requests(judge.function, judge.signature, requests, name=judge.name)]}
        except VerifierError as error:
            return {"contract": str(error)}


class ShippedJudges:
    """What is pickled for the workers; unpickling it there gives `Judges`."""

    def __init__(self, judges: Sequence[ShippedJudge]) -> None:
        self._judges = tuple(judges)

    def __reduce__(self) -> tuple[Callable[..., Judges], tuple[tuple[ShippedJudge, ...]]]:
        return unpack, (self._judges,)


def unpack(shipped: Sequence[ShippedJudge]) -> Judges:
    """Load every function, in the worker.

    Raises:
        VerifierError: one cannot be loaded there (it imports what only its own project can import, say).
    """
    judges: list[Judge] = []
    for one in shipped:
        try:
            judges.append(Judge(one.name, pickle.loads(one.function), one.signature))
        except Exception as error:
            raise VerifierError(f"reward {one.name!r} cannot be loaded in a fresh interpreter: {type(error).__name__}: {error}") from error
    return Judges(judges)


def encode(score: Score, *, name: str) -> list[Any]:
    """Return a score as plain data.

    Raises:
        VerifierError: it is no score, or its fields contradict each other.
    """
    if score.outcome not in (None, Outcome.ERROR) and score.value is None:
        raise VerifierError(f"verifier {name!r} returned {score.outcome.value} without a value")
    if score.outcome is Outcome.ERROR and (score.value is not None or not score.reason):
        raise VerifierError(f"verifier {name!r} returned ERROR with a value or without a reason")
    value = None if score.value is None else float(score.value)
    metrics = {str(key): float(number) for key, number in score.metrics.items()}
    extra = {str(key): str(text) for key, text in score.extra.items()}
    extracted = None if score.extracted is None else str(score.extracted)
    steps = [[int(step.end), float(step.value)] for step in score.steps]
    return [None if score.outcome is None else score.outcome.value, value, extracted, str(score.reason), metrics, extra, steps]


def decode(reply: Any) -> Score:
    """Read what `encode` wrote, trusting nothing.

    Raises:
        ValueError: it is malformed.
    """
    match reply:
        case [
            str() | None as outcome,
            float() | None as value,
            str() | None as extracted,
            str() as reason,
            dict() as metrics,
            dict() as extra,
            list() as steps,
        ]:
            numbers = {str(key): float(number) for key, number in metrics.items()}
            texts = {str(key): str(text) for key, text in extra.items()}
            judged = tuple(StepScore(int(end), float(step_value)) for end, step_value in steps)
            return Score(None if outcome is None else Outcome(outcome), value, extracted, reason, numbers, texts, judged)
        case _:
            raise ValueError("not a score")
