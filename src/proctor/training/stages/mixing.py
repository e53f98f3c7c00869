"""Demonstrations, or preference pairs, of several sources in one file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from proctor.core import Task
from proctor.data.loaders import load_training_tasks
from proctor.errors import TaskError
from proctor.rollouts.demonstrations import CHOSEN, DEMONSTRATION, REJECTED
from proctor.training.stages.records import Part
from proctor.training.stages.rows import task_row


def mixed_rows(parts: Sequence[Part], *, seed: int) -> list[dict[str, Any]]:
    """The rows of all parts, shuffled.

    Args:
        parts: whose references are resolved.
        seed: of the order, and of generated tasks.

    Raises:
        TaskError: a task has neither a demonstration nor a pair, or some have the one and some the other.
    """
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(parts):
        tasks = load_training_tasks(part.data, seed)[: part.num_rows]
        if part.share < 1:
            tasks = random.Random(f"share/{seed}/{number}").sample(tasks, max(1, round(part.share * len(tasks))))
        rows += [_row(task, number, part) for task in tasks]
    if len({CHOSEN in row for row in rows}) > 1:
        raise TaskError("a mixture holds demonstrations or preference pairs, not both: no objective learns from such rows together")
    random.Random(f"mix/{seed}").shuffle(rows)
    return rows


def _row(task: Task, number: int, part: Part) -> dict[str, Any]:
    id = f"{number}/{task.id}"
    if CHOSEN in task.info and REJECTED in task.info:
        pair = {key: part.prefix + str(task.info[key]) for key in (CHOSEN, REJECTED)}
        return {**task_row(task, id=id, without=(DEMONSTRATION, CHOSEN, REJECTED)), **pair}
    if DEMONSTRATION not in task.info:
        raise TaskError(
            f"task {task.id} of {part.data.train} has no demonstration to mix; its row needs a column `demonstration`, or `chosen` and `rejected` as all others"
        )
    return {**task_row(task, id=id, without=(DEMONSTRATION,)), "demonstration": part.prefix + str(task.info[DEMONSTRATION])}
