"""Refutations and formulas that are wrong in exactly one place, to find out whether a checker notices.

Every kind is invalid by an argument that does not run a checker, given in `WHY`. The arguments about hints hold for proofs
from `proctor.verifiers.proofs.lrat.elaborate`, whose hints are all needed. All mutants parse.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from proctor.verifiers.proofs.lrat.dimacs import Clause, Formula
from proctor.verifiers.proofs.lrat.families import solution
from proctor.verifiers.proofs.lrat.kernel import Addition, Deletion, Step

_UNIMPLIED = "the clauses that its hints name have a solution in which it is false, and a clause with its pivot's negation has no hints"
WHY = {
    "hint replaced": "there is no clause of that number",
    "hint removed": _UNIMPLIED,
    "clause deleted": "a later hint names it",
    "step removed": "a later hint names its clause",
    "number repeated": "numbers must grow",
    "literal removed": _UNIMPLIED,
    "literal negated": _UNIMPLIED,
    "formula literal negated": "the formula now has a solution",
    "formula clause weakened": "the formula now has a solution",
    "pivot exchanged": "a clause with the new pivot's negation has no hints",
    "resolution hint removed": "a clause with the pivot's negation has no hints",
    "resolution hint replaced": "the clause does not hold the pivot's negation",
}
NUM_TRIES = 12
MAX_SOLVED_VARIABLES = 60


@dataclass(frozen=True, slots=True)
class Mutant:
    """A formula and a refutation of which one element was changed.

    Attributes:
        kind: a key of `WHY`.
        change: what was changed, in words.
        formula: what is to be refuted.
        steps: the refutation.
    """

    kind: str
    change: str
    formula: Formula
    steps: tuple[Step, ...]


def mutants(formula: Formula, steps: Sequence[Step], *, seed: int) -> Iterator[Mutant]:
    """Yield one mutant of each kind that a valid refutation allows.

    Args:
        formula: what is refuted.
        steps: from `elaborate`, or with hints that are all needed.
        seed: draws the places; the same seed gives the same mutants.
    """
    draw = random.Random(seed)
    changes: list[Callable[[random.Random, Formula, tuple[Step, ...]], Mutant | None]] = [
        *(_hint_replaced, _hint_removed, _clause_deleted, _step_removed, _number_repeated, _literal_removed, _literal_negated),
        *(_formula_negated, _formula_weakened, _pivot_exchanged, _resolution_removed, _resolution_replaced),
    ]
    for change in changes:
        mutant = change(draw, formula, tuple(steps))
        if mutant is not None:
            yield mutant


def live_before(formula: Formula, steps: Sequence[Step], place: int) -> dict[int, Clause]:
    """Return the clauses that are alive before a step, by number."""
    live = dict(enumerate(formula.clauses, 1))
    for step in steps[:place]:
        if isinstance(step, Addition):
            live[step.id] = frozenset(step.literals)
        else:
            for number in step.ids:
                live.pop(number, None)
    return live


def _additions(steps: Sequence[Step]) -> list[tuple[int, Addition]]:
    return [(place, step) for place, step in enumerate(steps) if isinstance(step, Addition)]


def _with(steps: tuple[Step, ...], place: int, step: Step) -> tuple[Step, ...]:
    return (*steps[:place], step, *steps[place + 1 :])


def _is_blocked(step: Addition, live: dict[int, Clause]) -> bool:
    """Whether a step without resolution hints cannot be RAT: it is empty, or a clause holds its pivot's negation."""
    return all(hint > 0 for hint in step.hints) and (not step.literals or any(-step.literals[0] in clause for clause in live.values()))


