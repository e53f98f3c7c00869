r"""Tells whether a number or an expression that equals the reference has the form that the prompt asks for: `\frac{26}{40}` is in no lowest terms.

Of a chain of equations one side with that form is enough, so `\frac{26}{40} = \frac{13}{20}` and `\frac38 = 0.375` have it. A form is asked for only
where the reference has it: where that is an integer, or not in that form itself, nothing is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from proctor.verifiers.answers import Answer, Assignment, Items, Quantity, Relation
from proctor.verifiers.asked_forms import AskedForm, asked_forms
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, exact, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.unfinished import given_nodes, is_numeral, is_rational
from proctor.verifiers.units import PERCENT

_MAX_INDEX = 64
_MAX_DIVISOR = 1000


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a form is.

    Attributes:
        is_form: whether an expression has the form, or has what the form is about.
        is_other: whether it has another form, which none of the expressions of an answer may have.
    """

    is_form: Callable[[Node], bool]
    is_other: Callable[[Node], bool]

    def is_met(self, nodes: list[Node]) -> bool:
        return any(map(self.is_form, nodes)) and not any(map(self.is_other, nodes))


def has_other_number_form(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether an answer that equals the reference lacks a form that the prompt asks for, and the reference has.

    Args:
        answer: as it was read.
        reference: as it was read.
        prompt: of the task.
    """
    forms = asked_forms(prompt)
    if not forms:
        return False
    wanted = list(given_nodes(reference)) or (list(reference.sides) if isinstance(reference, Relation) else [])  # also `(x-2)^2 + y^2 = 4`
    rules = {form: rule for form, rule in _RULES.items() if form in forms and rule.is_met(wanted)}
    return (
        all(any(rule.is_other(node) for rule in rules.values() for node in nodes) for nodes in _spellings(answer))
        or ("percentage" in forms and _has_percent_sign(reference) and _is_percentage_of_other(answer, reference, wanted))
        or (bool(rules.keys() & {"fraction", "decimal"}) and _has_percent_sign(answer) and _is_percentage_of_other(answer, reference, wanted))
        or ("simplest form" in forms and _is_unreduced_ratio(answer) and not _is_unreduced_ratio(reference))
    )


def notation(node: Node) -> str | None:
    """How a number is written: as an integer, a decimal, a fraction of integers or a mixed number; None for what is not written as a number."""
    match node:
        case Apply("-", (inner,)):
            return notation(inner)
        case Number(value):
            return "integer" if value.denominator == 1 else "decimal"
        case Apply("/"):
            return "fraction" if is_numeral(node) else None
        case Apply("+"):
            return "mixed" if is_numeral(node) else None
        case _:
            return None


def _spellings(answer: Answer) -> list[list[Node]]:
    """The expressions that an answer gives, once for each side of a chain without variables, and for an approximation."""
    given = list(given_nodes(answer))
    match answer:
        case Assignment(value=value):
            return _spellings(value)
        case Quantity(node=node, rough=rough):
            return [[node]] if rough is None else [[node], [Number(rough)]]
        case Relation(sides=sides, signs=signs) if set(signs) == {"="}:
            if not given:  # an equation in letters: `(x-2)^2 + y^2 = 4`
                return [list(sides)]
            closed = [[side] for side in sides if not variables(side) - NAMED_CONSTANTS]
            return (closed[:-1] if answer.unit == PERCENT else closed) or [given]  # of `\\frac58 = 62.5\\%` the last side is no decimal
        case _:
            return [given]


def _written_as(*kinds: str) -> Callable[[Node], bool]:
    return lambda node: notation(node) in kinds


def _parts(node: Node) -> Iterator[Node]:
    """An expression and all that it is made of."""
    yield node
    if isinstance(node, Apply):
        for argument in node.arguments:
            yield from _parts(argument)


def _is_closed(node: Node) -> bool:
    return not variables(node) - NAMED_CONSTANTS


def _can_be_simplified(node: Node) -> bool:
    """Whether a number has a fraction that can be reduced, or a root of what has a factor that is such a power: `\\frac{6\\pi}{8}`, `3\\sqrt8`."""
    return _is_closed(node) and any(_is_reducible(part) or _has_power_under_root(part) for part in _parts(node))


def _is_fraction_or_root(node: Node) -> bool:
    return _is_closed(node) and any((isinstance(part, Apply) and part.operator == "/") or _root(part) is not None for part in _parts(node))


def _is_reducible(node: Node) -> bool:
    match node:
        case Apply("/", (top, bottom)):
            return math.gcd(_content(top), _content(bottom)) > 1
        case _:
            return False


def _content(node: Node) -> int:
    """The integer that all terms of an expression are a multiple of, as far as it is written: 2 of `2 + 4\\sqrt3`."""
    match node:
        case Number(value):
            return abs(value.numerator) if value.denominator == 1 else 1
        case Apply("-", (inner,)):
            return _content(inner)
        case Apply("*", (left, right)):
            return _content(left) * _content(right)
        case Apply("+", (left, right)):
            return math.gcd(_content(left), _content(right))
        case _:
            return 1


def _root(node: Node) -> tuple[Node, int] | None:
    """What stands under a root, and which root it is; also of a power whose exponent is a fraction."""
    match node:
        case Apply("sqrt", (inner,)):
            return inner, 2
        case Apply("root", (inner, Number(index))) if index.denominator == 1 and 1 < index <= _MAX_INDEX:
            return inner, int(index)
        case Apply("^", (base, exponent)) if is_rational(exponent) and 1 < (index := exact(exponent).denominator) <= _MAX_INDEX:
            return base, index
        case _:
            return None


def _has_power_under_root(node: Node) -> bool:
    """Whether a factor can be taken out of a root of an integer."""
    found = _root(node)
    if found is None or not is_rational(found[0]):
        return False
    radicand, index = exact(found[0]), found[1]
    number = abs(radicand.numerator)
    return radicand.denominator == 1 and number > 1 and any(number % divisor**index == 0 for divisor in range(2, _MAX_DIVISOR) if divisor**index <= number)


def _has_root(node: Node) -> bool:
    return any(_root(part) is not None for part in _parts(node))


def _has_root_in_denominator(node: Node) -> bool:
    """Whether a root stands below a bar, or a bar under a root of numbers."""
    for part in _parts(node):
        match part:
            case Apply("/", (_, bottom)) if _has_root(bottom):
                return True
            case Apply("^", (_, exponent)) if is_rational(exponent) and exact(exponent) < 0 and exact(exponent).denominator > 1:
                return True
            case _:
                if (found := _root(part)) is not None and is_rational(found[0]) and exact(found[0]).denominator > 1:
                    return True
    return False


def _has_negative_exponent(node: Node) -> bool:
    return any(isinstance(part, Apply) and part.operator == "^" and _is_negative(part.arguments[1]) for part in _parts(node))


def _is_negative(node: Node) -> bool:
    return (isinstance(node, Apply) and node.operator == "-") or (isinstance(node, Number) and node.value < 0)


def _unsigned(node: Node) -> Node:
    return _unsigned(node.arguments[0]) if isinstance(node, Apply) and node.operator == "-" else node


def _is_quotient(node: Node) -> bool:
    plain = _unsigned(node)
    return isinstance(plain, Apply) and plain.operator == "/"


def _is_sum_with_quotient(node: Node) -> bool:
    plain = _unsigned(node)
    is_sum = isinstance(plain, Apply) and plain.operator == "+" and not is_numeral(plain)
    return is_sum and any(isinstance(part, Apply) and part.operator == "/" for part in _parts(plain))


def _has_square_of_sum(node: Node) -> bool:
    """Whether the square of a sum with a variable stands in an expression."""
    squares = (part.arguments[0] for part in _parts(node) if isinstance(part, Apply) and part.operator == "^" and part.arguments[1] == Number(Fraction(2)))
    return any(isinstance(base, Apply) and base.operator == "+" and not _is_closed(base) for base in squares)


def _is_without_square(node: Node) -> bool:
    return not _is_closed(node) and not isinstance(node, Symbol) and not _has_square_of_sum(node)


_RULES: dict[AskedForm, _Rule] = {
    "fraction": _Rule(_written_as("fraction"), _written_as("decimal")),
    "improper fraction": _Rule(_written_as("fraction"), _written_as("decimal", "mixed")),
    "mixed number": _Rule(_written_as("mixed"), _written_as("decimal", "fraction")),
    "decimal": _Rule(_written_as("decimal"), _written_as("fraction", "mixed")),
    "simplest form": _Rule(_is_fraction_or_root, _can_be_simplified),
    "rational denominator": _Rule(_has_root, _has_root_in_denominator),
    "single fraction": _Rule(_is_quotient, _is_sum_with_quotient),
    "positive exponents": _Rule(lambda _: True, _has_negative_exponent),
    "completed square": _Rule(_has_square_of_sum, _is_without_square),
    "partial fractions": _Rule(_is_sum_with_quotient, lambda node: _is_quotient(node) and not _is_closed(node)),
}


def _is_percentage_of_other(answer: Answer, reference: Answer, wanted: list[Node]) -> bool:
    """Whether one of the two is a percentage and the other the part of one that it is: `85\\%` and 0.85; not where only a sign is left out."""
    is_other = _has_percent_sign(answer) is not _has_percent_sign(reference)
    return is_other and len(wanted) == 1 and not any(equal(node, wanted[0]) for nodes in _spellings(answer) for node in nodes)


def _has_percent_sign(answer: Answer) -> bool:
    match answer:
        case Assignment(value=value):
            return _has_percent_sign(value)
        case Quantity(unit=unit) | Relation(unit=unit):
            return unit == PERCENT
        case _:
            return False


def _is_unreduced_ratio(answer: Answer) -> bool:
    if not isinstance(answer, Items) or answer.kind != "ratio":
        return False
    return math.gcd(*(_content(node) for node in given_nodes(answer))) > 1
