"""Read the rollouts of an arm's last stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as parquet


@dataclass(frozen=True, slots=True)
class Group:
    """The scored rollouts of one task in one step.

    Attributes:
        step: of the run.
        rewards: one a rollout.
        advantages: one a rollout.
        lengths: tokens that each rollout wrote.
        texts: what was graded.
    """

    step: int
    rewards: tuple[float, ...]
    advantages: tuple[float, ...]
    lengths: tuple[int, ...]
    texts: tuple[str, ...]


_COLUMNS = ["step", "group", "reward", "advantage", "num_completion_tokens", "text"]


def read_groups(run: Path) -> Iterator[Group]:
    """Every group of the last stage of a staged run, in order; rollouts that could not be scored are left out."""
    stage = max(path for path in (run / "stages").iterdir() if (path / "rollouts").is_dir())
    for path in sorted((stage / "rollouts").glob("step-*.parquet")):
        rows = [row for row in parquet.read_table(path, columns=_COLUMNS).to_pylist() if row["reward"] is not None and row["advantage"] is not None]
        for (step, _), members in groupby(rows, key=lambda row: (row["step"], row["group"])):
            group = list(members)
            yield Group(
                step,
                tuple(row["reward"] for row in group),
                tuple(row["advantage"] for row in group),
                tuple(row["num_completion_tokens"] for row in group),
                tuple(row["text"] for row in group),
            )
