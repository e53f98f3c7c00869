"""A pool of fresh, killable interpreters for functions that judge what a model wrote.

Each worker is started by `exec`, so it shares no memory with the trainer and never imports the user's `__main__`. The
handler travels by value, once; payloads follow as plain data. A payload that hangs, crashes or floods costs its worker,
which is killed with its whole process group and replaced, and nobody else. This bounds accidents and denial of service;
it does not confine hostile *code*: a worker sees the files and the network that its parent sees.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any

from proctor.errors import SandboxError
from proctor.sandbox.base import Counters, Fault, FaultKind, Limits, Result
from proctor.sandbox.process import Broken, WorkerProcess

CHUNKS_PER_WORKER = 4  # a message carries many payloads; a few messages a worker even out their lengths


def default_num_workers() -> int:
    """Return how many workers a pool has unless told otherwise: the processors, at most four."""
    return min(4, os.cpu_count() or 1)


class WorkerPool:
    """Runs payloads through one handler in `num_workers` killable processes. Thread-safe; usable as a context manager.

    Workers start when they are first needed and stay for later calls. The replies come one by one, each under its own
    wall clock, so a fault falls on exactly one payload; those behind it are given to another worker.
    """

    def __init__(self, num_workers: int, *, limits: Limits, setup: bytes) -> None:
        """Prepare the pool; nothing is started yet.

        Args:
            num_workers: processes at most, at least 1.
            limits: what each payload and worker may use.
            setup: pickle of the handler (see `proctor.sandbox.shipping.ship`), a callable from one payload to plain data.
        """
        if num_workers < 1:
            raise ValueError(f"num_workers must be at least 1, not {num_workers}")
        self._num_workers = num_workers
        self._limits = limits
        self._setup = setup
        self._lock = threading.Lock()
        self._vacancies = threading.BoundedSemaphore(num_workers)
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._counters = Counters()
        self._generation = 0
        self._is_closed = False
        # PR_SET_PDEATHSIG follows the *thread* that started a process, so one thread that lives as long as the pool starts them all.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="proctor-start-worker")

    @property
    def counters(self) -> Counters:
        return self._counters

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def call(self, payload: Any) -> Result | Fault:
        """Run one payload. Blocks for at most `start_s` + `wall_s`, and for a free worker."""
        return self.map([payload])[0]

    def map(self, payloads: Sequence[Any]) -> list[Result | Fault]:
        """Run payloads in parallel over the workers, and return what became of each, in order.

        Args:
            payloads: plain data (it is pickled).

        Raises:
            SandboxError: the pool is closed, or a payload cannot be pickled.
        """
        ends: list[Result | Fault | None] = [None] * len(payloads)
        size = max(1, -(-len(payloads) // (self._num_workers * CHUNKS_PER_WORKER)))
        pending = deque(range(start, min(start + size, len(payloads))) for start in range(0, len(payloads), size))
        num_threads = min(self._num_workers, len(pending))
        if num_threads <= 1:
            self._work_off(pending, payloads, ends)
        else:
            with ThreadPoolExecutor(num_threads, thread_name_prefix="proctor-pool") as threads:
                try:
                    for future in [threads.submit(self._work_off, pending, payloads, ends) for _ in range(num_threads)]:
                        future.result()
                except BaseException:
                    pending.clear()  # let the other threads end after what they are doing
                    raise
        return [end for end in ends if end is not None]

    def renew(self) -> None:
        """Replace every worker: what follows runs in interpreters that have seen nothing of what came before."""
        with self._lock:
            self._generation += 1
            stale, self._idle = self._idle, []
        for worker in stale:
            self._discard(worker)

    def close(self) -> None:
        """Kill all workers. Calls in progress end with faults."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.interrupt()
        for worker in idle:
            worker.kill()
        self._starter.shutdown(wait=True)

    def _work_off(self, pending: deque[range], payloads: Sequence[Any], ends: list[Result | Fault | None]) -> None:
        """Take ranges of payloads until none is left. A range that a fault interrupts goes back, without what has ended."""
        is_untaken_before = False
        while True:
            try:
                todo = pending.popleft()
            except IndexError:
                return
            begun, fault = self._serve(todo, payloads, ends)
            if fault is None:
                is_untaken_before = False
                continue
            if not begun and not is_untaken_before:  # nobody's doing yet: one more try with another worker
                is_untaken_before = True
                pending.appendleft(todo)
                continue
            is_untaken_before = False
            rest = [index for index in todo if ends[index] is None]
            blamed = rest[:1] if begun else rest
            for index in blamed:
                ends[index] = fault
            self._count(calls=len(blamed), timeouts=fault.kind is FaultKind.TIMEOUT, crashes=fault.kind in (FaultKind.CRASH, FaultKind.OUTPUT))
            if begun and len(rest) > 1:
                pending.appendleft(range(rest[1], todo.stop))

    def _serve(self, todo: range, payloads: Sequence[Any], ends: list[Result | Fault | None]) -> tuple[bool, Fault | None]:
        """Run a range of payloads in one worker, noting each end.

        Returns:
            Whether the worker took the range, and the fault that stopped it, if one did.
        """
        try:
            message = pickle.dumps([payloads[index] for index in todo])
        except Exception as error:
            raise SandboxError(f"a payload cannot be sent to a worker: {type(error).__name__}: {error}") from error
        self._vacancies.acquire()
        worker = None
        begun = is_sound = False
        try:
            worker = self._hire()
            worker.send(message)
            begun = True
            for index in todo:
                reply = worker.receive()
                ends[index] = Fault(FaultKind.RAISE, str(reply["raised"])) if "raised" in reply else Result(reply["value"])
                self._count(calls=1)
            is_sound = True
            return True, None
        except Broken as broken:
            return begun, Fault(broken.kind if begun else FaultKind.WORKER, broken.reason)
        finally:
            if worker is not None:
                self._dismiss(worker, is_sound=is_sound)
            self._vacancies.release()

    def _hire(self) -> WorkerProcess:
        """Take an idle worker or start one.

        Raises:
            Broken: it could not be started.
        """
        with self._lock:
            if self._is_closed:
                raise SandboxError("the worker pool is closed")
            if self._idle:
                worker = self._idle.pop()
                self._busy.add(worker)
                return worker
            generation = self._generation
        try:
            worker = self._starter.submit(WorkerProcess, self._limits, self._setup, generation).result()
        except OSError as error:
            raise Broken(FaultKind.WORKER, f"no worker could be started: {error}") from None
        with self._lock:
            self._busy.add(worker)
        try:
            worker.wait_ready()
        except BaseException:
            self._dismiss(worker, is_sound=False)
            raise
        return worker

    def _dismiss(self, worker: WorkerProcess, *, is_sound: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            keep = is_sound and not self._is_closed and worker.generation == self._generation
            if keep:
                self._idle.append(worker)
        if not keep:
            self._discard(worker)

    def _discard(self, worker: WorkerProcess) -> None:
        worker.kill()
        self._count(replaced=1)

    def _count(self, *, calls: int = 0, timeouts: int = 0, crashes: int = 0, replaced: int = 0) -> None:
        with self._lock:
            now = self._counters
            self._counters = replace(
                now, calls=now.calls + calls, timeouts=now.timeouts + timeouts, crashes=now.crashes + crashes, replaced=now.replaced + replaced
            )
