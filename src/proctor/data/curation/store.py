"""Rows on disk: written once, read in chunks, so that a million need no more memory than a few thousand.

A `Base` is a Parquet file of rows as they were read. A `Frame` is a base with the rows that are still kept and the columns
that filters have added; a filter makes a new frame and rewrites no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from proctor.core import Message, Task
from proctor.data.loaders import plain_json
from proctor.errors import ConfigError

ROWS_PER_CHUNK = 16_384
BASE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("place", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),  # the prompt as plain text
        pa.field("messages", pa.string()),  # a conversation as JSON; null where the prompt is the text
        pa.field("answer", pa.string()),  # JSON; null where there is none
        pa.field("info", pa.string(), nullable=False),  # JSON object
    ]
)


def as_record(task: Task, place: str) -> dict[str, Any]:
    """A task as a row of a base."""
    return {
        "id": task.id,
        "source": task.source,
        "place": place,
        "text": task.prompt_text,
        "messages": None if isinstance(task.prompt, str) else json.dumps([message.as_dict() for message in task.prompt], ensure_ascii=False),
        "answer": None if task.answer is None else json.dumps(task.answer, ensure_ascii=False, default=plain_json),
        "info": json.dumps(dict(task.info), ensure_ascii=False, default=plain_json),
    }


def as_task(record: Mapping[str, Any]) -> Task:
    """The task that `as_record` made a row of."""
    messages = record["messages"]
    prompt = record["text"] if messages is None else tuple(Message(message["role"], message["content"]) for message in json.loads(messages))
    answer = None if record["answer"] is None else json.loads(record["answer"])
    return Task(record["id"], prompt, answer, json.loads(record["info"]), record["source"])


def write_base(path: Path, records: Iterable[Mapping[str, Any]]) -> int:
    """Write rows as they come; returns their number."""
    num_rows = 0
    with pq.ParquetWriter(path, BASE_SCHEMA, compression="zstd", compression_level=1) as writer:
        for part in _parts(records):
            writer.write_table(pa.Table.from_pylist(part, schema=BASE_SCHEMA), row_group_size=ROWS_PER_CHUNK)
            num_rows += len(part)
    return num_rows


def _parts(records: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    for record in records:
        part.append(record)
        if len(part) == ROWS_PER_CHUNK:
            yield part
            part = []
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some of the rows that are still kept.

    Attributes:
        rows: [R] their numbers in the base, ascending.
        columns: name -> one value a row.
    """

    rows: np.ndarray
    columns: Mapping[str, Sequence[Any]]

    def tasks(self) -> list[Task]:
        """The rows as tasks; the chunk must have been read with every column of the base."""
        names = BASE_SCHEMA.names
        return [as_task(dict(zip(names, values, strict=True))) for values in zip(*(self.columns[name] for name in names), strict=True)]


@dataclass(frozen=True, slots=True)
class Frame:
    """What has passed the filters so far.

    Attributes:
        base: the Parquet file of rows.
        kept: [N] bool, the rows of the base that are still there.
        added: column that a filter has added -> [N] its values as an Arrow array, null where a row has none.
    """

    base: Path
    kept: np.ndarray
    added: Mapping[str, pa.Array] = field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        return int(self.kept.sum())

    def chunks(self, *names: str) -> Iterator[Chunk]:
        """The kept rows in order, a few thousand at a time.

        Args:
            names: columns of the base or added ones.

        Raises:
            ConfigError: a column is neither.
        """
        known = [name for name in names if name in BASE_SCHEMA.names]
        if missing := [name for name in names if name not in BASE_SCHEMA.names and name not in self.added]:
            raise ConfigError(f"there is no column {missing[0]!r} yet; columns that filters have added so far: {', '.join(self.added) or '(none)'}")
        with pq.ParquetFile(self.base) as file:
            start = 0
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                rows = np.flatnonzero(self.kept[start : start + size])
                if len(rows):
                    yield Chunk(rows + start, self._values(file, group, start, rows, known) | self._added(names, rows + start))
                start += size

    def _values(self, file: pq.ParquetFile, group: int, start: int, rows: np.ndarray, names: Sequence[str]) -> dict[str, list[Any]]:
        if not names:
            return {}
        table = file.read_row_group(group, columns=list(names)).take(pa.array(rows))
        return {name: table.column(name).to_pylist() for name in names}

    def _added(self, names: Sequence[str], rows: np.ndarray) -> dict[str, list[Any]]:
        return {name: self.added[name].take(pa.array(rows)).to_pylist() for name in names if name not in BASE_SCHEMA.names}

    def records(self, rows: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Single rows of the base, kept or not, by number."""
        wanted = sorted(set(rows))
        found: dict[int, dict[str, Any]] = {}
        with pq.ParquetFile(self.base) as file:
            start = 0
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                here = [row for row in wanted if start <= row < start + size]
                if here:
                    table = file.read_row_group(group).take(pa.array([row - start for row in here]))
                    found |= dict(zip(here, table.to_pylist(), strict=True))
                start += size
        return found
