"""Refutations made with cadical, and a checker of LRAT written from the definitions, as slow and as plain as can be."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

from proctor.verifiers.proofs.lrat.dimacs import Clause, Formula, format_dimacs
from proctor.verifiers.proofs.lrat.elaborate import elaborate
from proctor.verifiers.proofs.lrat.kernel import Addition, Deletion, Step

needs_cadical = pytest.mark.skipif(shutil.which("cadical") is None, reason="cadical is not installed")


def solve(formula: Formula) -> tuple[str, str]:
    """Return cadical's answer ("SATISFIABLE" or "UNSATISFIABLE", with its `v` lines) and its DRAT proof."""
    with tempfile.TemporaryDirectory() as name:
        question, proof = Path(name, "f.cnf"), Path(name, "f.drat")
        question.write_text(format_dimacs(formula))
        answer = subprocess.run(["cadical", "-q", "--no-binary", str(question), str(proof)], capture_output=True, text=True, check=False)
        return answer.stdout, proof.read_text()


def refutation(formula: Formula, definitions: Sequence[Addition] = ()) -> list[Step]:
    """Return an LRAT refutation that cadical found, after steps that define variables."""
    clauses = (*formula.clauses, *(frozenset(step.literals) for step in definitions))
    num_variables = max(abs(literal) for clause in clauses for literal in clause)
    answer, drat = solve(Formula(num_variables, clauses))
    assert answer.startswith("s UNSATISFIABLE")
    defined = "".join(f"{' '.join(map(str, step.literals))} 0\n" for step in definitions)
    return elaborate(formula, defined + drat)


def is_satisfiable(clauses: Sequence[Clause]) -> bool:
    """By trying every assignment."""
    variables = sorted({abs(literal) for clause in clauses for literal in clause})
    for signs in product((1, -1), repeat=len(variables)):
        true = {variable * sign for variable, sign in zip(variables, signs, strict=True)}
        if all(not true.isdisjoint(clause) for clause in clauses):
            return True
    return False


def naive_is_refutation(formula: Formula, steps: Sequence[Step]) -> bool:
    """Check a refutation by the definitions of RUP and RAT, following hints one at a time."""
    live = {number: set(clause) for number, clause in enumerate(formula.clauses, 1)}
    last = len(live)
    for step in steps:
        if isinstance(step, Deletion):
            for number in step.ids:
                if number not in live:
                    return False
                del live[number]
            continue
        if step.id <= last or not _naive_holds(step, live):
            return False
        if not step.literals:
            return True
        live[step.id] = set(step.literals)
        last = step.id
    return False


def _naive_holds(step: Addition, live: dict[int, set[int]]) -> bool:
    blocks: list[tuple[int, list[int]]] = [(0, [])]
    for hint in step.hints:
        if hint < 0:
            blocks.append((-hint, []))
        else:
            blocks[-1][1].append(hint)
    verdict, false = _naive_propagate(set(step.literals), blocks[0][1], live)
    if verdict != "stuck":
        return verdict == "contradiction"
    if not step.literals:
        return False
    pivot = step.literals[0]
    against = {number for number, clause in live.items() if -pivot in clause}
    if sorted(number for number, _ in blocks[1:]) != sorted(against):
        return False
    return all(_naive_propagate(false | (live[number] - {-pivot}), hints, live)[0] == "contradiction" for number, hints in blocks[1:])


def _naive_propagate(false: set[int], hints: list[int], live: dict[int, set[int]]) -> tuple[str, set[int]]:
    false = set(false)
    if any(-literal in false for literal in false):
        return "contradiction", false
    for hint in hints:
        if hint not in live:
            return "wrong", false
        rest = live[hint] - false
        if not rest:
            return "contradiction", false
        if len(rest) > 1:
            return "wrong", false
        false.add(-rest.pop())
    return "stuck", false
