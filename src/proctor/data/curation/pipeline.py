"""Runs a curation: reads, filters stage by stage, writes rows and reports.

Every stage is published whole under a name that says what it depends on: the stage before it, its arguments, the content of
its files, the verifier or model it asks. A stage whose name is there already is not run again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import proctor
from proctor.data.curation.base import Filter, Removal, Solver, Tools
from proctor.data.curation.reading import Reading, read_sources
from proctor.data.curation.report import MAX_EXAMPLES, CurationReport, Example, Stage, as_html, as_json, shortened
from proctor.data.curation.sampled import Difficulty, Guessable
from proctor.data.curation.spec import CurationSpec
from proctor.data.curation.store import BASE_SCHEMA, Frame, write_base
from proctor.data.curation.words import stable_hash
from proctor.data.sources import parse_source
from proctor.errors import TaskError
from proctor.verifiers.rewards import Rewards

VERSION = 1
"""Of the cache: raised when stages are stored in another form."""
_BASE, _KEPT, _STAGE, _REMOVED = "base.parquet", "kept.npy", "stage.json", "removed.parquet"
_REMOVED_SCHEMA = pa.schema([("row", pa.int64()), ("reason", pa.dictionary(pa.int32(), pa.string())), ("detail", pa.string()), ("other", pa.int64())])
_PROVISIONAL = "provisional"
"""A file beside the result of a filter that could not judge everything."""
_MAX_VALUES = 30


@dataclass(frozen=True, slots=True)
class Outside:
    """What a curation asks for that this room cannot make.

    Attributes:
        rewards: opens a verifier, by name and arguments, in its workers.
        solver: opens the model that tries tasks.
        progress: told what is done, now and then.
    """

    rewards: Callable[[str, Mapping[str, Any]], Rewards]
    solver: Callable[[], Solver]
    progress: Callable[[str], None]


def curate(spec: CurationSpec, outside: Outside) -> CurationReport:
    """Curate, and write the output, `<output>.report.html` and `<output>.report.json`.

    Raises:
        TaskError: a filter removed everything, or refused the rows; nothing is written.
        ProctorError: of the part that does not fit.
    """
    cache = spec.cache_directory
    cache.mkdir(parents=True, exist_ok=True)
    key, frame, stage, sources = _read(spec, cache, outside)
    used, stages = [_name("read", key)], [stage]
    for one in spec.filters:
        key = _filter_key(one, key, spec, outside)
        used.append(_name(one.kind, key))
        frame, stage, key = _filtered(one, key, frame, spec, cache, outside)
        stages.append(stage)
        if not frame.num_rows:
            raise TaskError(_all_removed(stage))
    digest = _write_rows(spec.output, frame)
    report = CurationReport(str(spec.output), digest, sources, frame.num_rows, tuple(stages), _summaries(frame))
    for suffix, text in ((".report.json", as_json(report)), (".report.html", as_html(report))):
        with _published(spec.output.with_name(spec.output.name + suffix)) as file:
            file.write(text.encode("utf-8", "replace"))
    _forget_others(cache, used)
    return report


def _all_removed(stage: Stage) -> str:
    reasons = "; ".join(f"{count} {reason}" for reason, count in stage.removed.items()) or "there were none"
    examples = [f"\n  {example.place}: {example.detail or reason}" for reason, listed in stage.examples.items() for example in listed[:2]]
    return (
        f"the filter {stage.kind!r} leaves none of {stage.num_in} rows ({reasons}). Nothing is written. Loosen it or drop it. For example:{''.join(examples)}"
    )


def _name(kind: str, key: str) -> str:
    return f"{kind}-{key[:24]}"


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps([VERSION, proctor.__version__, *parts], sort_keys=True, default=str).encode()).hexdigest()


def file_hash(path: Path, *, name: str) -> str:
    """SHA-256 of a file.

    Raises:
        TaskError: it is not there or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TaskError(f"data file {name} cannot be read: {error.strerror or error}") from error


