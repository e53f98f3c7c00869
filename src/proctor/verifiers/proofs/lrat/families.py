"""Formulas with a known answer, made by rule or at random: for tasks, tests and benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import combinations, product

from proctor.verifiers.proofs.lrat.dimacs import Clause, Formula
from proctor.verifiers.proofs.lrat.kernel import Addition


def pigeonhole(num_holes: int) -> Formula:
    """Return the statement that one pigeon more than there are holes fits, one a hole: minimally unsatisfiable.

    Source: Haken, "The intractability of resolution" (1985). Variable p * num_holes + h + 1: pigeon p sits in hole h.
    """
    pigeons, holes = range(num_holes + 1), range(num_holes)
    sits = [[pigeon * num_holes + hole + 1 for hole in holes] for pigeon in pigeons]
    somewhere = [frozenset(sits[pigeon]) for pigeon in pigeons]
    alone = [frozenset((-sits[one][hole], -sits[other][hole])) for hole in holes for one, other in combinations(pigeons, 2)]
    return Formula(num_holes * (num_holes + 1), (*somewhere, *alone))


def random_3sat(num_variables: int, num_clauses: int, seed: int) -> Formula:
    """Return clauses of three distinct variables with random signs. Above 4.3 clauses a variable most have no solution."""
    draw = random.Random(seed)
    variables = range(1, num_variables + 1)
    clauses = tuple(frozenset(variable * draw.choice((1, -1)) for variable in draw.sample(variables, 3)) for _ in range(num_clauses))
    return Formula(num_variables, clauses)


def parity(num_variables: int, seed: int) -> Formula:
    """Return two chains of exclusive-ors that claim both parities of the same variables, each in an order of its own: unsatisfiable."""
    draw = random.Random(seed)
    clauses: list[Clause] = []
    last = num_variables
    for claimed in (0, 1):
        order = draw.sample(range(1, num_variables + 1), num_variables)
        total = order[0]
        for variable in order[1:]:
            last += 1
            clauses += _exclusive_or(last, total, variable)
            total = last
        clauses.append(frozenset((total if claimed else -total,)))
    return Formula(last, tuple(clauses))


def extended_pigeonhole(num_holes: int) -> tuple[Formula, list[Addition]]:
    """Return the pigeonhole formula and the first steps of Cook's short refutation, which defines variables: RAT, not RUP.

    Source: Cook, "A short proof of the pigeon hole principle using extended resolution" (1976): q = p(i, j) or
    (p(i, last) and p(last, j)). Each definition is three clauses, of which the first needs no hints.
    """
    formula = pigeonhole(num_holes)
    steps: list[Addition] = []
    fresh, number = formula.num_variables, len(formula.clauses)
    last = num_holes - 1
    for pigeon, hole in product(range(num_holes), range(last)):
        direct, left, right = (one * num_holes + two + 1 for one, two in ((pigeon, hole), (pigeon, last), (num_holes, hole)))
        fresh += 1
        steps.append(Addition(number + 1, (fresh, -direct), ()))
        steps.append(Addition(number + 2, (fresh, -left, -right), ()))
        # The clauses with the negated variable contradict both definitions at once, whatever else they hold.
        steps.append(Addition(number + 3, (-fresh, direct, left), (-(number + 1), -(number + 2))))
        steps.append(Addition(number + 4, (-fresh, direct, right), (-(number + 1), -(number + 2))))
        number += 4
    return formula, steps


def _exclusive_or(result: int, one: int, other: int) -> list[Clause]:
    signs = [signs for signs in product((1, -1), repeat=3) if signs[0] * signs[1] * signs[2] == -1]
    return [frozenset((result * a, one * b, other * c)) for a, b, c in signs]


def solution(clauses: Iterable[Clause]) -> frozenset[int] | None:
    """Return literals that make every clause true, or None if there are none. By trying, so for small formulas only.

    Source: Davis, Logemann, Loveland, "A machine program for theorem-proving" (1962).
    """
    left, true = _simplified(list(clauses), frozenset())
    if left is None:
        return None
    if not left:
        return true
    literal = next(iter(min(left, key=len)))
    for tried in (literal, -literal):
        found = solution([*left, frozenset((tried,))])
        if found is not None:
            return true | found
    return None


def _simplified(clauses: list[Clause], true: frozenset[int]) -> tuple[list[Clause] | None, frozenset[int]]:
    """Follow unit clauses: return what is left to satisfy, None if nothing can, and the literals made true."""
    while units := {literal for clause in clauses if len(clause) == 1 for literal in clause}:
        true |= units
        clauses = [frozenset(literal for literal in clause if -literal not in units) for clause in clauses if units.isdisjoint(clause)]
        if any(-literal in true for literal in true) or frozenset() in clauses:
            return None, true
    return (None, true) if frozenset() in clauses else (clauses, true)
