"""Rows that say the same as an earlier row: exactly, or nearly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from proctor.data.curation.base import Removal, Tools, Verdicts
from proctor.data.curation.store import Frame
from proctor.data.curation.words import Ragged, WordHashes, exact_key, hashes, jaccard, shingles
from proctor.errors import ConfigError

_MIN_RECALL = 0.99
_MAX_NUMBER_CHARS = 60
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?|[-+]?\d+/\d+")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_MAX_COMPARED = 8
"""Rows of one bucket that a row is compared with: a bucket of thousands is one template, and its first rows stand for it."""


@dataclass(frozen=True, slots=True)
class ExactDuplicates:
    """Keep the first of the rows whose prompts are equal but for white space and Unicode composition.

    Attributes:
        drops_conflicting: where such rows disagree about the answer, none of them is kept: at least one is wrong. A number is the same answer
            as its text, as another spelling of the number, and as the end of a worked solution that is marked `####`.
    """

    drops_conflicting: bool = True
    kind: ClassVar[str] = "exact_duplicates"
    version: ClassVar[int] = 3

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Needs 24 bytes of memory a row."""
        rows, prompts, answers = (np.concatenate(parts) for parts in zip(*self._hashed(frame), strict=True))
        _, first, inverse = np.unique(prompts, return_index=True, return_inverse=True)
        differs = answers != answers[first[inverse]]
        conflicting = np.zeros(len(first), dtype=bool)
        conflicting[inverse[differs]] = self.drops_conflicting
        is_conflicting = conflicting[inverse]
        is_later = first[inverse] != np.arange(len(rows))
        removals: list[Removal] = []
        for start in np.flatnonzero(is_conflicting | is_later):
            same = int(rows[first[inverse[start]]])
            reason = "same prompt, another answer" if is_conflicting[start] else "same prompt"
            removals.append(Removal(int(rows[start]), reason, other=same if same != rows[start] else None))
        yield Verdicts(removals)

    def _hashed(self, frame: Frame) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for chunk in frame.chunks("text", "messages", "answer"):
            said = [text if messages is None else messages for text, messages in zip(chunk.columns["text"], chunk.columns["messages"], strict=True)]
            answers = ["" if answer is None else answer_key(json.loads(answer)) for answer in chunk.columns["answer"]]
            yield chunk.rows, hashes([exact_key(text) for text in said]), hashes(answers)


def answer_key(answer: Any) -> str:
    """What spellings of one answer share: numbers by their value, everything else as text but for white space."""
    text = exact_key(answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, sort_keys=True))
    text = text.rpartition("####")[2].strip() or text
    plain = _FRACTION.sub(r"\1/\2", text) if len(text) <= _MAX_NUMBER_CHARS else ""
    plain = plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain  # "1,2" is a list, or a decimal of half the world
    try:
        return f"number {Fraction(plain)}" if _NUMBER.fullmatch(plain) else text
    except ZeroDivisionError:
        return text


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Keep the first of the rows whose prompts share most of their n-grams of words.

    MinHash signatures are cut into bands; rows that agree in one are compared by their n-grams themselves, so that the
    threshold is exact and only the recall is estimated: 99 % at the threshold, more above it.

    Source: Broder 1997 (resemblance); Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3 (bands).

    Attributes:
        threshold: Jaccard similarity from which a row counts as a duplicate.
        n: words in an n-gram.
        num_perm: length of the signatures.
    """

    threshold: float = 0.8
    n: int = 3
    num_perm: int = 128
    kind: ClassVar[str] = "near_duplicates"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_similarity(self.kind, self.threshold, self.n)
        if not 16 <= self.num_perm <= 1024:
            raise ConfigError(f"{self.kind}: num_perm must be between 16 and 1024, not {self.num_perm}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Keys of bands and n-grams lie on the disk; in memory are one band and about 30 bytes a row."""
        index = _Index.build(frame, self, tools)
        removed = np.zeros(len(index.rows), dtype=bool)
        for number, band in enumerate(index.bands, start=1):
            tools.progress(f"{self.kind}: band {number} of {len(index.bands)}")
            found = _matches(np.fromfile(band, dtype=np.uint64), removed, index, self.threshold)
            yield Verdicts(
                [Removal(int(index.rows[late]), "nearly the same prompt", f"similarity {share:.2f}", int(index.rows[early])) for late, early, share in found]
            )


