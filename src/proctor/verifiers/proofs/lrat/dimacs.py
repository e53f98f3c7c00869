"""Reads a formula in DIMACS conjunctive normal form, strictly: a formula that is read differently is another formula.

Source: the DIMACS challenge format (1993), as the SAT competitions use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.errors import TaskError

_HEADER = re.compile(r"p[ \t]+cnf[ \t]+(\d{1,9})[ \t]+(\d{1,9})[ \t]*")
_LITERAL = re.compile(r"-?[1-9]\d{0,8}|0", re.ASCII)

Clause = frozenset[int]
"""Literals: v for a variable, -v for its negation."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A conjunction of clauses.

    Attributes:
        num_variables: variables are 1 to this.
        clauses: in the order of the file; the first has the number 1.
    """

    num_variables: int
    clauses: tuple[Clause, ...]


def parse_dimacs(text: str) -> Formula:
    """Read a formula.

    Raises:
        TaskError: no header, a literal out of range, or another number of clauses than the header says.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("c")]
    header = _HEADER.fullmatch(lines[0].strip()) if lines else None
    if header is None:
        raise TaskError(f'a DIMACS formula begins with "p cnf VARIABLES CLAUSES", not {lines[0][:60] if lines else ""!r}')
    num_variables, num_clauses = map(int, header.groups())
    clauses: list[Clause] = []
    literals: list[int] = []
    for token in (token for line in lines[1:] for token in line.split()):
        if not _LITERAL.fullmatch(token) or abs(int(token)) > num_variables:
            raise TaskError(
                f"clause {len(clauses) + 1} of the DIMACS formula has {token[:20]!r}; literals are -{num_variables} to {num_variables}, 0 ends a clause"
            )
        if token == "0":
            clauses.append(frozenset(literals))
            literals = []
        else:
            literals.append(int(token))
    if literals or len(clauses) != num_clauses:
        raise TaskError(f"the DIMACS formula has {len(clauses)} closed clauses, its header says {num_clauses}")
    return Formula(num_variables, tuple(clauses))


def format_dimacs(formula: Formula) -> str:
    """Write a formula as text; literals of a clause in the order of their variables."""
    body = "".join(f"{' '.join(map(str, sorted(clause, key=abs)))} 0\n".lstrip() for clause in formula.clauses)
    return f"p cnf {formula.num_variables} {len(formula.clauses)}\n{body}"
