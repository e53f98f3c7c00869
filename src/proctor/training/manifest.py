"""What a run was made of: versions, machine, seeds, hashes, git state, and how it ended.

Enough to say a year later what produced the numbers. It records; it does not decide anything, and it imports none of the
packages whose versions it notes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, get_args

from proctor.errors import ConfigError, LearnerError

FORMAT_VERSION = 1
RECORDED_PACKAGES = ("proctor", "torch", "transformers", "tokenizers", "safetensors", "numpy", "pyarrow", "peft")

RunStatus = Literal["running", "finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit that was checked out in the working directory, and whether tracked files differed from it."""

    commit: str
    is_dirty: bool


@dataclass(frozen=True, slots=True)
class Resumption:
    """One continuation of the run.

    Attributes:
        step: the first step that was done anew; 0 where there was no checkpoint yet.
        at: local time with its offset, ISO 8601.
        previous_status: how the process before it had left the run; "running" means that it was killed.
        versions: of the packages that continued it.
    """

    step: int
    at: str
    previous_status: RunStatus
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run was made of.

    Attributes:
        created: local time with its offset, ISO 8601.
        versions: Python and the recorded packages that are installed.
        platform: operating system and processor, as one line.
        num_cpus: cores that the process may use.
        seeds: by use.
        data_hashes: by data source.
        reward_hashes: of the source of every reward function, by name.
        opt_outs: safeguards that the user switched off, such as "in_process".
        git: of the working directory; None outside a repository.
        resumed_from: the continuations, in order.
        status: "running" also after a kill, which has no time to write another.
        reason: why the run stopped or failed.
        format_version: of the whole run directory.
    """

    created: str
    versions: Mapping[str, str]
    platform: str
    num_cpus: int
    seeds: Mapping[str, int] = field(default_factory=dict)
    data_hashes: Mapping[str, str] = field(default_factory=dict)
    reward_hashes: Mapping[str, str] = field(default_factory=dict)
    opt_outs: tuple[str, ...] = ()
    git: GitState | None = None
    resumed_from: tuple[Resumption, ...] = ()
    status: RunStatus = "running"
    reason: str = ""
    format_version: int = FORMAT_VERSION

    @classmethod
    def collect(
        cls,
        *,
        seeds: Mapping[str, int],
        data_hashes: Mapping[str, str],
        reward_hashes: Mapping[str, str],
        opt_outs: tuple[str, ...] = (),
    ) -> Manifest:
        """Describe this process and machine, now.

        Args:
            seeds: by use.
            data_hashes: by data source.
            reward_hashes: by reward function.
            opt_outs: safeguards that the user switched off.
        """
        return cls(
            created=_now(),
            versions=installed_versions(),
            platform=f"{platform.platform()} {platform.machine()}",
            num_cpus=num_usable_cpus(),
            seeds=seeds,
            data_hashes=data_hashes,
            reward_hashes=reward_hashes,
            opt_outs=opt_outs,
            git=git_state(Path.cwd()),
        )

    def resumed(self, step: int) -> Manifest:
        """The same run, continued from `step` by this process, now."""
        entry = Resumption(step=step, at=_now(), previous_status=self.status, versions=installed_versions())
        return dataclasses.replace(self, resumed_from=(*self.resumed_from, entry), status="running", reason="")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: Path) -> Manifest:
        """Read what `to_json` wrote.

        Args:
            text: the content of the file.
            where: the file, for messages.

        Raises:
            ConfigError: a newer Proctor wrote it.
            LearnerError: it is torn or not a manifest.
        """
        try:
            fields = json.loads(text)
            given = fields["format_version"]
            if given > FORMAT_VERSION:
                reader = _version_of("proctor") or "of unknown version"
                raise ConfigError(f"{where} has format_version {given}; this Proctor ({reader}) reads up to {FORMAT_VERSION}. Upgrade Proctor to use this run")
            return cls(**{**fields, **_nested(fields)})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise LearnerError(f"{where} is not a manifest that Proctor wrote ({type(error).__name__}: {error}); restore it, or start a new run") from error


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    if fields["status"] not in get_args(RunStatus):
        raise ValueError(f"status {fields['status']!r}; allowed: {', '.join(get_args(RunStatus))}")
    return {
        "opt_outs": tuple(fields["opt_outs"]),
        "git": GitState(**fields["git"]) if fields["git"] else None,
        "resumed_from": tuple(Resumption(**entry) for entry in fields["resumed_from"]),
    }


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the recorded packages that are installed, read from their metadata."""
    found = {name: _version_of(name) for name in RECORDED_PACKAGES}
    return {"python": platform.python_version()} | {name: given for name, given in found.items() if given is not None}


def num_usable_cpus() -> int:
    """Cores that this process may run on; fewer than the machine has under `taskset` or in a container."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def git_state(directory: Path) -> GitState | None:
    """The commit checked out in `directory`; None outside a repository, before its first commit, or without git."""
    commit = _git("rev-parse", "HEAD", cwd=directory)
    if commit is None:
        return None
    # Untracked files are left out: the run directory itself is one, and looking for them is slow in large repositories.
    changes = _git("status", "--porcelain", "--untracked-files=no", cwd=directory)
    return GitState(commit=commit, is_dirty=changes != "")


def _git(*arguments: str, cwd: Path) -> str | None:
    command = ["git", "--no-optional-locks", *arguments]
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
