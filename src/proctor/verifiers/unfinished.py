r"""Tells a result from a calculation: `3+4` is not the answer 7.

Where the reference is a number, or is made of numbers (a list, a matrix, the ends of an interval), what equals it is an answer in one of its
finished forms: an integer, a decimal, a fraction, a mixed number, scientific notation or a number word, one power, root, logarithm, factorial or
binomial coefficient, a fraction of these, and a multiple of pi (an angle). Everything else is a calculation that nobody worked out, however it is
dressed: `12e^0+34`, `\frac{12}{34^{-1}}`, `12 \cdot 34 + x - x`, and so is a division that comes out even: `\frac{360}{24}` for 15. What stands in
the prompt already, `proctor.verifiers.echoes` finds, and terms that are left to be added `proctor.verifiers.terms`.

So the verdict on `3+4` for 7 is not the one on 7 for `3+4`: a reference may be written as it likes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Interval, Items, Matrix, Quantity, Relation
from proctor.verifiers.equivalence import leads_with_name
from proctor.verifiers.evaluation import NAMED_CONSTANTS, Unsettled, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.numerals import SCALES
from proctor.verifiers.units import lookup

_SCALES = frozenset(SCALES.values())
_SCALE_WORDS = re.compile("|".join(sorted(SCALES)), re.IGNORECASE)
_ONE_STEP = frozenset({"sqrt", "root", "!", "binom", "log", "logbase", "ln"})


def is_number(answer: Answer) -> bool:
    """Whether an answer is a number as people write results: a decimal, a fraction, a mixed number, or several of them; with or without a unit."""
    nodes = [node for node in given_nodes(answer) if not _is_infinite(node)]
    return bool(nodes) and all(is_numeral(node) for node in nodes)


def is_unfinished(text: str, answer: Answer, *, is_exact: bool) -> bool:
    """Whether a calculation is left to work out.

    Args:
        text: as the model wrote it.
        answer: as it was read; equal to a number, so variables in it cancel, and hide a calculation.
        is_exact: equal without a tolerance, so that it is rational, whatever it is made of; with one, what is irrational is left alone.
    """
    if isinstance(answer, Quantity) and answer.rough is not None and _is_worked_out(answer.node, answer.rough):
        return False
    has_words = _SCALE_WORDS.search(text.rpartition("=")[2]) is not None
    is_matrix = isinstance(answer, Matrix)
    if is_matrix and text.count(r"\begin") > 1:
        return False  # of a sum of matrices the entries are sums; whether the prompt asks for it, `is_echo` says
    return any(
        bool(variables(node) - NAMED_CONSTANTS) or (_is_open(node, is_exact=is_exact, has_words=has_words) and not (is_matrix and _is_multiple(node)))
        for node in map(_unmeasured, given_nodes(answer))
        if not _is_infinite(node)
    )


def is_uncalculated(text: str, answer: Answer, reference: Answer) -> bool:
    """Whether a part of what equals an irrational number is left to work out, though no part of that is: `\\sqrt{36 \\cdot 2}` for `6\\sqrt2`.

    Args:
        text: as the model wrote the answer.
        answer: as it was read.
        reference: as it was read.
    """
    nodes = list(given_nodes(reference))
    if all(map(is_rational, nodes)) or any(variables(node) - NAMED_CONSTANTS for node in nodes):
        return False
    return is_unfinished(text, answer, is_exact=False) and not is_unfinished("", reference, is_exact=False)


def is_undivided(answer: Answer, reference: Answer) -> bool:
    """Whether a division that comes out even is left, and the reference has none such: `\\frac{360}{24}` for 15."""
    return _has_even_division(answer) and not _has_even_division(reference)


def _has_even_division(answer: Answer) -> bool:
    return not isinstance(answer, Matrix) and any(map(_comes_out_even, given_nodes(answer)))


def _comes_out_even(node: Node) -> bool:
    """Whether an integer is divided by one of its divisors, other than 1; `\\frac{10}{4}` is a fraction."""
    match node:
        case Apply("-", (inner,)):
            return _comes_out_even(inner)
        case Apply("/", (top, bottom)) if is_numeral(node):
            return abs(exact(bottom)) > 1 and exact(top) % exact(bottom) == 0
        case _:
            return False


def has_other_terms(answer: Answer, reference: Answer) -> bool:
    """Whether a sum is left that the reference has worked out, or the other way about: `2 - 2i + 3i + 3` and `5 + i`, `(x+1)(x+1)` and `x^2 + 2x + 1`."""
    given, wanted = (max((_num_terms(node) for node in given_nodes(one)), default=0) for one in (answer, reference))
    return given != wanted


def _num_terms(node: Node) -> int:
    match node:
        case Apply("+", (left, right)) if not _is_mixed(node):
            return _num_terms(left) + _num_terms(right)
        case Apply("-", (inner,)):
            return _num_terms(inner)
        case _:
            return 1


def _is_worked_out(node: Node, rough: Fraction) -> bool:
    """Whether an approximation says what an expression comes to: all of it, or as a decimal where it has no end."""
    try:
        value = exact(node)
    except Unsettled:
        return rough.denominator > 1
    return value == rough


def _is_multiple(node: Node) -> bool:
    """A number times or over a number, as the entry of `\\frac{1}{7}A` is."""
    return isinstance(node, Apply) and node.operator in ("*", "/", "-") and all(is_numeral(part) or _is_multiple(part) for part in node.arguments)


def _unmeasured(node: Node) -> Node:
    """The number of `5m`, which is read as a product: the letter is a unit that the reference has."""
    match node:
        case Apply("*", (Number() as number, Symbol(name=letter))) if letter not in NAMED_CONSTANTS and len(letter) == 1 and lookup(letter) is not None:
            return number
        case _:
            return node


def given_nodes(answer: Answer) -> Iterator[Node]:
    """The expressions that an answer gives: of a chain of equations the last one, which the others lead to, of inequalities the bounds."""
    match answer:
        case Quantity():
            yield answer.node
        case Assignment():
            yield from given_nodes(answer.value)
        case Relation():
            closed = [side for side in answer.sides if not variables(side) - NAMED_CONSTANTS]
            if set(answer.signs) != {"="}:
                yield from closed
            elif len(closed) == len(answer.sides) or leads_with_name(answer):
                yield answer.sides[-1]
        case Matrix():
            yield from (entry for row in answer.rows for entry in row)
        case Items():
            for member in answer.members:
                yield from given_nodes(member)
        case Interval():
            yield from (answer.low, answer.high)
        case _:
            return


def is_numeral(node: Node) -> bool:
    """Whether an expression is written as a number: an integer, a decimal, a fraction of integers, a mixed number; signed or not."""
    match node:
        case Number():
            return True
        case Apply("/", (top, bottom)):
            return _is_whole(top) and _is_whole(bottom)
        case Apply("-", (inner,)):
            return is_numeral(inner)
        case Apply("+"):
            return _is_mixed(node)
        case _:
            return False


def _is_whole(node: Node) -> bool:
    """Whether a node is an integer, signed or not."""
    match node:
        case Number(value):
            return value.denominator == 1
        case Apply("-", (Number(value),)):
            return value.denominator == 1
        case _:
            return False


def _is_infinite(node: Node) -> bool:
    return node in (Symbol("oo"), Apply("-", (Symbol("oo"),)))


def is_in_lowest_terms(node: Node) -> bool:
    """Whether every fraction of integers in an expression is in lowest terms."""
    match node:
        case Apply("/", (Number(top), Number(bottom))) | Apply("/", (Apply("-", (Number(top),)), Number(bottom))):
            return bottom > 1 and top.denominator == bottom.denominator == 1 and math.gcd(top.numerator, bottom.numerator) == 1
        case Apply(_, arguments):
            return all(is_in_lowest_terms(argument) for argument in arguments)
        case _:
            return True


def _is_open(node: Node, *, is_exact: bool, has_words: bool) -> bool:
    """Whether a closed expression is a calculation and no finished form of its value."""
    if _is_finished(node, has_words=has_words):
        return False
    parts = node.arguments if isinstance(node, Apply) else ()
    return is_exact or is_rational(node) or any(_is_open(part, is_exact=False, has_words=has_words) for part in parts)


def _is_finished(node: Node, *, has_words: bool) -> bool:
    if _is_multiple_of_pi(node):
        return True
    match node:
        case Number() | Symbol():
            return True
        case Apply("-", (inner,)):
            return _is_finished(inner, has_words=has_words)
        case Apply("+", (real, Apply("*", (Number(0), Symbol("i"))))):  # `16+0i`
            return _is_finished(real, has_words=has_words)
        case Apply("+"):
            return _is_mixed(node)
        case Apply("*"):
            return _is_scaled(node, has_words=has_words)
        case Apply("/", (top, bottom)):
            return all(_is_whole(part) or (_is_term(part) and not isinstance(part, Number) and not _is_inverse(part)) for part in (top, bottom))
        case _:
            return _is_term(node)


def _is_multiple_of_pi(node: Node) -> bool:
    """pi, a numeral times pi, or one of them over an integer."""
    match node:
        case Symbol("pi"):
            return True
        case Apply("-", (inner,)):
            return _is_multiple_of_pi(inner)
        case Apply("*", (factor, Symbol("pi"))) | Apply("*", (Symbol("pi"), factor)):
            return is_numeral(factor)
        case Apply("/", (Apply("*", (factor, Symbol("pi"))), bottom)):
            return isinstance(factor, Number) and _is_whole(bottom)
        case Apply("/", (Symbol("pi"), bottom)):
            return _is_whole(bottom)
        case _:
            return False


def _is_term(node: Node) -> bool:
    """A number, or one power, root, logarithm, factorial or binomial coefficient of numbers."""
    match node:
        case Number():
            return True
        case Apply("-", (inner,)):
            return _is_term(inner)
        case Apply("^", (base, exponent)):
            return is_numeral(base) and is_numeral(exponent) and is_in_lowest_terms(exponent) and _num_signs(exponent) <= 1
        case Apply(operator, arguments):
            return operator in _ONE_STEP and all(is_numeral(argument) for argument in arguments)
        case _:
            return False


def _is_inverse(node: Node) -> bool:
    """Whether a term has a negative exponent: in a fraction that makes a product of a quotient."""
    match node:
        case Apply("-", (inner,)):
            return _is_inverse(inner)
        case Apply("^", (_, exponent)):
            return not isinstance(exponent, Number)
        case _:
            return False


def is_rational(node: Node) -> bool:
    try:
        exact(node)
    except Unsettled:
        return False
    return True


def _is_mixed(node: Apply) -> bool:
    """A whole number and a proper fraction, which the parser reads as their sum."""
    match node.arguments:
        case Number(whole), Apply("/", (Number(top), Number(bottom))):
            return whole.denominator == top.denominator == bottom.denominator == 1 and 0 < top < bottom
        case _:
            return False


def _num_signs(node: Node) -> int:
    """How many minus signs stand in front: two of them are a calculation."""
    return 1 + _num_signs(node.arguments[0]) if isinstance(node, Apply) and node.operator == "-" else 0


def _is_scaled(node: Apply, *, has_words: bool) -> bool:
    r"""A numeral times a power of ten (also a word: `2.5 million`), or a quotient written with a negative exponent (`3 \cdot 5^{-1}`)."""
    left, right = node.arguments
    if isinstance(left, Apply) and left.operator == "^":
        left, right = right, left
    match right:
        case Number(scale):
            return is_numeral(left) and scale in _SCALES and has_words
        case Apply("^", (base, exponent)):
            is_inverse = isinstance(exponent, Apply) and exponent.operator == "-"
            return is_numeral(left) and _is_term(right) and (base == Number(Fraction(10)) or (is_inverse and _is_whole(base)))
        case _:
            return False
