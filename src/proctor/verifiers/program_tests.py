"""Reads the hidden tests of a programming task, in the shapes that public data sets use.

A task keeps them in `task.info["tests"]` (also `test_cases`, `input_output`), or else in `task.answer`:

- a list of `{"input": ..., "output": ...}`;
- `{"inputs": [...], "outputs": [...]}`, with `"fn_name"` for tests of a function (APPS, TACO, LiveCodeBench as prepared by others);
- a list of strings `"assert f(1, 2) == 3"` (MBPP): a call of one function with literals, compared with a literal;
- any of these as JSON text.

Without a function name (there, or as `fn_name`, `func_name` or `entry_point` in `task.info`) input and output are text: standard input and
output. With one, the input is the list of arguments, or text with one JSON value a line; the output is the value, or JSON
text where the input is text.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.core.task import Task
from proctor.errors import TaskError

FIELDS = ("tests", "test_cases", "input_output")
FUNCTION_FIELDS = ("fn_name", "func_name", "entry_point")


@dataclass(frozen=True, slots=True)
class StdinTest:
    """The program reads `stdin` and must write `expected`."""

    stdin: str
    expected: str


@dataclass(frozen=True, slots=True)
class CallTest:
    """The function, given `arguments`, must return `expected`."""

    arguments: tuple[Any, ...]
    expected: Any


@dataclass(frozen=True, slots=True)
class ProgramTests:
    """All tests of a task, of one kind.

    Attributes:
        function: what to call; None for tests of a whole program.
        tests: at least one.
    """

    function: str | None
    tests: tuple[StdinTest, ...] | tuple[CallTest, ...]


def read_tests(task: Task, *, unwrap_outputs: bool = False) -> ProgramTests:
    """Return the tests of a task.

    Args:
        task: with its tests in one of the shapes above.
        unwrap_outputs: the expected value of a call stands in a list of one (APPS).

    Raises:
        TaskError: there are none, or they cannot be read.
    """
    found = next((task.info[name] for name in FIELDS if task.info.get(name)), task.answer)
    tests = _parsed(found, task)
    function = next((task.info[name] for name in FUNCTION_FIELDS if task.info.get(name)), None)
    if isinstance(tests, Mapping):
        function = next((tests[name] for name in FUNCTION_FIELDS if tests.get(name)), function)
        tests = _paired(tests, task)
    if not isinstance(tests, Sequence) or isinstance(tests, (str, bytes)) or not tests:
        raise TaskError(f"task {task.id} has no tests; it needs a list of {{input, output}} in info['tests']")
    if all(isinstance(test, str) for test in tests):
        return _asserted(tests, task)
    pairs = [_pair(test, task) for test in tests]
    function = next((test[name] for test in tests for name in FUNCTION_FIELDS if test.get(name)), function)
    if function is None:
        return ProgramTests(None, tuple(StdinTest(_text(given, task), _text(expected, task)) for given, expected in pairs))
    return ProgramTests(str(function), tuple(_call(given, expected, task, unwrap_outputs) for given, expected in pairs))


def _parsed(found: Any, task: Task) -> Any:
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"the tests of task {task.id} are text but not JSON: {error}") from None


def _paired(tests: Mapping[str, Any], task: Task) -> list[dict[str, Any]]:
    inputs, outputs = tests.get("inputs", tests.get("input")), tests.get("outputs", tests.get("output"))
    if not isinstance(inputs, Sequence) or not isinstance(outputs, Sequence) or len(inputs) != len(outputs):
        raise TaskError(f"the tests of task {task.id} need as many 'inputs' as 'outputs'; given: {', '.join(map(str, tests)) or 'nothing'}")
    return [{"input": given, "output": expected} for given, expected in zip(inputs, outputs, strict=True)]


def _pair(test: Any, task: Task) -> tuple[Any, Any]:
    if not isinstance(test, Mapping) or "input" not in test or "output" not in test:
        raise TaskError(f"a test of task {task.id} is no object with 'input' and 'output': {str(test)[:80]}")
    return test["input"], test["output"]


def _text(value: Any, task: Task) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    raise TaskError(f"task {task.id} names no function, so its tests must be text, not {type(value).__name__}: {str(value)[:80]}")


def _call(given: Any, expected: Any, task: Task, unwrap_outputs: bool) -> CallTest:
    try:
        if isinstance(given, str):
            arguments = tuple(json.loads(line) for line in given.splitlines() if line.strip())
            return CallTest(arguments, json.loads(expected) if isinstance(expected, str) else expected)
    except ValueError as error:
        raise TaskError(f"a test of task {task.id} is not JSON, one value a line: {error}") from None
    if not isinstance(given, (list, tuple)):
        raise TaskError(f"the input of a function's test must be the list of its arguments; task {task.id} has {type(given).__name__}")
    if unwrap_outputs:
        if not isinstance(expected, list) or len(expected) != 1:
            raise TaskError(f"with unwrap_outputs every expected value stands in a list of one; task {task.id} has {str(expected)[:80]}")
        expected = expected[0]
    return CallTest(tuple(given), expected)


def _asserted(lines: Sequence[str], task: Task) -> ProgramTests:
    """Read `assert f(literals) == literal`. What cannot be read so would have to be decided inside the program's process, and is refused."""
    tests: list[CallTest] = []
    names: set[str] = set()
    for line in lines:
        try:
            match ast.parse(line.strip()).body:
                case [ast.Assert(test=ast.Compare(left=ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]), ops=[ast.Eq()], comparators=[expected]))]:
                    names.add(name)
                    tests.append(CallTest(tuple(ast.literal_eval(argument) for argument in arguments), ast.literal_eval(expected)))
                    continue
                case _:
                    pass
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            pass
        raise TaskError(f"a test of task {task.id} is not of the form 'assert f(literals) == literal', so it could only be decided by the program: {line[:80]}")
    if len(names) != 1:
        raise TaskError(f"the tests of task {task.id} call several functions: {', '.join(sorted(names))}")
    return ProgramTests(names.pop(), tuple(tests))
