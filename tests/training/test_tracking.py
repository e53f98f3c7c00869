from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import ConfigError
from proctor.training.events import Event, Warned
from proctor.training.manifest import Manifest
from proctor.training.run_directory import RunDirectory
from proctor.training.tracking import ALIASES, Tracker, TrackingConfig, open_sinks, with_aliases

MANIFEST = Manifest("2026-01-02T03:04:05+01:00", {}, "here", 1)


@pytest.fixture
def run(tmp_path: Path):
    with RunDirectory.create(tmp_path / "quickstart", {"model": "tiny"}, MANIFEST) as created:
        yield created


def unexpected(event: Event) -> None:
    pytest.fail(f"nothing should be said: {event}")


class RecordingSink:
    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.num_closed = 0

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.logged.append((step, dict(metrics)))

    def close(self) -> None:
        self.num_closed += 1


class FailingSink(RecordingSink):
    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        super().log(step, metrics)
        raise ConnectionError("no route")


class RecordingModule(types.ModuleType):
    """Stands in for wandb and trackio: records how `init` was called, and is its own run."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.options: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.num_finished = 0

    def init(self, **options: Any) -> RecordingModule:
        self.options = options
        return self

    def log(self, metrics: dict[str, float], step: int) -> None:
        self.logged.append((step, metrics))

    def finish(self) -> None:
        self.num_finished += 1


def test_the_file_gets_canonical_names_and_the_sinks_get_every_spelling(run: RunDirectory):
    sink = RecordingSink()
    tracker = Tracker(run, [sink], unexpected)
    tracker.log(4, {"reward_mean": 0.5, "reward_std": 0.1, "seconds": 2.0})
    tracker.close()
    assert run.metrics() == [{"step": 4, "reward_mean": 0.5, "reward_std": 0.1, "seconds": 2.0}]
    spelled = {
        "training/global_step": 4,
        "reward_mean": 0.5,
        "reward": 0.5,
        "critic/score/mean": 0.5,
        "reward_std": 0.1,
        "seconds": 2.0,
        "step_time": 2.0,
        "timing_s/step": 2.0,
    }
    assert sink.logged == [(4, spelled)]
    assert sink.num_closed == 1


def test_no_alias_stands_for_two_names():
    everything = [*ALIASES, *(alias for aliases in ALIASES.values() for alias in aliases)]
    assert len(everything) == len(set(everything))
    assert with_aliases({"something_new": 1.0}) == {"something_new": 1.0}


def test_a_sink_that_fails_is_dropped_with_one_warning(run: RunDirectory):
    heard: list[Event] = []
    failing, working = FailingSink(), RecordingSink()
    tracker = Tracker(run, [failing, working], heard.append)
    for step in range(3):
        tracker.log(step, {"reward_mean": 0.0, "seconds": 1.0})
    tracker.close()
    assert (len(failing.logged), len(working.logged), len(run.metrics())) == (1, 3, 3)
    (warning,) = heard
    assert isinstance(warning, Warned)
    assert "FailingSink failed" in warning.message
    assert "ConnectionError: no route" in warning.message


def test_nothing_is_opened_by_default(run: RunDirectory):
    assert open_sinks(TrackingConfig(), run, start_step=0) == []


@pytest.mark.parametrize("extra", ["tensorboard", "wandb", "trackio"])
def test_a_missing_extra_is_named_with_its_command(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, extra: str):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard" if extra == "tensorboard" else extra, None)
    settings = {"tensorboard": TrackingConfig(tensorboard=True), "wandb": TrackingConfig(wandb=True), "trackio": TrackingConfig(trackio=True)}[extra]
    with pytest.raises(ConfigError, match=rf"tracking.{extra} is on.*pip install 'proctor\[{extra}\]'.*--set tracking.{extra}=false"):
        open_sinks(settings, run, start_step=0)


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_wandb_is_offline_unless_told_otherwise_and_finds_its_run_again(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, mode: str):
    module = RecordingModule("wandb")
    monkeypatch.setitem(sys.modules, "wandb", module)
    settings = TrackingConfig(wandb=True, project="mine") if mode == "offline" else TrackingConfig(wandb=True, project="mine", wandb_mode="online")
    tracker = Tracker(run, open_sinks(settings, run, start_step=0), unexpected)
    tracker.log(0, {"reward_mean": 0.5, "seconds": 1.0})
    tracker.close()
    assert module.options == {
        "project": "mine",
        "name": "quickstart",
        "id": "quickstart-20260102T030405",
        "resume": "allow",
        "dir": str(run.path),
        "mode": mode,
        "config": {"model": "tiny"},
    }
    assert module.logged[0][0] == 0
    assert module.logged[0][1]["reward"] == 0.5
    assert module.num_finished == 1


def test_trackio_is_given_no_place_outside_this_machine(run: RunDirectory, monkeypatch: pytest.MonkeyPatch):
    module = RecordingModule("trackio")
    monkeypatch.setitem(sys.modules, "trackio", module)
    tracker = Tracker(run, open_sinks(TrackingConfig(trackio=True), run, start_step=0), unexpected)
    tracker.log(0, {"reward_mean": 0.5, "seconds": 1.0})
    tracker.close()
    assert {"space_id", "server_url", "dataset_id"}.isdisjoint(module.options)
    assert module.options["resume"] == "allow"
    assert module.logged[0][1]["critic/score/mean"] == 0.5
    assert module.num_finished == 1


def test_tensorboard_files_hold_the_numbers(run: RunDirectory):
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    tracker = Tracker(run, open_sinks(TrackingConfig(tensorboard=True), run, start_step=0), unexpected)
    tracker.log(0, {"reward_mean": 0.5, "kl": float("nan"), "seconds": 1.0})
    tracker.log(1, {"reward_mean": 0.75, "seconds": 1.0})
    tracker.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(run.path / "tensorboard"))
    reader.Reload()
    assert [(point.step, point.value) for point in reader.Scalars("reward")] == [(0, 0.5), (1, 0.75)]


def test_tracking_starts_without_torch():
    script = "import sys, proctor.training.tracking, proctor.training.rollout_table; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"
