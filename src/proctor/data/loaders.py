"""A source string becomes tasks; a `DataConfig` becomes training tasks and held-out tasks that share no prompt."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proctor.core import Message, Task
from proctor.data import generators, procedural
from proctor.data.columns import ColumnMapping, build_tasks, detect_columns, dress
from proctor.data.config import DataConfig
from proctor.data.files import Row, read_rows
from proctor.data.hub import read_hub_rows
from proctor.data.sources import Source, parse_source
from proctor.errors import TaskError

DEFAULT_NUM_TASKS = 2048
"""Generated training tasks where `max_tasks` is not set."""
DEFAULT_NUM_TEST_TASKS = 256
"""Generated or set apart held-out tasks where `max_test_tasks` is not set."""
MAX_HELD_OUT_SHARE = 0.25
"""At most this share of the tasks is set apart: 25 of the 100 one-digit additions."""


@dataclass(frozen=True, slots=True)
class LoadedTasks:
    """Tasks and how they were read.

    Attributes:
        tasks: at least one, ids unique.
        mapping: which column became what; None for generated tasks.
        source: the source string, a hub data set with its split.
    """

    tasks: tuple[Task, ...]
    mapping: ColumnMapping | None
    source: str

    def describe(self) -> str:
        """One line for people: source, number of tasks, mapping."""
        tail = f": {self.mapping.describe()}" if self.mapping else ""
        return f"{self.source} ({len(self.tasks)} tasks){tail}"


def load_tasks(source: str, *, config: DataConfig, split: str, seed: int, num_tasks: int | None = None) -> LoadedTasks:
    """Load the tasks of one source, in the order of the file (generated tasks: in an order that `seed` decides).

    Args:
        source: a source string, see `DataConfig.train`.
        config: subset, columns, template and system message; its sources and limits are not looked at.
        split: split of a hub data set; files and generators have none.
        seed: which tasks are generated; files do not depend on it.
        num_tasks: at most the first so many; None: all of a file, `DEFAULT_NUM_TASKS` generated ones.

    Raises:
        ConfigError: the source, an argument or a mapped column is unknown, or an extra is missing.
        TaskError: the data is missing, empty or malformed; the message names the place.
    """
    parsed = parse_source(source)
    if parsed.is_generated:
        return _generate(parsed, config, seed=seed, num_tasks=DEFAULT_NUM_TASKS if num_tasks is None else num_tasks)
    if parsed.kind == "hub":
        name, stem = f"{parsed.name} [{split}]", f"{parsed.stem}-{split}"
        rows = read_hub_rows(parsed.name, subset=config.subset, split=split, num_rows=num_tasks)
    else:
        name, stem = parsed.text, parsed.stem
        rows = read_rows(Path(parsed.name).expanduser(), name=name)
    mapping = detect_columns(rows, config.columns, name=name)
    return LoadedTasks(build_tasks(rows, mapping, config, name=name, stem=stem)[:num_tasks], mapping, name)


def tasks_from_rows(rows: Sequence[Mapping[str, Any]], *, config: DataConfig, name: str = "tasks given in Python") -> LoadedTasks:
    """Read mappings as if they were the rows of a file: the same columns are recognised.

    Args:
        rows: at least one.
        config: columns, template and system message.
        name: stands for the source in messages and ids.

    Raises:
        ConfigError: a mapped column is unknown.
        TaskError: there are no rows, or one is malformed.
    """
    if not rows:
        raise TaskError(f"there are no tasks: {name} is empty")
    numbered = [Row(row, f"{name}, row {number}") for number, row in enumerate(rows)]
    mapping = detect_columns(numbered, config.columns, name=name)
    return LoadedTasks(build_tasks(numbered, mapping, config, name=name, stem="task"), mapping, name)


def _generate(source: Source, config: DataConfig, *, seed: int, num_tasks: int) -> LoadedTasks:
    if source.kind == "generator":
        tasks = generators.generate(generators.open_space(source.name, source.arguments), stem=source.stem, seed=seed, num_tasks=num_tasks)
    else:
        tasks = procedural.generate(source.name, source.arguments, stem=source.stem, seed=seed, num_tasks=num_tasks)
    return LoadedTasks(tuple(replace(task, prompt=dress(task.prompt, config)) for task in tasks), None, source.text)


def load_train_and_test(config: DataConfig, seed: int) -> tuple[LoadedTasks, LoadedTasks]:
    """Load the training tasks and the held-out tasks.

    Where both come from one source, or both are generated, no prompt is in both. Where the user named two files or data sets, nothing is
    removed: `num_shared_prompts` says how many prompts are in both, and the caller warns.

    Args:
        config: sources and limits.
        seed: decides which tasks are generated, and which are set apart.

    Returns:
        Training tasks, held-out tasks; at least one each.

    Raises:
        ConfigError, TaskError: as `load_tasks`; and one source has too few different prompts to set any apart.
    """
    train, test = parse_source(config.train), parse_source(config.test or config.train)
    is_same = (train.kind, train.name, _full_arguments(train)) == (test.kind, test.name, _full_arguments(test))
    if is_same and train.is_generated:
        return _generate_both(test, config, seed=seed)  # as the held-out source is spelled: other training sources are kept apart from the same tasks
    if is_same and (config.test is None if train.kind == "file" else config.split_train == config.split_test):
        return _set_apart(load_tasks(config.train, config=config, split=config.split_train, seed=seed), config, seed=seed)
    num_test = config.max_test_tasks or (DEFAULT_NUM_TEST_TASKS if test.is_generated else None)
    if train.is_generated and test.is_generated:
        held_out = _generate(test, config, seed=seed, num_tasks=num_test or DEFAULT_NUM_TEST_TASKS)
        return _generate_beside(train, held_out, config, seed=seed), held_out
    return (
        load_tasks(config.train, config=config, split=config.split_train, seed=seed, num_tasks=config.max_tasks),
        load_tasks(test.text, config=config, split=config.split_test, seed=seed, num_tasks=num_test),
    )


def load_further(config: DataConfig, seed: int) -> list[LoadedTasks]:
    """Load the sources that are trained on beside `train`, in order. Nothing of them is set apart.

    Raises:
        ConfigError, TaskError: as `load_tasks`.
    """
    return [load_tasks(one.source, config=config, split=one.split, seed=seed, num_tasks=one.max_tasks) for one in config.further]


def load_training_tasks(config: DataConfig, seed: int) -> tuple[Task, ...]:
    """Load all training tasks, those of `train` and then those of each further source, weights left out.

    Raises:
        ConfigError, TaskError: as `load_train_and_test`.
    """
    return tuple(task for loaded in (load_train_and_test(config, seed)[0], *load_further(config, seed)) for task in loaded.tasks)


def _generate_beside(source: Source, held_out: LoadedTasks, config: DataConfig, *, seed: int) -> LoadedTasks:
    """Generated tasks whose prompts are not held out: two spellings of one generator may give the same problems."""
    wanted, asked = config.max_tasks or DEFAULT_NUM_TASKS, {task.messages for task in held_out.tasks}
    both = _generate(source, config, seed=seed, num_tasks=wanted + len(asked))
    kept = tuple(task for task in both.tasks if task.messages not in asked)[:wanted]
    if not kept:
        raise TaskError(f"every task of {source.text} is held out by {held_out.source}; name another data.test, or a larger space of tasks")
    return replace(both, tasks=kept)


def _full_arguments(source: Source) -> dict[str, Any]:
    """The arguments with a generator's defaults filled in, so that two spellings of one difficulty are equal."""
    if source.kind != "generator":
        return dict(source.arguments)
    return {**generators.default_arguments(source.name), **source.arguments}


