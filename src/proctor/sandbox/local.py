"""Sandboxes on this machine: starts the harness inside a layer, hands it jobs, keeps the clock, bounds what it reads, kills.

The harness (`proctor.sandbox.inside`) is trusted; the programs it forks are not, and reach only three pipes: output, errors
and the result channel, whose content is a claim.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self

from proctor.errors import SandboxError
from proctor.sandbox.base import Command, ExecLimits, ExecResult, ExecStatus, Layer, PythonCall
from proctor.sandbox.cgroups import JOIN, Cgroup, make_cgroup
from proctor.sandbox.confinement import Confinement, confine, visible
from proctor.sandbox.directories import empty_directory
from proctor.sandbox.frames import BOOT, MAX_REPLY_BYTES, bundle, encode_job, frame, whole_frame
from proctor.sandbox.places import Place, Places, machine_places

START_S = 20.0
END_S = 5.0
PRELOAD = tuple("atexit bisect collections copy functools heapq itertools json math operator random re string threading typing".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class LocalSandbox:
    """A layer of this machine: PLAIN, NAMESPACE or LANDLOCK.

    Attributes:
        layer: which.
        limits: where a job names none.
        readable: files and directories that programs may read besides /usr and the interpreter (a toolchain elsewhere).
        packages: directories of Python packages that programs may import, readable too; by default the standard library alone.
        preload: modules that the harness imports once, for all jobs, when the source of one speaks of them.
    """

    layer: Layer
    limits: ExecLimits = field(default_factory=ExecLimits)
    readable: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    preload: tuple[str, ...] = PRELOAD

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job in a fresh sandbox."""
        with self.session() as session:
            return session.run(job, limits)

    def session(self) -> LocalSession:
        """Return a warm sandbox; it starts with its first job."""
        return LocalSession(self)


class _Ended(Exception):
    """The harness is gone, or has to go."""

    def __init__(self, status: ExecStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class LocalSession:
    """One harness and what it runs. If a job costs the harness its life, the next job gets another."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        self._sandbox = sandbox
        self._harness: _Harness | None = None

    @property
    def layer(self) -> Layer:
        return self._sandbox.layer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill the harness and everything in it, and remove its directory."""
        harness, self._harness = self._harness, None
        if harness is not None:
            harness.end()

    def run(self, job: Command | PythonCall, limits: ExecLimits | None = None) -> ExecResult:
        """Run one job to its end. Never raises for what the job does."""
        bounds = limits or self._sandbox.limits
        try:
            if self._harness is None:
                self._harness = _Harness(self._sandbox, bounds)
        except (_Ended, OSError, SandboxError) as error:
            return ExecResult(ExecStatus.UNAVAILABLE, self.layer, reason=f"the sandbox could not be started: {error}")
        with _places().take() as place:
            result, is_sound = self._harness.run(job, bounds, place)
        if not is_sound:
            self.close()
        return result


@dataclass(slots=True)
class _Channels:
    """What has arrived, by pipe."""

    control: bytearray = field(default_factory=bytearray)
    claim: bytearray = field(default_factory=bytearray)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)


