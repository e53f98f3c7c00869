"""Makes patterns of lists of words, which are read more easily than alternatives are."""

from __future__ import annotations

import re


def one_of(words: str) -> str:
    """A pattern for one of the words in a text, which white space separates, as a whole word; `_` in one of them stands for a space."""
    return rf"\b(?:{'|'.join(re.escape(word).replace('_', ' ') for word in words.split())})\b"
