"""What a worker or a sandbox may use, and what comes back from it.

A payload handed to a worker ends in exactly one of two ways: a `Result` with plain data, or a `Fault` that says which
limit or accident ended it. This module knows nothing of processes, and judges nobody: whether a fault is held against
a completion is decided by the room that sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one payload, and the worker that runs it, may use.

    Attributes:
        wall_s: seconds from the moment a payload is taken up until its reply; kept by the parent's clock.
        start_s: seconds that a fresh worker may take to start and import what its handler needs.
        memory_bytes: address space of the worker; None for no limit (CUDA reserves far more than it uses).
        file_bytes: largest file that the worker may write.
        output_bytes: largest reply.
        num_processes: processes and threads that the worker may have at once; of root only where a control group can be made.
    """

    wall_s: float = 10.0
    start_s: float = 60.0
    memory_bytes: int | None = 2048 * MEBIBYTE
    file_bytes: int = 64 * MEBIBYTE
    output_bytes: int = 4 * MEBIBYTE
    num_processes: int = 512


class FaultKind(StrEnum):
    """What ended a payload without a reply."""

    TIMEOUT = "timeout"  # wall_s passed; the worker was killed
    CRASH = "crash"  # the worker died, or closed its pipe, while it ran the payload
    OUTPUT = "output"  # the reply was too large or malformed
    RAISE = "raise"  # the handler raised
    WORKER = "worker"  # no worker could be started, or it died before it took the payload: not the payload's doing


@dataclass(frozen=True, slots=True)
class Result:
    """The reply to one payload: None, bool, int, float (NaN and infinities included), str, and lists and dicts of them."""

    value: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """No reply to one payload, and why, in words for people."""

    kind: FaultKind
    reason: str


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened in a pool since it was opened.

    Attributes:
        calls: payloads that ended, in either way.
        timeouts: of these, killed by the wall clock.
        crashes: of these, ended by the death of the worker or by a reply that could not be read.
        replaced: workers that were killed because of a fault, or renewed.
    """

    calls: int = 0
    timeouts: int = 0
    crashes: int = 0
    replaced: int = 0


class Workers(Protocol):
    """Runs payloads through one handler. `WorkerPool` does it in killable processes, `InProcess` in the caller's own."""

    @property
    def counters(self) -> Counters: ...

    def call(self, payload: Any) -> Result | Fault: ...

    def map(self, payloads: Sequence[Any]) -> list[Result | Fault]: ...

    def renew(self) -> None: ...

    def close(self) -> None: ...


class Layer(StrEnum):
    """What stands between a program and the machine; recorded with every execution."""

    PLAIN = "plain"  # L0: a fresh interpreter with resource limits; stops accidents, not attacks
    NAMESPACE = "namespace"  # L1: bubblewrap: own root, processes, network, users; system-call filter
    LANDLOCK = "landlock"  # L2: the kernel's Landlock and a system-call filter, for where namespaces are refused
    CONTAINER = "container"  # L3: gVisor, Docker or Podman
    REMOTE = "remote"  # L3: another machine, over HTTP


@dataclass(frozen=True, slots=True)
class ExecLimits:
    """What one execution may use. The parent keeps `wall_s` and `output_bytes`, the kernel the rest.

    Attributes:
        wall_s: seconds from the start of the program to its end.
        cpu_s: processor seconds of each process, rounded up to a whole one; a busy machine does not shorten it.
        memory_bytes: address space of each process, and memory of all together where a memory cgroup is writable.
        file_bytes: largest file; the work directory holds four times as much in the layers that have their own.
        output_bytes: standard output and error together, and likewise the largest result.
        num_processes: processes and threads at once.
        num_files: open files of each process.
    """

    wall_s: float = 10.0
    cpu_s: float = 5.0
    memory_bytes: int = 512 * MEBIBYTE
    file_bytes: int = 16 * MEBIBYTE
    output_bytes: int = 4 * MEBIBYTE
    num_processes: int = 32
    num_files: int = 64


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, run in a fresh and empty work directory.

    Attributes:
        argv: what to execute; looked up in /usr/bin and /bin of the sandbox.
        files: content by relative path, written before the start.
        stdin: what it reads.
        outputs: relative paths of regular files to be read back after its end.
    """

    argv: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    stdin: bytes = b""
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PythonCall:
    """Python source, run as `__main__`; then a call of one of its functions, if one is named.

    Attributes:
        source: the program.
        function: name of a function, or of a method of its class `Solution`; None to run the source alone.
        arguments: positional arguments: None, bool, int, float, str, bytes, and tuples, lists, sets and dicts of them.
        stdin: what it reads.
        prelude: trusted source that runs before it in the same namespace (imports that programs take for granted).
    """

    source: str
    function: str | None = None
    arguments: tuple[Any, ...] = ()
    stdin: bytes = b""
    prelude: str = ""


class ExecStatus(StrEnum):
    """How an execution ended. None of these is a verdict: an exit code is no evidence of anything."""

    EXITED = "exited"  # by itself, with `exit_code`
    SIGNALED = "signaled"  # by a signal: a crash, or the memory or file limit; `exit_code` is minus its number
    TIMEOUT = "timeout"  # wall_s or cpu_s passed
    OUTPUT = "output"  # it wrote more than output_bytes
    LOST = "lost"  # the sandbox died while the program ran: unclear whose fault, try once more
    UNAVAILABLE = "unavailable"  # the program was never started: not its fault


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What is known of an execution.

    Attributes:
        status: how it ended.
        layer: what stood between it and the machine.
        exit_code: where `status` is EXITED or SIGNALED; otherwise None.
        stdout: standard output, at most `output_bytes` of it.
        stderr: standard error, at most `output_bytes` of it.
        claim: what was written to the result channel of a `PythonCall`: the program's claim, to be decoded by
            `proctor.sandbox.claims` and compared by the caller; empty for a `Command`.
        nonce: what a claim must repeat.
        outputs: the files asked for that exist, are regular and not over `file_bytes`.
        wall_s: seconds it took.
        cpu_s: processor seconds of the program and the processes it waited for; None where it is not known.
        reason: in words, where `status` is not EXITED.
    """

    status: ExecStatus
    layer: Layer
    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    claim: bytes = b""
    nonce: str = ""
    outputs: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    wall_s: float = 0.0
    cpu_s: float | None = None
    reason: str = ""


class Session(Protocol):
    """A warm sandbox: what runs in it one after another starts in a forked process and an empty directory.

    Nothing of one execution is alive in the next. Still, give a session to one completion only. Not shared between threads.
    """

    @property
    def layer(self) -> Layer: ...

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job to its end; blocks for at most `wall_s` and the start of a sandbox. Never raises for what the job does."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None: ...


class Sandbox(Protocol):
    """A way to confine programs. Holds no processes itself; thread-safe."""

    @property
    def layer(self) -> Layer: ...

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job in a fresh sandbox."""
        ...

    def session(self) -> Session:
        """Return a warm sandbox for several jobs; it starts with the first."""
        ...
