"""Schedules in whole runs of the tiny model: resumed exactly, logged, and without a trace where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import ConfigError, LearnerError
from proctor.training.events import Event, RunStarted, StepFinished
from proctor.training.rollout_table import read_rollouts
from proctor.training.run import run_training
from tests.training.test_run import assert_same_run, config, metrics_without_times, run

SCHEDULE = {"curriculum": {"num_steps": 4, "start": 0.5, "by": "level"}, "priorities": {"floor": 0.1}, "retirement": {"times": 1, "revisit_every": 2}}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Two small files, scheduled; the reward is right about half of the time for random weights."""
    for name, size in (("many", 12), ("few", 3)):
        rows = [{"prompt": f"{name} {n}?", "answer": str(n), "level": n, "id": f"{name}-{n}"} for n in range(size)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "rewards.py").write_text("def even(completion):\n    return float(sum(map(ord, completion)) % 2 == 0)\n")
    data = {
        "train": str(tmp_path / "many.jsonl"),
        "test": "arithmetic",
        "further": [{"source": str(tmp_path / "few.jsonl"), "weight": 1.0}],
        "schedule": SCHEDULE,
    }
    return {"data": data, "rewards": [f"{tmp_path / 'rewards.py'}:even"], "deterministic": True, "num_steps": 4, "checkpoint_every": 2}


def test_a_killed_run_draws_what_it_would_have_drawn(tmp_path: Path, options: dict[str, Any]) -> None:
    objective = {"objective": {"max_refills": 1}, "algorithm": "dapo"}
    run(tmp_path / "straight", **options, **objective)

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, StepFinished) and event.step == 2:
            raise Killed  # the checkpoint is of step 2: this step is done again, with the statistics of then

    with pytest.raises(Killed):
        run_training(config(**options, **objective), recipe="test", out=tmp_path / "killed", resume=False, emit=kill)
    run(tmp_path / "killed", resume=True, **options, **objective)
    assert_same_run(tmp_path / "straight", tmp_path / "killed")


def test_what_is_drawn_is_logged_and_a_small_source_is_named(tmp_path: Path, options: dict[str, Any]) -> None:
    events: list[Event] = []
    run(tmp_path / "run", events, **options)
    names = {"schedule_success_mean", "schedule_num_retired", "schedule_num_hopeless", "schedule_difficulty_mean", "schedule_window_fraction"}
    rows = metrics_without_times(tmp_path / "run")
    assert all(names <= row.keys() for row in rows)
    assert rows[0]["schedule_difficulty_mean"] < 6
    assert rows[-1]["schedule_visited_fraction"] > rows[0]["schedule_visited_fraction"]
    notes = next(event.notes for event in events if isinstance(event, RunStarted))
    assert any("few.jsonl has 3 tasks and comes 1.3 times" in note for note in notes)
    drawn = [row for step in range(4) for row in read_rollouts(tmp_path / "run" / "rollouts" / f"step-{step:06d}.parquet").to_pylist()]
    assert {row["source"] for row in drawn} == {"many", "few"}


def test_without_a_schedule_nothing_of_it_is_there(tmp_path: Path) -> None:
    run(tmp_path / "run")
    assert not [*(tmp_path / "run").rglob("schedule.json")]
    assert not [name for row in metrics_without_times(tmp_path / "run") for name in row if name.startswith("schedule")]


def test_a_checkpoint_without_its_statistics_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    from proctor.data.schedule import Schedule
    from proctor.training.schedule_state import restore_schedule

    del options
    with pytest.raises(LearnerError, match=r"schedule\.json cannot be read"):
        restore_schedule(Schedule.__new__(Schedule), tmp_path)


def test_demonstrations_have_no_success_to_go_by(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="go by how rollouts turn out"):
        run(tmp_path / "run", algorithm="sft", objective={}, data={"train": "column_addition", "schedule": {"priorities": {}}})


def test_the_schedule_may_not_change_on_resume(tmp_path: Path, options: dict[str, Any]) -> None:
    run(tmp_path / "run", **{**options, "num_steps": 2})
    changed = {**options, "data": {**options["data"], "schedule": {**SCHEDULE, "priorities": {"floor": 0.2}}}}
    with pytest.raises(ConfigError, match=r"data\.schedule\.priorities\.floor: 0\.1 -> 0\.2"):
        run(tmp_path / "run", resume=True, **changed)
