"""What an answer can be: a quantity, a tuple, a list, a set, an interval, a relation, a matrix, a date, words.

The kind is part of the answer: a list offered where one number is asked for is wrong, not "contains it".
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from proctor.verifiers.expressions import Node
from proctor.verifiers.moments import Date, Time
from proctor.verifiers.units import Unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """An expression, with its unit if one is written, and the approximation that may follow it."""

    node: Node
    unit: Unit | None = None
    rough: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral in a stated base, compared digit by digit."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Items:
    """Several answers. Tuples, sequences, ratios and records (x = 1, y = 2) are ordered; lists, alternatives, sets and unions are not."""

    kind: Literal["tuple", "sequence", "ratio", "record", "list", "alternatives", "set", "union"]
    members: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; whether each end belongs to it."""

    low: Node
    high: Node
    has_low: bool
    has_high: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides joined by `=`, `<`, `≤`, `>`, `≥`, `≠`; the unit is that of the last side."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A name and its value, as in `x = 5`, `f(x) = x^2`, `(x, y) = (1, 2)`; also an equation, where both sides are expressions."""

    name: str
    value: Answer
    equation: Relation | None


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of numbers that has a name: `R`, `Z`, ..."""

    name: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A set without the elements of another one."""

    base: Answer
    without: Answer


@dataclass(frozen=True, slots=True)
class Progression:
    r"""Every `start` + k `step` for a whole number k: the solutions of `\\tan x = 1`, or of a congruence."""

    start: Node
    step: Node


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; whether they are written as a determinant."""

    rows: tuple[tuple[Node, ...], ...]
    is_determinant: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A text, or a statement that is no expression (an integral, "all odd integers"), compared token by token."""

    text: str


Answer = Quantity | Numeral | Items | Interval | Relation | Assignment | Domain | Difference | Progression | Matrix | Time | Date | Words
