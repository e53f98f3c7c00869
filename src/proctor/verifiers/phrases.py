"""Reads a conclusion in words to which the last clause of a completion comes: "so the equation has **no solution**", "the point lies in Quadrant II".

Only phrases of which the spellings are known count, at the end of the clause, and where nothing of their kind says otherwise before. What is doubted,
supposed, denied, asked, or said under a condition is no conclusion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from proctor.verifiers.patterns import among, one_of
from proctor.verifiers.statements import Said, sentences

_MAX_CHARS = 4000
_MAX_SENTENCE_CHARS = 300
_OUTCOMES = rf"{among('solution root')}s?"
_KINDS: tuple[Mapping[str, str], ...] = (
    {
        "none": rf"no {_OUTCOMES}",
        "none that is real": rf"no real {_OUTCOMES}",
        "one": rf"(?:{among('exactly only precisely just')} )?one (?:real )?{_OUTCOMES}|a unique (?:real )?{_OUTCOMES}",
        "all": rf"{among('infinitely_many an_infinite_number_of')} (?:real )?{_OUTCOMES}",
    },
    {
        "first": r"quadrant (?:I|1|one)|(?:first|1st) quadrant",
        "second": r"quadrant (?:II|2|two)|(?:second|2nd) quadrant",
        "third": r"quadrant (?:III|3|three)|(?:third|3rd) quadrant",
        "fourth": r"quadrant (?:IV|4|four)|(?:fourth|4th) quadrant",
    },
    {"no limit": r"the (?:two-sided )?limit does(?: not|n['’]t) exist", "a limit": r"(?:the|its) (?:\w{1,12} )?limit (?:is|equals|=|exists|must be)"},
)
_SHORT = {"infinitely many": "all", "i": "first", "ii": "second", "iii": "third", "iv": "fourth", "dne": "no limit", "does not exist": "no limit"}
"""References that leave out what the prompt says already."""
_PHRASES = tuple({meaning: re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE) for meaning, pattern in kind.items()} for kind in _KINDS)
_MARKS = re.compile(r"\*\*|\\text\s?\{|[$_{}]")
_CLAUSE = re.compile(rf"(?:[,;:\u2014\u2013]|{one_of('so hence thus therefore then')},?)\s")
_TAIL = re.compile(rf"(?:,? (?:to|of|for|in) (?:the|this) (?:given )?{among('equation system inequality problem')})?[\s.!*]*")
_CONDITIONS = """
if unless maybe perhaps possibly probably might could may would or whether suppose assume assuming guess either neither except when whenever provided
wrong incorrect false untrue mistake doubt unlikely actually wait
student students friend teacher somebody someone thinks thought said says claims claimed believes believed other another companion
"""
_DOUBTED = re.compile(rf"{one_of(_CONDITIONS)}|\?", re.IGNORECASE)
_DENIED = re.compile(rf"{one_of('not never nor cannot without than no least most almost nearly')}|n['’]t\b", re.IGNORECASE)
_REAL = re.compile(r"\breals?\b", re.IGNORECASE)


def concluded_in_words(text: str, reference: str, prompt: str) -> Said:
    """Return the phrase in which a text ends, in the spelling of the reference where it means that; nothing where it is not plain what it says.

    Args:
        text: what the model wrote after its reasoning.
        reference: of the task; a phrase, or what is left of one.
        prompt: of the task; where it speaks of real numbers, "no real solution" is no solution.
    """
    wanted = _meaning(_SHORT, reference, prompt)
    kind = next((kind for kind in _PHRASES if wanted in kind), None)
    if kind is None:
        return Said()
    plain = _MARKS.sub("", text[-_MAX_CHARS:])
    *_, last = sentences(plain)
    clause = last[max((found.end() for found in _CLAUSE.finditer(last)), default=0) :]
    found = next((found for phrase in kind.values() for found in phrase.finditer(clause) if _TAIL.fullmatch(clause, found.end())), None)
    if found is None or len(last) > _MAX_SENTENCE_CHARS or _DOUBTED.search(last) or _DENIED.search(clause[: found.start()]):
        return Said()
    said = {_general(meaning, prompt) for meaning, phrase in kind.items() if phrase.search(plain)}
    return Said((reference,), clause[: found.start()]) if said == {wanted} else Said()


def _meaning(short: Mapping[str, str], reference: str, prompt: str) -> str | None:
    """What a reference means, as a whole."""
    plain = " ".join(_MARKS.sub("", reference).strip(" .").split())
    known = (meaning for kind in _PHRASES for meaning, phrase in kind.items() if phrase.fullmatch(plain))
    found = next(known, short.get(plain.lower()))
    return None if found is None else _general(found, prompt)


def _general(meaning: str, prompt: str) -> str:
    return "none" if meaning == "none that is real" and _REAL.search(prompt) else meaning
