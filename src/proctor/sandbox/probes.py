"""Escape attempts that are run inside a layer before anything untrusted is: each must fail, and one correct program must pass.

A probe is a program that tries something and says what it got. Where the attempt has an effect outside, the effect is
looked for outside, whatever the program says.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORRECT = """
import threading
def attempt(facts):
    print("a correct program may print")
    class Same:
        def __eq__(self, other): return True
    thread = threading.Thread(target=lambda: open("file", "w").write("text"))
    thread.start()
    thread.join()
    return [open("file").read(), sum(range(10)), Same() == 1]
"""
CORRECT_RESULT = ["text", 45, True]

_HELPERS = """
import ctypes, os, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(facts):
    try:
        return tried(facts)
    except (OSError, MemoryError, OverflowError):
        return None
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """One escape attempt.

    Attributes:
        name: what it attempts, in words.
        body: defines `tried(facts)`, which returns what it got, or None.
        effect: looks outside for what it did; True if it did something.
        is_of_kernel: whether it only asks something of the kernel, which is no escape where that is not the machine's.
        ends_gvisor: whether gVisor itself exits, in the place of the program, where the attempt is denied.
    """

    name: str
    body: str
    effect: Callable[[Scene], bool] = lambda scene: False
    is_of_kernel: bool = False
    ends_gvisor: bool = False

    @property
    def source(self) -> str:
        return _HELPERS + self.body


@dataclass(frozen=True, slots=True)
class Scene:
    """What is set up outside for the probes to attack.

    Attributes:
        facts: what they are told.
        victim: a process of this user.
        outside: a directory that everyone may write to.
        listeners: a TCP and an abstract Unix socket.
        mark: text that appears nowhere else.
    """

    facts: dict[str, Any]
    victim: subprocess.Popen[bytes]
    outside: Path
    listeners: tuple[socket.socket, ...]
    mark: str

    def was_called(self) -> bool:
        """Whether somebody connected."""
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                return True
        return False

    def is_victim_hurt(self) -> bool:
        """Whether the victim was killed, stopped or traced."""
        if self.victim.poll() is not None:
            return True
        return Path(f"/proc/{self.victim.pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"

    def has_written(self) -> bool:
        return any(self.outside.iterdir())

    def has_survivor(self) -> bool:
        """Whether a process that took the mark for its name is alive."""
        names = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                names.append((entry / "comm").read_text().strip() if entry.name.isdigit() else "")
        return self.mark in names


PROBES = (
    Probe("read a file of the machine", "def tried(facts): return open(facts['secret']).read()"),
    Probe("write outside its directory", "def tried(facts): open(facts['outside'] + '/written', 'w').write('x')", Scene.has_written),
    Probe(
        "connect to a port of the machine",
        "def tried(facts): return repr(socket.create_connection(('127.0.0.1', facts['port']), 1))",
        Scene.was_called,
    ),
    Probe(
        "connect to an abstract Unix socket",
        "def tried(facts): return repr(socket.socket(socket.AF_UNIX).connect('\\0' + facts['mark'])) + ' connected'",
        Scene.was_called,
    ),
    Probe("see a process of the machine", "def tried(facts): return (facts['mark'] in open(f'/proc/{facts[\"victim\"]}/cmdline').read()) or None"),
    Probe(
        "trace a process of the machine",
        "def tried(facts): return None if libc.ptrace(16, facts['victim'], None, None) else 'attached'",
        Scene.is_victim_hurt,
    ),
    Probe("kill a process of the machine", "def tried(facts): os.kill(facts['victim'], signal.SIGKILL)", Scene.is_victim_hurt),
    Probe(
        "read the environment of the machine",
        """
def tried(facts):
    mine = sorted(set(os.environ) & set(facts['environment']) - {'PATH', 'HOME', 'LANG', 'PWD', 'TMPDIR', 'LC_CTYPE', 'PYTHONHASHSEED'})
    return mine or (facts['mark'] in open(f'/proc/{facts["victim"]}/environ').read()) or None
""",
    ),
    Probe("make a user namespace", "def tried(facts): return None if libc.unshare(0x10000000) else 'made'", is_of_kernel=True),
    Probe("take more memory than allowed", "def tried(facts): return len(b'x' * facts['memory']) and 'taken'"),
    Probe(
        "start more processes than allowed",
        """
def tried(facts):
    for count in range(2 * facts['processes']):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return 'started'
""",
        ends_gvisor=True,
    ),
    Probe(
        "leave a process behind",
        """
def tried(facts):
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError:
            pass
        if os.fork() == 0:
            libc.prctl(15, facts['mark'].encode())
            for fd in range(16):
                try:
                    os.close(fd)
                except OSError:
                    pass
            time.sleep(20)
        os._exit(0)
    time.sleep(0.1)
""",
        Scene.has_survivor,
    ),
)


@contextmanager
def scene(memory_bytes: int, num_processes: int) -> Iterator[Scene]:
    """Set up what the probes attack, and take it down."""
    mark = f"probe-{secrets.token_hex(4)}"  # at most 15 characters: it has to fit a process name
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="proctor-probe-")))
        outside, secret = root / "outside", root / "secret"
        outside.mkdir()
        secret.write_text(mark)
        root.chmod(0o755)
        outside.chmod(0o777)
        secret.chmod(0o644)
        tcp, unix = stack.enter_context(socket.socket()), stack.enter_context(socket.socket(socket.AF_UNIX))
        tcp.bind(("127.0.0.1", 0))
        unix.bind("\0" + mark)
        for listener in (tcp, unix):
            listener.listen()
            listener.setblocking(False)
        victim = stack.enter_context(subprocess.Popen(["/bin/sh", "-c", "read line", mark], stdin=subprocess.PIPE, env={"MARK": mark}, start_new_session=True))
        stack.callback(victim.kill)
        facts = {
            "secret": str(secret),
            "outside": str(outside),
            "port": tcp.getsockname()[1],
            "mark": mark,
            "victim": victim.pid,
            "environment": sorted(os.environ),
            "memory": 2 * memory_bytes,
            "processes": num_processes,
        }
        _wait_for(victim.pid)
        yield Scene(facts, victim, outside, (tcp, unix), mark)


def _wait_for(pid: int) -> None:
    """Wait until the victim runs under its own command line."""
    deadline = time.monotonic() + 5
    while b"read line" not in Path(f"/proc/{pid}/cmdline").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.001)
