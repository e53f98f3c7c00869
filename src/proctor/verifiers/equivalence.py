"""Decides whether an answer equals the reference answer, kind by kind.

Errs towards "no": a false positive teaches a policy to cheat, a false negative only slows it down. Symmetric, but for
the tolerance, which is relative to the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Difference, Interval, Items, Matrix, Progression, Quantity, Relation
from proctor.verifiers.evaluation import Unsettled, compare, equal, exact, proportion, variables, within
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.progressions import same_progression
from proctor.verifiers.regions import FLIPPED, is_region, same_region, united
from proctor.verifiers.units import DEGREE, PERCENT, UNITS, Unit, lookup

_HUNDRED = Number(Fraction(100))
_RADIANS_OF_A_DEGREE = Apply("/", (Symbol("pi"), Number(Fraction(180))))
_ORDERED = frozenset({"tuple", "sequence", "record"})
_MAX_LONG = 20
_LETTERS = ("xyzwt", "abcdef", "mn", "pqrs", "uv", "jkl")
_UNORDERED = frozenset({"list", "alternatives", "set"})
_REAL_CONSTANTS = frozenset({"pi", "e"})


def equivalent(gold: Answer, given: Answer, *, tolerance: Fraction = Fraction(0)) -> bool:
    """Whether `given` is the answer `gold`.

    Args:
        gold: the reference answer.
        given: what the model answered.
        tolerance: allowed relative error of quantities that are not integers; zero for exact comparison.
    """
    if gold == given:
        return True
    match gold, given:
        case Quantity(), Quantity():
            return _same_quantity(gold, given, tolerance)
        case Assignment(), Assignment():
            same_value = _same_name(gold.name, given.name) and equivalent(gold.value, given.value, tolerance=tolerance)
            return same_value or (gold.equation is not None and given.equation is not None and _same_relation(gold.equation, given.equation))
        case Assignment(), Relation() if gold.equation is not None and _same_relation(gold.equation, given):
            return True
        case Relation(), Assignment() if given.equation is not None and _same_relation(gold, given.equation):
            return True
        case Relation(), Relation() if _same_relation(gold, given):
            return True
        case Items(), Items() if _same_items(gold, given, tolerance):
            return True
        case Matrix(), Matrix():
            return gold.is_determinant == given.is_determinant and _same_rows(gold.rows, given.rows)
        case (Assignment(value=Items(kind="alternatives")), Items(kind="alternatives", members=(Relation(), *_))) | (
            Items(kind="alternatives", members=(Relation(), *_)),
            Assignment(value=Items(kind="alternatives")),
        ):
            return equivalent(_each(gold), _each(given), tolerance=tolerance)
        case Progression(), Progression():
            return same_progression(gold, given)
        case Interval(), Interval():
            same_ends = equal(gold.low, given.low) and equal(gold.high, given.high)
            return (same_ends and gold.has_low == given.has_low and gold.has_high == given.has_high) or same_region(gold, given)
        case Difference(), Difference() if equivalent(gold.base, given.base) and equivalent(gold.without, given.without):
            return True
        case _:
            pass
    return _same_by_value(gold, given, tolerance) or _same_as_region(gold, given)


def _each(answer: Answer) -> Answer:
    r"""The equations that `y = \\pm 2x` is; everything else as it is."""
    match answer:
        case Assignment(name=name, value=Items(kind=kind, members=members)) if len(name) == 1:
            return Items(kind, tuple(Relation((Symbol(name), one.node), ("=",)) for one in members if isinstance(one, Quantity)))
        case _:
            return answer


def _same_name(gold: str, given: str) -> bool:
    """The same, or a function and the variable that stands for its value: `f(x)` and `y`."""
    if {len(gold), len(given)} != {1, 4}:
        return gold == given
    letter, call = sorted((gold, given), key=len)
    return call.endswith(("(x)", "(t)", "(n)")) and letter != call[2]


def _same_by_value(gold: Answer, given: Answer, tolerance: Fraction) -> bool:
    """A name may be missing on one side, a set or list of one is its member, a ratio of two is a quotient."""
    if isinstance(gold, Relation) and isinstance(given, Relation):
        mine, theirs = _value_of_chain(gold), _value_of_chain(given)
        return mine is not None and theirs is not None and gold.sides[0] == given.sides[0] and _same_quantity(mine, theirs, tolerance)
    if isinstance(gold, Quantity) and isinstance(given, Relation) and _is_sum_of_names(given.sides[0]):
        value = _value_of_chain(Relation((Symbol("x"), *given.sides[1:]), given.signs, given.unit))
        return value is not None and not variables(value.node) and _same_quantity(gold, value, tolerance)
    unwrapped = _value(gold), _value(given)
    if unwrapped == (None, None):
        return False
    return equivalent(unwrapped[0] or gold, unwrapped[1] or given, tolerance=tolerance)


def _value(answer: Answer) -> Answer | None:
    match answer:
        case Assignment():
            return answer.value
        case Relation():
            return _value_of_chain(answer)
        case Items(kind="set" | "list", members=(Quantity() as only,)):
            return only
        case Items(kind="ratio", members=(Quantity(node=top, unit=None), Quantity(node=bottom, unit=None))) if bottom != Number(Fraction(1)):
            return Quantity(Apply("/", (top, bottom)))
        case _:
            return None


def _value_of_chain(relation: Relation) -> Quantity | None:
    """The value of `x = 2 + 3 = 5` or of `2 + 3 = 5`; None where the chain is not true or names nothing."""
    if set(relation.signs) != {"="}:
        return None
    values = relation.sides[1:] if _is_name(relation.sides[0]) else relation.sides
    *others, last = values
    is_new = variables(last) <= _REAL_CONSTANTS or _is_name(relation.sides[0])
    is_true = all(equal(value, last) for value in others)
    if relation.unit == PERCENT and not is_true and is_new:  # `\frac58 = 62.5\%`
        return Quantity(others[-1]) if others and all(equal(value, Apply("/", (last, _HUNDRED))) for value in others) else None
    return Quantity(last, relation.unit) if is_new and is_true else None


def leads_with_name(chain: Relation) -> bool:
    """Whether a chain begins with what it is about: `x = 2 + 3 = 5` or `m + n = 2 + 3 = 5`, and not `2 + 3 = 5`."""
    return _is_name(chain.sides[0]) or _is_sum_of_names(chain.sides[0])


def _is_sum_of_names(node: Node) -> bool:
    """`m + n`, `100a + 10b + c`, `p - q`, as contests ask for; not `x + y`, which is a line's equation more often."""
    if not (variables(node) <= {"a", "b", "c", "d"} or variables(node) <= {"m", "n", "p", "q", "r", "s", "k"}):
        return False
    match node:
        case Apply("+", (left, right)):
            negated = right.arguments[0] if isinstance(right, Apply) and right.operator == "-" else right
            return (_is_term_of_name(left) or _is_sum_of_names(left)) and _is_term_of_name(negated)
        case _:
            return False