def _read(spec: CurationSpec, cache: Path, outside: Outside) -> tuple[str, Frame, Stage, dict[str, str]]:
    parsed = [parse_source(source) for source in spec.sources]
    contents = [file_hash(Path(source.name).expanduser(), name=source.text) if source.kind == "file" else [source.text, spec.seed] for source in parsed]
    key = _key("read", spec.sources, contents, dict(spec.columns), spec.normalise is not None and spec.normalise.version)
    directory = cache / _name("read", key)
    if not directory.is_dir():
        with _published_directory(directory) as draft:
            began, reading = perf_counter(), Reading()
            outside.progress("reading the sources")
            num_rows = write_base(draft / _BASE, read_sources(spec.sources, spec.columns, spec.normalise, spec.seed, reading))
            examples = {reason: tuple(Example(place) for place in places) for reason, places in reading.examples.items()}
            arguments = {"normalise": spec.normalise is not None, "num_rewritten": reading.num_rewritten}
            stage = Stage("read", arguments, reading.num_read, num_rows, dict(reading.unreadable), examples, (), perf_counter() - began)
            (draft / _STAGE).write_text(json.dumps({"stage": asdict(stage), "sources": reading.mappings}), "utf-8")
        is_cached = False
    else:
        is_cached = True
    plain = json.loads((directory / _STAGE).read_text("utf-8"))
    stage = replace(Stage.from_plain(plain["stage"]), is_cached=is_cached)
    if not stage.num_out:
        raise TaskError(_all_removed(stage))
    return key, Frame(directory / _BASE, np.ones(stage.num_out, dtype=bool)), stage, plain["sources"]


def _filter_key(one: Filter, before: str, spec: CurationSpec, outside: Outside) -> str:
    contents = [file_hash(Path(name).expanduser(), name=name) for name in one.files]
    asks: Any = None
    if isinstance(one, Difficulty | Guessable):
        asks = outside.solver().identity
    elif (verifier := getattr(one, "verifier", None)) is not None:
        with outside.rewards(verifier, getattr(one, "arguments", {})) as rewards:
            asks = rewards.source_hashes
    return _key(before, one.kind, one.version, asdict(one), contents, spec.seed, asks)  # type: ignore[call-overload]  # every filter is a dataclass


def _filtered(one: Filter, key: str, frame: Frame, spec: CurationSpec, cache: Path, outside: Outside) -> tuple[Frame, Stage, str]:
    """What a filter leaves, its report, and the key of the result: that of the filter and its input, and of the rows themselves where
    the next run may find others."""
    directory = cache / _name(one.kind, key)
    if (directory / _PROVISIONAL).exists():
        shutil.rmtree(directory)
    is_cached = directory.is_dir()
    if not is_cached:
        with _published_directory(directory) as draft, tempfile.TemporaryDirectory(dir=cache, prefix=".scratch-") as scratch:
            tools = Tools(spec.seed, Path(scratch), cache / "answers", outside.rewards, outside.solver, outside.progress)
            outside.progress(f"{one.kind}: {frame.num_rows} rows")
            _run(one, frame, tools, draft)
    stage = replace(Stage.from_plain(json.loads((directory / _STAGE).read_text("utf-8"))), is_cached=is_cached)
    added = {name: pq.read_table(directory / f"added-{name}.parquet").column(0).combine_chunks() for name in stage.added}
    left = Frame(frame.base, np.load(directory / _KEPT), {**frame.added, **added})
    if (directory / _PROVISIONAL).exists():
        key = _key(key, stable_hash(str(left.kept.tolist())), {name: stable_hash(str(column.to_pylist())) for name, column in added.items()})
    return left, stage, key


def _run(one: Filter, frame: Frame, tools: Tools, draft: Path) -> None:
    began = perf_counter()
    kept, counts = frame.kept.copy(), Counter[str]()
    examples: dict[str, list[Removal]] = {}
    columns: dict[str, list[Any]] = {}
    is_provisional = False
    with pq.ParquetWriter(draft / _REMOVED, _REMOVED_SCHEMA, compression="zstd") as writer:
        for verdicts in one.run(frame, tools):
            is_provisional |= verdicts.is_provisional
            removals = [removal for removal in verdicts.removed if kept[removal.row]]
            for removal in removals:
                kept[removal.row] = False
                counts[removal.reason] += 1
                if counts[removal.reason] <= MAX_EXAMPLES:
                    examples.setdefault(removal.reason, []).append(removal)
            if removals:
                writer.write_table(pa.Table.from_pylist([asdict(removal) for removal in removals], schema=_REMOVED_SCHEMA))
            for name, values in verdicts.added.items():
                column = columns.setdefault(name, [None] * len(kept))
                for row, value in values.items():
                    column[row] = value
    for name, values in columns.items():
        array = pa.array(values)
        pq.write_table(pa.table({name: array}), draft / f"added-{name}.parquet", compression="zstd")
    np.save(draft / _KEPT, kept)
    stage = Stage(
        one.kind,
        asdict(one),  # type: ignore[call-overload]  # every filter is a dataclass
        frame.num_rows,
        int(kept.sum()),
        dict(counts.most_common()),
        _shown(examples, frame),
        tuple(columns),
        perf_counter() - began,
    )
    (draft / _STAGE).write_text(json.dumps(asdict(stage)), "utf-8")
    if is_provisional:
        (draft / _PROVISIONAL).touch()


