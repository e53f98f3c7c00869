"""Every recipe at every scale: its plain form is what a run directory records, and reads back as the same recipe."""

from __future__ import annotations

import json

import pytest

from proctor.recipes import ALIASES, build_recipe, find_recipe, scales_of
from proctor.training.stages.records import StagedConfig, Traces, Train, as_plain, from_plain

SCALES = [(name, scale) for name in sorted(ALIASES) for scale in scales_of(find_recipe(name))]


@pytest.mark.parametrize(("name", "scale"), SCALES)
def test_a_recipe_reads_back_from_its_plain_form(name: str, scale: str) -> None:
    recipe = build_recipe(name, scale)
    if isinstance(recipe, StagedConfig):
        assert from_plain(json.loads(json.dumps(as_plain(recipe)))) == recipe
    assert recipe == build_recipe(name, scale)


@pytest.mark.parametrize("scale", ["tiny", "pocket"])
def test_qwen3_teaches_and_reinforces_the_same_student(scale: str) -> None:
    """Table 21 of the paper: distillation on-policy and RL both begin with the student that was taught off-policy."""
    recipe = build_recipe("qwen3", scale)
    assert isinstance(recipe, StagedConfig)
    models = {stage.name: stage.config.model for stage in recipe.stages if isinstance(stage, Train)}
    assert models["on_policy"] == models["student_rl"] == "stage:off_policy"


def test_qwen3_keeps_only_traces_that_follow_their_flag() -> None:
    recipe = build_recipe("qwen3", "pocket")
    assert isinstance(recipe, StagedConfig)
    for stage in recipe.stages:
        if isinstance(stage, Traces):
            assert "mode" in [reward.function for reward in stage.rewards] and stage.threshold == sum(reward.weight for reward in stage.rewards)


def test_the_long2short_ways_are_the_same_at_every_scale() -> None:
    ways = {}
    for scale in scales_of(find_recipe("kimi_k15")):
        recipe = build_recipe("kimi_k15", scale)
        assert isinstance(recipe, StagedConfig)
        ways[scale] = [stage.name for stage in recipe.stages if stage.name in ("merged", "shortest", "shortest_sft", "pairs", "short_dpo", "short_rl")]
    assert set(map(tuple, ways.values())) == {("merged", "shortest", "shortest_sft", "pairs", "short_dpo", "short_rl")}
