"""Scores completions with several verifiers and reward functions, and decides whom to blame when one fails.

The functions run in killable workers (`proctor.sandbox`). A failure of the checker is never a score: what a completion
may have caused is retried once, alone, in a fresh worker, and then held against it; what it cannot have caused is an
ERROR; a function that fails on everything stops the run. Nothing here shapes or normalises rewards.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import pickle
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, SandboxError, TaskError, VerifierError
from proctor.sandbox.base import Counters, Fault, FaultKind, Limits, Workers
from proctor.sandbox.inline import InProcess
from proctor.sandbox.shipping import ship
from proctor.sandbox.workers import WorkerPool, default_num_workers
from proctor.verifiers.base import RewardPart, ScoreRequest, ScorerPart
from proctor.verifiers.signatures import detect
from proctor.verifiers.wire import Judge, Judges, ShippedJudge, ShippedJudges, decode

__all__ = ["RewardPart", "Rewards", "ScoreRequest"]

NUM_PROBED_TASKS = 3
MAX_LISTED_FAILURES = 5


MAX_VALUE = 1e30
"""A value beyond it is a fault like NaN: sums and variances of such numbers overflow."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class _Job:
    """One payload: a part, and the requests that one call of it scores."""

    part: int
    members: tuple[int, ...]


class Rewards:
    """The reward of a run: named parts, each scored in workers, combined by a weighted sum. A context manager."""

    def __init__(
        self,
        parts: Sequence[RewardPart],
        *,
        num_workers: int | None = None,
        timeout_s: float = 10.0,
        in_process: bool = False,
        limits: Limits | None = None,
        scorers: Sequence[ScorerPart] = (),
    ) -> None:
        """Recognise every function's signature and pack it for the workers; none is started yet.

        Args:
            parts: at least one, with distinct names.
            num_workers: processes; None for the number of processors, at most four.
            timeout_s: wall seconds for one call of a function: one completion, or a batched function's whole batch. A verifier that runs
                programs may need more, and says so itself by an attribute `max_wall_s`.
            in_process: run the functions in this process, without time or memory limits.
            limits: further limits of the workers; their `wall_s` is `timeout_s`.
            scorers: parts that a model of this process computes, such as a reward model; they run no foreign code.

        Raises:
            ConfigError: no parts, names that repeat, an unknown signature, or a function that cannot be sent to a worker.
        """
        names = [part.name for part in (*parts, *scorers)]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"a reward needs one or more parts with distinct names; given: {', '.join(names) or 'none'}")
        if not timeout_s > 0:
            raise ConfigError(f"timeout_s must be positive, not {timeout_s}")
        if wrong := [part for part in parts if not math.isfinite(part.weight)]:
            raise ConfigError(f"the weight of reward {wrong[0].name!r} must be a finite number, not {wrong[0].weight}")
        self._parts = tuple(parts)
        self._scorers = tuple(scorers)
        self._judges = [Judge(part.name, part.function, detect(part.function, name=part.name)) for part in parts]
        self.source_hashes: dict[str, str] = {}
        self.faults: Counter[str] = Counter()
        base = limits or Limits()
        wall_s = max([timeout_s, *(float(getattr(part.function, "max_wall_s", 0.0)) for part in parts)])
        bounded = replace(base, wall_s=wall_s)
        self._workers = self._in_process() if in_process else self._pool(num_workers or default_num_workers(), bounded)

    def _in_process(self) -> Workers:
        self.source_hashes.update({part.name: _source_hash(part.function, None) for part in self._parts})
        return InProcess(Judges(self._judges))

    def _pool(self, num_workers: int, limits: Limits) -> Workers:
        shipped = [ShippedJudge(judge.name, ship(judge.function, name=f"reward {judge.name!r}"), judge.signature) for judge in self._judges]
        self.source_hashes.update({part.name: _source_hash(part.function, one.function) for part, one in zip(self._parts, shipped, strict=True)})
        return WorkerPool(num_workers, limits=limits, setup=pickle.dumps(ShippedJudges(shipped)))

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each part, by name."""
        return {part.name: part.weight for part in (*self._parts, *self._scorers)}

    def gold(self, task: Task) -> str | None:
        """The completion that the first verifier which knows one declares CORRECT for a task; None where none does."""
        known = (getattr(part.function, "gold", None) for part in self._parts)
        golds = (gold(task) for gold in known if callable(gold))
        return next((str(text) for text in golds if text is not None), None)

    @property
    def scorers(self) -> tuple[ScorerPart, ...]:
        """The parts that a model of this process computes."""
        return self._scorers

    @property
    def counters(self) -> Counters:
        """What happened in the workers; `faults` counts, by part, the completions that a fault was held against."""
        return self._workers.counters

    def __enter__(self) -> Rewards:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers."""
        self._workers.close()

    def score(self, requests: Sequence[ScoreRequest]) -> list[dict[str, Score]]:
        """Score every request with every part. Blocks; may be called from several threads.

        Args:
            requests: completions, of one or of several tasks.

        Returns:
            For each request its scores by part name. A value of None with no outcome means "not applicable".

        Raises:
            VerifierError: a function broke its contract (wrong number of values, not a number), or failed on every
                one of two or more requests.
        """
        first = self._run([job for part in range(len(self._parts)) for job in self._jobs(part, len(requests))], requests)
        suspects = [key for key, end in first.items() if isinstance(end, Fault)]
        if suspects:
            self._workers.renew()
            first |= self._run([_Job(part, (index,)) for part, index in suspects], requests)
        table = self._judge(first, requests)
        for part in self._scorers:
            for row, value in zip(table, part.scorer.score(requests), strict=True):
                row[part.name] = Score(None, value)
        return table

    def combine(self, scores: Mapping[str, Score]) -> float | None:
        """Return the weighted sum of the values, parts that are not applicable left out.

        None if any part is an ERROR, or none is applicable: there is no reward then. It is a sum, never a mean, so a part
        that is left out changes no denominator.

        Raises:
            VerifierError: a part is missing, has an outcome without a value, or a value that is not finite.
        """
        if any(score.is_error for score in scores.values()):
            return None
        for name in self.weights:
            score = scores.get(name)
            if score is None or (score.value is None and score.outcome is not None) or not math.isfinite(score.value or 0.0):
                raise VerifierError(
                    f"part {name!r} of the reward is {'missing' if score is None else f'worth {score.value}'}; it cannot be left out of the sum"
                )
        terms = [part.weight * value for part in (*self._parts, *self._scorers) if (value := scores[part.name].value) is not None]
        return math.fsum(terms) if terms else None

    def check_gold(self, tasks: Sequence[Task]) -> None:
        """Find broken tasks and broken reward functions before training.

        A verifier with a method `gold(task) -> str` must score that text CORRECT for every task for which it is not None. Any other function is
        called once on the first few tasks, with the reference answer as the completion, only to see that it keeps its
        contract. A verifier with a method `self_test()` (a judge) is asked first to show that it cannot be fooled cheaply.

        Raises:
            TaskError: gold answers that do not verify: how many, the first few ids and why.
            SandboxError: no worker can be started.
            VerifierError: a reward function raises, hangs, or returns what is not a number.
        """
        for index, part in enumerate(self._parts):
            gold, self_test = getattr(part.function, "gold", None), getattr(part.function, "self_test", None)
            if callable(self_test):
                self_test()
            if callable(gold):
                self._check_verifier(index, tasks, gold)
            else:
                self._probe(index, tasks[:NUM_PROBED_TASKS])

    def gold_failures(self, tasks: Sequence[Task]) -> list[str | None]:
        """Say of each task why its gold answer is not CORRECT by some verifier that knows one; None where it is.

        Raises:
            SandboxError: no worker can be started.
        """
        reasons: list[str | None] = [None] * len(tasks)
        for index, part in enumerate(self._parts):
            gold = getattr(part.function, "gold", None)
            if callable(gold):
                for place, reason in self._failed_golds(index, tasks, gold).items():
                    reasons[place] = reasons[place] or reason
        return reasons

    def _failed_golds(self, part: int, tasks: Sequence[Task], gold: Callable[[Task], Any]) -> dict[int, str]:
        """Place in `tasks` -> why the gold answer there does not verify: those that cannot be written first, then those that are not CORRECT."""
        failures: dict[int, str] = {}
        places: list[int] = []
        requests: list[ScoreRequest] = []
        for place, task in enumerate(tasks):
            try:
                text = gold(task)
                if text is not None:
                    places.append(place)
                    requests.append(ScoreRequest(task, str(text)))
            except Exception as error:  # a verifier of the user may raise anything here
                failures[place] = str(error) if isinstance(error, TaskError) else f"gold() raised {type(error).__name__}: {error}"
        for (_, index), end in self._run(self._jobs(part, len(requests)), requests).items():
            if isinstance(end, Fault) and end.kind is FaultKind.WORKER:
                raise SandboxError(f"the gold answers could not be checked: {end.reason}")
            if isinstance(end, Fault) or end.outcome is not Outcome.CORRECT:
                failures[places[index]] = f"gold answer {str(requests[index].task.answer)[-60:]!r} scores {_verdict(end)}"
        return failures

    def _check_verifier(self, part: int, tasks: Sequence[Task], gold: Callable[[Task], Any]) -> None:
        failures = [(tasks[place].id, reason) for place, reason in self._failed_golds(part, tasks, gold).items()]
        if failures:
            listed = "\n".join(f"  task {task_id}: {reason}" for task_id, reason in failures[:MAX_LISTED_FAILURES])
            more = f"\n  and {len(failures) - MAX_LISTED_FAILURES} more" if len(failures) > MAX_LISTED_FAILURES else ""
            raise TaskError(
                f"{len(failures)} of {len(tasks)} gold answers do not verify with {self._parts[part].name!r}:\n{listed}{more}\n"
                "Correct or drop these tasks, or choose a verifier that reads such answers."
            )

    def _probe(self, part: int, tasks: Sequence[Task]) -> None:
        requests = [ScoreRequest(task, "" if task.answer is None else str(task.answer)) for task in tasks]
        for (_, index), end in self._run(self._jobs(part, len(requests)), requests).items():
            if isinstance(end, Fault):
                given = repr(requests[index].completion[:60])
                raise VerifierError(f"reward {self._parts[part].name!r} failed on task {requests[index].task.id} with the completion {given}: {end.reason}")

    def _jobs(self, part: int, num_requests: int) -> list[_Job]:
        everything = range(num_requests)
        if self._judges[part].signature.convention.is_batched:
            return [_Job(part, tuple(everything))] if num_requests else []
        return [_Job(part, (index,)) for index in everything]

    def _run(self, jobs: Sequence[_Job], requests: Sequence[ScoreRequest]) -> dict[tuple[int, int], Score | Fault]:
        """Run jobs once; return a score or a fault for each (part, request)."""
        ends = self._workers.map([(job.part, tuple(requests[index] for index in job.members)) for job in jobs])
        found: dict[tuple[int, int], Score | Fault] = {}
        for job, end in zip(jobs, ends, strict=True):
            scores = [end] * len(job.members) if isinstance(end, Fault) else _read(end.value, len(job.members))
            found.update({(job.part, index): score for index, score in zip(job.members, scores, strict=True)})
        return found

    def _judge(self, ends: Mapping[tuple[int, int], Score | Fault], requests: Sequence[ScoreRequest]) -> list[dict[str, Score]]:
        """Turn what is still a fault into a verdict."""
        table: list[dict[str, Score]] = [{} for _ in requests]
        for part, (name, weight) in enumerate((part.name, part.weight) for part in self._parts):
            column = [ends[part, index] for index in range(len(requests))]
            blamed = [end for end in column if isinstance(end, Fault) and end.kind is not FaultKind.WORKER]
            if len(blamed) == len(column) >= 2:
                raise VerifierError(f"reward {name!r} failed on every one of {len(column)} completions: {blamed[0].reason}")
            for index, end in enumerate(column):
                table[index][name] = self._hold_against(name, end, _worst(column, requests, index, weight)) if isinstance(end, Fault) else end
        return table

    def _hold_against(self, name: str, fault: Fault, worst: float) -> Score:
        if fault.kind is FaultKind.WORKER:
            return Score.error(fault.reason)
        self.faults[name] += 1
        return Score(Outcome.INCORRECT, worst, reason=f"{fault.kind.value}, twice: {fault.reason}")