def _is_term_of_name(node: Node) -> bool:
    return _is_name(node) or (isinstance(node, Apply) and node.operator == "*" and isinstance(node.arguments[0], Number) and _is_name(node.arguments[1]))


def _is_name(node: Node) -> bool:
    if isinstance(node, Symbol):
        return node.name not in ("pi", "e", "i", "oo")
    return isinstance(node, Apply) and node.operator == "*" and all(_is_name(argument) for argument in node.arguments)


def _same_as_region(gold: Answer, given: Answer) -> bool:
    if (gold is not united(gold) or given is not united(given)) and _size(gold) != _size(given):
        return False  # `[1,2], [2,3]` are two intervals
    gold, given = united(gold), united(given)
    return (is_region(gold) or is_region(given)) and same_region(gold, given)


def _size(answer: Answer) -> int:
    return len(answer.members) if isinstance(answer, Items) else 1


def _same_quantity(gold: Quantity, given: Quantity, tolerance: Fraction) -> bool:
    if gold.rough is not None and given.rough is None and _same_quantity(Quantity(Number(gold.rough), gold.unit), given, tolerance):
        return True
    if (
        given.rough is not None
        and given.rough.denominator > 1
        and not _ends(given.node)
        and gold.rough is None
        and _same_quantity(gold, Quantity(Number(given.rough), given.unit), tolerance)
    ):
        return True
    if gold.unit is None and given.unit is None:
        return _same_value(gold.node, given.node, tolerance)
    if gold.unit is not None and given.unit is not None:
        return _same_measure(gold, given, tolerance)
    return _same_with_one_unit(gold, given, tolerance)


