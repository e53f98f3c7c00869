"""Read what an arm left: the rollouts of its last stage, and what every stage's model could do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as parquet

from proctor.core.task import Outcome


@dataclass(frozen=True, slots=True)
class Group:
    """The scored rollouts of one task in one step.

    Attributes:
        step: of the run.
        rewards: one a rollout, all parts together.
        is_right: whether the first part of the reward, the accuracy, found it correct.
        advantages: one a rollout.
        lengths: tokens that each rollout wrote.
        texts: what was graded.
        confidences: probability that the policy gave each completion: its tokens' probabilities multiplied.
    """

    step: int
    rewards: tuple[float, ...]
    is_right: tuple[bool, ...]
    advantages: tuple[float, ...]
    lengths: tuple[int, ...]
    texts: tuple[str, ...]
    confidences: tuple[float, ...]


LAST_STEPS = 10
_COLUMNS = ["step", "group", "reward", "scores", "advantage", "num_completion_tokens", "text", "behavior_logprobs"]


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
                tuple(row["scores"][0]["outcome"] == Outcome.CORRECT for row in group),
                tuple(row["advantage"] for row in group),
                tuple(row["num_completion_tokens"] for row in group),
                tuple(row["text"] for row in group),
                tuple(math.exp(math.fsum(row["behavior_logprobs"])) for row in group),
            )


def last_groups(run: Path, num_steps: int = LAST_STEPS) -> list[Group]:
    """The groups of the last steps of the last stage."""
    groups = list(read_groups(run))
    return [group for group in groups if group.step > groups[-1].step - num_steps]


def stage_means(run: Path) -> dict[str, float]:
    """The mean of every evaluation of a staged run, as `stage/probe` and `stage/probe/best@8`; `start` is the model that it began with."""
    summary = json.loads((run / "summary.json").read_text())
    entries = {"start": summary["start"]["evaluations"], **{entry["name"]: entry["evaluations"] for entry in summary["stages"]}}
    found: dict[str, float] = {}
    for stage, evaluations in entries.items():
        for probe, values in evaluations.items():
            found[f"{stage}/{probe}"] = float(values["mean"])
            found |= {f"{stage}/{probe}/{name}": float(value["mean"]) for name, value in values.items() if "@" in name}
    return found
