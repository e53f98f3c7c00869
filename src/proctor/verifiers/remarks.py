r"""Leaves out what a sentence says beside its value, so that the value is its last: the same quantity again, where it is attained, what else there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from proctor.verifiers.answers import Quantity
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, variables
from proctor.verifiers.expressions import Apply, Node, Number
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.reading import readings

_LEFT = r"(?:left|remaining|needed|used|required|over|left over|enough|the (?:answer|total|result))"
_AGAIN = re.compile(
    rf"\s?\((?:(?:i\.e\.,?|that is,?|or|=)\s?)?([^()]{{1,60}})\)\Z|,\s(?:i\.e\.,|that is,|or)\s([^,;()]{{1,60}})(?:,\s(?:is|are|was|were|will be)\s{_LEFT})?\Z"
)
_BEFORE = re.compile(r"(?:^|[\s=])([-+\u2212]?[$€£]?\d[^\s,;=]{0,20}(?:\s[A-Za-z°/²³^]{1,20})?)\Z")
_PLACE = re.compile(
    r",?\s(?:which (?:is|occurs)\s)?(?:attained|reached|achieved|occurring|obtained|taken)\s(?:at|when|for|by)\s"
    r"(?:the (?:point|value) )?[A-Za-z]\s?=\s?\S{1,30}\Z"
    r"|,?\s(?:as|when|at|for)\s[A-Za-z]\s?(?:=|(?P<arrow>→|->|\\to(?![a-z])))\s?[^\s,;]{1,20}\Z"
)
_NOT_EXTREME = "".join(rf"(?<!{word} )" for word in ("minimum", "maximum", "least", "greatest", "smallest", "largest"))
_ASKS_PLACE = re.compile(
    r"[xyt]\$?-?\s?(?:coordinate|value)|\b(?:where|location|at (?:which|what)|for (?:which|what)|which value|"
    rf"{_NOT_EXTREME}values? of \$?[a-eijkm-z]\b(?!\s?\()|solve)",
    re.IGNORECASE,
)
LIMIT = re.compile(r"\\lim|\blimit\b|\blim\b", re.IGNORECASE)
_COMPANY = re.compile(r"\s\((?:and|with|plus)\s\d{1,9}\s([a-z]{3,20})\)(?: (?:in|on|at) (?:the|her|his|their|a) ([a-z]{3,20}(?: [a-z]{3,20})?))?\Z")
_DIGITS = re.compile(r"\d{1,9} \d{1,9}/\d{1,9}|\d[\d,]*(?:\.\d+)?(?:/\d+)?")
_GIVEN = re.compile(
    r"\*{0,2}\s(?:of|in|for|from|out of|after|per|at|with|by|among|between|to (?:reach|make|cover|fill|travel|buy|have|save|finish|complete|get|pay))"
    r" (?:the |all |these |those |her |his |their |its |a |at least ){0,2}"
    r"\*{0,2}[$€£]?(\d[\d,]*(?:\.\d+)?)(?:%|(?:[ -][a-z]{1,15}){0,3})[\s.!*]*\Z",
    re.IGNORECASE,
)
_ON_DAY = re.compile(r"\*{0,2} (?:on|in) ((day|week|month|year|round|step) \d{1,6})[\s.!*]*\Z", re.IGNORECASE)
"""`42 push-ups on day 10`."""
_ANOTHER_VALUE = re.compile(
    r"\b(?:not|never|nor|or|if|than|half|third|quarter|twice|double|triple|less|more|fewer|one|each|every|out)\b|n['’]t\b", re.IGNORECASE
)
_EACH_OF = re.compile(r"\beach of the \d{1,6} [a-z]{3,20}\b")
_COUNTED = re.compile(r"\d\s([a-z]{3,20})\Z")


def without_remark(sentence: str, prompt: str, is_wanted: Callable[[Quantity], bool]) -> str:
    """Return a sentence without a remark at its end: "attained at x = 2", "as x → 0", "(and 32 nickels)", "or 1600 mL".

    Args:
        sentence: without its full stop.
        prompt: of the task; what it asks for is no remark.
        is_wanted: whether a quantity is in a unit that the prompt asks for, so that of two equal ones it is kept.
    """
    if (place := _PLACE.search(sentence)) is not None:
        is_asked = asks_place(prompt) or (place["arrow"] and not LIMIT.search(prompt))
        return sentence if is_asked else sentence[: place.start()]
    if (company := _COMPANY.search(sentence)) is not None:
        counted = _COUNTED.search(sentence[: company.start()])
        is_asked = counted is not None and counted[1] != company[1] and re.search(rf"\bhow many {counted[1]}\b", prompt, re.IGNORECASE) is not None
        is_given = company[2] is None or (company[2] in prompt and company[1].endswith("s") and re.search(rf"\b{company[1]}\b", prompt) is not None)
        return sentence[: company.start()] if is_asked and is_given else sentence
    return without_repetition(sentence, is_wanted)


def without_repetition(sentence: str, is_wanted: Callable[[Quantity], bool] | None = None) -> str:
    """Return a sentence that ends in one quantity twice ("3.6 hours (3 h 36 min)") with the one that is wanted, or the first."""
    again = _AGAIN.search(sentence)
    if again is None or (before := _BEFORE.search(sentence, max(0, again.start() - 60), again.start())) is None:
        return sentence
    one, other = closed_quantity(before[1]), closed_quantity(again[1] or again[2])
    if one is None or other is None or not same_measure(one, other):
        return sentence
    return sentence[: before.start(1)] + (again[1] or again[2]) if is_wanted is not None and is_wanted(other) else sentence[: again.start()]


def asks_place(prompt: str) -> bool:
    """Whether a prompt asks where something is attained, and not how much it is."""
    return _ASKS_PLACE.search(prompt) is not None


def before_given(sentence: str, prompt: str) -> str:
    """Return a sentence up to a phrase at its end that repeats a number which the prompt gives: "of 360", "for 5 batches", "to reach $400".

    Nothing where it ends otherwise, or where what it says before that is no other number.
    """
    if (day := _ON_DAY.search(sentence)) is not None:
        is_given = re.search(rf"\b{day[1]}\b", prompt, re.IGNORECASE) and not re.search(rf"\b(?:which|what) {day[2]}\b", prompt, re.IGNORECASE)
        return sentence[: day.start()] if is_given and not _ANOTHER_VALUE.search(sentence) else ""
    found = _GIVEN.search(sentence)
    if found is None:
        return ""
    before, given = _EACH_OF.sub("", sentence[: found.start()]), found[1].replace(",", "")
    numbers = [number.replace(",", "") for number in _DIGITS.findall(before)]
    known = {number.replace(",", "") for number in _DIGITS.findall(prompt)}
    is_new = given in known and not (numbers and numbers[-1] in known)
    return before if is_new and not _ANOTHER_VALUE.search(before) else ""


def closed_quantity(text: str) -> Quantity | None:
    """Return what a text says, if it is a quantity without variables; None for everything else."""
    with suppress(Unreadable):
        for answer in readings(text):
            if isinstance(answer, Quantity) and not variables(answer.node) - NAMED_CONSTANTS and "oo" not in variables(answer.node):
                return answer
    return None


def same_measure(one: Quantity, other: Quantity) -> bool:
    """Whether two quantities are the same, both with a unit or both without."""
    if one.unit is None and other.unit is None:
        return equal(one.node, other.node)
    if one.unit is None or other.unit is None or not one.unit.powers or one.unit.powers != other.unit.powers:
        return False
    return equal(_in_base_units(one), _in_base_units(other))


def _in_base_units(quantity: Quantity) -> Node:
    return quantity.node if quantity.unit is None else Apply("*", (quantity.node, Number(quantity.unit.scale)))