def _ends(node: Node) -> bool:
    """Whether an expression is a decimal that ends: what it is rounded to is another number, and no second way to write it."""
    try:
        denominator = exact(node).denominator
    except Unsettled:
        return False
    for factor in (2, 5):
        while denominator % factor == 0:
            denominator //= factor
    return denominator == 1


def _same_measure(gold: Quantity, given: Quantity, tolerance: Fraction) -> bool:
    """Both have a unit: dimensions must agree, and values after exact conversion."""
    mine, theirs = gold.unit, given.unit
    if mine is None or theirs is None:
        return False
    if mine == theirs or not mine.powers or not theirs.powers:
        return _same_value(gold.node, given.node, tolerance)
    if {mine, theirs} == {DEGREE, UNITS["radian"]}:
        return _same_value(_in_radians(gold), _in_radians(given), tolerance)
    return mine.powers == theirs.powers and _same_value(_scaled(gold.node, mine), _scaled(given.node, theirs), tolerance)


def _same_with_one_unit(gold: Quantity, given: Quantity, tolerance: Fraction) -> bool:
    """A unit that only one side writes is not held against it; a percentage may also be written as a fraction."""
    measured, bare = (gold, given) if gold.unit is not None else (given, gold)
    match bare.node:
        case Apply(operator="*", arguments=(Number() as number, Symbol(name=letter))) if len(letter) == 1 and lookup(letter) == measured.unit:
            return _same_value(measured.node, number, Fraction(0))
        case _:
            pass
    if not _must_convert(measured) and _same_value(gold.node, given.node, tolerance):
        return True
    converted = measured.node
    if measured.unit == PERCENT:
        converted = Apply("/", (measured.node, _HUNDRED))
    elif measured.unit == DEGREE and "pi" in variables(bare.node):
        converted = _in_radians(measured)
    else:
        return False
    return _same_value(converted, given.node, tolerance) if measured is gold else _same_value(gold.node, converted, tolerance)


def _must_convert(measured: Quantity) -> bool:
    """Whether the number before a sign is never meant without it: `0.5\\%` is not a half, and a degree of `\\pi/6` not `\\pi/6`."""
    if measured.unit == PERCENT:
        return compare(Apply("abs", (measured.node,)), Number(Fraction(1))) == -1
    return measured.unit == DEGREE and "pi" in variables(measured.node)


def _in_radians(angle: Quantity) -> Node:
    return Apply("*", (angle.node, _RADIANS_OF_A_DEGREE)) if angle.unit == DEGREE else angle.node


def _scaled(node: Node, unit: Unit) -> Node:
    return Apply("*", (node, Number(unit.scale)))


def _same_value(gold: Node, given: Node, tolerance: Fraction) -> bool:
    if equal(gold, given):
        return True
    if not tolerance:
        return False
    try:
        reference = exact(gold)
    except Unsettled:
        return False
    return reference.denominator != 1 and within(given, reference, tolerance * abs(reference))


def _same_items(gold: Items, given: Items, tolerance: Fraction) -> bool:
    kinds = {gold.kind, given.kind}
    if kinds == {"ratio"}:
        return _same_ratio(gold, given)
    if kinds == {"record"}:
        mine, theirs = _by_name(gold), _by_name(given)
        return mine.keys() == theirs.keys() and all(equivalent(mine[name], theirs[name], tolerance=tolerance) for name in mine)
    if "record" in kinds:
        return kinds <= _ORDERED | {"list"} and _same_in_order(_by_letter(gold), _by_letter(given), tolerance)
    if (len(kinds) == 1 and kinds <= _ORDERED) or kinds == {"sequence", "list"}:
        return _same_in_order(gold.members, given.members, tolerance)
    if kinds <= _UNORDERED or kinds == {"union"}:
        return _same_in_any_order(gold, given, tolerance)
    return False


def _by_name(record: Items) -> dict[str, Answer]:
    return {member.name: member.value for member in record.members if isinstance(member, Assignment)}


