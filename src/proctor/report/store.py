"""Rollouts asked for with SQL where they lie, in their Parquet files.

DuckDB reads only the columns and row groups that a question needs, within a memory limit, so a run of a million rollouts costs no more to
open than one of a hundred. A listing is answered in two passes, keys first and texts of one page after, because texts are what is large.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from proctor.errors import ConfigError, LearnerError
from proctor.report.query import EVERYTHING, Condition
from proctor.report.rules import IS_CORRECT
from proctor.report.run_files import StepFile

_MEMORY_LIMIT = "256MB"
SNIPPET_CHARACTERS = 240
_REPAIR_ROWS = 256

_SCORES = "STRUCT(name VARCHAR, outcome VARCHAR, value DOUBLE, weight DOUBLE, extracted VARCHAR, reason VARCHAR)[]"
COLUMNS: Mapping[str, str] = {
    "step": "INTEGER",
    "task_id": "VARCHAR",
    "source": "VARCHAR",
    "group": "INTEGER",
    "index": "INTEGER",
    "status": "VARCHAR",
    "reward": "DOUBLE",
    "advantage": "DOUBLE",
    "prompt_text": "VARCHAR",
    "text": "VARCHAR",
    "answer": "VARCHAR",
    "info": "VARCHAR",
    "finish_reason": "VARCHAR",
    "num_completion_tokens": "INTEGER",
    "num_turns": "INTEGER",
    "policy_version": "INTEGER",
    "prompt_ids": "INTEGER[]",
    "token_ids": "INTEGER[]",
    "completion_mask": "BOOLEAN[]",
    "scores": _SCORES,
    "metrics": "STRUCT(name VARCHAR, value DOUBLE)[]",
    "extra": "STRUCT(name VARCHAR, text VARCHAR)[]",
}
TOKEN_COLUMNS = ("behavior_logprobs", "logprobs", "old_logprobs", "ref_logprobs", "entropies", "advantages")
"""Numbers for each token; a run has those that its version of Proctor wrote."""

Order = Literal["place", "reward", "reward_desc", "advantage", "advantage_desc", "length", "length_desc"]
_ORDERS: Mapping[Order, str] = {
    "place": 'step, "group", "index"',
    "reward": 'reward NULLS LAST, step, "group", "index"',
    "reward_desc": 'reward DESC NULLS LAST, step, "group", "index"',
    "advantage": 'advantage NULLS LAST, step, "group", "index"',
    "advantage_desc": 'advantage DESC NULLS LAST, step, "group", "index"',
    "length": 'num_completion_tokens NULLS LAST, step, "group", "index"',
    "length_desc": 'num_completion_tokens DESC NULLS LAST, step, "group", "index"',
}
ORDERS: tuple[Order, ...] = tuple(_ORDERS)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which rollout of a run."""

    step: int
    group: int
    index: int

    def __str__(self) -> str:
        return f"{self.step}/{self.group}/{self.index}"


@dataclass(frozen=True, slots=True)
class Row:
    """A rollout in a listing.

    Attributes:
        key: which one.
        task_id, source, status, reward, advantage, num_completion_tokens, num_turns: as in the table; None where a run lacks them.
        is_correct: what the verifiers said together; None where that cannot be said.
        outcomes: of each verifier, in order.
        snippet: the beginning of the completion.
        prompt: the beginning of the prompt.
        num_characters: of the whole completion.
    """

    key: Key
    task_id: str
    source: str
    status: str
    reward: float | None
    advantage: float | None
    num_completion_tokens: int | None
    num_turns: int | None
    is_correct: bool | None
    outcomes: tuple[str | None, ...]
    snippet: str
    prompt: str
    num_characters: int


