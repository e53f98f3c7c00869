r"""Reads the numbers that lie one step apart: `x = \frac{\pi}{4} + k\pi, k \in \mathbb{Z}`, `x \equiv 3 \pmod 7`, and tells whether two are the same."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Items, Progression, Quantity
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, substitute, variables
from proctor.verifiers.expressions import Apply, Node, Number, parse
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.patterns import any_of
from proctor.verifiers.quantities import signed_decimal

_MAX_CHARS = 300
_MAX_PARTS = 12
_SPACE = r"(?:\s|~|\\[,;: ]|\\q?quad(?![a-z])){0,8}"
_MODULUS = any_of(r"\\[pb]?mod(?![a-z])", r"\(?\s?mod(?:ulo)?(?![a-z])")
_CONGRUENCE = re.compile(rf"(?:[A-Za-z]{_SPACE})?(?:\\equiv(?![a-z])|≡){_SPACE}([^()≡]{{1,60}}?){_SPACE}{_MODULUS}{_SPACE}\{{?\s?(\d{{1,9}})\s?\}}?\s?\)?")
_INTEGERS = any_of(r"\\mathbb\s?\{?\s?Z\s?\}?", r"\\mathbf\s?\{?\s?Z\s?\}?", "ℤ", r"Z\b")
_LEAD = r"(?:(?:where|for|with|and)\b\s?)?"
_PARAMETER = re.compile(
    rf"(.{{1,{_MAX_CHARS}}}?)[,;]?{_SPACE}\(?{_LEAD}{_SPACE}"
    + any_of(
        rf"(?P<in>[a-z]){_SPACE}(?:\\in(?![a-z])|∈){_SPACE}{_INTEGERS}",
        r"(?:any|all|every|each|some|arbitrary)?\s?integers?\s(?P<for>[a-z])",
        r"(?P<is>[a-z])\s(?:is\s)?(?:an|any|an arbitrary|some)\sinteger",
    )
    + r"\s?\)?",
    re.DOTALL,
)
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s?\{([^{}]{0,60})\}")
_BETWEEN = re.compile(r"[,;]|\b(?:or|and)\b|\\cup(?![a-z])|∪")
_NAME = re.compile(r"^\s{0,5}[A-Za-z](?:_\{?\d\}?)?\s{0,5}=(?!=)")
_SIGNED = re.compile(r"\\pm(?![a-z])|±")
_PARAMETERS = "knmlj"
_HALF = Number(Fraction(1, 2))


def read_progressions(plain: str) -> Answer | None:
    """Return the progression that a text is, or several as alternatives; None for every other text.

    Args:
        plain: in the spelling of `notation.unify`.
    """
    if len(plain) > _MAX_CHARS:
        return None
    text = " ".join(_TEXT.sub(r" \1 ", plain).split())
    if (congruence := _CONGRUENCE.fullmatch(text)) is not None:
        found = [_of_residue(part, congruence[2]) for part in _parts(congruence[1])]
    elif (declared := _PARAMETER.fullmatch(text)) is not None:
        found = [_of_parameter(part, declared["in"] or declared["for"] or declared["is"]) for part in _parts(declared[1])]
    else:
        return None
    progressions = tuple(one for one in found if one is not None)
    if not progressions or len(progressions) != len(found):
        return None
    return progressions[0] if len(progressions) == 1 else Items("alternatives", progressions)


def as_progressions(answer: Answer) -> Answer | None:
    """Return what an answer with one letter that counts, `\\frac{\\pi}{4} + k\\pi`, is for all its whole numbers; None for every other answer."""
    match answer:
        case Assignment(value=value):
            return as_progressions(value)
        case Quantity(node=node, unit=None):
            letters = variables(node) - NAMED_CONSTANTS
            return _linear(node, letters.pop()) if len(letters) == 1 and letters <= set(_PARAMETERS) else None
        case Items(kind="list" | "alternatives", members=members):
            found = tuple(one for member in members if (one := as_progressions(member)) is not None)
            return Items("alternatives", found) if len(found) == len(members) else None
        case _:
            return None


def same_progression(one: Progression, other: Progression) -> bool:
    """Whether two progressions have the same members."""
    is_alike = equal(one.step, other.step) or equal(one.step, Apply("-", (other.step,)))
    apart = Apply("/", (Apply("+", (one.start, Apply("-", (other.start,)))), other.step))
    return is_alike and equal(apart, Apply("floor", (Apply("+", (apart, _HALF)),)))


def _parts(text: str) -> list[str]:
    """What a text lists, with both signs of a plus-minus, without braces around all and names before each."""
    inner = text.strip().removeprefix(r"\{").removesuffix(r"\}")
    if len({found.group().strip() for part in _BETWEEN.split(inner) if (found := _NAME.match(part))}) > 1:
        return [""]
    listed = [_NAME.sub("", part).strip() for part in _BETWEEN.split(inner)][:_MAX_PARTS]
    return [_SIGNED.sub(sign, part) for part in listed for sign in ("+-" if _SIGNED.search(part) else "+")]


def _of_residue(text: str, modulus: str) -> Progression | None:
    with suppress(Unreadable):
        start, step = parse(text), Number(Fraction(modulus))
        value = signed_decimal(start)
        is_residue = value is not None and value.denominator == 1 and abs(value) <= 2 * step.value  # worked out: no `2^{10}`
        return Progression(start, step) if is_residue and step.value > 0 else None
    return None


def _of_parameter(text: str, letter: str) -> Progression | None:
    with suppress(Unreadable):
        return _linear(parse(text), letter)
    return None


def _linear(node: Node, letter: str) -> Progression | None:
    """The progression of an expression in one letter, if it is linear in it."""
    if variables(node) - NAMED_CONSTANTS != {letter}:
        return None
    first, second, third = (substitute(node, {letter: Fraction(value)}) for value in (0, 1, 2))
    step = Apply("+", (second, Apply("-", (first,))))
    is_linear = equal(Apply("+", (third, Apply("-", (second,)))), step) and not equal(step, Number(Fraction(0)))
    return Progression(first, step) if is_linear else None
