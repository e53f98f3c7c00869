"""The pool: whatever a handler does, its payload ends in time with a result or a fault, and nobody else's does."""

from __future__ import annotations

import asyncio
import ctypes
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import SandboxError
from proctor.sandbox.base import Fault, FaultKind, Limits, Result
from proctor.sandbox.cgroups import make_cgroup
from proctor.sandbox.confinement import SIGNAL_SCOPE, landlock_version
from proctor.sandbox.inline import InProcess
from proctor.sandbox.shipping import ship
from proctor.sandbox.workers import WorkerPool

LIMITS = Limits(wall_s=60.0, memory_bytes=512 << 20, output_bytes=100_000)
HASTY = replace(LIMITS, wall_s=1.5)
"""For what never ends; whatever does has time enough on a busy machine."""


def busy_loop() -> None:
    while True:
        pass


def flood() -> float:
    for _ in range(3_000):
        print("x" * 100)
        print("y" * 100, file=sys.stderr)
    return 1.5


def close_everything() -> None:
    os.closerange(3, 64)
    time.sleep(300)


def memory_bomb() -> None:
    hoard = []
    while True:
        hoard.append(bytes(50_000_000))  # reserved, never touched: the limit is on address space


def last_words() -> None:
    print("about to go", file=sys.stderr, flush=True)
    os._exit(3)


def forge_reply() -> None:
    for fd in range(3, 20):
        try:
            os.write(fd, (7).to_bytes(8, "big") + b"garbage")
        except OSError:
            continue
    time.sleep(300)


ACTIONS: dict[str, Callable[[], Any]] = {
    "loop": busy_loop,
    "power": lambda: len(str(9**9**9)),  # C code that never lets go of the interpreter lock
    "regex": lambda: re.match(r"(a+)+$", "a" * 40 + "b"),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "exit": lambda: os._exit(1),
    "sys.exit": lambda: sys.exit(0),
    "segfault": lambda: ctypes.string_at(0),
    "memory": memory_bomb,
    "reply": lambda: "x" * 200_000,
    "close": close_everything,
    "last words": last_words,
    "raise": lambda: 1 / 0,
    "object": lambda: object(),
    "forge": forge_reply,
    "flood": flood,
    "nan": lambda: [math.nan, math.inf, -math.inf],
    "surrogate": lambda: "\ud800",
    "pid": os.getpid,
    "main": lambda: sorted(vars(sys.modules["__main__"]).keys() & {"pytest", "main"}),
    "modules": lambda: [name for name in ("torch", "numpy", "pytest") if name in sys.modules],
}


def act(action: str) -> Any:
    return ACTIONS[action]()


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2, limits=LIMITS, setup=ship(act, name="act")) as shared:
        yield shared


@pytest.fixture(scope="module")
def hasty() -> Iterator[WorkerPool]:
    with WorkerPool(2, limits=HASTY, setup=ship(act, name="act")) as shared:
        yield shared


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("exit", FaultKind.CRASH),
        ("segfault", FaultKind.CRASH),
        ("close", FaultKind.CRASH),
        ("memory", FaultKind.RAISE),
        ("sys.exit", FaultKind.RAISE),
        ("raise", FaultKind.RAISE),
        ("object", FaultKind.RAISE),
        ("reply", FaultKind.OUTPUT),
        ("forge", FaultKind.OUTPUT),
    ],
)
def test_a_fault_falls_on_its_payload_alone(pool: WorkerPool, action: str, kind: FaultKind) -> None:
    before, fault, after = pool.map(["nan", action, "surrogate"])
    assert isinstance(fault, Fault) and fault.kind is kind and fault.reason
    assert isinstance(before, Result) and after == Result("\ud800")


@pytest.mark.parametrize("action", ["loop", "power", "regex", "stop"])
def test_what_does_not_end_is_a_timeout_of_its_payload_alone(hasty: WorkerPool, action: str) -> None:
    before, fault, after = hasty.map(["nan", action, "surrogate"])
    assert isinstance(fault, Fault) and fault.kind is FaultKind.TIMEOUT and fault.reason
    assert isinstance(before, Result) and after == Result("\ud800")


def test_prints_neither_block_nor_corrupt(pool: WorkerPool) -> None:
    assert pool.call("flood") == Result(1.5)


def test_the_last_line_printed_is_in_the_reason(pool: WorkerPool) -> None:
    fault = pool.call("last words")
    assert isinstance(fault, Fault) and "status 3" in fault.reason and "about to go" in fault.reason


def test_a_raise_names_its_type_and_line(pool: WorkerPool) -> None:
    fault = pool.call("raise")
    assert isinstance(fault, Fault) and fault.reason.startswith("ZeroDivisionError: division by zero (line")


def test_numbers_that_are_not_finite_survive(pool: WorkerPool) -> None:
    end = pool.call("nan")
    assert isinstance(end, Result) and math.isnan(end.value[0]) and end.value[1:] == [math.inf, -math.inf]