class Store:
    """Questions to Parquet files. One for a process; every call may come from another thread."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="proctor-view-")
        self._database = duckdb.connect(
            config={"memory_limit": _MEMORY_LIMIT, "threads": 2, "temp_directory": self._scratch.name, "autoinstall_known_extensions": "false"}
        )
        self._database.execute("SET parquet_metadata_cache = true")
        self._repaired: dict[tuple[Path, tuple[int, int, int]], Path] = {}

    def close(self) -> None:
        """Let go of the database and of the repaired copies."""
        self._database.close()
        self._scratch.cleanup()

    def ask(self, files: Sequence[StepFile], sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a SELECT over `rollouts`, the rows of all `files` with every column of `COLUMNS` (NULL where a file lacks it).

        Args:
            files: to look in; none gives no rows.
            sql: what follows the definition of `rollouts`. Never from outside: values come as `parameters`.
            parameters: for each `?` in `sql`.

        Raises:
            LearnerError: a file vanished or cannot be read.
        """
        if not files:
            return []
        for _ in range(len(files) + 1):
            head, paths = self._head(files)
            try:
                with self._database.cursor() as cursor:
                    return cursor.execute(head + sql, [paths, *parameters]).fetchall()
            except duckdb.InvalidInputException as error:
                if not self._repair(files, str(error)):
                    raise LearnerError(f"the rollouts cannot be read: {error}") from error
            except duckdb.ProgrammingError:
                raise  # the question itself is wrong, which is a fault of this program
            except duckdb.Error as error:
                raise LearnerError(f"the rollouts cannot be read: {str(error).splitlines()[0]}") from error
        raise LearnerError("the rollouts cannot be read: their texts are no Unicode")

    def keys(self, files: Sequence[StepFile], where: Condition, *, order: Order, limit: int, offset: int = 0) -> list[Key]:
        """One page of the rollouts that meet a condition."""
        sql = f'SELECT step, "group", "index" FROM rollouts WHERE {where.sql} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?'
        return [Key(*row) for row in self.ask(files, sql, [*where.parameters, limit, offset])]

    def count(self, files: Sequence[StepFile], where: Condition) -> int:
        """How many rollouts meet a condition."""
        if where == EVERYTHING:
            return sum(file.num_rollouts for file in files)
        found = self.ask(files, f"SELECT count(*) FROM rollouts WHERE {where.sql}", where.parameters)
        return found[0][0] if found else 0

    def rows(self, files: Mapping[int, StepFile], keys: Sequence[Key], *, num_characters: int = SNIPPET_CHARACTERS) -> list[Row]:
        """The listing of these rollouts, in their order, with the first `num_characters` of each completion; those that are gone are left out."""
        wanted = [files[step] for step in sorted({key.step for key in keys}) if step in files]
        sql = f"""SELECT step, "group", "index", task_id, source, status, reward, advantage, num_completion_tokens, num_turns, {IS_CORRECT},
            list_transform(scores, lambda s: s.outcome), left(text, {int(num_characters)}), left(prompt_text, {SNIPPET_CHARACTERS}), length(text)
            FROM rollouts WHERE list_contains(?::VARCHAR[], concat_ws('/', step, "group", "index"))"""
        found = {Key(*row[:3]): row for row in self.ask(wanted, sql, [[str(key) for key in keys]])}
        return [_row(key, found[key]) for key in keys if key in found]

    def _head(self, files: Sequence[StepFile]) -> tuple[str, list[str]]:
        """The definition of `rollouts`, with one `?` for the paths."""
        present = frozenset[str]().union(*(file.columns for file in files))
        is_uniform = all(file.columns == files[0].columns for file in files)
        known = {**COLUMNS, **dict.fromkeys(TOKEN_COLUMNS, "FLOAT[]")}
        columns = ", ".join(f'"{name}"' if name in present else f'NULL::{kind} AS "{name}"' for name, kind in known.items())
        union = "" if is_uniform else ", union_by_name = true"
        paths = [_literal(self._repaired.get((file.path, file.stamp), file.path)) for file in files]
        return f"WITH rollouts AS (SELECT {columns} FROM read_parquet(?{union})) ", paths

    def _repair(self, files: Sequence[StepFile], message: str) -> bool:
        """Copy the file whose texts are no Unicode, with U+FFFD in their place, and use the copy from now on. False if that was not it."""
        if "Invalid string encoding" not in message:
            return False
        for file in files:
            if f'"{file.path}"' in message and (file.path, file.stamp) not in self._repaired:
                copy = Path(self._scratch.name) / f"repaired-{len(self._repaired)}.parquet"
                _copy_as_unicode(file.path, copy)
                self._repaired[(file.path, file.stamp)] = copy
                return True
        return False


def _literal(path: Path) -> str:
    """The path so that DuckDB, which reads `*`, `?` and `[` in it as a pattern, finds this one file."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _row(key: Key, values: tuple[Any, ...]) -> Row:
    _, _, _, task_id, source, status, reward, advantage, num_tokens, num_turns, is_correct, outcomes, snippet, prompt, num_characters = values
    return Row(
        key,
        task_id or "",
        source or "",
        status or "",
        reward,
        advantage,
        num_tokens,
        num_turns,
        is_correct,
        tuple(outcomes or ()),
        snippet or "",
        prompt or "",
        num_characters or 0,
    )


def _copy_as_unicode(path: Path, copy: Path) -> None:
    """The same table with every invalid byte of its texts replaced, written in pieces."""
    source = pq.ParquetFile(path)
    with suppress(StopIteration), pq.ParquetWriter(copy, source.schema_arrow) as writer:
        for batch in _batches(source):
            writer.write_batch(batch)


def _batches(source: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for batch in source.iter_batches(batch_size=_REPAIR_ROWS):
        yield pa.RecordBatch.from_arrays([_map_text(column, _valid) for column in batch.columns], schema=batch.schema)


def _map_text(column: pa.Array, change: Callable[[bytes], bytes]) -> pa.Array:
    """The column with its texts changed, those inside lists and structs included."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        binary = column.cast(pa.binary() if pa.types.is_string(kind) else pa.large_binary())
        return pa.array([None if value is None else change(value).decode() for value in binary.to_pylist()], kind)
    if pa.types.is_struct(kind):
        fields = [_map_text(field, change) for field in column.flatten()]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=column.is_null())
    if pa.types.is_list(kind) and not (pa.types.is_primitive(kind.value_type)):
        mask = column.is_null() if column.null_count else None
        return pa.ListArray.from_arrays(_rebased(column), _map_text(column.flatten(), change), type=kind, mask=mask)
    return column


def _rebased(column: pa.ListArray) -> pa.Array:
    """Offsets of a list column that begin at 0, also for a slice."""
    lengths = [0 if value is None else value for value in column.value_lengths().to_pylist()]
    total, offsets = 0, [0]
    for length in lengths:
        total += length
        offsets.append(total)
    return pa.array(offsets, pa.int32())


def _valid(raw: bytes) -> bytes:
    return raw.decode("utf-8", "replace").encode()


def checked_order(name: str) -> Order:
    """The order of that name.

    Raises:
        ConfigError: there is none.
    """
    for order in ORDERS:
        if order == name:
            return order
    raise ConfigError(f"rollouts cannot be ordered by {name!r}; orders are {', '.join(ORDERS)}")
