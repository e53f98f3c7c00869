"""`proctor recipes`."""

from __future__ import annotations

import argparse
import inspect

from rich.console import Console
from rich.table import Table

from proctor.config import RunConfig
from proctor.recipes import ALIASES, build_recipe, find_recipe, scales_of
from proctor.training.stages.records import StagedConfig, Train


def run(options: argparse.Namespace) -> int:
    """List the recipes, or describe one."""
    if options.name is None:
        _list()
    else:
        print(describe(options.name, options.scale))
    return 0


def _list() -> None:
    """Name, scales (the default first), the first sentence of each docstring."""
    table = Table("recipe", "scales (default first)", "what it does", box=None, pad_edge=False)
    for name in sorted(ALIASES):
        recipe = find_recipe(name)
        table.add_row(name, ", ".join(scales_of(recipe)), (inspect.getdoc(recipe) or "").splitlines()[0])
    Console().print(table)


def describe(name: str, scale: str | None) -> str:
    """A recipe's docstring, and for a staged one its card and its stages.

    Raises:
        ConfigError: unknown recipe or scale.
    """
    text = inspect.getdoc(find_recipe(name)) or ""
    config = build_recipe(name, scale)
    return f"{name}: {text}\n\n{_card(config) if isinstance(config, StagedConfig) else _run(config)}"


def _run(config: RunConfig) -> str:
    return (
        f"one stage: {config.algorithm} of {config.model} on {config.data.train}, {config.num_steps} steps of {config.prompts_per_step} x {config.group_size}"
    )


def _card(staged: StagedConfig) -> str:
    card = staged.card
    lines = [f"Paper: {card.paper}", f"Aims at: {card.aims_at}", "Published:"]
    lines += [f"  {key}: {value}" for key, value in card.published.items()]
    lines += [f"Not published, so ours: {'; '.join(card.unpublished)}", "Hardware:"]
    lines += [f"  {key}: {value}" for key, value in card.hardware.items()]
    lines += [f"Expected: {card.expected}", "Stages:"]
    for number, stage in enumerate(staged.stages, 1):
        what = f"{stage.config.algorithm}, {stage.config.num_steps} steps" if isinstance(stage, Train) else type(stage).__name__.lower()
        needs = ", ".join(value for value in stage.references if value.startswith("stage:"))
        lines.append(f"  {number:2}. {stage.name:<18} {what}{f' (from {needs})' if needs else ''}")
    lines.append(f"Result: {staged.final}{f'; beside it imitation instead: {staged.control}' if staged.control else ''}")
    return "\n".join(lines)
