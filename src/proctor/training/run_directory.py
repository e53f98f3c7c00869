"""The directory that a run writes: where everything lies, when it counts as written, and what a resume may rely on.

One process writes at a time; a kill at any moment leaves a directory that `RunDirectory.open` can continue. Steps are
counted from 0, and `checkpoints/step-000010` is the state after ten steps, so a resume from it begins at step 10 and drops
every record of step 10 and later. Nothing here knows what a checkpoint contains; `docs/run-directory.md` describes it all.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from proctor.errors import ConfigError, LearnerError, ProctorError
from proctor.training import durable, metrics_log
from proctor.training.checkpoint_index import Checkpoint, read_checkpoint, seal_checkpoint
from proctor.training.manifest import Manifest, RunStatus
from proctor.training.storage_faults import describe, is_storage_fault, remedy

_STEP_NAME = re.compile(r"step-(\d{6,})(?:\.parquet)?")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a run continues.

    Attributes:
        checkpoint: the newest complete one; None where the run starts at step 0.
        notes: what the user should hear, such as a torn checkpoint that was passed over.
    """

    checkpoint: Checkpoint | None
    notes: tuple[str, ...]

    @property
    def step(self) -> int:
        """The first step to do."""
        return self.checkpoint.step if self.checkpoint else 0


