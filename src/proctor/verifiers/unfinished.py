r"""Tells an answer from a question: `3+4` is not the answer 7, and `2^{10}` is not where the prompt asks what `2^{10}` is.

Two rules, both where the reference is a number, or is made of numbers (a list, a matrix, the ends of an interval):

- What equals a number is an answer in one of its finished forms: an integer, a decimal, a fraction, a mixed number, scientific notation or a
  number word, one power, root, logarithm, factorial or binomial coefficient, a fraction of these, and a multiple of pi (an angle). Everything
  else is a calculation that nobody worked out, however it is dressed: `12e^0+34`, `\frac{12}{34^{-1}}`, `12 \cdot 34 + x - x`.
- Of these forms, one that stands in the prompt is the question echoed, however it is spelled or dressed: formulas of the prompt are read, and
  compared as trees. A fraction that is not in lowest terms repeats a prompt whose own numbers have that quotient: `\frac{60}{12}` and
  `\frac{120}{24}` where 60 is to be divided by 12. For every other reference an answer is an echo where it is a whole formula of the prompt,
  and not the reference itself: `(x+1)^2` where it is to be expanded, `\cos 30^\circ` where that is to be found.

So the verdict on `3+4` for 7 is not the one on 7 for `3+4`: a reference may be written as it likes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, permutations

from proctor.verifiers.answers import Answer, Assignment, Interval, Items, Matrix, Quantity, Relation
from proctor.verifiers.equivalence import leads_with_name
from proctor.verifiers.evaluation import NAMED_CONSTANTS, Unsettled, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol, parse
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.numerals import SCALES
from proctor.verifiers.statements import FORMULA
from proctor.verifiers.units import lookup

_SCALES = frozenset(SCALES.values())
_SPACE = re.compile(r"\\(?:left|right|[,;:! ])|[\s${}()\[\]]")
_TIMES = re.compile(r"\\times|\\cdot|[×·∙⋅]")
_DIVIDED = re.compile(r"\\div|÷")
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d))")
_STYLED = re.compile(r"\\[dt]frac")
_DECIMAL = re.compile(r"(?<![\d.])\d{1,30}(?:\.\d{1,30})?")
_MAX_PROMPT_NUMBERS = 60
_MAX_PROMPT_CHARS = 8000
_MAX_FORMULAS = 40
_MAX_FORMULA_CHARS = 200
_CALCULATION = re.compile(r"(?:[\d.+\-*/^()!×·÷\u2212{}\u00b2\u00b3√° ]|\\?(?:sqrt|sin|cos|tan|log|ln)\b|(?<![A-Za-z])[a-zA-Z](?![A-Za-z])){3,200}")
_SIDES = re.compile(r"[=≈,;]|\\approx")
_SCALE_WORDS = re.compile("|".join(sorted(SCALES)), re.IGNORECASE)
_ONE_STEP = frozenset({"sqrt", "root", "!", "binom", "log", "logbase", "ln"})


def is_number(answer: Answer) -> bool:
    """Whether an answer is a number as people write results: a decimal, a fraction, a mixed number, or several of them; with or without a unit."""
    nodes = [node for node in _nodes(answer) if not _is_infinite(node)]
    return bool(nodes) and all(_is_numeral(node) for node in nodes)


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
        for node in map(_unmeasured, _nodes(answer))
        if not _is_infinite(node)
    )


def is_echo(candidate: str, answer: Answer, prompt: str) -> bool:
    """Whether an answer that is not simply a number stands in the prompt, but for spaces and notation.

    Args:
        candidate: as the model wrote it.
        answer: as it was read.
        prompt: of the task.
    """
    nodes = list(_nodes(answer))
    if "+" not in candidate and all(_is_numeral(node) and _is_in_lowest_terms(node) for node in nodes):
        return False
    if any(isinstance(node, Apply) and not _is_in_lowest_terms(node) and _is_quotient_of(node, prompt) for node in nodes):
        return True
    if any(not (_is_numeral(node) and _is_in_lowest_terms(node)) and _plain(node) in _parts_of(prompt) for node in nodes):
        return True
    text, asked = _squeezed(candidate).rstrip("."), _squeezed(prompt)
    return bool(text) and re.search(rf"(?<![\d.]){re.escape(text)}(?!\.?\d)", asked) is not None


def is_formula_of(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether an answer is a whole formula of the prompt, and not the reference as it is written."""
    if not isinstance(answer, Quantity | Assignment | Relation | Items) or not isinstance(reference, Quantity | Assignment):
        return False
    nodes, wanted = [_plain(node) for node in _nodes(answer)], [_plain(node) for node in _nodes(reference)]
    return bool(nodes) and nodes != wanted and all(isinstance(node, Apply) and node in _formulas_of(prompt) for node in nodes)


@lru_cache(maxsize=256)
def _formulas_of(prompt: str) -> frozenset[Node]:
    """The formulas of a prompt and, where several are joined, what they are joined from; only as many and as long as are quickly read."""
    found: set[Node] = set()
    prompt = prompt[-_MAX_PROMPT_CHARS:]
    written = [next(part for part in match.groups() if part) for match in FORMULA.finditer(prompt)]
    spoken = [match.group().strip(" .") for match in _CALCULATION.finditer(FORMULA.sub(" ", prompt))]
    for text in [*written, *spoken][:_MAX_FORMULAS]:
        if len(text) <= _MAX_FORMULA_CHARS:
            for side in _SIDES.split(text):
                with suppress(Unreadable):
                    found.add(_plain(parse(side)))
    return frozenset(found)


@lru_cache(maxsize=256)
def _parts_of(prompt: str) -> frozenset[Node]:
    """Every expression within the formulas of a prompt."""
    found: set[Node] = set()
    left = list(_formulas_of(prompt))
    while left:
        node = left.pop()
        if isinstance(node, Apply) and node not in found:
            found.add(node)
            left += node.arguments
    return frozenset(found)


