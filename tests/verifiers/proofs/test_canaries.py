"""Canaries are mixed in by a seed, and sound an alarm when a checker accepts one."""

from __future__ import annotations

import shutil

import pytest

from proctor.core.task import Score, Task
from proctor.errors import ConfigError
from proctor.verifiers.proofs.canaries import alarms, coq_canaries, false_task, is_canary, lean_canaries, lrat_canaries, opposed_tasks, with_canaries
from proctor.verifiers.proofs.coq.checker import CoqChecker
from proctor.verifiers.proofs.lrat.dimacs import parse_dimacs
from proctor.verifiers.proofs.lrat.families import solution

TASKS = [Task(f"t{number}", "") for number in range(99)]


def test_canaries_are_mixed_in_and_the_tasks_keep_their_order() -> None:
    mixed = with_canaries(TASKS, coq_canaries(), fraction=0.1, seed=3)
    assert [task for task in mixed if not is_canary(task)] == TASKS
    inserted = [task for task in mixed if is_canary(task)]
    assert len(inserted) == 11
    assert len({task.id for task in mixed}) == len(mixed)
    assert mixed == with_canaries(TASKS, coq_canaries(), fraction=0.1, seed=3)
    assert mixed != with_canaries(TASKS, coq_canaries(), fraction=0.1, seed=4)
    assert len(with_canaries(TASKS[:1], coq_canaries(), fraction=0.01, seed=0)) == 2


@pytest.mark.parametrize(("canaries", "fraction"), [([], 0.1), (coq_canaries(), 0.0), (coq_canaries(), 0.5), (TASKS[:1], 0.1)])
def test_canaries_that_cannot_be_mixed_in(canaries: list[Task], fraction: float) -> None:
    with pytest.raises(ConfigError):
        with_canaries(TASKS, canaries, fraction=fraction, seed=0)


def test_an_accepted_false_statement_is_an_alarm() -> None:
    canary = false_task(Task("f", "", answer="x"))
    assert canary.answer is None
    assert alarms([(canary, Score.incorrect()), (canary, Score.unparsed("")), (canary, Score.error("gone")), (TASKS[0], Score.correct())]) == ()
    (found,) = alarms([(TASKS[0], Score.correct()), (canary, Score.correct("the trick"))])
    assert "task f is false and was accepted" in found and "the trick" in found


def test_a_statement_and_its_negation_may_not_both_be_accepted() -> None:
    one, other = opposed_tasks(Task("p", ""), Task("not p", ""))
    assert alarms([(one, Score.correct()), (one, Score.correct()), (other, Score.incorrect())]) == ()
    assert len(alarms([(one, Score.correct()), (other, Score.correct())])) == 1
    mixed = [task for task in with_canaries(TASKS, [one, other], fraction=0.1, seed=0) if is_canary(task)]
    assert alarms([(task, Score.correct()) for task in mixed if task.id.startswith("p#")]) == ()
    assert len(alarms([(task, Score.correct()) for task in mixed])) == 1


def test_the_formula_of_a_canary_has_a_solution() -> None:
    for seed in range(5):
        (task,) = lrat_canaries(12, seed)
        assert solution(parse_dimacs(task.info["cnf"]).clauses) is not None


def test_canaries_state_something() -> None:
    assert all(task.info["signature"] in task.prompt_text for task in lean_canaries())
    assert all(task.info["statement"] in task.prompt_text for task in coq_canaries())


@pytest.mark.skipif(shutil.which("coqchk") is None or shutil.which("bwrap") is None, reason="coq and bubblewrap are not installed")
def test_coq_takes_the_canaries_for_statements() -> None:
    for task in coq_canaries():
        CoqChecker().require_statement(task)
