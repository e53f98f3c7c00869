"""Makes patterns of lists of words, which are read more easily than alternatives are."""

from __future__ import annotations

import re


def one_of(words: str) -> str:
    """A pattern for one of the words in a text, which white space separates, as a whole word; `_` in one of them stands for a space."""
    return rf"\b{among(words)}\b"


def among(words: str) -> str:
    """As `one_of`, but also within a word: where a word ends, the pattern around it says."""
    return rf"(?:{'|'.join(re.escape(word).replace('_', ' ') for word in words.split())})"


def any_of(*parts: str) -> str:
    """A pattern for what one of several patterns matches; the first that does so counts."""
    return rf"(?:{'|'.join(parts)})"
