from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proctor.errors import ConfigError, LearnerError
from proctor.training.manifest import FORMAT_VERSION, Manifest, git_state
from proctor.training.run_directory import RunDirectory, is_run

MANIFEST = Manifest(
    created="2026-01-02T03:04:05+00:00",
    versions={"python": "3.11.7"},
    platform="Linux x86_64",
    num_cpus=2,
    seeds={"run": 7},
    data_hashes={"arithmetic": "ab12"},
    reward_hashes={"accuracy": "cd34"},
    opt_outs=("in_process",),
)
CONFIG = {"model": "tiny", "num_steps": 10, "data": {"train": None, "sizes": [1, 2]}}


@pytest.fixture
def run(tmp_path: Path):
    with RunDirectory.create(tmp_path / "run", CONFIG, MANIFEST) as created:
        yield created


def save_checkpoint(run: RunDirectory, step: int, content: str = "weights") -> Path:
    with run.checkpoint(step) as directory:
        (directory / "optimizer").mkdir()
        (directory / "optimizer" / "state.bin").write_text(content)
        (directory / "model.safetensors").write_text(content)
    return run.checkpoint_path(step)


def log_steps(run: RunDirectory, num_steps: int) -> None:
    for step in range(num_steps):
        run.append_metrics({"step": step, "reward_mean": step / 10, "seconds": 1.0})
        run.rollouts_path(step).write_bytes(b"rows")


def steps_of(run: RunDirectory) -> list[int]:
    return [row["step"] for row in run.metrics()]


# --- creating and opening


def test_config_and_manifest_come_back_as_they_were_given(run: RunDirectory):
    assert run.config == CONFIG
    assert run.manifest == MANIFEST
    assert is_run(run.path)


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path):
    (tmp_path / "config.toml").write_text("mine")
    with pytest.raises(ConfigError, match=r"not empty \(it has config.toml\); choose another --out$"):
        RunDirectory.create(tmp_path, CONFIG, MANIFEST)
    assert (tmp_path / "config.toml").read_text() == "mine"


def test_an_existing_run_is_refused_and_resume_is_named(run: RunDirectory):
    run.close()
    with pytest.raises(ConfigError, match="pass --resume"):
        RunDirectory.create(run.path, CONFIG, MANIFEST)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        RunDirectory.create(tmp_path / "out", CONFIG, MANIFEST)


def test_a_run_killed_while_it_was_being_created_can_be_created_again(run: RunDirectory):
    run.close()
    (run.path / "manifest.json").rename(run.path / ".manifest.json.0123abcd.tmp")
    assert not is_run(run.path)
    with RunDirectory.create(run.path, CONFIG, MANIFEST) as again:
        assert again.manifest == MANIFEST


def test_opening_what_is_not_a_run_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match="no manifest.json"):
        RunDirectory.open(tmp_path)


def test_a_newer_format_is_refused(run: RunDirectory):
    newer = dataclasses.replace(MANIFEST, format_version=FORMAT_VERSION + 1)
    (run.path / "manifest.json").write_text(newer.to_json())
    with pytest.raises(ConfigError, match=f"format_version {FORMAT_VERSION + 1}.*reads up to {FORMAT_VERSION}.*Upgrade"):
        RunDirectory.inspect(run.path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 1}', '{"format_version": 1, "status": "asleep"}', "\udcff"])
