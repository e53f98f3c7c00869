"""Decides whether two expressions are equal: exactly where they are rational, to 100 digits at sample points where not.

Every computation is bounded before it starts (exponents, factorials, size of arguments), so that a short answer cannot
cost a long time. What exceeds a bound is unequal to everything but itself.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from fractions import Fraction
from importlib import import_module
from typing import Any

from proctor.verifiers.expressions import FUNCTIONS, Apply, Node, Number, Symbol

MAX_BITS = 24_000
MAX_FACTORIAL = 2100
MAX_NODES = 400
NUM_POINTS = 6
WORKING_DIGITS = 140
AGREEING_DIGITS = 100
MAX_ARGUMENT = 10_000  # of exp, sin and the like, absolute
NAMED_CONSTANTS = frozenset({"pi", "e", "i", "oo"})


class Unsettled(ArithmeticError):
    """There is no value: not rational, undefined, or over a bound."""


def equal(left: Node, right: Node) -> bool:
    """Whether two expressions are the same function of their variables (the same number, if they have none)."""
    return left == right or proportion(left, right) == 1


def proportion(left: Node, right: Node) -> int:
    """Compare two expressions up to a constant factor.

    Returns:
        1 if they are equal, 2 or -2 if `left` is a positive or negative constant multiple of `right`, 0 otherwise.
    """
    names = variables(left) | variables(right)
    if count(left) > MAX_NODES or count(right) > MAX_NODES or "oo" in names:
        return 0
    ratios: list[Any] = []
    random_numbers = random.Random(20)
    for _ in range(4 * NUM_POINTS):
        point = {name: Fraction(random_numbers.randrange(-3000, 3000) * 2 + 1, 1009) for name in sorted(names - NAMED_CONSTANTS)}
        try:
            ratios.append(_ratio(left, right, point))
        except (Unsettled, ZeroDivisionError):
            if not point:
                return 0
        if len(ratios) >= (NUM_POINTS if point else 1):
            break
    if len(ratios) < (NUM_POINTS if names - NAMED_CONSTANTS else 1) or any(ratio is None for ratio in ratios):
        return 0
    return _constant(ratios)


def _constant(ratios: list[Any]) -> int:
    first = ratios[0]
    if all(_agree(ratio, Fraction(1)) for ratio in ratios):
        return 1
    if first == 0 or not all(_agree(ratio, first) for ratio in ratios) or not _agree(first, first.real):
        return 0
    return 2 if first.real > 0 else -2


def _agree(left: Any, right: Any) -> bool:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    mp = _context()
    with mp.workdps(WORKING_DIGITS):
        return bool(abs(_widened(left) - _widened(right)) < mp.mpf(10) ** -AGREEING_DIGITS * abs(_widened(left)))


def _widened(value: Any) -> Any:
    mp = _context()
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _ratio(left: Node, right: Node, point: Mapping[str, Fraction]) -> Any:
    """left / right at a point, exactly if possible; None where exactly one of them vanishes."""
    try:
        values: tuple[Any, Any] = exact(left, point), exact(right, point)
    except Unsettled:
        mp = _context()
        with mp.workdps(WORKING_DIGITS):
            values = approximate(left, point), approximate(right, point)
            if values[1] != 0 and values[0] != 0:
                return values[0] / values[1]
    if values[1] == 0 or values[0] == 0:
        return Fraction(1) if values[0] == values[1] else None
    return values[0] / values[1]


def _context() -> Any:
    """The arbitrary-precision context of mpmath, imported only when something irrational is compared."""
    return import_module("mpmath").mp


def variables(node: Node) -> set[str]:
    """Return the names in an expression, constants included."""
    if isinstance(node, Symbol):
        return {node.name}
    return set().union(*(variables(argument) for argument in node.arguments)) if isinstance(node, Apply) else set()


def count(node: Node) -> int:
    """Return the number of nodes."""
    return 1 + sum(count(argument) for argument in node.arguments) if isinstance(node, Apply) else 1


def exact(node: Node, point: Mapping[str, Fraction] | None = None) -> Fraction:
    """Return the rational value of an expression.

    Raises:
        Unsettled: it has none, or it is larger than `MAX_BITS`.
    """
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Symbol):
        if point is None or node.name not in point:
            raise Unsettled(node.name)
        return point[node.name]
    value = _apply_exactly(node.operator, [exact(argument, point) for argument in node.arguments])
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise Unsettled("too large")
    return value


def _apply_exactly(operator: str, values: list[Fraction]) -> Fraction:
    match operator, values:
        case "+", [a, b]:
            return a + b
        case "-", [a]:
            return -a
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            if b == 0:
                raise Unsettled("division by zero")
            return a / b
        case "^", [a, b]:
            return _power(a, b)
        case "sqrt", [a]:
            return _root(a, 2)
        case "root", [a, b] if b.denominator == 1 and 2 <= b <= 100:
            return _root(a, int(b))
        case "abs", [a]:
            return abs(a)
        case "floor", [a]:
            return Fraction(math.floor(a))
        case "ceil", [a]:
            return Fraction(math.ceil(a))
        case "!", [a] if a.denominator == 1 and 0 <= a <= MAX_FACTORIAL:
            return Fraction(math.factorial(int(a)))
        case "binom", [a, b] if a.denominator == b.denominator == 1 and 0 <= b <= a <= MAX_FACTORIAL:
            return Fraction(math.comb(int(a), int(b)))
        case _:
            raise Unsettled(operator)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        if exponent.denominator > 100:
            raise Unsettled("irrational power")
        return _power(_root(base, exponent.denominator), Fraction(exponent.numerator)) if base >= 0 else _unsettled("power of a negative number")
    if base == 0 and exponent <= 0:
        raise Unsettled("zero to the zero or less")
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if base not in (0, 1, -1) and abs(exponent) * bits > MAX_BITS:
        raise Unsettled("too large")
    return base ** (int(exponent) if abs(base) != 1 else int(exponent % 2))


def _unsettled(why: str) -> Fraction:
    raise Unsettled(why)


def _root(value: Fraction, index: int) -> Fraction:
    """The exact real root, if it is rational."""
    if value < 0:
        if index % 2 == 0:
            raise Unsettled("root of a negative number")
        return -_root(-value, index)
    return Fraction(_integer_root(value.numerator, index), _integer_root(value.denominator, index))


def _integer_root(value: int, index: int) -> int:
    if index == 2:
        root = math.isqrt(value)
    else:
        low, high = 0, 1 << (value.bit_length() // index + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**index <= value else (low, middle - 1)
        root = low
    if root**index != value:
        raise Unsettled("irrational root")
    return root


def approximate(node: Node, point: Mapping[str, Fraction]) -> Any:
    """Return the value to `WORKING_DIGITS`, complex where it must be (an mpmath number, in the caller's precision).

    Raises:
        Unsettled: undefined, or over a bound.
    """
    mp = _context()
    if isinstance(node, Number):
        return mp.mpf(node.value.numerator) / node.value.denominator
    if isinstance(node, Symbol):
        if node.name in point:
            return mp.mpf(point[node.name].numerator) / point[node.name].denominator
        constants = {"pi": mp.pi, "e": mp.e, "i": mp.mpc(0, 1)}
        if node.name not in constants:
            raise Unsettled(node.name)
        return +constants[node.name]
    values = [approximate(argument, point) for argument in node.arguments]
    try:
        return _apply_approximately(mp, node.operator, values)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError) as error:
        raise Unsettled(str(error)) from None


def _apply_approximately(mp: Any, operator: str, values: list[Any]) -> Any:
    match operator, values:
        case "+", [a, b]:
            return a + b
        case "-", [a]:
            return -a
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            return a / b
        case "^", [a, b]:
            if a == 0 or abs(b * mp.log(a)) > MAX_ARGUMENT:
                raise Unsettled("power of zero, or too large")
            return mp.power(a, b)
        case "sqrt", [a]:
            return mp.sqrt(a)
        case "root", [a, b]:
            is_odd = mp.im(b) == 0 and b == mp.floor(b) and int(b) % 2 == 1 and abs(b) < MAX_ARGUMENT
            return -mp.power(-a, 1 / b) if is_odd and mp.im(a) == 0 and a < 0 else mp.power(a, 1 / b)
        case "abs", [a]:
            return abs(a)
        case (("floor" | "ceil"), [a]) if mp.im(a) == 0:
            return mp.floor(a) if operator == "floor" else mp.ceil(a)
        case "!", [a] if abs(a) < MAX_FACTORIAL:
            return mp.gamma(a + 1)
        case "binom", [a, b] if abs(a) < MAX_FACTORIAL and abs(b) < MAX_FACTORIAL:
            return mp.binomial(a, b)
        case "logbase", [a, b]:
            return mp.log(a) / mp.log(b)
        case (("ln" | "log"), [a]):
            return mp.log(a) if operator == "ln" else mp.log10(a)
        case _, [a] if operator in FUNCTIONS and abs(a) <= MAX_ARGUMENT:
            name = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}.get(operator, operator)
            return getattr(mp, name)(a)
        case _:
            raise Unsettled(operator)


def within(node: Node, rough: Fraction, num_decimals: int) -> bool:
    """Whether `rough`, written with so many decimals, is a rounding or truncation of an expression without variables."""
    mp = _context()
    with mp.workdps(WORKING_DIGITS):
        try:
            value = approximate(node, {})
        except (Unsettled, ZeroDivisionError):
            return False
        return bool(abs(value - mp.mpf(rough.numerator) / rough.denominator) < mp.mpf(10) ** -min(num_decimals, 100))
