"""A whole staged run on a model of random weights: what is written, what is refused, what resuming does."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import Curriculum, DataConfig, FurtherSource, ScheduleConfig
from proctor.data.loaders import load_train_and_test
from proctor.errors import ConfigError, TaskError
from proctor.learner.config import LearnerConfig
from proctor.training.events import Event, StageStarted
from proctor.training.run_directory import RunDirectory
from proctor.training.stages import run as stages_run
from proctor.training.stages.probing import probe_model
from proctor.training.stages.records import Card, Curate, Merge, Probe, StagedConfig, Traces, Train
from proctor.training.stages.run import refuse_leaks, run_staged

REWARDS = (RewardConfig("number"),)
DATA = DataConfig("column_addition:digits=2", test="column_addition:digits=2", max_tasks=16, max_test_tasks=4)


def train(name: str, model: str, data: DataConfig = DATA, algorithm: str = "sft", **changes: Any) -> Train:
    settings: dict[str, Any] = {
        "num_steps": 2,
        "prompts_per_step": 2,
        "group_size": 1 if algorithm == "sft" else 2,
        "max_completion_tokens": 8,
        "checkpoint_every": 1,
        "learning_rate": 1e-3,
        "deterministic": True,
        "learner": LearnerConfig(),
        "evaluation": EvaluationConfig(num_tasks=3),
        **changes,
    }
    return Train(name, RunConfig(model=model, data=data, rewards=REWARDS, algorithm=algorithm, **settings), is_rl=algorithm != "sft")


def recipe(**changes: Any) -> StagedConfig:
    stages = (
        train("base", "pocket-untrained"),
        train("rl", "stage:base", algorithm="dr_grpo"),
        Traces("traces", "stage:rl", replace(DATA, max_tasks=3), REWARDS, num_samples=2, max_completion_tokens=60, threshold=-1.0),
        train("sft", "stage:base", DataConfig("stage:traces")),
        Merge("merged", ("stage:rl", "stage:sft"), (0.5, 0.5)),
    )
    card = Card("paper", "table", {}, (), {}, "curve")
    values = {"stages": stages, "probes": (Probe(DATA, REWARDS, 8, num_tasks=4),), "card": card, "final": "merged", "control": "sft", **changes}
    return StagedConfig(**values)


def run(staged: StagedConfig, out: Path, *, resume: bool = False, events: list[Event] | None = None) -> Any:
    return run_staged(staged, recipe="trial", out=out, resume=resume, emit=(events if events is not None else []).append)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("staged") / "run"
    assert run(recipe(), out).is_finished
    return out


def test_every_stage_leaves_what_it_made(finished: Path) -> None:
    places = sorted(path.name for path in (finished / "stages").iterdir())
    assert places == ["01-base", "02-rl", "03-traces", "04-sft", "05-merged"]
    assert (finished / "stages/05-merged/model/config.json").is_file()
    rows = [json.loads(line) for line in (finished / "stages/03-traces/rows.jsonl").read_text().splitlines()]
    assert rows and all(row["demonstration"] is not None and row["prompt"].endswith("=") for row in rows)
    assert (finished / "model/model.safetensors").read_bytes() == (finished / "stages/05-merged/model/model.safetensors").read_bytes()


def test_the_summary_has_every_evaluation_and_what_reinforcement_learning_did(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    assert [entry["name"] for entry in summary["stages"]] == ["base", "rl", "traces", "sft", "merged"]
    by_name = {entry["name"]: entry for entry in summary["stages"]}
    assert all((entry["evaluation_seconds"] > 0) == bool(entry["evaluations"]) and entry["seconds"] > 0 for entry in summary["stages"])
    assert all(by_name[name]["evaluations"]["held_out"]["num_tasks"] == 4 for name in ("base", "rl", "sft", "merged"))
    assert summary["before"] == by_name["base"]["evaluations"]["held_out"]
    assert summary["after"] == by_name["rl"]["evaluations"]["held_out"]
    assert summary["control"]["mean"] == by_name["sft"]["evaluations"]["held_out"]["mean"]
    assert summary["num_steps"] == 6 and summary["gain"]["num_tasks"] == 4


def test_the_metrics_of_all_stages_are_one_run(finished: Path) -> None:
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["stage"]) for row in rows] == [(0, "base"), (1, "base"), (2, "rl"), (3, "rl"), (4, "sft"), (5, "sft")]
    assert all({"reward_mean", "seconds"} <= row.keys() for row in rows)


def test_the_result_can_be_asked_like_that_of_any_run(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from proctor.cli.main import main

    assert main(["eval", str(finished), "--num-tasks", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_tasks"] == 4


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*.safetensors") if "checkpoints" not in str(path) and path.parent.parent != finished}
    events: list[Event] = []
    assert run(recipe(), finished, resume=True, events=events).is_finished
    assert not [event for event in events if isinstance(event, StageStarted)]
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_run_of_a_version_that_lacked_a_key_goes_on_with_its_default(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    record = tmp_path / "run/staged.json"
    plain = json.loads(record.read_text())
    for stage in plain["stages"]:
        if stage["kind"] == "train":
            del stage["config"]["engine"], stage["config"]["learner"]["betas"]
    del plain["probes"][0]["reward_model"]
    record.write_text(json.dumps(plain))
    assert run(recipe(), tmp_path / "run", resume=True).is_finished
    stages = tuple(train("rl", "stage:base", algorithm="dr_grpo", num_steps=9) if stage.name == "rl" else stage for stage in recipe().stages)
    with pytest.raises(ConfigError, match=r"another configuration: stages\.rl\.config\.num_steps: 2 -> 9\. On"):
        run(recipe(stages=stages), tmp_path / "run", resume=True)


def test_another_recipe_does_not_continue_a_run(finished: Path) -> None:
    with pytest.raises(ConfigError, match="begun with another configuration"):
        run(recipe(final="sft"), finished, resume=True)
    with pytest.raises(ConfigError, match="not empty"):
        run(recipe(), finished)


def test_a_run_killed_between_and_within_stages_ends_with_the_same_weights(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    for name in ("write_traces", "merge_models"):
        with monkeypatch.context() as patched:
            patched.setattr(stages_run, name, kill)
            with pytest.raises(Killed):
                run(recipe(), out, resume=(out / "manifest.json").exists())
    events: list[Event] = []
    assert run(recipe(), out, resume=True, events=events).is_finished
    for place in ("02-rl", "04-sft", "05-merged"):
        first, second = (root / "stages" / place / "model/model.safetensors" for root in (finished, out))
        assert first.read_bytes() == second.read_bytes(), place


def test_a_stage_that_the_summary_calls_done_has_its_steps_in_the_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill right behind the summary, which a resumed run goes by."""

    def dying(directory: RunDirectory, summary: Mapping[str, Any]) -> None:
        write(directory, summary)
        if directory.path == tmp_path / "run" and summary["stages"]:
            raise KeyboardInterrupt

    write, short = RunDirectory.write_summary, recipe(stages=recipe().stages[:2], final="rl", control="")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RunDirectory, "write_summary", dying)
        run(short, tmp_path / "run")
    assert [row["stage"] for row in RunDirectory.inspect(tmp_path / "run").metrics()] == ["base", "base"]
    assert run(short, tmp_path / "run", resume=True).is_finished
    assert [row["stage"] for row in RunDirectory.inspect(tmp_path / "run").metrics()] == ["base", "base", "rl", "rl"]