def _generate_both(source: Source, config: DataConfig, *, seed: int) -> tuple[LoadedTasks, LoadedTasks]:
    """One list of different tasks, its beginning held out: the held-out tasks stay the same when `max_tasks` changes."""
    num_train, num_test = config.max_tasks or DEFAULT_NUM_TASKS, config.max_test_tasks or DEFAULT_NUM_TEST_TASKS
    both = _generate(source, config, seed=seed, num_tasks=num_train + num_test)
    if len(both.tasks) < num_train + num_test:
        num_test = min(num_test, _max_held_out(len(both.tasks), source.text))
    return replace(both, tasks=both.tasks[num_test : num_test + num_train]), replace(both, tasks=both.tasks[:num_test])


def _set_apart(both: LoadedTasks, config: DataConfig, *, seed: int) -> tuple[LoadedTasks, LoadedTasks]:
    """Hold out prompts chosen by seed, with every task that has one of them; both parts keep the order of the file."""
    prompts = sorted({task.messages for task in both.tasks}, key=_prompt_key)
    limit = _max_held_out(len(prompts), both.source)
    chosen = random.Random(f"set apart/{seed}").sample(prompts, min(config.max_test_tasks or DEFAULT_NUM_TEST_TASKS, limit))
    held_out = set(chosen)
    train = tuple(task for task in both.tasks if task.messages not in held_out)[: config.max_tasks]
    test = tuple(task for task in both.tasks if task.messages in held_out)[: config.max_test_tasks]
    return replace(both, tasks=train), replace(both, tasks=test, source=f"{both.source}, set apart by seed {seed}")


def _max_held_out(num_different: int, source: str) -> int:
    if num_different < 2:
        raise TaskError(f"{source} has {num_different} different prompt(s): none can be set apart for testing; give data.test")
    return max(1, int(num_different * MAX_HELD_OUT_SHARE))


def _prompt_key(messages: tuple[Message, ...]) -> str:
    return json.dumps([message.as_dict() for message in messages])


def num_shared_prompts(train: Sequence[Task], test: Sequence[Task]) -> int:
    """How many held-out tasks have a prompt that is also trained on: their accuracy says nothing about generalisation."""
    trained_on = {task.messages for task in train}
    return sum(task.messages in trained_on for task in test)


def content_hash(tasks: Sequence[Task]) -> str:
    """SHA-256 (hex) over everything the tasks hold, in order; equal for equal tasks on every machine."""
    digest = hashlib.sha256()
    for task in tasks:
        fields = [task.id, [message.as_dict() for message in task.messages], task.answer, task.info, task.source]
        digest.update(json.dumps(fields, sort_keys=True, default=plain_json).encode("ascii") + b"\n")
    return digest.hexdigest()


def plain_json(value: Any) -> Any:
    """JSON for what Parquet can hold and JSON cannot."""
    if isinstance(value, bytes):
        return value.hex()
    return dict(value) if isinstance(value, Mapping) else str(value)
