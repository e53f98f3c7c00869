"""Applies one operator to numbers: to fractions exactly, to floating-point numbers where the result is irrational.

Bounded before anything is computed: bits, factorials, the arguments of exponentials.
"""

from __future__ import annotations

import math
from fractions import Fraction
from importlib import import_module
from typing import Any

from proctor.verifiers.expressions import FUNCTIONS

MAX_BITS = 24_000
MAX_FACTORIAL = 2100
MAX_GAMMA_PRECISION = 1200
MAX_ARGUMENT = 10_000  # of exp, sin and the like, absolute


class Unsettled(ArithmeticError):
    """There is no value: undefined, or over a bound."""


class Undefined(Unsettled):
    """There is no value, whatever the bounds."""


class Irrational(Unsettled):
    """There is a value, but it is not rational."""


def mpmath() -> Any:
    """The arbitrary-precision context of mpmath, imported only when something irrational is compared."""
    return import_module("mpmath").mp


def apply_exactly(operator: str, values: list[Fraction]) -> Fraction:
    """Apply an operator to rational numbers.

    Raises:
        Irrational: the result is not rational.
        Unsettled: it is undefined, or larger than `MAX_BITS`.
    """
    value = _applied(operator, values)
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise Unsettled("too large")
    return value


def _applied(operator: str, values: list[Fraction]) -> Fraction:
    match operator, values:
        case "+", [a, b]:
            return a + b
        case "-", [a]:
            return -a
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            if b == 0:
                raise Undefined("division by zero")
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
        case "!", [a] if a.denominator == 1:
            return Fraction(math.factorial(int(a))) if 0 <= a <= MAX_FACTORIAL else _unsettled("factorial")
        case "binom", [a, b] if a.denominator == b.denominator == 1 and 0 <= b <= a:
            return Fraction(math.comb(int(a), int(b))) if a <= MAX_FACTORIAL else _unsettled("binomial")
        case _:
            raise Irrational(operator)


def _unsettled(why: str) -> Fraction:
    raise Unsettled(why)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        if exponent.denominator > 100 or (base < 0 and exponent.denominator % 2 == 0):
            raise Irrational("power")
        return _power(_root(base, exponent.denominator), Fraction(exponent.numerator))
    if base == 0 and exponent <= 0:
        raise Undefined("zero to the zero or less")
    if abs(base) == 1:
        return base ** int(exponent % 2)
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if base != 0 and abs(exponent) * bits > MAX_BITS:
        raise Unsettled("too large")
    return base ** int(exponent) if base else base


def _root(value: Fraction, index: int) -> Fraction:
    """The exact real root, if it is rational."""
    if value < 0:
        if index % 2 == 0:
            raise Irrational("root of a negative number")
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
        raise Irrational("root")
    return root


def apply_approximately(operator: str, values: list[Any], precision: int) -> Any:
    """Apply an operator to floating-point numbers, complex where it must be, in the current precision of mpmath.

    Raises:
        Unsettled: the result is undefined, or over a bound.
    """
    mp = mpmath()
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
            if abs(a - mp.nint(a)) < mp.mpf(2) ** (-precision // 2):
                _unsettled("rounding at a whole number")
            return mp.floor(a) if operator == "floor" else mp.ceil(a)
        case "!", [a] if abs(a) < MAX_FACTORIAL and precision <= MAX_GAMMA_PRECISION:
            return mp.gamma(a + 1)
        case "binom", [a, b] if abs(a) < MAX_FACTORIAL and abs(b) < MAX_FACTORIAL and precision <= MAX_GAMMA_PRECISION:
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
