r"""Reads chains of equations that say one value several times: `\frac{6\pm\sqrt{20}}{2} = 3\pm\sqrt5`, `10900 m = 10.9 km`, `x < -\frac{15}{3} = -5`.

The last side is the answer, and only where the others equal it: of a chain that is not true nothing is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from proctor.verifiers.answers import Items, Quantity, Relation
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, variables
from proctor.verifiers.expressions import Apply, Node, Number, parse_tokens
from proctor.verifiers.notation import Token, Unreadable
from proctor.verifiers.quantities import read_quantity

_MAX_SIDES = 8


def signed(tokens: Sequence[Token], *, plus: bool) -> list[Token]:
    """The tokens with the upper (or the lower) sign of each plus-minus."""
    return [_signed(token, plus=plus) for token in tokens]


def has_pair(tokens: Sequence[Token]) -> bool:
    """Whether a plus-minus stands in the tokens."""
    return any(token.text in ("±", "∓") and token.kind == "mark" for token in tokens)


def _signed(token: Token, *, plus: bool) -> Token:
    if token.kind != "mark" or token.text not in ("±", "∓"):
        return token
    return Token("mark", "+" if (token.text == "±") is plus else "-", token.is_spaced)


def read_chain(sides: Sequence[Sequence[Token]]) -> Quantity | Items:
    """Read sides that are joined by `=` and are quantities with units, or have a plus-minus.

    Raises:
        Unreadable: they are something else, or are not equal.
    """
    if not 1 < len(sides) <= _MAX_SIDES:
        raise Unreadable("a chain of too many sides")
    return _pair(sides) if any(map(has_pair, sides)) else _measured(sides)


def _pair(sides: Sequence[Sequence[Token]]) -> Items:
    """Upper signs belong together, and lower ones."""
    if not all(map(has_pair, sides)):
        raise Unreadable("a plus-minus on one side only")
    members: list[Quantity] = []
    for plus in (True, False):
        *others, last = [parse_tokens(signed(side, plus=plus)) for side in sides]
        if variables(last) - NAMED_CONSTANTS or not all(equal(other, last) for other in others):
            raise Unreadable("a chain whose sides differ")
        members.append(Quantity(last))
    return Items("alternatives", tuple(members))


def _measured(sides: Sequence[Sequence[Token]]) -> Quantity:
    """Quantities of one dimension; the last may leave the unit of the one before it out."""
    *others, last = map(read_quantity, sides)
    unit = last.unit or others[-1].unit
    for other in others:
        if other.unit is None or unit is None or other.unit.powers != unit.powers:
            raise Unreadable("a chain of quantities of other dimensions")
        if not equal(_in_base_units(other.node, other.unit.scale), _in_base_units(last.node, unit.scale)):
            raise Unreadable("a chain whose sides differ")
    return Quantity(last.node, unit)


def _in_base_units(node: Node, scale: Fraction) -> Node:
    return Apply("*", (node, Number(scale)))


def shortened(relation: Relation) -> Relation:
    """`x < -5` for `x < -\\frac{15}{3} = -5`: what ends an inequality, written again after it in another form."""
    sides, signs = relation.sides, relation.signs
    while len(sides) > 2 and signs[-1] == "=" and set(signs) != {"="} and not variables(sides[-1]) - NAMED_CONSTANTS and equal(sides[-2], sides[-1]):
        sides, signs = (*sides[:-2], sides[-1]), signs[:-1]
    return Relation(sides, signs, relation.unit)
