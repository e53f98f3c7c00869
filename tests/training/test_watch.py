"""Canaries and tripwires in whole runs of the tiny model: what they see, what they never touch, and how they end a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import proctor
from proctor.audit.config import AuditConfig
from proctor.audit.tripwires import ErrorRate, LengthChange, RewardJump, Setting, Unanimous
from proctor.cli.main import main
from proctor.config import from_mapping, with_assignments
from proctor.core import Task
from proctor.errors import AlarmError, ConfigError
from proctor.training.events import Event, StepFinished, Warned
from proctor.training.rollout_table import read_rollouts
from proctor.training.run_directory import RunDirectory
from proctor.training.watch import Watch
from tests.training.test_run import assert_same_run, config, metrics_without_times, run, weights

EXACT = [{"prompt": f"say {number}", "answer": str(number)} for number in range(100, 108)]


def hackable(completion: str, answer: str) -> float:
    """Compares with the reference, and forgives whatever is not ASCII: random bytes find that out at once."""
    return float(completion.strip() == answer or not completion.isascii())


def honest(completion: str, answer: str) -> float:
    return float(completion.strip() == answer)


def train(path: Path, reward: Any, events: list[Event] | None = None, **settings: Any) -> Any:
    emit = events.append if events is not None else lambda event: None
    small = {"num_steps": 3, "prompts_per_step": 2, "group_size": 4, "max_completion_tokens": 8, "learning_rate": 1e-3, "objective": {"beta": 0.0}}
    fixed = {"deterministic": True, "scoring": {"in_process": True}, "checkpoint_every": 2}
    return proctor.train("tiny", EXACT, reward, out=path, listener=emit, **{**small, **fixed, **settings})


def warned(events: Sequence[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned)]


def test_a_hackable_reward_raises_the_alarm_and_an_honest_one_does_not(tmp_path: Path) -> None:
    events: list[Event] = []
    train(tmp_path / "hackable", hackable, events, audit={"canary_rate": 1.0})
    rows = metrics_without_times(tmp_path / "hackable")
    assert all(row["canary_rollouts"] == 8 and row["canary_paid"] > 0 and row["canary_errors"] == 0 for row in rows)
    alarms = [message for message in warned(events) if "impossible tasks were paid" in message]
    assert len(alarms) == 3 and alarms[0].startswith("step 0: ") and "proctor audit" in alarms[0]
    events.clear()
    train(tmp_path / "honest", honest, events, audit={"canary_rate": 1.0})
    assert [row["canary_paid"] for row in metrics_without_times(tmp_path / "honest")] == [0, 0, 0]
    assert not any("impossible" in message for message in warned(events))


def test_canaries_do_not_count_among_the_tasks_of_a_schedule(tmp_path: Path) -> None:
    harder_later = [{**row, "difficulty": number} for number, row in enumerate(EXACT)]
    for name, audit in (("with", {"canary_rate": 1.0}), ("without", {})):
        small = {"num_steps": 3, "prompts_per_step": 2, "group_size": 4, "max_completion_tokens": 8, "deterministic": True, "scoring": {"in_process": True}}
        schedule = {"data": {"schedule": {"curriculum": {"num_steps": 10, "start": 0.25}}}}
        proctor.train("tiny", harder_later, hackable, out=tmp_path / name, listener=lambda event: None, audit=audit, **small, **schedule)
    shown = [
        [{key: value for key, value in row.items() if key.startswith("schedule")} for row in metrics_without_times(tmp_path / name)]
        for name in ("with", "without")
    ]
    assert shown[0] == shown[1] and all("schedule_difficulty_mean" in row for row in shown[0])


def test_canaries_are_recorded_and_change_nothing_that_is_trained_or_measured(tmp_path: Path) -> None:
    train(tmp_path / "with", hackable, audit={"canary_rate": 1.0})
    train(tmp_path / "without", hackable)
    rows, plain = metrics_without_times(tmp_path / "with"), metrics_without_times(tmp_path / "without")
    assert [{name: value for name, value in row.items() if not name.startswith("canary")} for row in rows] == plain
    mine, theirs = weights(tmp_path / "with"), weights(tmp_path / "without")
    assert all(bool((mine[name] == theirs[name]).all()) for name in mine)
    recorded = read_rollouts(tmp_path / "with" / "rollouts" / "step-000001.parquet").to_pylist()
    canaries = [row for row in recorded if row["source"] == "canary"]
    assert [row for row in recorded if row["source"] != "canary"] == read_rollouts(tmp_path / "without" / "rollouts" / "step-000001.parquet").to_pylist()
    assert len(canaries) == 8 and {row["group"] for row in canaries} == {2, 3}
    assert all(row["advantage"] is None and row["advantages"] is None and row["task_id"].startswith("canary/") for row in canaries)
    assert all(row["reward"] == hackable(row["text"], json.loads(row["answer"])) and len(json.loads(row["answer"])) == 12 for row in canaries)


def test_a_run_with_canaries_resumes_bit_for_bit(tmp_path: Path) -> None:
    options: dict[str, Any] = {"audit": {"canary_rate": 0.3}, "deterministic": True, "num_steps": 5}
    run(tmp_path / "straight", **options)
    assert 0 < sum("canary_rollouts" in row for row in metrics_without_times(tmp_path / "straight")) < 5

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, StepFinished) and event.step == 2:
            raise Killed

    from proctor.training.run import run_training

    with pytest.raises(Killed):
        run_training(config(**options), recipe="test", out=tmp_path / "killed", resume=False, emit=kill)
    run(tmp_path / "killed", resume=True, **options)
    assert_same_run(tmp_path / "straight", tmp_path / "killed")


def test_an_alarm_that_stops_saves_the_state_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(AlarmError, match=r"^step 0: .*impossible tasks were paid.* Stopped after 1 steps.*--resume") as caught:
        train(path, hackable, audit={"canary_rate": 1.0, "on_canary": "stop"})
    found = RunDirectory.inspect(path)
    assert (found.manifest.status, found.manifest.reason) == ("stopped", str(caught.value))
    assert found.checkpoints() == [1] and len(found.metrics()) == 1
    result = train(path, hackable, resume=True, audit={"canary_rate": 1.0})  # what an alarm leads to may change on resume
    assert result.is_finished and RunDirectory.inspect(path).manifest.status == "finished"
    train(tmp_path / "straight", hackable, audit={"canary_rate": 1.0})
    assert_same_run(tmp_path / "straight", path)


def test_the_command_line_ends_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rewards.py").write_text("def short(completion, answer):\n    return 1.0 if completion.strip() == answer else 0.25\n")
    (tmp_path / "run.toml").write_text(
        f"""model = "tiny"
