"""`--set` for staged recipes: `STAGE.key=value` for one stage, `key=value` for every stage that trains."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proctor.config import parse_assignment, to_mapping, with_assignments
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.training.stages.records import REFERENCE, Merge, Probe, Stage, StagedConfig, Traces, Train

_PROBED = ("num_tasks", "num_samples", "temperature")


def with_stage_assignments(staged: StagedConfig, assignments: Sequence[str]) -> StagedConfig:
    """Apply `--set` assignments in order.

    `rl.num_steps=10` goes to the stage `rl`; `num_steps=10`, `data.train=tasks.jsonl` or `model=DIR` to every stage that trains, but never
    in the place of an earlier stage's result; `evaluation.num_tasks=100` to the evaluation of every stage; `seed=1` everywhere.

    Raises:
        ConfigError: an unknown stage or key, or a value of the wrong kind.
    """
    for text in assignments:
        key, value = parse_assignment(text)
        first, _, rest = key.partition(".")
        if rest and first in {stage.name for stage in staged.stages}:
            staged = _replaced(staged, first, _with_key(staged.stage(first), rest, value, text=f"{rest}={text.partition('=')[2]}"))
        elif first == "evaluation":
            staged = replace(staged, probes=tuple(_with_probe_key(probe, rest, value) for probe in staged.probes))
        else:
            staged = _everywhere(staged, key, value, text)
    return staged


def with_stage_tables(staged: StagedConfig, tables: Mapping[str, Any]) -> StagedConfig:
    """Apply the tables of a TOML file: `[rl] num_steps = 10` is `--set rl.num_steps=10`."""
    return with_stage_assignments(staged, [f"{key}={_toml(value)}" for key, value in _flat(tables)])


def _everywhere(staged: StagedConfig, key: str, value: Any, text: str) -> StagedConfig:
    stages: list[Stage] = []
    for stage in staged.stages:
        takes_key = isinstance(stage, Train) or (isinstance(stage, Traces) and key in ("seed", "data.train", "model"))
        stages.append(_with_key(stage, key, value, text=text) if takes_key and not _is_reference(stage, key) else stage)
    if key == "seed":
        staged = replace(staged, seed=value, probes=tuple(replace(probe, seed=value) for probe in staged.probes))
    if key in ("data.train", "data.test"):
        field = key.removeprefix("data.")
        staged = replace(staged, probes=tuple(replace(probe, data=replace(probe.data, **{field: value})) for probe in staged.probes))
    return replace(staged, stages=tuple(stages))


def _is_reference(stage: Stage, key: str) -> bool:
    """Whether a key of a stage holds the result of an earlier one, which a value for all stages must not replace."""
    if isinstance(stage, Merge):
        return True
    config = stage.config if isinstance(stage, Train) else stage
    held = {"model": config.model, "data.train": config.data.train, "data.test": config.data.train}.get(key, "")
    return held.startswith(REFERENCE)


def _with_key(stage: Stage, key: str, value: Any, *, text: str) -> Stage:
    if isinstance(stage, Train):
        return replace(stage, config=with_assignments(stage.config, [text]))
    if isinstance(stage, Merge):
        raise ConfigError(f"--set {stage.name}.{key}: the stage {stage.name!r} averages weights and has nothing to set")
    if key.startswith("data."):
        return replace(stage, data=replace(stage.data, **{key.removeprefix("data."): value}))
    allowed = [name for name in to_mapping(stage) if name not in ("name", "rewards", "data")]
    if key not in allowed:
        raise ConfigError(unknown(f"{stage.name}.{key}", kind="configuration key", allowed=[f"{stage.name}.{name}" for name in allowed]))
    return replace(stage, **{key: value})


def _with_probe_key(probe: Probe, key: str, value: Any) -> Probe:
    if key not in _PROBED:
        raise ConfigError(unknown(f"evaluation.{key}", kind="configuration key", allowed=[f"evaluation.{name}" for name in _PROBED]))
    if key != "temperature" and (not isinstance(value, int) or value < 1):
        raise ConfigError(f"evaluation.{key} must be a whole number of at least 1 in a staged recipe, not {value!r}")
    return replace(probe, **{key: value})


def _replaced(staged: StagedConfig, name: str, stage: Stage) -> StagedConfig:
    return replace(staged, stages=tuple(stage if entry.name == name else entry for entry in staged.stages))


def _flat(tables: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tables.items():
        found += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(prefix + key, value)]
    return found


def _toml(value: Any) -> str:
    """A value as `--set` reads it; JSON's lists, texts, numbers and truth values are TOML's."""
    return json.dumps(value)
