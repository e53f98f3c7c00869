"""What a staged recipe may be made of, and what `--set` changes in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proctor.config import RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.errors import ConfigError
from proctor.training.stages.overrides import with_stage_assignments, with_stage_tables
from proctor.training.stages.records import Card, Curate, Merge, Mix, Part, Probe, StagedConfig, Traces, Train, as_plain, sources

REWARDS = (RewardConfig("number"),)
DATA = DataConfig("column_addition:digits=1")
CARD = Card("paper", "table", {}, (), {}, "curve")


def run(model: str = "pocket-untrained", data: DataConfig = DATA, **changes: object) -> RunConfig:
    return RunConfig(data=data, rewards=REWARDS, model=model, **changes)  # type: ignore[arg-type]


def staged(**changes: object) -> StagedConfig:
    stages = (
        Train("base", run()),
        Train("rl", run("stage:base"), is_rl=True),
        Traces("traces", "stage:rl", DATA, REWARDS),
        Train("sft", run("stage:base", DataConfig("stage:traces"))),
        Merge("merged", ("stage:rl", "stage:sft"), (0.5, 0.5)),
    )
    values = {"stages": stages, "probes": (Probe(DATA, REWARDS, 8),), "card": CARD, "final": "merged", **changes}
    return StagedConfig(**values)  # type: ignore[arg-type]


def test_a_stage_may_only_take_from_earlier_ones() -> None:
    for model, data in (("stage:later", DATA), ("pocket-untrained", DataConfig("stage:later"))):
        with pytest.raises(ConfigError, match="needs the result of 'later'"):
            staged(stages=(Train("first", run(model, data)), Train("later", run())), final="later")
    with pytest.raises(ConfigError, match="needs the result of 'second'"):
        staged(stages=(Train("first", run(algorithm="on_policy_distillation", objective={"teacher": "stage:second"})), Train("second", run())), final="first")
    with pytest.raises(ConfigError, match="second"):
        begun = Train("judge", run(algorithm="reward_model", objective={"start": "stage:second"}))
        staged(stages=(begun, Train("second", run())), final="second")


def test_a_reward_may_be_the_model_of_an_earlier_stage_and_no_recipe_ends_with_one_that_only_scores() -> None:
    proxy = RewardConfig("reward_model", arguments={"path": "stage:proxy"})
    rl = Train("rl", replace(run("stage:base"), rewards=(proxy,)), is_rl=True)
    base, judge = Train("base", run()), Train("proxy", run("stage:base", algorithm="reward_model"))
    assert staged(stages=(base, judge, rl), final="rl").rl_stages == (rl,)
    with pytest.raises(ConfigError, match="needs the result of 'proxy'"):
        staged(stages=(base, rl, judge), final="rl")
    with pytest.raises(ConfigError, match="makes no model that writes"):
        staged(stages=(base, judge, rl), final="proxy")


@pytest.mark.parametrize("names", [("a", "a"), ("A",), ("a-b",), ("",)])
def test_names_are_different_words(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="stage names"):
        staged(stages=tuple(Train(name, run()) for name in names), final=names[0])


def test_the_result_is_a_model() -> None:
    with pytest.raises(ConfigError, match="makes no model that writes"):
        staged(final="traces")
    with pytest.raises(ConfigError, match="no stage 'other'"):
        staged(control="other")


def test_reinforcement_learning_starts_from_something_that_is_evaluated() -> None:
    with pytest.raises(ConfigError, match="neither the start_model"):
        staged(stages=(Train("rl", run("smollm2-135m"), is_rl=True),), final="rl")
    assert staged(stages=(Train("rl", run("smollm2-135m"), is_rl=True),), final="rl", start_model="smollm2-135m").rl_stages[0].name == "rl"


@pytest.mark.parametrize(("models", "weights"), [(("a",), (1.0,)), (("a", "b"), (0.5,)), (("a", "b"), (0.5, 0.6))])
def test_merges_need_weights_that_sum_to_one(models: tuple[str, ...], weights: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="sum to 1"):
        Merge("m", models, weights)


def test_sources_are_what_comes_from_outside() -> None:
    mix = Mix("mix", (Part(DATA), Part(DataConfig("stage:traces"))))
    assert [data.train for data, _ in sources(mix)] == ["column_addition:digits=1"]
    assert list(sources(Merge("m", ("a", "b"), (0.5, 0.5)))) == []
    assert [data for data, _ in sources(staged().stages[3])] == []


def test_set_reaches_one_stage_or_all_that_train() -> None:
    changed = with_stage_assignments(staged(), ["rl.num_steps=3", "learning_rate=1e-4", "seed=5", "evaluation.num_tasks=7", "traces.num_samples=9"])
    configs = {stage.name: stage.config for stage in changed.stages if isinstance(stage, Train)}
    assert configs["rl"].num_steps == 3
    assert configs["base"].num_steps == 100
    assert {config.learning_rate for config in configs.values()} == {1e-4}
    assert {config.seed for config in configs.values()} == {5}
    traces = changed.stages[2]
    assert isinstance(traces, Traces) and (traces.num_samples, traces.seed) == (9, 5)
    assert (changed.probes[0].num_tasks, changed.probes[0].seed, changed.seed) == (7, 5, 5)


def test_a_value_for_all_stages_never_replaces_the_result_of_an_earlier_one() -> None:
    changed = with_stage_assignments(staged(), ["model=other", "data.train=column_addition:digits=3"])
    configs = {stage.name: stage.config for stage in changed.stages if isinstance(stage, Train)}
    assert {name: config.model for name, config in configs.items()} == {"base": "other", "rl": "stage:base", "sft": "stage:base"}
    assert configs["sft"].data.train == "stage:traces"
    assert configs["rl"].data.train == changed.probes[0].data.train == "column_addition:digits=3"


def test_the_sources_of_a_mixture_are_set_like_others() -> None:
    mixed = staged(
        stages=(Train("base", run()), Traces("traces", "stage:base", DATA, REWARDS), Mix("mix", (Part(DATA), Part(DataConfig("stage:traces"))))), final="base"
    )
    mix = with_stage_assignments(mixed, ["data.train=arithmetic", "mix.seed=3"]).stages[2]
    assert isinstance(mix, Mix) and mix.seed == 3
    assert [part.data.train for part in mix.parts] == ["arithmetic", "stage:traces"]


def test_tables_of_a_file_are_assignments() -> None:
    changed = with_stage_tables(staged(), {"rl": {"num_steps": 3, "learner": {"num_epochs": 2}}, "seed": 4})
    assert changed == with_stage_assignments(staged(), ["rl.num_steps=3", "rl.learner.num_epochs=2", "seed=4"])


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("rl.num_stepz=3", "num_stepz"),
        ("nothing.num_steps=3", "nothing"),
        ("merged.weights=[1.0]", "nothing to set"),
        ("traces.num_stepz=3", "traces.num_stepz"),
        ("evaluation.num_taskz=3", "evaluation.num_taskz"),
        ("evaluation.num_tasks=0", "at least 1"),
        ("evaluation.temperature=hot", "evaluation: temperature is 'hot'"),
        ("traces.num_samples=many", "traces: num_samples is 'many'"),
        ("traces.keep=longest", "traces: keep is 'longest'"),
        ("traces.data.max_tasks=few", "traces: data.max_tasks is 'few'"),
    ],
)
def test_mistakes_in_assignments_are_named(assignment: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        with_stage_assignments(staged(), [assignment])


def test_the_plain_form_tells_kinds_apart() -> None:
    assert [entry["kind"] for entry in as_plain(staged())["stages"]] == ["train", "train", "traces", "train", "merge"]
    assert as_plain(staged()) != as_plain(replace(staged(), seed=1))


def test_a_curation_is_a_source_and_can_be_set() -> None:
    chosen = Curate("chosen", DATA, ({"kind": "exact_duplicates"},), REWARDS, model="stage:base")
    assert [data for data, _ in sources(chosen)] == [DATA]
    curated = staged(stages=(Train("base", run()), chosen, Train("rl", run("stage:base", DataConfig("stage:chosen")), is_rl=True)), final="rl")
    changed = with_stage_assignments(curated, ["chosen.max_completion_tokens=9", "data.train=arithmetic", "seed=3"]).stages[1]
    assert isinstance(changed, Curate) and (changed.max_completion_tokens, changed.data.train, changed.seed) == (9, "arithmetic", 3)
    assert as_plain(curated)["stages"][1]["filters"] == [{"kind": "exact_duplicates"}]
    with pytest.raises(ConfigError, match="needs the result of 'base'"):
        staged(stages=(chosen, Train("rl", run(), is_rl=False)), final="rl")


def test_a_recipe_trains_a_policy_and_a_curation_has_one_verifier() -> None:
    with pytest.raises(ConfigError, match="no stage trains a policy"):
        staged(stages=(Traces("traces", "pocket", DATA, REWARDS), Merge("merged", ("pocket", "pocket"), (0.5, 0.5))), start_model="pocket")
    with pytest.raises(ConfigError, match="needs one reward"):
        Curate("chosen", DATA, (), (*REWARDS, *REWARDS))


def test_files_of_a_curation_may_be_rows_of_an_earlier_stage() -> None:
    chosen = Curate("chosen", DATA, ({"kind": "unused", "files": ["stage:traces"]},), REWARDS)
    with pytest.raises(ConfigError, match="needs the result of 'traces'"):
        staged(stages=(Train("base", run()), chosen), final="base")
