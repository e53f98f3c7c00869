"""Calls a reward function in its own convention and turns whatever it returns into scores.

Runs in the worker. A result that breaks the convention (wrong count, a string, None for one completion) raises
`VerifierError`: the function is at fault, whatever the completion was. Values that are not finite pass through here;
`proctor.verifiers.rewards` decides whom to blame.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from proctor.core.task import Score, Task
from proctor.errors import VerifierError
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.signatures import Convention, Signature

ANSWER_NAMES = ("answer", "ground_truth", "solution", "label", "labels", "target")  # column names under which data sets keep the reference answer


def score_requests(function: Callable[..., Any], signature: Signature, requests: Sequence[ScoreRequest], *, name: str) -> list[Score]:
    """Score completions with one function: one request a call, or all of them, as its convention has it.

    Raises:
        VerifierError: the function broke its contract.
        Exception: whatever the function raised.
    """
    if signature.convention is Convention.TRL:
        return _score_trl(function, signature, requests, name)
    if signature.convention is Convention.OPENRLHF:
        return _score_openrlhf(function, signature, requests, name)
    arguments = {Convention.VERL: _verl_arguments, Convention.AREAL: _areal_arguments, Convention.SAMPLE: _sample_arguments}[signature.convention]
    return [_single(_call(function, signature, arguments(request), name), name) for request in requests]


def as_number(value: Any, *, name: str, where: str) -> float:
    """Return a number that a reward function gave as a float: bool, int, float, or a scalar with `.item()`.

    Raises:
        VerifierError: it is anything else; `where` says whose value it was.
    """
    given = value
    if not isinstance(value, (bool, int, float)) and callable(getattr(value, "item", None)):
        try:
            value = value.item()
        except (ValueError, RuntimeError, TypeError):  # an array with several elements
            value = given
    if not isinstance(value, (bool, int, float)):
        raise VerifierError(f"reward {name!r} returned {_short(given)} ({type(given).__name__}) {where}; it must return a number")
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _sample_arguments(request: ScoreRequest) -> dict[str, Any]:
    task = request.task
    return _columns(task) | {"prompt": task.prompt_text, "completion": request.completion, "answer": task.answer, "task": task}


def _verl_arguments(request: ScoreRequest) -> dict[str, Any]:
    task = request.task
    return {
        "data_source": task.info.get("data_source", task.source),
        "solution_str": request.completion,
        "ground_truth": task.answer,
        "extra_info": task.info.get("extra_info", dict(task.info)),
    }


def _areal_arguments(request: ScoreRequest) -> dict[str, Any]:
    own = {"prompt": request.task.prompt_text, "completions": request.completion}
    return _columns(request.task) | own | {"prompt_ids": list(request.prompt_ids), "completion_ids": list(request.completion_ids)}


def _columns(task: Task) -> dict[str, Any]:
    """Every column of a task by name, the reference answer under each of its usual names unless the data has that column."""
    return dict.fromkeys(ANSWER_NAMES, task.answer) | dict(task.info)


def _call(function: Callable[..., Any], signature: Signature, known: Mapping[str, Any], name: str) -> Any:
    """Call with those of the known arguments that the function accepts; await what it returns if it is asynchronous."""
    missing = signature.required - known.keys()
    if missing:
        raise VerifierError(f"reward {name!r} needs {', '.join(map(repr, sorted(missing)))}, but the data has only these columns: {', '.join(sorted(known))}")
    result = function(**{key: value for key, value in known.items() if signature.wants(key)})
    return _await(result) if inspect.isawaitable(result) else result


def _await(awaitable: Any) -> Any:
    async def whole() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(whole())
    with ThreadPoolExecutor(1) as thread:  # in process, called from a coroutine: its loop cannot be entered again
        return thread.submit(asyncio.run, whole()).result()


def _single(result: Any, name: str) -> Score:
    """One completion's result: a score, a number, or verl's object with a `score`."""
    if isinstance(result, Score):
        return result
    if isinstance(result, Mapping):
        if "score" not in result:
            raise VerifierError(f"reward {name!r} returned an object without 'score' (it has {', '.join(map(str, result))})")
        metrics: dict[str, float] = {}
        extra: dict[str, str] = {}
        for key, value in result.items():
            if key != "score":
                _file_away(str(key), value, metrics, extra)
        return Score(None, as_number(result["score"], name=name, where="under 'score'"), metrics=metrics, extra=extra)
    return Score(None, as_number(result, name=name, where="for one completion"))


def _file_away(key: str, value: Any, metrics: dict[str, float], extra: dict[str, str]) -> None:
    """Keep a further value as a metric if it is a number, as text otherwise."""
    try:
        metrics[key] = as_number(value, name=key, where="")
    except VerifierError:
        extra[key] = _short(value, limit=2000) if not isinstance(value, str) else value[:2000]


@dataclass(slots=True)
class _Log:
    """Stands in for TRL's `log_metric` and `log_extra` during one call."""

    name: str
    num_completions: int
    metrics: dict[str, float] = field(default_factory=dict)
    extra: dict[str, list[str]] = field(default_factory=dict)

    def metric(self, key: str, value: Any) -> None:
        self.metrics[str(key)] = as_number(value, name=self.name, where=f"to log_metric({key!r})")

    def column(self, key: str, values: Sequence[Any]) -> None:
        if len(values) != self.num_completions:
            raise VerifierError(f"reward {self.name!r} gave log_extra({key!r}) {len(values)} values for {self.num_completions} completions")
        self.extra[str(key)] = [str(value)[:2000] for value in values]