def _read(reply: Any, num_members: int) -> list[Score | Fault]:
    """Read the reply to one job.

    Raises:
        VerifierError: it reports a broken contract.
    """
    if isinstance(reply, dict) and "contract" in reply:
        raise VerifierError(str(reply["contract"]))
    try:
        scores = [decode(score) for score in reply["scores"]]
    except (ValueError, TypeError, KeyError):
        return [Fault(FaultKind.OUTPUT, "the worker's reply is malformed")] * num_members
    if len(scores) != num_members:
        return [Fault(FaultKind.OUTPUT, "the worker's reply is incomplete")] * num_members
    return [score if score.value is None or abs(score.value) <= MAX_VALUE else Fault(FaultKind.RAISE, f"returned {score.value}") for score in scores]


def _worst(column: Sequence[Score | Fault], requests: Sequence[ScoreRequest], index: int, weight: float) -> float:
    """The value, among those of the same task in the same call and zero, that pays least under the weight: breaking the checker never pays."""
    task_id = requests[index].task.id
    same_task = [end for end, request in zip(column, requests, strict=True) if request.task.id == task_id]
    values = [0.0, *(end.value for end in same_task if isinstance(end, Score) and end.value is not None)]
    return min(values) if weight >= 0 else max(values)


def _verdict(end: Score | Fault) -> str:
    if isinstance(end, Fault):
        return f"no verdict ({end.reason})"
    outcome = "no outcome" if end.outcome is None else end.outcome.value
    return f"{outcome} ({end.reason})" if end.reason else outcome


def _source_hash(function: Callable[..., Any], shipped: bytes | None) -> str:
    """Return the SHA-256 of a function's source text and, for an object, of its fields; of its pickle where there is no source."""
    is_object = not (inspect.isroutine(function) or inspect.isclass(function))
    try:
        text = inspect.getsource(type(function) if is_object else function) + (_ADDRESS.sub("", repr(function)) if is_object else "")
    except (OSError, TypeError):
        return hashlib.sha256(shipped or repr(function).encode()).hexdigest()
    return hashlib.sha256(text.encode()).hexdigest()


def as_part(function: Callable[..., Any], *, name: str | None = None, weight: float = 1.0) -> RewardPart:
    """Return a part for a bare function or verifier, named after it unless told otherwise.

    Raises:
        ConfigError: it is not callable.
    """
    if not callable(function):
        raise ConfigError(f"a reward must be a function or a verifier, not {type(function).__name__}")
    found = name or getattr(function, "__name__", None) or type(function).__name__
    return RewardPart(found, function, weight)
