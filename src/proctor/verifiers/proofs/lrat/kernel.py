"""The trusted kernel: checks an LRAT refutation of a formula. Every hint is followed, nothing is searched.

A step adds a clause that follows by unit propagation along its hints (RUP), or one whose addition cannot remove all
solutions because it resolves so with every clause that holds its pivot's negation (RAT). A formula with a checked empty
clause has no solution. Work is counted in literals visited.

Source: Cruz-Filipe, Heule, Hunt, Kaufmann, Schneider-Kamp, "Efficient Certified RAT Verification" (CADE 2017), sections 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proctor.verifiers.proofs.lrat.dimacs import Clause, Formula

DEFAULT_MAX_LITERALS = 50_000_000
MAX_NUMBER = 10**9
_NUMBER = re.compile(r"-?[1-9]\d{0,9}|0", re.ASCII)


class ProofError(Exception):
    """The text is no refutation of the formula, for the reason given. Always the proof's own fault."""


@dataclass(frozen=True, slots=True)
class Addition:
    """A clause that is added.

    Attributes:
        id: its number, larger than every earlier one.
        literals: in the order written; the first is the pivot.
        hints: numbers of clauses, negative where a clause with the pivot's negation begins its own hints.
    """

    id: int
    literals: tuple[int, ...]
    hints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Deletion:
    """Clauses that are forgotten."""

    ids: tuple[int, ...]


Step = Addition | Deletion


def parse_lrat(text: str) -> list[Step]:
    """Read the steps of a proof in the text form of LRAT, one a line; lines that begin with `c` are comments.

    Raises:
        ProofError: a line is no step.
    """
    return [_parse_line(line.split(), number) for number, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("c")]


def _parse_line(words: Sequence[str], number: int) -> Step:
    is_deletion = len(words) > 1 and words[1] == "d"
    digits = [*words[:1], *words[2:]] if is_deletion else words
    numbers = [int(word) for word in digits if _NUMBER.fullmatch(word)]
    if len(numbers) != len(digits) or numbers[0] < 1 or any(abs(one) > MAX_NUMBER for one in numbers):
        raise ProofError(f"line {number}: not a step of LRAT: {' '.join(words)[:80]!r}")
    if is_deletion:
        if numbers[-1] != 0 or any(one < 1 for one in numbers[1:-1]):
            raise ProofError(f"line {number}: a deletion is a number, d, clause numbers, 0")
        return Deletion(tuple(numbers[1:-1]))
    if numbers.count(0) != 2 or numbers[-1] != 0:
        raise ProofError(f"line {number}: an addition is a number, literals, 0, hints, 0")
    middle = numbers.index(0)
    return Addition(numbers[0], tuple(numbers[1:middle]), tuple(numbers[middle + 1 : -1]))


def refute(formula: Formula, steps: Sequence[Step], *, max_literals: int = DEFAULT_MAX_LITERALS) -> int:
    """Check that the steps derive the empty clause from a formula.

    Args:
        formula: its clauses have the numbers 1, 2, ...
        steps: from `parse_lrat`; what follows the empty clause is not looked at.
        max_literals: work allowed.

    Returns:
        The number of literals visited.

    Raises:
        ProofError: a step is not justified, the empty clause is missing, or the work exceeds its limit.
    """
    checker = _Checker(formula, max_literals)
    for step in steps:
        if isinstance(step, Deletion):
            checker.delete(step)
        else:
            checker.add(step)
            if not step.literals:
                return checker.work
    raise ProofError("the proof does not derive the empty clause")


class _Checker:
    """The clauses that are alive, and the work done."""

    def __init__(self, formula: Formula, max_literals: int) -> None:
        self.work = 0
        self._max_literals = max_literals
        self._clauses: dict[int, Clause] = dict(enumerate(formula.clauses, 1))
        self._last = len(formula.clauses)

    def delete(self, step: Deletion) -> None:
        for one in step.ids:
            if self._clauses.pop(one, None) is None:
                raise ProofError(f"clause {one} is deleted, but there is none")
        self._spend(len(step.ids))

    def add(self, step: Addition) -> None:
        if step.id <= self._last:
            raise ProofError(f"clause {step.id} follows clause {self._last}; numbers must grow")
        clause = frozenset(step.literals)
        self._spend(len(step.literals) + len(step.hints))
        true = {-literal for literal in clause}  # the clause is taken to be false
        first = next((index for index, hint in enumerate(step.hints) if hint < 0), len(step.hints))
        if not self._propagate(step, step.hints[:first], true):
            self._require_rat(step, step.hints[first:], true)
        self._clauses[step.id] = clause
        self._last = step.id

    def _propagate(self, step: Addition, hints: Sequence[int], true: set[int]) -> bool:
        """Extend the true literals along the hints; return whether that ends in a contradiction."""
        if any(-literal in true for literal in true):
            return True
        for hint in hints:
            clause = self._clauses.get(hint)
            if clause is None:
                raise ProofError(f"clause {step.id} names clause {hint}, which is not there")
            self._spend(len(clause))
            open_literals = [literal for literal in clause if -literal not in true]
            if not open_literals:
                return True
            if len(open_literals) > 1:
                raise ProofError(f"clause {step.id}: its hint {hint} is not unit")
            true.add(open_literals[0])
        return False

    def _require_rat(self, step: Addition, hints: Sequence[int], true: set[int]) -> None:
        """Check resolution on the pivot with every clause that holds its negation."""
        if not step.literals:
            raise ProofError(f"clause {step.id}: its hints end without a contradiction")
        pivot = step.literals[0]
        groups = _groups(hints)
        self._spend(len(self._clauses))
        against = [one for one, clause in self._clauses.items() if -pivot in clause]
        if foreign := groups.keys() - set(against):
            raise ProofError(f"clause {step.id} has hints for clause {min(foreign)}, which does not hold {-pivot}")
        for one in against:
            clause = self._clauses[one]
            if one not in groups:
                raise ProofError(f"clause {step.id}: its hints end without a contradiction, and say nothing of clause {one}, which holds {-pivot}")
            self._spend(len(clause) + len(true))
            resolved = true | {-literal for literal in clause if literal != -pivot}
            if not self._propagate(step, groups[one], resolved):
                raise ProofError(f"clause {step.id}: the hints for clause {one} end without a contradiction")

    def _spend(self, work: int) -> None:
        self.work += work
        if self.work > self._max_literals:
            raise ProofError("the proof visits more literals than the limit allows")


def _groups(hints: Sequence[int]) -> dict[int, list[int]]:
    """Split hints at the negative ones: {clause: its hints}."""
    groups: dict[int, list[int]] = {}
    current: list[int] = []
    for hint in hints:
        if hint < 0:
            if -hint in groups:
                raise ProofError(f"the hints name clause {-hint} twice")
            current = groups[-hint] = []
        else:
            current.append(hint)
    return groups
