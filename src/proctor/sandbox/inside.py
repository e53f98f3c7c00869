"""Runs inside a sandbox: takes jobs from the parent, forks a process for each, kills whatever that leaves behind.

Sent as code over the request pipe, so it needs the standard library alone, and little of it: every import costs each cold
start. The parent trusts it to report how a job ended, because the job cannot reach it: it is process 1 of its namespace, or the
job's signals are confined, and its pipes are closed in the job. It holds the source and one input at a time: no expected
value, no verdict.
"""

from __future__ import annotations

import atexit
import io
import marshal
import os
import resource
import select
import sys
import time

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
from proctor.sandbox.encoding import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Streams = tuple[io.TextIOWrapper, io.TextIOWrapper, io.TextIOWrapper]

SIGKILL = 9  # the module `signal` costs milliseconds to import
SELF_PLACEHOLDER = 0x7F00_5E1F
"""In a filter it stands for the process that installs it."""
CLAIM = 3
HIGHEST_FD = 1024


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
    else:
        prctl(PR_SET_PDEATHSIG, SIGKILL)  # bubblewrap's own was forgotten when root was given up
        if settings["filter"]:
            install_filter(settings["filter"])
    others = 1 if is_init else processes_of_user()
    sys.path += settings["path"]
    compile("def warm(): return [1 for _ in ()]", "warm", "exec")  # the first compilation in a process costs milliseconds
    # What every job needs is made before it is forked: a page of memory that a child writes to costs it microseconds.
    work = settings["directories"][0]
    environment = {"PATH": "/usr/bin:/bin", "HOME": work, "TMPDIR": work, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    os.environ.clear()
    os.environ.update(environment)
    streams = _text(0, "r", "surrogateescape"), _text(1, "w", "surrogateescape"), _text(2, "w", "backslashreplace")
    _send(control, {"ready": True})
    while frame := _read_frame(requests):
        job = marshal.loads(frame)
        job["limits"]["num_processes"] += others
        words = set(job["source"].replace(",", " ").replace(".", " ").split())  # as words: `return` speaks of no module `re`
        for module in settings["preload"]:
            if module in words and module not in sys.modules:
                __import__(module)
        _send(control, _run(job, settings, (requests, claims, out, err), streams, is_init=is_init))
        del job
    _leave(settings["directories"], is_init=is_init)


def _leave(directories: list[str], *, is_init: bool) -> None:
    """End because the parent closed the request pipe, or died: then nobody else removes the directory."""
    try:
        if not is_init:
            empty_directory(directories[0])
            os.rmdir(directories[0])
    finally:
        os._exit(0)


def _run(job: dict[str, Any], settings: dict[str, Any], pipes: tuple[int, int, int, int], streams: Streams, *, is_init: bool) -> dict[str, Any]:
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
        _child(job, settings, (stdin, *pipes[1:]), streams, is_init=is_init)
    os.close(stdin)
    is_wanted = _wait(pid, pipes[0])
    status, usage = _end_all(pid, is_init=is_init)
    if not is_wanted:
        _leave(directories, is_init=is_init)
    found = {name: read_output(work, name, job["limits"]["file_bytes"]) for name in job["outputs"]}
    return {
        "status": status,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "outputs": {name: content for name, content in found.items() if content is not None},
        "is_clean": all([empty_directory(directory) for directory in directories]),  # noqa: C419 -- each is emptied
    }


def _wait(pid: int, requests: int) -> bool:
    """Wait for the child to end, or for the parent to go: then the child is killed, and the answer is False."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(requests, 0)  # hang-up is always reported
    ready = [fd for fd, _ in poll.poll()]
    os.close(pidfd)
    if pidfd not in ready:
        os.kill(pid, SIGKILL)
    return pidfd in ready


def _end_all(pid: int, *, is_init: bool) -> tuple[int, resource.struct_rusage]:
    """Kill everything that the job started, and reap it. The child is not yet reaped at the start, so the number of its group is not reused."""
    found: tuple[int, resource.struct_rusage] | None = None
    while True:
        try:
            if is_init:
                os.kill(-1, SIGKILL)
            elif found is None:
                os.killpg(pid, SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
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
    """Kill those that left their process group and were handed to this process, their nearest living ancestor."""
    try:
        with open("/proc/thread-self/children") as children:
            for child in children.read().split():
                os.kill(int(child), SIGKILL)
    except OSError:
        pass


def _child(job: dict[str, Any], settings: dict[str, Any], pipes: tuple[int, int, int, int], streams: Streams, *, is_init: bool) -> None:
    """Confine this process and become the job. Never returns."""
    code = 70
    try:
        stdin, claims, out, err = pipes
        os.setsid()
        for source, target in ((stdin, 0), (out, 1), (err, 2), (claims, CLAIM)):
            os.dup2(source, target)
        os.closerange(CLAIM + 1, HIGHEST_FD)
        os.chdir(settings["directories"][0])
        set_limits(job["limits"])
        prctl(PR_SET_PDEATHSIG, SIGKILL)
        if settings["landlock"]:
            restrict_files(settings["landlock"])
        if settings["filter"] and not is_init:
            install_filter(settings["filter"].replace(SELF_PLACEHOLDER.to_bytes(4, sys.byteorder), os.getpid().to_bytes(4, sys.byteorder)))
        prctl(PR_SET_DUMPABLE, 1)
        if job["argv"]:
            os.close(CLAIM)
            os.execvp(job["argv"][0], job["argv"])
        code = _python(job, streams)
    except BaseException as error:
        sys.__excepthook__(type(error), error, error.__traceback__)
    finally:
        os._exit(code)


def _python(job: dict[str, Any], streams: Streams) -> int:
    """Run the source, call the function, send what it returned. Whatever the source does to this process harms only its own claim."""
    write, serialize, end, nonce, name, arguments = os.write, encode, _finish, job["nonce"], job["function"], job["arguments"]
    sys.argv = ["solution.py"]
    sys.stdin, sys.stdout, sys.stderr = streams
    out = streams[1]
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    names["__file__"] = "solution.py"

    def report(key: str, content: Any) -> None:
        body = serialize({"nonce": nonce, key: content})
        view = memoryview(len(body).to_bytes(8, "big") + body)
        while view:
            view = view[write(CLAIM, view) :]

    code: Any = 0
    try:
        if job["prelude"]:
            exec(compile(job["prelude"], "prelude.py", "exec", dont_inherit=True), names)
        exec(compile(job["source"], "solution.py", "exec", dont_inherit=True), names)
        if name is not None:
            report("value", _callable(names, name)(*arguments))
    except SystemExit as error:
        code = error.code
    except BaseException as error:
        code = 1
        sys.__excepthook__(type(error), error, error.__traceback__)
        if name is not None:
            report("raised", type(error).__name__[:200])
    return end(code, out)


def _text(fd: int, mode: str, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, mode, closefd=False)
    return io.TextIOWrapper(io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw), encoding="utf-8", errors=errors, line_buffering=fd == 2)


def _callable(names: dict[str, Any], name: str) -> Any:
    if name in names:
        return names[name]
    if "Solution" in names:
        return getattr(names["Solution"](), name)
    raise NameError(f"the program defines neither {name!r} nor a class Solution")


def _finish(code: Any, out: io.TextIOWrapper) -> int:
    """End as an interpreter does: wait for threads, run exit functions, flush."""
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, out):
        try:
            stream.flush()
        except (AttributeError, ValueError):  # replaced or closed by the program
            continue
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
    body = encode(reply)
    write_all(fd, len(body).to_bytes(8, "big") + body)


if __name__ == "__main__":
    main()
