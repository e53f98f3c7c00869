r"""Finds out in what form a prompt wants its answer, and whether an answer that equals the reference has it: expanded, solved, a product of primes.

What has the right value in another form is the question again: `(x-2)(x-2)(x-2)` where $(x-2)^3$ is to be expanded, `3-2x \le 11` where that is to
be solved, `\frac{7}{16}` where that is to be a decimal, `2, 1, 3` where three numbers are to be put in order. A form is asked for only where the prompt
says so, and only where the reference has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor.verifiers.answers import Answer, Assignment, Items, Quantity, Relation
from proctor.verifiers.equivalence import equivalent
from proctor.verifiers.evaluation import NAMED_CONSTANTS, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.unfinished import given_nodes, has_other_terms, is_numeral

_MAX_CHARS = 4000
_SOLVE = re.compile(r"\bsolv(?:e|ing)\b|\bsolutions?\b|\bsatisf(?:y|ies)\b|\b(?:for|find|determine) (?:which|what|all|the) (?:real )?values\b", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand(?:ed)?\b|\bmultiply out\b|\bas a polynomial\b", re.IGNORECASE)
_FACTOR = re.compile(r"\bfactor(?:i[sz]e|ed)?\b(?! (?:of|in|by)\b)", re.IGNORECASE)
_PRIMES = re.compile(r"\bprime factori[sz]ation\b|\bproduct of (?:its )?prime(?:s\b| (?:factors|numbers|powers))|\binto prime", re.IGNORECASE)
_SOLVED_FOR = re.compile(
    r"\b(?:solve\b[^?.]{0,160}?\bfor|(?:find|express|write|give)(?= [^?]{1,40} in terms of)|make)\s{1,3}(?:\$|\\\()?\s?([A-Za-z])(?:\$|\\\))?(?![A-Za-z(])",
    re.IGNORECASE,
)
_SLOPE_INTERCEPT = re.compile(r"\bslope[- ]intercept form\b|\by\s?=\s?mx", re.IGNORECASE)
_CONVERTED = re.compile(
    r"\b(?:convert|write|express|give|change|rewrite|what is)\b[^?.\n]{0,20}?(?:[^?\n]|\.(?=\d)){0,80}?\b(?:to|as|into|in)\s{1,3}(?:an? |its )?"
    r"(?:(?:simplified|terminating|repeating|common|proper|improper|exact|equivalent|simplest|reduced|lowest)[ ,]{1,2}){0,2}"
    r"(decimal|fraction|percent|mixed number|scientific notation|standard form|ratio of)",
    re.IGNORECASE,
)
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_OF_ANGLE = re.compile(r"\b(?:sin|cos|tan|cot|sec|csc|cosine|sine|tangent)(?:\b|(?=[\d^_]))", re.IGNORECASE)
_ORDER = re.compile(
    r"\bin (?:(?:increasing|decreasing|ascending|descending|numerical) order|order (?:from|of (?:size|magnitude|increas|decreas)))"
    r"|\bfrom (?:the )?(?:least|smallest|lowest|greatest|largest|highest|biggest) to (?:the )?(?:least|smallest|lowest|greatest|largest|highest|biggest)\b",
    re.IGNORECASE,
)
_PROBABILITY = re.compile(r"\b(?:probabilit(?:y|ies)|chance|likelihood)\b", re.IGNORECASE)
_RATIO = re.compile(r"\b(?:ratio|odds|proportion|scale)s?\b|\d\s?:\s?\d", re.IGNORECASE)


def has_other_form(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether an answer that equals the reference is in another form than the one that the prompt asks for, and the reference has.

    Args:
        answer: as it was read.
        reference: as it was read.
        prompt: of the task.
    """
    prompt = prompt[-_MAX_CHARS:]
    return (
        (_SOLVE.search(prompt) is not None and _is_unsolved(answer) and not _is_unsolved(reference))
        or _names_another(answer, reference, prompt)
        or (_OF_ANGLE.search(prompt) is not None and _is_unevaluated(answer, reference))
        or _is_unexpanded(answer, reference, prompt)
        or (_PRIMES.search(prompt) is not None and _is_of_primes(reference) and not _is_of_primes(answer))
        or _is_unconverted(answer, reference, prompt)
        or _are_odds(answer, reference, prompt)
        or (asks_order(prompt) and _is_out_of_order(answer, reference))
    )


def _is_unsolved(answer: Answer) -> bool:
    """Whether inequalities in one variable are left to be solved: `3-2x \\le 11`, `|2x-1| < 7`."""
    match answer:
        case Relation() if not set(answer.signs) <= {"="}:
            open_sides = [side for side in answer.sides if variables(side) - NAMED_CONSTANTS]
            names = {name for side in open_sides for name in variables(side) - NAMED_CONSTANTS}
            return len(names) == 1 and not all(isinstance(side, Symbol) for side in open_sides)
        case Items():
            return any(map(_is_unsolved, answer.members))
        case _:
            return False


