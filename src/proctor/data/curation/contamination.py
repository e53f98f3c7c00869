"""Rows that are too near to what is evaluated on, or were used before: compared with other files, without a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from proctor.core import Task
from proctor.data.columns import build_task, detect_columns
from proctor.data.config import DataConfig
from proctor.data.curation.base import Removal, Tools, Verdicts
from proctor.data.curation.duplicates import check_similarity
from proctor.data.curation.store import Frame
from proctor.data.curation.words import Ragged, WordHashes, grams, hashes, jaccard, selected, shingles, stable_hash, words
from proctor.data.files import SUFFIXES, read_rows
from proctor.errors import ConfigError, TaskError
from proctor.plugins import unknown

_NUM_SHOWN = 5
_MIN_PROMPTS = 3
_MATCH_KINDS = ("remove", "refuse")


@dataclass(frozen=True, slots=True)
class Reference:
    """A row of an evaluation file.

    Attributes:
        place: file and line.
        text: its prompt.
        file: its file.
    """

    place: str
    text: str
    file: str


def read_references(files: Sequence[str]) -> list[Reference]:
    """The prompts of evaluation files; their columns are found as in training.

    Raises:
        TaskError: a file is missing, empty or malformed, or has no prompts.
    """
    found: list[Reference] = []
    for name in files:
        rows = read_rows(Path(name).expanduser(), name=name)
        config = DataConfig(train=name)
        mapping = detect_columns(rows, {}, name=name)
        tasks: list[Task] = [build_task(row, index, mapping, config, stem=Path(name).stem) for index, row in enumerate(rows)]
        found += [Reference(row.place, task.prompt_text, name) for row, task in zip(rows, tasks, strict=True)]
    return found


def check_files(kind: str, files: Sequence[str]) -> None:
    """Refuse an empty list and files of a kind that is not read."""
    if not files:
        raise ConfigError(f'{kind}: files must name at least one file to compare with, as in files = ["test.jsonl"]')
    for name in files:
        if Path(name).suffix.lower() not in SUFFIXES:
            raise ConfigError(f"{kind}: {name!r} is not a file that is read; allowed suffixes: {', '.join(SUFFIXES)}")


@dataclass(frozen=True, slots=True)
class Decontaminate:
    """Take out rows that share an n-gram of words with an evaluation file.

    What stands in more than half of at least three different prompts of an evaluation file is its instruction or its layout, and
    counts for none of them; a row in the same format shares it.

    An evaluation prompt of fewer than `n` words counts with all of its words in order; one of fewer than `min_words` only
    where it is the whole prompt, since "what is 2 + 2" stands in many texts that have nothing to do with the evaluation.

    Source: Brown et al. 2020 (GPT-3), appendix C: 13-grams.

    Attributes:
        files: evaluation files.
        n: words in an n-gram.
        min_words: see above.
        on_match: "remove" the rows, or "refuse" the whole curation and name them.
    """

    files: tuple[str, ...]
    n: int = 13
    min_words: int = 8
    on_match: Literal["remove", "refuse"] = "remove"
    kind: ClassVar[str] = "decontaminate"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_files(self.kind, self.files)
        if self.n < 1 or not 1 <= self.min_words <= self.n:
            raise ConfigError(f"{self.kind}: n must be at least 1 and min_words between 1 and n, not n = {self.n}, min_words = {self.min_words}")
        if self.on_match not in _MATCH_KINDS:
            raise ConfigError(f"{self.kind}: " + unknown(str(self.on_match), kind="on_match", allowed=_MATCH_KINDS))

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Needs 16 bytes of memory for every n-gram of the evaluation files.

        Raises:
            TaskError: rows match, and `on_match` is "refuse"; the message names them.
        """
        references = read_references(self.files)
        known = _KnownGrams.of(references, n=self.n, min_words=self.min_words)
        hasher = WordHashes()
        refused: list[str] = []
        num_refused = 0
        for chunk in frame.chunks("text", "place"):
            hits = known.hits(hasher.ragged(chunk.columns["text"]))
            removals = [Removal(int(chunk.rows[index]), "shares text with an evaluation file", references[reference].place) for index, reference in hits]
            if self.on_match == "remove":
                yield Verdicts(removals)
                continue
            num_refused += len(hits)
            refused += [f"{chunk.columns['place'][index]} and {references[reference].place}" for index, reference in hits[: _NUM_SHOWN - len(refused)]]
        if num_refused:
            more = f"\n  and {num_refused - len(refused)} more" if num_refused > len(refused) else ""
            raise TaskError(
                f'{num_refused} rows share text with an evaluation file, and decontaminate has on_match = "refuse":\n  '
                + "\n  ".join(refused)
                + more
                + '\nTake them out of the sources, or set on_match = "remove"'
            )


