"""The work directory of a sandboxed program: fill it, read results back, empty it, whatever the program left there.

Sent into sandboxes as code (see `proctor.sandbox.inside`), so it needs the standard library alone.
"""

from __future__ import annotations

import os
import stat


def write_files(work: str, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = os.path.join(work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        try:
            write_all(fd, content)
        finally:
            os.close(fd)


def read_output(work: str, name: str, max_bytes: int) -> bytes | None:
    """Read a regular file, no part of whose path is a link; None if it is anything else."""
    fds = []
    try:
        fds.append(os.open(work, os.O_RDONLY | os.O_DIRECTORY))
        *parents, last = name.split("/")
        for parent in parents:
            fds.append(os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fds[-1]))
        fds.append(os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fds[-1]))
        found = os.fstat(fds[-1])
        if not stat.S_ISREG(found.st_mode) or found.st_size > max_bytes:
            return None
        with os.fdopen(fds.pop(), "rb") as file:
            return file.read(max_bytes + 1)
    except OSError:
        return None
    finally:
        for fd in fds:
            os.close(fd)


def empty_directory(path: str) -> bool:
    """Remove everything in a directory, however deep, without recursion and without following links; False if something stays.

    It walks down and up again through open directories, so no path is ever longer than one name. Whoever could move
    directories meanwhile must be dead.
    """
    try:
        at = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    above: list[str] = []
    try:
        pending = [_remove_files(at)]
        while pending:
            if pending[-1]:
                name = pending[-1].pop()
                os.chmod(name, 0o700, dir_fd=at)
                at = _moved(at, name)
                above.append(name)
                pending.append(_remove_files(at))
            elif above:
                at = _moved(at, "..")
                pending.pop()
                os.rmdir(above.pop(), dir_fd=at)
            else:
                return True
        return True
    except OSError:
        return False
    finally:
        os.close(at)


def _remove_files(directory: int) -> list[str]:
    """Remove what is no directory; return the names of those that are."""
    found: list[str] = []
    for name in os.listdir(directory):
        if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            found.append(name)
        else:
            os.unlink(name, dir_fd=directory)
    return found


def _moved(directory: int, name: str) -> int:
    """Open a neighbour of an open directory instead of it."""
    other = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
    os.close(directory)
    return other


def write_all(fd: int, content: bytes) -> None:
    """Write all of it to a blocking descriptor."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
