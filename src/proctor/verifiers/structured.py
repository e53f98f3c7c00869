"""Verifies answers that are JSON: well-formed, valid against the task's schema, equal to its reference.

Schemas are the task's and trusted; nothing is fetched for them. Values are compared with their types: `true` is not 1, and "1" is not 1.
Needs the extra `json` where a task has a schema.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.blocks import fenced, fenced_whole, tagged
from proctor.verifiers.extraction import after_reasoning

MAX_CHARS = 200_000
_FENCES = ("", "json")
_FORMATS_OF_JSONSCHEMA = ("date", "ipv4", "ipv6", "regex", "uuid")  # those for which it needs no other package
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[-+]\d\d:\d\d)", re.ASCII)
_NOTHINGS: tuple[Any, ...] = (None, {}, [], "", 0, False)


@dataclass(frozen=True, slots=True)
class JsonVerifier:
    """CORRECT if the answer is one JSON value that satisfies `info["schema"]` and equals `task.answer`, where the task has them.

    The answer stands in `<answer>`, else in the only code fence, else it is the whole text. Keys that repeat, NaN, Infinity, numbers too
    large for a float and text around the value are refused, so that two readers cannot read two things. A reference that is null is
    written as the text "null".

    Of the `format`s that a schema may name, `date`, `date-time`, `email`, `ipv4`, `ipv6`, `regex`, `uri` and `uuid` are checked; others allow any text.
    """

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has neither schema nor answer, or its schema is malformed or satisfied by anything.
            ConfigError: the package jsonschema is missing.
        """
        validator, gold, has_gold = _requirements(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        found = tagged(text, "answer") or fenced(text, _FENCES) or [text.strip()]
        shown = found[-1]
        if len(set(found)) > 1:
            return Score.incorrect(shown[:1000], "conflicting answers")
        try:
            value = read_json(fenced_whole(shown, _FENCES))
        except ValueError as error:
            return Score.unparsed(f"not JSON: {error}")
        problem = next(iter(validator.iter_errors(value)), None) if validator is not None else None
        if problem is not None:
            path = "/".join(str(step) for step in problem.absolute_path)
            return Score.incorrect(shown[:1000], f"at {path or 'the top'}: {problem.message[:200]}")
        if has_gold and not same_json(value, gold):
            return Score.incorrect(shown[:1000], "valid, but not the reference value")
        return Score.correct(shown[:1000])

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT: the reference value, or the schema's first example."""
        _, gold, has_gold = _requirements(task)
        schema = task.info.get("schema")
        if not has_gold and isinstance(schema, Mapping) and schema.get("examples"):
            return json.dumps(schema["examples"][0])
        if not has_gold:
            raise TaskError(f"task {task.id} has a schema but no reference value: give `answer`, or `examples` in the schema, so that it can be checked")
        return json.dumps(gold)


def read_json(text: str) -> Any:
    """Read one JSON value strictly.

    Raises:
        ValueError: too long, nested too deeply, repeated keys, NaN, Infinity or a number that a float cannot hold, or not JSON.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"longer than {MAX_CHARS} characters")
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: numbers by value, booleans and numbers apart, order only in arrays."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same_json(mine, theirs) for mine, theirs in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def _requirements(task: Task) -> tuple[Any, Any, bool]:
    """The task's schema as a validator (or None), its reference value, and whether it has one."""
    schema = task.info.get("schema")
    gold, has_gold = task.answer, task.answer is not None
    if isinstance(gold, str):
        try:
            gold = read_json(gold)
        except ValueError as error:
            raise TaskError(f"the answer {gold[:80]!r} of task {task.id} is not JSON ({error}); a text needs its quotes") from error
    if schema is None and not has_gold:
        raise TaskError(f'task {task.id} has neither info["schema"] nor an answer: nothing could be verified')
    validator = None if schema is None else _validator(schema, task)
    if validator is not None and not has_gold and all(validator.is_valid(nothing) for nothing in _NOTHINGS):
        raise TaskError(f"the schema of task {task.id} is satisfied by anything; require something")
    return validator, gold, has_gold


def _validator(schema: Any, task: Task) -> Any:
    try:
        import jsonschema
        import referencing
        from jsonschema.validators import validator_for
    except ImportError as error:
        raise ConfigError("JSON schemas need the package jsonschema: pip install 'proctor[json]'") from error
    if isinstance(schema, str):
        try:
            schema = read_json(schema)
        except ValueError as error:
            raise TaskError(f"the schema of task {task.id} is not JSON: {error}") from error
    kind = validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise TaskError(f"the schema of task {task.id} is malformed: {error.message[:200]}") from error
    checker = jsonschema.FormatChecker(formats=_FORMATS_OF_JSONSCHEMA)
    for name, matches in (("email", _EMAIL.fullmatch), ("uri", _URI.fullmatch), ("date-time", _is_instant)):
        checker.checks(name)(lambda value, matches=matches: not isinstance(value, str) or bool(matches(value)))
    # an empty registry: remote references fail instead of being fetched
    return kind(schema, registry=referencing.Registry(), format_checker=checker)


def _is_instant(text: str) -> bool:
    """Whether a text is a date with a time and a time zone, as RFC 3339 writes them, that exists."""
    if _DATE_TIME.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True
