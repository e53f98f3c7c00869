from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proctor.errors import LearnerError
from proctor.training.manifest import Manifest
from proctor.training.run_directory import RunDirectory

MANIFEST = Manifest("2026-01-02T03:04:05+00:00", {}, "Linux x86_64", 2)


@pytest.fixture
def run(tmp_path: Path):
    with RunDirectory.create(tmp_path / "run", {}, MANIFEST) as created:
        yield created


def save_checkpoint(run: RunDirectory, step: int) -> Path:
    with run.checkpoint(step) as directory:
        (directory / "model.safetensors").write_text("weights")
    return run.checkpoint_path(step)


def in_another_process(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=False)


# --- what a kill leaves


def test_opening_clears_what_a_killed_process_left(run: RunDirectory):
    save_checkpoint(run, 1)
    run.close()
    (run.path / ".summary.json.0123abcd.tmp").write_text("half")
    (run.path / "checkpoints" / ".step-000002.0123abcd.tmp").mkdir()
    (run.path / "checkpoints" / ".step-000002.0123abcd.tmp" / "model").write_text("half")
    (run.path / "checkpoints" / ".step-000001.old").mkdir()
    (run.path / ".model.old").mkdir()
    (run.path / ".model.old" / "weights").write_text("previous")
    (run.path / ".notes.of.mine").write_text("stays")
    with RunDirectory.open(run.path) as again:
        assert again.checkpoints() == [1]
        assert (again.model_path / "weights").read_text() == "previous"
    left = sorted(str(path.relative_to(run.path)) for path in run.path.rglob(".*"))
    assert left == [".lock", ".notes.of.mine"]


KILLED_AT_EVERY_CALL = """
import os, pathlib, sys
from proctor.training import durable

root = pathlib.Path(sys.argv[1])

def publish(content):
    with durable.publish_directory(root / "model") as directory:
        for name in ("a", "b"):
            (directory / name).write_text(content)

def update(content):
    durable.write_atomic(root / "file", content.encode())

def state():
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}

def die_at(count):
    def counted(name, original):
        def call(*arguments, **named):
            nonlocal count
            if count == 0:
                os._exit(9)
            count -= 1
            return original(*arguments, **named)
        return call
    for name in ("rename", "replace", "fsync", "unlink", "rmdir", "mkdir"):
        setattr(os, name, counted(name, getattr(os, name)))

publish("old"), update("old")
count, seen = 0, set()
while True:
    child = os.fork()
    if child == 0:
        die_at(count)
        publish("new"), update("new")
        os._exit(0)
    finished = os.waitpid(child, 0)[1] == 0
    durable.repair(root)
    found = state()
    assert set(found) == {"file", "model/a", "model/b"}, (count, found)
    assert found["model/a"] == found["model/b"], (count, found)
    seen.add((found["model/a"], found["file"]))
    publish("old"), update("old")
    count += 1
    if finished:
        break
assert seen == {("old", "old"), ("new", "old"), ("new", "new")}, seen
print(count)
"""


