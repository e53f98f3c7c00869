"""The whole reward of a run as a target: the sum that training pays, sound parts whose sum is not, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.environment import WholeReward
from proctor.audit.examine import Plan, audit_environment
from proctor.cli.main import main
from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.sandbox.base import FaultKind, Limits
from proctor.verifiers.base import RewardPart, ScoreRequest
from proctor.verifiers.format import FormatVerifier
from proctor.verifiers.mathematics import number_verifier
from proctor.verifiers.rewards import Rewards

TASKS = tuple(Task(f"t{n}", f"What is {n} + 31?", str(n + 31)) for n in range(12))
ACCURACY, FORMAT = RewardPart("accuracy", number_verifier()), RewardPart("format", FormatVerifier(), weight=0.5)


def words(completion: str, answer: str) -> float:
    """Pays for length: one a word."""
    return float(len(completion.split()))


def trl_sometimes(completions: list[str], **columns: Any) -> list[float | None]:
    """TRL's: None says that it does not apply."""
    return [None if "hash" in completion else 1.0 for completion in completions]


def broken(completion: str, task: Task) -> Score:
    raise TaskError("no reference")


def dies(completion: str, answer: str) -> float:
    import os

    os._exit(3)


def total(parts: list[RewardPart], completion: str) -> Any:
    with WholeReward(parts, num_workers=1, timeout_s=5.0, limits=Limits()) as reward:
        (verdict,) = reward.grade([ScoreRequest(TASKS[0], completion)], retry=False)
    return verdict


@pytest.mark.parametrize("completion", ["<think>a</think><answer>31</answer>", "<think>a</think><answer>30</answer>", "31", "hash 31", "nothing"])
def test_the_sum_is_the_one_that_training_pays(completion: str) -> None:
    parts = [ACCURACY, FORMAT, RewardPart("sometimes", trl_sometimes, weight=-2.0)]
    with Rewards(parts, num_workers=1, timeout_s=5.0) as rewards:
        (scores,) = rewards.score([ScoreRequest(TASKS[0], completion)])
        paid = rewards.combine(scores)
    verdict = total(parts, completion)
    assert paid is not None and verdict.score.outcome is None and verdict.score.value == pytest.approx(paid)
    assert "accuracy: " in verdict.score.reason and "sometimes: " in verdict.score.reason


def test_an_error_of_a_part_leaves_no_reward_and_a_death_is_named() -> None:
    failed = total([ACCURACY, RewardPart("broken", broken)], "31")
    assert failed.score.outcome is Outcome.ERROR and failed.score.value is None and "no reference" in failed.score.reason
    died = total([ACCURACY, RewardPart("dies", dies)], "31")
    assert died.fault is FaultKind.CRASH and died.score.value == 1.0  # the part is worth 0, as in training


def test_sound_parts_can_have_a_sum_that_is_not() -> None:
    plan = Plan(tasks=TASKS, max_tasks=4, timeout_s=5.0, num_workers=2)
    sound = audit_environment([ACCURACY, FORMAT], plan, name="mine")
    surface = sound.surfaces[0]
    assert sound.num_breaches == 0 and not surface.gold_failures and surface.num_gold_paid == len(TASKS)
    assert surface.form == "reasoning and answer tag" and (surface.gold_value, surface.wrong_value) == (1.5, 0.5)
    wordy = audit_environment([ACCURACY, FORMAT, RewardPart("words", words)], plan, name="mine")
    assert wordy.num_breaches > 0 and not wordy.is_sound  # a wrong answer with more words earns as much as a right one


def test_an_environment_needs_tasks_and_parts() -> None:
    with pytest.raises(ConfigError, match="on its own tasks"):
        audit_environment([ACCURACY], Plan(), name="mine")
    with pytest.raises(ConfigError, match="no reward function"):
        audit_environment([], Plan(tasks=TASKS), name="mine")


def test_the_command_audits_a_run_on_its_own_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "tasks.jsonl"
    rows.write_text("".join(json.dumps({"prompt": task.prompt, "answer": task.answer}) + "\n" for task in TASKS))
    run = tmp_path / "mine.toml"
    run.write_text(f'rewards = [{{function = "number"}}, {{function = "format", weight = 0.5}}]\n[data]\ntrain = "{rows}"\n')
    assert main(["audit", str(run), "--max-tasks", "2", "--workers", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["target"] == "mine" and report["surfaces"][0]["num_gold_paid"] == len(TASKS) and report["surfaces"][0]["gold_value"] == 1.5
    assert main(["audit", str(run), "--set", "rewards.1.function=nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quickstart", "--data", "x.jsonl"], "--data is for a verifier"),
        (["quickstart", "--verifier", "math"], "--verifier is for a verifier"),
        (["math", "--scale", "tiny"], "are for a recipe"),
        (["quickstart", "--stage", "rl"], "is a single run"),
        (["r1", "--stage", "reasoning"], "Did you mean"),
        (["qwen3"], "--set STAGE.data.train"),
    ],
)
def test_what_an_environment_does_not_take(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err
