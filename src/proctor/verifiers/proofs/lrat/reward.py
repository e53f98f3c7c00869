"""Refutations and solutions of propositional formulas as rewards."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import lru_cache

from proctor.core.task import Task
from proctor.verifiers.proofs.base import ProofReport, ProofVerifier, required_text
from proctor.verifiers.proofs.lrat.dimacs import Formula, parse_dimacs
from proctor.verifiers.proofs.lrat.kernel import DEFAULT_MAX_LITERALS, ProofError, parse_lrat, refute

NUM_KEPT_FORMULAS = 64
MAX_WALL_S = 60.0
_LITERAL = re.compile(r"-?[1-9]\d{0,9}|0", re.ASCII)


@dataclass(frozen=True, slots=True)
class LratChecker:
    """Checks an LRAT proof that the formula `info["cnf"]` (DIMACS text) has no solution. There are no axioms to report.

    Attributes:
        max_literals: literals visited for one proof.
    """

    max_literals: int = DEFAULT_MAX_LITERALS

    @property
    def languages(self) -> tuple[str, ...]:
        return ("lrat",)

    @property
    def max_wall_s(self) -> float:
        return MAX_WALL_S

    def require_statement(self, task: Task) -> None:
        """Read the formula.

        Raises:
            TaskError: it is malformed.
        """
        formula_of(task)

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one proof.

        Raises:
            TaskError: the formula is malformed.
        """
        start = time.perf_counter()
        formula = formula_of(task)
        try:
            refute(formula, parse_lrat(proof), max_literals=self.max_literals)
        except ProofError as error:
            return ProofReport(False, str(error), (), time.perf_counter() - start)
        return ProofReport(True, "", (), time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class AssignmentChecker:
    """Checks a solution of the formula `info["cnf"]`: literals that are true, or a solver's `v` lines.

    Variables that are not named may have either value, so every clause must hold one of the named literals.
    """

    @property
    def languages(self) -> tuple[str, ...]:
        return ("assignment", "sat")

    @property
    def max_wall_s(self) -> float:
        return MAX_WALL_S

    def require_statement(self, task: Task) -> None:
        """Read the formula.

        Raises:
            TaskError: it is malformed.
        """
        formula_of(task)

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one solution.

        Raises:
            TaskError: the formula is malformed.
        """
        start = time.perf_counter()
        reason = unsatisfied(formula_of(task), proof)
        return ProofReport(not reason, reason, (), time.perf_counter() - start)


def lrat_verifier(max_literals: int = DEFAULT_MAX_LITERALS) -> ProofVerifier:
    """Return the verifier of refutations."""
    return ProofVerifier(LratChecker(max_literals))


def assignment_verifier() -> ProofVerifier:
    """Return the verifier of solutions."""
    return ProofVerifier(AssignmentChecker())


def unsatisfied(formula: Formula, text: str) -> str:
    """Say why a text is no solution of a formula; empty if it is one."""
    words = [word for line in text.splitlines() for word in line.removeprefix("v ").split() if not line.startswith(("c ", "s "))]
    if odd := next((word for word in words if not _LITERAL.fullmatch(word)), None):
        return f"{odd[:40]!r} is no literal"
    true = {int(word) for word in words} - {0}
    if beyond := next((literal for literal in true if abs(literal) > formula.num_variables), None):
        return f"variable {abs(beyond)} is not in the formula"
    if both := next((literal for literal in true if -literal in true), None):
        return f"variable {abs(both)} is both true and false"
    broken = next((number for number, clause in enumerate(formula.clauses, 1) if true.isdisjoint(clause)), None)
    return "" if broken is None else f"clause {broken} holds no true literal"


def formula_of(task: Task) -> Formula:
    """Return the formula of a task.

    Raises:
        TaskError: it is missing or malformed.
    """
    return _parse(required_text(task, "cnf"))


@lru_cache(maxsize=NUM_KEPT_FORMULAS)
def _parse(text: str) -> Formula:
    return parse_dimacs(text)
