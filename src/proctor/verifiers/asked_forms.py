r"""Finds out which form of a number or an expression a prompt asks for in so many words: "as a common fraction", "in simplest radical form".

Words that speak of a form without asking for it ask for nothing: "the mixed number $3\frac58$", "where $m/n$ is in lowest terms" of which $m+n$ is
wanted, "need not be simplified", "as a fraction or a decimal". Some of them cannot be told apart here, so a form counts only where the reference has
it, which `proctor.verifiers.number_forms` says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from proctor.verifiers.asked import asks_percentage
from proctor.verifiers.patterns import among, any_of, one_of

AskedForm = Literal[
    "fraction",
    "improper fraction",
    "mixed number",
    "decimal",
    "percentage",
    "simplest form",
    "rational denominator",
    "single fraction",
    "positive exponents",
    "completed square",
    "partial fractions",
]

_MAX_CHARS = 4000
_SPACE = r"\s{1,3}"
_REDUCED = "common simplified reduced simplest irreducible"
_ADJECTIVES = rf"(?:{among(f'{_REDUCED} simple exact single proper terminating finite repeating equivalent fully completely')}[\s,-]{{1,2}}){{0,3}}"
_ASKING = one_of("as to into in give write leave enter provide report state express")
_FILLER = rf"(?:{among('your the its an a one final answer result value as in')}{_SPACE}){{0,5}}"  # "give | your final answer as a | fraction"


def _asked_as(noun: str) -> re.Pattern[str]:
    return re.compile(rf"{_ASKING}{_SPACE}{_FILLER}{_ADJECTIVES}{noun}", re.IGNORECASE)


_FRACTION = _asked_as(rf"fraction(?:s|al{_SPACE}form)?\b(?!{_SPACE}of\b)")
_REDUCED_FRACTION = re.compile(one_of(_REDUCED), re.IGNORECASE)
_IMPROPER = _asked_as(r"improper[\s-]{1,2}fractions?\b")
_MIXED = _asked_as(rf"mixed{_SPACE}{among('number numeral fraction')}")
_DECIMAL = _asked_as(r"(?:\w{1,12}\s)?decimals?\b")  # also "to two decimal places"
_PERCENTAGE = _asked_as(r"per\s?cent(?:ages?)?\b")
_QUOTIENT = re.compile(
    r"\bform:?\s?(?:of\s)?(?:\$|\\\()?\s?(?:\\[dt]?frac\{?[a-z]\}?\s?\{?[a-z]\}?|[a-z]\s?/\s?[a-z])(?![a-z\\^+-])", re.IGNORECASE
)  # "in the form $m/n$"
_LOWEST = re.compile(rf"\b{among('lowest reduced smallest least')}(?:\spossible)?\sterms\b", re.IGNORECASE)
_SIMPLEST = re.compile(
    any_of(
        rf"\b{among('simplest reduced simplified lowest')}(?!\srow)(?:\s\w{{1,12}}){{0,2}}[\s-]forms?\b",  # "in simplest radical form"
        rf"\b{among('fully completely')}\s{among('simplified reduced')}\b",
        rf"\b{among('simplify reduce')}{_SPACE}{among('fully completely your the_answer the_result the_fraction as_far as_much if_possible')}",
    ),
    re.IGNORECASE,
)
_COPRIME = re.compile(r"\b(?:form|as)\b[^.?!]{0,80}\b(?:relatively prime|co-?prime|no common (?:factor|divisor))", re.IGNORECASE)
_OF_NUMBERS = r"(?:[\d\s.+*/(){}^√×·÷:\u2212-]|\\(?:[dt]?frac|sqrt|cdot|times|div|left|right)(?![a-z])|sqrt){1,200}+"
_NUMBERS_TO_SIMPLIFY = re.compile(  # "Simplify $\sqrt{72}$", "reduce the fraction 18/24"
    rf"\b{among('simplify reduce')}:?{_SPACE}(?:the{_SPACE}(?:\w{{1,12}}{_SPACE}){{1,2}})?(?:\$|\\[(\[])?{_OF_NUMBERS}"
    r"(?=\$|\\[)\]]|[,;?!]|\Z|(?:and|completely|fully|as|to|in)\b|(?-i:[A-Z])[a-z])",
    re.IGNORECASE,
)
_RADICAL_FORM = re.compile(rf"\b{among('simplest simplified')}(?:\s\w{{1,12}})?\s{among('radical surd')}", re.IGNORECASE)
_RATIONAL = re.compile(
    any_of(
        r"\brationali[sz](?:e|ed|ing)\b(?!\s(?:the\s)?numerator)",
        rf"\b{among('no without')}\s(?:an?\s|any\s)?(?:square\s)?{among('radical root surd')}s?\sin\s(?:the|its|any)\sdenominator",
        r"\brational denominator",
    ),
    re.IGNORECASE,
)
_UNSIMPLIFIED = re.compile(
    rf"\b{any_of('not', 'without', 'needn.t', 'don.t')}\b[^.?!]{{0,40}}\b{among('simplif reduc rationali lowest simplest')}", re.IGNORECASE
)
_SINGLE = re.compile(
    rf"\b{any_of('as', 'into', 'in')}{_SPACE}(?:an?{_SPACE})?{any_of('one', 'single', 'simplified single')}{_SPACE}(?:\w{{1,12}}{_SPACE})?fraction\b",
    re.IGNORECASE,
)
_POSITIVE = re.compile(r"\bpositive (?:\w{1,10} )?exponents?\b|\b(?:no|without) negative exponents?\b", re.IGNORECASE)
_COMPLETED_SQUARE = re.compile(
    any_of(
        r"\bin(?:to)? the form:?\s?(?:of\s)?[^.?!\n]{0,30}?\([a-z]\s?[+\u2212±-]\s?[a-z]\)\s?(?:\^\s?\{?\s?2|²)",  # "in the form $a(x+b)^2+c$"
        r"\bcomplete the squares?\b",
        r"\bcircle\b[^.?!\n]{0,80}\b(?:standard|center-radius|centre-radius) form\b|\b(?:standard|center-radius|centre-radius) form\b[^.?!\n]{0,40}\bcircle\b",
        rf"\b{among('write express rewrite convert put give state transform')}\b[^.?!\n]{{0,80}}\b(?:in|into|to)\s(?:its\s|the\s)?vertex form\b",
    ),
    re.IGNORECASE,
)
_NOTATION = any_of(r"fraction(?:s|al)?", r"decimals?", "mixed", r"percent(?:age)?s?")
_EITHER = re.compile(
    rf"\b{_NOTATION}\b[^.?!]{{0,40}}?\bor\b[^.?!,;]{{0,30}}?\b{_NOTATION}\b|\b{_NOTATION}\s?/\s?{_NOTATION}\b",  # "as a fraction or as a decimal"
    re.IGNORECASE,
)


@lru_cache(maxsize=256)
def asked_forms(prompt: str) -> frozenset[AskedForm]:
    """The forms that the words of a prompt ask for."""
    prompt = prompt[-_MAX_CHARS:]
    found: set[AskedForm] = {form for form, pattern in _SAID.items() if pattern.search(prompt)}
    if not _EITHER.search(prompt):
        found |= _notations(prompt)
    if any(pattern.search(prompt) for pattern in (_SIMPLEST, _LOWEST, _COPRIME, _NUMBERS_TO_SIMPLIFY)) or _wants_reduced_fraction(prompt):
        found.add("simplest form")
    return frozenset(found - _SIMPLIFIED if _UNSIMPLIFIED.search(prompt) else found)


_SIMPLIFIED: frozenset[AskedForm] = frozenset(("simplest form", "rational denominator"))
_SAID: dict[AskedForm, re.Pattern[str]] = {
    "rational denominator": re.compile(any_of(_RATIONAL.pattern, _RADICAL_FORM.pattern), re.IGNORECASE),
    "single fraction": _SINGLE,
    "positive exponents": _POSITIVE,
    "completed square": _COMPLETED_SQUARE,
    "partial fractions": re.compile(r"\bpartial fractions?\b", re.IGNORECASE),
}


def _notations(prompt: str) -> frozenset[AskedForm]:
    """In which notations a number is wanted, of a prompt that leaves no choice between two."""
    asked: dict[AskedForm, bool] = {
        "fraction": any(pattern.search(prompt) for pattern in (_FRACTION, _LOWEST, _QUOTIENT)),
        "improper fraction": _IMPROPER.search(prompt) is not None,
        "mixed number": _MIXED.search(prompt) is not None,
        "decimal": _DECIMAL.search(prompt) is not None,
        "percentage": _PERCENTAGE.search(prompt) is not None or asks_percentage(prompt),
    }
    return frozenset(form for form, is_asked in asked.items() if is_asked)


def _wants_reduced_fraction(prompt: str) -> bool:
    return any(_REDUCED_FRACTION.search(found.group()) for found in _FRACTION.finditer(prompt))
