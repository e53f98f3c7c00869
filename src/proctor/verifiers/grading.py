"""Grades completions one by one with one verifier, outside of any run: every request gets a verdict, and none stops the rest.

What `proctor verify` and `proctor audit` stand on. Runs in the same killable workers as training (`proctor.verifiers.rewards`), with the same
rule of blame; but where a run would stop (a task that is broken, a function that breaks its contract), the verdict is ERROR
with the reason, and the next request is graded.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from proctor.core.task import Outcome, Score
from proctor.errors import ConfigError, TaskError, VerifierError
from proctor.sandbox.base import Fault, FaultKind, Limits, Result
from proctor.sandbox.shipping import ship
from proctor.sandbox.workers import WorkerPool, default_num_workers
from proctor.verifiers.adapters import score_requests
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.rewards import MAX_VALUE
from proctor.verifiers.signatures import Convention, detect
from proctor.verifiers.wire import Judge, ShippedJudge, decode, encode


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one request.

    Attributes:
        score: never without a reason where it is an ERROR.
        seconds: wall time of the check, measured in the worker; the limit, where it was killed there.
        fault: what ended the last try, where no score came back.
    """

    score: Score
    seconds: float
    fault: FaultKind | None = None


class Grader:
    """One verifier or reward function in killable workers. A context manager."""

    def __init__(
        self, function: Callable[..., Any], *, name: str, num_workers: int | None = None, timeout_s: float = 10.0, limits: Limits | None = None
    ) -> None:
        """Recognise the function's signature and pack it; nothing is started yet.

        Args:
            function: a verifier, or a function with one of the signatures of `proctor.verifiers.signatures`.
            name: for messages.
            num_workers: processes; None for the number of processors, at most four.
            timeout_s: wall seconds for one completion. A verifier that runs programs may need more, and says so itself by an attribute `max_wall_s`.
            limits: further limits of the workers; their `wall_s` is the larger of the two.

        Raises:
            ConfigError: an unknown signature, or a function that cannot be sent to a worker.
        """
        if not timeout_s > 0:
            raise ConfigError(f"the timeout must be positive, not {timeout_s}")
        self.signature = detect(function, name=name)
        self._timeout_s = max(timeout_s, float(getattr(function, "max_wall_s", 0.0)))
        setup = pickle.dumps(_Shipped(ShippedJudge(name, ship(function, name=f"verifier {name!r}"), self.signature)))
        self._workers = WorkerPool(num_workers or default_num_workers(), limits=replace(limits or Limits(), wall_s=self._timeout_s), setup=setup)

    @property
    def can_take_messages(self) -> bool:
        """Whether the function may want prompts and completions as messages, as TRL's do for chats."""
        return self.signature.convention is Convention.TRL

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._workers.close()

    def renew(self) -> None:
        """Replace the workers: what follows runs in interpreters that have seen nothing."""
        self._workers.renew()

    def grade(self, requests: Sequence[ScoreRequest], *, retry: bool = True) -> list[Verdict]:
        """Grade every request, in order.

        Args:
            requests: completions with their tasks; a batched function sees them one at a time.
            retry: try what faulted once more, in fresh workers, before it is held against the completion.
        """
        ends = self._workers.map(list(requests))
        faulted = [index for index, end in enumerate(ends) if isinstance(end, Fault)] if retry else []
        if faulted:
            self._workers.renew()
            for index, end in zip(faulted, self._workers.map([requests[index] for index in faulted]), strict=True):
                ends[index] = end
        return [self._verdict(end, is_second=retry) for end in ends]

    def _verdict(self, end: Result | Fault, *, is_second: bool) -> Verdict:
        if isinstance(end, Result):
            return _read(end.value)
        seconds = self._timeout_s if end.kind is FaultKind.TIMEOUT else 0.0
        if end.kind is FaultKind.WORKER:
            return Verdict(Score.error(end.reason), seconds, end.kind)
        return Verdict(Score.incorrect(reason=f"{end.kind.value}{', twice' if is_second else ''}: {end.reason}"), seconds, end.kind)


def _read(reply: Any) -> Verdict:
    """Read a worker's reply, trusting nothing."""
    match reply:
        case {"seconds": float() as seconds, "error": str() as reason}:
            return Verdict(Score.error(reason[:2000] or "the verifier gave no reason"), seconds)
        case {"seconds": float() as seconds, "score": encoded}:
            try:
                score = decode(encoded)
            except ValueError:
                return Verdict(Score.incorrect(reason="the worker's reply is malformed"), seconds, FaultKind.OUTPUT)
            if score.value is not None and not abs(score.value) <= MAX_VALUE:
                return Verdict(Score.incorrect(reason=f"the verifier returned {score.value}"), seconds, FaultKind.RAISE)
            return Verdict(score, seconds)
        case _:
            return Verdict(Score.incorrect(reason="the worker's reply is malformed"), 0.0, FaultKind.OUTPUT)


class _Shipped:
    """What is pickled for the workers; unpickling it there gives a `_Handler`."""

    def __init__(self, judge: ShippedJudge) -> None:
        self._judge = judge

    def __reduce__(self) -> tuple[Callable[..., _Handler], tuple[ShippedJudge]]:
        return _unpack, (self._judge,)


def _unpack(shipped: ShippedJudge) -> _Handler:
    try:
        return _Handler(Judge(shipped.name, pickle.loads(shipped.function), shipped.signature))
    except Exception as error:
        raise VerifierError(f"{shipped.name!r} cannot be loaded in a fresh interpreter: {type(error).__name__}: {error}") from error


class _Handler:
    """Scores one request in the worker and says how long it took; a broken task or contract is an error of its own."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, request: ScoreRequest) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            (score,) = score_requests(self._judge.function, self._judge.signature, [request], name=self._judge.name)
            seconds = time.perf_counter() - began
            return {"seconds": seconds, "score": encode(score, name=self._judge.name)}
        except (TaskError, VerifierError, ConfigError) as error:
            return {"seconds": time.perf_counter() - began, "error": str(error)}


def is_paid(score: Score) -> bool:
    """Whether a score says "right": CORRECT, or, from a function that gives no outcomes, a value of at least 1."""
    return score.outcome is Outcome.CORRECT if score.outcome is not None else score.value is not None and score.value >= 1.0
