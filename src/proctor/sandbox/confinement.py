"""What each layer puts between a program and the machine: the command line that starts it, and the settings it applies to itself.

L0 (plain) is a fresh interpreter with limits; L1 (namespace) puts bubblewrap before it; L2 (landlock) a kernel domain around
each job. Nothing here starts a process.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.errors import SandboxError
from proctor.sandbox.base import MEBIBYTE, ExecLimits, Layer
from proctor.sandbox.confine import LANDLOCK_CREATE_RULESET
from proctor.sandbox.seccomp import landlock_filter, machine, namespace_filter

MIN_LANDLOCK = 3
"""Before this version (kernel 6.2) Landlock lets a program truncate files that it may only read."""
SIGNAL_SCOPE = 6  # the version (kernel 6.12) that confines signals and abstract sockets
READ, WRITE, IOCTL = 0b1101, 0b1_1111_1111_0010, 1 << 15  # execute, read file, read directory; write file, remove, make (all kinds)
REFER, TRUNCATE = 1 << 13, 1 << 14
OF_FILES = 0b111 | TRUNCATE | IOCTL  # rights that exist for a file that is no directory
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_spare = itertools.count()


@dataclass(frozen=True, slots=True)
class Confinement:
    """How one sandbox is started.

    Attributes:
        prefix: what stands before the interpreter's command line.
        settings: what the harness applies to itself and to every job (`proctor.sandbox.inside`).
        uid: user that the program becomes; None where it keeps the caller's.
    """

    prefix: tuple[str, ...]
    settings: dict[str, Any]
    uid: int | None


@dataclass(frozen=True, slots=True)
class Visible:
    """Parts of the machine that a sandboxed program may read, besides /usr.

    Attributes:
        python: the interpreter's executable.
        paths: files and directories.
    """

    python: str
    paths: tuple[str, ...]


def visible(paths: tuple[str, ...] = ()) -> Visible:
    """Return the interpreter of this process, without its virtual environment, and further paths to be read."""
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    prefixes = {os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)}
    own = [path for path in sorted(prefixes | {python}) if not any(Path(path).is_relative_to(root) for root in ("/usr", *(prefixes - {path})))]
    return Visible(python, (*own, *paths))


def confine(layer: Layer, seen: Visible, limits: ExecLimits, work: str | None) -> Confinement:
    """Return how a sandbox of a layer is started.

    Args:
        layer: PLAIN, NAMESPACE or LANDLOCK.
        seen: what it may read.
        limits: for the size of its own file systems.
        work: directory of the host to work in; None in the NAMESPACE layer, which has its own.

    Raises:
        SandboxError: this machine lacks what the layer needs.
    """
    uid = _spare_uid() if os.geteuid() == 0 else None
    is_reachable = all(_is_open_to_others(path) for path in seen.paths)
    settings: dict[str, Any] = {"uid": uid, "keep_search": False, "landlock": None, "filter": b"", "directories": [work]}
    if layer is Layer.PLAIN:
        return Confinement((), settings | {"keep_search": uid is not None and not is_reachable}, uid)
    if layer is Layer.LANDLOCK:
        assert work is not None
        version = landlock_version()
        is_scoped = version >= SIGNAL_SCOPE
        rules = {"landlock": _landlock_rules(version, seen, work), "filter": landlock_filter(machine(), is_signal_scoped=is_scoped)}
        return Confinement((), settings | rules | {"keep_search": uid is not None and not is_reachable}, uid)
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxError("bubblewrap is not installed; install it: apt install bubblewrap (or dnf, apk, pacman: the package has the same name)")
    settings |= {"filter": namespace_filter(machine()), "directories": ["/tmp", "/dev/shm"]}
    setpriv = shutil.which("setpriv")
    if uid is not None and is_reachable and setpriv is not None:  # the namespaces themselves are made without root
        drop = (setpriv, f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
        return Confinement((*drop, bwrap, *_user_namespace(), *_bubblewrap(seen, limits)), settings | {"uid": None}, uid)
    if uid is not None:  # made by root, for an interpreter that only root can reach; the harness then gives root up
        return Confinement((bwrap, *_ROOT, *_bubblewrap(seen, limits)), settings, uid)
    return Confinement((bwrap, *_user_namespace(), *_bubblewrap(seen, limits)), settings, None)


_ROOT = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--unshare-cgroup-try")


def _user_namespace() -> tuple[str, ...]:
    return ("--unshare-user", "--uid", "65534", "--gid", "65534", "--disable-userns", "--cap-drop", "ALL", "--unshare-cgroup-try")


def _bubblewrap(seen: Visible, limits: ExecLimits) -> Iterator[str]:
    """Yield the arguments: every namespace, a root that holds nothing but what is read, and two small writable file systems."""
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--hostname", "sandbox")
    yield from ("--die-with-parent", "--new-session", "--as-pid-1", "--clearenv")
    for path in SYSTEM:
        if Path(path).is_symlink():
            yield from ("--symlink", str(Path(path).readlink()), path)
        elif Path(path).exists():
            yield from ("--ro-bind", path, path)
    for path in (*SETTINGS, *seen.paths):
        if any(Path(path).is_relative_to(own) for own in ("/tmp", "/dev", "/proc")):
            raise SandboxError(f"{path} cannot be shown to programs: every sandbox has a /tmp, /dev and /proc of its own; move it elsewhere")
        if Path(path).exists():
            for parent in reversed(Path(path).parents[:-1]):
                if not parent.is_relative_to("/usr"):
                    yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind", path, path)
    yield from ("--proc", "/proc", "--dev", "/dev")
    for path, size in (("/dev/shm", 16 * MEBIBYTE), ("/tmp", 4 * limits.file_bytes)):
        yield from ("--perms", "1777", "--size", str(size), "--tmpfs", path)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--")


def landlock_version() -> int:
    """Return the version of Landlock that this kernel offers.

    Raises:
        SandboxError: none, or one that is too old.
    """
    try:
        version = ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    except (OSError, AttributeError):
        version = -1
    if version < MIN_LANDLOCK:
        had = "has none" if version < 0 else f"has version {version}"
        raise SandboxError(f"the layer needs Landlock version {MIN_LANDLOCK} (Linux 6.2 or later, with Landlock enabled); this kernel {had}")
    return version


def _landlock_rules(version: int, seen: Visible, work: str) -> dict[str, Any]:
    ioctl = IOCTL if version >= 5 else 0
    write = READ | WRITE | REFER | TRUNCATE | ioctl
    readable = [(path, READ) for path in (*SYSTEM, *SETTINGS, *seen.paths)]
    devices = [(path, 0b110 | ioctl) for path in DEVICES]
    return {
        "files": 0x1FFF | REFER | TRUNCATE | ioctl,
        "network": 0b11 if version >= 4 else 0,
        "scopes": 0b11 if version >= SIGNAL_SCOPE else 0,
        "num_fields": 3 if version >= SIGNAL_SCOPE else 2 if version >= 4 else 1,
        "file_rights": OF_FILES,
        "paths": [*readable, *devices, (work, write)],
    }


def _spare_uid() -> int | None:
    """Return a user id that nobody else has, one for each sandbox, so that its process limit counts its own processes only.

    None where this user namespace has no spare ids; then the program stays what the caller is.
    """
    try:
        covered = max(int(first) + int(count) for first, _, count in (line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()))
    except (OSError, ValueError):
        return None
    if covered >= 2_200_000_000:
        return 2_000_000_000 + (os.getpid() % 100_000) * 1000 + next(_spare) % 1000
    return 61_000 + (os.getpid() * 64 + next(_spare)) % 4000 if covered >= 65_536 else None


def _is_open_to_others(path: str) -> bool:
    """Whether a user without rights may read a path."""
    try:
        modes = [parent.stat().st_mode for parent in (Path(path), *Path(path).parents)]
    except OSError:
        return False
    return all(mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH) for mode in modes)
