r"""Leaves out the check and the courtesies in which a completion ends, so that its last sentence is the answer's: "Check: 39 - 13 = 26 ✓", "Done."

A check that comes to anything, that doubts, or that says nothing of having worked, is none, and stays.
"""

from __future__ import annotations

import re

from proctor.verifiers.patterns import one_of

_MAX_CHARS = 4000
_MAX_CHECK_CHARS = 600
_MAX_COURTESY_CHARS = 120
_MAX_COURTESIES = 3
_BEGINS = re.compile(
    r"(?:(?<=\n)|(?<=[.!)*✓] )|(?<=[.!)*]\n))[ \t]{0,4}[(*_>-]{0,4}\s?(?:(?:quick |sanity )?check(?:ing)?|verif(?:y|ying|ication)"
    r"|(?:(?:you|we) can (?:easily )?|to |let us |let['’]s )(?:check|verify|confirm))\b",
    re.IGNORECASE,
)
_WORKED = re.compile(r"=|[✓✔✅]|\\checkmark|\b(?:works|satisf\w{1,4}|correct|confirm\w{0,2}|match\w{0,2}|holds|checks out)\b", re.IGNORECASE)
_CONCLUSIONS = """
so therefore hence thus wait but however actually answer not wrong instead incorrect mistake should only rather then really final result total_is fail fails no
"""
_CONCLUDES = re.compile(rf"{one_of(_CONCLUSIONS)}|n['’]t\b|[✗✘❌≠?]|\\ne|\\boxed", re.IGNORECASE)
_COURTESY = re.compile(
    r"(?<=[\s.!*)])(?:done|(?:I )?hope (?:this|that|it) helps|(?:let me know|feel free to|if you have)(?: [^.!?\n]{1,80})?|(?:happy|good) \w{1,12}|q\.?e\.?d"
    r"|(?:and )?that['’]s it)[.!\s]{0,4}(?:[😊🎉👍🙂]\s?)?\Z",
    re.IGNORECASE,
)


def without_closing(text: str) -> str:
    """Return a text without courtesies and a check at its end."""
    for _ in range(_MAX_COURTESIES):
        found = _COURTESY.search(text, max(0, len(text) - _MAX_COURTESY_CHARS))
        if found is None or not text[: found.start()].strip():
            break
        text = text[: found.start()].rstrip()
    return _without_check(text)


def _without_check(text: str) -> str:
    tail = text[-_MAX_CHARS:]
    begins = list(_BEGINS.finditer(tail))
    for found in begins:
        check = tail[found.start() :]
        if found.start() and len(check) <= _MAX_CHECK_CHARS and _WORKED.search(check) and not _CONCLUDES.search(check):
            return text[: len(text) - len(check)].rstrip()
    return text
