"""A reward model trained on pairs from a file, used as the reward of a run; preferences and imitation from the same file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from proctor.cli.main import main
from proctor.config import RunConfig, from_mapping
from proctor.errors import ConfigError, ProctorError
from proctor.training.run import run_training

PAIRS = [{"prompt": f"Say {number}", "chosen": f"ok {number}", "rejected": "no"} for number in range(24)]


def config(path: Path, **values: object) -> RunConfig:
    base = {
        "model": "tiny",
        "data": {"train": str(path / "pairs.jsonl")},
        "rewards": [{"function": "exact"}],
        "objective": {},
        "num_steps": 4,
        "prompts_per_step": 8,
        "group_size": 2,
        "max_completion_tokens": 8,
        "learning_rate": 1e-2,
        "evaluation": {"num_tasks": 0},
        "scoring": {"in_process": True},
    }
    return from_mapping({**base, **values})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps({**pair, "answer": pair["chosen"]}) + "\n" for pair in PAIRS))
    return tmp_path


def train(settings: RunConfig, out: Path) -> list[dict[str, float]]:
    run_training(settings, recipe="test", out=out, resume=False, emit=lambda event: None)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_a_reward_model_from_pairs_pays_a_run(folder: Path) -> None:
    rows = train(config(folder, algorithm="reward_model", objective={"source": "demonstrations"}, num_steps=12), folder / "judge")
    assert rows[-1]["preference_accuracy"] == 1.0
    paid = config(folder, algorithm="ppo_rlhf", rewards=[{"function": "reward_model", "arguments": {"path": str(folder / "judge")}}])
    rows = train(paid, folder / "paid")
    assert all(abs(row["reward_mean"]) < 50 for row in rows)
    assert rows[-1]["num_updates"] == 1
    with pytest.raises(ConfigError, match="no reward model at"):
        train(config(folder, rewards=[{"function": "reward_model", "arguments": {"path": str(folder / "nowhere")}}]), folder / "none")


def test_a_reward_model_goes_on_from_another(folder: Path) -> None:
    train(config(folder, algorithm="reward_model", objective={"source": "demonstrations"}, num_steps=12), folder / "first")
    objective = {"source": "demonstrations", "start": str(folder / "first")}
    begun = train(config(folder, algorithm="reward_model", objective=objective, learning_rate=1e-30, num_steps=1), folder / "begun")
    afresh = train(config(folder, algorithm="reward_model", objective={"source": "demonstrations"}, learning_rate=1e-30, num_steps=1), folder / "afresh")
    assert begun[0]["preference_accuracy"] == 1.0 and begun[0]["loss"] < 0.1 < 0.5 < afresh[0]["loss"]
    first, same = (load_file(folder / run / "model" / "model.safetensors") for run in ("first", "begun"))
    assert all(torch.allclose(first[name], same[name], rtol=0, atol=1e-12) for name in first)  # no step worth the name leaves every weight, the head's too
    on = train(config(folder, algorithm="reward_model", objective=objective), folder / "on")
    moved = load_file(folder / "on" / "model" / "model.safetensors")
    assert any(not torch.equal(first[name], moved[name]) for name in first) and on[-1]["preference_accuracy"] == 1.0
    with pytest.raises(ConfigError, match="no reward model at"):
        train(config(folder, algorithm="reward_model", objective={"source": "demonstrations", "start": "nowhere"}), folder / "none")


def test_a_reward_model_chooses_in_an_evaluation_and_pays_in_that_of_its_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(config(folder, algorithm="reward_model", objective={"source": "demonstrations"}), folder / "judge")
    train(config(folder, rewards=[{"function": "reward_model", "arguments": {"path": str(folder / "judge")}}]), folder / "paid")
    asked = ["eval", str(folder / "paid"), "--num-tasks", "3", "--num-samples", "4", "--json"]
    assert main(asked) == 0
    assert abs(json.loads(capsys.readouterr().out)["mean"]) < 50
    chosen = [*asked, "--reward", "exact", "--data", str(folder / "pairs.jsonl"), "--reward-model", str(folder / "judge")]
    assert main([*chosen, "--k", "1,4"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["best@1"]["mean"] == pytest.approx(report["avg@4"]["mean"])
    assert report["avg@4"]["mean"] <= report["best@4"]["mean"] <= report["pass@4"]["mean"]
    assert main(chosen) == 2
    assert "needs --k" in capsys.readouterr().err


def test_pairs_are_preferred_and_only_the_chosen_are_imitated(folder: Path) -> None:
    rows = train(config(folder, algorithm="dpo", objective={"source": "demonstrations"}, num_steps=8), folder / "dpo")
    assert rows[-1]["preference_accuracy"] == 1.0
    assert rows[-1]["reward_margin"] > rows[0]["reward_margin"]
    rows = train(config(folder, algorithm="sft"), folder / "sft")
    assert rows[0]["learning_fraction"] == 0.5
    assert rows[-1]["nll"] < rows[0]["nll"]


def test_a_teacher_with_another_vocabulary_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="another vocabulary"):
        train(config(folder, algorithm="on_policy_distillation", objective={"teacher": "pocket-untrained"}), folder / "student")


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_resumed_reward_model_is_the_uninterrupted_one(folder: Path, goes_on: bool) -> None:
    objective = {"source": "demonstrations"}
    if goes_on:
        train(config(folder, algorithm="reward_model", objective=objective), folder / "first")
        objective["start"] = str(folder / "first")
    settings = {"algorithm": "reward_model", "objective": objective, "deterministic": True, "checkpoint_every": 1}
    train(config(folder, **settings, num_steps=4), folder / "whole")
    train(config(folder, **settings, num_steps=2), folder / "parts")
    run_training(config(folder, **settings, num_steps=4), recipe="test", out=folder / "parts", resume=True, emit=lambda event: None)
    whole, parts = ((folder / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    with pytest.raises(ProctorError):
        run_training(config(folder, **settings, num_steps=1), recipe="test", out=folder / "parts", resume=True, emit=lambda event: None)
