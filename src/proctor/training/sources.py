"""The tasks of a run: loaded or given, joined where there are several sources, left out where they do not fit the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from proctor.chat.renderer import Renderer
from proctor.chat.thinking import BUDGET_SENTENCE
from proctor.config import RunConfig
from proctor.core import Task
from proctor.data.loaders import LoadedTasks, load_further, load_tasks, load_train_and_test
from proctor.data.schedule import repetitions
from proctor.errors import TaskError
from proctor.models.policy import Policy


def load_data(config: RunConfig, given_train: Sequence[Task] | None, given_test: Sequence[Task] | None) -> tuple[list[LoadedTasks], LoadedTasks]:
    """The sources to train on and the held-out tasks, each given by the caller or loaded."""
    train, test = _load_first(config, given_train, given_test)
    return [train, *load_further(config.data, config.seed)], test


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


def prompt_room(policy: Policy, renderer: Renderer, *, max_completion_tokens: int, budgets: Sequence[int] = ()) -> int | None:
    """The tokens that a prompt may have beside a full completion, and the sentence that ends thinking; None where the model has no limit."""
    limit = policy.max_context_tokens
    return None if limit is None else limit - max_completion_tokens - (len(renderer.inserted_ids(BUDGET_SENTENCE)) if budgets else 0)


def fitting(tasks: Sequence[Task], renderer: Renderer, room: int | None, *, source: str) -> tuple[Task, ...]:
    """The tasks whose prompt has no more tokens than there is room for.

    Args:
        tasks: of a source.
        renderer: of the model's prompts.
        room: see `prompt_room`.
        source: what an error calls it.

    Raises:
        TaskError: there are tasks, and none fits.
    """
    if room is None or not tasks:
        return tuple(tasks)
    lengths = [len(renderer.prompt_ids(task.messages)) for task in tasks]
    if min(lengths) > room:
        raise TaskError(
            f"no prompt of {source} fits: the shortest has {min(lengths)} tokens, and the model's context leaves {max(0, room)} beside a full completion. "
            "Lower max_completion_tokens, shorten the prompts, or use a model with a longer context"
        )
    return tuple(task for task, length in zip(tasks, lengths, strict=True) if length <= room)
