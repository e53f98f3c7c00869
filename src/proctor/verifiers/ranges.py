r"""Reads a range that the last sentence of a completion says in words: "x lies strictly between -2 and 3", "every real number from -1 to 5, inclusive"."""

from __future__ import annotations

import re

from proctor.verifiers.patterns import any_of
from proctor.verifiers.statements import Said

_MAX_CHARS = 300
_END = r"[$*]{0,3}([-+\u2212]?(?=[\w./√π\\{}]*[\dπ])[\w./√π\\{}]{1,24}?)[$*]{0,3}"
_SUBJECT = (
    r"\W*(?:(?:so|thus|hence|therefore|then),?\s)?"
    r"(?:(?:the (?:range|domain|interval|solution(?: set)?)(?: of (?:\$?[a-z]\$?(?:\([a-z]\)\$?)?|the function))?|it|\$?(?P<letter>[a-z])\$?)"
    r" (?:is|lies|must lie|must be|can be|ranges|consists of)\s)"
    r"(?:(?:every|all|any)\s)?(?:real\s(?:numbers?|values?)\s|numbers?\s|values?\s)?"
)
_BOTH_IN = any_of(r"inclusive(?:ly)?", r"(?:both )?end ?points included", r"including (?:both|the) end ?points", r"both (?:ends )?included")
_BOTH_OUT = any_of(r"exclusive(?:ly)?", r"(?:both )?end ?points (?:excluded|not included)", r"(?:excluding|not including) (?:both|the) end ?points")
_RANGE = re.compile(
    rf"{_SUBJECT}(?P<strict>strictly )?(?:between {_END} and {_END}|from {_END} to {_END})"
    rf"(?:[,(\s]{{1,3}}(?:(?P<both>{_BOTH_IN})|(?P<none>{_BOTH_OUT})))?[)\s.!*]*\Z",
    re.IGNORECASE,
)


def ranged(sentence: str, letters: str) -> Said:
    """Return the interval that a sentence ends in, where it says of both ends whether they belong to it; nothing where it does not.

    Args:
        sentence: the last one of a completion.
        letters: texts that know the variable: the prompt and the reference.
    """
    found = _RANGE.fullmatch(sentence.strip()) if len(sentence) <= _MAX_CHARS else None
    if found is None or bool(found["strict"] or found["none"]) is (found["both"] is not None):
        return Said()
    if found["letter"] and re.search(rf"(?<![A-Za-z\\]){found['letter']}(?![A-Za-z])", letters) is None:
        return Said()
    low, high = (end.replace("$", "") for end in found.group(3, 4) if end) if found[3] else (end.replace("$", "") for end in found.group(5, 6) if end)
    return Said((f"[{low}, {high}]" if found["both"] else f"({low}, {high})",))
