"""`metrics.jsonl`: one JSON object a line, on the disk when it is reported, and readable after a kill in mid-line.

Numbers that are not finite become null, because JSON has no word for them. Operating-system errors pass through:
`proctor.training.run_directory` says what they mean for a run.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proctor.errors import LearnerError
from proctor.training import durable


def append_row(path: Path, row: Mapping[str, float]) -> None:
    """Add a row; on return it is on the disk.

    Raises:
        OSError: it could not be written; the file is what it was before.
    """
    line = json.dumps({name: _finite(value) for name, value in row.items()}, allow_nan=False) + "\n"
    is_new = not path.exists()
    with path.open("ab", buffering=0) as file:
        size_bytes = file.tell()
        try:
            _write_all(file.fileno(), line.encode())
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size_bytes)
            raise
    if is_new:
        durable.sync(path.parent)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All whole rows. A last line that a kill cut short is left out.

    Raises:
        LearnerError: another line is not an object with a step; the message names file and line.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        row = _parse(line)
        if row is not None:
            rows.append(row)
        elif number < len(lines):  # only what follows the last newline may be torn
            raise LearnerError(f"{path}, line {number} is corrupt: expected a JSON object with a step, found {line[:60]!r}. Restore or remove that line")
    return rows


def keep_rows(path: Path, *, before_step: int) -> None:
    """Rewrite the file, at once, with only the rows of steps before `before_step`.

    Raises:
        LearnerError: a line is corrupt.
        OSError: it could not be written; the file is what it was before.
    """
    kept = [json.dumps(row) + "\n" for row in read_rows(path) if row["step"] < before_step]
    if path.exists():
        durable.write_atomic(path, "".join(kept).encode())


def drop_torn_line(path: Path) -> None:
    """Cut off what follows the last newline, so that the next row does not continue a torn one."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole == len(content):
        return
    tail = content[whole:]
    durable.write_atomic(path, content + b"\n" if _parse(tail) is not None else content[:whole])


def _write_all(descriptor: int, content: bytes) -> None:
    """Write everything, or raise: near the end of a disk `write` takes a part and reports no error."""
    while content:
        content = content[os.write(descriptor, content) :]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None


def _finite(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
