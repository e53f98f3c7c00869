"""The lab's machinery: rules of verdicts, arms that run once, what the gallery shows."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from proctor.cli.main import main
from proctor.config import EngineConfig, EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.errors import LearnerError
from proctor.lab.experiments import EXPERIMENTS
from proctor.lab.experiments.gallery import smoothed, write, write_gallery
from proctor.lab.experiments.records import Arm, Difference, Experiment, Greater, Similar, difference
from proctor.lab.experiments.rollouts import read_groups
from proctor.lab.experiments.running import run_experiment
from proctor.lab.experiments.seeds import _digest
from proctor.learner.config import LearnerConfig
from proctor.training.stages.records import Probe, Train
from proctor.training.stages.run import refuse_leaks

REWARDS = (RewardConfig("number"),)
DATA = DataConfig("column_addition:digits=1", max_tasks=12, max_test_tasks=4)


def test_the_interval_is_students() -> None:
    # Three differences 1, 2, 3: mean 2, standard deviation 1, t(2) = 4.303.
    found = difference([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.303 / math.sqrt(3)) == found.mean - found.low


@pytest.mark.parametrize("number", [1, 11])
def test_a_verdict_needs_two_to_ten_seeds(number: int) -> None:
    with pytest.raises(ValueError, match="2 to 10 seeds"):
        difference([0.0] * number, [0.0] * number)


@pytest.mark.parametrize(
    ("low", "high", "greater", "similar"),
    [(0.1, 0.3, "agrees", "open"), (-0.3, -0.25, "disagrees", "disagrees"), (-0.1, 0.1, "open", "agrees"), (0.21, 0.3, "agrees", "disagrees")],
)
def test_rules_of_verdicts(low: float, high: float, greater: str, similar: str) -> None:
    found = Difference((low + high) / 2, low, high)
    assert Greater("m", "a", "b").judge(found) == greater
    assert Similar("m", "a", "b", 0.2).judge(found) == similar


def test_every_experiment_is_written_down_in_full() -> None:
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name and experiment.paper and experiment.hypothesis and experiment.claims
        assert 0 < experiment.minutes <= 20 and len(experiment.seeds) >= 3
        for arm in experiment.arms:
            staged = experiment.staged(arm, "BASE", 7)
            assert {stage.config.seed for stage in staged.stages if isinstance(stage, Train)} <= {7}
            assert {probe.seed for probe in staged.probes} == {7}
            assert staged.start_model == "BASE"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_seed_trains_on_what_it_is_asked(name: str) -> None:
    experiment = EXPERIMENTS[name]
    base = replace(experiment.base, config=replace(experiment.base.config, seed=3))
    for arm in experiment.arms:
        staged = experiment.staged(arm, "BASE", 3)
        refuse_leaks(staged)
        refuse_leaks(replace(staged, stages=(base,), final=base.name, probes=tuple(replace(probe, reward_model="") for probe in staged.probes)))


def test_a_claim_about_an_arm_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="an arm that is not there"):
        replace(EXPERIMENTS["clipping"], claims=(Greater("held_out", "one update, clipped", "none"),))


def config(model: str, algorithm: str, **changes: Any) -> RunConfig:
    settings: dict[str, Any] = {"num_steps": 2, "prompts_per_step": 2, "group_size": 2, "max_completion_tokens": 8, "checkpoint_every": 1, **changes}
    return RunConfig(model=model, data=DATA, rewards=REWARDS, algorithm=algorithm, evaluation=EvaluationConfig(num_tasks=0), **settings)


def trial() -> Experiment:
    def arm(name: str, learning_rate: float) -> Arm:
        return Arm(name, lambda base: (Train("rl", config(base, "dr_grpo", learning_rate=learning_rate), is_rl=True),))

    return Experiment(
        name="trial",
        title="A trial?",
        paper="None.",
        hypothesis="Nothing.",
        base=Train("base", config("pocket-untrained", "sft", group_size=1)),
        arms=(arm("slow", 1e-6), arm("fast", 1e-3)),
        claims=(Similar("held_out", "slow", "fast", 1.0), Greater("learning_rate_last", "fast", "slow")),
        probes=(Probe(DATA, REWARDS, 8, num_tasks=3),),
        seeds=(0, 1),
        measure=lambda run: {"groups": float(len(list(read_groups(run))))},
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


def test_arms_run_once_and_are_judged(place: Path) -> None:
    events: list[Any] = []
    outcome = run_experiment(trial(), root=place / "runs", emit=events.append)
    assert {arm: len(values) for arm, values in outcome.values.items()} == {"slow": 2, "fast": 2}
    assert all(values["groups"] == 4 and values["learning_rate_last"] == 1e-3 for values in outcome.values["fast"])
    assert [judgement for _, _, judgement in outcome.verdicts] == ["agrees", "agrees"]
    assert all(len(curve) == 2 for curves in outcome.curves.values() for curve in curves)
    steps = [event for event in events if type(event).__name__ == "StepFinished"]
    assert len(steps) == 2 * (2 + 2 * 2), "one base and two arms a seed, two steps each"
    again: list[Any] = []
    assert outcome.elapsed is not None and outcome.elapsed > outcome.seconds, "all that was done, and the steps of it"
    read = run_experiment(trial(), root=place / "runs", emit=again.append)
    assert repr(read) == repr(replace(outcome, elapsed=None)), "as text, in which what was not measured is alike"
    assert not [event for event in again if type(event).__name__ == "StepFinished"]


@pytest.fixture
def no_process_stays() -> Iterator[None]:
    """Python's tracker of shared semaphores lives as long as the process that first started others; later tests look for what was left behind."""
    yield
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("no_process_stays")
def test_seeds_side_by_side_give_what_they_give_in_turn(place: Path, tmp_path: Path) -> None:
    in_turn = run_experiment(trial(), root=place / "runs", emit=lambda event: None)
    events: list[Any] = []
    found = run_experiment(trial(), root=tmp_path, emit=events.append, jobs=2)
    same = ("held_out", "groups", "learning_rate_last", "completion_tokens_mean_all", "truncated_fraction_all", "reward_mean_all")
    for arm, values in in_turn.values.items():
        assert [[one[name] for name in same] for one in values] == [[one[name] for name in same] for one in found.values[arm]]
    assert found.values["fast"][0]["truncated_fraction_all"] != found.values["fast"][1]["truncated_fraction_all"], "seeds differ, so their order is tested"
    assert [judgement for *_, judgement in found.verdicts] == [judgement for *_, judgement in in_turn.verdicts]
    assert "trial: fast, seed 1" in (tmp_path / "trial/seed-1.log").read_text() and any("seed 0 is finished" in event.message for event in events)


