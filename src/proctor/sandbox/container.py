"""Programs in Docker or Podman containers, under gVisor where its runtime is installed (L3).

Each job is one container: no network, read-only image, no capabilities, an unprivileged user, limits. Shown on Docker with runc and with
gVisor by `python evidence/containers.py`, and tested against a stand-in for the engine's command line; Podman was not run.
`runsc do` is not offered, because it shows the machine's files.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from proctor.errors import ConfigError, SandboxError
from proctor.sandbox.base import MEBIBYTE, Command, ExecLimits, ExecResult, ExecStatus, Layer, PythonCall
from proctor.sandbox.directories import empty_directory, read_output, write_files
from proctor.sandbox.once import CLAIM_FILE, ColdSession, as_command

MARK = 'echo "$0" >&2; s=$1; shift; command -v timeout >/dev/null && exec timeout -s KILL "$s" "$@"; exec "$@"'
"""Says that the container has started. The clock inside is for when nobody is left outside to keep one."""
START_S = 30.0  # for the engine to make a container; what runs in it has its own clock
USER = 65534
_BY_SIGNAL = 128  # engines report this much more than the signal that ended a container
_ENGINES = ("docker", "podman")
_GVISOR = "runsc"
_GVISORS_OWN = 64  # threads of gVisor itself, which the engine counts with those of the program


@dataclass(frozen=True, slots=True)
class ContainerSandbox:
    """Runs each job in a container of its own.

    Attributes:
        image: has a shell, `env`, and `python3` for Python calls.
        engine: the command line tool.
        runtime: OCI runtime, "runsc" for gVisor; empty for the engine's own.
        limits: where a job names none.
    """

    image: str
    engine: Literal["docker", "podman"] = "docker"
    runtime: str = ""
    limits: ExecLimits = field(default_factory=ExecLimits)

    @classmethod
    def named(cls, text: str) -> ContainerSandbox:
        """The sandbox that `docker:IMAGE`, `podman:IMAGE` or, with another runtime, `docker+runsc:IMAGE` names.

        Raises:
            ConfigError: no such engine, or no image.
        """
        tool, _, image = text.partition(":")
        engine, _, runtime = tool.partition("+")
        if engine not in _ENGINES or not image:
            raise ConfigError(f"a container sandbox is named as in docker:python:3.12-slim, podman:IMAGE or docker+runsc:IMAGE, not {text!r}")
        return cls(image, engine, runtime)

    @property
    def layer(self) -> Layer:
        return Layer.CONTAINER

    @property
    def has_own_kernel(self) -> bool:
        """Whether programs meet gVisor's kernel in the place of the machine's."""
        return self.runtime == _GVISOR

    @property
    def further_processes(self) -> int:
        """How many more processes than `limits` say there may be, because the runtime's own are counted with them."""
        return _GVISORS_OWN if self.has_own_kernel else 0

    def session(self) -> ColdSession:
        """Return a session in which every job has its own container."""
        return ColdSession(self)

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job.

        Raises:
            SandboxError: the engine is not installed.
        """
        if shutil.which(self.engine) is None:
            raise SandboxError(f"{self.engine} is not installed, so nothing can be run in containers here")
        bounds, nonce = limits or self.limits, secrets.token_hex(8)
        command = as_command(job, nonce) if isinstance(job, PythonCall) else job
        work = tempfile.mkdtemp(prefix="proctor-container-")
        try:
            write_files(work, dict(command.files))
            _open_to_others(Path(work))
            result = self._execute(command, bounds, work)
            found = {name: content for name in command.outputs if (content := read_output(work, name, bounds.file_bytes)) is not None}
        finally:
            with contextlib.suppress(OSError):  # what the container's user made may not be ours to remove
                empty_directory(work)
                Path(work).rmdir()
        claim = found.pop(CLAIM_FILE, b"") if isinstance(job, PythonCall) else b""
        return replace(result, outputs=found, claim=claim, nonce=nonce)

    def _execute(self, command: Command, limits: ExecLimits, work: str) -> ExecResult:
        name = f"proctor-{secrets.token_hex(8)}"
        mark = f"{name}\n".encode()
        ended = run_bounded(self.argv(command, limits, work, name), command.stdin, limits, mark=mark)
        if ended.status is not ExecStatus.EXITED:
            with contextlib.suppress(subprocess.TimeoutExpired):  # an engine that hangs: the clock inside ends the program
                subprocess.run([self.engine, "kill", name], capture_output=True, timeout=START_S, check=False)
        if ended.wall_s is None:  # no mark, so nothing ran: the exit code alone could be the program's own, what is written cannot be taken back
            last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            said = " ".join(last) or (f"exit code {ended.code}" if ended.status is ExecStatus.EXITED else f"nothing within {START_S:g} seconds")
            return ExecResult(ExecStatus.UNAVAILABLE, Layer.CONTAINER, reason=f"{self.engine} started no container: {said}")
        status, code, reason = ended.status, ended.code, ""
        if status is not ExecStatus.EXITED:
            reason = f"limit exceeded: {status.value}"
        elif code is not None and _BY_SIGNAL < code <= _BY_SIGNAL + signal.NSIG:
            status, code = ExecStatus.SIGNALED, _BY_SIGNAL - code
            reason = f"killed by signal {-code}"
        return ExecResult(status, Layer.CONTAINER, code, ended.stdout, ended.stderr.partition(mark)[2], wall_s=ended.wall_s, reason=reason)

    def argv(self, command: Command, limits: ExecLimits, work: str, name: str) -> list[str]:
        """Return the engine's command line for one job."""
        return [
            *(self.engine, "run", "--rm", "--interactive", f"--name={name}", *([f"--runtime={self.runtime}"] if self.runtime else [])),
            *("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={USER}:{USER}", "--ipc=private"),
            *(f"--memory={limits.memory_bytes}", f"--memory-swap={limits.memory_bytes}", f"--pids-limit={limits.num_processes + self.further_processes}"),
            *(f"--ulimit=cpu={max(1, round(limits.cpu_s))}", f"--ulimit=fsize={limits.file_bytes}", f"--ulimit=nofile={limits.num_files}", "--ulimit=core=0"),
            *(f"--tmpfs=/tmp:size={16 * MEBIBYTE}", f"--volume={work}:/work", "--workdir=/work", "--env=HOME=/work"),
            *("--entrypoint=/bin/sh", self.image, "-c", MARK, name, str(math.ceil(limits.wall_s + START_S)), *command.argv),
        ]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command line tool ended, and what it ran.

    Attributes:
        status: EXITED, TIMEOUT or OUTPUT.
        code: exit code; None where it was killed.
        stdout: as far as it may be long.
        stderr: likewise.
        wall_s: seconds since the mark; None where it was not seen.
    """

    status: ExecStatus
    code: int | None
    stdout: bytes
    stderr: bytes
    wall_s: float | None


def run_bounded(argv: list[str], stdin: bytes, limits: ExecLimits, *, mark: bytes) -> Ended:
    """Run a trusted command line tool, and kill it when the clock or the output of what it runs goes over its limit.

    Args:
        argv: the tool's.
        stdin: given to what it runs.
        limits: wall clock and output.
        mark: a line of standard error that says that what the tool runs has started: from there the clock counts. Until then the tool has `START_S`,
            and whatever stands before it is the tool's.
    """
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        process = subprocess.Popen(argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stderr is not None
    errors = bytearray()
    received = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): errors}
    poll = select.poll()
    for fd in received:
        poll.register(fd, select.POLLIN)
    num_open, deadline, status = 2, time.monotonic() + START_S, ExecStatus.EXITED
    began: float | None = None
    while num_open and status is ExecStatus.EXITED:
        for fd, _ in poll.poll(max(0, int((deadline - time.monotonic()) * 1000) + 1)):
            chunk = os.read(fd, 1 << 16)
            received[fd] += chunk
            if not chunk:
                poll.unregister(fd)
                num_open -= 1
        if began is None and mark in errors:
            began = time.monotonic()
            deadline = began + limits.wall_s
        if sum(map(len, received.values())) > limits.output_bytes:
            status = ExecStatus.OUTPUT
        elif time.monotonic() >= deadline:
            status = ExecStatus.TIMEOUT
    if status is not ExecStatus.EXITED:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    process.stdout.close()
    process.stderr.close()
    out, err = (bytes(content[: limits.output_bytes]) for content in received.values())
    return Ended(status, code if status is ExecStatus.EXITED else None, out, err, None if began is None else time.monotonic() - began)


def _open_to_others(work: Path) -> None:
    """Let the container's user, who is not ours, work in the directory."""
    for path in (work, *work.rglob("*")):
        path.chmod(0o777)