def test_a_torn_manifest_is_a_clear_error(run: RunDirectory, content: str):
    (run.path / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(LearnerError, match=re.escape(str(run.path / "manifest.json"))):
        RunDirectory.inspect(run.path)


def test_a_torn_config_is_a_clear_error(run: RunDirectory):
    (run.path / "config.json").write_text('{"model": ')
    with pytest.raises(LearnerError, match="config.json is torn"):
        _ = run.config


def test_status_and_resumes_are_recorded_in_order(run: RunDirectory):
    run.set_status("stopped", "Ctrl-C")
    run.record_resume(4)
    run.record_resume(6)
    run.set_status("finished")
    manifest = run.manifest
    assert [(entry.step, entry.previous_status) for entry in manifest.resumed_from] == [(4, "stopped"), (6, "running")]
    assert (manifest.status, manifest.reason) == ("finished", "")


def test_collect_describes_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    manifest = Manifest.collect(seeds={"run": 1}, data_hashes={}, reward_hashes={})
    assert manifest.versions["python"] == sys.version.split()[0]
    assert manifest.num_cpus >= 1
    assert manifest.git is None
    assert Manifest.from_json(manifest.to_json(), where=tmp_path) == manifest


def test_git_state_tells_clean_from_dirty(tmp_path: Path):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    assert git_state(tmp_path) is None
    git("commit", "-m", "first")
    (tmp_path / "untracked").write_text("1")
    clean = git_state(tmp_path)
    assert clean is not None
    assert (len(clean.commit), clean.is_dirty) == (40, False)
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == dataclasses.replace(clean, is_dirty=True)


def test_the_manifest_is_json_that_others_can_read(run: RunDirectory):
    plain = json.loads((run.path / "manifest.json").read_text())
    assert plain["format_version"] == 1
    assert plain["status"] == "running"
    assert plain["seeds"] == {"run": 7}


# --- metrics and rollouts


def test_metrics_are_appended_and_read_back(run: RunDirectory):
    log_steps(run, 3)
    run.append_metrics({"step": 3, "reward_mean": float("nan"), "kl": float("inf"), "seconds": 2})
    assert steps_of(run) == [0, 1, 2, 3]
    assert run.metrics()[3] == {"step": 3, "reward_mean": None, "kl": None, "seconds": 2}


@pytest.mark.parametrize("torn", [b'{"step": 3, "rew', b"{", b"\xff\xfe", b'{"step": 3}garbage'])
def test_a_torn_last_line_is_dropped_and_the_next_row_is_whole(run: RunDirectory, torn: bytes):
    log_steps(run, 3)
    run.close()
    with run.metrics_path.open("ab") as file:
        file.write(torn)
    assert steps_of(run) == [0, 1, 2]
    with RunDirectory.open(run.path) as again:
        again.append_metrics({"step": 3, "reward_mean": 0.5, "seconds": 1.0})
        assert steps_of(again) == [0, 1, 2, 3]


def test_a_last_line_that_lacks_only_its_newline_is_kept(run: RunDirectory):
    log_steps(run, 3)
    run.close()
    run.metrics_path.write_bytes(run.metrics_path.read_bytes()[:-1])
    with RunDirectory.open(run.path) as again:
        again.append_metrics({"step": 3, "reward_mean": 0.5, "seconds": 1.0})
        assert steps_of(again) == [0, 1, 2, 3]


@pytest.mark.parametrize("corrupt", ["{", "[1]", "", '{"reward_mean": 1}', '{"step": "1"}'])
def test_a_corrupt_line_that_is_not_the_last_is_named(run: RunDirectory, corrupt: str):
    run.metrics_path.write_text(f'{{"step": 0}}\n{corrupt}\n{{"step": 2}}\n')
    with pytest.raises(LearnerError, match=rf"{re.escape(str(run.metrics_path))}, line 2 is corrupt"):
        run.metrics()


def test_rewind_drops_the_records_of_the_steps_to_be_done_again(run: RunDirectory):
    log_steps(run, 6)
    for step in (2, 4, 6):
        save_checkpoint(run, step)
    (run.checkpoint_path(2) / "model.safetensors").write_text("tor")
    run.rewind(4)
    assert steps_of(run) == [0, 1, 2, 3]
    assert sorted(path.name for path in (run.path / "rollouts").iterdir()) == [f"step-{step:06d}.parquet" for step in range(4)]
    assert sorted(path.name for path in (run.path / "checkpoints").iterdir()) == ["step-000004"]


def test_rewind_to_the_beginning_keeps_nothing(run: RunDirectory):
    log_steps(run, 2)
    run.rewind(0)
    assert run.metrics() == []
    assert list((run.path / "rollouts").iterdir()) == []


def test_summary_is_replaced_whole(run: RunDirectory):
    assert run.summary() is None
    run.write_summary({"before": {"mean": 0.2}})
    run.write_summary({"before": {"mean": 0.2}, "after": {"mean": 0.9}})
    assert run.summary() == {"before": {"mean": 0.2}, "after": {"mean": 0.9}}


def test_values_that_json_does_not_have_are_refused(run: RunDirectory):
    with pytest.raises(LearnerError, match="plain values only"):
        run.write_summary({"path": object()})


# --- checkpoints


def test_checkpoints_are_listed_by_step_and_pruned_from_the_oldest(run: RunDirectory):
    for step in (10, 2, 1_000_000):
        save_checkpoint(run, step)
    assert run.checkpoints() == [2, 10, 1_000_000]
    run.prune(2)
    assert run.checkpoints() == [10, 1_000_000]
    with pytest.raises(ValueError, match="at least one"):
        run.prune(0)


def test_a_checkpoint_that_fails_leaves_nothing_behind(run: RunDirectory):
    with pytest.raises(ZeroDivisionError), run.checkpoint(1) as directory:
        (directory / "model.safetensors").write_text("half")
        _ = 1 / 0
    assert list((run.path / "checkpoints").iterdir()) == []


def test_a_checkpoint_is_invisible_until_it_is_complete(run: RunDirectory):
    with run.checkpoint(1) as directory:
        (directory / "model.safetensors").write_text("half")
        assert run.all_checkpoints() == []
    assert run.checkpoints() == [1]


def test_the_same_step_can_be_written_again(run: RunDirectory):
    save_checkpoint(run, 1, "first")
    path = save_checkpoint(run, 1, "second")
    assert (path / "model.safetensors").read_text() == "second"
    assert [entry.name for entry in path.parent.iterdir()] == ["step-000001"]


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: tear(path / "model.safetensors"), r"model.safetensors is torn \(6 of 7 bytes\)"),
        (lambda path: (path / "optimizer" / "state.bin").unlink(), "optimizer/state.bin is missing"),
        (lambda path: (path / "complete.json").unlink(), "complete.json is missing"),
        (lambda path: tear(path / "complete.json") or tear(path / "complete.json"), "complete.json cannot be read"),
        (lambda path: (path / "complete.json").write_text("[]"), "complete.json cannot be read"),
        (lambda path: (path / "complete.json").write_text('{"step": 3, "size_bytes": {}}'), "is of step 3"),
    ],
)
def test_a_torn_checkpoint_is_passed_over_and_named(run: RunDirectory, damage, said: str):
    save_checkpoint(run, 1)
    damage(save_checkpoint(run, 2))
    point = run.resume_point()
    assert point.step == 1
    assert re.search(f"step-000002 cannot be used: .*{said}", point.notes[0])
    assert "continuing from" in point.notes[1]
    assert "step-000001" in point.notes[1]


def test_resuming_without_a_checkpoint_starts_at_zero_and_says_so(run: RunDirectory):
    point = run.resume_point()
    assert (point.step, point.checkpoint) == (0, None)
    assert "no checkpoint yet: starting at step 0" in point.notes[0]


def test_when_every_checkpoint_is_torn_the_run_is_not_started_over(run: RunDirectory):
    tear(save_checkpoint(run, 5) / "model.safetensors")
    with pytest.raises(LearnerError, match="no checkpoint of this run is whole.*step-000005.*torn"):
        run.resume_point()
