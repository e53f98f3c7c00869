"""Decides whether two expressions are equal: exactly where they are rational, by vanishing differences where not.

An irrational difference is evaluated twice, the second time with as many more digits as the largest and the smallest
number on the way have, so that a term like e^-500 is not mistaken for nothing. Expressions with variables are compared
at points drawn from a hash of both, which nobody who writes one of them can foresee. Every computation is bounded
before it starts (bits, factorials, arguments), so that a short answer cannot cost a long time. What exceeds a bound is
unequal to everything but itself.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from proctor.verifiers.arithmetic import Irrational, Undefined, Unsettled, apply_approximately, apply_exactly, mpmath
from proctor.verifiers.expressions import Apply, Node, Number, Symbol

MAX_NODES = 400
MAX_PRECISION = 40_000  # bits of one evaluation
MAX_WORK = 1_500_000  # nodes times bits of one evaluation
NUM_POINTS = 8
NUM_DRAWS = 24
PRECISION = 320  # bits of the first evaluation
NAMED_CONSTANTS = frozenset({"pi", "e", "i", "oo"})
_PIECEWISE = frozenset({"abs", "floor", "ceil"})
_ROOTS = frozenset({"sqrt", "root"})
_INVERSE = frozenset({"arcsin", "arccos", "arctan"})
_SIGNS = ((1, 1), (-1, -1), (1, -1), (-1, 1))
_FREE_NODES = 120
_MAX_ENDS = 8
_MAX_LONGER = 60
_WHOLE = tuple(range(-14, 62))  # of roundings: every remainder of a division by up to sixty
_INTEGERS = (-11, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 25, 49, 60, 100, 210, 1024)
_SCALES = (30, 30, 300, 3000)  # of further points, whole numbers and others: where a function has pieces, three are not enough


def equal(left: Node, right: Node) -> bool:
    """Whether two expressions are the same function of their variables (the same number, if they have none).

    With variables, they must agree wherever both are real, and where they are not real if that is nowhere. That is tried at points; where absolute
    values, roundings or even roots give a function pieces, also far from zero and at whole numbers.
    """
    if left == right:
        return True
    names = _comparable(left, right)
    if names is None:
        return False
    if not names:
        return _vanishes(_minus(left, right))
    has_pieces = _has_pieces(left) or _has_pieces(right)
    if has_pieces and abs(count(left) - count(right)) > _MAX_LONGER + 2 * min(count(left), count(right)):
        return False  # no spelling is that much longer than another, and every point would cost
    is_piecewise = bool(operators(left) & _PIECEWISE or operators(right) & _PIECEWISE)
    num_real = num_complex = num_different = 0
    for point in _points(left, right, names, has_pieces=has_pieces):
        here = substitute(left, point), substitute(right, point)
        is_real = is_defined(here[0], real=True) and is_defined(here[1], real=True)
        if not is_real and not (is_defined(here[0]) and is_defined(here[1])):
            continue
        is_zero = _is_zero(_minus(*here))
        if is_zero is None:  # too large there to be told
            continue
        if is_zero:
            num_real, num_complex = num_real + is_real, num_complex + (not is_real)
        elif is_real or is_piecewise:
            return False
        else:
            num_different += 1  # of a branch, where the real part of the line agrees
    return num_real >= NUM_POINTS // 2 or (num_complex >= NUM_POINTS and not num_different)


def proportion(left: Node, right: Node) -> int:
    """Compare two expressions up to a constant factor.

    Returns:
        1 if `left` is a positive constant multiple of `right`, -1 if a negative one, 0 if neither.
    """
    names = _comparable(left, right)
    if not names:
        return 0
    first: tuple[Node, Node] | None = None
    sign = num_equal = 0
    for point in _points(left, right, names, has_pieces=_has_pieces(left) or _has_pieces(right)):
        here = substitute(left, point), substitute(right, point)
        if not (is_defined(here[0], real=True) and is_defined(here[1], real=True)):
            continue
        if first is None:
            sign = _sign(here[0]) * _sign(here[1])
            if sign == 0:
                return 0
            first = here
            continue
        if not _vanishes(_minus(Apply("*", (first[0], here[1])), Apply("*", (first[1], here[0])))):
            return 0
        num_equal += 1
    return sign if num_equal >= NUM_POINTS - 1 else 0


def compare(left: Node, right: Node) -> int | None:
    """Return -1, 0 or 1 as `left` is less than, equal to or greater than `right`; None if that is not known."""
    if left == right:
        return 0
    if _comparable(left, right) != set():
        return None
    difference = _minus(left, right)
    if not is_defined(difference, real=True):
        return None
    return 0 if _vanishes(difference) else _sign(difference)


def within(node: Node, rough: Fraction, allowed: Fraction) -> bool:
    """Whether an expression without variables differs from `rough` by no more than `allowed`."""
    if count(node) > MAX_NODES or variables(node) - NAMED_CONSTANTS:
        return False
    gap = Apply("abs", (_minus(node, Number(rough)),))
    order = compare(gap, Number(allowed))
    return order is not None and order <= 0


def _comparable(left: Node, right: Node) -> set[str] | None:
    """The variables of two expressions; None if they cannot be compared."""
    names = variables(left) | variables(right)
    return None if "oo" in names or count(left) > MAX_NODES or count(right) > MAX_NODES else names - NAMED_CONSTANTS


def _points(left: Node, right: Node, names: set[str], *, has_pieces: bool) -> Iterator[Mapping[str, Fraction]]:
    """Points between -3 and 3, with every pattern of signs, until enough were real; the same for (left, right) and (right, left).

    What has pieces is also tried far out, at whole numbers, and where a piece ends. Denominators are drawn too, so that no function foresees them.
    """
    seed = hashlib.sha256("\n".join(sorted((repr(left), repr(right)))).encode()).digest()
    numbers = random.Random(seed)
    ordered, num_real = sorted(names), 0
    bottom = 2 * numbers.randrange(900, 1100)
    for draw in range(NUM_DRAWS):
        signs = _SIGNS[draw % 4]
        point = {name: Fraction(signs[index % 2] * (numbers.randrange(bottom * 3 // 2) * 2 + 1), bottom) for index, name in enumerate(ordered)}
        yield point
        num_real += all(is_defined(substitute(side, point), real=True) for side in (left, right))
        if num_real >= NUM_POINTS:
            break
    if not has_pieces:
        return
    is_rounded = bool((operators(left) | operators(right)) & {"floor", "ceil"})
    whole: Sequence[int] = _WHOLE if is_rounded and len(ordered) == 1 else _INTEGERS
    sparse = max(1, (count(left) + count(right)) // _FREE_NODES)  # of long expressions fewer points are tried
    bottom = 2 * numbers.randrange(11, 17)
    for draw in range(0, 3 * len(_SCALES), sparse):
        signs, largest = _SIGNS[draw // len(_SCALES) % 4], _SCALES[draw % len(_SCALES)]
        yield {name: signs[index % 2] * Fraction(numbers.randrange(bottom * largest // 2) * 2 + 1, bottom) for index, name in enumerate(ordered)}
    for place in range(0, len(whole), sparse):
        yield {name: Fraction(whole[(place + 5 * index) % len(whole)]) for index, name in enumerate(ordered)}
    if len(ordered) == 1:
        ends = dict.fromkeys(end for side in (left, right) for end in _ends(side, ordered[0]))
        for end in list(ends)[::sparse][:_MAX_ENDS]:
            yield from ({ordered[0]: end + shift} for shift in (Fraction(0), Fraction(1, 997), Fraction(-1, 997), Fraction(1), Fraction(-1)))


def _ends(node: Node, name: str) -> Iterator[Fraction]:
    """Where the pieces of a function of one variable end, as far as what is rounded, or has its sign or root taken, is linear in it."""
    if not isinstance(node, Apply):
        return
    for argument in node.arguments:
        yield from _ends(argument, name)
    if node.operator in _PIECEWISE | _ROOTS and name in variables(node.arguments[0]):
        try:
            first, second, third = (exact(substitute(node.arguments[0], {name: Fraction(value)})) for value in (0, 1, 2))
        except Unsettled:
            return
        slope, bend = second - first, (third - second) - (second - first)
        if slope and not bend:
            levels = (0, 1, -1, 2) if node.operator in ("floor", "ceil") else (0,)
            yield from ((level - first) / slope for level in levels)
        elif bend:
            yield from _roots(bend / 2, slope - bend / 2, first)


def _roots(a: Fraction, b: Fraction, c: Fraction) -> Iterator[Fraction]:
    """Whole numbers near the roots of a x^2 + b x + c, and beyond them; none where they are too large to be computed."""
    square = b * b - 4 * a * c
    if 0 <= square < 10**60:
        for sign in (1, -1):
            yield Fraction(round((-b + sign * math.isqrt(math.ceil(square))) / (2 * a)) + sign)


def _has_pieces(node: Node) -> bool:
    """Whether an expression has absolute values, roundings, roots or inverse functions, which are other functions elsewhere."""
    if not isinstance(node, Apply):
        return False
    is_root = node.operator == "^" and not (isinstance(node.arguments[1], Number) and node.arguments[1].value.denominator == 1)
    return (
        node.operator in _PIECEWISE | _ROOTS | _INVERSE
        or (is_root and bool(variables(node.arguments[0]) - NAMED_CONSTANTS))
        or any(map(_has_pieces, node.arguments))
    )


def _minus(left: Node, right: Node) -> Node:
    return Apply("+", (left, Apply("-", (right,))))


def variables(node: Node) -> set[str]:
    """Return the names in an expression, constants included."""
    found: set[str] = set()
    left = [node]
    while left:
        part = left.pop()
        if isinstance(part, Symbol):
            found.add(part.name)
        elif isinstance(part, Apply):
            left += part.arguments
    return found


def operators(node: Node) -> set[str]:
    """Return the operators and functions in an expression."""
    return {node.operator}.union(*(operators(argument) for argument in node.arguments)) if isinstance(node, Apply) else set()


def count(node: Node) -> int:
    """Return the number of nodes."""
    return 1 + sum(count(argument) for argument in node.arguments) if isinstance(node, Apply) else 1


def substitute(node: Node, point: Mapping[str, Fraction]) -> Node:
    """Return the expression with numbers in place of variables."""
    if isinstance(node, Symbol):
        return Number(point[node.name]) if node.name in point else node
    if isinstance(node, Apply):
        return Apply(node.operator, tuple(substitute(argument, point) for argument in node.arguments))
    return node


def exact(node: Node) -> Fraction:
    """Return the rational value of an expression.

    Raises:
        Unsettled: it has none, or it is over a bound.
    """
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Symbol):
        raise Unsettled(node.name)
    return apply_exactly(node.operator, [exact(argument) for argument in node.arguments])


def is_defined(node: Node, *, real: bool = False) -> bool:
    """Whether an expression without variables has a value that can be computed (without leaving the real numbers)."""
    look = _first_look(node)
    return look is not None and (look.is_real or not real)


def is_undefined(node: Node) -> bool:
    """Whether an expression without variables divides by zero, or the like (not: is too large to be computed)."""
    if variables(node) - NAMED_CONSTANTS or count(node) > MAX_NODES:
        return False
    try:
        _evaluated(node, PRECISION)
    except Undefined:
        return True
    except Unsettled:
        return False
    return False


def _sign(node: Node) -> int:
    look = _first_look(node)
    if look is None or _vanishes(node):
        return 0
    number = look.value if isinstance(look.value, Fraction) else mpmath().re(look.value)
    return (number > 0) - (number < 0)


@lru_cache(maxsize=512)
def _first_look(node: Node) -> _Look | None:
    try:
        return _evaluated(node, PRECISION)
    except Unsettled:
        return None


def _vanishes(difference: Node) -> bool:
    """Whether an expression without variables is known to be zero."""
    return _is_zero(difference) is True


def _is_zero(difference: Node) -> bool | None:
    """Whether an expression without variables is zero; None where it is too large to be told."""
    first = _first_look(difference)
    if first is None:
        return None
    if isinstance(first.value, Fraction):
        return first.value == 0
    if _magnitude(first.value) > first.spread - PRECISION // 2:
        return False
    try:
        second = _evaluated(difference, PRECISION + 4 * first.spread + 64)
    except Unsettled:
        return None
    return _magnitude(second.value) < -(PRECISION // 2 + first.spread)


@dataclass(frozen=True, slots=True)
class _Look:
    """An evaluation.

    Attributes:
        value: a Fraction where it is rational, else a number of mpmath.
        spread: the largest size, in bits up or down, of anything on the way to it.
        is_real: whether everything on the way was.
    """

    value: Any
    spread: int
    is_real: bool


def _evaluated(node: Node, precision: int) -> _Look:
    if precision > MAX_PRECISION or precision * count(node) > MAX_WORK:
        raise Unsettled("too many digits are needed")
    evaluation = _Evaluation(precision)
    with mpmath().workprec(precision):
        try:
            value = evaluation.value(node)
            if not isinstance(value, Fraction) and not mpmath().isfinite(value):
                raise Undefined("it is infinite")
            is_real = evaluation.is_real and (isinstance(value, Fraction) or not mpmath().im(value))
            return _Look(value, evaluation.spread, is_real)
        except ZeroDivisionError:
            raise Undefined("division by zero") from None
        except (ValueError, OverflowError, TypeError) as error:
            raise Unsettled(str(error)) from None


class _Evaluation:
    """One bottom-up pass: rational as long as possible, then floating point."""

    def __init__(self, precision: int) -> None:
        self.spread = 0
        self.is_real = True
        self._precision = precision

    def value(self, node: Node) -> Any:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Symbol):
            return _constant(node.name)
        values = [self.value(argument) for argument in node.arguments]
        if all(isinstance(value, Fraction) for value in values):
            try:
                return apply_exactly(node.operator, values)
            except Irrational:
                pass
        return self._approximated(node.operator, values)

    def _approximated(self, operator: str, values: list[Any]) -> Any:
        """An irrational result; the odd root of a negative number is the real one."""
        wide = [self._widened(value) for value in values]
        if operator == "tanh":
            self.spread = max(self.spread, int(3 * abs(wide[0])))  # so near to one are its values
        if operator == "^" and isinstance(values[1], Fraction) and values[1].denominator % 2 and values[1].denominator > 1 and _is_negative(wide[0]):
            size = apply_approximately("^", [-wide[0], wide[1]], self._precision)
            return -size if values[1].numerator % 2 else size
        return apply_approximately(operator, wide, self._precision)

    def _widened(self, value: Any) -> Any:
        if isinstance(value, Fraction):
            self.spread = max(self.spread, value.numerator.bit_length(), value.denominator.bit_length())
            return mpmath().mpf(value.numerator) / value.denominator
        if value:
            self.spread = max(self.spread, abs(_magnitude(value)))
            self.is_real = self.is_real and not mpmath().im(value)
        return value


def _is_negative(value: Any) -> bool:
    return bool(mpmath().im(value) == 0 and mpmath().re(value) < 0)


def _magnitude(value: Any) -> int:
    """The binary exponent; very small for zero."""
    size = mpmath().mag(value)
    return int(size) if mpmath().isfinite(size) else -(10**9)


def _constant(name: str) -> Any:
    mp = mpmath()
    constants = {"pi": mp.pi, "e": mp.e, "i": mp.mpc(0, 1)}
    if name not in constants:
        raise Unsettled(name)
    return +constants[name]
