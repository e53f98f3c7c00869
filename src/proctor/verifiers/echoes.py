r"""Tells an answer from the question: `2^{10}` is no answer where the prompt asks what `2^{10}` is.

- Where the reference is a number: of its finished forms (`proctor.verifiers.unfinished`), one that stands in the prompt is the question echoed,
  however it is spelled or dressed: formulas of the prompt are read, and compared as trees. A fraction that is not in lowest terms repeats a
  prompt whose own numbers have that quotient: `\frac{60}{12}` and `\frac{120}{24}` where 60 is to be divided by 12; a ratio likewise.
- For every other reference an answer is an echo where it is a whole formula of the prompt, and not the reference as it is written: `(x+1)^2`
  where it is to be expanded, `\cos 30^\circ` where that is to be found.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, pairwise, permutations

from proctor.verifiers.answers import Answer, Assignment, Items, Quantity, Relation
from proctor.verifiers.evaluation import Unsettled, exact
from proctor.verifiers.expressions import Apply, Node, Number, parse
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.statements import FORMULA
from proctor.verifiers.unfinished import given_nodes, is_in_lowest_terms, is_numeral

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


def is_echo(candidate: str, answer: Answer, prompt: str) -> bool:
    """Whether an answer that is not simply a number stands in the prompt, but for spaces and notation.

    Args:
        candidate: as the model wrote it.
        answer: as it was read.
        prompt: of the task.
    """
    nodes = list(given_nodes(answer))
    if isinstance(answer, Items) and answer.kind == "ratio":
        return _is_ratio_of(nodes, prompt)
    if "+" not in candidate and all(is_numeral(node) and is_in_lowest_terms(node) for node in nodes):
        return False
    if any(isinstance(node, Apply) and not is_in_lowest_terms(node) and _is_quotient_of(node, prompt) for node in nodes):
        return True
    if any(not (is_numeral(node) and is_in_lowest_terms(node)) and _plain(node) in _parts_of(prompt) for node in nodes):
        return True
    text, asked = _squeezed(candidate).rstrip("."), _squeezed(prompt)
    return bool(text) and re.search(rf"(?<![\d.]){re.escape(text)}(?!\.?\d)", asked) is not None


def is_formula_of(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether an answer is a whole formula of the prompt, and not the reference as it is written."""
    if not isinstance(answer, Quantity | Assignment | Relation | Items) or not isinstance(reference, Quantity | Assignment):
        return False
    nodes, wanted = [_plain(node) for node in given_nodes(answer)], [_plain(node) for node in given_nodes(reference)]
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


def _is_quotient_of(node: Node, prompt: str) -> bool:
    """Whether two numbers of the prompt, in their order, have the value of a fraction; in either order where it is whole."""
    try:
        value = exact(node)
    except Unsettled:
        return False
    numbers = [Fraction(found) for found in _DECIMAL.findall(prompt)[:_MAX_PROMPT_NUMBERS]]
    pairs = permutations(numbers, 2) if value.denominator == 1 else combinations(numbers, 2)  # what divides evenly is divided in either order
    return any(other and one == value * other for one, other in pairs)


def _is_ratio_of(parts: list[Node], prompt: str) -> bool:
    """Whether a ratio that is not in lowest terms repeats numbers of the prompt, each two neighbours in their order, or multiples of them."""
    quotients = [Apply("/", pair) for pair in pairwise(parts)]
    try:
        values = [exact(part) for part in parts]
    except Unsettled:
        return False
    is_reduced = all(value.denominator == 1 for value in values) and math.gcd(*(value.numerator for value in values)) == 1
    return not is_reduced and all(value != 0 for value in values) and all(_is_quotient_of(quotient, prompt) for quotient in quotients)


def _squeezed(text: str) -> str:
    """Without spaces, brackets and LaTeX's spellings of one sign; fractions of integers with a slash."""
    text = _DIVIDED.sub("/", _TIMES.sub("*", text.replace("\N{MINUS SIGN}", "-")))
    text = _FRACTION.sub(lambda found: f"{found[1] or found[3]}/{found[2] or found[4]}", text)
    return _SPACE.sub("", _STYLED.sub(r"\\frac", text))