def test_a_leak_into_the_evaluation_is_refused_with_the_tasks(tmp_path: Path) -> None:
    asked = tmp_path / "test.jsonl"
    asked.write_text("".join(json.dumps({"prompt": f"{number}+1=", "answer": str(number + 1)}) + "\n" for number in range(3)))
    trained = tmp_path / "train.jsonl"
    trained.write_text(asked.read_text() + json.dumps({"prompt": "50+1=", "answer": "51"}) + "\n")
    leaking = recipe(
        probes=(Probe(DataConfig(str(trained), test=str(asked)), REWARDS, 8),),
        stages=(train("base", "pocket-untrained", DataConfig(str(trained), test=str(asked))),),
        final="base",
        control="",
    )
    with pytest.raises(ConfigError, match=r"trains on 3 of the 3 tasks.*'0\+1='"):
        refuse_leaks(leaking)
    dressed = replace(leaking.probes[0], data=DataConfig(str(trained), test=str(asked), template="{prompt} /think", system="Think."))
    with pytest.raises(ConfigError, match="trains on 3 of the 3 tasks"):  # in whatever dress
        refuse_leaks(replace(leaking, probes=(dressed,)))
    beside = DataConfig("column_addition:digits=2", test=str(asked), max_tasks=4, further=(FurtherSource(str(trained), 1.0),))
    with pytest.raises(ConfigError, match="trains on 3 of the 3 tasks"):  # and beside another source
        refuse_leaks(replace(leaking, stages=(train("base", "pocket-untrained", beside),)))
    made = DataConfig("arithmetic:digits=1", max_test_tasks=10)  # and of a source beside it that is trained on whole, nothing set apart
    generated = DataConfig("chain:terms=3", test="arithmetic:digits=1", max_tasks=4, further=(FurtherSource("arithmetic:digits=1", 1.0),))
    with pytest.raises(ConfigError, match="trains on 10 of the 10 tasks"):
        refuse_leaks(replace(leaking, probes=(Probe(made, REWARDS, 8),), stages=(train("base", "pocket-untrained", generated),)))
    with pytest.raises(ConfigError, match="trains on 3"):
        run(leaking, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_traces_that_keep_nothing_end_the_run_and_say_so(tmp_path: Path) -> None:
    stages = (train("base", "pocket-untrained"), Traces("traces", "stage:base", replace(DATA, max_tasks=2), REWARDS, num_samples=1, max_completion_tokens=4))
    with pytest.raises(TaskError, match="keeps nothing"):
        run(recipe(stages=stages, final="base", control=""), tmp_path / "run")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert [entry["name"] for entry in summary["stages"]] == ["base"]


def test_a_reward_model_is_trained_not_probed_and_pays_the_next_stage(tmp_path: Path) -> None:
    proxy = RewardConfig("reward_model", name="proxy", arguments={"path": "stage:proxy"})
    rl = train("rl", "stage:base", algorithm="dr_grpo")
    stages = (
        train("base", "pocket-untrained"),
        replace(train("proxy", "stage:base", algorithm="reward_model"), is_rl=False),
        replace(rl, config=replace(rl.config, rewards=(proxy, RewardConfig("number", weight=0.0)))),
    )
    run(recipe(stages=stages, final="rl", control=""), tmp_path / "run")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert {entry["name"]: sorted(entry["evaluations"]) for entry in summary["stages"]} == {"base": ["held_out"], "proxy": [], "rl": ["held_out"]}
    paid = [row["reward/proxy"] for row in map(json.loads, (tmp_path / "run/metrics.jsonl").read_text().splitlines()) if row["stage"] == "rl"]
    assert len(paid) == 2 and all(math.isfinite(value) for value in paid) and any(paid)


def test_a_probe_can_cut_thinking_and_refuses_a_budget_that_leaves_no_answer(tmp_path: Path) -> None:
    model = str(tmp_path / "run" / "model")
    stages = (train("base", "pocket-untrained", DataConfig("column_addition:digits=2,form=fused", test="column_addition:digits=2", max_tasks=16)),)
    run(recipe(stages=stages, final="base", control=""), tmp_path / "run")
    probe = Probe(replace(DATA, template="<think>{prompt}"), REWARDS, 8, num_tasks=2, thinking_budget=4)
    assert probe_model(model, probe).budget_fraction == 1.0, "a model that knows nothing still thinks after four tokens"
    with pytest.raises(ConfigError, match="leaves no room"):
        probe_model(model, replace(probe, thinking_budget=8))


def test_a_curation_hands_on_the_tasks_that_its_filters_leave(tmp_path: Path) -> None:
    measured = {"kind": "difficulty", "num_samples": 2, "max_completion_tokens": 4}
    chosen = Curate("chosen", DATA, (measured, {"kind": "hardest", "num_rows": 5, "by": "source"}), REWARDS, model="stage:base")
    learned = DataConfig("stage:chosen", schedule=ScheduleConfig(curriculum=Curriculum(2, by="pass_rate", harder="lower")))
    stages = (train("base", "pocket-untrained"), chosen, train("rl", "stage:base", learned, "dr_grpo"))
    assert run(recipe(stages=stages, final="rl", control=""), tmp_path / "run").is_finished
    entry = json.loads((tmp_path / "run/summary.json").read_text())["stages"][1]
    assert (entry["kind"], entry["num_tasks"], entry["num_rows"], entry["removed"]) == ("curate", 16, 5, {"hardest": 11})
    rows = [json.loads(line) for line in (tmp_path / "run/stages/02-chosen/rows.jsonl").read_text().splitlines()]
    given = {task.id: task for task in load_train_and_test(DATA, 0)[0].tasks}
    assert len(rows) == 5 and all(row["pass_rate"] == 0 for row in rows)
    for row in rows:  # everything that a task knew is still there
        task = given[row["id"]]
        assert (row["prompt"], row["answer"], row["demonstration"], row["carries"]) == (
            task.prompt,
            task.answer,
            task.info["demonstration"],
            task.info["carries"],
        )
    assert (tmp_path / "run/stages/02-chosen/rows.jsonl.report.html").is_file()


def test_a_filter_that_cannot_be_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for filters, says in ((({"kind": "dificulty"},), "difficulty"), (({"kind": "learnable"},), "needs the filter 'difficulty'")):
        stages = (train("base", "pocket-untrained"), Curate("chosen", DATA, filters, REWARDS), train("rl", "stage:base", algorithm="dr_grpo"))
        with pytest.raises(ConfigError, match=says):
            run(recipe(stages=stages, final="rl", control=""), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_curation_that_leaves_nothing_says_so(tmp_path: Path) -> None:
    nothing = Curate("chosen", DATA, ({"kind": "difficulty", "num_samples": 1, "max_completion_tokens": 4, "min_pass_rate": 1.0},), REWARDS, model="stage:base")
    stages = (train("base", "pocket-untrained"), nothing, train("rl", "stage:base", DataConfig("stage:chosen"), "dr_grpo"))
    with pytest.raises(TaskError, match="'difficulty' leaves none of 16 rows"):
        run(recipe(stages=stages, final="rl", control=""), tmp_path / "run")
