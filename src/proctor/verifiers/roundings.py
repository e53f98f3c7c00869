r"""Reads a value with the approximation that follows it, `\frac{5}{36} \approx 13.9\%`, and chains of expressions that are the same function."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Quantity, Relation
from proctor.verifiers.evaluation import NAMED_CONSTANTS, count, equal, variables, within
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.notation import Token, Unreadable
from proctor.verifiers.quantities import read_quantity, signed_decimal
from proctor.verifiers.units import PERCENT

_MAX_POWER = 400
_MAX_SIDES = 3
_MAX_NODES = 40


def rounded(exact: Answer, tokens: Sequence[Token]) -> Answer:
    r"""A value followed by its approximation is the value; a rounding may be meant too, what was cut off after some digits may not.

    Raises:
        Unreadable: it is no approximation of the value.
    """
    rough = read_quantity(tokens)
    inner = _last_value(exact)
    found = _decimal(rough.node, next((token.text for token in tokens if token.kind == "number"), ""))
    unit = rough.unit
    if found is not None and unit == PERCENT and isinstance(inner, Quantity) and inner.unit is None:  # `\frac{5}{36} \approx 13.9\%`
        found, unit = (found[0] / 100, found[1] / 100), None
    if isinstance(inner, Quantity) and found is not None and within(inner.node, found[0], found[1] * Fraction(99, 100)):
        is_rounding = within(inner.node, found[0], found[1] / 2)
        return Quantity(inner.node, inner.unit or unit, found[0] if is_rounding else None)
    raise Unreadable("an approximation of something else")


def _last_value(answer: Answer) -> Answer:
    """What a name is given, or all closed sides of a chain of equations say."""
    match answer:
        case Assignment(value=value):
            return value
        case Relation(sides=(first, *rest, last), signs=signs, unit=unit) if set(signs) == {"="}:
            others = rest if isinstance(first, Symbol) else [first, *rest]
            return Quantity(last, unit) if all(equal(other, last) for other in others) else answer
        case _:
            return answer


def _decimal(node: Node, digits: str) -> tuple[Fraction, Fraction] | None:
    r"""The value of a decimal, or of one times a power of ten, and what one in its last place is worth; None for everything else."""
    scale = Fraction(1)
    match node:
        case Apply("*", (mantissa, Apply("^", (Number(base), exponent)))) if base == 10:
            power = signed_decimal(exponent)
            if power is None or power.denominator != 1 or abs(power) > _MAX_POWER:
                return None
            node, scale = mantissa, Fraction(10) ** int(power)
        case _:
            pass
    value = signed_decimal(node)
    if value is not None and scale != 1 and not 1 <= abs(value) < 10:
        return None
    return None if value is None else (value * scale, scale / 10 ** min(len(digits.partition(".")[2]), _MAX_POWER))


def last_of_identity(answer: Answer) -> Quantity | None:
    """The last side of a chain of expressions that are the same function, `(x-2)(x+1) = x^2-x-2`; None for everything else."""
    match answer:
        case Relation(sides=sides, signs=signs, unit=None) if set(signs) == {"="} and variables(sides[-1]) - NAMED_CONSTANTS:
            if len(sides) > _MAX_SIDES or any(count(side) > _MAX_NODES for side in sides):
                return None
            return Quantity(sides[-1]) if all(equal(side, sides[-1]) for side in sides[:-1]) else None
        case _:
            return None
