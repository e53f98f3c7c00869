"""Decides whether an answer equals the reference answer, type by type.

Errs towards "no": a false positive teaches a policy to cheat, a false negative only slows it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from proctor.verifiers.answers import Answer, Interval, Items, Matrix, Numeral, Quantity, Relation, Words, is_name
from proctor.verifiers.evaluation import Unsettled, equal, exact, proportion
from proctor.verifiers.expressions import Apply, Node, Number, Symbol

_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "=", "≠": "≠"}
_INFINITY = Symbol("oo")


def equivalent(gold: Answer, given: Answer, *, tolerance: Fraction = Fraction(0)) -> bool:
    """Whether `given` is the answer `gold`.

    Args:
        gold: the reference answer.
        given: what the model answered.
        tolerance: allowed relative error of rational quantities; zero for exact comparison.
    """
    if isinstance(gold, Relation) and isinstance(given, Relation) and _same_relation(gold, given):
        return True
    gold, given = _settled(gold), _settled(given)
    named = gold if isinstance(gold, Relation) else given
    if isinstance(gold, Relation) != isinstance(given, Relation) and isinstance(named, Relation):
        other = given if named is gold else gold
        value = _named_value(named)
        if value is not None and not isinstance(other, (Interval, Words)):
            return equivalent(value, other, tolerance=tolerance) if named is gold else equivalent(other, value, tolerance=tolerance)
    match gold, given:
        case Quantity(), Quantity():
            return _same_quantity(gold, given, tolerance)
        case Numeral(), Numeral():
            return gold == given
        case Words(), Words():
            return gold == given
        case Words(), Quantity(node=Symbol(name)):
            return gold.text == name
        case Items(), Items():
            return _same_items(gold, given, tolerance)
        case Interval(), Interval():
            return gold.has_low == given.has_low and gold.has_high == given.has_high and _same_end(gold.low, given.low) and _same_end(gold.high, given.high)
        case (Interval(), Items(kind="tuple")) | (Items(kind="tuple"), Interval()):
            first, second = _open_interval(gold), _open_interval(given)
            return first is not None and second is not None and equivalent(first, second)
        case Matrix(), Matrix():
            return len(gold.rows) == len(given.rows) and all(_same_sequence(a, b, tolerance) for a, b in zip(gold.rows, given.rows, strict=True))
        case _:
            return False


def _settled(answer: Answer) -> Answer:
    """A chain of inequalities around a variable is an interval; a set or list of one is that one."""
    if isinstance(answer, Relation) and (interval := _as_interval(answer)):
        return interval
    return answer


def _as_interval(relation: Relation) -> Interval | None:
    sides, signs = relation.sides, relation.signs
    if set(signs) <= {">", "≥"}:
        sides, signs = sides[::-1], tuple(_FLIPPED[sign] for sign in signs[::-1])
    if not set(signs) <= {"<", "≤"}:
        return None
    variables = [isinstance(side, Symbol) and is_name(side) for side in sides]
    if variables == [False, True, False]:
        return Interval(sides[0], sides[2], signs[0] == "≤", signs[1] == "≤")
    if variables == [True, False]:
        return Interval(Apply("-", (_INFINITY,)), sides[1], False, signs[0] == "≤")
    if variables == [False, True]:
        return Interval(sides[0], _INFINITY, signs[0] == "≤", False)
    return None


def _open_interval(answer: Answer) -> Interval | None:
    if isinstance(answer, Interval):
        return answer
    if isinstance(answer, Items) and len(answer.members) == 2:
        low, high = answer.members
        if isinstance(low, Quantity) and isinstance(high, Quantity):
            return Interval(low.node, high.node, False, False)
    return None


def _same_end(gold: Node, given: Node) -> bool:
    return gold == given or equal(gold, given)


def _same_quantity(gold: Quantity, given: Quantity, tolerance: Fraction) -> bool:
    units = {gold.unit, given.unit} - {None, ""}
    if len(units) > 1:
        return False
    if units == {"percent"} and gold.unit != given.unit:
        hundredth = Quantity(Apply("/", ((gold if gold.unit else given).node, Number(Fraction(100)))))
        bare = given if gold.unit else gold
        return _same_value(gold.node, given.node, tolerance) or _same_value(hundredth.node, bare.node, tolerance)
    return _same_value(gold.node, given.node, tolerance)


def _same_value(gold: Node, given: Node, tolerance: Fraction) -> bool:
    try:
        reference, value = exact(gold), exact(given)
    except Unsettled:
        return equal(gold, given)
    return value == reference if not tolerance else abs(value - reference) <= tolerance * abs(reference)


def _same_items(gold: Items, given: Items, tolerance: Fraction) -> bool:
    if gold.kind != given.kind and {gold.kind, given.kind} != {"list", "set"}:
        return False
    if gold.kind in ("tuple", "ratio"):
        return _same_sequence(gold.members, given.members, tolerance)
    golds, givens = list(gold.members), list(given.members)
    if gold.kind == "union":
        golds, givens = [_open_interval(one) or one for one in golds], [_open_interval(one) or one for one in givens]
    if len(golds) != len(givens):
        return False
    for one in golds:
        match_at = next((index for index, other in enumerate(givens) if equivalent(one, other, tolerance=tolerance)), None)
        if match_at is None:
            return False
        del givens[match_at]
    return True


def _same_sequence(gold: Sequence[Answer], given: Sequence[Answer], tolerance: Fraction) -> bool:
    return len(gold) == len(given) and all(equivalent(a, b, tolerance=tolerance) for a, b in zip(gold, given, strict=True))


def _named_value(relation: Relation) -> Quantity | None:
    """The value of `x = 5` or of the true chain `x = 2 + 3 = 5`; None for every other relation."""
    if set(relation.signs) != {"="}:
        return None
    values = relation.sides[1:] if is_name(relation.sides[0]) else relation.sides
    *others, last = values
    return Quantity(last) if all(equal(value, last) for value in others) else None


def _same_relation(gold: Relation, given: Relation) -> bool:
    if len(gold.signs) == len(given.signs) == 1:
        return _same_two_sided(gold, given) or _same_two_sided(gold, Relation(given.sides[::-1], (_FLIPPED[given.signs[0]],)))
    if set(gold.signs) == set(given.signs) == {"="}:
        mine, theirs = _named_value(gold), _named_value(given)
        return mine is not None and theirs is not None and gold.sides[0] == given.sides[0] and equal(mine.node, theirs.node)
    same = all(equal(a, b) for a, b in zip(gold.sides, given.sides, strict=False))
    return gold.signs == given.signs and len(gold.sides) == len(given.sides) and same


def _same_two_sided(gold: Relation, given: Relation) -> bool:
    """Equations and inequalities are the same up to a constant factor, whose sign turns an inequality around."""
    if gold.sides == given.sides and gold.signs == given.signs:
        return True
    factor = proportion(_difference(gold), _difference(given))
    if factor == 0:
        return False
    sign = given.signs[0] if factor > 0 else _FLIPPED[given.signs[0]]
    return gold.signs[0] == sign


def _difference(relation: Relation) -> Node:
    return Apply("+", (relation.sides[0], Apply("-", (relation.sides[1],))))