def _numbered(names: Sequence[str]) -> np.ndarray:
    """[R] a number for each, the same for the same name."""
    return np.unique(np.array(names), return_inverse=True)[1]


def layout(found: Ragged, hashed: Ragged, files: np.ndarray) -> np.ndarray:
    """[N] bool: whether each n-gram of evaluation prompts stands in more than half of the different prompts of its file, of at least three.

    Args:
        found: n-grams of each prompt.
        hashed: the words of each prompt.
        files: [R] number of each prompt's file.
    """
    is_layout = np.zeros(len(found.values), dtype=bool)
    rows = np.repeat(np.arange(len(found.lengths)), found.lengths)
    for file in np.unique(files):
        prompts = {hashed.row(row).tobytes(): row for row in np.flatnonzero(files == file).tolist()}
        if len(prompts) < _MIN_PROMPTS:
            continue
        is_counted = np.isin(rows, list(prompts.values()))
        pairs = np.unique(np.stack([found.values[is_counted], rows[is_counted].astype(np.uint64)]), axis=1)
        values, counts = np.unique(pairs[0], return_counts=True)
        is_layout |= (files == file)[rows] & np.isin(found.values, values[2 * counts > len(prompts)])
    return is_layout


@dataclass(frozen=True, slots=True)
class _KnownGrams:
    """What gives evaluation prompts away.

    Attributes:
        by_length: length of n-grams -> their sorted hashes, and whose they are.
        whole: the words of prompts that are found only as a whole, as bytes, and whose they are: those of fewer than `min_words`
            words of their own in a row.
    """

    by_length: dict[int, tuple[np.ndarray, np.ndarray]]
    whole: dict[bytes, int]

    @classmethod
    def of(cls, references: Sequence[Reference], *, n: int, min_words: int) -> _KnownGrams:
        hashed = WordHashes().ragged([reference.text for reference in references])
        lengths = np.minimum(hashed.lengths, n)
        files = _numbered([reference.file for reference in references])
        by_length: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        is_whole = np.ones(len(references), dtype=bool)
        for length in sorted({int(length) for length in lengths if length >= min_words}):
            found = grams(hashed, length)
            owners = np.repeat(np.arange(len(references)), found.lengths)
            is_own = (lengths == length)[owners] & (_num_own_words(found, hashed, files, length) >= min_words)
            is_whole[owners[is_own]] = False
            if is_own.any():
                values, first = np.unique(found.values[is_own], return_index=True)
                by_length[length] = values, owners[is_own][first]
        return cls(by_length, {hashed.row(int(row)).tobytes(): int(row) for row in np.flatnonzero(is_whole & (hashed.lengths > 0))[::-1]})

    def hits(self, hashed: Ragged) -> list[tuple[int, int]]:
        """Rows that share an n-gram, each once, with the evaluation prompt that it is of."""
        found: dict[int, int] = {}
        for length, (values, owners) in self.by_length.items():
            present = grams(hashed, length)
            rows = np.repeat(np.arange(len(present.lengths)), present.lengths)
            places = np.minimum(np.searchsorted(values, present.values), len(values) - 1)
            is_hit = values[places] == present.values
            for row, owner in zip(rows[is_hit].tolist(), owners[places[is_hit]].tolist(), strict=True):
                found.setdefault(row, owner)
        if self.whole:
            for row in range(len(hashed.lengths)):
                if (owner := self.whole.get(hashed.row(row).tobytes())) is not None:
                    found.setdefault(row, owner)
        return sorted(found.items())


def _num_own_words(found: Ragged, hashed: Ragged, files: np.ndarray, n: int) -> np.ndarray:
    """[N] words of each n-gram that stand in no n-gram of its file's layout."""
    starts = np.arange(len(found.values)) + np.repeat(hashed.offsets[:-1] - found.offsets[:-1], found.lengths)
    begins = np.zeros(len(hashed.values) + n, dtype=np.int64)
    is_layout = layout(found, hashed, files)
    np.add.at(begins, starts[is_layout], 1)
    np.add.at(begins, starts[is_layout] + n, -1)
    own = np.concatenate([[0], np.cumsum(np.cumsum(begins) == 0)])
    return own[starts + n] - own[starts]


