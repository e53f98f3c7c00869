r"""Reads a range that the last sentence of a completion says in words: "x lies strictly between -2 and 3", "every real number from -1 to 5, inclusive"."""

from __future__ import annotations

import re

from proctor.verifiers.patterns import any_of, one_of
from proctor.verifiers.statements import Said

_MAX_CHARS = 300
_END = r"[$*]{0,3}([-+\u2212]?[\w./√π\\{}]{1,24}?)[$*]{0,3}"
_BOTH_IN = any_of(r"inclusive(?:ly)?", r"(?:both )?end ?points included", r"including (?:both|the) end ?points", r"both (?:ends )?included")
_BOTH_OUT = any_of(r"exclusive(?:ly)?", r"(?:both )?end ?points (?:excluded|not included)", r"(?:excluding|not including) (?:both|the) end ?points")
_RANGE = re.compile(
    rf"\b(?P<strict>strictly )?(?:between {_END} and {_END}|from {_END} to {_END})"
    rf"(?:[,(\s]{{1,3}}(?:(?P<both>{_BOTH_IN})|(?P<none>{_BOTH_OUT})))?[)\s.!*]*\Z",
    re.IGNORECASE,
)
_DOUBTS = "not never outside except unless if maybe perhaps possibly might could wrong incorrect integer integers whole or only"
_DOUBTED = re.compile(rf"{one_of(_DOUBTS)}|n['’]t\b|\?", re.IGNORECASE)


def ranged(sentence: str) -> Said:
    """Return the interval that a sentence ends in, where it says of both ends whether they belong to it; nothing where it does not."""
    found = _RANGE.search(sentence) if len(sentence) <= _MAX_CHARS else None
    if found is None or _DOUBTED.search(sentence[: found.start()]) or bool(found["strict"] or found["none"]) is (found["both"] is not None):
        return Said()
    low, high = (end.replace("$", "") for end in found.groups() if end and end not in (found["strict"], found["both"], found["none"]))
    return Said((f"[{low}, {high}]" if found["both"] else f"({low}, {high})",), sentence[: found.start()])
