"""`metrics.jsonl` followed from where reading stopped: a torn last line waits for its end, a corrupt one is counted and named."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_READ_BYTES = 8 * 2**20


@dataclass(slots=True)
class MetricsTail:
    """The numbers of a metrics file as columns, added to by `refresh`.

    Attributes:
        path: of the file; it need not exist yet.
        steps: of the rows, in file order.
        columns: one list a metric, as long as `steps`; None where a row lacks it or it was not finite.
        problem: what could not be read; empty where everything could.
    """

    path: Path
    steps: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    problem: str = ""
    _position: int = 0
    _identity: int = 0
    _num_lines: int = 0

    def refresh(self) -> bool:
        """Read what was added, or all of it again where the file was replaced (a resume drops steps). True if anything changed."""
        try:
            stat = self.path.stat()
        except OSError:
            changed = bool(self.steps) or self.problem != "there is no metrics.jsonl yet"
            self._forget()
            self._identity = 0
            self.problem = "there is no metrics.jsonl yet"
            return changed
        replaced = stat.st_ino != self._identity or stat.st_size < self._position
        if replaced:
            self._forget()
            self._identity = stat.st_ino
        before = self._num_lines
        with self.path.open("rb") as file:
            file.seek(self._position)
            self._read(iter(lambda: file.read(_READ_BYTES), b""))
        return replaced or self._num_lines != before

    def column(self, name: str) -> Sequence[float | None]:
        """One metric; all None where the run does not log it."""
        return self.columns.get(name) or [None] * len(self.steps)

    def _read(self, pieces: Iterator[bytes]) -> None:
        rest = b""
        for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._position += len(line) + 1
                self._add(line)

    def _add(self, line: bytes) -> None:
        self._num_lines += 1
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or type(row.get("step")) is not int:
            if line.strip():
                self.problem = f"metrics.jsonl, line {self._num_lines} is no row and was left out"
            return
        length = len(self.steps)
        self.steps.append(row["step"])
        for name in row.keys() - {"step"}:
            self.columns.setdefault(name, [None] * length)
        for name, column in self.columns.items():
            column.append(_number(row.get(name)))

    def _forget(self) -> None:
        self.steps, self.columns, self.problem = [], {}, ""
        self._position = self._num_lines = 0


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
