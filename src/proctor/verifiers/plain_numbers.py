r"""Reads numbers as plain text writes them: `1,234.5`, `2 1/3`, `½`, `1.81 × 10²⁴`, with the sign, scale or unit that belongs to them."""

from __future__ import annotations

import re

from proctor.verifiers.patterns import any_of
from proctor.verifiers.units import lookup

_DIGITS = any_of(
    r"\d{1,30} \d{1,30}(?=/\d)",  # `2 1` of `2 1/3`
    r"\d{1,3}(?:,\d{3}){1,30}(?!\d|,\d)",  # `1,234,567`
    r"\d{1,400}",
    r"(?=\.\d)",  # of `.5`
)
NUMBER = re.compile(
    r"(?<![\w.^√])[-+\u2212\u2013]?[$€£]?"
    rf"{_DIGITS}(?:\.\d{{1,400}})?(?:[eE][-+]?\d{{1,3}}(?!\w))?"  # `2.5`, `6.02e23`
    r"(?:\s?/\s?\d{1,400}(?!\d|\.\d)|:\d{1,2}(?!\d)(?:\s?[apAP]\.?\s?[mM]\b\.?)?)?"  # `/3`, `:45 p.m.`
    r"\s?(?:%|\\%)?"
)
SIGN_BEFORE = re.compile(
    any_of(
        r"\b(?:minus|negative)\s{0,3}[({}]{0,2}\s{0,3}",
        r"(?<![\w)\]}])[-\u2212]\s?[({]",  # `-(`
        r"\{[-\u2212]\}",  # `{-}`
        r"(?<=[{=$(])\s{0,2}[-\u2212](?:\\[,;!]|\s){1,2}",  # `= - `
    )
    + r"$",
    re.IGNORECASE,
)
"""Before a number that is negative by a word, or by a sign that stands apart."""
_SCALE_WORD = re.compile(r"\s{0,3}(?:\\text\s?\{)?\s{0,3}\b(hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_UNIT_WORD = re.compile(r"\s{1,3}((?!in\b)[A-Za-z]{2,20}|[μµ][A-Za-z]{1,3}|[mgLlhsNJ](?![A-Za-z'’]|\s?[=<>(+*]))((?:\^[23]|[²³])?)(?![A-Za-z])")
_UNIT_OF_RATE = re.compile(r"\s{0,3}([A-Za-z]{1,20})(?:\s?/\s?|\s{1,2}per\s{1,2}|\s{1,2}an?\s{1,2})([A-Za-z]{1,12})((?:\^2|²)?)(?![A-Za-z])")
_MAX_POWER_CHARS = 60
_POWER_OF_TEN = re.compile(
    r"(?<![\w.,])[-+\u2212]?\d{1,20}(?:\.\d{1,30})?\s?(?:[×·*]|\\times|\\cdot|x(?=\s?10[\^⁰¹²³⁴⁵⁶⁷⁸⁹⁻]))\s?10"
    r"(?:\s?\^\s?(?:\{\s?[-+\u2212]?\d{1,3}\s?\}|\(?[-+\u2212]?\d{1,3}\)?)|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})(?![\d⁰¹²³⁴⁵⁶⁷⁸⁹]|\.\d)"
)
_SIGNS = dict(zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", ["1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "2/5", "3/5", "4/5", "1/6", "5/6", "1/8", "3/8", "5/8", "7/8"], strict=True))
_FRACTION_SIGN = re.compile(rf"(\d)?(?<![\^A-Za-z/÷])(?<![/÷]\s)([{''.join(_SIGNS)}])(?![\w(√\\^])")


def with_plain_fractions(text: str) -> str:
    """A text with `1/2` for `½`, and `2 1/2` for `2½`, where that is a whole number, and no factor or exponent."""
    return _FRACTION_SIGN.sub(lambda found: f"{found[1]} {_SIGNS[found[2]]}" if found[1] else _SIGNS[found[2]], text)


def power_of_ten_at(text: str, place: int) -> re.Match[str] | None:
    """The number times a power of ten of which a part stands at a place; None where none does."""
    start = max(0, place - _MAX_POWER_CHARS)
    return next((found for found in _POWER_OF_TEN.finditer(text, start, place + _MAX_POWER_CHARS) if found.start() <= place < found.end()), None)


def end_of(number: re.Match[str]) -> int:
    """Where a number ends, without the space that may stand before its percent sign."""
    return number.start() + len(number.group().rstrip())


def number_text(text: str, number: re.Match[str]) -> str:
    """A number with what belongs to it: a sign or a scale in words, a unit of measurement."""
    shown = number.group().strip()
    if shown[0] not in "-+\N{MINUS SIGN}" and SIGN_BEFORE.search(text[max(0, number.start() - 16) : number.start()]):
        shown = f"-{shown}"
    return with_unit(shown, text, end_of(number))


def with_unit(shown: str, text: str, after: int) -> str:
    """A number with the scale in words or the unit that follows it in a text."""
    if scale := _SCALE_WORD.match(text, after):
        return f"{shown} {scale[1]}"
    if shown.strip("-+")[0] in "$€£":
        return shown
    rate, word = _UNIT_OF_RATE.match(text, after), _UNIT_WORD.match(text, after)
    if rate is not None and _is_measure(rate[1]) and _is_measure(rate[2]):
        return f"{shown} {rate[1]}/{rate[2]}{rate[3]}"
    return f"{shown} {word[1]}{word[2]}" if word is not None and _is_measure(word[1]) else shown


def _is_measure(word: str) -> bool:
    """Whether a word is a unit, and no thing that is counted."""
    unit = lookup(word)
    return unit is not None and bool(unit.powers) and ("thing", 1) not in unit.powers
