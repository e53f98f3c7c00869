"""What lies in a run directory, read with forgiveness: what can be shown is shown, what is missing is said.

`proctor.training.run_directory` refuses a run it cannot continue; a viewer must not. A run may be in the middle of a write, torn, of an
older or a newer format, or empty, and its files may change or vanish between two looks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proctor.errors import ConfigError
from proctor.report.metrics_tail import MetricsTail
from proctor.training.manifest import FORMAT_VERSION

_STEP_FILE = re.compile(r"step-(\d{6,})\.parquet")
_MARKS_OF_A_RUN = ("manifest.json", "metrics.jsonl", "rollouts")
_SILENT_S = 600.0
_FILES_A_LOOK = 128
_KEYS = frozenset({"step", "group", "index"})


@dataclass(frozen=True, slots=True)
class StepFile:
    """The rollouts of one step.

    Attributes:
        step: from the file name.
        path: of the Parquet file.
        num_rollouts: rows, from its footer.
        columns: that it has.
        stamp: changes when the file does.
    """

    step: int
    path: Path
    num_rollouts: int
    columns: frozenset[str]
    stamp: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run stands, from its manifest and its files.

    Attributes:
        status: "running", "finished", "stopped", "failed", or "unknown" without a manifest.
        reason: why it stopped or failed.
        silent_s: seconds since anything was written; None where nothing was.
        notes: what is missing or could not be read, for people.
    """

    status: str
    reason: str
    silent_s: float | None
    notes: tuple[str, ...]


@dataclass(slots=True)
class RunFiles:
    """One run under the eye of the viewer. `refresh` looks again; everything else is what it saw last.

    Attributes:
        name: unique among the runs shown.
        path: a run directory, or one Parquet file of rollouts (`proctor eval --rollouts`).
        version: grows whenever something changed.
        files: by step, those whose footer was read; torn ones left out. A long run is read newest step first, a part at every look.
        steps: that have a file, read or not yet, ascending.
        metrics: the rows of metrics.jsonl.
        config: the resolved configuration; empty where it is missing.
        summary: held-out evaluations and the end of the run; empty before there are any.
        state: how the run stands.
    """

    name: str
    path: Path
    version: int = 0
    files: Mapping[int, StepFile] = field(default_factory=dict[int, StepFile])
    steps: tuple[int, ...] = ()
    metrics: MetricsTail = field(init=False)
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    summary: Mapping[str, Any] = field(default_factory=dict[str, Any])
    state: RunState = RunState("unknown", "", None, ())
    _torn: dict[Path, tuple[tuple[int, int, int], str]] = field(default_factory=dict[Path, tuple[tuple[int, int, int], str]])
    _seen: object = None

    def __post_init__(self) -> None:
        self.metrics = MetricsTail(self.path / "metrics.jsonl")

    @property
    def is_one_file(self) -> bool:
        """True for a Parquet file of rollouts instead of a run directory."""
        return self.path.suffix == ".parquet"

    @property
    def num_rollouts(self) -> int:
        return sum(file.num_rollouts for file in self.files.values())

    @property
    def is_all_read(self) -> bool:
        """False while files are left for the next look."""
        return len(self.files) == len(self.steps)

    def file(self, step: int) -> StepFile | None:
        """The rollouts of one step, also where they were not read yet; None where there are none."""
        if step in self.files or step not in self.steps:
            return self.files.get(step)
        try:
            found = self._step_file(step, self.path / "rollouts" / f"step-{step:06d}.parquet")
        except OSError:
            return None
        return found if isinstance(found, StepFile) else None

    def refresh(self, *, max_files: int | None = _FILES_A_LOOK) -> bool:
        """Look at the directory again. True if anything changed.

        Args:
            max_files: how many files to read that were not read before; None reads all.
        """
        files, self.steps, notes = self._step_files(max_files)
        if self.is_one_file:
            changed, manifest, config, summary = False, {"status": "finished", "format_version": FORMAT_VERSION}, {}, {}
        else:
            changed = self.metrics.refresh()
            manifest, config, summary = (self._object(name, notes) for name in ("manifest.json", "config.json", "summary.json"))
            notes.extend([self.metrics.problem] if self.metrics.problem else [])
            notes.extend(_format_notes(manifest))
        status = str(manifest.get("status", "unknown"))
        silent_s = self._silent_s(files)
        notes.extend(_status_notes(status, silent_s))
        if not self.steps:
            notes.append("there are no rollouts yet" if status == "running" else "there are no rollouts")
        seen = (files, self.steps, manifest, config, summary, tuple(notes))
        changed = changed or seen != self._seen
        self.files, self.config, self.summary, self._seen = files, config, summary, seen
        self.state = RunState(status, str(manifest.get("reason", "")), silent_s, tuple(dict.fromkeys(notes)))
        self.version += changed
        return changed

    def tokenizer_path(self) -> Path | None:
        """The newest `tokenizer.json` that the run has written; None before its first checkpoint."""
        if self.is_one_file:
            return None
        found = [self.path / "model" / "tokenizer.json", *sorted((self.path / "checkpoints").glob("step-*/tokenizer.json"), reverse=True)]
        return next((path for path in found if path.is_file()), None)

    def _step_files(self, max_files: int | None) -> tuple[dict[int, StepFile], tuple[int, ...], list[str]]:
        """The files read, all steps that have one, and what is wrong with the others."""
        if self.is_one_file:
            named = [(0, self.path)]
        else:
            try:
                entries = list((self.path / "rollouts").iterdir())
            except OSError:
                return {}, (), ["there is no directory rollouts/"]
            named = sorted(((int(match[1]), entry) for entry in entries if (match := _STEP_FILE.fullmatch(entry.name))), reverse=True)
        found: dict[int, StepFile] = {}
        later: list[int] = []
        notes: list[str] = []
        num_new = 0
        for step, path in named:
            is_known = step in self.files or path in self._torn
            if not is_known and max_files is not None and num_new >= max_files:
                later.append(step)
                continue
            num_new += not is_known
            file = self._read(step, path)
            if isinstance(file, StepFile):
                found[step] = file
            else:
                notes.append(file)
        return dict(sorted(found.items())), tuple(sorted([*found, *later])), notes[::-1]

    def _read(self, step: int, path: Path) -> StepFile | str:
        try:
            return self._step_file(step, path)
        except OSError as error:
            return f"the rollouts of step {step} cannot be read: {error.strerror or error}"

    def _step_file(self, step: int, path: Path) -> StepFile | str:
        """The file, or why it is left out. A footer is read once for each version of a file."""
        stat = path.stat()
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self.files.get(step)
        if known is not None and known.stamp == stamp:
            return known
        if (torn := self._torn.get(path)) and torn[0] == stamp:
            return torn[1]
        try:
            footer = pq.read_metadata(path)
            columns = frozenset(footer.schema.to_arrow_schema().names)
        except pa.ArrowException as error:
            note = f"the rollouts of step {step} are torn: {str(error).splitlines()[0][:120]}"
        else:
            if columns >= _KEYS:
                return StepFile(step, path, footer.num_rows, columns, stamp)
            note = f"the rollouts of step {step} have no {', '.join(sorted(_KEYS - columns))}: Proctor did not write them"
        self._torn[path] = (stamp, note)
        return note

    def _object(self, name: str, notes: list[str]) -> Mapping[str, Any]:
        path = self.path / name
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if name != "summary.json":
                notes.append(f"there is no {name}")
            return {}
        except (OSError, ValueError, RecursionError) as error:
            notes.append(f"{name} cannot be read ({str(error)[:80]})")
            return {}
        if isinstance(value, dict):
            return value
        notes.append(f"{name} holds no JSON object")
        return {}

    def _silent_s(self, files: Mapping[int, StepFile]) -> float | None:
        times = [file.stamp[2] / 1e9 for file in files.values()]
        for name in ("metrics.jsonl", "manifest.json"):
            try:
                times.append((self.path / name).stat().st_mtime)
            except OSError:
                continue
        return max(0.0, time.time() - max(times)) if times else None


