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

    What a directory holds is moved up into `path` before the directory is removed, so no path is ever longer than two names.
    """
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    count = 0
    try:
        while entries := os.listdir(root):
            for name in entries:
                if not stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=root)
                    continue
                os.chmod(name, 0o700, dir_fd=root)
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
                try:
                    for child in os.listdir(inner):
                        if stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                            os.chmod(child, 0o700, dir_fd=inner)
                            while os.access(f"{count}.moved", os.F_OK, dir_fd=root, follow_symlinks=False):
                                count += 1
                            os.rename(child, f"{count}.moved", src_dir_fd=inner, dst_dir_fd=root)
                            count += 1
                        else:
                            os.unlink(child, dir_fd=inner)
                finally:
                    os.close(inner)
                os.rmdir(name, dir_fd=root)
        return True
    except OSError:
        return False
    finally:
        os.close(root)


def write_all(fd: int, content: bytes) -> None:
    """Write all of it to a blocking descriptor."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]
