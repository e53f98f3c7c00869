"""The arms of an experiment with one seed, each run once: what is finished is read, what was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proctor.config import RunConfig, to_mapping
from proctor.data.config import DataConfig
from proctor.errors import LearnerError
from proctor.lab.experiments.records import Experiment, Values
from proctor.models.pocket import VERSION
from proctor.training import run_directory
from proctor.training.events import Listener, Warned
from proctor.training.run import run_training
from proctor.training.run_directory import RunDirectory
from proctor.training.stages.run import run_staged

_LAST = 0.1
"""Share of an arm's steps that its "last" values are the mean of."""


@dataclass(frozen=True, slots=True)
class SeedFound:
    """What the arms of an experiment gave with one seed.

    Attributes:
        values: arm -> numbers.
        curves: arm -> the experiment's metric step by step; empty where it has no such metric.
        seconds: of the steps of all arms and of the base.
    """

    values: Mapping[str, Values]
    curves: Mapping[str, Sequence[float]]
    seconds: float


def run_seed(experiment: Experiment, seed: int, *, root: Path, emit: Listener) -> SeedFound:
    """Make the base of a seed and run every arm from it; what is finished is read.

    Args:
        experiment: whose arms are run.
        seed: of the base, of every stage and of the probes.
        root: where arms and bases lie.
        emit: told what happens.

    Raises:
        ProctorError: an arm failed; those before it are kept.
        LearnerError: a signal stopped an arm.
    """
    base, seconds = _base(experiment, seed, root, emit)
    values: dict[str, Values] = {}
    curves: dict[str, list[float]] = {}
    for arm in experiment.arms:
        out = root / experiment.name / arm.name / f"seed-{seed}"
        emit(Warned(f"{experiment.name}: {arm.name}, seed {seed}"))
        staged = experiment.staged(arm, base, seed)
        result = run_staged(staged, recipe=f"{experiment.name}-{arm.name}", out=out, resume=run_directory.is_run(out), emit=emit)
        if not result.is_finished:
            raise LearnerError(f"{experiment.name} was stopped in the arm {arm.name}, seed {seed}; the same command goes on with it")
        rows = _last_stage(out)
        seconds += float(result.summary["seconds_of_steps"])
        further = experiment.measure(out) if experiment.measure else {}
        values[arm.name] = {**_measured(result.summary, rows), **further}
        curves[arm.name] = [float(row[experiment.curve]) for row in rows if row.get(experiment.curve) is not None] if experiment.curve else []
    return SeedFound(values, curves, seconds)


def _base(experiment: Experiment, seed: int, root: Path, emit: Listener) -> tuple[str, float]:
    """The base model of a seed, shared by all experiments that make the same one, and the seconds that its steps took."""
    config = replace(experiment.base.config, seed=seed)
    out = root / "bases" / f"{_digest(config)}-seed-{seed}"
    result = run_training(config, recipe="base", out=out, resume=run_directory.is_run(out), emit=emit)
    if not result.is_finished:
        raise LearnerError(f"the base of {experiment.name} was stopped; the same command goes on with it")
    return str(out / "model"), float(result.summary["seconds_of_steps"])


def _digest(config: RunConfig) -> str:
    """What names a base: the keys that are not at their defaults, so that a new key renames none, and the weights that `pocket` begins with."""
    chosen = _chosen(to_mapping(config), to_mapping(RunConfig(DataConfig(""), ())))
    return hashlib.sha256(json.dumps([VERSION, chosen], sort_keys=True, default=str).encode()).hexdigest()[:12]


def _chosen(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults, table by table."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        default = defaults.get(key)
        if value != default:
            found[key] = _chosen(value, default) if isinstance(value, dict) and isinstance(default, dict) else value
    return found


def _last_stage(out: Path) -> list[dict[str, Any]]:
    rows = RunDirectory.inspect(out).metrics()
    return [row for row in rows if row["stage"] == rows[-1]["stage"]]


def _measured(summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The final evaluations by probe, and the means of the last steps' and of all steps' metrics."""
    last = rows[-max(1, round(_LAST * len(rows))) :]
    final = next(entry for entry in reversed(summary["stages"]) if entry["evaluations"])
    found = {name: float(values["mean"]) for name, values in final["evaluations"].items()}
    for name, values in final["evaluations"].items():
        found |= {f"{name}/{key}": float(value["mean"]) for key, value in values.items() if "@" in key}
    for name in dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, int | float)):
        found[f"{name}_last"] = _mean([row.get(name) for row in last])
        found[f"{name}_all"] = _mean([row.get(name) for row in rows])
    return found


def _mean(values: Sequence[Any]) -> float:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")
