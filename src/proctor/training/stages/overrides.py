"""`--set` for staged recipes: `STAGE.key=value` for one stage, `key=value` for every stage that trains."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from proctor.config import parse_assignment, read_record, to_mapping, with_assignments
from proctor.data.config import DataConfig
from proctor.errors import ConfigError
from proctor.plugins import unknown
from proctor.training.stages.records import REFERENCE, Curate, Merge, Mix, Probe, Stage, StagedConfig, Traces, Train

Record = TypeVar("Record")

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
    stages = tuple(_with_key(stage, key, value, text=text) if _takes(stage, key) else stage for stage in staged.stages)
    if key == "seed":
        staged = replace(staged, seed=value, probes=tuple(replace(probe, seed=value) for probe in staged.probes))
    if key in ("data.train", "data.test"):
        field = key.removeprefix("data.")
        staged = replace(staged, probes=tuple(replace(probe, data=replace(probe.data, **{field: value})) for probe in staged.probes))
    return replace(staged, stages=stages)


def _takes(stage: Stage, key: str) -> bool:
    """Whether a value for all stages goes to this one: never in the place of an earlier stage's result."""
    if isinstance(stage, Train):
        held = {"model": stage.config.model, "data.train": stage.config.data.train, "data.test": stage.config.data.train}
        return not held.get(key, "").startswith(REFERENCE)
    if isinstance(stage, Traces | Curate):
        held = {"seed": "", "model": stage.model, "data.train": stage.data.train, "data.test": stage.data.train}
        return key in held and not held[key].startswith(REFERENCE)
    return isinstance(stage, Mix) and key in ("seed", "data.train", "data.test")


def _with_key(stage: Stage, key: str, value: Any, *, text: str) -> Stage:
    if isinstance(stage, Train):
        return replace(stage, config=with_assignments(stage.config, [text]))
    if isinstance(stage, Merge):
        raise ConfigError(f"--set {stage.name}.{key}: the stage {stage.name!r} averages weights and has nothing to set")
    changed = to_mapping(DataConfig("")) if key.startswith("data.") else to_mapping(stage)
    allowed = [name for name in changed if name not in ("name", "rewards", "data", "parts")]
    last = key.removeprefix("data.")
    if last not in allowed:
        raise ConfigError(unknown(f"{stage.name}.{key}", kind="configuration key", allowed=[f"{stage.name}.{name}" for name in allowed]))
    plain = to_mapping(stage)
    if not key.startswith("data."):
        plain[key] = value
    elif isinstance(stage, Mix):
        for part in plain["parts"]:
            if not part["data"]["train"].startswith(REFERENCE):
                part["data"][last] = value
    else:
        plain["data"][last] = value
    return _read(type(stage), plain, stage.name)


def _read(kind: type[Record], plain: Mapping[str, Any], name: str) -> Record:
    """A stage or probe of plain values; messages name it."""
    try:
        return read_record(kind, plain)
    except ConfigError as error:
        raise ConfigError(f"--set {name}: {error}") from error


def _with_probe_key(probe: Probe, key: str, value: Any) -> Probe:
    if key not in _PROBED:
        raise ConfigError(unknown(f"evaluation.{key}", kind="configuration key", allowed=[f"evaluation.{name}" for name in _PROBED]))
    if key != "temperature" and (not isinstance(value, int) or value < 1):
        raise ConfigError(f"evaluation.{key} must be a whole number of at least 1 in a staged recipe, not {value!r}")
    return _read(Probe, {**to_mapping(probe), key: value}, "evaluation")


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
