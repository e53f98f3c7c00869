"""Texts as sequences of words, and their n-grams as 64-bit hashes, whole batches at a time.

A word is a run of letters and digits, in lower case, or one of the signs of arithmetic: punctuation, layout and the marks
of LaTeX make no difference, and `3 + 4` is not `3 - 4`. In scripts that put no space between words a word is a character.
Two different n-grams share a hash with a probability of about 2^-64: less than one chance in ten thousand for a billion
n-grams against a million.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana and ideographs."""
_ASCII_WORD = re.compile(r"\w+|[-+*/=<>^%|]")
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[-+*/=<>^%|]")
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MAX_CACHED_WORDS = 500_000


def words(text: str) -> list[str]:
    """The words of a text, compatibility forms folded (full-width digits, ligatures)."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different length in one array.

    Attributes:
        values: [N] uint64, all rows one after another.
        offsets: [R + 1] int64; row i is `values[offsets[i] : offsets[i + 1]]`.
    """

    values: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """[R] number of values in each row."""
        return np.diff(self.offsets)

    def row(self, index: int) -> np.ndarray:
        return self.values[self.offsets[index] : self.offsets[index + 1]]


class WordHashes:
    """Hashes words, and remembers those that it has seen."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def ragged(self, texts: Iterable[str]) -> Ragged:
        """The hashes of the words of each text."""
        if len(self._known) > _MAX_CACHED_WORDS:
            self._known.clear()
        known = self._known
        flat: list[int] = []
        ends = [0]
        for text in texts:
            for word in words(text):
                value = known.get(word)
                if value is None:
                    value = known[word] = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
                flat.append(value)
            ends.append(len(flat))
        return Ragged(np.array(flat, dtype=np.uint64), np.array(ends, dtype=np.int64))


def grams(hashed: Ragged, n: int) -> Ragged:
    """The hash of every n-gram: a polynomial of the n word hashes modulo 2^64. A row of fewer than n words has none."""
    counts = np.maximum(hashed.lengths - n + 1, 0)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    if not offsets[-1]:
        return Ragged(np.empty(0, dtype=np.uint64), offsets)
    starts = np.arange(offsets[-1]) + np.repeat(hashed.offsets[:-1] - offsets[:-1], counts)
    value = np.zeros(len(starts), dtype=np.uint64)
    for shift in range(n):
        value = value * _BASE + hashed.values[starts + shift]
    return Ragged(value, offsets)


def shingles(hashed: Ragged, n: int) -> Ragged:
    """The n-grams of each row, sorted and each once; a row of fewer than n words has one: all of its words."""
    found = grams(hashed, n)
    num_rows = len(found.lengths)
    short = np.flatnonzero(found.lengths == 0)
    values = np.concatenate([found.values, *(_whole(hashed.row(index)) for index in short.tolist())])
    rows = np.concatenate([np.repeat(np.arange(num_rows), found.lengths), short])
    order = np.lexsort((values, rows))
    values, rows = values[order], rows[order]
    is_first = np.ones(len(rows), dtype=bool)
    is_first[1:] = (values[1:] != values[:-1]) | (rows[1:] != rows[:-1])
    counts = np.bincount(rows[is_first], minlength=num_rows)
    return Ragged(values[is_first], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def selected(rows: Ragged, is_kept: np.ndarray) -> Ragged:
    """The values that stay, in the rows that they are in."""
    counts = np.bincount(np.repeat(np.arange(len(rows.lengths)), rows.lengths)[is_kept], minlength=len(rows.lengths))
    return Ragged(rows.values[is_kept], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def _whole(row: np.ndarray) -> np.ndarray:
    value = np.uint64(len(row))
    with np.errstate(over="ignore"):
        for word in row:
            value = value * _BASE + word
    return np.array([value], dtype=np.uint64)


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """|A and B| / |A or B| of two sorted arrays without repetition."""
    shared = len(one) + len(other) - len(np.union1d(one, other))
    return shared / max(1, len(one) + len(other) - shared)


def stable_hash(text: str) -> int:
    """A 64-bit hash of a text, the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def exact_key(text: str) -> str:
    """What two texts share that differ only in Unicode composition and white space."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def hashes(texts: Sequence[str]) -> np.ndarray:
    """[R] uint64, the hash of each text."""
    return np.array([stable_hash(text) for text in texts], dtype=np.uint64)