def test_workers_share_nothing_with_the_parent(pool: WorkerPool) -> None:
    assert pool.call("main") == Result(["main"])
    assert pool.call("modules") == Result([])


def test_workers_are_kept_and_renewed(pool: WorkerPool) -> None:
    first = pool.call("pid")
    assert pool.call("pid") == first
    pool.renew()
    assert pool.call("pid") != first


def test_faults_are_counted() -> None:
    with WorkerPool(1, limits=HASTY, setup=ship(act, name="act")) as pool:
        pool.map(["nan", "exit", "loop", "nan"])
        counters = pool.counters
    assert (counters.calls, counters.timeouts, counters.crashes, counters.replaced) == (4, 1, 1, 2)


def test_a_stop_in_the_middle_of_a_message_resumes_behind_it() -> None:
    payloads = ["nan", "surrogate", "exit", *["surrogate"] * 60]
    with WorkerPool(1, limits=LIMITS, setup=ship(act, name="act")) as pool:
        ends = pool.map(payloads)
    assert [isinstance(end, Fault) for end in ends] == [payload == "exit" for payload in payloads]


def test_many_threads_and_a_running_loop(pool: WorkerPool, hasty: WorkerPool) -> None:
    with ThreadPoolExecutor(6) as threads:
        ends = list(threads.map(lambda _: pool.map(["surrogate", "flood"]), range(6)))
    assert ends == [[Result("\ud800"), Result(1.5)]] * 6

    async def inside() -> Any:
        return hasty.call("loop")

    assert isinstance(asyncio.run(inside()), Fault)


def test_a_worker_that_cannot_start_is_nobodys_fault() -> None:
    with WorkerPool(2, limits=LIMITS, setup=b"not a pickle") as pool:
        ends = pool.map(["a", "b", "c"])
    assert [end.kind for end in ends if isinstance(end, Fault)] == [FaultKind.WORKER] * 3


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    with WorkerPool(1, limits=LIMITS, setup=ship(act, name="act")) as pool:
        first = pool.call("pid")
        assert isinstance(first, Result)
        os.kill(first.value, signal.SIGKILL)
        second = pool.call("pid")
    assert isinstance(second, Result) and second != first


def test_nothing_is_left_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    pool = WorkerPool(2, limits=HASTY, setup=ship(act, name="act"))
    ends = pool.map(["pid", "exit", "pid", "loop", "pid"])
    pids = [end.value for end in ends if isinstance(end, Result)]
    pool.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for pid in pids:
        with pytest.raises(ProcessLookupError):  # a zombie would still be there
            os.kill(pid, 0)
    with pytest.raises(SandboxError, match="closed"):
        pool.call("pid")


def test_a_payload_that_cannot_be_sent_is_refused(pool: WorkerPool) -> None:
    with pytest.raises(SandboxError, match="cannot be sent"):
        pool.call(lambda: None)


def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from proctor.sandbox.base import Limits
from proctor.sandbox.shipping import ship
from proctor.sandbox.workers import WorkerPool
def hang(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()) + "\\n")
    while True: pass
WorkerPool(1, limits=Limits(wall_s=60), setup=ship(hang, name="hang")).call({str(pipe)!r})
"""
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        worker = int(pipe.read_text())
        assert _is_running(worker)
        parent.kill()
    deadline = time.monotonic() + 10
    while _is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(worker)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_in_process_reports_exceptions_as_faults() -> None:
    inline = InProcess(act)
    assert inline.map(["pid", "surrogate"]) == [Result(os.getpid()), Result("\ud800")]
    assert isinstance(inline.call("raise"), Fault) and inline.counters.calls == 3


def signal_parent() -> str:
    os.kill(os.getppid(), signal.SIGTERM)
    return "sent"


def test_a_worker_cannot_signal_its_parent() -> None:
    try:
        is_scoped = landlock_version() >= SIGNAL_SCOPE
    except SandboxError:
        is_scoped = False
    if not is_scoped:
        pytest.skip("Landlock that confines signals (Linux 6.12)")
    with WorkerPool(1, limits=LIMITS, setup=ship(lambda payload: signal_parent(), name="action")) as pool:
        fault = pool.call(0)
    assert isinstance(fault, Fault) and fault.kind is FaultKind.RAISE and "PermissionError" in fault.reason


def escape_group() -> int:
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
    while True:
        pass


def test_what_left_the_process_group_of_a_worker_is_killed_where_groups_can_be_made() -> None:
    group = make_cgroup()
    if group is None:
        pytest.skip("control groups that this user may make")
    group.remove()
    before = set(Path("/sys/fs/cgroup").glob(f"**/proctor-{os.getpid()}-*"))
    with WorkerPool(1, limits=HASTY, setup=ship(lambda payload: escape_group(), name="escape")) as pool:
        assert isinstance(pool.call(0), Fault)
    assert set(Path("/sys/fs/cgroup").glob(f"**/proctor-{os.getpid()}-*")) == before
