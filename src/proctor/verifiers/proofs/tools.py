"""Runs the programs of a proof assistant, confined: what a model wrote may run code while it is elaborated.

A run starts in an empty work directory with the given files, sees the system's programs read-only and nothing else, and
gives back the files that are asked for. What it printed is never a verdict. `Bubblewrap` is the default; anything with
its `run` will do.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from proctor.errors import SandboxError, TaskError
from proctor.sandbox.base import MEBIBYTE, Limits

NOBODY = "65534"
OUTPUT_BYTES = MEBIBYTE
TOOL_LIMITS = Limits(wall_s=60.0, memory_bytes=4096 * MEBIBYTE, file_bytes=64 * MEBIBYTE)


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One execution.

    Attributes:
        argv: the program, by path or by name in /usr/bin, and its arguments.
        files: content by path relative to the work directory.
        outputs: paths of regular files to be read back.
        readable: further directories that the program may read.
    """

    argv: tuple[str, ...]
    files: Mapping[str, bytes]
    outputs: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How an execution ended.

    Attributes:
        exit_code: its status; None if a limit ended it.
        stdout: what it printed, cut at `OUTPUT_BYTES`.
        stderr: likewise.
        outputs: the files asked for that it left.
        reason: which limit ended it; empty if none did.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    outputs: Mapping[str, bytes]
    reason: str = ""

    @property
    def is_success(self) -> bool:
        return self.exit_code == 0

    def complaint(self) -> str:
        """Say what went wrong, for a score's reason."""
        words = " ".join((self.stderr or self.stdout).split())
        _, found, error = words.partition("Error: ")  # what stands before is warnings
        return self.reason or (error if found else words)[:300] or f"exit status {self.exit_code}"


class Tools(Protocol):
    """Something that runs programs, confined."""

    def run(self, job: ToolRun, limits: Limits) -> ToolResult:
        """Run one program to its end, or to a limit.

        Raises:
            SandboxError: it could not be started, whatever it is.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Namespaces by bubblewrap: no network, no other processes, /usr read-only, an unprivileged user, limits on memory and files."""

    def run(self, job: ToolRun, limits: Limits) -> ToolResult:
        """Run one program. See `Tools.run`."""
        wrapper = shutil.which("bwrap")
        if wrapper is None:
            raise SandboxError("proof assistants run what a model wrote, so they need a sandbox: install bubblewrap")
        with tempfile.TemporaryDirectory(prefix="proctor-proof-", ignore_cleanup_errors=True) as name:
            base = Path(name)
            work = base / "work"
            work.mkdir()
            for path, content in job.files.items():
                target = work / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            return _execute([wrapper, *_confinement(work, job), *_limited(limits), *job.argv], base, work, job.outputs, limits)


BUBBLEWRAP = Bubblewrap()


def _confinement(work: Path, job: ToolRun) -> list[str]:
    """Return bubblewrap's arguments."""
    arguments = ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL", "--uid", NOBODY, "--gid", NOBODY]
    arguments += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for link in ("bin", "sbin", "lib", "lib64"):
        arguments += ["--symlink", f"usr/{link}", f"/{link}"] if Path("/", link).is_symlink() else ["--ro-bind-try", f"/{link}", f"/{link}"]
    for path in ("/etc/ld.so.cache", "/etc/alternatives", *job.readable):
        arguments += ["--ro-bind-try", path, path]
    for key, value in (("PATH", "/usr/bin:/bin"), ("HOME", "/tmp"), ("LANG", "C.UTF-8")):
        arguments += ["--setenv", key, value]
    return [*arguments, "--bind", str(work), "/work", "--chdir", "/work", "--"]


def _limited(limits: Limits) -> list[str]:
    memory = [] if limits.memory_bytes is None else [f"--as={limits.memory_bytes}"]
    return ["/usr/bin/prlimit", *memory, f"--fsize={limits.file_bytes}", f"--cpu={int(limits.wall_s) + 1}", "--core=0", "--nofile=256", "--"]


def _execute(command: list[str], base: Path, work: Path, outputs: tuple[str, ...], limits: Limits) -> ToolResult:
    with (base / "stdout").open("wb") as stdout, (base / "stderr").open("wb") as stderr:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True)
        except OSError as error:
            raise SandboxError(f"the sandbox could not be started: {error}") from error
        reason = ""
        try:
            process.wait(timeout=limits.wall_s)
        except subprocess.TimeoutExpired:
            reason = f"it took longer than {limits.wall_s:g} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    printed, complained = (_head(base / stream).decode("utf-8", "replace") for stream in ("stdout", "stderr"))
    if complained.startswith("bwrap:"):
        raise SandboxError(f"the sandbox could not be set up: {complained.strip()[:300]}")
    found = {path: content for path in outputs if (content := _regular_file(work, path, limits.file_bytes)) is not None}
    return ToolResult(None if reason else process.returncode, printed, complained, found, reason)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(OUTPUT_BYTES)


def _regular_file(work: Path, path: str, max_bytes: int) -> bytes | None:
    """Read a file that the program left; None if it is missing, too large, or a link anywhere on its path."""
    target = work / path
    if target.resolve() != work.resolve() / path or not target.is_file() or target.stat().st_size > max_bytes:
        return None
    return target.read_bytes()


def refusal(result: ToolResult, what: str) -> TaskError | SandboxError:
    """Return the error for a task's own text that did not compile: the task's fault if it was refused, nobody's if a limit ended it."""
    if result.reason:
        return SandboxError(f"{what} could not be compiled: {result.reason}")
    return TaskError(f"{what} is refused: {result.complaint()}")
