"""What a Metamath database consists of: hypotheses, assertions, and theorems in the scope in which they stand."""

from __future__ import annotations

from dataclasses import dataclass

Expression = tuple[str, ...]
"""A typecode and the symbols after it."""
Pair = tuple[str, str]
"""Two variables under a disjoint-variable condition, in alphabetical order."""


def pair(one: str, other: str) -> Pair:
    """Return two variables as a pair."""
    return (one, other) if one < other else (other, one)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A `$f` (a variable's type) or a `$e` (something assumed).

    Attributes:
        label: its name in proofs.
        expression: for a `$f`, the typecode and the variable.
        is_floating: it is a `$f`.
    """

    label: str
    expression: Expression
    is_floating: bool

    @property
    def variable(self) -> str:
        """The variable whose type a `$f` states."""
        return self.expression[1]


@dataclass(frozen=True, slots=True)
class Assertion:
    """An axiom or theorem as later proofs may use it: the frame of a `$a` or `$p`.

    Attributes:
        label: its name in proofs.
        order: how many assertions stand before it in its database.
        hypotheses: the mandatory ones, in the order in which they stand.
        expression: what it asserts.
        disjoint: pairs of mandatory variables that must be substituted by expressions without a common variable.
        is_axiom: it is a `$a`.
    """

    label: str
    order: int
    hypotheses: tuple[Hypothesis, ...]
    expression: Expression
    disjoint: frozenset[Pair]
    is_axiom: bool

    @property
    def variables(self) -> frozenset[str]:
        """The mandatory variables."""
        return frozenset(one.variable for one in self.hypotheses if one.is_floating)


@dataclass(frozen=True, slots=True)
class Theorem:
    """A `$p` in its scope.

    Attributes:
        assertion: what it states.
        floating: every `$f` in scope; those of variables that the statement lacks may be used in its proof.
        disjoint: every disjoint-variable condition in scope.
        proof: the proof's tokens, joined by spaces; "?" for none.
    """

    assertion: Assertion
    floating: tuple[Hypothesis, ...]
    disjoint: frozenset[Pair]
    proof: str