def _plain(node: Node) -> Node:
    """A tree that is the same for spellings of one expression: roots as powers, factors and terms in one order and level, no double signs,
    no zeros added."""
    if not isinstance(node, Apply):
        return node
    arguments = tuple(map(_plain, node.arguments))
    match node.operator, arguments:
        case "/", (Number(top), bottom) if top < 0:
            return Apply("-", (Apply("/", (Number(-top), bottom)),))
        case "^", (base, Apply("/", (Number(top), Number(bottom)))) if bottom:
            return Apply("^", (base, Number(top / bottom)))
        case "-", (Apply("-", (inner,)),):
            return inner
        case "-", (Number(value),):
            return Number(-value)
        case "sqrt", (inner,):
            return Apply("^", (inner, Number(Fraction(1, 2))))
        case "root", (inner, Number(index)) if index:
            return Apply("^", (inner, Number(1 / index)))
        case "+" | "*", _:
            level = [part for one in arguments for part in (one.arguments if isinstance(one, Apply) and one.operator == node.operator else (one,))]
            kept = [part for part in level if part != Number(Fraction(node.operator == "*"))] or level[:1]
            return kept[0] if len(kept) == 1 else Apply(node.operator, tuple(sorted(kept, key=repr)))
        case _:
            return Apply(node.operator, arguments)


def _is_worked_out(node: Node, rough: Fraction) -> bool:
    """Whether an approximation says what an expression comes to: all of it, or as a decimal where it has no end."""
    try:
        value = exact(node)
    except Unsettled:
        return rough.denominator > 1
    return value == rough


def _is_multiple(node: Node) -> bool:
    """A number times or over a number, as the entry of `\\frac{1}{7}A` is."""
    return isinstance(node, Apply) and node.operator in ("*", "/", "-") and all(_is_numeral(part) or _is_multiple(part) for part in node.arguments)


def _unmeasured(node: Node) -> Node:
    """The number of `5m`, which is read as a product: the letter is a unit that the reference has."""
    match node:
        case Apply("*", (Number() as number, Symbol(name=letter))) if letter not in NAMED_CONSTANTS and len(letter) == 1 and lookup(letter) is not None:
            return number
        case _:
            return node


def _is_quotient_of(node: Node, prompt: str) -> bool:
    """Whether two numbers of the prompt, in their order, have the value of a fraction; in either order where it is whole."""
    try:
        value = exact(node)
    except Unsettled:
        return False
    numbers = [Fraction(found) for found in _DECIMAL.findall(prompt)[:_MAX_PROMPT_NUMBERS]]
    pairs = permutations(numbers, 2) if value.denominator == 1 else combinations(numbers, 2)  # what divides evenly is divided in either order
    return any(other and one == value * other for one, other in pairs)


def _squeezed(text: str) -> str:
    """Without spaces, brackets and LaTeX's spellings of one sign; fractions of integers with a slash."""
    text = _DIVIDED.sub("/", _TIMES.sub("*", text.replace("\N{MINUS SIGN}", "-")))
    text = _FRACTION.sub(lambda found: f"{found[1] or found[3]}/{found[2] or found[4]}", text)
    return _SPACE.sub("", _STYLED.sub(r"\\frac", text))


def _nodes(answer: Answer) -> Iterator[Node]:
    """The expressions that an answer gives: of a chain of equations the last one, which the others lead to, of inequalities the bounds."""
    match answer:
        case Quantity():
            yield answer.node
        case Assignment():
            yield from _nodes(answer.value)
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
                yield from _nodes(member)
        case Interval():
            yield from (answer.low, answer.high)
        case _:
            return


def _is_numeral(node: Node) -> bool:
    match node:
        case Number():
            return True
        case Apply("/", (top, bottom)):
            return _is_whole(top) and _is_whole(bottom)
        case Apply("-", (inner,)):
            return _is_numeral(inner)
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


def _is_in_lowest_terms(node: Node) -> bool:
    match node:
        case Apply("/", (Number(top), Number(bottom))) | Apply("/", (Apply("-", (Number(top),)), Number(bottom))):
            return bottom > 1 and top.denominator == bottom.denominator == 1 and math.gcd(top.numerator, bottom.numerator) == 1
        case Apply(_, arguments):
            return all(_is_in_lowest_terms(argument) for argument in arguments)
        case _:
            return True


def _is_open(node: Node, *, is_exact: bool, has_words: bool) -> bool:
    """Whether a closed expression is a calculation and no finished form of its value."""
    if _is_finished(node, has_words=has_words):
        return False
    parts = node.arguments if isinstance(node, Apply) else ()
    return is_exact or _is_rational(node) or any(_is_open(part, is_exact=False, has_words=has_words) for part in parts)


def _is_finished(node: Node, *, has_words: bool) -> bool:
    if _is_multiple_of_pi(node):
        return True
    match node:
        case Number() | Symbol():
            return True
        case Apply("-", (inner,)):
            return _is_finished(inner, has_words=has_words)
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
            return _is_numeral(factor)
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
            return _is_numeral(base) and _is_numeral(exponent) and _is_in_lowest_terms(exponent) and _num_signs(exponent) <= 1
        case Apply(operator, arguments):
            return operator in _ONE_STEP and all(_is_numeral(argument) for argument in arguments)
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
            return _is_numeral(left) and scale in _SCALES and has_words
        case Apply("^", (base, exponent)):
            is_inverse = isinstance(exponent, Apply) and exponent.operator == "-"
            return _is_numeral(left) and _is_term(right) and (base == Number(Fraction(10)) or (is_inverse and _is_whole(base)))
        case _:
            return False
