r"""Tells whether terms are left to be added, factors to be multiplied or to be cancelled: `6\sqrt2 + 5\sqrt2`, `\pi \cdot 3^2 \cdot 10`, `6x - 2x + 4`.

A sum is taken apart into terms, its products multiplied out, and each term into powers of what it is a product of; terms are alike if they differ by
a rational factor only. A sum of terms that are not alike is a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from proctor.verifiers.answers import Answer, Matrix, Quantity
from proctor.verifiers.evaluation import NAMED_CONSTANTS, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.numerals import SCALES
from proctor.verifiers.unfinished import given_nodes, is_rational

_SCALE_WORDS = re.compile("|".join(sorted(SCALES)), re.IGNORECASE)
_MAX_TERMS = 64
_MAX_DIVISOR = 1000


def is_uncombined(text: str, answer: Answer, reference: Answer) -> bool:
    """Whether terms that are alike, or numbers to be multiplied, are left in what equals an irrational or complex reference, which has none such.

    So `\\sqrt2 + 5\\sqrt2` is not worked out, and `\\pi \\cdot 3^2 \\cdot 10` is not.
    """
    return _is_uncombined(text, answer) and not _is_uncombined("", reference) and not any(variables(node) - NAMED_CONSTANTS for node in given_nodes(reference))


def is_unsimplified(answer: Answer, reference: Answer) -> bool:
    """Whether an expression has terms that are alike, or a factor on both sides of a bar, and the reference has neither: `6x - 2x + 4`."""
    given, wanted = ([node for node in given_nodes(one) if variables(node) - NAMED_CONSTANTS] for one in (answer, reference))
    return any(map(_is_simplifiable, given)) and not any(map(_is_simplifiable, wanted))


def _is_simplifiable(node: Node) -> bool:
    return has_like_terms(node) or _has_common_factor(node)


def _has_common_factor(node: Node) -> bool:
    match node:
        case Apply("/", (top, bottom)):
            return bool(set(_open_factors(top)) & set(_open_factors(bottom)))
        case Apply("+" | "-" | "*", arguments):
            return any(map(_has_common_factor, arguments))
        case _:
            return False


def _open_factors(node: Node) -> Iterator[Node]:
    """The factors of a product that have a variable, powers by their base."""
    match node:
        case Apply("*", arguments):
            for argument in arguments:
                yield from _open_factors(argument)
        case Apply("-", (inner,)) | Apply("^", (inner, Number())):
            yield from _open_factors(inner)
        case _:
            if variables(node) - NAMED_CONSTANTS:
                yield node


def _is_uncombined(text: str, answer: Answer) -> bool:
    """Whether terms of a closed number are alike, or several of its factors are rational."""
    if isinstance(answer, Matrix) or (isinstance(answer, Quantity) and answer.rough is not None):
        return False
    nodes = [node for node in given_nodes(answer) if not variables(node) - NAMED_CONSTANTS and not is_rational(node)]
    has_words = _SCALE_WORDS.search(text) is not None
    return any(has_like_terms(node) or _has_power_of_i(node) or (not has_words and _has_open_product(node)) for node in nodes)


def has_like_terms(node: Node) -> bool:
    """Whether terms of a sum differ by a rational factor only, its products multiplied out."""
    keys = [_irrational_part(powers) for powers in _expanded(node)]
    return len(keys) <= _MAX_TERMS and len(set(keys)) < len(keys)


_Powers = Mapping[int | Node, Fraction]
"""What a term is a product of: primes, constants, and what is not taken apart further, each with its exponent; -1 is the square of i."""


def _expanded(node: Node) -> list[_Powers]:
    """The terms of a sum, with products and quotients of sums multiplied out; powers of sums are left, and without what has too many terms."""
    if is_rational(node):
        return [{}]
    match node:
        case Apply("+", (left, right)):
            return [*_expanded(left), *_expanded(right)]
        case Apply("-", (inner,)):
            return _expanded(inner)
        case Apply("*", (left, right)):
            return _products(_expanded(left), _expanded(right))
        case Apply("/", (top, bottom)):
            return _products(_expanded(top), [_raised(_powers(bottom), Fraction(-1))])
        case _:
            return [_powers(node)]


def _products(lefts: list[_Powers], rights: list[_Powers]) -> list[_Powers]:
    return [_times(left, right) for left, right in product(lefts, rights)] if len(lefts) * len(rights) <= _MAX_TERMS else []


def _powers(node: Node) -> _Powers:
    match node:
        case Number(value):
            return _times(_primes(value.numerator), _raised(_primes(value.denominator), Fraction(-1)))
        case Apply("-", (inner,)):
            return _times(_primes(-1), _powers(inner))
        case Apply("*", (left, right)):
            return _times(_powers(left), _powers(right))
        case Apply("/", (top, bottom)):
            return _times(_powers(top), _raised(_powers(bottom), Fraction(-1)))
        case Apply("sqrt", (inner,)):
            return _raised(_powers(inner), Fraction(1, 2))
        case Apply("root", (inner, Number(index))) if index:
            return _raised(_powers(inner), 1 / index)
        case Apply("^", (base, exponent)) if is_rational(exponent):
            return _raised(_powers(base), exact(exponent))
        case _:
            return {node: Fraction(1)}


def _times(left: _Powers, right: _Powers) -> _Powers:
    return {atom: left.get(atom, Fraction(0)) + right.get(atom, Fraction(0)) for atom in {**left, **right}}


def _raised(powers: _Powers, exponent: Fraction) -> _Powers:
    return {atom: power * exponent for atom, power in powers.items()}


def _primes(number: int) -> _Powers:
    """The prime factors of an integer; what is left of a large one after the small primes stands for itself."""
    found: dict[int | Node, Fraction] = {Symbol("i"): Fraction(2)} if number < 0 else {}
    rest, divisor = abs(number), 2
    while divisor <= _MAX_DIVISOR and divisor * divisor <= rest:
        while rest % divisor == 0:
            found[divisor] = found.get(divisor, Fraction(0)) + 1
            rest //= divisor
        divisor += 1
    if rest > 1:
        found[rest] = found.get(rest, Fraction(0)) + 1
    return found


def _irrational_part(powers: _Powers) -> frozenset[tuple[int | Node, Fraction]]:
    """What is left of a term without its rational factor."""
    rest = {atom: power % 1 if isinstance(atom, int) else power % 2 if atom == Symbol("i") else power for atom, power in powers.items()}
    return frozenset((atom, power) for atom, power in rest.items() if power)


def _has_power_of_i(node: Node) -> bool:
    match node:
        case Apply("^", (Symbol("i"), Number(exponent))):
            return exponent > 1
        case Apply("+" | "-" | "*" | "/", arguments):
            return any(map(_has_power_of_i, arguments))
        case _:
            return False


def _has_open_product(node: Node) -> bool:
    """Whether several numbers are multiplied in a term, above its bar or below: `2\\pi \\cdot 5`; `\\frac{12\\pi}{8}` is a fraction."""
    if is_rational(node):
        return False
    match node:
        case Apply("+" | "-", arguments):
            return any(map(_has_open_product, arguments))
        case Apply("*" | "/", arguments):
            tops, bottoms = _divided(node)
            return max(len(tops), len(bottoms)) > 1 or any(isinstance(part, Apply) and part.operator == "+" and _has_open_product(part) for part in arguments)
        case _:
            return False


def _divided(node: Node) -> tuple[list[Node], list[Node]]:
    """The rational factors of a term that stand above and below its bar; without one, and without powers of ten."""
    match node:
        case Apply("-", (inner,)):
            return _divided(inner)
        case Apply("*", (left, right)):
            one, other = _divided(left), _divided(right)
            return one[0] + other[0], one[1] + other[1]
        case Apply("/", (top, bottom)):
            one, other = _divided(top), _divided(bottom)
            return one[0] + other[1], one[1] + other[0]
        case Apply("^", (Number(base), _)) if base == 10:
            return [], []
        case _:
            return ([node], []) if is_rational(node) and abs(exact(node)) != 1 else ([], [])
