r"""Reads which of several words a completion decides for: a day of the week, true or false, converges or diverges, one of what the prompt names.

One word of the set, in the sentence that decides, which neither denies nor doubts anything: everything else is read by others or not at all.
"""

from __future__ import annotations

import re

from proctor.verifiers.patterns import one_of
from proctor.verifiers.statements import Said, sentences

_MAX_CHARS = 20_000
_MAX_SENTENCE_CHARS = 300
_MAX_VERDICT_CHARS = 60
_SETS = tuple(
    frozenset(words.split())
    for words in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "january february march april may june july august september october november december",
        "north south east west northeast northwest southeast southwest",
        "true false",
        "yes no",
        "converge diverge",
        "even odd neither",
        "rational irrational",
        "prime composite",
        "increasing decreasing",
        "parallel perpendicular",
        "acute obtuse",
        "heads tails",
        "clockwise counterclockwise",
        "equilateral isosceles scalene",
    )
)
_SPELLINGS = {
    "converges": "converge",
    "convergent": "converge",
    "diverges": "diverge",
    "divergent": "diverge",
    "increases": "increasing",
    "decreases": "decreasing",
    **{f"{day}s": day for day in ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")},
}
_OFFER = re.compile(r"\b[A-Za-z]{3,20}(?:, [A-Za-z]{3,20}){0,4},? or [A-Za-z]{3,20}\b")
_WORD = re.compile(r"[A-Za-z]+")
_OPTION = re.compile(r"(?:\\text\s?\{\s?)?\(?[A-J]\)?\}?")
_OPTIONS = re.compile(r"(?>[A-J]|and|\\(?:text|textbf|mathrm)(?![a-z])|\\[,;: ]|[\s(){}$.,;&]){2,60}")
_SELECTS = re.compile(r"\b(?:which|select|choose|all that apply)\b|多选|选择|正确的", re.IGNORECASE)
_ORDERS = re.compile(r"\b(?:order|arrange|rank|sort|match|sequence|respectively)", re.IGNORECASE)
_HAS_OPTIONS = re.compile(r"(?<![A-Za-z])A\s?[).:].{1,400}?(?<![A-Za-z])B\s?[).:]", re.DOTALL)
_LETTER = re.compile(r"(?<![A-Za-z\\$])[B-HJ](?![A-Za-z$'’])|(?<=[(\s*])A(?=[).*]|\s*\Z)")
_PICKED = re.compile(
    r"\W*(?i:(?:(?:so|thus|hence|therefore)\b,?\s)?"
    r"(?:(?:that|this) leaves|(?:I|we) (?:choose|pick|select)|the (?:correct|right) (?:option|choice|answer) is|\$?[a-z]\s?=\s?[^,.]{1,20}, which is))\s"
    r"(?i:only\s)?(?i:(?:answer\s)?(?:option|choice)\s)?\**\(?([A-J])\)?\**(?:,?\s(?i:since|because)\s[^.?!\n]{1,80})?[.!\s]*"
)
_DOUBTS = """
not never nor or if unless except maybe perhaps possibly probably might could may_be would than impossible unlikely doubt suppose assume say guess wrong
incorrect neither either whether cannot
"""
_UNDECIDED = re.compile(rf"{one_of(_DOUBTS)}|n['’]t\b|\?", re.IGNORECASE)
_VERDICT = re.compile(
    r"\W*(?:(?:so|thus|hence|therefore)\b,?\s)?(?:(?:the|this) (?:statement|claim|assertion)(?: is)?:?\s)?\W*(?:true|false|yes|no)\W*", re.IGNORECASE
)


def chosen(text: str, reference: str, prompt: str) -> Said:
    """Return the word that a text decides for, in the spelling of the reference where it is that one; nothing where it is not plain which.

    Args:
        text: what the model wrote after its reasoning.
        reference: a word; the set is the one in which it stands.
        prompt: of the task; what it names is given, and no decision, where another word of the set is said as well.
    """
    wanted = _canonical(reference.strip())
    options = next((words for words in _SETS if wanted in words), None) or _offered(prompt, wanted)
    if options is None:
        return Said()
    said = sentences(text[-_MAX_CHARS:])
    verdicts = [sentence for sentence in said if len(sentence) < _MAX_VERDICT_CHARS and _VERDICT.fullmatch(sentence)] if {"true", "no"} & options else []
    decides = verdicts[-1] if verdicts else said[-1]
    mentions = _mentions(decides, options)
    alike = [one for one in said if one != decides and len(one) <= _MAX_SENTENCE_CHARS and _without(one, options) == _without(decides, options)]
    others = {word for sentence in (*verdicts, *alike) for word in _mentions(sentence, options)}
    found = mentions - _mentions(prompt, options) if len(mentions) > 1 else mentions
    if len(decides) > _MAX_SENTENCE_CHARS or len(found) != 1 or len(others | found) != 1 or _UNDECIDED.search(decides):
        return Said()
    return Said((reference if wanted in found else found.pop(),), "", text[text.rfind(decides) + len(decides) :])


def lettered(text: str, reference: str) -> Said:
    """Return the letter of the option that the last sentence of a text leaves or picks ("That leaves C."), where it names no other.

    Args:
        text: what the model wrote after its reasoning.
        reference: the letter of an option, in brackets or not.
    """
    *_, last = sentences(text[-_MAX_CHARS:])
    found = _PICKED.fullmatch(last) if _OPTION.fullmatch(reference.strip()) is not None and len(last) <= _MAX_SENTENCE_CHARS else None
    if found is None or _UNDECIDED.search(last) or set(_LETTER.findall(last)) != {found[1]}:
        return Said()
    return Said((found[1],))


def options_named(text: str, prompt: str) -> frozenset[str]:
    """The letters of the options that a text names and nothing else ("A and C", "AC"), where a prompt has options; nothing for every other text.

    Args:
        text: an answer, or a reference.
        prompt: of the task.
    """
    is_asked = _HAS_OPTIONS.search(prompt) is not None and _SELECTS.search(prompt) is not None and _ORDERS.search(prompt) is None
    letters = re.findall(r"[A-J]", text) if is_asked and _OPTIONS.fullmatch(text) is not None else []
    return frozenset(letters) if 1 < len(set(letters)) == len(letters) else frozenset()


def _offered(prompt: str, wanted: str) -> frozenset[str] | None:
    """The words between which a prompt lets one choose: "red, green or blue"."""
    for found in _OFFER.finditer(prompt[-_MAX_SENTENCE_CHARS:]):
        words = frozenset(word.lower() for word in _WORD.findall(found.group()) if word.lower() != "or")
        if wanted in words:
            return words
    return None


def _canonical(word: str) -> str:
    return _SPELLINGS.get(word.lower(), word.lower())


def _without(sentence: str, options: frozenset[str]) -> list[str]:
    """The words of a sentence but for those of a set: sentences that are alike say the same of several of them."""
    return [word.lower() for word in _WORD.findall(sentence) if _canonical(word) not in options]


def _mentions(text: str, options: frozenset[str]) -> set[str]:
    return {word for found in _WORD.findall(text) if (word := _canonical(found)) in options}
