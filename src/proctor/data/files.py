"""Rows out of JSONL, JSON, CSV and Parquet files, each with the place it stands at, so that an error can name it.

For training, files are read whole: a data set of prompts fits in memory many times over. Curation reads them row by row.
Nothing here knows what a column means.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.errors import TaskError

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
"""The kinds of file that are read."""
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands.

    Attributes:
        values: column name -> value.
        place: for messages: `"train.jsonl:3"` (line), `"train.parquet: row 3"`, both counted from 1.
    """

    values: Mapping[str, Any]
    place: str


def read_rows(path: Path, *, name: str) -> list[Row]:
    """Read every row of a file; the suffix says how.

    Args:
        path: the file.
        name: what the user calls it, for messages.

    Returns:
        At least one row.

    Raises:
        TaskError: the file is missing, empty, or malformed at a place that the message names.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else f"does not exist (looked in {Path.cwd()})"
        raise TaskError(f"data file {name} {what}; give the path of a {', '.join(SUFFIXES)} file")
    try:
        rows = _READERS[path.suffix.lower()](path, name)
    except OSError as error:
        raise TaskError(f"data file {name} cannot be read: {error.strerror or error}") from error
    if not rows:
        raise TaskError(f"data file {name} is empty: it holds no rows")
    return rows


def iter_rows(path: Path, *, name: str) -> Iterator[Row]:
    """Read the rows of a file one after another, without holding them: JSON Lines, CSV and Parquet of any size.

    A `.json` file is read whole, since an array has no lines. Same rows, places and errors as `read_rows`; an error at a
    later place comes after the rows before it.

    Args:
        path: the file.
        name: what the user calls it, for messages.

    Raises:
        TaskError: as `read_rows`.
    """
    stream = _STREAMS.get(path.suffix.lower())
    if stream is None or not path.is_file():
        yield from read_rows(path, name=name)
        return
    is_empty = True
    try:
        for row in stream(path, name):
            is_empty = False
            yield row
    except OSError as error:
        raise TaskError(f"data file {name} cannot be read: {error.strerror or error}") from error
    if is_empty:
        raise TaskError(f"data file {name} is empty: it holds no rows")


def _text(path: Path, name: str) -> str:
    """The file as UTF-8 text, a byte-order mark dropped."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaskError(f"{name}:{line}: not valid UTF-8 at byte offset {error.start} ({error.reason}); convert the file to UTF-8") from error


def _parse_json(text: str, *, place: str) -> Any:
    """One JSON value, or a TaskError that says where and why not."""
    try:
        return json.loads(text)
    except RecursionError:
        raise TaskError(f"{place}: malformed JSON: nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, and integers too long to convert
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise TaskError(f"{place}: malformed JSON: {reason}") from error


def _object(value: Any, *, place: str, has_surrogates: bool) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TaskError(f'{place}: a row must be a JSON object such as {{"prompt": ..., "answer": ...}}; this one is a {type(value).__name__}')
    if has_surrogates:  # an escaped half pair is legal JSON, and no text: it could be neither tokenised nor written again
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise TaskError(f"{place}: the escape \\u{ord(error.object[error.start]):04x} is half of a surrogate pair, no character") from error
    return value


def _may_have_surrogates(text: str) -> bool:
    return "\\ud" in text or "\\uD" in text


def _jsonl_rows(text: str, name: str) -> Iterator[Row]:
    # Not splitlines(): U+2028 and its like are legal inside JSON strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{name}:{number}"
            yield Row(_object(_parse_json(line, place=place), place=place, has_surrogates=_may_have_surrogates(line)), place)


def _read_jsonl(path: Path, name: str) -> list[Row]:
    return list(_jsonl_rows(_text(path, name), name))


def _read_json(path: Path, name: str) -> list[Row]:
    """An array of objects; anything else is read as JSON Lines, which many tools write under this suffix."""
    text = _text(path, name)
    if not text.lstrip().startswith("["):
        return list(_jsonl_rows(text, name))
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise TaskError(f"{name}:{error.lineno}: malformed JSON: {error.msg} at column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise TaskError(f"{name}: malformed JSON: {error}") from error
    suspicious = _may_have_surrogates(text)
    places = (f"{name}: row {number}" for number in range(1, len(values) + 1))
    return [Row(_object(value, place=place, has_surrogates=suspicious), place) for value, place in zip(values, places, strict=True)]


def _stream_jsonl(path: Path, name: str) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise TaskError(f"{name}:{number}: not valid UTF-8 in this line ({error.reason}); convert the file to UTF-8") from error
            text = text.removeprefix("\ufeff") if number == 1 else text
            if text.strip():
                place = f"{name}:{number}"
                yield Row(_object(_parse_json(text, place=place), place=place, has_surrogates=_may_have_surrogates(text)), place)


def _read_csv(path: Path, name: str) -> list[Row]:
    return list(_csv_rows(io.StringIO(_text(path, name), newline=""), name))


def _stream_csv(path: Path, name: str) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _csv_rows(file, name)
    except UnicodeDecodeError as error:
        raise TaskError(f"{name}: not valid UTF-8 ({error.reason}); convert the file to UTF-8") from error


def _csv_rows(text: Iterable[str], name: str) -> Iterator[Row]:
    """Comma-separated with a header line; every value is text, and an empty cell is None."""
    reader = csv.reader(text, strict=True)
    try:
        header = [column.strip() or f"unnamed_{index}" for index, column in enumerate(next(reader, []))]
        if len(set(header)) != len(header):
            twice = sorted({column for column in header if header.count(column) > 1})
            raise TaskError(f"{name}:1: two columns of the same name: {', '.join(twice)}")
        first_line = reader.line_num + 1
        for cells in reader:
            if cells:
                place = f"{name}:{first_line}"
                if len(cells) != len(header):
                    raise TaskError(f"{place}: {len(cells)} cells where the header has {len(header)}; quote cells that contain commas or line breaks")
                yield Row({column: cell or None for column, cell in zip(header, cells, strict=True)}, place)
            first_line = reader.line_num + 1
    except csv.Error as error:
        raise TaskError(f"{name}:{reader.line_num}: malformed CSV: {error}") from error


def _read_parquet(path: Path, name: str) -> list[Row]:
    return list(_stream_parquet(path, name))


def _stream_parquet(path: Path, name: str) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                for value in batch.to_pylist():
                    number += 1
                    yield Row(value, f"{name}: row {number}")
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise TaskError(f"{name} is not a readable Parquet file: {error}") from error


_READERS = {".jsonl": _read_jsonl, ".json": _read_json, ".csv": _read_csv, ".parquet": _read_parquet}
_STREAMS = {".jsonl": _stream_jsonl, ".csv": _stream_csv, ".parquet": _stream_parquet}
