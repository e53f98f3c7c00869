"""The tasks of a run: loaded or given, joined where there are several sources, left out where they do not fit the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from proctor.chat.renderer import Renderer
from proctor.chat.thinking import BUDGET_SENTENCE
from proctor.config import RunConfig
from proctor.core import Task
from proctor.data.loaders import LoadedTasks, load_tasks, load_train_and_test
from proctor.data.schedule import repetitions
from proctor.errors import TaskError
from proctor.models.policy import Policy


def load_data(config: RunConfig, given_train: Sequence[Task] | None, given_test: Sequence[Task] | None) -> tuple[list[LoadedTasks], LoadedTasks]:
    """The sources to train on and the held-out tasks, each given by the caller or loaded."""
    train, test = _load_first(config, given_train, given_test)
    data = config.data
    return [
        train,
        *(load_tasks(further.source, config=data, split=further.split, seed=config.seed, num_tasks=further.max_tasks) for further in data.further),
    ], test


def _load_first(config: RunConfig, given_train: Sequence[Task] | None, given_test: Sequence[Task] | None) -> tuple[LoadedTasks, LoadedTasks]:
    if given_train is None and given_test is None:
        return load_train_and_test(config.data, config.seed)
    data = config.data
    if given_train is not None and not given_train:
        raise TaskError("there are no tasks to train on: the sequence given is empty")
    train = _handed(given_train) or load_tasks(data.train, config=data, split=data.split_train, seed=config.seed, num_tasks=data.max_tasks)
    if given_test is None and data.test is not None:
        return train, load_tasks(data.test, config=data, split=data.split_test, seed=config.seed, num_tasks=data.max_test_tasks)
    return train, _handed(given_test) or LoadedTasks((), None, "no tasks")


def _handed(tasks: Sequence[Task] | None) -> LoadedTasks | None:
    return LoadedTasks(tuple(tasks), None, "tasks given in Python") if tasks else None


def joined(sources: Sequence[LoadedTasks]) -> LoadedTasks:
    """All training tasks as one source, for what does not depend on where they come from."""
    first, *further = sources
    if not further:
        return first
    return replace(first, tasks=tuple(task for source in sources for task in source.tasks), source=" + ".join(source.source for source in sources))


def repeating(config: RunConfig, sources: Sequence[LoadedTasks], weights: Sequence[float] | None) -> Iterator[str]:
    """Say which sources of a mixture come more than once: a small source with a large weight is learned by heart."""
    if len(sources) > 1:
        for name, num_tasks, times in repetitions(sources, weights, config.num_steps * config.prompts_per_step):
            yield f"{name} has {num_tasks} tasks and comes {times:.1f} times in this run at its weight; with a lower weight each of its tasks would come once"


def fitting(loaded: LoadedTasks, renderer: Renderer, policy: Policy, config: RunConfig) -> tuple[LoadedTasks, int]:
    """Leave out tasks whose prompt does not fit the context beside a full completion."""
    limit = policy.max_context_tokens
    if limit is None or not loaded.tasks:
        return loaded, 0
    room = limit - config.max_completion_tokens - (len(renderer.inserted_ids(BUDGET_SENTENCE)) if config.thinking.budgets else 0)
    kept = tuple(task for task in loaded.tasks if len(renderer.prompt_ids(task.messages)) <= room)
    if not kept:
        shortest = min(len(renderer.prompt_ids(task.messages)) for task in loaded.tasks)
        raise TaskError(
            f"no prompt of {loaded.source} fits: the shortest has {shortest} tokens, and with max_completion_tokens={config.max_completion_tokens} "
            f"the model's context of {limit} leaves {max(0, room)}. Lower max_completion_tokens, shorten the prompts, or use a model with a longer context"
        )
    return replace(loaded, tasks=kept), len(loaded.tasks) - len(kept)