def _format_notes(manifest: Mapping[str, Any]) -> list[str]:
    given = manifest.get("format_version")
    if not manifest or given == FORMAT_VERSION:
        return []
    if not isinstance(given, int):
        return ["the manifest names no format_version: an old run, some things may be missing"]
    age = "newer" if given > FORMAT_VERSION else "older"
    return [f"the run has format_version {given}, {age} than the {FORMAT_VERSION} that this Proctor knows: some things may be missing"]


def _status_notes(status: str, silent_s: float | None) -> list[str]:
    if status == "running" and silent_s is not None and silent_s > _SILENT_S:
        return ["the run says that it is running, but nothing was written for more than ten minutes: it may have been killed"]
    return []


def open_runs(paths: list[Path], *, max_files: int | None = None) -> list[RunFiles]:
    """The runs at `paths`: run directories, directories of them, or Parquet files of rollouts.

    Args:
        paths: where they lie.
        max_files: how many files of rollouts of each to read at once; None reads all, and `RunFiles.refresh` reads the rest.

    Raises:
        ConfigError: there is none at one of the paths.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not is_run_like(path):
            inside = sorted((entry for entry in path.iterdir() if entry.is_dir() and is_run_like(entry)), key=lambda entry: entry.name)
            if not inside:
                raise ConfigError(f"{path} is no run and holds none: a run has {' or '.join(_MARKS_OF_A_RUN)}. Give the --out of a training run")
            found.extend(inside)
        elif path.is_dir() or (path.is_file() and path.suffix == ".parquet"):
            found.append(path)
        else:
            raise ConfigError(f"there is no run at {path}; give a run directory, a directory of runs, or a Parquet file of rollouts")
    found = list(dict.fromkeys(path.resolve() for path in found))
    runs = [RunFiles(name, path) for name, path in zip(_names(found), found, strict=True)]
    for run in runs:
        run.refresh(max_files=max_files)
    return runs


def is_run_like(path: Path) -> bool:
    """Whether anything of a run lies there, however incomplete."""
    return any((path / name).exists() for name in _MARKS_OF_A_RUN)


def _names(paths: list[Path]) -> list[str]:
    """Short names, unique: the last part of the path, with as many parents as it takes, else a number."""
    for length in (1, 2, 3):
        names = ["/".join(path.parts[-length:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.name} ({number})" for number, path in enumerate(paths, start=1)]