def _score_trl(function: Callable[..., Any], signature: Signature, requests: Sequence[ScoreRequest], name: str) -> list[Score]:
    log = _Log(name, len(requests))
    known = _batch_columns([request.task for request in requests]) | {
        "prompts": [_trl_prompt(request.task) for request in requests],
        "completions": [_trl_completion(request) for request in requests],
        "completion_ids": [list(request.completion_ids) for request in requests],
        "trainer_state": SimpleNamespace(global_step=requests[0].step),
        "log_extra": log.column,
        "log_metric": log.metric,
    }
    values = _values(_call(function, signature, known, name), len(requests), name)
    return [
        Score(
            None,
            None if value is None else as_number(value, name=name, where=f"for completion {index}"),
            metrics=dict(log.metrics),
            extra={key: column[index] for key, column in log.extra.items()},
        )
        for index, value in enumerate(values)
    ]


def _score_openrlhf(function: Callable[..., Any], signature: Signature, requests: Sequence[ScoreRequest], name: str) -> list[Score]:
    known = _batch_columns([request.task for request in requests]) | {
        "queries": [request.task.prompt_text + request.completion for request in requests],
        "prompts": [request.task.prompt_text for request in requests],
        "labels": [request.task.answer for request in requests],
    }
    result = _call(function, signature, known, name)
    logs: Mapping[str, Any] = {}
    if isinstance(result, Mapping):
        key = next((key for key in ("rewards", "scores") if key in result), None)
        if key is None:
            raise VerifierError(f"reward {name!r} returned an object with neither 'rewards' nor 'scores' (it has {', '.join(map(str, result))})")
        logs = result.get("extra_logs") or {}
        result = result[key]
    values = _values(result, len(requests), name)
    columns = {str(key): _values(column, len(requests), f"{name}.{key}") for key, column in logs.items()}
    return [
        Score(
            None,
            as_number(value, name=name, where=f"for completion {index}"),
            metrics={key: as_number(column[index], name=name, where=f"in extra_logs[{key!r}]") for key, column in columns.items()},
        )
        for index, value in enumerate(values)
    ]


def _values(result: Any, expected: int, name: str) -> list[Any]:
    """Check that a batched function returned one value for each completion."""
    if not isinstance(result, (list, tuple)) and callable(getattr(result, "tolist", None)):
        result = result.tolist()
    if not isinstance(result, (list, tuple)):
        raise VerifierError(
            f"reward {name!r} returned {_short(result)} ({type(result).__name__}) for {expected} completions; it must return a list of {expected}"
        )
    if len(result) != expected:
        raise VerifierError(f"reward {name!r} returned {len(result)} values for {expected} completions; it must return one for each")
    return list(result)


def _batch_columns(tasks: Sequence[Task]) -> dict[str, list[Any]]:
    """The columns of several tasks as lists; None where a task lacks what another has."""
    names = dict.fromkeys([*ANSWER_NAMES, *(key for task in tasks for key in task.info)])
    rows = [_columns(task) for task in tasks]
    return {name: [row.get(name) for row in rows] for name in names}


def _trl_prompt(task: Task) -> Any:
    return task.prompt if isinstance(task.prompt, str) else [message.as_dict() for message in task.prompt]


def _trl_completion(request: ScoreRequest) -> Any:
    return request.completion if isinstance(request.task.prompt, str) else [{"role": "assistant", "content": request.completion}]


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
