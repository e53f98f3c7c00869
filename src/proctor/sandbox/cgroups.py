"""Memory and process limits for a whole sandbox, where this process may make control groups; absent elsewhere.

Resource limits count each process by itself; a group counts them together. Version 1 and version 2 hierarchies.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from functools import cache
from pathlib import Path

JOIN = ("/bin/sh", "-c", 'until [ "$1" = -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"', "sh")
"""Before files of `Cgroup.members`, "--" and a command: the command runs in the group."""
ROOT = Path("/sys/fs/cgroup")
OVERHEAD_BYTES = 64 << 20  # the harness, and pages of the file systems in memory
OVERHEAD_PROCESSES = 4  # the harness, and bubblewrap

_numbers = itertools.count()


class Cgroup:
    """One group for one sandbox."""

    def __init__(self, directories: dict[str, Path]) -> None:
        self._directories = directories
        self._limits = (0, 0)

    @property
    def members(self) -> list[str]:
        """Files to which a process writes its number to join."""
        return [str(directory / "cgroup.procs") for directory in dict.fromkeys(self._directories.values())]

    def set_limits(self, memory_bytes: int, num_processes: int) -> None:
        """Bound what all processes of the group use together."""
        if (memory_bytes, num_processes) == self._limits:
            return
        memory = self._directories["memory"]
        name = "memory.max" if (memory / "memory.max").exists() else "memory.limit_in_bytes"
        with contextlib.suppress(OSError):  # more is in use than the new limit: the limits of each process still hold
            (memory / name).write_text(str(memory_bytes + OVERHEAD_BYTES))
            (self._directories["pids"] / "pids.max").write_text(str(num_processes + OVERHEAD_PROCESSES))
        self._limits = (memory_bytes, num_processes)

    def set_process_limit(self, num_processes: int) -> None:
        """Bound the number of processes and threads alone."""
        (self._directories["pids"] / "pids.max").write_text(str(num_processes))

    def kill(self) -> None:
        """Kill every process of the group, those included that left the process group of the first."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            members = (self._directories["pids"] / "cgroup.procs").read_text().split()
            if not members:
                return
            for pid in members:
                if pid == "0":  # of another namespace; zero would mean this process's own group
                    continue
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.001)

    def remove(self) -> None:
        """Remove the group; its processes must have been killed, and are waited for."""
        deadline = time.monotonic() + 5
        for directory in dict.fromkeys(self._directories.values()):
            while time.monotonic() < deadline:
                try:
                    directory.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.001)


def make_cgroup() -> Cgroup | None:
    """Return a new group, or None where groups cannot be made."""
    parents = _parents()
    if parents is None:
        return None
    name = f"proctor-{os.getpid()}-{next(_numbers)}"
    try:
        directories = {controller: parent / name for controller, parent in parents.items()}
        for directory in dict.fromkeys(directories.values()):
            directory.mkdir()
    except OSError:
        return None
    return Cgroup(directories)


@cache
def _parents() -> dict[str, Path] | None:
    """Find where groups with memory and process limits can be made; tried once."""
    found: dict[str, Path] = {}
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in ("memory", "pids"):
            if controller in controllers.split(","):
                found[controller] = ROOT / controllers / path.lstrip("/")
            elif not controllers:
                found.setdefault(controller, ROOT / path.lstrip("/"))
    probe = f"proctor-probe-{os.getpid()}"
    for controller, limit in (("memory", ("memory.max", "memory.limit_in_bytes")), ("pids", ("pids.max",))):
        directory = found.get(controller, ROOT / "absent") / probe
        try:
            directory.mkdir()
        except OSError:
            return None
        is_limited = any(os.access(directory / name, os.W_OK) for name in limit)
        directory.rmdir()
        if not is_limited:
            return None
        _sweep(directory.parent)
    return found


def _sweep(parent: Path) -> None:
    """Remove the groups of processes that were killed before they could."""
    for directory in parent.glob("proctor-[0-9]*-[0-9]*"):
        if not Path("/proc", directory.name.split("-")[1]).exists():
            with contextlib.suppress(OSError):
                directory.rmdir()