def check_similarity(kind: str, threshold: float, n: int) -> None:
    """Refuse a threshold outside (0, 1] or n-grams without words."""
    if not 0 < threshold <= 1:
        raise ConfigError(f"{kind}: threshold must be greater than 0 and at most 1, not {threshold}")
    if n < 1:
        raise ConfigError(f"{kind}: n must be at least 1, not {n}")


def rows_a_band(threshold: float, num_perm: int) -> int:
    """The most rows a band with which two texts at the threshold meet in some band with a probability of 99 %: 1 - (1 - t^r)^(num_perm // r)."""
    fitting = [rows for rows in range(1, num_perm + 1) if 1 - (1 - threshold**rows) ** (num_perm // rows) >= _MIN_RECALL]
    return max(fitting, default=1)


def signatures(grams: Ragged, *, num_perm: int, seed: int) -> np.ndarray:
    """[R, num_perm] uint32 MinHash signatures of sets of 64-bit hashes.

    Raises:
        ConfigError: the extra `curate` is not installed.
    """
    try:
        from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]  # compiled, without stubs
    except ImportError as error:
        raise ConfigError("near duplicates need the rensa package: pip install 'proctor[curate]'") from error
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(grams.values, grams.offsets.astype(np.uint64), num_perm, seed)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, num_perm)


@dataclass(frozen=True, slots=True)
class _Index:
    """Of every row its key in each band, a file a band, and its n-grams, in a file that is mapped into memory."""

    rows: np.ndarray
    bands: tuple[Path, ...]
    grams: Ragged

    @classmethod
    def build(cls, frame: Frame, settings: NearDuplicates, tools: Tools) -> _Index:
        hasher, width = WordHashes(), rows_a_band(settings.threshold, settings.num_perm)
        rows: list[np.ndarray] = []
        ends = [np.zeros(1, dtype=np.int64)]
        path, bands = tools.scratch / "grams", tuple(tools.scratch / f"band-{number}" for number in range(settings.num_perm // width))
        with ExitStack() as stack:
            file, *files = (stack.enter_context(one.open("wb")) for one in (path, *bands))
            for chunk in frame.chunks("text"):
                grams = shingles(hasher.ragged(chunk.columns["text"]), settings.n)
                signed = signatures(grams, num_perm=settings.num_perm, seed=tools.seed)
                for number, band in enumerate(files):
                    band.write(band_keys(signed, number * width, width).tobytes())
                file.write(grams.values.tobytes())
                rows.append(chunk.rows)
                ends.append(grams.offsets[1:] + ends[-1][-1])
        return cls(np.concatenate(rows), bands, Ragged(np.memmap(path, dtype=np.uint64, mode="r"), np.concatenate(ends)))


def band_keys(signatures: np.ndarray, start: int, width: int) -> np.ndarray:
    """[R] uint64, one key a row for the columns of a band."""
    keys = np.zeros(len(signatures), dtype=np.uint64)
    for column in range(start, start + width):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column].astype(np.uint64) + np.uint64(1)
    return keys


def _matches(keys: np.ndarray, removed: np.ndarray, index: _Index, threshold: float) -> Iterator[tuple[int, int, float]]:
    """Later row, earlier row, similarity, for rows of one bucket; `removed` is kept up to date."""
    present = np.flatnonzero(~removed)
    present = present[np.argsort(keys[present], kind="stable")]
    sorted_keys = keys[present]
    starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])) if len(present) else np.empty(0, dtype=np.int64)
    ends = np.append(starts[1:], len(present))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        kept: list[tuple[int, np.ndarray]] = []
        for late in present[start:end]:
            own = index.grams.row(late)
            match = next(((early, share) for early, grams in kept if (share := _similarity(own, grams, threshold)) >= threshold), None)
            if match is not None:
                removed[late] = True
                yield int(late), match[0], match[1]
            elif len(kept) < _MAX_COMPARED:
                kept.append((int(late), own))


def _similarity(one: np.ndarray, other: np.ndarray, threshold: float) -> float:
    """The Jaccard similarity, or 0 where the sizes alone say that it is below the threshold."""
    small, large = sorted((len(one), len(other)))
    return 0.0 if small < math.floor(threshold * large) else jaccard(one, other)