@pytest.mark.usefixtures("no_process_stays")
def test_a_killed_process_is_said_and_the_rest_is_kept(place: Path, tmp_path: Path) -> None:
    def die(run: Path) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    with pytest.raises(LearnerError, match="was killed"):
        run_experiment(replace(trial(), measure=die), root=tmp_path, emit=lambda event: None, jobs=2)
    events: list[Any] = []
    run_experiment(trial(), root=tmp_path, emit=events.append)
    stages = [event for event in events if type(event).__name__ == "StageStarted"]
    assert len(stages) <= 3, "at least one arm of one seed was finished before, and is read"


def test_the_gallery_shows_what_was_found_and_names_what_was_not_run(place: Path) -> None:
    outcome = replace(run_experiment(trial(), root=place / "runs", emit=lambda event: None), elapsed=None)
    docs = place / "docs"
    plain = write(trial(), outcome, docs=docs, machine="a machine")
    write_gallery({"trial": trial(), "other": EXPERIMENTS["judge"]}, docs)
    page = (docs / "lab.md").read_text()
    assert "## A trial?" in page and "| fast | " in page and "agrees" in page and "`judge`" not in page and "`other`" in page
    assert json.loads((docs / "results/lab/trial.json").read_text()) == json.loads(json.dumps(plain))
    assert (docs / "figures/lab/trial.png").stat().st_size > 1000
    assert "minutes of steps, a machine" in page, "as where arms were there before, so that how long they took by the clock is not known"
    write(trial(), replace(outcome, elapsed=150.0), docs=docs, machine="a machine")
    write_gallery({"trial": trial()}, docs)
    assert "2 minutes by the clock (0 of steps), a machine" in (docs / "lab.md").read_text()


def test_a_base_has_the_name_of_what_was_chosen_for_it() -> None:
    base = trial().base.config
    named = _digest(base)
    assert named == _digest(replace(base, engine=EngineConfig(max_rows=RunConfig(base.data, base.rewards).engine.max_rows)))
    assert named != _digest(replace(base, num_steps=base.num_steps + 1)) != _digest(replace(base, learner=LearnerConfig(betas=(0.9, 0.9))))


def test_a_result_is_shown_with_the_words_and_the_design_of_its_own_day(place: Path) -> None:
    outcome, docs = run_experiment(trial(), root=place / "runs", emit=lambda event: None), place / "kept"
    write(trial(), outcome, docs=docs, machine="somewhere")
    write_gallery({"trial": replace(trial(), hypothesis="Another one, after the fact.")}, docs)
    page = (docs / "lab.md").read_text()
    assert trial().hypothesis in page and "after the fact" not in page and "has been changed since" not in page
    write_gallery({"trial": replace(trial(), claims=trial().claims[:1])}, docs)
    assert "has been changed since" in (docs / "lab.md").read_text()


def test_what_was_not_measured_with_every_seed_is_open_and_its_file_is_json(place: Path) -> None:
    outcome = run_experiment(trial(), root=place / "runs", emit=lambda event: None)
    claim, _, _ = outcome.verdicts[0]
    nothing = Difference(math.nan, math.nan, math.nan)
    write(trial(), replace(outcome, verdicts=[(claim, nothing, claim.judge(nothing))]), docs=place / "nan", machine="somewhere")
    text = (place / "nan/results/lab/trial.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["verdicts"][0]["verdict"] == "open"
    write_gallery({"trial": trial()}, place / "nan")
    assert "not measured with every seed" in (place / "nan/lab.md").read_text()


def test_smoothing_is_a_trailing_mean() -> None:
    assert smoothed([1.0, 2.0, 3.0, 4.0], window=2) == [1.0, 1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["clippin"], "clipping"),
        (["clipping", "--seeds", "0"], "2 to 10"),
        (["clipping", "--seeds", "a,b"], "whole numbers"),
        (["clipping", "--all"], "not both"),
        (["clipping", "--jobs", "0"], "at least 1"),
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_the_list_names_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in EXPERIMENTS)