def _shown(examples: Mapping[str, list[Removal]], frame: Frame) -> dict[str, tuple[Example, ...]]:
    wanted = [row for listed in examples.values() for removal in listed for row in (removal.row, removal.other) if row is not None]
    records = frame.records(wanted)

    def example(removal: Removal) -> Example:
        record = records[removal.row]
        other = None if removal.other is None else records[removal.other]
        beside = "" if other is None else f"{other['place']}: {shortened(other['text'])} [{shortened(other['answer'] or 'no answer')}]"
        return Example(record["place"], shortened(record["text"]), shortened(record["answer"] or ""), shortened(removal.detail), beside)

    return {reason: tuple(example(removal) for removal in listed) for reason, listed in examples.items()}


def _write_rows(path: Path, frame: Frame) -> str:
    """Write the kept rows as JSON Lines; returns the SHA-256 of the file. An id that repeats gets the row's number behind it."""
    digest, seen = hashlib.sha256(), set[int]()
    with _published(path) as file:
        for chunk in frame.chunks(*BASE_SCHEMA.names, *frame.added):
            names = [*chunk.columns]
            for row, values in zip(chunk.rows, zip(*chunk.columns.values(), strict=True), strict=True):
                line = (json.dumps(_output(dict(zip(names, values, strict=True)), int(row), seen), ensure_ascii=False) + "\n").encode("utf-8", "replace")
                digest.update(line)
                file.write(line)
    return digest.hexdigest()


def _output(record: dict[str, Any], row: int, seen: set[int]) -> dict[str, Any]:
    id, added = record["id"], {name: value for name, value in record.items() if name not in BASE_SCHEMA.names and value is not None}
    if stable_hash(id) in seen:
        id = f"{id}~{row}"
    seen.add(stable_hash(id))
    prompt = record["text"] if record["messages"] is None else json.loads(record["messages"])
    own = {"id": id, "prompt": prompt, "source": record["source"], **({} if record["answer"] is None else {"answer": json.loads(record["answer"])})}
    return {**own, **{name: value for name, value in json.loads(record["info"]).items() if name not in own}, **added}


def _summaries(frame: Frame) -> dict[str, dict[str, int]]:
    """How the rows of the output spread over the values of each added column; numbers in ten ranges."""
    found: dict[str, dict[str, int]] = {}
    for name in frame.added:
        counts: Counter[Any] = Counter()
        for chunk in frame.chunks(name):
            counts.update(_range(value) if isinstance(value, float) else value for value in chunk.columns[name] if value is not None)
        is_range = any(isinstance(value, tuple) for value in counts)
        ordered = sorted(counts.items()) if is_range else counts.most_common(_MAX_VALUES)
        found[name] = {f"{value[0]:.1f} to {value[1]:.1f}" if isinstance(value, tuple) else str(value): count for value, count in ordered}
    return found


def _range(value: float) -> tuple[float, float]:
    tenth = min(9, int(10 * value))
    return tenth / 10, (tenth + 1) / 10


@contextmanager
def _published(path: Path) -> Iterator[IO[bytes]]:
    """Write a file beside its place and let it appear there whole.

    Raises:
        TaskError: it cannot be written; `path` is what it was before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            draft = Path(file.name)
            try:
                yield file
                file.flush()
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        raise TaskError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _published_directory(path: Path) -> Iterator[Path]:
    """Fill a directory out of sight, then let it appear at once."""
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=".draft-"))
    try:
        yield draft
        draft.replace(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _forget_others(cache: Path, used: list[str]) -> None:
    """Delete stages that this curation did not use; what a model said is kept."""
    for entry in cache.iterdir():
        if entry.is_dir() and entry.name not in (*used, "answers"):
            shutil.rmtree(entry, ignore_errors=True)
