"""Canaries: statements that have no proof, mixed into the tasks. One that is proved means that a checker is broken.

Two kinds. A false statement alarms when it is accepted; a statement and its negation alarm when both are. They are never
trained on: whoever mixes them drops their rollouts and stops, or quarantines, on an alarm.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError
from proctor.verifiers.proofs.lrat.dimacs import Formula, format_dimacs

FALSE = "false"
SOURCE = "canary"


def false_task(task: Task) -> Task:
    """Mark a task whose statement is known to be false."""
    return replace(task, answer=None, info={**task.info, SOURCE: FALSE}, source=SOURCE)


def opposed_tasks(statement: Task, negation: Task) -> tuple[Task, Task]:
    """Mark a statement and its negation, of which one at most has a proof; which one need not be known."""
    name = f"{statement.id} / {negation.id}"
    return replace(statement, info={**statement.info, SOURCE: name}), replace(negation, info={**negation.info, SOURCE: name})


def with_canaries(tasks: Sequence[Task], canaries: Sequence[Task], *, fraction: float, seed: int) -> tuple[Task, ...]:
    """Return the tasks with canaries at random places among them.

    Args:
        tasks: kept in their order.
        canaries: from `false_task` and `opposed_tasks`; drawn again and again, with ids of their own.
        fraction: canaries among all that is returned, below one half; at least one is put in if it is positive.
        seed: the same seed gives the same places.

    Raises:
        ConfigError: no canaries, an unmarked one, or a fraction out of range.
    """
    if not 0 < fraction < 0.5 or not canaries:
        raise ConfigError(f"canaries need a fraction between 0 and 0.5 (given: {fraction:g}) and one canary or more (given: {len(canaries)})")
    if unmarked := [one.id for one in canaries if SOURCE not in one.info]:
        raise ConfigError(f"task {unmarked[0]} is no canary: mark it by false_task or opposed_tasks")
    draw = random.Random(seed)
    count = max(1, round(len(tasks) * fraction / (1 - fraction)))
    places = sorted(draw.choices(range(len(tasks) + 1), k=count), reverse=True)
    mixed = list(tasks)
    for number, place in enumerate(places):
        one = canaries[number % len(canaries)]
        mixed.insert(place, replace(one, id=f"{one.id}#{number}"))
    return tuple(mixed)


def is_canary(task: Task) -> bool:
    """Whether a task is there to catch a broken checker."""
    return SOURCE in task.info


def alarms(graded: Iterable[tuple[Task, Score]]) -> tuple[str, ...]:
    """Return what must never happen and did, one sentence each; empty if all is well.

    Args:
        graded: tasks with the scores of completions, canaries and others, over as many batches as one likes.
    """
    found: list[str] = []
    proved: dict[str, set[str]] = defaultdict(set)
    for task, score in graded:
        if score.outcome is not Outcome.CORRECT or SOURCE not in task.info:
            continue
        if task.info[SOURCE] == FALSE:
            found.append(f"task {task.id} is false and was accepted: the checker is broken; quarantine {(score.extracted or '')[:200]!r}")
        else:
            proved[str(task.info[SOURCE])].add(task.id.partition("#")[0])
    found += [f"{name}: a statement and its negation were both accepted: the checker is broken" for name, ids in proved.items() if len(ids) > 1]
    return tuple(found)


def coq_canaries() -> tuple[Task, ...]:
    """Return false statements in Coq."""
    statements = ("False", "0 = 1", "forall n : nat, n + 1 = n", "forall P : Prop, P")
    return tuple(false_task(Task(f"coq-false-{number}", _PROMPT.format(one), info={"statement": one})) for number, one in enumerate(statements))


def lean_canaries() -> tuple[Task, ...]:
    """Return false statements in Lean."""
    signatures = (": False", ": (0 : Nat) = 1", "(n : Nat) : n + 1 = n", "(p : Prop) : p")
    return tuple(false_task(Task(f"lean-false-{number}", _PROMPT.format(one), info={"signature": one})) for number, one in enumerate(signatures))


def lrat_canaries(num_variables: int, seed: int) -> tuple[Task, ...]:
    """Return the claim that a formula has no solution, for a random formula that was built around one."""
    draw = random.Random(seed)
    solution = [variable * draw.choice((1, -1)) for variable in range(1, num_variables + 1)]
    clauses = tuple(_with_true_literal(draw, solution) for _ in range(4 * num_variables))
    cnf = format_dimacs(Formula(num_variables, clauses))
    return (false_task(Task(f"lrat-false-{seed}", _PROMPT.format(cnf), info={"cnf": cnf})),)


_PROMPT = "Prove:\n\n{}"


def _with_true_literal(draw: random.Random, solution: Sequence[int]) -> frozenset[int]:
    chosen = draw.sample(solution, 3)
    return frozenset((chosen[0], *(literal * draw.choice((1, -1)) for literal in chosen[1:])))
