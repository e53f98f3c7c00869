r"""Tells an answer from a question: `3+4` is not the answer 7, and `2^{10}` is not where the prompt asks what `2^{10}` is.

Two rules, both only where the reference is a number:

- A sum or a product of rational numbers that nobody worked out is no answer. Fractions, mixed numbers, powers, roots, factorials, scientific
  notation, and what is irrational or has variables are forms of an answer.
- Of these forms, one that stands in the prompt as it is, is the question echoed.

So the verdict on `3+4` for 7 is not the one on 7 for `3+4`: a reference may be written as it likes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Interval, Items, Quantity, Relation
from proctor.verifiers.evaluation import Unsettled, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number
from proctor.verifiers.numerals import SCALES

_SCALES = frozenset(SCALES.values())
_SPACE = re.compile(r"\\(?:left|right|[,;:! ])|[\s${}]")
_TIMES = re.compile(r"\\times|\\cdot|[×·∙⋅]")
_DIVIDED = re.compile(r"\\div|÷")
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d))")
_STYLED = re.compile(r"\\[dt]frac")


def is_number(answer: Answer) -> bool:
    """Whether an answer is a number as people write results: a decimal, a fraction, a mixed number, or several of them; with or without a unit."""
    nodes = list(_nodes(answer))
    return bool(nodes) and all(_is_numeral(node) for node in nodes)


def is_unfinished(answer: Answer) -> bool:
    """Whether a sum or a product of rational numbers is left to work out."""
    return any(_is_open(node) for node in _nodes(answer) if not variables(node))


def is_echo(candidate: str, answer: Answer, prompt: str) -> bool:
    """Whether an answer that is not simply a number stands in the prompt, but for spaces and notation.

    Args:
        candidate: as the model wrote it.
        answer: as it was read.
        prompt: of the task.
    """
    if "+" not in candidate and all(_is_numeral(node) and _is_in_lowest_terms(node) for node in _nodes(answer)):
        return False
    text, asked = _squeezed(candidate).rstrip("."), _squeezed(prompt)
    return bool(text) and re.search(rf"(?<![\d.]){re.escape(text)}(?!\.?\d)", asked) is not None


def _squeezed(text: str) -> str:
    """Without spaces, brackets of LaTeX and its spellings of one sign; fractions of integers with a slash."""
    text = _DIVIDED.sub("/", _TIMES.sub("*", text.replace("\N{MINUS SIGN}", "-")))
    text = _FRACTION.sub(lambda found: f"{found[1] or found[3]}/{found[2] or found[4]}", text)
    return _SPACE.sub("", _STYLED.sub(r"\\frac", text))


def _nodes(answer: Answer) -> Iterator[Node]:
    """The expressions that an answer gives; of a chain of equations the last one, which the others lead to."""
    match answer:
        case Quantity():
            yield answer.node
        case Assignment():
            yield from _nodes(answer.value)
        case Relation():
            yield answer.sides[-1]
        case Items():
            for member in answer.members:
                yield from _nodes(member)
        case Interval():
            yield from (answer.low, answer.high)
        case _:
            return


def _is_numeral(node: Node) -> bool:
    match node:
        case Number() | Apply("/", (Number(), Number())):
            return True
        case Apply("-", (inner,)):
            return _is_numeral(inner)
        case Apply("+"):
            return _is_mixed(node)
        case _:
            return False


def _is_in_lowest_terms(node: Node) -> bool:
    match node:
        case Apply("/", (Number(top), Number(bottom))):
            return bottom > 1 and top.denominator == bottom.denominator == 1 and math.gcd(top.numerator, bottom.numerator) == 1
        case Apply(_, arguments):
            return all(_is_in_lowest_terms(argument) for argument in arguments)
        case _:
            return True


def _is_open(node: Node) -> bool:
    if not isinstance(node, Apply):
        return False
    if node.operator in ("+", "*") and all(_is_rational(part) for part in node.arguments):
        return not (_is_mixed(node) if node.operator == "+" else _is_scaled(node))
    return any(_is_open(part) for part in node.arguments)


def _is_rational(node: Node) -> bool:
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


def _is_scaled(node: Apply) -> bool:
    r"""A numeral times a power of ten (also a word: `2.5 million`), or a quotient written with a negative exponent (`3 \cdot 5^{-1}`)."""
    left, right = node.arguments
    match right:
        case Number(scale):
            return _is_numeral(left) and scale in _SCALES
        case Apply("^", (base, exponent)):
            is_inverse = isinstance(exponent, Apply) and exponent.operator == "-"
            return _is_numeral(left) and (base == Number(Fraction(10)) or (is_inverse and isinstance(base, Number)))
        case _:
            return False
