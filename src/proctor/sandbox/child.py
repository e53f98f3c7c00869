"""The main of a worker: runs the handler it was given on each payload that arrives, until its input pipe closes.

Run by path in a fresh interpreter, never imported. It reads pickles from its parent, which it trusts, and answers in
length-prefixed JSON, because its parent trusts nothing that comes from here. It enforces no time limit: a clock kept
in this process could be stopped by what runs in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF, LANDLOCK_SCOPE_SIGNAL = 444, 446, 2


def main() -> None:
    """Read the configuration, build the handler, then answer until end of file."""
    requests_fd, replies_fd, parent_pid = (int(argument) for argument in sys.argv[1:4])
    for fd in (requests_fd, replies_fd):
        os.set_inheritable(fd, False)
    requests = os.fdopen(requests_fd, "rb")
    settings = pickle.loads(_read_frame(requests))
    _die_with_parent(parent_pid)
    _keep_signals_inside()
    _limit(settings["memory_bytes"], settings["file_bytes"], settings["num_processes"])
    sys.path[:] = settings["path"]
    try:
        handler = pickle.loads(settings["setup"])
    except BaseException as error:
        _send(replies_fd, {"failed": _describe(error)})
        return
    del settings
    _send(replies_fd, {"ready": True})
    while payloads := _read_frame(requests):
        values = pickle.loads(payloads)
        _send(replies_fd, {"taken": len(values)})
        for payload in values:
            _send(replies_fd, _answer(handler, payload))


def _answer(handler: Any, payload: Any) -> dict[str, Any]:
    """Call the handler; whatever it raises, `SystemExit` included, is a reply too."""
    try:
        return {"value": handler(payload)}
    except BaseException as error:
        return {"raised": _describe(error)}


def _describe(error: BaseException) -> str:
    """Type, message and line of an exception, bounded, without trusting its `__str__`."""
    try:
        text = str(error)[:2000]
    except BaseException:
        text = "(its message cannot be printed)"
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" (line {frame.tb_lineno} of {frame.tb_frame.f_code.co_name})" if frame is not None else ""
    return f"{type(error).__name__}: {text}{where}"


def _send(fd: int, reply: dict[str, Any]) -> None:
    """Write one frame: eight bytes of length, then JSON."""
    try:
        body = json.dumps(reply).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        body = json.dumps({"raised": f"the result is not plain data: {error}"}).encode("ascii")
    frame = memoryview(len(body).to_bytes(8, "big") + body)
    while frame:
        frame = frame[os.write(fd, frame) :]


def _read_frame(source: BinaryIO) -> bytes:
    """Read one frame; empty at end of file."""
    header = source.read(8)
    if len(header) < 8:
        return b""
    return source.read(int.from_bytes(header, "big"))


def _limit(memory_bytes: int | None, file_bytes: int, num_processes: int) -> None:
    """Lower this process's own limits, for good."""
    try:
        import resource
    except ImportError:  # not a POSIX system: only the wall clock protects there
        return
    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, file_bytes)]
    if os.getuid() != 0:  # root is not bound by it, and counts everything of hers against it
        wanted.append((resource.RLIMIT_NPROC, _threads_of_user() + num_processes))
    if memory_bytes is not None:
        wanted.append((resource.RLIMIT_AS, memory_bytes))
    for kind, value in wanted:
        with contextlib.suppress(ValueError, OSError):  # a lower limit is already set
            resource.setrlimit(kind, (value, value))


def _threads_of_user() -> int:
    """Count the threads of this user, which the kernel counts against a limit on processes."""
    uid, count = os.getuid(), 0
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_uid == uid:
                count += sum(1 for _ in (entry / "task").iterdir())
    return count


def _keep_signals_inside() -> None:
    """Ask the kernel (Linux 6.12 or later, with Landlock) to deliver no signal of this process to any but its own descendants."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        attributes = (ctypes.c_uint64 * 3)(0, 0, LANDLOCK_SCOPE_SIGNAL)  # neither files nor network
        ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(24), 0)
        if ruleset >= 0:
            libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
            os.close(ruleset)


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when its parent dies: end of file is not seen by a handler that never returns."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before the request was made
        os._exit(1)


if __name__ == "__main__":
    main()
