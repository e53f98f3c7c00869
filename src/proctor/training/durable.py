"""Files and directories that are either wholly there or not there at all, whenever the process is killed.

Everything is written beside its place under a hidden temporary name, forced to the disk, and renamed into place. What a
killed process leaves behind is recognised by name and cleared by `repair`. Nothing here knows what is in the files, and
operating-system errors pass through: `proctor.training.run_directory` says what they mean for a run.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_REPLACED = re.compile(r"\.(?P<name>.+)\.old")


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path`: after a kill or a power cut there is the old file or the new one, never a part.

    Raises:
        OSError: it could not be written; `path` is what it was before.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def publish_directory(path: Path) -> Iterator[Path]:
    """Fill a directory out of sight, then let it appear at `path` at once, in the place of any older one.

    A kill between the two renames that replace an older directory leaves it under a hidden name; `repair` puts it back.

    Yields:
        The hidden directory to write into.

    Raises:
        OSError: it could not be written; `path` is what it was before.
    """
    temporary = _temporary(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        _sync_tree(temporary)
        _replace_directory(path, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_directory(path: Path) -> None:
    """Delete a directory so that a kill half-way leaves nothing under its own name."""
    doomed = _temporary(path)
    path.rename(doomed)
    sync(path.parent)
    shutil.rmtree(doomed)


def repair(directory: Path) -> None:
    """Clear what a killed process left in `directory` (not below it): restore what it was replacing, delete its temporaries.

    Only for the one process that may write there: the temporaries of a living one look the same.
    """
    for entry in sorted(directory.iterdir()):
        if replaced := _REPLACED.fullmatch(entry.name):
            _restore(entry, entry.with_name(replaced["name"]))
        elif is_leftover(entry):
            _delete(entry)


def is_leftover(path: Path) -> bool:
    """Whether the name is one that only an unfinished write carries."""
    return _TEMPORARY.fullmatch(path.name) is not None


def sync(path: Path) -> None:
    """Force a file's content, or a directory's names (a power cut may undo a rename otherwise), to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _replace_directory(path: Path, new: Path) -> None:
    old = path.with_name(f".{path.name}.old")
    if path.exists():
        _delete(old)
        path.rename(old)
    try:
        new.rename(path)
    except BaseException:
        if old.exists():
            old.rename(path)
        raise
    sync(path.parent)
    _delete(old)


def _restore(old: Path, path: Path) -> None:
    if path.exists():
        _delete(old)
    else:
        old.rename(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_tree(directory: Path) -> None:
    for folder, _, files in os.walk(directory):
        for name in files:
            sync(Path(folder, name))
        sync(Path(folder))
