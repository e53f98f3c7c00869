"""Decides whether two answers are the same set of real numbers: intervals, unions, inequalities, the line without points.

Both sets are looked at on the cells between all their end points, so that every boolean combination compares exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from typing import Literal

from proctor.verifiers.answers import Answer, Assignment, Difference, Domain, Interval, Items, Quantity, Relation
from proctor.verifiers.evaluation import NAMED_CONSTANTS, Unsettled, compare, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol

MAX_ENDS = 24
FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "=", "≠": "≠"}
_ZERO = Number(Fraction(0))


class _Unknown(ValueError):
    """The answer is no set of real numbers with known ends."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """An interval; None is infinity."""

    low: Node | None
    high: Node | None
    has_low: bool
    has_high: bool


@dataclass(frozen=True, slots=True)
class _Combination:
    kind: Literal["any", "all", "not"]
    parts: tuple[_Piece | _Combination, ...]


_Region = _Piece | _Combination
_LINE = _Piece(None, None, False, False)


def same_region(left: Answer, right: Answer) -> bool:
    """Whether two answers are the same set of real numbers, and a set with known ends at all."""
    names = _names(left), _names(right)
    if len(names[0]) > 1 or len(names[1]) > 1 or len(names[0] | names[1]) > max(map(len, names)):
        return False  # of the line only: in two variables it would be a part of the plane
    try:
        regions = _region(left), _region(right)
        places = _ordered([end for region in regions for end in _ends(region)])
    except _Unknown:
        return False
    cells = [[_contains(region, cell, places) for cell in _cells(places)] for region in regions]
    return cells[0] == cells[1] and any(cells[0])


def is_region(answer: Answer) -> bool:
    """Whether an answer says by its form that it is a set of real numbers, so that a pair may be read as an open interval."""
    match answer:
        case Interval() | Items(kind="union") | Domain() | Difference():
            return True
        case Relation():
            return not set(answer.signs) <= {"="}
        case Items(kind="list" | "alternatives"):
            return any(isinstance(member, Relation) and is_region(member) for member in answer.members)
        case _:
            return False


def united(answer: Answer) -> Answer:
    r"""A list of intervals as their union: `(-\infty, -1), (1, \infty)`, of which one must have an end that no point has; everything else as it is."""
    match answer:
        case Items(kind="list", members=members) if any(_is_interval(member) for member in members) and all(
            isinstance(member, Interval) or _is_pair(member) for member in members
        ):
            return Items("union", members)
        case _:
            return answer


def _is_pair(answer: Answer) -> bool:
    return isinstance(answer, Items) and answer.kind == "tuple" and len(answer.members) == 2


def _is_interval(answer: Answer) -> bool:
    """Whether an answer is an interval by its form: it has a square bracket, or an infinite end."""
    match answer:
        case Interval():
            return True
        case Items(kind="tuple", members=(Quantity(node=low), Quantity(node=high))):
            return "oo" in variables(low) | variables(high)
        case _:
            return False


def _names(answer: Answer) -> set[str]:
    """The variables that inequalities are about."""
    match answer:
        case Relation():
            return set().union(*(variables(side) for side in answer.sides)) - NAMED_CONSTANTS
        case Items():
            return set().union(*(_names(member) for member in answer.members)) if answer.members else set()
        case Assignment():
            return {answer.name}
        case _:
            return set()


def _region(answer: Answer) -> _Region:
    match answer:
        case Interval():
            return _piece(answer.low, answer.high, has_low=answer.has_low, has_high=answer.has_high)
        case Items(kind="tuple", members=(Quantity(node=low), Quantity(node=high))):
            return _piece(low, high, has_low=False, has_high=False)
        case Items(kind="set") if not all(isinstance(member, Quantity | Assignment) for member in answer.members):
            raise _Unknown  # of pairs, which are points of the plane there
        case Items(kind="union" | "set" | "alternatives"):
            return _Combination("any", tuple(_region(member) for member in answer.members))
        case Items(kind="list") if is_region(answer):
            return _all_or_any([_region(member) for member in answer.members])
        case Assignment(value=Quantity() as value) | (Quantity() as value):
            return _Piece(value.node, value.node, True, True)
        case Domain(name="R"):
            return _LINE
        case Difference():
            return _Combination("all", (_region(answer.base), _Combination("not", (_region(answer.without),))))
        case Domain(name="R+" | "R^+" | "R_+"):
            return _Piece(_ZERO, None, False, False)
        case Relation():
            pairs = zip(answer.sides, answer.signs, answer.sides[1:], strict=False)
            return _Combination("all", tuple(_solved(*pair) for pair in pairs))
        case _:
            raise _Unknown


def _all_or_any(parts: list[_Region]) -> _Region:
    """Inequalities joined by a comma or "and": all of them, unless that leaves nothing."""
    both = _Combination("all", tuple(parts))
    places = _ordered(_ends(both))
    return both if any(_contains(both, cell, places) for cell in _cells(places)) else _Combination("any", tuple(parts))


def _piece(low: Node, high: Node, *, has_low: bool, has_high: bool) -> _Piece:
    ends = _finite(low, Apply("-", (Symbol("oo"),))), _finite(high, Symbol("oo"))
    if ends[0] is not None and ends[1] is not None:
        order = compare(ends[0], ends[1])
        if order is None or order > 0 or (order == 0 and not (has_low and has_high)):
            raise _Unknown
    return _Piece(*ends, has_low and ends[0] is not None, has_high and ends[1] is not None)


def _finite(end: Node, infinity: Node) -> Node | None:
    if end == infinity:
        return None
    if "oo" in variables(end):
        raise _Unknown
    return end


def _solved(left: Node, sign: str, right: Node) -> _Region:
    """The solutions of `left sign right` in its one variable."""
    if not _variables(left) and not _variables(right):
        raise _Unknown
    if not _variables(left):
        left, sign, right = right, FLIPPED[sign], left
    if isinstance(left, Symbol) and not _variables(right):
        return _half_line(sign, right)
    if isinstance(left, Apply) and left.operator == "abs" and not _variables(right):
        inside = left.arguments[0]
        halves = _solved(inside, sign, right), _solved(inside, FLIPPED[sign], Apply("-", (right,)))
        return _Combination("all" if sign in "<≤≠" else "any", halves)
    slope, constant = _affine(Apply("+", (left, Apply("-", (right,)))))
    if slope == 0:
        raise _Unknown
    return _half_line(sign if slope > 0 else FLIPPED[sign], Number(-constant / slope))


def _variables(node: Node) -> set[str]:
    return variables(node) - NAMED_CONSTANTS


def _half_line(sign: str, end: Node) -> _Region:
    if "oo" in variables(end):
        if (sign, end) in (("<", Symbol("oo")), (">", Apply("-", (Symbol("oo"),)))):
            return _LINE
        raise _Unknown
    match sign:
        case "<" | "≤":
            return _Piece(None, end, False, sign == "≤")
        case ">" | "≥":
            return _Piece(end, None, sign == "≥", False)
        case "=":
            return _Piece(end, end, True, True)
        case _:
            return _Combination("not", (_Piece(end, end, True, True),))


def _affine(node: Node) -> tuple[Fraction, Fraction]:
    """Slope and constant of an expression that is linear, with rational coefficients, in its one variable."""
    match node:
        case Symbol() if node.name not in NAMED_CONSTANTS:
            return Fraction(1), Fraction(0)
        case Apply(operator="+", arguments=(a, b)):
            return _affine(a)[0] + _affine(b)[0], _affine(a)[1] + _affine(b)[1]
        case Apply(operator="-", arguments=(a,)):
            return -_affine(a)[0], -_affine(a)[1]
        case Apply(operator="*" | "/", arguments=(a, b)) if not _variables(b) or (node.operator == "*" and not _variables(a)):
            factor, rest = (_exactly(b), a) if not _variables(b) else (_exactly(a), b)
            factor = 1 / factor if node.operator == "/" else factor
            return factor * _affine(rest)[0], factor * _affine(rest)[1]
        case _ if not _variables(node):
            return Fraction(0), _exactly(node)
        case _:
            raise _Unknown


def _exactly(node: Node) -> Fraction:
    try:
        value = exact(node)
    except Unsettled:
        raise _Unknown from None
    if value == 0 and isinstance(node, Apply):
        raise _Unknown
    return value


def _ends(region: _Region) -> list[Node]:
    if isinstance(region, _Piece):
        return [end for end in (region.low, region.high) if end is not None]
    return [end for part in region.parts for end in _ends(part)]


def _ordered(ends: list[Node]) -> dict[Node, int]:
    """The cell of each end: 1, 3, 5, ... from the least one; equal ones share theirs."""
    if len(ends) > MAX_ENDS:
        raise _Unknown
    places: dict[Node, int] = {}
    last: Node | None = None
    for end in sorted(dict.fromkeys(ends), key=cmp_to_key(_order)):
        places[end] = 1 if last is None else places[last] + (0 if _order(last, end) == 0 else 2)
        last = end
    return places


def _cells(places: Mapping[Node, int]) -> range:
    return range(max(places.values(), default=-1) + 2)


def _order(left: Node, right: Node) -> int:
    order = compare(left, right)
    if order is None:
        raise _Unknown
    return order


def _contains(region: _Region, cell: int, places: Mapping[Node, int]) -> bool:
    """Whether a region covers a cell: the odd ones are the ends, the even ones the gaps between them."""
    if isinstance(region, _Combination):
        covered = [_contains(part, cell, places) for part in region.parts]
        return not covered[0] if region.kind == "not" else any(covered) if region.kind == "any" else all(covered)
    low = -1 if region.low is None else places[region.low]
    high = len(_cells(places)) if region.high is None else places[region.high]
    return low < cell < high or (cell == low and region.has_low and cell <= high) or (cell == high and region.has_high and cell >= low)
