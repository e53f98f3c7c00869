"""Whether a checkpoint is whole: the list of its files and their sizes, written into it last.

A rename publishes a checkpoint only when it is complete; this list catches what happens to it afterwards (a copy that was
cut short, a disk that filled up under a synchronising tool). It does not read or understand the files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

INDEX_NAME = "complete.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        step: steps that were done when it was written; the next one to do.
        path: its directory.
        problem: why it cannot be used; None for a complete one.
    """

    step: int
    path: Path
    problem: str | None = None


def seal_checkpoint(directory: Path, step: int) -> None:
    """List the files of a checkpoint that has just been written, with their sizes in bytes."""
    sizes = {path.relative_to(directory).as_posix(): path.stat().st_size for path in sorted(directory.rglob("*")) if path.is_file()}
    (directory / INDEX_NAME).write_text(json.dumps({"step": step, "size_bytes": sizes}, indent=2) + "\n", encoding="utf-8")


def read_checkpoint(path: Path, step: int) -> Checkpoint:
    """Compare a checkpoint with its list.

    Args:
        path: its directory.
        step: what its name says.
    """
    return Checkpoint(step, path, _problem(path, step))


def _problem(path: Path, step: int) -> str | None:
    index = path / INDEX_NAME
    try:
        listed = json.loads(index.read_text(encoding="utf-8"))
        if listed["step"] != step:
            return f"{INDEX_NAME} is of step {listed['step']}"
        for name, size_bytes in listed["size_bytes"].items():
            file = path / name
            if not file.is_file():
                return f"{name} is missing"
            if file.stat().st_size != size_bytes:
                return f"{name} is torn ({file.stat().st_size} of {size_bytes} bytes)"
    except FileNotFoundError:
        return f"it is not complete ({INDEX_NAME} is missing)"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{INDEX_NAME} cannot be read ({type(error).__name__})"
    return None