def _hint_replaced(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    places = [(place, step) for place, step in _additions(steps) if any(hint > 0 for hint in step.hints)]
    if not places:
        return None
    place, step = draw.choice(places)
    index = draw.choice([index for index, hint in enumerate(step.hints) if hint > 0])
    unused = max(one.id for _, one in _additions(steps)) + draw.randrange(1, 100)
    changed = replace(step, hints=(*step.hints[:index], unused, *step.hints[index + 1 :]))
    return Mutant("hint replaced", f"hint {step.hints[index]} of clause {step.id} is {unused}", formula, _with(steps, place, changed))


def _hint_removed(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    def change(step: Addition) -> tuple[str, Addition] | None:
        if not step.hints:
            return None
        index = draw.randrange(len(step.hints))
        return f"hint {step.hints[index]} of clause {step.id} is missing", replace(step, hints=(*step.hints[:index], *step.hints[index + 1 :]))

    return _unimplied(draw, formula, steps, "hint removed", change)


def _named_later(steps: Sequence[Step], place: int) -> list[int]:
    return [abs(hint) for _, step in _additions(steps[place:]) for hint in step.hints]


def _clause_deleted(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    place = draw.randrange(len(steps))
    live = live_before(formula, steps, place)
    named = sorted(set(_named_later(steps, place)) & live.keys())
    if not named:
        return None
    number = draw.choice(named)
    return Mutant("clause deleted", f"clause {number} is deleted before step {place + 1}", formula, (*steps[:place], Deletion((number,)), *steps[place:]))


def _step_removed(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    named = set(_named_later(steps, 0))
    places = [place for place, step in _additions(steps) if step.id in named]
    if not places:
        return None
    place = draw.choice(places)
    return Mutant("step removed", f"step {place + 1} is missing", formula, (*steps[:place], *steps[place + 1 :]))


def _number_repeated(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    place, step = draw.choice(_additions(steps))
    number = draw.randrange(1, step.id)
    return Mutant("number repeated", f"clause {step.id} is numbered {number}", formula, _with(steps, place, replace(step, id=number)))


def _literal_removed(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    def change(step: Addition) -> tuple[str, Addition] | None:
        if len(step.literals) < 2:
            return None
        index = draw.randrange(len(step.literals))
        changed = replace(step, literals=(*step.literals[:index], *step.literals[index + 1 :]))
        return f"literal {step.literals[index]} of clause {step.id} is missing", changed

    return _unimplied(draw, formula, steps, "literal removed", change)


def _literal_negated(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    def change(step: Addition) -> tuple[str, Addition] | None:
        if not step.literals:
            return None
        index = draw.randrange(len(step.literals))
        old = step.literals[index]
        return f"literal {old} of clause {step.id} is {-old}", replace(step, literals=(*step.literals[:index], -old, *step.literals[index + 1 :]))

    return _unimplied(draw, formula, steps, "literal negated", change)


def _unimplied(
    draw: random.Random, formula: Formula, steps: tuple[Step, ...], kind: str, change: Callable[[Addition], tuple[str, Addition] | None]
) -> Mutant | None:
    """Return a changed step whose clause does not follow from the clauses that its hints name, and is not RAT either."""
    places = _additions(steps)
    for place, step in draw.sample(places, min(NUM_TRIES, len(places))):
        found = change(step)
        live = live_before(formula, steps, place)
        if found is None or not _is_blocked(found[1], live):
            continue
        named = [live[hint] for hint in found[1].hints if hint in live]
        if solution([*named, *(frozenset((-literal,)) for literal in found[1].literals)]) is not None:
            return Mutant(kind, found[0], formula, _with(steps, place, found[1]))
    return None


def _formula_negated(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    return _satisfiable(draw, formula, steps, "formula literal negated", lambda clause, old: clause - {old} | {-old})


def _formula_weakened(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    others = list(range(1, formula.num_variables + 1))
    return _satisfiable(draw, formula, steps, "formula clause weakened", lambda clause, old: clause | {draw.choice(others) * draw.choice((1, -1))})


def _satisfiable(draw: random.Random, formula: Formula, steps: tuple[Step, ...], kind: str, change: Callable[[Clause, int], Clause]) -> Mutant | None:
    """Return a changed formula that has a solution: nothing refutes it."""
    if formula.num_variables > MAX_SOLVED_VARIABLES:
        return None
    for place in draw.sample(range(len(formula.clauses)), min(NUM_TRIES, len(formula.clauses))):
        clause = formula.clauses[place]
        changed = change(clause, draw.choice(sorted(clause))) if clause else clause
        other = Formula(formula.num_variables, (*formula.clauses[:place], changed, *formula.clauses[place + 1 :]))
        if changed != clause and solution(other.clauses) is not None:
            return Mutant(kind, f"clause {place + 1} is {sorted(changed)} instead of {sorted(clause)}", other, steps)
    return None


def _resolutions(steps: Sequence[Step]) -> list[tuple[int, Addition]]:
    return [(place, step) for place, step in _additions(steps) if any(hint < 0 for hint in step.hints)]


def _pivot_exchanged(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    places = _resolutions(steps)
    for place, step in draw.sample(places, len(places)):
        live = live_before(formula, steps, place)
        for index in range(1, len(step.literals)):
            pivot = step.literals[index]
            if any(-pivot in clause and -number not in step.hints for number, clause in live.items()):
                rest = (*step.literals[1:index], step.literals[0], *step.literals[index + 1 :])
                changed = replace(step, literals=(pivot, *rest))
                return Mutant("pivot exchanged", f"the pivot of clause {step.id} is {pivot}", formula, _with(steps, place, changed))
    return None


def _resolution_removed(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    places = _resolutions(steps)
    if not places:
        return None
    place, step = draw.choice(places)
    start = draw.choice([index for index, hint in enumerate(step.hints) if hint < 0])
    end = next((index for index in range(start + 1, len(step.hints)) if step.hints[index] < 0), len(step.hints))
    changed = replace(step, hints=(*step.hints[:start], *step.hints[end:]))
    return Mutant("resolution hint removed", f"the hints of clause {step.id} for {-step.hints[start]} are missing", formula, _with(steps, place, changed))


def _resolution_replaced(draw: random.Random, formula: Formula, steps: tuple[Step, ...]) -> Mutant | None:
    places = _resolutions(steps)
    if not places:
        return None
    place, step = draw.choice(places)
    index = draw.choice([index for index, hint in enumerate(step.hints) if hint < 0])
    others = sorted(number for number, clause in live_before(formula, steps, place).items() if -step.literals[0] not in clause)
    if not others:
        return None
    number = draw.choice(others)
    changed = replace(step, hints=(*step.hints[:index], -number, *step.hints[index + 1 :]))
    return Mutant("resolution hint replaced", f"hint {step.hints[index]} of clause {step.id} is {-number}", formula, _with(steps, place, changed))