def _names_another(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether the prompt wants an equation solved for one letter, and the answer is an equation that is not: for another one, or for none."""
    asked = _SOLVED_FOR.search(prompt)
    letter = asked[1] if asked is not None else "y" if _SLOPE_INTERCEPT.search(prompt) else ""
    if not letter or not isinstance(reference, Assignment) or reference.name != letter:
        return False
    match answer:
        case Assignment(name=name, value=value):
            return (len(name) == 1 and name.isalpha() and name != letter) or any(letter in variables(node) for node in given_nodes(value))
        case Relation(sides=(left, right), signs=("=",)):
            return not any(one == Symbol(letter) and letter not in variables(other) for one, other in ((left, right), (right, left)))
        case _:
            return False


def _is_unevaluated(answer: Answer, reference: Answer) -> bool:
    r"""Whether sines and cosines of numbers, which the prompt asks for, are given for a value that the reference has without them.

    So `\cos 75^\circ` is no answer to what the cosine of 75 degrees is.
    """
    given, wanted = (list(given_nodes(one)) for one in (answer, reference))
    is_closed = not any(variables(node) - NAMED_CONSTANTS for node in (*given, *wanted))
    return is_closed and any(map(_has_trigonometry, given)) and not any(map(_has_trigonometry, wanted))


def _has_trigonometry(node: Node) -> bool:
    return isinstance(node, Apply) and (node.operator in _TRIGONOMETRIC or any(map(_has_trigonometry, node.arguments)))


def _is_unexpanded(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether what is to be expanded, or to be a product, has other terms than the reference, or a product with a sum in it."""
    is_expanded = _EXPAND.search(prompt) is not None
    if not is_expanded and _FACTOR.search(prompt) is None:
        return False
    given, wanted = (list(given_nodes(one)) for one in (answer, reference))
    if not all(isinstance(one, Quantity | Assignment | Relation) for one in (answer, reference)) or not any(map(variables, given)):
        return False
    has_product = any(map(_has_product_of_sums, given)) and not any(map(_has_product_of_sums, wanted))
    has_fewer_factors = not is_expanded and sum(map(_num_factors, given)) < sum(map(_num_factors, wanted))
    return has_other_terms(answer, reference) or (is_expanded and has_product) or has_fewer_factors


def _has_product_of_sums(node: Node) -> bool:
    """Whether a sum with a variable is multiplied, or raised to a power."""
    match node:
        case Apply("*", arguments):
            return any(_is_open_sum(argument) or _has_product_of_sums(argument) for argument in arguments)
        case Apply("^", (base, exponent)):
            return _is_open_sum(base) and isinstance(exponent, Number)
        case Apply("+" | "-", arguments):
            return any(map(_has_product_of_sums, arguments))
        case _:
            return False


def _num_factors(node: Node) -> int:
    """How many factors with variables a product has, each counted as often as its power says."""
    match node:
        case Apply("*", arguments):
            return sum(map(_num_factors, arguments))
        case Apply("-", (inner,)) | Apply("/", (inner, Number())):
            return _num_factors(inner)
        case Apply("^", (base, Number(exponent))) if 0 < exponent <= 100:
            return int(exponent) * _num_factors(base)
        case _:
            return int(bool(variables(node) - NAMED_CONSTANTS))


def _is_open_sum(node: Node) -> bool:
    match node:
        case Apply("+"):
            return bool(variables(node) - NAMED_CONSTANTS)
        case Apply("-", (inner,)):
            return _is_open_sum(inner)
        case _:
            return False


def _is_of_primes(answer: Answer) -> bool:
    """Whether an answer is one product of powers of primes."""
    nodes = list(given_nodes(answer))
    return len(nodes) == 1 and all(map(_is_power_of_prime, _factors(nodes[0])))


def _factors(node: Node) -> Iterator[Node]:
    match node:
        case Apply("*", arguments):
            for argument in arguments:
                yield from _factors(argument)
        case _:
            yield node


def _is_power_of_prime(node: Node) -> bool:
    match node:
        case Apply("^", (base, Number(exponent))):
            return _is_power_of_prime(base) and exponent.denominator == 1 and isinstance(base, Number)
        case Number(value):
            return value.denominator == 1 and _is_prime(value.numerator)
        case _:
            return False


def _is_prime(number: int) -> bool:
    """Whether a number is a prime, of those so small that this is quickly said; larger ones are taken for one if no small prime divides them."""
    return number > 1 and all(number % divisor for divisor in range(2, min(number, 1001)) if divisor * divisor <= number)


def _is_unconverted(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a number that the prompt wants in other notation is in the one that it stands in there: a fraction for a decimal, a decimal for a fraction."""
    asked = _CONVERTED.search(prompt)
    if asked is None:
        return False
    given, wanted = ([_notation(node) for node in given_nodes(one)] for one in (answer, reference))
    return len(given) == len(wanted) == 1 and None not in (*given, *wanted) and given != wanted and _stands_in(given[0], prompt)


def _notation(node: Node) -> str | None:
    match node:
        case Apply("-", (inner,)):
            return _notation(inner)
        case Number(value):
            return "integer" if value.denominator == 1 else "decimal"
        case Apply("/"):
            return "fraction" if is_numeral(node) else None
        case Apply("+"):
            return "mixed" if is_numeral(node) else None
        case _:
            return None


def _stands_in(notation: str | None, prompt: str) -> bool:
    """Whether a number in a notation stands in the prompt."""
    pattern = {"decimal": r"\d\.\d|\d\.\\overline|(?<!\d)\.\d", "fraction": r"\d\s?/\s?\d|\\[dt]?frac"}.get(notation or "")
    return pattern is not None and re.search(pattern, prompt) is not None


def _are_odds(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a ratio is given for a probability: odds of 1:9 are a probability of one tenth."""
    is_ratio = isinstance(answer, Items) and answer.kind == "ratio" and not (isinstance(reference, Items) and reference.kind == "ratio")
    return is_ratio and _PROBABILITY.search(prompt) is not None and _RATIO.search(prompt) is None


def asks_order(prompt: str) -> bool:
    """Whether a prompt asks for several values in order of their size."""
    return _ORDER.search(prompt[-_MAX_CHARS:]) is not None


def _is_out_of_order(answer: Answer, reference: Answer) -> bool:
    if not (isinstance(answer, Items) and isinstance(reference, Items)) or len(answer.members) != len(reference.members):
        return False
    return not all(equivalent(wanted, given) for wanted, given in zip(reference.members, answer.members, strict=True))
