"""Runs inside a sandbox: takes jobs from the parent, forks a process for each, kills whatever that leaves behind.

Sent as code over the request pipe and never imported there, so it needs the standard library alone. The parent trusts
it to report how a job ended, because the job cannot reach it: it is process 1 of its namespace, or the job's signals are
confined, and its pipes are closed in the job. It holds the source and one input at a time: no expected value, no verdict.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import marshal
import os
import resource
import select
import signal
import sys
import time
import traceback
from typing import Any

from proctor.sandbox.confine import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    become,
    install_filter,
    prctl,
    processes_of_user,
    restrict_files,
    set_limits,
)
from proctor.sandbox.directories import empty_directory, read_output, write_all, write_files
from proctor.sandbox.encoding import encode_value

SELF_PLACEHOLDER = 0x7F00_5E1F
"""In a filter it stands for the process that installs it."""


def main() -> None:
    """Take the settings, confine this process as far as they ask, then run jobs until the request pipe closes."""
    requests, control, claims, out, err = (int(argument) for argument in sys.argv[1:6])
    settings = marshal.loads(_read_frame(requests))
    os.umask(0o077)
    if settings["uid"] is not None:
        become(settings["uid"], keep_search=settings["keep_search"])
    prctl(PR_SET_DUMPABLE, 0)  # its memory and descriptors are not to be read through /proc
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    is_init = os.getpid() == 1
    if not is_init:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    if settings["filter"] and is_init:
        install_filter(settings["filter"])
    processes = 0 if is_init else processes_of_user()
    sys.path += settings["path"]
    for module in settings["preload"]:
        __import__(module)
    _send(control, {"ready": True})
    while frame := _read_frame(requests):
        job = marshal.loads(frame)
        job["pipes"] = (claims, out, err)
        job["processes"] = processes + job["limits"]["num_processes"]
        _send(control, _run(job, settings, requests, is_init=is_init))
        del job


def _run(job: dict[str, Any], settings: dict[str, Any], requests: int, *, is_init: bool) -> dict[str, Any]:
    """Run one job in a child; return how it ended, once nothing of it is left."""
    directories = settings["directories"]
    work = directories[0]
    try:
        write_files(work, job["files"])
        stdin = os.memfd_create("stdin")
        write_all(stdin, job["stdin"])
        os.lseek(stdin, 0, os.SEEK_SET)
        pid = os.fork()
    except OSError as error:
        return {"failed": str(error)}
    if pid == 0:
        _child(job, settings, stdin, is_init=is_init)
    os.close(stdin)
    _wait(pid, requests)
    status, usage = _end_all(pid, is_init=is_init)
    outputs = {
        name: base64.b64encode(content).decode() for name in job["outputs"] if (content := read_output(work, name, job["limits"]["file_bytes"])) is not None
    }
    return {
        "status": status,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "outputs": outputs,
        "is_clean": all([empty_directory(directory) for directory in directories]),
    }


def _wait(pid: int, requests: int) -> None:
    """Wait for the child to end; end with everything if the parent goes first."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(requests, 0)  # hang-up is always reported
    while True:
        ready = dict(poll.poll())
        if pidfd in ready:
            os.close(pidfd)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _end_all(pid, is_init=os.getpid() == 1)
        os._exit(1)


def _end_all(pid: int, *, is_init: bool) -> tuple[int, resource.struct_rusage]:
    """Kill everything that the job started, and reap it. The child has ended but is not yet reaped, so its group's number is not reused."""
    found: tuple[int, resource.struct_rusage] | None = None
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if is_init:
                os.kill(-1, signal.SIGKILL)
            elif found is None:
                os.killpg(pid, signal.SIGKILL)
        if not is_init:
            _kill_children()
        try:
            ended, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            assert found is not None
            return found
        if ended == pid:
            found = status, usage
        elif ended == 0:
            time.sleep(0.0005)


