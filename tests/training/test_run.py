"""Whole runs of the tiny model: what they write, how they learn, how they end, and how they go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import proctor
from proctor.config import RunConfig, from_mapping
from proctor.errors import ConfigError, TaskError, VerifierError
from proctor.training.events import Event, StepFinished, Warned
from proctor.training.rollout_table import read_rollouts
from proctor.training.run import run_training
from proctor.training.run_directory import RunDirectory

TASKS = [{"prompt": f"say {letter}", "answer": letter} for letter in "abcdefgh"]


def early_bytes(completion: str) -> float:
    """Pays for characters in the first half of the alphabet: dense enough for random weights to learn from."""
    return sum(character in "abcdefghijklm" for character in completion) / 12


def config(**changes: Any) -> RunConfig:
    return from_mapping(
        {
            "model": "tiny",
            "data": {"train": "arithmetic"},
            "rewards": ["number"],
            "num_steps": 3,
            "prompts_per_step": 2,
            "group_size": 4,
            "max_completion_tokens": 8,
            "learning_rate": 1e-3,
            "checkpoint_every": 1,
            "objective": {"beta": 0.0},
            "scoring": {"in_process": True},
            "evaluation": {"num_tasks": 4},
            **changes,
        }
    )


def run(path: Path, events: list[Event] | None = None, *, resume: bool = False, **changes: Any) -> Any:
    emit = events.append if events is not None else lambda event: None
    return run_training(config(**changes), recipe="test", out=path, resume=resume, emit=emit)


def metrics_without_times(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if "seconds" not in name and "_per_s" not in name} for row in rows]


def weights(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path / "model" / "model.safetensors")


def assert_same_run(one: Path, other: Path) -> None:
    assert metrics_without_times(one) == metrics_without_times(other)
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    rollouts = sorted(path.name for path in (one / "rollouts").iterdir())
    assert rollouts == sorted(path.name for path in (other / "rollouts").iterdir())
    for name in rollouts:
        assert read_rollouts(one / "rollouts" / name) == read_rollouts(other / "rollouts" / name)


def test_three_statements_make_a_model_better(tmp_path: Path) -> None:
    policy = proctor.load_policy("tiny", device="cpu")
    events: list[Event] = []
    result = proctor.train(
        policy,
        TASKS,
        early_bytes,
        out=tmp_path / "run",
        listener=events.append,
        num_steps=12,
        prompts_per_step=4,
        group_size=16,
        max_completion_tokens=12,
        learning_rate=1e-2,
        objective={"beta": 0.0},
    )
    rewards = [event.metrics["reward_mean"] for event in events if isinstance(event, StepFinished)]
    assert result.is_finished
    assert len(rewards) == 12
    assert sum(rewards[-3:]) > 3 * sum(rewards[:3])


def test_a_run_directory_holds_what_the_documentation_says(tmp_path: Path) -> None:
    run(tmp_path / "run")
    path = tmp_path / "run"
    rows = metrics_without_times(path)
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert {"reward_mean", "unanimous_fraction", "truncated_fraction", "completion_tokens_mean"} <= rows[0].keys()
    summary = json.loads((path / "summary.json").read_text())
    for name in ("before", "after"):
        assert {"mean", "low", "high", "num_tasks"} <= summary[name].keys()
        assert summary[name]["num_tasks"] == 4
    manifest = RunDirectory.inspect(path).manifest
    assert (manifest.status, manifest.opt_outs, manifest.seeds) == ("finished", ("in_process",), {"run": 0})
    assert len(manifest.data_hashes["train"]) == 64
    table = read_rollouts(path / "rollouts" / "step-000002.parquet")
    assert table.num_rows == 8
    row = table.to_pylist()[0]
    assert len(row["token_ids"]) == len(row["behavior_logprobs"]) == len(row["completion_mask"])
    assert row["policy_version"] == 2
    for saved in (path / "model", path / "checkpoints" / "step-000003"):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        assert AutoModelForCausalLM.from_pretrained(saved).num_parameters() > 0
        assert AutoTokenizer.from_pretrained(saved).decode([72, 105]) == AutoTokenizer.from_pretrained(path / "model").decode([72, 105])


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(tmp_path / name, deterministic=True, seed=seed)
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert metrics_without_times(tmp_path / "a") != metrics_without_times(tmp_path / "c")


@pytest.mark.parametrize("beta", [0.0, 0.1], ids=["no reference", "reference"])
def test_a_run_interrupted_between_any_two_steps_resumes_bit_for_bit(tmp_path: Path, beta: float) -> None:
    options: dict[str, Any] = {"deterministic": True, "objective": {"beta": beta}, "learner": {"schedule": "linear", "num_minibatches": 2}, "num_steps": 4}
    run(tmp_path / "straight", **options)

    class Killed(BaseException):
        pass

    for stop_at in range(4):
        path = tmp_path / f"stopped-{stop_at}"

        def kill(event: Event, stop_at: int = stop_at) -> None:
            if isinstance(event, StepFinished) and event.step == stop_at:
                raise Killed  # after the metrics of the step, before its checkpoint: the worst moment

        with pytest.raises(Killed):
            run_training(config(**options), recipe="test", out=path, resume=False, emit=kill)
        run(path, resume=True, **options)
        assert_same_run(tmp_path / "straight", path)
        assert [entry.step for entry in RunDirectory.inspect(path).manifest.resumed_from] == [stop_at]


def test_a_finished_run_is_left_alone_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run(path, deterministic=True)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    result = run(path, resume=True, deterministic=True)
    assert result.is_finished
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    run(path, resume=True, deterministic=True, num_steps=5)
    run(tmp_path / "straight", deterministic=True, num_steps=5)
    assert_same_run(tmp_path / "straight", path)


def test_resuming_with_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"learning_rate.*0\.001.*0\.5"):
        run(tmp_path / "run", resume=True, learning_rate=0.5)


def test_a_run_that_was_made_longer_is_finished_at_its_new_length(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run(path)
    run(path, resume=True, num_steps=5)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert run(path, resume=True, num_steps=5).num_steps == 5
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    with pytest.raises(ConfigError, match="num_steps: 5 -> 3"):
        run(path, resume=True, num_steps=3)


def test_a_run_of_a_version_that_lacked_a_key_goes_on_with_its_default(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run(path)
    written = json.loads((path / "config.json").read_text())
    del written["scoring"]["max_memory_bytes"]
    (path / "config.json").write_text(json.dumps(written))
    assert run(path, resume=True).is_finished
    with pytest.raises(ConfigError, match="scoring.max_memory_bytes"):
        run(path, resume=True, scoring={"in_process": True, "max_memory_bytes": 2**30})


def test_resuming_on_other_tasks_is_refused(tmp_path: Path) -> None:
    path, data = tmp_path / "run", tmp_path / "tasks.jsonl"
    data.write_text("".join(json.dumps({"prompt": f"{n}?", "answer": str(n)}) + "\n" for n in range(12)))
    options: dict[str, Any] = {"data": {"train": str(data)}}
    run(path, num_steps=1, **options)
    data.write_text(data.read_text().replace("3?", "33?"))
    with pytest.raises(ConfigError, match="tasks are not those that"):
        run(path, resume=True, num_steps=2, **options)


def test_evaluations_along_the_way_are_kept_and_their_faults_are_not_a_steps(tmp_path: Path) -> None:
    run(tmp_path / "run", evaluation={"num_tasks": 4, "every": 1})
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert sorted(summary["during"]) == ["1", "2"]
    assert {"before", "after", "gain"} <= summary.keys()


def test_a_held_out_task_that_cannot_be_scored_is_left_out_of_the_comparison(tmp_path: Path) -> None:
    def reward(prompts: list[str], completions: list[str]) -> list[float | None]:
        return [None if prompt == "say c" else float("a" in completion) for prompt, completion in zip(prompts, completions, strict=True)]

    result = proctor.train("tiny", TASKS[:2], reward, test=TASKS[:4], out=tmp_path / "run", listener=lambda event: None, num_steps=1, max_completion_tokens=4)
    assert result.summary["before"]["per_task"][2] is None
    assert result.summary["gain"]["num_tasks"] == 3
    assert "NaN" not in (tmp_path / "run" / "summary.json").read_text()


def test_a_policy_handed_over_must_be_what_the_configuration_says(tmp_path: Path) -> None:
    policy = proctor.load_policy("tiny", device="cpu", compute_dtype="bfloat16")
    with pytest.raises(ConfigError, match=r"compute_dtype bfloat16, but float32 is asked for \(deterministic runs need it\)"):
        proctor.train(policy, TASKS, early_bytes, out=tmp_path / "run", listener=lambda event: None, deterministic=True)
    pytest.importorskip("peft")
    proctor.train(
        policy, TASKS, early_bytes, out=tmp_path / "run", listener=lambda event: None, num_steps=1, max_completion_tokens=4, learner={"lora": {"rank": 2}}
    )


def test_training_works_where_an_event_loop_is_running(tmp_path: Path) -> None:
    import asyncio

    async def notebook() -> Any:
        return proctor.train("tiny", TASKS, early_bytes, out=tmp_path / "run", listener=lambda event: None, num_steps=1, max_completion_tokens=4)

    assert asyncio.run(notebook()).is_finished


def test_resuming_where_nothing_is_begins_at_zero_and_says_so(tmp_path: Path) -> None:
    events: list[Event] = []
    run(tmp_path / "new", events, resume=True)
    started = next(event for event in events if type(event).__name__ == "RunStarted")
    assert any("starting at step 0" in note for note in started.notes)  # type: ignore[union-attr]


def test_an_existing_run_is_not_written_over(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(ConfigError, match="pass --resume"):
        run(tmp_path / "run")


def test_no_variance_is_said_aloud(tmp_path: Path) -> None:
    events: list[Event] = []
    proctor.train("tiny", TASKS, lambda completion: 0.0, out=tmp_path / "run", listener=events.append, num_steps=1, group_size=2, max_completion_tokens=4)
    assert any(isinstance(event, Warned) and "no group had variance" in event.message for event in events)


def test_a_reward_that_hangs_or_dies_is_killed_and_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    def hostile(completion: str) -> float:
        if completion.startswith(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")):
            os._exit(1)
        if completion.startswith(tuple("0123456789")):
            while True:
                pass
        return len(completion) / 10

    events: list[Event] = []
    result = proctor.train(
        "tiny",
        TASKS,
        hostile,
        out=tmp_path / "run",
        listener=events.append,
        num_steps=1,
        prompts_per_step=4,
        group_size=8,
        max_completion_tokens=4,
        scoring={"timeout_s": 0.3},
    )
    metrics = next(event.metrics for event in events if isinstance(event, StepFinished))
    assert result.is_finished
    assert metrics["reward_crashes"] + metrics["reward_timeouts"] > 0
    rows = read_rollouts(tmp_path / "run" / "rollouts" / "step-000000.parquet").to_pylist()
    faulty = [row for row in rows if "twice" in row["scores"][0]["reason"]]
    assert faulty
    assert all(row["reward"] <= 0 and row["scores"][0]["outcome"] == "INCORRECT" for row in faulty)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (lambda prompts, completions: [1.0], "reward_0"),
        (lambda completion: float("nan"), "reward_0"),
        (lambda completion: None, "reward_0"),
        (lambda completion: {}["missing"], "reward_0"),
        (lambda completion: "good", "reward_0"),
    ],
    ids=["count", "nan", "none", "raises", "text"],
)
def test_broken_rewards_stop_before_training(tmp_path: Path, reward: Any, message: str) -> None:
    with pytest.raises(VerifierError, match=message):
        proctor.train("tiny", TASKS, reward, out=tmp_path / "run", listener=lambda event: None, num_steps=1)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_shipped_is_named_before_training(tmp_path: Path) -> None:
    import threading

    lock = threading.Lock()

    def reward(completion: str) -> float:
        with lock:
            return 1.0

    with pytest.raises(ConfigError, match=r"lock.*in_process"):
        proctor.train("tiny", TASKS, reward, out=tmp_path / "run", listener=lambda event: None, num_steps=1)
    result = proctor.train(
        "tiny", TASKS, reward, out=tmp_path / "run", listener=lambda event: None, num_steps=1, max_completion_tokens=4, scoring={"in_process": True}
    )
    assert RunDirectory.inspect(result.path).manifest.opt_outs == ("in_process",)


def test_a_gold_answer_that_does_not_verify_is_found_before_training(tmp_path: Path) -> None:
    rows = [{"prompt": "2+2?", "answer": "4"}, {"prompt": "3+3?", "answer": "banana"}]
    with pytest.raises(TaskError, match="1 of 2 gold answers do not verify"):
        proctor.train("tiny", rows, "number", out=tmp_path / "run", listener=lambda event: None)


def test_bfloat16_runs_and_reports_the_mismatch_instead_of_failing(tmp_path: Path) -> None:
    events: list[Event] = []
    run(tmp_path / "run", events, compute_dtype="bfloat16", rewards=["tests.training.test_run:early_bytes"], num_steps=1, max_completion_tokens=12)
    metrics = next(event.metrics for event in events if isinstance(event, StepFinished))
    assert 1e-4 < metrics["sampler_mismatch_max"] < 1.0
    events.clear()
    limited = {"max_sampler_mismatch": 1e-6}
    run(
        tmp_path / "warned",
        events,
        compute_dtype="bfloat16",
        rewards=["tests.training.test_run:early_bytes"],
        num_steps=1,
        max_completion_tokens=12,
        learner=limited,
    )
    assert any(isinstance(event, Warned) and "sampler and trainer differ" in event.message for event in events)


@pytest.mark.parametrize("precision", ["bfloat16", "int8", "int4"])
def test_a_sampler_of_another_precision_is_another_policy_that_evaluations_do_not_use(tmp_path: Path, precision: str) -> None:
    options: dict[str, Any] = {"num_steps": 2, "rewards": ["tests.training.test_run:early_bytes"]}
    run(tmp_path / "same", **options)
    result = run(tmp_path / "other", **options, engine={"precision": precision}, objective={"beta": 0.0, "correction": "truncated_importance"})
    same, other = (metrics_without_times(tmp_path / name) for name in ("same", "other"))
    assert all(row["sampler_mismatch_max"] <= 1e-4 for row in same)
    assert all(row["sampler_mismatch_max"] > 1e-4 for row in other)
    assert all(0.5 < row["correction_mean"] < 1.5 and row["correction_mean"] != 1 for row in other)
    assert result.summary["before"] == json.loads((tmp_path / "same/summary.json").read_text())["before"]
    assert set(read_rollouts(tmp_path / "other/rollouts/step-000001.parquet")["policy_version"].to_pylist()) == {1}


def test_a_penalty_is_that_of_the_policy_where_the_sampler_is_another(tmp_path: Path) -> None:
    paid = ["tests.training.test_run:early_bytes"]
    run(tmp_path / "run", num_steps=1, rewards=paid, algorithm="rloo", objective={"beta": 0.1}, engine={"precision": "int4"})
    (row,) = metrics_without_times(tmp_path / "run")
    assert row["sampler_mismatch_max"] > 1e-3
    assert abs(row["kl_per_rollout"]) < 1e-4  # the policy is its reference at the first step; its rounded copy is not


def test_reasoning_gym_tasks_train_by_name(tmp_path: Path) -> None:
    pytest.importorskip("reasoning_gym")
    result = run(tmp_path / "run", data={"train": "reasoning_gym:chain_sum", "max_tasks": 16, "max_test_tasks": 4}, rewards=["reasoning_gym"], num_steps=1)
    assert result.summary["before"]["num_tasks"] == 4


def test_lora_trains_resumes_and_saves_a_merged_model(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    options: dict[str, Any] = {"deterministic": True, "learner": {"lora": {"rank": 4, "alpha": 8}}, "rewards": ["tests.training.test_run:early_bytes"]}
    run(tmp_path / "straight", num_steps=3, **options)
    run(tmp_path / "two", num_steps=2, **options)
    run(tmp_path / "two", num_steps=3, resume=True, **options)
    assert_same_run(tmp_path / "straight", tmp_path / "two")
    assert not any("lora" in name for name in weights(tmp_path / "two"))


COMMAND = [
    sys.executable,
    "-m",
    "proctor.cli.main",
    "train",
    "quickstart",
    "--scale",
    "tiny",
    "--set",
    "deterministic=true",
    "--set",
    "scoring.in_process=true",
]
SIZE = ["--set", "num_steps=6", "--set", "prompts_per_step=2", "--set", "group_size=4", "--set", "evaluation.num_tasks=4"]


def test_a_full_disk_is_one_clear_message(tmp_path: Path) -> None:
    """A limit on file sizes stands in for the full disk: the checkpoint does not fit, everything before it does."""
    command = " ".join([*COMMAND, *SIZE, "--out", str(tmp_path / "run")])
    done = subprocess.run(["bash", "-c", f"ulimit -f 200; {command}"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "could not write checkpoint of step 1" in done.stderr
    assert "--resume" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run(["bash", "-c", f"{command} --resume"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def start(path: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *SIZE, "--out", str(path), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_steps(process: subprocess.Popen[str], path: Path, num_steps: int) -> None:
    while process.poll() is None:
        file = path / "metrics.jsonl"
        if file.exists() and file.read_text().count("\n") >= num_steps:
            return
        time.sleep(0.005)


def test_sigterm_saves_and_exits_cleanly_and_kill_9_loses_nothing(tmp_path: Path) -> None:
    """One run straight; one stopped by SIGTERM, continued, killed with -9, continued: the same bits."""
    straight = start(tmp_path / "straight")
    output, errors = straight.communicate()
    assert straight.returncode == 0, errors
    path = tmp_path / "stopped"
    process = start(path)
    wait_for_steps(process, path, 1)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "--resume" in output or RunDirectory.inspect(path).manifest.status == "finished"
    process = start(path, "--resume")
    wait_for_steps(process, path, 4)
    process.kill()
    process.communicate()
    process = start(path, "--resume")
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert_same_run(tmp_path / "straight", path)
