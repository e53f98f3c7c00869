"""Sources into a base: rows one after another, columns found as in training, texts normalised where it is asked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from proctor.core import Message, Task
from proctor.data.columns import ColumnMapping, build_task, detect_columns, is_missing
from proctor.data.config import DataConfig
from proctor.data.curation.store import as_record
from proctor.data.files import Row, iter_rows
from proctor.data.loaders import LoadedTasks, load_tasks
from proctor.data.sources import Source, parse_source
from proctor.errors import TaskError

_NUM_PROBED = 2000
"""Rows by which the columns of a file are found; a column that begins later is information like any other."""
_INVISIBLE = {ord(character): None for character in "\u200b\u200c\u200d\u2060\ufeff\u00ad"}


@dataclass(frozen=True, slots=True)
class Normalise:
    """Rewrite prompts so that equal texts are equal strings; must be the first filter.

    Unicode is composed (NFC), line ends are made one kind, invisible and control characters go, and so does white space at
    the end of lines, around the text, and beyond one empty line. Letters, case and spacing inside lines stay: they may matter.
    """

    kind: ClassVar[str] = "normalise"
    version: ClassVar[int] = 1

    def text(self, text: str) -> str:
        """The text, normalised; doing it twice changes nothing."""
        if not text.isascii():
            text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.isprintable():
            text = "".join(character for character in text if character in "\n\t" or unicodedata.category(character) != "Cc")
        lines = [line.rstrip() for line in text.strip().split("\n")]
        return "\n".join(line for index, line in enumerate(lines) if line or lines[index - 1])

    def task(self, task: Task) -> Task:
        """The task with its prompt normalised, and its answer where that is a text."""
        prompt = self.text(task.prompt) if isinstance(task.prompt, str) else tuple(Message(message.role, self.text(message.content)) for message in task.prompt)
        return replace(task, prompt=prompt, answer=self.text(task.answer) if isinstance(task.answer, str) else task.answer)


@dataclass(slots=True)
class Reading:
    """What came of reading, counted while it goes on.

    Attributes:
        num_read: rows of the sources.
        unreadable: reason -> number of rows that are no task.
        examples: reason -> the first places.
        num_rewritten: rows that normalising changed.
        mappings: source -> which column became what, in words.
    """

    num_read: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    num_rewritten: int = 0
    mappings: dict[str, str] = field(default_factory=dict)


def read_sources(sources: Sequence[str], columns: Mapping[str, str], normalise: Normalise | None, seed: int, reading: Reading) -> Iterator[dict[str, Any]]:
    """The rows of a base, from all sources in order; rows that are no task are counted in `reading` and left out.

    Raises:
        ConfigError, TaskError: a source or column is unknown, a file is missing or torn. A row without a prompt or an answer is no error here.
    """
    for text in sources:
        source = parse_source(text)
        for task, place in _tasks(source, columns, seed, reading):
            changed = task if normalise is None else normalise.task(task)
            if not changed.prompt_text.strip():
                _count(reading, "the prompt is empty", place)
                continue
            reading.num_rewritten += changed.prompt != task.prompt or changed.answer != task.answer
            yield as_record(changed, place)


def _tasks(source: Source, columns: Mapping[str, str], seed: int, reading: Reading) -> Iterator[tuple[Task, str]]:
    config = DataConfig(train=source.text, columns=columns)
    if source.kind != "file":
        loaded: LoadedTasks = load_tasks(source.text, config=config, split="train", seed=seed)
        _describe(reading, source.text, loaded.mapping)
        for index, task in enumerate(loaded.tasks, start=1):
            reading.num_read += 1
            yield task, f"{source.text}: row {index}"
        return
    rows = iter_rows(Path(source.name).expanduser(), name=source.text)
    probed = list(islice(rows, _NUM_PROBED))
    mapping = detect_columns(probed, columns, name=source.text)
    _describe(reading, source.text, mapping)
    needs_answer = mapping.answer is not None or mapping.is_answer_last_message
    for index, row in enumerate(chain(probed, rows)):
        reading.num_read += 1
        task = _task(row, index, mapping, config, stem=source.stem, reading=reading)
        if task is None:
            continue
        if needs_answer and (is_missing(task.answer)):
            _count(reading, "there is no answer", row.place)
            continue
        yield task, row.place


def _task(row: Row, index: int, mapping: ColumnMapping, config: DataConfig, *, stem: str, reading: Reading) -> Task | None:
    try:
        return build_task(row, index, mapping, config, stem=stem)
    except TaskError as error:
        reason = "the prompt is empty" if "is empty" in str(error) else "the prompt is malformed"
        _count(reading, reason, str(error))
        return None


def _describe(reading: Reading, source: str, mapping: ColumnMapping | None) -> None:
    reading.mappings[source] = "generated tasks" if mapping is None else mapping.describe()


def _count(reading: Reading, reason: str, place: str) -> None:
    reading.unreadable[reason] = reading.unreadable.get(reason, 0) + 1
    examples = reading.examples.setdefault(reason, [])
    if len(examples) < 5:
        examples.append(place)
