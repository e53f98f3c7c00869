r"""Finds out what a prompt asks for, as far as its words say so plainly: a quantity by its formula, a base, a percentage.

Where they do not, nothing is found, and an answer is read without them. What is asked for may be repeated in an answer: where the prompt
says "find $x+y$", `x+y=41` is 41, though an equation otherwise. Which unit is asked for, `proctor.verifiers.measures` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from proctor.verifiers.answers import Answer, Assignment
from proctor.verifiers.evaluation import NAMED_CONSTANTS, variables
from proctor.verifiers.expressions import Node, Symbol, parse
from proctor.verifiers.notation import Unreadable, lex, unify
from proctor.verifiers.patterns import among, any_of
from proctor.verifiers.quantities import base_named
from proctor.verifiers.remarks import closed_quantity, same_measure
from proctor.verifiers.statements import FORMULA

_MAX_CHARS = 4000
_MAX_FORMULA_CHARS = 200
_MAX_SIDES = 12
_MAX_LEAD_CHARS = 120
_SPACE = r"\s{1,3}"
_ADJECTIVE_WORDS = """
exact numerical simplified infinite finite geometric arithmetic telescoping indefinite definite improper double following given partial fraction
maximum minimum largest smallest greatest least possible positive integer real trigonometric algebraic total
"""
_ADJECTIVES = rf"(?:{among(_ADJECTIVE_WORDS)}{_SPACE}){{0,4}}"
_VALUE = any_of(r"values?", among("decomposition expansion"), r"factori[sz]ation", r"sum of the (?:\w{1,10} )?series")
_VALUE_OF = rf"{_VALUE}{_SPACE}of{_SPACE}"  # "value of", "sum of the series of"
_THINGS = "integral limit sum product expression series fraction quotient quantity inverse inverse_function determinant function"
_VERB = any_of(
    among("find evaluate compute calculate determine simplify expand"),
    r"factor(?:i[sz]e)?",
    among("express decompose write rewrite"),
    r"what(?:['’]s| is| are| does)",
)
_LEAD = (  # "find the exact value of the definite integral"
    rf"\b{_VERB}{_SPACE}(?:the{_SPACE})?{_ADJECTIVES}"
    rf"(?:sum of (?:the|this|all){_SPACE}(?:\w{{1,10}}{_SPACE})?series{_SPACE}|{_VALUE_OF})?"
    rf"(?:(?:the|this){_SPACE})?{_ADJECTIVES}(?:{among(_THINGS)}\s?:?{_SPACE})?"
)
_LED = re.compile(rf"{_LEAD}$", re.IGNORECASE)
_SPOKEN = re.compile(rf"{_LEAD}([^?.,;:\n$\\]{{1,60}}?)(?=\s?[?.,;:]|\s?$| if\b| when\b| given\b)", re.IGNORECASE | re.MULTILINE)
"""What is asked for without dollar signs: "find x + y if"."""
_ENDS = "if when given where for using as expressed at"
_ENDED = re.compile(
    rf"\s{{0,3}}(?:[.,?!;:)]|\Z|\n|(?:{among(_ENDS)}|in (?:simplest|lowest|terms|the form))\b)",  # ", if", " in lowest terms"
    re.IGNORECASE,
)
_CALLED = r"(?:\$|\\\()?\s?([A-Za-z]\s?\([A-Za-z]\)|y(?=\s?=))"
_RANGE_OF = re.compile(
    any_of(
        rf"\brange of (?:the )?(?:\w{{1,12}} )?(?:function )?{_CALLED}",  # "range of the function $g(x)$", "range of y ="
        r"\brange of (?:\$|\\\()?([A-Za-z])\b(?!\s?\()",  # "range of $g$"
    ),
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?<![<>!:\\=])=(?!=)")
_RECORD = re.compile(r",(?!\d{3}(?!\d))|;|\\text\s?\{\s?and\s?\}|\band\b|\\q?quad")
_INEQUALITY = re.compile(r"[<>≤≥]|\\(?:le|ge|leq|geq|lt|gt|leqslant|geqslant)(?![a-z])")
_BASE = re.compile(
    any_of(
        r"\b(?:to|into) (?:a )?base[- ]?\$?(\d{1,2}|[a-z]{3,7})\b",  # "to base 7", "into base seven"
        r"\b(?:to|into) (?:a )?(decimal)\b(?! (?:places?|form|point|digits?))",  # "to decimal"; no "to two decimal places"
    ),
    re.IGNORECASE,
)
_WRITTEN_IN = re.compile(rf"\b{among('write express represent convert rewrite give')}\b[^.?\n]{{0,60}}\bin base[- ]?\$?(\d{{1,2}})\b", re.IGNORECASE)
_NAMED_BASE = re.compile(
    any_of(
        r"\b(?:in|to|into|as)(?: an?)? (binary|octal|hexadecimal)\b(?! (?:number |numeral )?(?:10|[01]{3}|\$))",  # "in binary"; no "in binary 101"
        rf"\b(binary|octal|hexadecimal) {among('representation expansion form notation equivalent')}\b",
    ),
    re.IGNORECASE,
)
_NAMED_BASES = {"binary": 2, "octal": 8, "hexadecimal": 16}
_NUMBERED = re.compile(
    rf"({among('day week month year row step page round house door floor question problem seat bus platform team player')}) (\d{{1,6}})", re.IGNORECASE
)
_YES_OR_NO = re.compile(r"(yes|no), ([^?\n]{1,120})", re.IGNORECASE)
_ASKS_MORE = re.compile(r"\bhow (?:many|much)\b|\band (?:by |for |at |in |to )?(?:what|how|which|who)\b", re.IGNORECASE)
_CONTENT = re.compile(r"[A-Za-z]{4,}|\d+")
_NEGATION = re.compile(r"\b(?:not|cannot|never|no|nor)\b|n['’]t\b", re.IGNORECASE)
_TWICE = re.compile(r"([^\s(),;%]{1,30})(?:,? (?:or|i\.e\.,?|that is,?) | \((?:or |= ?|i\.e\.,? )?)(\d[\d.]{0,20})\s?\\?%\)?")
"""`3/4, or 75%`."""
_PLACES = "shop store town city station neighbor neighbour exit village tree house school point friend airport hospital bus"
_ROUNDED = re.compile(
    rf"\bround|\bnearest\s(?!{among(_PLACES)})\S|\bdecimal places?\b|\bsignificant\b|\bapproximat(?:e|ion)\b|\bapproximately (?:what|how)\b|\bestimate",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\bwhat (?:percent|percentage|per cent)\b|\bhow many percent\b|\bwhat is the percent", re.IGNORECASE)
_SUM = any_of(
    r"\d{1,9}\s?[+\u2212-]\s?\d{0,9}[a-z](?![A-Za-z(])",  # `72 + x`
    r"(?<![A-Za-z\\])[a-z]\s?[+\u2212-]\s?\d",  # `x + 72`
)
_NO_SIGN = r"[^.;:,=<>\n]{0,60}"
_OPENS_EQUATION = any_of(r"^|[.;:,!\n]", rf"\b{among('where with that have get gives equation solve solving from and so')}")
_OPEN_EQUATION = re.compile(rf"{_OPENS_EQUATION}[\s$]{{0,4}}({_NO_SIGN}{_SUM}{_NO_SIGN})=[\s$]{{0,3}}\Z")  # "where (72 + x)/5 ="


def values_said(candidate: str, prompt: str) -> tuple[str, ...]:
    """What an answer gives for what the prompt asks for: `41` of `x+y=41`, `6` of "day 6", "no" of "no, 221 is not prime", `3/4` of "3/4, or 75%".

    A step on the way to a number that still has variables ("= (x+y)^2 - 2xy = 58") is left out, since what the prompt says of them is not known here.
    """
    found: list[str] = []
    if renamed := _range_renamed(candidate, prompt):
        found.append(renamed)
    found += _in_a_phrase(candidate, prompt)
    sides = sides_of_equation(candidate)
    if 1 < len(sides) <= _MAX_SIDES and len(candidate) <= 1000 and _is_asked(sides[0], prompt):
        *steps, last = sides[1:]
        steps = [step for step in steps if not _has_variables(step)] if steps and not _has_variables(last) else steps
        found.append("=".join([*steps, last]))
    if len(sides) > 2 and len(candidate) <= _MAX_FORMULA_CHARS and (value := _value_in_record(candidate, prompt)) is not None:
        found.append(value)
    return tuple(found)


def _in_a_phrase(candidate: str, prompt: str) -> Iterator[str]:
    """The number of a numbered thing that the prompt asks which it is of; yes or no before what repeats the question; a share before its percentage."""
    numbered, verdict, twice = (pattern.fullmatch(candidate) for pattern in (_NUMBERED, _YES_OR_NO, _TWICE))
    if numbered is not None and re.search(rf"\b(?:which|what) {numbered[1]}\b(?! of\b)", prompt, re.IGNORECASE) and not _ASKS_MORE.search(prompt):
        yield numbered[2]
    if verdict is not None and (_NEGATION.search(verdict[2]) is not None) is (verdict[1].lower() == "no"):
        asked = {word.lower() for word in _CONTENT.findall(prompt)}
        if {word.lower() for word in _CONTENT.findall(verdict[2])} <= asked:
            yield verdict[1]
    if twice is not None and "percent" not in prompt.lower() and "%" not in prompt:
        share, percentage = closed_quantity(twice[1]), closed_quantity(f"({twice[2]})/100")
        if share is not None and percentage is not None and same_measure(share, percentage):
            yield twice[1]


def _is_asked(formula: str, prompt: str) -> bool:
    """Whether a formula is one that the prompt asks for, token by token or as an expression: `1/z` and `\\frac{1}{z}`."""
    if _spelled(formula) in _formulas(prompt):
        return True
    nodes = _nodes(prompt)
    with suppress(Unreadable):
        return bool(nodes) and parse(formula) in nodes
    return False


def _value_in_record(candidate: str, prompt: str) -> str | None:
    """`9` of `a = 9, b = 6` where the prompt asks for $a$, and for none of the other names; None where a name comes twice."""
    sides = [sides_of_equation(part) for part in _RECORD.split(candidate)]
    names = [_spelled(side[0]) for side in sides]
    if not 1 < len(sides) <= _MAX_SIDES or any(len(side) < 2 for side in sides) or None in names or len(set(names)) < len(names):
        return None
    values = [side[-1] for name, side in zip(names, sides, strict=True) if name in _formulas(prompt)]
    return values[0] if len(values) == 1 else None


def sides_of_equation(text: str) -> list[str]:
    """A text split at the equals signs that no bracket encloses."""
    depth = start = 0
    parts: list[str] = []
    for place, char in enumerate(text):
        depth += (char in "{([") - (char in "})]")
        if char == "=" and depth == 0 and _EQUALS.match(text, place):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _has_variables(side: str) -> bool:
    with suppress(Unreadable):
        return bool(variables(parse(side)) - NAMED_CONSTANTS)
    return False


def _spelled(formula: str) -> tuple[str, ...] | None:
    """The tokens of a formula without braces, so that `\\int_0^\\pi` is `\\int_0^{\\pi}`; None where it says nothing."""
    if len(formula) > _MAX_FORMULA_CHARS:
        return None
    with suppress(Unreadable):
        return tuple(token.text for token in lex(unify(formula.rstrip("= "))) if token.text not in "{}") or None
    return None


def asked_formulas(prompt: str) -> frozenset[str]:
    """The formulas that a prompt asks for, without their braces."""
    return frozenset(" ".join(formula) for formula in _formulas(prompt))


def names_given(answer: Answer, prompt: str) -> bool:
    """Whether an answer gives a value to what the prompt itself has a value for, while it asks for another formula: `xy=58` for $x^2+y^2$."""
    name = answer.name if isinstance(answer, Assignment) else ""
    asked = {"".join(formula) for formula in _formulas(prompt)}
    return bool(name) and bool(asked) and name not in asked and name in _named_sides(prompt)


@lru_cache(maxsize=256)
def _named_sides(prompt: str) -> frozenset[str]:
    """The sides of the equations of a prompt, without spaces."""
    formulas = [next(part for part in match.groups() if part) for match in FORMULA.finditer(prompt[-_MAX_CHARS:])]
    return frozenset(re.sub(r"[\s{}]", "", side) for formula in formulas if len(sides := sides_of_equation(formula)) > 1 for side in sides)


@lru_cache(maxsize=256)
def _formulas(prompt: str) -> frozenset[tuple[str, ...]]:
    """The formulas that a prompt asks for, each as its tokens."""
    return frozenset(spelled for formula in _asked_texts(prompt) if (spelled := _spelled(formula)) is not None)


@lru_cache(maxsize=256)
def _nodes(prompt: str) -> frozenset[Node]:
    """The formulas that a prompt asks for, as expressions, single letters left out."""
    found: set[Node] = set()
    for formula in _asked_texts(prompt):
        with suppress(Unreadable):
            found.add(parse(formula))
    return frozenset(node for node in found if not isinstance(node, Symbol))


def _asked_texts(prompt: str) -> list[str]:
    """The formulas that a prompt asks for: right after "find", "evaluate", "what is the value of", and before the end of that phrase."""
    prompt = prompt[-_MAX_CHARS:]
    written = [
        next(part for part in match.groups() if part)
        for match in FORMULA.finditer(prompt)
        if _LED.search(prompt[max(0, match.start() - _MAX_LEAD_CHARS) : match.start()]) and _ENDED.match(prompt, match.end())
    ]
    return [*written, *(match[1] for match in _SPOKEN.finditer(prompt))]


def _range_renamed(candidate: str, prompt: str) -> str | None:
    """`1 \\le y \\le 5` for `1 \\le g(x) \\le 5` where the prompt asks for the range of g."""
    asked = _RANGE_OF.search(prompt)
    if asked is None or not _INEQUALITY.search(candidate):
        return None
    name = asked[1] or asked[2]
    call = re.compile(rf"(?<![A-Za-z\\]){name[0]}\s?(?:\\left)?\(\s?[A-Za-z]\s?(?:\\right)?\)")
    renamed, number = call.subn("y", candidate)
    return renamed if number == 1 else None


def ends_open_equation(before: str, prompt: str) -> bool:
    """Whether a number behind this text is one side of an equation whose other side is a sum with a letter that is still to be found: `(72 + x)/5 =`.

    Not where that sum is said to be something ("the perimeter is 2x + 6 = 20"), or is asked for.
    """
    found = _OPEN_EQUATION.search(before[-_MAX_FORMULA_CHARS:])
    return found is not None and _spelled(found[1]) not in _formulas(prompt)


def asked_base(prompt: str) -> int | None:
    """The base to which a prompt wants a number converted ("to base 7", "in binary"); None where it names none, or several.

    Of "in base 7" something is known only where a number is to be written so: it is said of numbers that are given, too.
    """
    prompt = prompt[-_MAX_CHARS:]
    bases = {10 if found[2] else base_named(found[1].lower()) for found in _BASE.finditer(prompt)}
    if (
        not bases
        and (written := _WRITTEN_IN.search(prompt)) is not None
        and not re.search(rf"_\s?\{{?{written[1]}|base[- ]{written[1]} (?:number|numeral)", prompt)
    ):
        bases.add(int(written[1]))
    bases |= {_NAMED_BASES[(found[1] or found[2]).lower()] for found in _NAMED_BASE.finditer(prompt)}
    return bases.pop() if len(bases) == 1 else None


def asks_percentage(prompt: str) -> bool:
    """Whether what a prompt asks for is a percentage."""
    return _PERCENT.search(prompt[-_MAX_CHARS:]) is not None


def asks_rounding(prompt: str) -> bool:
    """Whether a prompt asks for a rounded value, or an approximate one."""
    return _ROUNDED.search(prompt[-_MAX_CHARS:]) is not None
