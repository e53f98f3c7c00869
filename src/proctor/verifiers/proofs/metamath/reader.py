"""Reads a Metamath database: declarations, scopes, and the frame of every axiom and theorem. Proofs are not judged here.

Source: Megill and Wheeler (2019), sections 4.1 to 4.3 and appendix E. A violation is a `TaskError` that names the
statement: a database is task data, chosen by whoever trains, never by the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import NoReturn

from proctor.errors import TaskError
from proctor.verifiers.proofs.metamath.records import Assertion, Expression, Hypothesis, Pair, Theorem, pair

_LABEL = re.compile(r"[A-Za-z0-9._-]+")
_BARE = ("$c", "$v", "$d", "${", "$}")
_LABELLED = ("$f", "$e", "$a", "$p")


class Scope:
    """What is declared and active at one place of a database."""

    def __init__(self) -> None:
        self.constants: set[str] = set()
        self.variables: set[str] = set()  # declared anywhere so far, active or not
        self.labels: set[str] = set()
        self.active: set[str] = set()  # variables
        self.hypotheses: list[Hypothesis] = []
        self.disjoint: set[Pair] = set()
        self.typed: set[str] = set()  # active variables with an active `$f`
        self._marks: list[tuple[set[str], int, set[Pair], set[str]]] = []
        self._floating: tuple[Hypothesis, ...] | None = ()

    @property
    def depth(self) -> int:
        """How many blocks are open."""
        return len(self._marks)

    @property
    def floating(self) -> tuple[Hypothesis, ...]:
        """The active `$f`, one tuple for as long as they do not change."""
        if self._floating is None:
            self._floating = tuple(one for one in self.hypotheses if one.is_floating)
        return self._floating

    def open(self) -> None:
        """Enter a block."""
        self._marks.append((set(self.active), len(self.hypotheses), set(self.disjoint), set(self.typed)))

    def close(self) -> None:
        """Leave the innermost block."""
        self.active, count, self.disjoint, typed = self._marks.pop()
        del self.hypotheses[count:]
        if typed != self.typed:
            self._floating = None
        self.typed = typed

    def add(self, hypothesis: Hypothesis) -> None:
        """Make a hypothesis active."""
        self.hypotheses.append(hypothesis)
        if hypothesis.is_floating:
            self.typed.add(hypothesis.variable)
            self._floating = None

    def frame(self, label: str, order: int, expression: Expression, *, is_axiom: bool) -> Assertion:
        """Return an assertion with its mandatory hypotheses and conditions."""
        used = self.variables.intersection(expression)
        for one in self.hypotheses:
            if not one.is_floating:
                used |= self.variables.intersection(one.expression)
        hypotheses = tuple(one for one in self.hypotheses if not one.is_floating or one.variable in used)
        disjoint = frozenset(two for two in self.disjoint if two[0] in used and two[1] in used)
        return Assertion(label, order, hypotheses, expression, disjoint, is_axiom)


class Reader:
    """Reads statements from tokens. Iterate over it once: it yields each axiom as an `Assertion`, each `$p` as a `Theorem`."""

    def __init__(self, tokens: Iterator[str], scope: Scope | None = None, *, num_before: int = 0) -> None:
        """Prepare to read.

        Args:
            tokens: from `proctor.verifiers.proofs.metamath.tokens`.
            scope: what is declared already.
            num_before: assertions that stand before the first token.
        """
        self.scope = scope or Scope()
        self._tokens = tokens
        self._order = num_before
        self._symbols: dict[str, str] = {}
        self._where = "the beginning"

    def __iter__(self) -> Iterator[Assertion | Theorem]:
        depth = self.scope.depth
        for token in self._tokens:
            if token in _BARE:
                self._bare(token, depth)
            elif token.startswith("$"):
                self._refuse(f"{token} needs a label before it" if token in _LABELLED else f"{token!r} is out of place")
            else:
                found = self._labelled(self._new_label(token), next(self._tokens, ""))
                if found is not None:
                    yield found
        if self.scope.depth != depth:
            self._refuse("a block is not closed")

    def _bare(self, keyword: str, depth: int) -> None:
        if keyword == "${":
            self.scope.open()
        elif keyword == "$}":
            if self.scope.depth == depth:
                self._refuse("a block is closed that was not opened")
            self.scope.close()
        else:
            {"$c": self._constants, "$v": self._variables, "$d": self._disjoint}[keyword](self._until("$."))

    def _labelled(self, label: str, keyword: str) -> Assertion | Theorem | None:
        self._where = label
        if keyword == "$f":
            self._floating(label, self._until("$."))
        elif keyword == "$e":
            self.scope.add(Hypothesis(label, self._expression(self._until("$.")), is_floating=False))
        elif keyword in ("$a", "$p"):
            expression = self._expression(self._until("$." if keyword == "$a" else "$="))
            assertion = self.scope.frame(label, self._order, expression, is_axiom=keyword == "$a")
            self._order += 1
            if keyword == "$a":
                return assertion
            proof = self._until("$.")
            if not proof:
                self._refuse("an empty proof; write ? for none")
            return Theorem(assertion, self.scope.floating, frozenset(self.scope.disjoint), " ".join(proof))
        else:
            self._refuse(f"the label is followed by {keyword!r}; one of {' '.join(_LABELLED)} must follow")
        return None

    def _constants(self, symbols: list[str]) -> None:
        if self.scope.depth:
            self._refuse("$c inside a block")
        for symbol in self._declared(symbols, "$c"):
            if symbol in self.scope.constants or symbol in self.scope.variables:
                self._refuse(f"{symbol!r} is declared again")
            self.scope.constants.add(symbol)

    def _variables(self, symbols: list[str]) -> None:
        for symbol in self._declared(symbols, "$v"):
            if symbol in self.scope.constants or symbol in self.scope.active:
                self._refuse(f"{symbol!r} is declared again")
            self.scope.variables.add(symbol)
            self.scope.active.add(symbol)

    def _declared(self, symbols: list[str], keyword: str) -> list[str]:
        if not symbols:
            self._refuse(f"an empty {keyword}")
        if clash := next((symbol for symbol in symbols if symbol in self.scope.labels), None):
            self._refuse(f"{clash!r} is a label already")
        return symbols

    def _disjoint(self, symbols: list[str]) -> None:
        if len(symbols) < 2 or len(set(symbols)) < len(symbols) or not self.scope.active.issuperset(symbols):
            self._refuse(f"$d {' '.join(symbols)} must name two or more distinct active variables")
        self.scope.disjoint.update(pair(one, other) for one, other in combinations(symbols, 2))

    def _floating(self, label: str, symbols: list[str]) -> None:
        if len(symbols) != 2 or symbols[0] not in self.scope.constants or symbols[1] not in self.scope.active:
            self._refuse("$f must be a constant and an active variable")
        if symbols[1] in self.scope.typed:
            self._refuse(f"{symbols[1]!r} has a type already")
        self.scope.add(Hypothesis(label, tuple(symbols), is_floating=True))

    def _expression(self, symbols: list[str]) -> Expression:
        if not symbols or symbols[0] not in self.scope.constants:
            self._refuse("a statement must begin with a constant, its typecode")
        for symbol in symbols:
            if symbol not in self.scope.constants and symbol not in self.scope.typed:
                self._refuse(f"{symbol!r} is neither a constant nor an active variable with a type")
        return tuple(symbols)

    def _new_label(self, label: str) -> str:
        if not _LABEL.fullmatch(label):
            self._refuse(f"{label!r} is no label: letters, digits and -_. are allowed")
        if label in self.scope.labels or label in self.scope.constants or label in self.scope.variables:
            self._refuse(f"{label!r} is used again")
        self.scope.labels.add(label)
        return label

    def _until(self, end: str) -> list[str]:
        """Return the symbols up to a keyword, equal ones as one object."""
        found: list[str] = []
        while (token := next(self._tokens, "$")) != end:
            if "$" in token:
                self._refuse(f"{token!r} where {end!r} was expected" if token != "$" else f"the file ends where {end!r} was expected")
            found.append(self._symbols.setdefault(token, token))
        return found

    def _refuse(self, why: str) -> NoReturn:
        raise TaskError(f"the Metamath database is malformed at {self._where}: {why}")
