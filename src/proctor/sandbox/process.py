"""One worker process, seen from its parent: start it, send it payloads, read its replies, kill it.

The parent keeps the clock, bounds what it reads, drains what the worker prints, and never unpickles anything that comes
back. Not shared between threads: `proctor.sandbox.workers` lends a process to one caller at a time.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from proctor.sandbox.base import FaultKind, Limits
from proctor.sandbox.cgroups import JOIN, make_cgroup

CHILD = Path(__file__).with_name("child.py")
MAX_STDERR_BYTES = 4096
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # workers are the parallelism


class Broken(Exception):
    """The worker cannot be used any more, for the reason given. Never leaves this room."""

    def __init__(self, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class WorkerProcess:
    """A fresh interpreter that has loaded a handler, or is about to (see `wait_ready`)."""

    def __init__(self, limits: Limits, setup: bytes, generation: int) -> None:
        """Start the interpreter.

        Args:
            limits: what it may use.
            setup: pickle of the handler, a callable from one payload to plain data.
            generation: which renewal of its pool it belongs to.
        """
        self.generation = generation
        self._limits = limits
        self._setup = setup
        self._received = bytearray()
        self._stderr = bytearray()
        requests_read, self._requests = os.pipe()
        self._replies, replies_write = os.pipe()
        self._errors, errors_write = os.pipe()
        theirs = (requests_read, replies_write, errors_write)
        command = [sys.executable, "-I", "-X", "utf8", str(CHILD), str(requests_read), str(replies_write), str(os.getpid())]
        self._cgroup = make_cgroup()
        if self._cgroup is not None:
            self._cgroup.set_process_limit(limits.num_processes)
            command = [*JOIN, *self._cgroup.members, "--", *command]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors_write,
                pass_fds=(requests_read, replies_write),
                start_new_session=True,
                env=SINGLE_THREADED | os.environ,
            )
        except BaseException:
            self._close_pipes()
            if self._cgroup is not None:
                self._cgroup.remove()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        for fd in (self._requests, self._replies, self._errors):
            os.set_blocking(fd, False)
        self._poll = select.poll()
        self._poll.register(self._replies, select.POLLIN)
        self._poll.register(self._errors, select.POLLIN)

    def wait_ready(self) -> None:
        """Send the handler and wait until it is loaded.

        Raises:
            Broken: it could not be loaded, or not within `start_s`.
        """
        path = [entry or str(Path.cwd()) for entry in sys.path]
        limits = self._limits
        settings = {
            "path": path,
            "setup": self._setup,
            "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.file_bytes,
            "num_processes": limits.num_processes,
        }
        deadline = time.monotonic() + self._limits.start_s
        self._write(pickle.dumps(settings), deadline)
        reply = self._read(deadline)
        if "ready" not in reply:
            raise Broken(FaultKind.WORKER, f"the worker could not load its functions: {reply.get('failed')}")

    def send(self, payloads: bytes) -> None:
        """Hand over a pickled list of payloads, and wait until the worker has taken it.

        Raises:
            Broken: it died or did not answer; no payload was begun.
        """
        deadline = time.monotonic() + self._limits.start_s
        self._write(payloads, deadline)
        if "taken" not in self._read(deadline):
            raise Broken(FaultKind.OUTPUT, "the worker answered out of turn")

    def receive(self) -> dict[str, Any]:
        """Return the reply to the next payload: an object with `value` or with `raised`.

        Raises:
            Broken: no reply within `wall_s`, a reply over `output_bytes`, or the end of the worker.
        """
        reply = self._read(time.monotonic() + self._limits.wall_s)
        if reply.keys() not in ({"value"}, {"raised"}):
            raise Broken(FaultKind.OUTPUT, "the worker's reply is malformed")
        return reply

    def kill(self) -> None:
        """Kill the whole process group, reap the worker, close the pipes. May be called again, and from any thread."""
        with suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        cgroup, self._cgroup = self._cgroup, None
        if cgroup is not None:
            cgroup.kill()
            cgroup.remove()
        self._close_pipes()

    def interrupt(self) -> None:
        """Kill the process group only: the thread that is waiting for it sees the end of file and does the rest."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _close_pipes(self) -> None:
        for fd in (self._requests, self._replies, self._errors):
            if fd >= 0:
                os.close(fd)
        self._requests = self._replies = self._errors = -1

    def _write(self, body: bytes, deadline: float) -> None:
        frame = memoryview(len(body).to_bytes(8, "big") + body)
        writable = select.poll()
        writable.register(self._requests, select.POLLOUT)
        while frame:
            if not writable.poll(_milliseconds(deadline)):
                raise Broken(FaultKind.TIMEOUT, f"the worker did not read its input within {self._limits.start_s:g} s")
            try:
                frame = frame[os.write(self._requests, frame) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Broken(FaultKind.CRASH, self._epitaph()) from None

    def _read(self, deadline: float) -> dict[str, Any]:
        """Return the next frame, draining what the worker prints meanwhile."""
        while (body := self._next_frame()) is None:
            ready = dict(self._poll.poll(_milliseconds(deadline)))
            if self._errors in ready:
                self._drain_errors()
            if self._replies in ready:
                received = os.read(self._replies, 1 << 16)
                if not received:
                    raise Broken(FaultKind.CRASH, self._epitaph())
                self._received += received
            elif time.monotonic() >= deadline:
                raise Broken(FaultKind.TIMEOUT, f"no reply within {self._limits.wall_s:g} s")
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Broken(FaultKind.OUTPUT, f"the worker's reply is not JSON: {error}") from None
        if not isinstance(reply, dict):
            raise Broken(FaultKind.OUTPUT, "the worker's reply is malformed")
        return reply

    def _next_frame(self) -> bytes | None:
        if len(self._received) < 8:
            return None
        size = int.from_bytes(self._received[:8], "big")
        if size > self._limits.output_bytes:
            raise Broken(FaultKind.OUTPUT, f"the worker's reply has {size} bytes, more than the {self._limits.output_bytes} allowed")
        if len(self._received) < 8 + size:
            return None
        body = bytes(self._received[8 : 8 + size])
        del self._received[: 8 + size]
        return body

    def _drain_errors(self) -> None:
        try:
            printed = os.read(self._errors, 1 << 16)
        except BlockingIOError:
            return
        if not printed:
            with suppress(KeyError):
                self._poll.unregister(self._errors)
        self._stderr += printed
        del self._stderr[:-MAX_STDERR_BYTES]

    def _epitaph(self) -> str:
        """Say how the worker ended, with the last line it printed."""
        deadline = time.monotonic() + 0.5
        status = None
        while status is None and time.monotonic() < deadline:
            status = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # left unreaped, so that its group can still be killed
            if status is None:
                time.sleep(0.005)
        with suppress(OSError):
            self._drain_errors()
        lines = self._stderr.decode("utf-8", "replace").strip().splitlines()
        last = f"; it printed last: {lines[-1][:300]}" if lines else ""
        if status is None:
            return f"the worker closed its reply pipe{last}"
        if status.si_code == os.CLD_EXITED:
            return f"the worker exited with status {status.si_status}{last}"
        return f"the worker was killed by {signal.Signals(status.si_status).name}{last}"


def _milliseconds(deadline: float) -> int:
    return max(0, int((deadline - time.monotonic()) * 1000) + 1)
