"""Rows of completions to be graded, as JSON lines: `{"completion": ..., "answer": ...}` or `{"completion": ..., "task": {...}}`.

A row that cannot be read is kept with its problem, so that the output has one row for each row of the input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proctor.core.task import Outcome, Task
from proctor.verifiers.adapters import ANSWER_NAMES
from proctor.verifiers.base import ScoreRequest

COMPLETION_NAMES = ("completion", "response")
PROMPT_NAMES = ("prompt", "question", "problem", "instruction")
_INFO_NAMES = ("info", "metadata", "extra_info")


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the input.

    Attributes:
        line: counted from 1.
        id: as the row has it; None where it has none or cannot be read.
        request: what is graded; None where the row cannot be.
        problem: why not.
        expected: what the row says the verdict should be: outcomes, any of which will do; empty where it says nothing.
    """

    line: int
    id: Any
    request: ScoreRequest | None
    problem: str = ""
    expected: frozenset[Outcome] = frozenset()


def read_cases(lines: Iterable[str]) -> Iterator[Case]:
    """Yield a case for every line that is not blank."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield read_case(line, number)


def read_case(line: str, number: int) -> Case:
    """Read one row; what is wrong with it becomes its problem."""
    try:
        row = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Case(number, None, None, f"line {number} is not JSON: {reason}")
    if not isinstance(row, dict):
        return Case(number, None, None, f"line {number} is a {type(row).__name__}, not an object with a completion")
    task = row.get("task")
    given = row["id"] if "id" in row else task.get("id") if isinstance(task, dict) else None
    try:
        expected = _expected(row)
        return Case(number, given, _request(row, number), expected=expected)
    except ValueError as error:
        return Case(number, given, None, f"line {number}: {error}")


def _request(row: dict[str, Any], number: int) -> ScoreRequest:
    name = next((name for name in COMPLETION_NAMES if name in row), None)
    if name is None:
        raise ValueError(f"no completion; give one of {', '.join(COMPLETION_NAMES)}. The row has {', '.join(row) or 'no columns'}")
    completion = _completion(row[name], name)
    task = row.get("task", {})
    if not isinstance(task, Mapping):
        raise ValueError(f"task must be an object with answer, prompt or info, not a {type(task).__name__}")
    columns = {key: value for key, value in row.items() if key not in (name, "task", "id", "expected")} | dict(task)
    info: dict[str, Any] = {}
    for key, value in columns.items():
        info |= value if key in _INFO_NAMES and isinstance(value, dict) else {key: value}
    answer = _first(columns, ANSWER_NAMES)
    prompt = _first(columns, PROMPT_NAMES)
    identity = columns.get("id", row.get("id"))
    return ScoreRequest(
        Task(
            str(number if identity is None else identity),
            prompt if isinstance(prompt, str) else "" if prompt is None else json.dumps(prompt),
            answer,
            info,
            str(columns.get("data_source", "")),
        ),
        completion,
    )


def _completion(value: Any, name: str) -> str:
    """The text of a completion: a string, or the last message of a conversation."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not a {type(value).__name__}")
    return value


def _first(columns: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((columns[name] for name in names if columns.get(name) is not None), None)


def _expected(row: Mapping[str, Any]) -> frozenset[Outcome]:
    """Which outcomes a row expects: a name, true (CORRECT), or false (INCORRECT or UNPARSED)."""
    value = row.get("expected")
    if value is None:
        return frozenset()
    if value is True:
        return frozenset({Outcome.CORRECT})
    if value is False:
        return frozenset({Outcome.INCORRECT, Outcome.UNPARSED})
    if isinstance(value, str) and value.upper() in Outcome.__members__:
        return frozenset({Outcome(value.upper())})
    raise ValueError(f"expected must be true, false or one of {', '.join(Outcome)}, not {value!r}")
