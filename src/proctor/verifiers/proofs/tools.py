"""Runs the programs of a proof assistant, confined: what a model wrote may run code while it is elaborated.

A run starts in an empty work directory with the given files, sees the system's programs read-only and nothing else, and
gives back the files that are asked for. What it printed is never a verdict. `SandboxTools` is the default; anything with
its `run` will do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from proctor.errors import SandboxError, TaskError
from proctor.sandbox.base import MEBIBYTE, Command, ExecLimits, ExecResult, ExecStatus, Layer, Limits
from proctor.sandbox.local import LocalSandbox
from proctor.sandbox.policy import Requirement, open_sandbox

OUTPUT_BYTES = MEBIBYTE
MOST_MEMORY_BYTES = 1 << 46
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
        exit_code: its status; None if a limit or a signal ended it.
        stdout: what it printed, cut at `OUTPUT_BYTES`; more ends it.
        stderr: likewise.
        outputs: the files asked for that it left.
        reason: which limit or signal ended it; empty if none did.
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
class SandboxTools:
    """The sandbox room's strongest layer that passes its self-test on this machine; refuses where none does.

    Attributes:
        require: the weakest layer that may be used.
    """

    require: Requirement = "landlock"

    def run(self, job: ToolRun, limits: Limits) -> ToolResult:
        """Run one program. See `Tools.run`. If the sandbox dies under it, once more; a second death is held against what it was given."""
        sandbox = open_sandbox(self.require, sandbox=LocalSandbox(Layer.NAMESPACE, readable=job.readable))
        command, bounds = Command(job.argv, job.files, outputs=job.outputs), _bounds(limits)
        found = sandbox.run(command, bounds)
        if found.status is ExecStatus.LOST:
            found = sandbox.run(command, bounds)
        if found.status is ExecStatus.UNAVAILABLE:
            raise SandboxError(found.reason)
        return _result(found, limits)


SANDBOX = SandboxTools()


def _bounds(limits: Limits) -> ExecLimits:
    return ExecLimits(
        wall_s=limits.wall_s,
        cpu_s=limits.wall_s * (os.cpu_count() or 1) + 1,  # the wall clock decides; this only ends what outlives it
        memory_bytes=MOST_MEMORY_BYTES if limits.memory_bytes is None else limits.memory_bytes,
        file_bytes=limits.file_bytes,
        output_bytes=OUTPUT_BYTES,
        num_processes=limits.num_processes,
        num_files=256,
    )


def _result(found: ExecResult, limits: Limits) -> ToolResult:
    match found.status:
        case ExecStatus.EXITED:
            reason = ""
        case ExecStatus.TIMEOUT:
            reason = f"it took longer than {limits.wall_s:g} s"
        case _:
            reason = found.reason
    printed, complained = (stream[:OUTPUT_BYTES].decode("utf-8", "replace") for stream in (found.stdout, found.stderr))
    return ToolResult(None if reason else found.exit_code, printed, complained, found.outputs, reason)


def refusal(result: ToolResult, what: str) -> TaskError | SandboxError:
    """Return the error for a task's own text that did not compile: the task's fault if it was refused, nobody's if a limit ended it."""
    if result.reason:
        return SandboxError(f"{what} could not be compiled: {result.reason}")
    return TaskError(f"{what} is refused: {result.complaint()}")
