"""Demonstrations of several sources in one file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from proctor.core import Task
from proctor.data.loaders import load_train_and_test
from proctor.errors import TaskError
from proctor.rollouts.demonstrations import DEMONSTRATION
from proctor.training.stages.records import Part
from proctor.training.stages.rows import task_row


def mixed_rows(parts: Sequence[Part], *, seed: int) -> list[dict[str, Any]]:
    """The rows of all parts, shuffled.

    Args:
        parts: whose references are resolved.
        seed: of the order, and of generated tasks.

    Raises:
        TaskError: a task has no demonstration.
    """
    rows = [_row(task, number, part) for number, part in enumerate(parts) for task in load_train_and_test(part.data, seed)[0].tasks[: part.num_rows]]
    random.Random(f"mix/{seed}").shuffle(rows)
    return rows


def _row(task: Task, number: int, part: Part) -> dict[str, Any]:
    if DEMONSTRATION not in task.info:
        raise TaskError(f"task {task.id} of {part.data.train} has no demonstration to mix; its row needs a column `demonstration`")
    row = task_row(task, id=f"{number}/{task.id}", without=(DEMONSTRATION,))
    return {**row, "demonstration": part.prefix + str(task.info[DEMONSTRATION])}
