r"""Reads the end of a completion that says what the answer is by its form alone: a last line in bold, "45 is 18 percent of 250", "It will be Friday.", a chain.

For what has no number, and for numbers that the last number is not. One guess is read: of sentences that say the same of several words
("It will be Monday. It will be Friday.") every word is an answer, and all must be right.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from proctor.verifiers.abroad import said_abroad
from proctor.verifiers.asked import asks_percentage
from proctor.verifiers.choices import chosen, lettered
from proctor.verifiers.closings import without_aside, without_reason
from proctor.verifiers.conclusions import concluded
from proctor.verifiers.counts import counted
from proctor.verifiers.emphasis import emphasised, without_dollars
from proctor.verifiers.extraction import Extraction
from proctor.verifiers.patterns import one_of
from proctor.verifiers.phrases import concluded_in_words
from proctor.verifiers.plain_numbers import NUMBER
from proctor.verifiers.predicates import predicated
from proctor.verifiers.ranges import ranged
from proctor.verifiers.references import Gold
from proctor.verifiers.statements import FORMULA, OTHER_VALUE, Said, last_math, last_number, sentences

_MAX_CHARS = 20_000
_MAX_LINE_CHARS = 200
_MAX_WORDS = 3
_BOLD_LINE = re.compile(r"\*\*([^*\n]{1,200})\*\*[.!]?")
_HAS_WORDS = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}")
_VALUE = re.compile(r"[\d\\$√π∞]")
_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*){0,2}")
_OPENING = r"(?:(?:so|thus|therefore|hence|then|and so|finally|in conclusion|conclusion:?|we conclude that|this means(?: that)?)\b,?\s{1,3}){0,2}"
_IS_WORD = re.compile(
    rf"{_OPENING}((?:it|this|that|(?:the|this) [a-z]{{2,20}}(?: (?!that|which)[a-z]{{2,20}}){{0,2}}|[a-z]\s?(?:\([a-z]\))?)"
    r" (?:is|will be|would be|must be|is going to be|falls on|will fall on)(?: an?| the| on)?) \**([A-Za-z]{3,20}(?: [a-z]{3,20}){0,2})\**[.!]?",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(r"[,;]\s(?=(?:and\s)?(?:so|hence|thus|therefore|which means)\b)", re.IGNORECASE)
_DOUBTS = """
if suppose assume unless maybe perhaps possibly might could would wrong incorrect not never either or thinks thought claims claim says said believes misses
otherwise tempting argue argues argued mistakenly fool fools
"""
_SUPPOSES = re.compile(rf"{one_of(_DOUBTS)}|n['’]t\b|\?", re.IGNORECASE)
_IS_CHEMICAL = re.compile(
    _OPENING + r"(?:the )?(?:(?:chemical |molecular |empirical )?formula|compound|answer|product|it)(?: of [\w ]{1,30})? is "
    r"\$?((?-i:(?:[A-Z][a-z]?|[()₀-₉]|_\{?\d\}?){2,40}))\$?[.!]?",
    re.IGNORECASE,
)
"""`H₂SO₄`."""
_IT_IS = re.compile(r"\bit['’]s\b", re.IGNORECASE)
_COMPARED = re.compile(r"\bwhich (?:\w{1,12} )?is (?:the )?(larger|greater|bigger|smaller|less)\b", re.IGNORECASE)
_YES_NO = re.compile(rf"{_OPENING}\**(yes|no)\b\**(?=[,.:;!]|\s?[\u2014-]|$)", re.IGNORECASE)
_EITHER = re.compile(r"\b(?:yes|no|nope|wait|actually|or|maybe|perhaps)\b", re.IGNORECASE)
_WHO = re.compile(
    r"\b(?:who|which (?:\w{1,20} ){0,3}?|what)\s?\b"
    r"((?:is|was|has|had|won|came|ran|got|finished|finishes|wins|will|did|scored|weighs|sits|lives)\b[^?,:;.\n]{1,80})[?:,]",
    re.IGNORECASE,
)
_PERCENTAGE = re.compile(
    r"(-?\d[\d,]{0,20}(?:\.\d{1,30})?)\s?(?:%|\\%|percent) of\s{1,3}(?:the\s{1,3})?[$€£]?\d[\d,]{0,20}(?:\.\d{1,30})?(?: [a-z]{2,20})?[.!]?\**\s*\Z"
)


def last_said(text: str, prompt: str, gold: Gold) -> Extraction | None:
    """Return what a completion ends in, in the channel of what says an answer; None where its end is of no such form.

    Args:
        text: what the model wrote after its reasoning.
        prompt: of the task; a sentence may repeat what it asks of somebody ("Carla is the shortest"), and what it gives.
        gold: the reference; what its kind is decides what is looked for.
    """
    tail = without_reason(text[-_MAX_CHARS:].rstrip(), prompt, allow_words=gold.allows_words)
    for end in dict.fromkeys((tail, without_aside(tail))):
        found = _said_in(end, prompt, gold)
        if not found.candidates and gold.is_quantity and end != text.rstrip():
            found = last_math(end) if FORMULA.search(sentences(end)[-1]) else last_number(end)
        if found.candidates:
            return Extraction("answer_is", *found, is_tentative=True)
    return None


def _said_in(tail: str, prompt: str, gold: Gold) -> Said:
    """What the first reader finds that finds anything."""
    line = tail[tail.rfind("\n") + 1 :].strip()
    last = sentences(tail)[-1]
    readers: list[Callable[[], Said]] = [lambda: Said(_bold(line, allow_words=gold.allows_words))]
    if asks_percentage(prompt):
        readers.append(lambda: Said(_percentage(sentences(line)[-1])))
    if gold.allows_words:
        readers.append(lambda: concluded_in_words(tail, gold.text, prompt))
        readers += [lambda: chosen(tail, gold.text, prompt), lambda: Said(_worded(tail, line, prompt))]
    readers += [lambda: lettered(tail, gold.text), lambda: emphasised(last, gold)]
    if gold.is_quantity:
        readers += [lambda: concluded(tail, prompt), lambda: _abroad(tail, prompt)]
    if gold.is_region:
        readers.append(lambda: ranged(last, f"{prompt} {gold.text}"))
    readers.append(lambda: predicated(tail, gold.readings))
    if gold.is_quantity:
        readers += [lambda: counted(last, prompt), lambda: Said(_compared(last, prompt))]
    return next((found for read in readers if (found := read()).candidates), Said())


def _abroad(tail: str, prompt: str) -> Said:
    found = said_abroad(tail, prompt)
    return Said() if found is None else Said((found[0],), found[1])


def _percentage(sentence: str) -> tuple[str, ...]:
    """The percentage of "45 is 18 percent of 250", of which the last number is another one."""
    found = _PERCENTAGE.search(sentence)
    if found is None or len(NUMBER.findall(sentence[: found.start()])) > 1 or OTHER_VALUE.search(sentence):
        return ()
    return (f"{found[1]}%",)


def _compared(sentence: str, prompt: str) -> tuple[str, ...]:
    """The larger of two that the prompt wants compared: `3^20 is larger`."""
    asked = _COMPARED.search(prompt)
    found = None if asked is None or len(sentence) > 2 * _MAX_LINE_CHARS else re.search(rf"(\S{{1,40}}) is (?:the )?{asked[1]}[.!*]*\s*\Z", sentence)
    return () if found is None or OTHER_VALUE.search(sentence) else (found[1].strip("*$"),)


def _bold(line: str, *, allow_words: bool) -> tuple[str, ...]:
    """All of a line that is in bold, and is a value or a few words, and no sentence."""
    found = _BOLD_LINE.fullmatch(line)
    shown = "" if found is None else found[1].strip().rstrip(".!")
    is_value = _VALUE.search(shown) is not None and _HAS_WORDS.search(shown) is None
    is_words = allow_words and _WORDS.fullmatch(shown) is not None
    return (without_dollars(shown),) if is_value or is_words else ()


def _concluding(sentence: str) -> str:
    """The clause that concludes, of a sentence that gives a reason first: "so this is a hyperbola"; all of it where it supposes or doubts anything."""
    found = _CONCLUSION.search(sentence)
    return sentence if found is None or _SUPPOSES.search(sentence) else sentence[found.end() :]


def _worded(tail: str, line: str, prompt: str) -> tuple[str, ...]:
    """The word that the last sentence says, and those that sentences like it say."""
    if len(line) > 10 * _MAX_LINE_CHARS:
        return ()
    *_, last = sentences(line)
    last = _IT_IS.sub("it is", last.strip())
    if len(last) > _MAX_LINE_CHARS:
        return ()
    if (found := _IS_WORD.fullmatch(_concluding(last))) is not None and not OTHER_VALUE.search(found[1]):
        alike = [match for sentence in sentences(tail) if (match := _IS_WORD.fullmatch(_concluding(_IT_IS.sub("it is", sentence.strip()))))]
        return tuple(match[2] for match in alike if match[1].lower() == found[1].lower())
    if _YES_NO.match(last) is not None and len(_EITHER.findall(last)) == 1:
        return tuple(match[1] for sentence in sentences(tail) if (match := _YES_NO.match(sentence.strip())))
    if (formula := _IS_CHEMICAL.fullmatch(last)) is not None:
        return (formula[1],)
    who = _WHO.search(prompt)
    if who is not None:
        same = re.compile(rf"{_OPENING}\**([A-Z][\w' ]{{0,40}}?)\** {re.escape(who[1].strip())}(?:, (?!or|not|but|maybe)[^?]*)?[.!]?\**", re.IGNORECASE)
        return tuple(match[1] for sentence in sentences(tail) if (match := same.fullmatch(sentence.strip()))) if same.fullmatch(last) else ()
    return ()
