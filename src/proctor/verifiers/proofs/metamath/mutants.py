"""Proofs and statements that are wrong in exactly one place, to find out whether a checker notices.

Every kind but one is invalid by an argument that does not run a checker, given in `WHY`; "same arity" has none, so
its mutants have to be judged by another program. All of them are well-formed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from proctor.verifiers.proofs.metamath.database import Database, prove
from proctor.verifiers.proofs.metamath.kernel import Mark, Recall, Step, parse_proof
from proctor.verifiers.proofs.metamath.records import Assertion, Hypothesis, Theorem

_COUNT = "a step that takes n hypotheses leaves 1 - n expressions more on the stack, so the end of the proof does not leave exactly one"
WHY = {
    "step replaced": _COUNT,
    "step removed": _COUNT,
    "step added": _COUNT,
    "compressed label replaced": _COUNT,
    "compressed letter replaced": _COUNT,
    "save removed": "the highest back reference then names a step that does not exist",
    "statement symbol": "the steps are unchanged, and so is what they derive, which was the statement before",
    "hypothesis symbol": "what its use must match is fixed by the types of the variables, which are unchanged",
    "hypothesis removed": "the proof names it",
    "disjoint condition removed": "the proof substitutes expressions that hold these two variables into variables that must be disjoint",
    "same arity": "",
}
MAX_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Mutant:
    """A theorem and a proof of which one element was changed.

    Attributes:
        kind: a key of `WHY`.
        change: what was changed, in words.
        theorem: what is to be proved.
        proof: the proof's tokens, joined by spaces.
    """

    kind: str
    change: str
    theorem: Theorem
    proof: str


def mutants(theorem: Theorem, database: Database, *, seed: int) -> Iterator[Mutant]:
    """Yield one mutant of each kind that the theorem allows.

    Args:
        theorem: of the database, with a valid proof.
        database: where it stands.
        seed: draws the places; the same seed gives the same mutants.
    """
    draw = random.Random(f"{seed} {theorem.assertion.label}")
    labels = normal_proof(theorem, database)
    if labels is None:
        return
    changes: list[Callable[[random.Random, Theorem, Sequence[str], Database], Mutant | None]] = [
        *(_step_replaced, _step_removed, _step_added, _same_arity, _statement_symbol, _hypothesis_symbol, _hypothesis_removed, _disjoint_removed),
        *(_compressed_label, _compressed_letter, _save_removed),
    ]
    for change in changes:
        mutant = change(draw, theorem, labels, database)
        if mutant is not None:
            yield mutant


def normal_proof(theorem: Theorem, database: Database) -> list[str] | None:
    """Return a theorem's proof as labels, back references written out; None if it has more than `MAX_STEPS`."""
    stack: list[list[str]] = []
    saved: list[list[str]] = []
    for step in _steps(theorem, database):
        match step:
            case Mark():
                saved.append(stack[-1])
            case Recall():
                stack.append(saved[step.index])
            case Hypothesis():
                stack.append([step.label])
            case Assertion():
                base = len(stack) - len(step.hypotheses)
                stack[base:] = [[label for part in stack[base:] for label in part] + [step.label]]
        if stack and len(stack[-1]) > MAX_STEPS:
            return None
    return stack[0]


def _steps(theorem: Theorem, database: Database) -> list[Step]:
    return parse_proof(theorem.proof.split(), theorem, database.assertions.get)


def _arity(label: str, database: Database) -> int:
    """How many expressions a step takes from the stack; a hypothesis takes none."""
    return len(database.assertions[label].hypotheses) if label in database.assertions else 0


def _citable(theorem: Theorem, labels: Sequence[str], database: Database) -> list[str]:
    """Labels that may stand in the proof: what it cites already, and what its hypotheses' types and the last few theorems offer."""
    order = theorem.assertion.order
    recent = list(database.assertions)[max(0, order - 200) : order]
    return sorted({*labels, *(one.label for one in theorem.floating), *recent})