@dataclass(frozen=True, slots=True)
class TooClose:
    """Take out rows whose prompt resembles one of a validation file as a whole: the sixth condition of Qwen3 on cold-start data.

    Where `decontaminate` finds a copied passage, this finds a rewritten problem: similarity is that of the sets of n-grams, without
    those that are the layout of a validation file (as there).

    Source: Qwen Team 2025 (Qwen3), section 4.1.

    Attributes:
        files: validation files.
        threshold: Jaccard similarity from which a row is too close.
        n: words in an n-gram.
    """

    files: tuple[str, ...]
    threshold: float = 0.5
    n: int = 2
    kind: ClassVar[str] = "too_close"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_files(self.kind, self.files)
        check_similarity(self.kind, self.threshold, self.n)

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """The n-grams of the validation prompts are held in memory, of the rows those of one chunk."""
        references = read_references(self.files)
        hasher = WordHashes()
        hashed = hasher.ragged([reference.text for reference in references])
        found = shingles(hashed, self.n)
        is_layout = layout(found, hashed, _numbered([reference.file for reference in references]))
        common = np.unique(found.values[is_layout])
        known = Prefixes.of(selected(found, ~np.isin(found.values, common)), self.threshold)
        for chunk in frame.chunks("text"):
            given = shingles(hasher.ragged(chunk.columns["text"]), self.n)
            near = known.nearest(selected(given, ~np.isin(given.values, common)))
            yield Verdicts(
                [
                    Removal(int(chunk.rows[index]), "too close to a validation task", f"{share:.2f} as {references[reference].place}")
                    for index, (share, reference) in sorted(near.items())
                ]
            )


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Sets of n-grams, found again by sets that share enough of them; exact, without a scan of all.

    In one order of all n-grams, the rarest first, two sets of Jaccard similarity t or more share one of the first
    n - ceil(t n) + 1 of each: what is common to everything stands at the end and makes no candidates.

    Source: Chaudhuri, Ganti and Kaushik 2006 (prefix filter); Bayardo, Ma and Srikant 2007.

    Attributes:
        sets: the n-grams of each reference.
        threshold: t.
        vocabulary: [V] uint64, sorted, all n-grams of the references.
        frequency: [V] references that each stands in.
        index: for each of the vocabulary the references that have it in their prefix.
    """

    sets: Ragged
    threshold: float
    vocabulary: np.ndarray
    frequency: np.ndarray
    index: Ragged

    @classmethod
    def of(cls, sets: Ragged, threshold: float) -> Prefixes:
        vocabulary, places, frequency = np.unique(sets.values, return_inverse=True, return_counts=True)
        owners = np.repeat(np.arange(len(sets.lengths)), sets.lengths)
        is_prefix = _in_prefix(sets, frequency[places], threshold)
        places, owners = places[is_prefix], owners[is_prefix]
        order = np.argsort(places, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(places, minlength=len(vocabulary)))]).astype(np.int64)
        return cls(sets, threshold, vocabulary, frequency, Ragged(owners[order], ends))

    def nearest(self, sets: Ragged) -> dict[int, tuple[float, int]]:
        """Number of a set -> its largest similarity and the reference, for sets that reach the threshold."""
        places = np.minimum(np.searchsorted(self.vocabulary, sets.values), len(self.vocabulary) - 1)
        is_known = self.vocabulary[places] == sets.values
        is_prefix = _in_prefix(sets, np.where(is_known, self.frequency[places], 0), self.threshold)
        rows = np.repeat(np.arange(len(sets.lengths)), sets.lengths)[is_known & is_prefix]
        found: dict[int, tuple[float, int]] = {}
        pairs = {
            (row, reference)
            for row, place in zip(rows.tolist(), places[is_known & is_prefix].tolist(), strict=True)
            for reference in self.index.row(place).tolist()
        }
        for row, reference in sorted(pairs):
            share = jaccard(sets.row(row), self.sets.row(reference))
            if share >= self.threshold and share > found.get(row, (0.0, 0))[0]:
                found[row] = share, reference
        return found


def _in_prefix(sets: Ragged, frequency: np.ndarray, threshold: float) -> np.ndarray:
    """[N] bool: whether each n-gram is among the rarest n - ceil(t n) + 1 of its set."""
    lengths = sets.lengths
    rows = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((sets.values, frequency, rows))
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(sets.offsets[:-1], lengths)
    return rank < (lengths - np.ceil(threshold * lengths - 1e-9).astype(np.int64) + 1)[rows]


@dataclass(frozen=True, slots=True)
class Unused:
    """Take out rows whose prompt was used before, in a cold start say: the first condition of Qwen3 on query-verifier pairs.

    Compared word by word, without regard to case, punctuation and layout.

    Source: Qwen Team 2025 (Qwen3), section 4.2.

    Attributes:
        files: what was used.
    """

    files: tuple[str, ...]
    kind: ClassVar[str] = "unused"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_files(self.kind, self.files)

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        used = {stable_hash(" ".join(words(reference.text))): reference.place for reference in read_references(self.files)}
        for chunk in frame.chunks("text"):
            keys = hashes([" ".join(words(text)) for text in chunk.columns["text"]]).tolist()
            yield Verdicts(
                [Removal(int(row), "used before", used[key]) for row, key in zip(chunk.rows, keys, strict=True) if key in used],
            )
