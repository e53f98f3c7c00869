"""Configuration: what is read, what is refused, and what the message says."""

from __future__ import annotations

from pathlib import Path

import pytest

from proctor.cli.train import resolve
from proctor.config import RunConfig, build_objective, from_mapping, parse_assignment, to_mapping, with_assignments
from proctor.errors import ConfigError
from proctor.recipes import ALIASES, build_recipe, find_recipe, scales_of
from proctor.training.stages.records import Train

MINIMAL = {"data": {"train": "arithmetic"}, "rewards": ["number"]}


@pytest.mark.parametrize("recipe", sorted(ALIASES))
def test_every_recipe_at_every_scale_survives_a_round_trip_through_plain_values(recipe: str) -> None:
    for scale in scales_of(find_recipe(recipe)):
        built = build_recipe(recipe, scale)
        for config in [built] if isinstance(built, RunConfig) else [stage.config for stage in built.stages if isinstance(stage, Train)]:
            assert from_mapping(to_mapping(config)) == config
            build_objective(config)


def test_assignments_reach_any_depth_and_keep_toml_types() -> None:
    config = with_assignments(
        build_recipe("quickstart", "tiny"),
        [
            "learning_rate=3e-4",
            "data.train=tasks.jsonl",
            "data.columns.prompt=problem",
            "learner.lora.rank=4",
            "engine.stop=['a', 'b']",
            "objective.beta=0.1",
            "rewards=math",
        ],
    )
    assert (config.learning_rate, config.data.train, config.data.columns) == (3e-4, "tasks.jsonl", {"prompt": "problem"})
    assert config.learner.lora is not None
    assert (config.learner.lora.rank, config.engine.stop, config.objective, config.rewards[0].function) == (4, ("a", "b"), {"beta": 0.1}, "math")
    assert parse_assignment("model=tiny") == ("model", "tiny")
    assert parse_assignment("deterministic=true") == ("deterministic", True)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("learnin_rate=1", "unknown configuration key 'learnin_rate'. Did you mean 'learning_rate'?"),
        ("learner.beta=1", "unknown configuration key 'learner.beta'"),
        ("data.columns.promt=x", "unknown role in data.columns 'promt'. Did you mean 'prompt'?"),
        ("objective.clip=1", "unknown argument in objective of grpo 'clip'"),
        ("num_steps=many", "num_steps is 'many'"),
        ("num_steps=0", "num_steps must be at least 1, not 0"),
        ("temperature=0", "temperature must be greater than 0 to train"),
        ("group_size=1", "group_size is 1, but grpo compares the rollouts of one task"),
        ("engine.top_p=0.9", "grpo needs logprobs of the distribution that is trained"),
        ("algorithm=ppoo", "unknown algorithm 'ppoo'"),
        ("model.name=x", "'model' is a value, not a table"),
        ("seed", "--set needs key=value"),
        ("learner.schedule=sudden", "learner.schedule is 'sudden'"),
        ("objective.beta=-1", "beta must be at least 0"),
    ],
)
def test_mistakes_get_one_message_with_what_is_allowed(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_objective(with_assignments(build_recipe("quickstart", "tiny"), [assignment]))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reinforce_takes_one_rollout_but_only_one_update() -> None:
    config = with_assignments(from_mapping(MINIMAL), ["algorithm=reinforce", "group_size=1"])
    build_objective(config)
    with pytest.raises(ConfigError, match="right only for one update a batch"):
        build_objective(with_assignments(config, ["learner.num_epochs=2"]))


def test_a_missing_table_is_named() -> None:
    with pytest.raises(ConfigError, match="no 'data', which is needed"):
        from_mapping({"rewards": "number"})


def test_files_stand_alone_or_on_a_recipe(tmp_path: Path) -> None:
    alone = tmp_path / "alone.toml"
    alone.write_text('model = "tiny"\nrewards = "number"\nnum_steps = 3\n[data]\ntrain = "arithmetic"\n')
    name, config = resolve(str(alone), None, [])
    assert (name, config.model, config.num_steps) == ("alone", "tiny", 3)
    based = tmp_path / "based.toml"
    based.write_text('recipe = "quickstart"\nnum_steps = 3\n[learner]\nnum_epochs = 2\n')
    name, config = resolve(str(based), "tiny", ["num_steps=5"])
    assert (name, config.model, config.num_steps, config.learner.num_epochs, config.group_size) == ("based", "tiny", 5, 2, 16)
    with pytest.raises(ConfigError, match="names none"):
        resolve(str(alone), "tiny", [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("num_steps = ", "is not valid TOML"),
        ("surprise = 1\n[data]\ntrain = 'x'\n", "unknown configuration key 'surprise'"),
        ('recipe = "quickstar"', "unknown recipe 'quickstar'"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=message):
        resolve(str(file), None, [])
    with pytest.raises(ConfigError, match="there is no file"):
        resolve(str(tmp_path / "other.toml"), None, [])


def test_a_recipe_without_a_scale_says_which_it_has() -> None:
    with pytest.raises(ConfigError, match="'quickstart' has no scale 'paper'; it has: 135m, pocket, tiny"):
        build_recipe("quickstart", "paper")


def test_the_configuration_is_frozen() -> None:
    config = from_mapping(MINIMAL)
    with pytest.raises(AttributeError):
        config.seed = 1  # type: ignore[misc]
    assert isinstance(config, RunConfig)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("objective.beta=0.1", "learner.replace_reference_every=4"), "leave one of them out"),
        (("algorithm=reward_model", "objective={}"), "no adapters; leave learner.lora out"),
    ],
)
def test_what_adapters_do_not_go_with_is_said(settings: tuple[str, ...], message: str) -> None:
    config = with_assignments(build_recipe("quickstart", "tiny"), [*settings, "learner.lora.rank=4"])
    with pytest.raises(ConfigError, match=message):
        build_objective(config)


def test_an_early_stop_by_kl_needs_an_old_policy() -> None:
    config = with_assignments(build_recipe("quickstart", "tiny"), ["algorithm=dpo", "objective={}", "learner.max_approx_kl=0.1"])
    with pytest.raises(ConfigError, match="no old policy to go by"):
        build_objective(config)