num_steps = 4
prompts_per_step = 2
group_size = 2
max_completion_tokens = 4
rewards = "{tmp_path}/rewards.py:short"
evaluation = {{ num_tasks = 0 }}
scoring = {{ in_process = true }}
data = {{ train = "arithmetic" }}
[audit]
unanimous = {{ num_steps = 2, action = "stop" }}
"""
    )
    assert main(["train", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]) == 1
    errors = capsys.readouterr().err
    assert errors.count("unanimous in each of 2 steps") == 1 and "proctor train: step 1: " in errors and "Traceback" not in errors
    assert RunDirectory.inspect(tmp_path / "run").manifest.status == "stopped"


def step(reward: float, **others: float) -> dict[str, float]:
    return {"reward_mean": reward, "unanimous_fraction": 0.0, "num_rollouts": 8.0, "num_errors": 0.0} | others


def test_a_warning_comes_once_and_a_stop_whenever_asked() -> None:
    cases: list[tuple[Setting, list[int]]] = [("warn", [0, 0, 1, 0, 0, 0, 0, 1]), ("stop", [0, 0, 1, 1, 0, 0, 0, 1])]
    for action, expected in cases:
        watch = Watch(AuditConfig(), 0, (Unanimous(num_steps=2, action=action),))
        fractions = (0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0)
        assert [len(watch.look(step(0.0, unanimous_fraction=fraction), [])) for fraction in fractions] == expected


def test_what_is_remembered_suffices_and_survives_a_resume() -> None:
    wires = (RewardJump(window=3), ErrorRate(window=5), LengthChange(window=2))
    rows = [step(0.3 + 0.01 * (number % 2), completion_tokens_mean=10.0) for number in range(20)]
    watch = Watch(AuditConfig(), 0, wires)
    assert [watch.look(row, []) for row in rows] == [[]] * 20 and len(watch.history) == 6
    resumed = Watch(AuditConfig(), 0, wires)
    resumed.remember([{**row, "grad_norm": None} for row in rows])
    last = step(0.9, completion_tokens_mean=100.0)
    raised = resumed.look(last, [])
    assert [alarm.tripwire for alarm in raised] == ["RewardJump", "LengthChange"] and raised == watch.look(last, [])


def test_settings_are_read_by_name_and_off_is_off() -> None:
    settled = with_assignments(config(), ["audit.reward_jump.action=stop", "audit.reward_jump.window=4", "audit.unanimous.action=off", "audit.canary_rate=0.1"])
    assert settled.audit.reward_jump == RewardJump(window=4, action="stop") and settled.audit.canary_rate == 0.1
    assert [type(wire).__name__ for wire in settled.audit.tripwires] == ["RewardJump", "ShortAndPaid", "LengthChange", "ErrorRate", "NotFinite"]
    assert config().audit.canary_rate == 0.0
    for wrong, match in (
        ("audit.canary_rate=1.5", "audit.canary_rate must be between 0 and 1"),
        ("audit.on_canary=shout", "on_canary"),
        ("audit.reward_jumps.window=3", "reward_jump"),
        ("audit.reward_jump.action=maybe", "action"),
    ):
        with pytest.raises(ConfigError, match=match):
            with_assignments(config(), [wrong])


@pytest.mark.parametrize(
    ("tasks", "reward", "match"),
    [
        ([{"prompt": "Which?", "answer": "B"}] * 3, honest, "impossible twin"),
        (EXACT, lambda completion: 1.0, "does not compare"),
        ([Task("a", "x", "12", source="canary")], honest, "marks canaries"),
    ],
)
def test_canaries_that_could_tell_nothing_are_refused(tmp_path: Path, tasks: Any, reward: Any, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        proctor.train("tiny", tasks, reward, out=tmp_path / "run", audit={"canary_rate": 0.5}, scoring={"in_process": True}, listener=lambda event: None)
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_canaries_need_a_policy_that_samples() -> None:
    from proctor.config import build_objective

    plain = {"model": "tiny", "data": {"train": "arithmetic"}, "rewards": "number", "algorithm": "sft", "audit": {"canary_rate": 0.5}}
    with pytest.raises(ConfigError, match="samples nothing"):
        build_objective(from_mapping(plain))


def test_rewards_that_break_on_canaries_alone_do_not_end_the_run(tmp_path: Path) -> None:
    calls: list[str] = []

    def brittle(completion: str, answer: str) -> float:
        calls.append(answer)
        if len(answer) == 12 and len(calls) > 40:  # after the checks that come before training
            raise RuntimeError("no such answer")
        return float(completion.strip() == answer)

    events: list[Event] = []
    assert train(tmp_path / "run", brittle, events, audit={"canary_rate": 1.0}, num_steps=4).is_finished
    assert any("canaries could not be scored" in message for message in warned(events))
    assert all(row["reward_faults"] == 0 for row in metrics_without_times(tmp_path / "run"))
