"""Tasks of the `reasoning-gym` package, by name. The package is an extra, imported when its tasks are asked for.

Each task carries the data set's name, configuration and whole entry as plain JSON values, which is what scoring an
answer with the package's own scorer takes; scoring is not done here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from proctor.core import Task
from proctor.errors import ConfigError, TaskError, boundary
from proctor.plugins import unknown

_MAX_DRAWS_PER_TASK = 4  # a data set that repeats itself more often than this counts as exhausted


def generate(name: str, arguments: Mapping[str, Any], *, stem: str, seed: int, num_tasks: int) -> tuple[Task, ...]:
    """Tasks with different questions; fewer than asked for where the data set repeats itself.

    The package derives the entry at `index` from `seed + index`, so neighbouring seeds share most entries: disjoint
    training and held-out tasks must be parts of one call.

    Args:
        name: data set of the package, such as "chain_sum".
        arguments: fields of its configuration, `seed` and `size` aside.
        stem: beginning of the ids, and `Task.source`.
        seed: where its entries start.
        num_tasks: how many at most.

    Raises:
        ConfigError: the package is not installed, it has no such data set, or its configuration is refused.
        TaskError: the data set failed while it made an entry.
    """
    dataset, config = _open(name, arguments, seed=seed, size=num_tasks * _MAX_DRAWS_PER_TASK)
    tasks: list[Task] = []
    with boundary(TaskError, f"generate tasks of reasoning_gym:{name}"):
        for index, entry in _distinct(dataset):
            tasks.append(_as_task(name, entry, config, id=f"{stem}-{seed}.{index}", source=stem))
            if len(tasks) == num_tasks:
                break
    return tuple(tasks)


def _open(name: str, arguments: Mapping[str, Any], *, seed: int, size: int) -> tuple[Any, dict[str, Any]]:
    """The data set and its whole configuration as plain values."""
    try:
        from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise ConfigError("reasoning_gym tasks need the reasoning-gym package: pip install 'proctor[reasoning-gym]'") from error
    if name not in DATASETS:
        raise ConfigError(unknown(name, kind="reasoning_gym data set", allowed=DATASETS))
    dataset_type, config_type = DATASETS[name]
    allowed = {field.name for field in dataclasses.fields(config_type)} - {"seed", "size"}
    for argument in arguments:
        if argument not in allowed:
            raise ConfigError(unknown(argument, kind=f"argument of reasoning_gym:{name}", allowed=allowed))
    try:
        config = config_type(**arguments, seed=seed, size=size)
        if hasattr(config, "validate"):
            config.validate()
        return dataset_type(config=config), jsonable(dataclasses.asdict(config))
    except (AssertionError, TypeError, ValueError) as error:
        raise ConfigError(f"reasoning_gym:{name} refuses {dict(arguments)}: {error or type(error).__name__}") from error


def _distinct(dataset: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    seen: set[str] = set()
    for index in range(len(dataset)):
        entry = dataset[index]
        if entry["question"] not in seen:
            seen.add(entry["question"])
            yield index, entry


def _as_task(name: str, entry: Mapping[str, Any], config: Mapping[str, Any], *, id: str, source: str) -> Task:
    plain = jsonable(entry)
    info: dict[str, Any] = {"reasoning_gym": {"dataset": name, "entry": plain, "config": config}}
    difficulty = plain["metadata"].get("difficulty")
    if difficulty is not None:
        info["difficulty"] = difficulty
    return Task(id, plain["question"], plain["answer"], info, source)


def jsonable(value: Any) -> Any:
    """The value with JSON types only: tuples and sets become lists, keys become text, and what is unknown its text."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(entry) for entry in value), key=repr)
    if isinstance(value, list | tuple):
        return [jsonable(entry) for entry in value]
    return jsonable(value.tolist()) if hasattr(value, "tolist") else str(value)  # numpy scalars and arrays
