"""Reads whole numbers written in words: `seven`, `twenty-one`, the `million` of `5 million`."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.verifiers.notation import Token

ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
"""
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(ONES.split())} | {word: 10 * value for value, word in enumerate(TENS, 2)}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}


def number_in_words(tokens: Sequence[Token]) -> int | None:
    """Return the number below a hundred that the tokens spell; None if they spell none."""
    words = [token.text.lower() for token in tokens if token.text != "-"]
    if not words or len(words) > 2 or len(tokens) > 3 or any(word not in _VALUES for word in words):
        return None
    values = [_VALUES[word] for word in words]
    if len(values) == 1:
        return values[0] if len(tokens) == 1 else None
    return sum(values) if values[0] >= 20 and 0 < values[1] < 10 else None
