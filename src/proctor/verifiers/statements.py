r"""Reads what prose says the answer is: "answer is", the last formula, the last number.

Words make other values of a number: "not", "minus", "half of", "million". What they make is read where it is plain; where it is
not, nothing readable is returned, so that a sentence never pays for a number that it does not give for the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from proctor.verifiers.abroad import HEDGED_AFTER, HEDGED_BEFORE, with_english_labels
from proctor.verifiers.patterns import among, any_of, one_of
from proctor.verifiers.plain_numbers import NUMBER, SIGN_BEFORE, end_of, number_text, power_of_ten_at, with_unit
from proctor.verifiers.remarks import closed_quantity, without_repetition

MAX_CANDIDATES = 50
MAX_TAIL_CHARS = 20_000  # prose is searched in the last part of a completion only

_AFTER_MONEY = """
because per for and each in to from plus is was total more left a every after at with worth of on she he they
"""
_MONEY = rf"\d[\d,.]{{0,20}}(?:\s+{among(_AFTER_MONEY)}\b|[.]\s+(?-i:[A-Z])[a-z])"  # "5 each and" behind a dollar sign begins no formula
FORMULA = re.compile(
    any_of(
        r"\$\$((?:[^$\\]|\\.){1,1000})\$\$",
        rf"(?<![\\\d])\$(?!{_MONEY})((?:[^$\\]|\\.){{1,1000}})\$",
        r"\\\(((?:[^\\]|\\[^()]){1,1000})\\\)",
        r"\\\[((?:[^\\]|\\[^][]){1,1000})\\\]",
    ),
    re.DOTALL,
)
_SUBJECT = any_of(
    r"answers(?=[*_]{0,3}\s{0,5}(?:are|is|[:=])(?![a-z]))",
    r"answer",
    r"correct (?:option|choice)",
    r"(?:ans|result)(?=[*_]{0,3}\s?[:=.])",
)
_LABEL = any_of(
    r"[*_]{0,3}[ \t]{0,5}[:=][*_]{0,3}",  # "**Answer**:", "answer ="
    r"(?<=ans)\.",  # "Ans."
    r"(?<=\])(?=\s)",  # "[answer] "
    r"[*_]{0,3}[ \t]{0,5}(?=\n)",  # "## Answer" above a line
    r"[*_]{2,3}(?=[ \t])",  # "**Answer** "
)
_IS = any_of(among("is are be equals"), r"(?:is|are|was|can|wo|could)n['’]t(?: be)?")
_STATEMENT = re.compile(
    rf"(?<!\bto )(?<!/)(?<!/correct )\b{_SUBJECT}\b\]?"
    + any_of(
        rf"(?P<label>{_LABEL})",
        rf"(?:[ \t]{{1,5}}[a-z'’-]{{1,20}}){{0,10}}?[ \t]{{1,5}}{_IS}\b[*_]{{0,3}}[ \t]{{0,5}}[:=]?",  # "answer to the question is"
        r"(?P<bare>)(?=[ \t]{1,3}[$\d\\(-])",  # "answer 16"
    ),
    re.IGNORECASE,
)
_OPENING = re.compile(r"[\s*#]*(?:(?:so|thus|therefore|hence|then)\b,?\s{0,5})?(?:(?:the|my|our|final|correct|right)\s{1,5}){0,4}\**", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|cannot|never|unlikely|hardly)\b|n['’]t\b", re.IGNORECASE)
_SUGGESTED = re.compile(r"\b(?:could|might|may)(?: \w{2,12}ly)? be\b", re.IGNORECASE)
_WRITTEN_AS = re.compile(r"\W{0,5}(?:\w{2,12}ly )?(?:\w{2,15}ed|written|found|shown|given)\b", re.IGNORECASE)
_DENIED_BEFORE = re.compile(r"(?:\b(?:not|never|false|untrue|wrong|doubt|unlikely)\b|n['’]t\b)[^.!?\n]{0,40}$", re.IGNORECASE)
_ASKED = re.compile(r"[^.!\n]{0,60}\?")
_QED = re.compile(r"\$?\\(?:blacksquare|square|qed|Box)(?![a-zA-Z])\$?")
_TEXT_LABEL = re.compile(r"\\text\s?\{\s?((?:the\s)?(?:final\s)?answer(?:\sis)?\s?[:=]?)\s?\}", re.IGNORECASE)
_DISPLAYED = re.compile(r"\s{0,5}(\$\$[^$]{1,1000}\$\$|\\\[.{1,1000}?\\\])", re.DOTALL)
_SAID = re.compile(r"[ \t]{0,20}(?:\n[ \t]{0,20}){0,3}([^\n]{0,1000})")
_LIST_MARK = re.compile(r"(?:\d{1,2}[.)]|[-*•])\s")
_VERDICT = re.compile(r"[\s*_]*(?:true|false|yes|no)[*_]{0,3}[.,;:!]", re.IGNORECASE)
_MAX_WORDS = 4
"""Of what stands behind a label: more of them, with more text after, are a solution and no answer."""
_SECOND_SENTENCE = re.compile(r"[.!?;]\s+\w")
_NEXT_SENTENCE = re.compile(r"[.!?]\s+[*_\"'(\[$\\]{0,4}\w")
_SUBSTANCE = re.compile(r"[\\$=\d]")
_SENTENCE_END = re.compile(r"(?<!\bRs)[.!?](?=\s|$)|\s(?=(?:because|since|as|which|so)\b)")
_FILLERS = any_of(among("exactly simply just approximately about roughly around equal_to therefore thus then hence indeed clearly also"), ":")
_FILLER = re.compile(rf"^(?:[:=]\s{{0,5}})?(?:{_FILLERS},?\s{{0,5}}){{0,4}}", re.IGNORECASE)
_ROUGHLY = re.compile(
    rf"(?<=\S)\s{{1,3}}\((?!{among('mod base not or and but wrong incorrect in')}\b|\\)"
    r"(?:≈|(?=[^()\n]{0,60}[A-Za-z]{3}))[^()\n]{1,120}\)\Z",
    re.IGNORECASE,
)
"""What is said of an answer in brackets behind it."""
_EXPLAINED = re.compile(rf"(?<=[\d$)\]}}*]),\s{among('computed obtained found calculated by using as rounded where with')}\b.*", re.DOTALL)
_LEAD_IN = re.compile(r"^[A-Za-z ,'’]{0,60}\b(?:is|are|be)\s{1,5}", re.IGNORECASE)
_PLAIN_LEAD = re.compile(r"[A-Za-z ,:'’=()]*")
_NOUN = re.compile(r"\s([a-z]{2,20}(?: [a-z]{2,20}){0,2})")
_VARIABLE = re.compile(r"\$([A-Za-z](?:_\w)?)\$(?=.)", re.DOTALL)
_NOT_THAT = re.compile(r",\s{1,5}(?:and\s{1,5})?not\s.*", re.DOTALL)
_RATE = re.compile(r"\s{0,3}(?:(?:per|every|each|a|an)\s{1,3}[a-z]{2,12}|each|/\s?[a-z]{2,12})\s{0,3}$", re.IGNORECASE)
_IN_TOTAL = re.compile(r"^\s{1,3}(?:in total|in all|in the end|altogether|overall|total|left|remaining|exactly|here)\b", re.IGNORECASE)
_AT_END = re.compile(r"\s{1,3}(?:in total|in all|altogether|overall|total)$", re.IGNORECASE)
_JOINED = re.compile(r"[\s,;]{0,5}(?:(?:or|and|either|maybe|perhaps|possibly)[\s,;]{1,5}){0,2}", re.IGNORECASE)
_DISPLAY = re.compile(r"\$\$|\\\[")
_ANOTHER = re.compile(r"\W{0,5}(?:or|either|maybe|perhaps|possibly|wait)\b", re.IGNORECASE)
_OTHER_VALUE_WORDS = """
not never cannot than minus negative plus times or nor either vs versus under over above below between except without unlike unlikely maybe perhaps
possibly probably might could if least most half third quarter twice thrice double triple square cube roots root adding subtracting multiplying dividing
wrong incorrect false nearly almost
"""
OTHER_VALUE = re.compile(rf"{one_of(_OTHER_VALUE_WORDS)}|n['’]t\b", re.IGNORECASE)
"""What makes something else of a number that comes after it in its sentence."""
_LATER_VALUE = re.compile(rf"\b{among('more less fewer greater times')} than\b|{one_of('or not wrong incorrect minus plus')}", re.IGNORECASE)
_HEDGES = """
or nor not cannot can't either maybe perhaps possibly probably than isn't wasn't aren't never instead_of vs versus except without unlike
"""
_FUNCTIONS = """
roots root squares square cubes cube half halves thirds third quarters quarter opposite reciprocal inverse negative logarithm factorial double triple
"""
_HEDGED_BEFORE = re.compile(
    any_of(
        r"±\s?",
        rf"\b{among(_HEDGES)}(?:\s{{1,5}}\w{{1,12}}){{0,1}}\W{{0,5}}",  # "perhaps", "instead of exactly"
        rf"\b{among(_FUNCTIONS)} of\s{{1,3}}\W{{0,2}}",  # "square root of"
        rf"\b{among('twice thrice times half double triple')}\s{{1,3}}[$(]?",
        rf"\b{among('step case part method question problem equation')}\s{{1,3}}\W{{0,2}}",  # "Step"
        r"√\s?\(?",
        HEDGED_BEFORE,
    )
    + r"$",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"(?:\b(?:assume|suppose|cannot be|can['’]t be)\b|\b(?:false|untrue|wrong|not true) (?:that|to)\b)[^.!?\n]{0,120}$", re.IGNORECASE)
_FRACTIONS = r"dozens?|tenths?|hundredths?|thousandths?"
_HEDGED_AFTER = re.compile(
    r"^"
    + any_of(
        r"\s?\?|\s?\^",
        r"\s?(?:\\pi|π|√)",
        HEDGED_AFTER,
        r"[kKMBijnpqrtuwxyzab]\b",  # `k` of `16k`
        rf"\s{{1,3}}(?:and (?:a|one) (?:half|third|quarter)|squared|cubed|factorial|{_FRACTIONS}|below zero)\b",
        rf"\W{{0,5}}(?:{among('or vs versus maybe perhaps possibly')}|is (?:wrong|not|incorrect)|(?:could|might|may) (?:\w{{2,12}} )?be)\b",
    ),
    re.IGNORECASE,
)
_OTHER_POWER = re.compile(rf"{one_of('from to within reciprocal inverse between of')}\s*\Z|\breciprocal\b", re.IGNORECASE)
_AFTER_POWER = re.compile(r"(?:\s(?!too\b|per\b|more\b|less\b|times\b|squared\b|cubed\b|or\b)[A-Za-zμΩ°/²³^-]{1,20}){0,2}[\s.!*]*\Z")
_OPERATOR_BEFORE = re.compile(r"(?:[+*/^×·÷]|[\w)]\s?[-\u2212])\s?$")
_OPERATOR_AFTER = re.compile(r"\s?(?:[+*^×·÷√\\]|[-\u2212]\s?[\w(]|/\s?[\w(])|[A-Za-z(]")
_SIGN_WORD = re.compile(r"^(?:minus|negative) (?=[$\d])", re.IGNORECASE)
_LISTED_BEFORE = re.compile(r"\d[%°)]?[*_$]{0,3}(?:\s?[,;]\s{0,3}(?:and\s{1,3})?|\s(?:and|&)\s{1,3}|[ \t]{1,3})[*_$]{0,3}$")
_NAMED_BEFORE = re.compile(r"\b([a-z])\s?=\s?[-\u2212]?\d[\d./]{0,12}[$]?(?:,\s(?:and\s)?|\sand\s)[$]?\1\s?=\s?$")
_ENDS = re.compile(r"[ \t*_$.!]*(?:\n|\Z)")
_BULLET = r"[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+"
_BULLETS = re.compile(rf"(?:^|\n){_BULLET}[*$\\]{{0,3}}\S{{1,20}}[ \t]*\n{{1,2}}{_BULLET}[*$\\]{{0,3}}$")
_LISTING = re.compile(r"\s\([^()\n]{1,200}(?:\.\.\.|…|\\ldots|\\dots)[^()\n]{0,200}\)[\s.!*]*\Z")
"""A remark at the end that lists what was added: no number of it is the answer."""
_MAX_LISTING_CHARS = 420
_EMPHASIS = re.compile(r"\*\*|__|[`\"“”]")
_MAX_BEFORE = 300


class Said(NamedTuple):
    """What a text says the answer is, and what stands before and after that; all empty where it says none."""

    candidates: tuple[str, ...] = ()
    before: str = ""
    after: str = ""


def said(text: str, start: int, end: int, *candidates: str) -> Said:
    """Return what is said between two places of a text, the last of the candidates standing there."""
    return Said(candidates, text[max(0, start - _MAX_BEFORE) : start], text[end:])


def answers_said(text: str) -> Said:
    """What each "the answer is", "Answer:" and the like says, of the last fifty.

    A label before a whole solution says nothing, and neither does "the answer as a percentage"; "our answer is reasonable" says
    something only where nothing else does.
    """
    tail = with_english_labels(_TEXT_LABEL.sub(r"\1", _QED.sub("", text[-MAX_TAIL_CHARS:])))
    found = [(candidate, start) for line, start in _statements(tail) if (candidate := _answer_in(line))]
    found = [(candidate, start) for candidate, start in found if _SUBSTANCE.search(candidate)] or found
    return said(tail, found[-1][1], found[-1][1], *(candidate for candidate, _ in found)) if found else Said()


def only_statement(text: str) -> tuple[str, ...]:
    """What a text says, where it says nothing but that the answer is something; nothing for "8 but the answer is 7"."""
    start = _STATEMENT.search(text)
    if start is None or not _OPENING.fullmatch(text[: start.start()]):
        return ()
    rest = text[start.end() :].strip()
    return () if "\n" in rest or _SECOND_SENTENCE.search(rest) else answers_said(text).candidates


def sentences(text: str) -> list[str]:
    """The sentences of a text, formulas aside, each with its full stop; at least one."""
    hidden = _without_formulas(text)
    ends = [found.start() + 1 for found in _NEXT_SENTENCE.finditer(hidden)] + [place for place, char in enumerate(hidden) if char == "\n"]
    places = [0, *sorted(ends), len(text)]
    return [text[start:end] for start, end in pairwise(places) if text[start:end].strip()] or [""]


def has_sentences(text: str) -> bool:
    """Whether a line has several sentences, formulas aside, and a number or formula, so that it is no answer as a whole."""
    return _SUBSTANCE.search(text) is not None and _NEXT_SENTENCE.search(_without_formulas(text)) is not None


def _statements(text: str) -> Iterator[tuple[str, int]]:
    """What follows each statement in its line, or below it, up to the next; and where that begins."""
    starts = list(deque(_STATEMENT.finditer(text), maxlen=MAX_CANDIDATES))
    for number, start in enumerate(starts):
        displayed = _DISPLAYED.match(text, start.end())
        if displayed:
            yield displayed[1], start.end()
            continue
        shown = _SAID.match(text, start.end())
        assert shown is not None  # every part of it may be empty
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        line = text[shown.start(1) : min(shown.end(1), end)]
        if start["bare"] is not None and not _OPENING.fullmatch(text[text.rfind("\n", 0, start.start()) + 1 : start.start()]):
            continue  # "an answer 400 less than the other"
        if start["label"] is not None and _is_solution(line, text[shown.end(1) :]):
            continue
        is_denied = _DENIED.search(start.group()) or _DENIED_BEFORE.search(text[max(0, start.start() - 60) : start.start()]) or _ASKED.match(line)
        is_suggested = _SUGGESTED.search(start.group()) and not _WRITTEN_AS.match(line)
        yield f"not {line}" if is_denied or is_suggested else line, start.end()


def _is_solution(line: str, after: str) -> bool:
    """Whether a label stands before a solution in several sentences or lines."""
    is_word = _VERDICT.match(line) is not None  # "True. For instance, 3 + 5 = 8."
    is_long = not is_word and len(line.split()) > _MAX_WORDS and (bool(after.strip()) or _SECOND_SENTENCE.search(line) is not None)
    return is_long or (_LIST_MARK.match(line) is not None and bool(after.strip()))


def _answer_in(line: str) -> str:
    """The answer in what is said: its formula, its only number, or the sentence, which is unreadable where words make another value of it."""
    line = _EMPHASIS.sub("", line).strip().strip("*_").strip()
    for opening, closing in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):  # of a display that began before the label
        if line.endswith(closing) and line.count(opening) == (opening == closing):
            line = line.removesuffix(closing).strip()
    sentence = _first_sentence(line)
    rest = line[len(sentence) :].lstrip(".!? ")
    sentence = _EXPLAINED.sub("", sentence) or sentence
    sentence = _without_remark(without_repetition(_FILLER.sub("", _NOT_THAT.sub("", sentence)).rstrip("*: ")))
    if _ANOTHER.match(rest):
        return line
    sentence = _VARIABLE.sub(r"\1", sentence)
    formula = last_formula(sentence)
    if formula is not None and _changes_nothing(sentence[formula.end :]):
        before = sentence[: formula.start].rstrip()
        sign = "-" if before.endswith(("-", "\N{MINUS SIGN}")) else ""
        before = before[:-1] if sign else before
        is_plain = _PLAIN_LEAD.fullmatch(before) and not OTHER_VALUE.search(before)
        return sign + formula.text if is_plain else f"{before} {sign}{formula.text}"
    if formula is not None and (noun := _NOUN.fullmatch(sentence, formula.end)) and len(before := sentence[: formula.start].split()) > 1:
        return f"{formula.text} {noun[1]}" if not OTHER_VALUE.search(" ".join(before)) else sentence
    numbers = list(NUMBER.finditer(sentence))
    if len(numbers) == 1 and len(sentence.split()) > 3 and "\\" not in sentence and sentence.count("$") == numbers[0].group().count("$"):
        before, after = sentence[: numbers[0].start()], sentence[end_of(numbers[0]) :]
        if _OPERATOR_BEFORE.search(before) or _OPERATOR_AFTER.match(after):
            return _without_lead(sentence)
        is_other = OTHER_VALUE.search(SIGN_BEFORE.sub("", before)) or _LATER_VALUE.search(after) or _is_hedged(sentence, numbers[0])
        return sentence if is_other else number_text(sentence, numbers[0])
    return _SIGN_WORD.sub("-", _RATE.sub("", _AT_END.sub("", _without_lead(sentence)))).strip("* ")


def _without_remark(sentence: str) -> str:
    """A sentence without what is said of its answer in brackets behind it, unless that is a quantity, which would be another one."""
    found = _ROUGHLY.search(sentence)
    if found is None:
        return sentence
    before, remark = sentence[: found.start()], found.group().strip(" ()")
    is_same = remark.startswith("≈") and closed_quantity(f"{before} {remark}") is not None  # "5/36 (≈ 13.9 %)"
    return before if is_same or closed_quantity(remark) is None else sentence


def _without_lead(sentence: str) -> str:
    """A sentence without the words that lead to what it says is the answer."""
    lead = _LEAD_IN.match(sentence)
    return sentence[lead.end() :] if lead and not OTHER_VALUE.search(lead.group()) else sentence


def _first_sentence(line: str) -> str:
    """Up to the first end of a sentence, or word of a reason, that is in no formula."""
    end = _SENTENCE_END.search(_without_formulas(line))
    return line[: end.start()] if end else line


def _without_formulas(line: str) -> str:
    """The line with letters in place of its formulas."""
    return FORMULA.sub(lambda found: "x" * len(found.group()), line)


def _changes_nothing(after: str) -> bool:
    """Whether what follows a formula in its sentence leaves its value alone: nothing, words like "in total", a rate."""
    return not re.search(r"\w", _RATE.sub("", _IN_TOTAL.sub("", after)))


class Formula(NamedTuple):
    """A formula in a text: what it says, and where it stands."""

    text: str
    start: int
    end: int


def last_formula(text: str) -> Formula | None:
    """The last formula with those joined to it by a comma, "and" or "or"."""
    formulas = list(FORMULA.finditer(text))
    if not formulas:
        return None
    first = len(formulas) - 1
    while first and _JOINED.fullmatch(text, formulas[first - 1].end(), formulas[first].start()) and not _DISPLAY.match(formulas[first].group()):
        first -= 1
    start, end = formulas[first].start(), formulas[-1].end()
    shown = next(part for part in formulas[-1].groups() if part) if first == len(formulas) - 1 else text[start:end]
    return Formula(shown, start, end)


def last_math(text: str) -> Said:
    """The last formula, unless a number in plain text comes after it, or words before it make something else of it."""
    tail = _QED.sub("", text[-MAX_TAIL_CHARS:])
    formula = last_formula(tail)
    if formula is None or NUMBER.search(tail, formula.end) or _HEDGED_BEFORE.search(tail[max(0, formula.start - 40) : formula.start]):
        return Said()
    if _SUPPOSED.search(tail[max(0, formula.start - 200) : formula.start]):
        return Said()
    return said(tail, formula.start, formula.end, formula.text)


def last_number(text: str) -> Said:
    """The last number with what belongs to it, unless it is hedged or denied."""
    tail = text[-MAX_TAIL_CHARS:]
    aside = _LISTING.search(tail[-_MAX_LISTING_CHARS:])
    if aside is not None and NUMBER.search(_last_line(tail[: len(tail) - len(aside.group())])):
        tail = tail[: len(tail) - len(aside.group())]
    number = next(iter(deque(NUMBER.finditer(tail), maxlen=1)), None)
    if number is not None and (power := power_of_ten_at(tail, number.start())) is not None:
        if _is_hedged_power(tail, power):
            return Said()
        return said(tail, power.start(), power.end(), with_unit(power.group(), tail, power.end()))
    if number is None or _is_hedged(tail, number) or _SUPPOSED.search(tail[max(0, number.start() - 200) : number.start()]):
        return Said()
    return said(tail, number.start(), end_of(number), number_text(tail, number))


def _is_hedged_power(text: str, power: re.Match[str]) -> bool:
    """Whether a number times a power of ten is a part of something, doubted, or followed by more than a unit or a noun."""
    lead = text[max(0, power.start() - 60) : power.start()].rpartition("\n")[2]
    is_other = any(pattern.search(lead) for pattern in (_OPERATOR_BEFORE, OTHER_VALUE, _HEDGED_BEFORE, _OTHER_POWER))
    return is_other or _SUPPOSED.search(text[: power.start()][-200:]) is not None or _AFTER_POWER.match(text, power.end()) is None


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :]


def ends_list(before: str, after: str) -> bool:
    """Whether a number between two texts ends a list of numbers ("1, 2, 3, 6", "5 and 7", one below the other), so that nothing says that it is the answer."""
    before = before[-60:]
    return _ENDS.match(after) is not None and any(pattern.search(before) for pattern in (_LISTED_BEFORE, _NAMED_BEFORE, _BULLETS))


def _is_hedged(text: str, number: re.Match[str]) -> bool:
    """Whether a number is offered beside another one ("7 or 8"), doubted, denied, or part of another value."""
    before = text[max(0, number.start() - 40) : number.start()]
    return bool(_HEDGED_BEFORE.search(before) or _HEDGED_AFTER.search(text[end_of(number) : end_of(number) + 40]))