class RunDirectory:
    """The files of one run. `create` and `open` lock it for writing until `close`; `inspect` only reads."""

    def __init__(self, path: Path, lock: int | None) -> None:
        """Use `create`, `open` or `inspect`.

        Args:
            path: of the run.
            lock: the descriptor that holds the lock; None for reading only.
        """
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any], manifest: Manifest) -> RunDirectory:
        """Begin a new run at `path`.

        Args:
            path: of a directory that is empty or not there.
            config: the resolved configuration, of plain values.
            manifest: what the run is made of.

        Raises:
            ConfigError: something is there already, or another process is beginning a run there.
            LearnerError: it could not be written.
        """
        try:
            refuse_occupied(path)
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make a run directory at {path}: {error.strerror or error}; choose another --out") from error
        run = cls(path, _lock(path))
        try:
            with run.writing("config and manifest"):
                for name in ("rollouts", "checkpoints"):
                    (path / name).mkdir(exist_ok=True)
                durable.write_atomic(path / "config.json", _to_json(config))
                durable.write_atomic(path / "manifest.json", manifest.to_json().encode())
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Take up an existing run for writing, and clear what a killed process left half-written.

        Raises:
            ConfigError: there is no run, a newer Proctor wrote it, or another process is writing it.
            LearnerError: its manifest cannot be read.
        """
        run = cls.inspect(path)
        run._lock = _lock(path)
        try:
            with run.writing("a repair of the directory"):
                for folder in (path, path / "rollouts", path / "checkpoints"):
                    folder.mkdir(exist_ok=True)
                    durable.repair(folder)
                metrics_log.drop_torn_line(run.metrics_path)
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def inspect(cls, path: Path) -> RunDirectory:
        """Look at a run without touching or locking it; it may be running.

        Raises:
            ConfigError: there is no run, or a newer Proctor wrote it.
            LearnerError: its manifest cannot be read.
        """
        if not is_run(path):
            raise ConfigError(f"{path} is not a run directory: it has no manifest.json. Give the --out of an earlier run, or leave out --resume to begin one")
        run = cls(path, None)
        _ = run.manifest
        return run

    def close(self) -> None:
        """Release the lock. The end of the process, however it comes, releases it as well."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def model_path(self) -> Path:
        """Of the final weights."""
        return self.path / "model"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    def rollouts_path(self, step: int) -> Path:
        return self.path / "rollouts" / f"step-{step:06d}.parquet"

    def checkpoint_path(self, step: int) -> Path:
        return self.path / "checkpoints" / f"step-{step:06d}"

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration that the run was created with.

        Raises:
            LearnerError: the file is missing or torn.
        """
        return _read_json(self.path / "config.json")

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace the configuration, when a run is continued with one that may differ."""
        with self.writing("config.json"):
            durable.write_atomic(self.path / "config.json", _to_json(config))

    @property
    def manifest(self) -> Manifest:
        """Raises ConfigError where a newer Proctor wrote it, LearnerError where it is torn."""
        path = self.path / "manifest.json"
        return Manifest.from_json(_read_text(path), where=path)

    def set_status(self, status: RunStatus, reason: str = "") -> None:
        """Record how the run ended."""
        self._write_manifest(dataclasses.replace(self.manifest, status=status, reason=reason))

    def record_resume(self, step: int) -> None:
        """Record that this process continues the run, beginning with `step`."""
        self._write_manifest(self.manifest.resumed(step))

    def _write_manifest(self, manifest: Manifest) -> None:
        with self.writing("manifest.json"):
            durable.write_atomic(self.path / "manifest.json", manifest.to_json().encode())

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        with self.writing("summary.json"):
            durable.write_atomic(self.path / "summary.json", _to_json(summary))

    def summary(self) -> dict[str, Any] | None:
        """What `write_summary` wrote last; None before."""
        path = self.path / "summary.json"
        return _read_json(path) if path.exists() else None

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Add one step to metrics.jsonl; on return it is on the disk. A number that is not finite is written as null.

        Args:
            row: at least `step`, `reward_mean` and `seconds`.
        """
        with self.writing("metrics.jsonl"):
            metrics_log.append_row(self.metrics_path, row)

    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl. A last line that a kill cut short is left out.

        Raises:
            LearnerError: another line is not a row.
        """
        return metrics_log.read_rows(self.metrics_path)

    def truncate_metrics(self, *, before_step: int) -> None:
        """Keep the rows of metrics.jsonl with a step before `before_step`."""
        with self.writing("metrics.jsonl"):
            metrics_log.keep_rows(self.metrics_path, before_step=before_step)

    def rewind(self, step: int) -> None:
        """Drop every record of `step` and later, and every checkpoint that is torn or newer, before those steps are done again.

        Raises:
            LearnerError: metrics.jsonl has a corrupt line, or the directory cannot be written.
        """
        self.truncate_metrics(before_step=step)
        with self.writing("a rewind"):
            for path in self._steps("rollouts", at_least=step):
                path.unlink()
            for checkpoint in self.all_checkpoints():
                if checkpoint.problem or checkpoint.step > step:
                    durable.remove_directory(checkpoint.path)

    @contextmanager
    def checkpoint(self, step: int) -> Iterator[Path]:
        """Write the checkpoint after `step` steps: it appears at once, complete, when the block ends.

        Yields:
            The directory to write into.

        Raises:
            LearnerError: it could not be written; the earlier ones are intact.
        """
        with self.writing(f"checkpoint of step {step}"), durable.publish_directory(self.checkpoint_path(step)) as directory:
            yield directory
            seal_checkpoint(directory, step)

    @contextmanager
    def publish_model(self) -> Iterator[Path]:
        """Write the final weights: `model/` appears at once, complete, when the block ends."""
        with self.writing("final weights"), durable.publish_directory(self.model_path) as directory:
            yield directory

    def all_checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint by step, those included whose `problem` says that they cannot be used."""
        return [read_checkpoint(path, _step_of(path)) for path in self._steps("checkpoints")]

    def checkpoints(self) -> list[int]:
        """The steps of the complete checkpoints, ascending."""
        return [checkpoint.step for checkpoint in self.all_checkpoints() if checkpoint.problem is None]

    def prune(self, keep: int) -> None:
        """Delete all complete checkpoints but the newest `keep`, at least one."""
        if keep < 1:
            raise ValueError(f"keep={keep}: at least one checkpoint must stay")
        with self.writing("a removal of old checkpoints"):
            for step in self.checkpoints()[:-keep]:
                durable.remove_directory(self.checkpoint_path(step))

    def resume_point(self) -> ResumePoint:
        """The newest complete checkpoint, and what to tell the user about the ones that are not.

        Raises:
            LearnerError: there are checkpoints, and every one is torn; starting over would destroy the records of the run.
        """
        found = self.all_checkpoints()
        good = [checkpoint for checkpoint in found if checkpoint.problem is None]
        torn = [f"{checkpoint.path} cannot be used: {checkpoint.problem}" for checkpoint in found if checkpoint.problem]
        if torn and not good:
            raise LearnerError("no checkpoint of this run is whole. " + "; ".join(torn) + ". Restore one of them, or begin a new run with another --out")
        if not good:
            return ResumePoint(None, (f"{self.path} has no checkpoint yet: starting at step 0",))
        return ResumePoint(good[-1], (*torn, f"continuing from {good[-1].path}"))

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Turn a full disk or a refused write inside into one message that says what is safe and how to go on.

        Args:
            what: is being written, as in "rollouts of step 12".

        Raises:
            LearnerError: the operating system refused.
        """
        try:
            yield
        except ProctorError:
            raise
        except Exception as error:
            if not is_storage_fault(error):
                raise
            raise LearnerError(f"could not write {what} in {self.path}: {describe(error, self.path)}. {self._how_to_go_on(error)}") from error

    def _how_to_go_on(self, error: Exception) -> str:
        complete = self.checkpoints()
        safe = f"The last good checkpoint, {self.checkpoint_path(complete[-1])}, is intact" if complete else "There is no checkpoint yet"
        again = "continue from it" if complete else "start again at step 0"
        return f"{safe}. {remedy(error)}, then {again} with --resume --out {self.path}"

    def _steps(self, folder: str, *, at_least: int = 0) -> list[Path]:
        directory = self.path / folder
        entries = directory.iterdir() if directory.exists() else ()
        return sorted((entry for entry in entries if _STEP_NAME.fullmatch(entry.name) and _step_of(entry) >= at_least), key=_step_of)


