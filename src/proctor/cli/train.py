"""`proctor train`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from pathlib import Path
from typing import Any

from proctor.config import RunConfig, from_mapping, read_toml, to_mapping, with_assignments
from proctor.errors import ConfigError
from proctor.recipes import build_recipe
from proctor.training.stages.overrides import with_stage_assignments, with_stage_tables
from proctor.training.stages.records import StagedConfig, Train, as_plain
from proctor.training.stages.table import stage_table

MAX_PROMPT_CHARS = 200
"""Of a prompt that is proposed to be tried."""


def run(options: argparse.Namespace) -> int:
    """Resolve the configuration, then train, or print the plan."""
    recipe, config = resolve(options.what, options.scale, options.assignments)
    if options.dry_run:
        return _dry_run(recipe, config)
    from proctor.cli.progress import ProgressView
    from proctor.training.run import run_training
    from proctor.training.stages.run import run_staged

    view = ProgressView()
    out = Path(options.out) if options.out else None
    try:
        if isinstance(config, StagedConfig):
            result = run_staged(config, recipe=recipe, out=out, resume=options.resume, emit=view)
        else:
            result = run_training(config, recipe=recipe, out=out, resume=options.resume, emit=view)
    finally:
        view.close()
    if not result.is_finished:
        print(f"stopped after {result.num_steps} steps; the state is saved.")
        print(f"Continue with the same command and --resume --out {result.path}")
    else:
        print(report(result.path, result.summary))
    return 0


def resolve(what: str, scale: str | None, assignments: list[str]) -> tuple[str, RunConfig | StagedConfig]:
    """The recipe's name and the configuration, after the file and every --set.

    Raises:
        ConfigError: unknown recipe, file, scale or key.
    """
    if not what.endswith(".toml"):
        return what.rpartition(":")[2], _assigned(build_recipe(what, scale), assignments)
    values = read_toml(Path(what))
    base = values.pop("recipe", None)
    name = Path(what).stem
    if base is None:
        if scale is not None:
            raise ConfigError(f'--scale chooses the size of a recipe, and {what} names none; add recipe = "..." to it, or leave out --scale')
        return name, with_assignments(from_mapping(values), assignments)
    built = build_recipe(base, scale)
    if isinstance(built, StagedConfig):
        return name, with_stage_assignments(with_stage_tables(built, values), assignments)
    return name, with_assignments(from_mapping(_merged(to_mapping(built), values)), assignments)


def _assigned(config: RunConfig | StagedConfig, assignments: list[str]) -> RunConfig | StagedConfig:
    return with_stage_assignments(config, assignments) if isinstance(config, StagedConfig) else with_assignments(config, assignments)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, table by table; what is no table is replaced."""
    both = {key: _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value for key, value in over.items()}
    return {**base, **both}


def _dry_run(recipe: str, config: RunConfig | StagedConfig) -> int:
    from proctor.config import build_objective
    from proctor.models.memory import plan_memory

    if isinstance(config, StagedConfig):
        for stage in config.stages:
            if isinstance(stage, Train):
                build_objective(stage.config)
        print(json.dumps({"recipe": recipe, **as_plain(config)}, indent=2))
        return 0
    objective = build_objective(config)
    print(json.dumps({"recipe": recipe, **to_mapping(config)}, indent=2))
    plan = plan_memory(
        config.model,
        lora=config.learner.lora,
        has_reference=objective.needs_reference,
        micro_batch_tokens=config.learner.micro_batch_tokens,
        compute_dtype=config.compute_dtype,
    )
    print(plan.describe())
    return 0


def report(path: Path, summary: Any) -> str:
    """What was learned, and where to look."""
    lines = []
    before, after = summary.get("before"), summary.get("after")
    for name, probe, mean, low, high in stage_table(summary) if "stages" in summary else ():
        lines.append(f"  {name:<24} {probe:<12} {mean:.3f} [{low:.3f}, {high:.3f}]")
    if "control" in summary:
        control = summary["control"]
        had = f", reinforcement had {control['rl_seconds_of_steps']:.0f} s" if "rl_seconds_of_steps" in control else ""  # older runs do not say
        spent = f"{control['seconds_of_steps']:.0f} s of steps{had}"
        lines.append(f"imitation instead ({control['stage']}; {spent}): {_interval(control)}")
    if before and after:
        lines.append(f"held out ({after['num_tasks']} tasks): {_interval(before)} before, {_interval(after)} after")
    if "gain" in summary:
        gain = summary["gain"]
        verdict = "better" if gain["low"] > 0 else "worse" if gain["high"] < 0 else "no difference shown"
        lines.append(f"paired difference: {gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}] ({verdict}; 95 % interval over tasks)")
    if "reward_last_steps" in summary:
        lines.append(
            f"training reward: {summary['reward_first_steps']:.3f} in the first steps, {summary['reward_last_steps']:.3f} in the last; "
            f"{summary['seconds_of_steps']:.0f} s of steps"
        )
    shown = os.path.relpath(path) if not os.path.relpath(path).startswith("..") else str(path)
    rollouts = f"{shown}/stages/*/rollouts" if "stages" in summary else f"{shown}/rollouts"
    lines += [
        f"weights: {shown}/model (loads with transformers)",
        f"every rollout: {rollouts}/*.parquet   metrics: {shown}/metrics.jsonl",
    ]
    prompt = example_prompt(path)
    if writes_text(path) and prompt is not None:
        lines.append(f"try it: proctor sample {shlex.quote(shown)} {shlex.quote(f'--prompt={prompt}')} --temperature 0")
    return "\n".join(lines)


def example_prompt(path: Path) -> str | None:
    """What the run asked first in its last step; None where that does not fit on a line of a terminal, could do something there, or cannot be read."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    tables = [*path.glob("rollouts/*.parquet"), *path.glob("stages/*/rollouts/*.parquet")]
    try:
        newest = max(tables, key=lambda table: (table.stat().st_mtime_ns, table.name))
        with ParquetFile(newest) as table:
            prompt = next(table.iter_batches(batch_size=1, columns=["prompt_text"])).to_pylist()[0]["prompt_text"]
    except (ValueError, StopIteration, OSError, ArrowException, LookupError):  # no table, an empty one, or one that is torn
        return None
    return prompt if isinstance(prompt, str) and 0 < len(prompt) <= MAX_PROMPT_CHARS and prompt.isprintable() else None


def writes_text(path: Path) -> bool:
    """Whether the final weights are a language model: those of a reward model are not, and have nothing to say."""
    config = path / "model" / "config.json"
    names = json.loads(config.read_text()).get("architectures") or [] if config.is_file() else []
    return not any("SequenceClassification" in name for name in names)


def _interval(values: Any) -> str:
    return f"{values['mean']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"