class _Harness:
    """A running harness, seen from outside."""

    def __init__(self, sandbox: LocalSandbox, limits: ExecLimits) -> None:
        """Start it and wait until it is ready.

        Raises:
            _Ended, OSError, SandboxError: it could not be started.
        """
        self._sandbox = sandbox
        self._process: subprocess.Popen[bytes] | None = None
        self._cgroup: Cgroup | None = None
        self._work: str | None = None
        self._requests = self._watch = -1
        self._pipes: dict[int, str] = {}
        try:
            self._start(limits)
        except BaseException:
            self.end()
            raise

    def _start(self, limits: ExecLimits) -> None:
        sandbox = self._sandbox
        if sandbox.layer is not Layer.NAMESPACE:
            self._work = tempfile.mkdtemp(prefix=f"proctor-sandbox-{os.getpid()}-")
        seen = visible((*sandbox.readable, *sandbox.packages))
        plan = confine(sandbox.layer, seen, limits, self._work)
        if self._work is not None and plan.uid is not None:
            os.chown(self._work, plan.uid, plan.uid)
        self._cgroup = make_cgroup()
        if self._cgroup is not None:
            self._cgroup.set_limits(limits.memory_bytes, limits.num_processes)
        self._spawn(plan, seen.python)
        settings = plan.settings | {"preload": sandbox.preload, "path": sandbox.packages}
        received = _Channels()
        try:
            self._exchange(frame(bundle()) + frame(marshal.dumps(settings)), received, time.monotonic() + START_S, 1 << 20)
        except _Ended as ended:
            errors = next(fd for fd, name in self._pipes.items() if name == "err")
            with contextlib.suppress(_Ended):
                while self._receive(errors, received, 1 << 20):  # what bubblewrap or the interpreter said before it died
                    pass
            said = bytes(received.err).decode("utf-8", "replace").strip().splitlines()
            raise _Ended(ExecStatus.UNAVAILABLE, said[-1][:300] if said else ended.reason) from None

    def _spawn(self, plan: Confinement, python: str) -> None:
        requests, self._requests = os.pipe()
        theirs = [requests]
        for name in ("control", "claim", "out", "err"):
            mine, other = os.pipe()
            os.set_blocking(mine, False)
            self._pipes[mine] = name
            theirs.append(other)
        os.set_blocking(self._requests, False)
        argv = [*plan.prefix, python, "-s", "-S", "-P", "-c", BOOT, *map(str, theirs)]
        if self._cgroup is not None:
            argv = [*JOIN, *self._cgroup.members, "--", *argv]
        try:
            self._process = (
                _starter()
                .submit(
                    subprocess.Popen,
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=theirs[4],
                    stderr=theirs[4],
                    pass_fds=theirs,
                    cwd=self._work or "/",
                    env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
                    start_new_session=True,
                )
                .result()
            )
            self._watch = os.pidfd_open(self._process.pid)
        finally:
            for fd in theirs:
                os.close(fd)

    def run(self, job: Command | PythonCall, limits: ExecLimits, place: Place) -> tuple[ExecResult, bool]:
        """Run one job, and give the place up if it is a long one; return how it ended, and whether this harness may be used again."""
        if self._cgroup is not None:
            self._cgroup.set_limits(limits.memory_bytes, limits.num_processes)
        received = _Channels()
        nonce = secrets.token_hex(8)
        began = time.monotonic()
        layer = self._sandbox.layer
        try:
            reply = self._exchange(frame(encode_job(job, limits, nonce)), received, began + limits.wall_s, limits.output_bytes, place)
        except _Ended as ended:
            out, err = (bytes(part[: limits.output_bytes]) for part in (received.out, received.err))
            return ExecResult(ended.status, layer, None, out, err, nonce=nonce, wall_s=time.monotonic() - began, reason=ended.reason), False
        if "failed" in reply:
            return ExecResult(ExecStatus.UNAVAILABLE, layer, reason=f"the sandbox could not start the program: {reply['failed']}"), False
        status, code, reason = _ending(reply, limits)
        result = ExecResult(
            status,
            layer,
            code,
            bytes(received.out),
            bytes(received.err),
            bytes(received.claim),
            nonce,
            reply["outputs"],
            time.monotonic() - began,
            reply["cpu_s"],
            reason,
        )
        return result, reply["is_clean"]

    def _exchange(self, frame: bytes, received: _Channels, deadline: float, max_bytes: int, place: Place | None = None) -> dict[str, Any]:
        """Send a frame, and read all pipes until the harness answers.

        Raises:
            _Ended: it does not, in time, or too much arrives.
        """
        unsent = memoryview(frame)
        poll = select.poll()
        poll.register(self._requests, select.POLLOUT)
        for fd in (*self._pipes, self._watch):
            poll.register(fd, select.POLLIN)
        while (reply := self._answer(received)) is None:
            next_s = deadline if place is None else min(deadline, place.until)
            ready = poll.poll(max(0, int((next_s - time.monotonic()) * 1000) + 1))
            if place is not None and time.monotonic() >= place.until:
                place.give_up()
            for fd, event in ready:
                if fd == self._requests:
                    unsent = self._send(unsent, event)
                    if not unsent:
                        poll.unregister(fd)
                elif fd == self._watch:
                    self._receive_all(received, max_bytes)
                    raise _Ended(ExecStatus.LOST, "the sandbox died while the program ran")
                elif not self._receive(fd, received, max_bytes):
                    poll.unregister(fd)
            if not ready and time.monotonic() >= deadline:
                raise _Ended(ExecStatus.TIMEOUT, "the wall-clock limit passed")
        self._receive_all(received, max_bytes)  # everything that the job started is dead: what is in the pipes is all there will be
        return reply

    def _answer(self, received: _Channels) -> dict[str, Any] | None:
        try:
            return whole_frame(received.control)
        except ValueError as error:
            raise _Ended(ExecStatus.LOST, f"the sandbox answered nonsense: {error}") from None

    def _send(self, unsent: memoryview, event: int) -> memoryview:
        if event & (select.POLLERR | select.POLLHUP):
            raise _Ended(ExecStatus.LOST, "the sandbox died")
        with contextlib.suppress(BlockingIOError):
            return unsent[os.write(self._requests, unsent[: 1 << 20]) :]
        return unsent

    def _receive_all(self, received: _Channels, max_bytes: int) -> None:
        for fd in self._pipes:
            while self._receive(fd, received, max_bytes):
                pass

    def _receive(self, fd: int, received: _Channels, max_bytes: int) -> bool:
        """Read what a pipe holds; False if it is empty or closed."""
        try:
            chunk = os.read(fd, 1 << 16)
        except BlockingIOError:
            return False
        name = self._pipes[fd]
        if not chunk and name == "control":
            raise _Ended(ExecStatus.LOST, "the sandbox died while the program ran")
        buffer: bytearray = getattr(received, name)
        buffer += chunk
        if len(buffer) > MAX_REPLY_BYTES or len(received.claim) > max_bytes or len(received.out) + len(received.err) > max_bytes:
            raise _Ended(ExecStatus.OUTPUT, f"more than {max_bytes} bytes of output")
        return bool(chunk)

    def end(self) -> None:
        """Kill everything in the sandbox, wait until it is gone, and remove its directory, pipes and group."""
        process, self._process = self._process, None
        if self._requests >= 0:
            os.close(self._requests)  # the harness kills its job and exits
            self._requests = -1
        if process is not None:
            if self._sandbox.layer is Layer.NAMESPACE:
                process.kill()  # process 1 of its namespace goes with it or with the request pipe, and all others there with that
            self._drain()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(self._watch)
        for fd in self._pipes:
            os.close(fd)
        self._pipes = {}
        if self._cgroup is not None:
            self._cgroup.remove()
            self._cgroup = None
        if self._work is not None:
            empty_directory(self._work)
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None

    def _drain(self) -> None:
        """Wait until nobody holds a pipe any more: then nobody is left."""
        deadline = time.monotonic() + END_S
        poll = select.poll()
        for fd in self._pipes:
            poll.register(fd, select.POLLIN)
        num_open = len(self._pipes)
        while num_open and time.monotonic() < deadline:
            for fd, _ in poll.poll(100):
                with contextlib.suppress(BlockingIOError):
                    if not os.read(fd, 1 << 16):
                        poll.unregister(fd)
                        num_open -= 1


def _ending(reply: Mapping[str, Any], limits: ExecLimits) -> tuple[ExecStatus, int | None, str]:
    code = os.waitstatus_to_exitcode(reply["status"])
    if code >= 0:
        return ExecStatus.EXITED, code, ""
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and reply["cpu_s"] >= limits.cpu_s):
        return ExecStatus.TIMEOUT, None, "the processor-time limit passed"
    return ExecStatus.SIGNALED, code, f"killed by {name}"


@cache
def _starter() -> ThreadPoolExecutor:
    """One thread starts all: the kernel kills a sandbox together with the thread that started it."""
    return ThreadPoolExecutor(1, thread_name_prefix="proctor-start-sandbox")


@cache
def _places() -> Places:
    """One line for all sandboxes of this process."""
    return machine_places()


os.register_at_fork(after_in_child=_starter.cache_clear)
os.register_at_fork(after_in_child=_places.cache_clear)
