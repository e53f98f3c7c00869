"""Verifiers made of verifiers: one that counts only where another agrees, and one that remembers.

Sums with weights are `proctor.verifiers.rewards`. A part that is missing or not finite never vanishes: an ERROR of any part is an ERROR of the
whole, and a value that is not finite raises.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from proctor.core.task import Outcome, Score, Task, Verifier
from proctor.errors import ConfigError, TaskError, VerifierError

MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True)
class Gate:
    """The verifier's score where every condition is CORRECT; otherwise the first failing condition's verdict, worth 0.

    `Gate(conditions=(FormatVerifier(),), verifier=MathVerifier())` is the reward of R1-style training: accuracy counts only if the format
    parses, and the format alone pays nothing. `Gate(conditions=(MathVerifier(),), verifier=judge)` lets a judge veto what a rule
    accepts, never grant what it refuses.

    Attributes:
        conditions: verifiers or their names; all must say CORRECT. Asked in order, up to the first that does not.
        verifier: whose score counts; asked only where they do.
    """

    conditions: tuple[Verifier, ...]
    verifier: Verifier

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(_as_verifier(condition) for condition in self.conditions))
        object.__setattr__(self, "verifier", _as_verifier(self.verifier))
        if not self.conditions:
            raise ConfigError("a gate needs at least one condition")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion."""
        for condition in self.conditions:
            score = checked(condition(completion, task), condition)
            if score.outcome is Outcome.ERROR:
                return score
            if score.outcome is not Outcome.CORRECT:
                return replace(score, outcome=score.outcome or Outcome.INCORRECT, value=0.0, reason=f"{_name(condition)}: {score.reason or 'not correct'}")
        return checked(self.verifier(completion, task), self.verifier)

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT: the gold of the first part whose gold satisfies all of them.

        Raises:
            TaskError: none does.
        """
        makers = [maker for part in (*self.conditions, self.verifier) if callable(maker := getattr(part, "gold", None))]
        candidates = [str(maker(task)) for maker in makers] or [f"<think>because</think><answer>{task.answer}</answer>"]
        for candidate in candidates:
            if self(candidate, task).outcome is Outcome.CORRECT:
                return candidate
        raise TaskError(f"task {task.id}: no gold completion passes all parts of the gate; tried {', '.join(repr(one[:80]) for one in candidates)}")

    def self_test(self) -> None:
        """Let every part that can (a judge) show that it is not fooled cheaply."""
        for part in (*self.conditions, self.verifier):
            if callable(test := getattr(part, "self_test", None)):
                test()


def checked(score: Score, verifier: Any) -> Score:
    """Return a score whose fields agree.

    Raises:
        VerifierError: an outcome without a value, or a value that is not finite.
    """
    if not isinstance(score, Score):
        raise VerifierError(f"{_name(verifier)} returned {type(score).__name__}, not a Score; only verifiers can be composed")
    if score.outcome is Outcome.ERROR:
        return score
    if score.value is None or not math.isfinite(score.value):
        raise VerifierError(f"{_name(verifier)} returned the value {score.value}; a part that is missing or not finite cannot be left out")
    return score


class Cached:
    """A verifier that remembers its verdicts by task and completion. For slow ones whose verdict is always the same: a judge, a proof.

    Errors are not remembered. The memory is the process's own, and starts empty where it is sent to a worker.
    """

    def __init__(self, verifier: Verifier, *, max_entries: int = MAX_CACHED) -> None:
        """Wrap a verifier.

        Args:
            verifier: deterministic, or its first verdict is kept.
            max_entries: the entries used least recently are dropped beyond it.
        """
        if max_entries < 1:
            raise ConfigError(f"max_entries must be at least 1, not {max_entries}")
        self._verifier = _as_verifier(verifier)
        self._max_entries = max_entries
        self._scores: OrderedDict[str, Score] = OrderedDict()
        self.hits = 0
        gold: Callable[[Task], str] | None = getattr(self._verifier, "gold", None)
        if gold is not None:
            self.gold = gold

    def __reduce__(self) -> tuple[Callable[..., Cached], tuple[Verifier, int]]:
        return _cached, (self._verifier, self._max_entries)

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion, or repeat the verdict on it."""
        key = cache_key(_name(self._verifier), repr(self._verifier), completion, task)
        if key in self._scores:
            self.hits += 1
            self._scores.move_to_end(key)
            return self._scores[key]
        score = self._verifier(completion, task)
        if not score.is_error:
            self._scores[key] = score
            if len(self._scores) > self._max_entries:
                self._scores.popitem(last=False)
        return score


def _cached(verifier: Verifier, max_entries: int) -> Cached:
    return Cached(verifier, max_entries=max_entries)


def cache_key(*parts: Any) -> str:
    """Return a digest of verifier, completion and task that differs whenever one of them does: names, answers and every column enter it."""
    plain = [[part.id, part.source, [m.as_dict() for m in part.messages], part.answer, dict(part.info)] if isinstance(part, Task) else part for part in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=repr).encode()).hexdigest()


def _as_verifier(part: Any) -> Any:
    """A verifier as it is, or what its short name makes."""
    if isinstance(part, str):
        from proctor.verifiers.names import make_verifier

        return make_verifier(part, {})
    if not callable(part):
        raise ConfigError(f"a verifier must be callable or the name of one, not {type(part).__name__}")
    return part


def _name(verifier: Any) -> str:
    return getattr(verifier, "__name__", None) or type(verifier).__name__