def _step_replaced(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    place = draw.randrange(len(labels))
    others = [label for label in _citable(theorem, labels, database) if _arity(label, database) != _arity(labels[place], database)]
    return _with_step(theorem, labels, place, draw.choice(others), "step replaced") if others else None


def _same_arity(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    place = draw.randrange(len(labels))
    old = labels[place]
    others = [label for label in _citable(theorem, labels, database) if label != old and _arity(label, database) == _arity(old, database)]
    return _with_step(theorem, labels, place, draw.choice(others), "same arity") if others else None


def _with_step(theorem: Theorem, labels: Sequence[str], place: int, label: str, kind: str) -> Mutant:
    change = f"step {place + 1}, {labels[place]}, is {label}"
    return Mutant(kind, change, theorem, " ".join((*labels[:place], label, *labels[place + 1 :])))


def _step_removed(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    places = [place for place, label in enumerate(labels) if _arity(label, database) != 1 and len(labels) > 1]
    if not places:
        return None
    place = draw.choice(places)
    return Mutant("step removed", f"step {place + 1}, {labels[place]}, is missing", theorem, " ".join((*labels[:place], *labels[place + 1 :])))


def _step_added(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    place = draw.randrange(len(labels) + 1)
    others = [label for label in _citable(theorem, labels, database) if _arity(label, database) != 1]
    label = draw.choice(others)
    return Mutant("step added", f"{label} stands before step {place + 1}", theorem, " ".join((*labels[:place], label, *labels[place:])))


def _statement_symbol(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    old = theorem.assertion.expression
    place = draw.randrange(1, len(old)) if len(old) > 1 else 0
    new = _other_symbol(draw, old[place], theorem, database)
    if new is None:
        return None
    changed = replace(theorem.assertion, expression=(*old[:place], new, *old[place + 1 :]))
    return Mutant("statement symbol", f"symbol {place + 1}, {old[place]}, is {new}", _restated(theorem, changed), " ".join(labels))


def _hypothesis_symbol(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    used = [one for one in theorem.assertion.hypotheses if not one.is_floating and one.label in labels and one.expression[0] == "|-"]
    if not used:
        return None
    one = draw.choice(used)
    place = draw.randrange(1, len(one.expression)) if len(one.expression) > 1 else 0
    new = _other_symbol(draw, one.expression[place], theorem, database)
    if new is None:
        return None
    other = replace(one, expression=(*one.expression[:place], new, *one.expression[place + 1 :]))
    changed = replace(theorem.assertion, hypotheses=tuple(other if each is one else each for each in theorem.assertion.hypotheses))
    return Mutant("hypothesis symbol", f"symbol {place + 1} of {one.label}, {one.expression[place]}, is {new}", _restated(theorem, changed), " ".join(labels))


def _hypothesis_removed(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    used = [one for one in theorem.assertion.hypotheses if not one.is_floating and one.label in labels]
    if not used:
        return None
    one = draw.choice(used)
    changed = replace(theorem.assertion, hypotheses=tuple(each for each in theorem.assertion.hypotheses if each is not one))
    return Mutant("hypothesis removed", f"{one.label} is missing", _restated(theorem, changed), " ".join(labels))


def _disjoint_removed(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    needed = sorted(prove(theorem, theorem.proof, database).disjoint & theorem.assertion.disjoint)
    if not needed:
        return None
    two = draw.choice(needed)
    changed = replace(theorem.assertion, disjoint=theorem.assertion.disjoint - {two})
    return Mutant("disjoint condition removed", f"$d {' '.join(two)} is missing", _restated(theorem, changed), " ".join(labels))


def _other_symbol(draw: random.Random, symbol: str, theorem: Theorem, database: Database) -> str | None:
    """Draw another variable of the same type for a variable, and another constant for a constant."""
    types = {one.variable: one.expression[0] for one in theorem.floating}
    if symbol in types:
        others = sorted(variable for variable, kind in types.items() if kind == types[symbol] and variable != symbol)
    else:
        others = sorted({other for other in theorem.assertion.expression if other in database.constants} - {symbol, theorem.assertion.expression[0]})
    return draw.choice(others) if others else None


def _restated(theorem: Theorem, assertion: Assertion) -> Theorem:
    """Return a theorem with a changed assertion, its mandatory variables those that it now uses."""
    expressions = [assertion.expression, *(one.expression for one in assertion.hypotheses if not one.is_floating)]
    used = {symbol for expression in expressions for symbol in expression}
    essential = [one for one in assertion.hypotheses if not one.is_floating]
    floating = [one for one in theorem.floating if one.variable in used]
    disjoint = frozenset(two for two in assertion.disjoint if used.issuperset(two))
    return replace(theorem, assertion=replace(assertion, hypotheses=(*floating, *essential), disjoint=disjoint))


def _compressed(theorem: Theorem) -> tuple[list[str], str] | None:
    """Return a compressed proof's labels and letters; None if it is a normal one."""
    tokens = theorem.proof.split()
    if tokens[0] != "(":
        return None
    end = tokens.index(")")
    return tokens[1:end], "".join(tokens[end + 1 :])


def _compressed_label(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    parts = _compressed(theorem)
    cited = [label for label in parts[0] if label in labels] if parts else []
    if parts is None or not cited:
        return None
    old = draw.choice(cited)
    others = [one for one in _citable(theorem, labels, database) if _arity(one, database) != _arity(old, database)]
    mandatory = {one.label for one in theorem.assertion.hypotheses}
    others = [one for one in others if one not in parts[0] and one not in mandatory]
    if not others:
        return None
    new = draw.choice(others)
    written = " ".join(("(", *(new if one == old else one for one in parts[0]), ")", parts[1]))
    return Mutant("compressed label replaced", f"{old} in the list is {new}", theorem, written)


def _compressed_letter(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    """Replace one letter that stands for a step by itself; mutants that would touch saved steps are not drawn."""
    parts = _compressed(theorem)
    if parts is None or "Z" in parts[1]:
        return None
    names = [*(one.label for one in theorem.assertion.hypotheses), *parts[0]]
    letters = parts[1]
    alone = [place for place, letter in enumerate(letters) if "A" <= letter <= "T" and (place == 0 or not "U" <= letters[place - 1] <= "Y")]
    if not alone:
        return None
    place = draw.choice(alone)
    old = names[ord(letters[place]) - ord("A")]
    others = [index for index, label in enumerate(names[:20]) if _arity(label, database) != _arity(old, database)]
    if not others:
        return None
    new = draw.choice(others)
    written = " ".join(("(", *parts[0], ")", letters[:place] + chr(ord("A") + new) + letters[place + 1 :]))
    return Mutant("compressed letter replaced", f"letter {place + 1}, {old}, is {names[new]}", theorem, written)


def _save_removed(draw: random.Random, theorem: Theorem, labels: Sequence[str], database: Database) -> Mutant | None:
    parts = _compressed(theorem)
    if parts is None or "Z" not in parts[1]:
        return None
    highest = max((step.index for step in _steps(theorem, database) if isinstance(step, Recall)), default=-1)
    places = [place for place, letter in enumerate(parts[1]) if letter == "Z"]
    if highest != len(places) - 1:
        return None
    place = draw.choice(places)
    written = " ".join(("(", *parts[0], ")", parts[1][:place] + parts[1][place + 1 :]))
    return Mutant("save removed", f"the Z at {place + 1} is missing", theorem, written)