def test_a_kill_at_any_system_call_leaves_the_old_or_the_new(tmp_path: Path):
    result = in_another_process(KILLED_AT_EVERY_CALL, str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 10


# --- one writer


def test_a_second_process_is_refused_by_name(run: RunDirectory):
    script = "import sys, pathlib; from proctor.training.run_directory import RunDirectory; RunDirectory.open(pathlib.Path(sys.argv[1]))"
    refused = in_another_process(script, str(run.path))
    assert f"being written by another process (pid {os.getpid()})" in refused.stderr
    run.close()
    assert in_another_process(script, str(run.path)).returncode == 0


def test_inspecting_a_run_neither_locks_nor_changes_it(run: RunDirectory):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    script = (
        "import sys, pathlib; from proctor.training.run_directory import RunDirectory; print(RunDirectory.inspect(pathlib.Path(sys.argv[1])).manifest.status)"
    )
    assert in_another_process(script, str(run.path)).stdout == "running\n"
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_a_killed_writer_with_living_children_holds_no_lock(tmp_path: Path):
    script = """
import os, pathlib, sys, time
from proctor.training.manifest import Manifest
from proctor.training.run_directory import RunDirectory
run = RunDirectory.create(pathlib.Path(sys.argv[1]), {}, Manifest("now", {}, "here", 1))
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
pathlib.Path(sys.argv[2]).write_text(str(child))
os.kill(os.getpid(), 9)
"""
    dead = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run"), str(tmp_path / "child")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    try:
        assert dead.returncode == -9
        RunDirectory.open(tmp_path / "run").close()
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


# --- a disk that refuses


def test_a_full_disk_names_the_file_the_space_and_the_last_good_checkpoint(run: RunDirectory, monkeypatch: pytest.MonkeyPatch):
    run.append_metrics({"step": 0, "reward_mean": 0.0, "seconds": 1.0})
    save_checkpoint(run, 1)
    before = run.metrics_path.read_bytes()

    def full_after_five_bytes(descriptor: int, content: bytes, write=os.write) -> int:
        if len(content) <= 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content[:5])

    monkeypatch.setattr(os, "write", lambda descriptor, content: full_after_five_bytes(descriptor, content))
    with pytest.raises(LearnerError) as caught:
        run.append_metrics({"step": 2, "reward_mean": 0.1, "seconds": 1.0})
    monkeypatch.undo()
    message = str(caught.value)
    assert re.fullmatch(
        r"could not write metrics.jsonl in .*run: No space left on device \(\d+\.\d\d GiB free there now\)\. The last good checkpoint, "
        r".*step-000001, is intact\. Make room on that disk, then continue from it with --resume --out .*run",
        message,
    )
    assert run.metrics_path.read_bytes() == before


@pytest.mark.parametrize("fault", ["I/O error: No space left on device (os error 28)", "[enforce fail at inline_container.cc:668] . unexpected pos 64 vs 0"])
def test_a_full_disk_reported_by_a_library_is_recognised(run: RunDirectory, fault: str):
    with pytest.raises(LearnerError, match="could not write checkpoint of step 3.*There is no checkpoint yet. Make room"), run.checkpoint(3):
        raise RuntimeError(fault)


def test_other_errors_of_a_library_are_left_alone(run: RunDirectory):
    with pytest.raises(RuntimeError, match="shapes differ"), run.checkpoint(3):
        raise RuntimeError("shapes differ")


def test_a_read_only_place_asks_for_permission(run: RunDirectory):
    with pytest.raises(LearnerError, match="Read-only file system.*Allow writing there"), run.writing("summary.json"):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


LIMITED = """
import pathlib, resource, sys
import numpy
from proctor.errors import LearnerError
from proctor.training.run_directory import RunDirectory
from safetensors.numpy import save_file

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with RunDirectory.open(pathlib.Path(sys.argv[1])) as run:
    try:
        with run.checkpoint(2) as directory:
            save_file({"weight": numpy.zeros(10_000)}, directory / "model.safetensors")
    except LearnerError as error:
        print(error)
    try:
        run.write_summary({"text": "x" * 50_000})
    except LearnerError as error:
        print(error)
"""


def test_a_real_refusal_of_the_system_leaves_the_last_checkpoint_usable(run: RunDirectory):
    save_checkpoint(run, 1)
    run.write_summary({"text": "short"})
    run.close()
    result = in_another_process(LIMITED, str(run.path))
    first, second = result.stdout.splitlines()
    assert re.search(r"could not write checkpoint of step 2 .*step-000001, is intact", first), result.stderr
    assert re.search(r"could not write summary.json .*File too large.*Raise the limit on file sizes", second)
    assert run.checkpoints() == [1]
    assert run.summary() == {"text": "short"}
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["step-000001"]
