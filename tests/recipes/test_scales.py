"""Every recipe at every scale: its plain form is what a run directory records, and reads back as the same recipe."""

from __future__ import annotations

import json

import pytest

from proctor.recipes import ALIASES, build_recipe, find_recipe, scales_of
from proctor.training.stages.records import StagedConfig, as_plain, from_plain

SCALES = [(name, scale) for name in sorted(ALIASES) for scale in scales_of(find_recipe(name))]


@pytest.mark.parametrize(("name", "scale"), SCALES)
def test_a_recipe_reads_back_from_its_plain_form(name: str, scale: str) -> None:
    recipe = build_recipe(name, scale)
    if isinstance(recipe, StagedConfig):
        assert from_plain(json.loads(json.dumps(as_plain(recipe)))) == recipe
    assert recipe == build_recipe(name, scale)


def test_the_long2short_ways_are_the_same_at_every_scale() -> None:
    ways = {}
    for scale in scales_of(find_recipe("kimi_k15")):
        recipe = build_recipe("kimi_k15", scale)
        assert isinstance(recipe, StagedConfig)
        ways[scale] = [stage.name for stage in recipe.stages if stage.name in ("merged", "shortest", "shortest_sft", "pairs", "short_dpo", "short_rl")]
    assert set(map(tuple, ways.values())) == {("merged", "shortest", "shortest_sft", "pairs", "short_dpo", "short_rl")}