def is_run(path: Path) -> bool:
    """Whether a run was begun at `path`."""
    return (path / "manifest.json").is_file()


def new_path(recipe: str, root: Path = Path("runs")) -> Path:
    """Where a run without an explicit path goes: `runs/<recipe>-<YYYYmmdd-HHMMSS>`, numbered where two begin in one second."""
    first = root / f"{_slug(recipe)}-{datetime.now():%Y%m%d-%H%M%S}"
    later = (first.with_name(f"{first.name}-{number}") for number in range(2, 1000))
    return next(path for path in (first, *later) if not path.exists())


def newest(recipe: str, root: Path = Path("runs")) -> Path | None:
    """The run of `recipe` under `root` that was begun last; None where there is none."""
    pattern = re.compile(re.escape(_slug(recipe)) + r"-(\d{8}-\d{6})(?:-(\d+))?")
    named = [(match, path) for path in root.glob("*") if (match := pattern.fullmatch(path.name)) and is_run(path)]
    begun = [((match[1], int(match[2] or 1)), path) for match, path in named]
    return max(begun)[1] if begun else None


def _slug(recipe: str) -> str:
    """A recipe's name, import string or file as part of a file name."""
    stem = Path(recipe).stem if recipe.endswith((".toml", ".json")) else recipe
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "run"


def _step_of(path: Path) -> int:
    match = _STEP_NAME.fullmatch(path.name)
    assert match is not None, path
    return int(match[1])


def refuse_occupied(path: Path) -> None:
    """Refuse a directory with anything in it but what a run leaves that was killed while it was being created."""
    if not path.exists():
        return
    if not path.is_dir():
        raise ConfigError(f"--out {path} is a file; choose another --out")
    names = {entry.name for entry in path.iterdir() if not durable.is_leftover(entry)}
    if ".lock" in names and names <= {".lock", "config.json", "rollouts", "checkpoints"}:
        return
    if names:
        advice = "choose another --out, or pass --resume to continue the run in it" if is_run(path) else "choose another --out"
        raise ConfigError(f"--out {path} is not empty (it has {', '.join(sorted(names)[:3])}); {advice}")


def _lock(path: Path) -> int:
    """Lock the run for this process.

    A POSIX record lock: a worker forked from a killed run does not keep it, as it would a `flock`.
    """
    try:
        descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise ConfigError(f"cannot write in {path}: {error.strerror or error}; allow it, or choose another --out") from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise ConfigError(f"{path} is being written by another process (pid {holder}); wait for it, stop it, or choose another --out") from error
    with suppress(OSError):  # the number only serves the message above; on a full disk the lock holds without it
        os.pwrite(descriptor, f"{os.getpid():<15}\n".encode(), 0)
    return descriptor


def _to_json(values: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    except TypeError as error:
        raise LearnerError(f"a run records plain values only (numbers, text, lists, tables): {error}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(_read_text(path))
    except ValueError as error:
        raise LearnerError(f"{path} is torn ({error}); restore it, or begin a new run with another --out") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise LearnerError(f"{path} cannot be read ({error}); restore it, or begin a new run with another --out") from error
