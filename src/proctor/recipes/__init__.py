"""Recipes: one function each, which returns a complete `RunConfig`, or a `StagedConfig` of several, and holds no logic.

The scale is an argument of the function; a variant of a recipe is `dataclasses.replace` or `--set`, never a copy.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable

from proctor.config import RunConfig
from proctor.errors import ConfigError
from proctor.plugins import load
from proctor.training.stages.records import StagedConfig

Recipe = Callable[..., RunConfig | StagedConfig]

ALIASES = {
    "quickstart": "proctor.recipes.quickstart:quickstart",
    "pocket": "proctor.recipes.pocket:pocket",
    "gsm8k": "proctor.recipes.gsm8k:gsm8k",
    "deepseek_math": "proctor.recipes.deepseek_math:deepseek_math",
    "r1_zero": "proctor.recipes.r1_zero:r1_zero",
    "r1": "proctor.recipes.r1:r1",
    "r1_distill": "proctor.recipes.r1_distill:r1_distill",
    "kimi_k15": "proctor.recipes.kimi_k15:kimi_k15",
    "qwen3": "proctor.recipes.qwen3:qwen3",
}


def find_recipe(name: str) -> Recipe:
    """The recipe that a name or import string stands for.

    Raises:
        ConfigError: there is none.
    """
    return load(name, kind="recipe", aliases=ALIASES, group="proctor.recipes")


def scales_of(recipe: Recipe) -> tuple[str, ...]:
    """The values that the recipe's argument `scale` may take; the first is its default."""
    parameter = inspect.signature(recipe).parameters.get("scale")
    if parameter is None:
        return ()
    values = typing.get_args(typing.get_type_hints(recipe)["scale"])
    return tuple(sorted(values, key=lambda value: value != parameter.default))


def build_recipe(name: str, scale: str | None) -> RunConfig | StagedConfig:
    """The configuration of a recipe at a scale.

    Raises:
        ConfigError: unknown recipe, or a scale that it does not have.
    """
    recipe = find_recipe(name)
    if scale is None:
        return recipe()
    allowed = scales_of(recipe)
    if scale not in allowed:
        raise ConfigError(f"the recipe {name!r} has no scale {scale!r}; it has: {', '.join(allowed) or 'none (leave out --scale)'}")
    return recipe(scale=scale)