def _by_letter(items: Items) -> Sequence[Answer]:
    """The members; of a record whose names have an order (x, y, z) in that one, since it is the one of a tuple without names."""
    if items.kind != "record":
        return items.members
    values = _by_name(items)
    order = next((letters for letters in _LETTERS if set(values) <= set(letters)), None)
    return [values[name] for name in (values if order is None else sorted(values, key=order.index))]


def _same_ratio(gold: Items, given: Items) -> bool:
    if len(gold.members) != len(given.members):
        return False
    pairs = [(a.node, b.node) for a, b in zip(gold.members, given.members, strict=True) if isinstance(a, Quantity) and isinstance(b, Quantity)]
    (first, other), *rest = pairs
    zero = Number(Fraction(0))
    if any(equal(part, zero) for pair in pairs for part in pair):
        return all(equal(a, b) for a, b in pairs)
    return len(pairs) == len(gold.members) and all(equal(Apply("*", (first, b)), Apply("*", (other, a))) for a, b in rest)


def _same_in_any_order(gold: Items, given: Items, tolerance: Fraction) -> bool:
    """Every member has its partner; in sets and lists of tuples, repetitions do not count."""
    golds, givens = list(gold.members), list(given.members)
    if max(sum(map(_is_long, golds)), sum(map(_is_long, givens))) > _MAX_LONG:
        return False  # every pair would be compared
    if gold.kind == given.kind == "set" or all(isinstance(member, Items) for member in (*golds, *givens)):
        golds, givens = _distinct(golds), _distinct(givens)
    if len(golds) != len(givens):
        return False
    for one in golds:
        partner = next((index for index, other in enumerate(givens) if equivalent(one, other, tolerance=tolerance)), None)
        if partner is None:
            return False
        del givens[partner]
    return True


def _is_long(member: Answer) -> bool:
    """Whether a member takes long to compare: all but rational numbers, and tuples of them."""
    match member:
        case Items():
            return any(map(_is_long, member.members))
        case Assignment():
            return _is_long(member.value)
        case Quantity():
            try:
                exact(member.node)
            except Unsettled:
                return True
            return False
        case _:
            return True


def _distinct(members: Sequence[Answer]) -> list[Answer]:
    found: list[Answer] = []
    for member in members:
        if not any(equivalent(member, other) for other in found):
            found.append(member)
    return found


def _same_in_order(gold: Sequence[Answer], given: Sequence[Answer], tolerance: Fraction) -> bool:
    return len(gold) == len(given) and all(equivalent(a, b, tolerance=tolerance) for a, b in zip(gold, given, strict=True))


def _same_rows(gold: Sequence[Sequence[Node]], given: Sequence[Sequence[Node]]) -> bool:
    same_shape = len(gold) == len(given) and len(gold[0]) == len(given[0])
    return same_shape and all(equal(a, b) for mine, theirs in zip(gold, given, strict=True) for a, b in zip(mine, theirs, strict=True))


def _same_relation(gold: Relation, given: Relation) -> bool:
    """Equations and inequalities are the same up to a constant factor, whose sign turns an inequality around."""
    if len(gold.signs) == len(given.signs) == 1:
        return _same_two_sided(gold, given)
    if set(given.signs) <= {">", "≥"} and set(gold.signs) <= {"<", "≤"}:
        given = Relation(given.sides[::-1], tuple(FLIPPED[sign] for sign in given.signs[::-1]))
    elif set(gold.signs) <= {">", "≥"} and set(given.signs) <= {"<", "≤"}:
        gold = Relation(gold.sides[::-1], tuple(FLIPPED[sign] for sign in gold.signs[::-1]))
    return gold.signs == given.signs and all(equal(a, b) for a, b in zip(gold.sides, given.sides, strict=True))


def _same_two_sided(gold: Relation, given: Relation) -> bool:
    factor = proportion(_difference(gold), _difference(given))
    if factor == 0:
        return False
    return gold.signs[0] == (given.signs[0] if factor > 0 or given.signs[0] in "=≠" else FLIPPED[given.signs[0]])


def _difference(relation: Relation) -> Node:
    return Apply("+", (relation.sides[0], Apply("-", (relation.sides[1],))))
