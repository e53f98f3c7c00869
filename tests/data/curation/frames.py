"""Rows as a frame, and filters run on them, for the tests of this directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from proctor.core import Task
from proctor.data.curation.base import Attempt, Filter, Removal, Tools
from proctor.data.curation.store import Frame, as_record, write_base
from proctor.verifiers.names import make_verifier
from proctor.verifiers.rewards import Rewards, as_part


class Scripted:
    """A solver that is right as often as a table says, by task id, and remembers what it was asked."""

    identity = "scripted"

    def __init__(self, num_correct: Mapping[str, int]) -> None:
        self.right = num_correct
        self.asked: list[tuple[str, str]] = []

    def num_correct(self, tasks: Sequence[Task], attempt: Attempt) -> list[tuple[int, int]]:
        self.asked += [(attempt.purpose, task.id) for task in tasks]
        return [(min(self.right.get(task.id, 0), attempt.num_samples), attempt.num_samples) for task in tasks]


def in_process(verifier: str, arguments: Mapping[str, Any]) -> Rewards:
    return Rewards([as_part(make_verifier(verifier, arguments), name=verifier)], in_process=True)


def frame_of(directory: Path, rows: Sequence[Task | str], **added: Sequence[Any]) -> Frame:
    """Texts become tasks with the ids "0", "1", ... and the answer "1"."""
    tasks = [Task(str(index), row, "1") if isinstance(row, str) else row for index, row in enumerate(rows)]
    path = directory / "base.parquet"
    write_base(path, [as_record(task, f"rows:{index + 1}") for index, task in enumerate(tasks)])
    return Frame(path, np.ones(len(tasks), dtype=bool), {name: pa.array(values) for name, values in added.items()})


def tools(directory: Path, solver: Scripted | None = None, seed: int = 0) -> Tools:
    scratch = directory / "scratch"
    scratch.mkdir(exist_ok=True)
    return Tools(seed, scratch, directory / "ledger", in_process, lambda: solver or Scripted({}), lambda text: None)


def run(one: Filter, frame: Frame, directory: Path, solver: Scripted | None = None, seed: int = 0) -> tuple[dict[int, Removal], Frame]:
    """Row -> removal, and the frame that is left with the columns that were added."""
    removed: dict[int, Removal] = {}
    added: dict[str, list[Any]] = {}
    for verdicts in one.run(frame, tools(directory, solver, seed)):
        removed |= {removal.row: removal for removal in verdicts.removed}
        for name, values in verdicts.added.items():
            column = added.setdefault(name, [None] * len(frame.kept))
            for row, value in values.items():
                column[row] = value
    kept = frame.kept.copy()
    kept[[*removed]] = False
    return removed, replace(frame, kept=kept, added={**frame.added, **{name: pa.array(values) for name, values in added.items()}})