def _kill_children() -> None:
    """Kill those that left their process group and were handed to this one, their nearest living ancestor."""
    with contextlib.suppress(OSError), open("/proc/thread-self/children") as children:  # noqa: PTH123
        for child in children.read().split():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(child), signal.SIGKILL)


def _child(job: dict[str, Any], settings: dict[str, Any], stdin: int, *, is_init: bool) -> None:
    """Confine this process and become the job. Never returns."""
    code = 70
    try:
        claims, out, err = job["pipes"]
        os.setsid()
        for source, target in ((stdin, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        claim = 3
        if claims != claim:
            os.dup2(claims, claim)
        os.closerange(4, 4096)
        work = settings["directories"][0]
        os.chdir(work)
        set_limits(job["limits"], job["processes"])
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if settings["landlock"]:
            restrict_files(settings["landlock"])
        if settings["filter"] and not is_init:
            install_filter(settings["filter"].replace(SELF_PLACEHOLDER.to_bytes(4, sys.byteorder), os.getpid().to_bytes(4, sys.byteorder)))
        prctl(PR_SET_DUMPABLE, 1)
        environment = {"PATH": "/usr/bin:/bin", "HOME": work, "TMPDIR": work, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **settings["environment"]}
        if job["argv"]:
            os.close(claim)
            os.execvpe(job["argv"][0], job["argv"], environment)
        os.environ.clear()
        os.environ.update(environment)
        code = _python(job, settings["prelude"], claim)
    except BaseException:
        with contextlib.suppress(BaseException):
            os.write(2, traceback.format_exc().encode("utf-8", "replace")[-4000:])
    finally:
        os._exit(code)


def _python(job: dict[str, Any], prelude: str, claim: int) -> int:
    """Run the source, call the function, send what it returned. Whatever the source does to this process harms only its own claim."""
    dumps, write, nonce, end = json.dumps, os.write, job["nonce"], encode_value
    sys.argv = ["solution.py"]
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8", errors="surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8", errors="surrogateescape")
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), encoding="utf-8", errors="backslashreplace", line_buffering=True)
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    names["__file__"] = "solution.py"
    name, arguments = job["function"], job["arguments"]
    try:
        exec(compile(prelude, "prelude.py", "exec"), names)
        exec(compile(job["source"], "solution.py", "exec", dont_inherit=True), names)
        if name is not None:
            reply = {"nonce": nonce, "value": end(_callable(names, name)(*arguments))}
            body = dumps(reply).encode("ascii")
            view = memoryview(len(body).to_bytes(8, "big") + body)
            while view:
                view = view[write(claim, view) :]
        return _finish(0)
    except SystemExit as error:
        return _finish(error.code)
    except BaseException as error:
        traceback.print_exc(limit=-8)
        _finish(1)
        if name is not None:
            body = dumps({"nonce": nonce, "raised": type(error).__name__[:200]}).encode("ascii")
            write(claim, len(body).to_bytes(8, "big") + body)
        return 1


def _callable(names: dict[str, Any], name: str) -> Any:
    if name in names:
        return names[name]
    if "Solution" in names:
        return getattr(names["Solution"](), name)
    raise NameError(f"the program defines neither {name!r} nor a class Solution")


def _finish(code: Any) -> int:
    """End as an interpreter does: wait for threads, run exit functions, flush."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    if code is None or type(code) is int:
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _read_frame(fd: int) -> bytes:
    """Read one frame: eight bytes of length, then as many; empty at end of file."""
    header = _read_exactly(fd, 8)
    return _read_exactly(fd, int.from_bytes(header, "big")) if header else b""


def _read_exactly(fd: int, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        chunk = os.read(fd, min(count - len(received), 1 << 20))
        if not chunk:
            return b""
        received += chunk
    return bytes(received)


def _send(fd: int, reply: dict[str, Any]) -> None:
    body = json.dumps(reply).encode("ascii")
    write_all(fd, len(body).to_bytes(8, "big") + body)


if __name__ == "__main__":
    main()
