"""Metamath as a reward: tasks from a database, mutants of its proofs, agreement with the `metamath` program."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.proofs.metamath.database import Database, database_of, load_database, prove, statement_source, verify_file
from proctor.verifiers.proofs.metamath.kernel import ProofError
from proctor.verifiers.proofs.metamath.mutants import WHY, mutants
from proctor.verifiers.proofs.metamath.program import Question, second_opinion
from proctor.verifiers.proofs.metamath.records import Theorem
from proctor.verifiers.proofs.metamath.reward import MetamathChecker, metamath_verifier, tasks_from_database
from tests.verifiers.proofs.databases import SMALL, SYSTEM, needs_databases

needs_program = pytest.mark.skipif(shutil.which("metamath") is None, reason="metamath is not installed")
SMALL_ONES = ("demo0.mm", "miu.mm", "big-unifier.mm", "hol.mm", "ql.mm")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.mm"
    path.write_text(SMALL)
    return path


def _fenced(proof: str) -> str:
    return f"By the axioms.\n```metamath\n{proof}\n```"


def test_every_theorem_becomes_a_task_that_its_own_proof_solves(small: Path) -> None:
    verify = metamath_verifier()
    tasks = list(tasks_from_database(small))
    assert [task.id for task in tasks] == ["small-a1i", "small-a1c", "small-id", "small-a5"]
    assert [verify(str(verify.gold(task)), task).outcome for task in tasks] == [Outcome.CORRECT] * 4
    assert "$d ph x $." in tasks[3].prompt_text and "wph wps wi" not in tasks[3].prompt_text


def test_a_theorem_cannot_be_proved_from_itself_or_from_what_comes_later(small: Path) -> None:
    (task,) = tasks_from_database(small, ["a1i"])
    verify = metamath_verifier()
    for proof in ("wph wps a1i.1 a1i", "wph wps a1i.1 a1c"):
        assert verify(_fenced(proof), task).outcome is Outcome.INCORRECT
    (task,) = tasks_from_database(small, ["a1c"])
    assert verify(_fenced("wph wps a1c.1 a1i"), task).outcome is Outcome.CORRECT


def test_the_report_names_the_axioms_that_are_cited(small: Path) -> None:
    (task,) = tasks_from_database(small, ["a1i"])
    report = MetamathChecker().check(str(task.answer), task)
    assert report.accepted and report.axioms == ("ax-1", "ax-mp", "wi") and report.seconds > 0
    assert MetamathChecker().check("wph", task).axioms == ()


@pytest.mark.parametrize(
    "proof",
    [
        "? ",
        "$= wph $. evil $a |- ph $.",  # closes nothing: a proof is a list of labels
        "wph wps wph wi a1i.1 wph wps ax-1 ax-mp $. $}",
        "( wi ax-1 ax-mp ) ABADCABEF $( hidden $)",
        "$( comment $) wph wps wph wi a1i.1 wph wps ax-1 ax-mp",
        "",
    ],
)
def test_a_proof_is_labels_and_nothing_else(small: Path, proof: str) -> None:
    (task,) = tasks_from_database(small, ["a1i"])
    assert metamath_verifier()(_fenced(proof), task).outcome is Outcome.INCORRECT


def test_a_statement_of_ones_own(small: Path) -> None:
    verify = metamath_verifier()
    info = {"database_source": SMALL, "statement": "${ h $e |- ( ph -> ph ) $. t $p |- ( ps -> ( ph -> ph ) ) $= ? $. $}"}
    task = Task("own", "Prove it.", info=info)
    assert verify.gold(task) is None
    assert verify(_fenced("wph wph wi wps h a1i"), task).outcome is Outcome.CORRECT
    assert verify(_fenced("wph wph wi wps wph id a1i"), task).outcome is Outcome.CORRECT
    assert verify(_fenced("wph wps wi wps h a1i"), task).outcome is Outcome.INCORRECT


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"database": "nowhere.mm", "statement": "t $p |- ph $= ? $."},
        {"database_source": SMALL},
        {"database_source": SMALL, "statement": "t $p |- nothing $= ? $."},
        {"database_source": "$c a", "statement": "t $p |- ph $= ? $."},
        {"database_source": SMALL, "statement": "t $p |- ph $= ? $.", "before": 3},
    ],
)
def test_a_malformed_task_is_the_tasks_fault(info: dict[str, object]) -> None:
    with pytest.raises(TaskError):
        metamath_verifier()(_fenced("wph"), Task("bad", "Prove it.", info=info))
    with pytest.raises(TaskError):
        metamath_verifier().gold(Task("bad", "Prove it.", info=info))


def test_an_unknown_theorem_is_refused(small: Path) -> None:
    with pytest.raises(ConfigError, match="no theorem 'a6'"):
        list(tasks_from_database(small, ["a6"]))


def test_mutants_of_the_small_database_are_refused() -> None:
    database = database_of(SMALL)
    kinds = _refused_kinds(database, list(database.theorems.values()), seeds=range(40))
    assert set(kinds) == set(WHY)


def _refused_kinds(database: Database, theorems: list[Theorem], seeds: range) -> Counter[str]:
    """Count the mutants by kind; all of them must be refused, those of unclear standing aside."""
    kinds: Counter[str] = Counter()
    for theorem in theorems:
        prove(theorem, theorem.proof, database)
        for mutant in (one for seed in seeds for one in mutants(theorem, database, seed=seed)):
            kinds[mutant.kind] += 1
            if WHY[mutant.kind]:
                with pytest.raises(ProofError):
                    prove(mutant.theorem, mutant.proof, database)
    return kinds


@needs_databases
@pytest.mark.parametrize("name", SMALL_ONES)
def test_small_databases_verify(name: str) -> None:
    verdicts = list(verify_file(SYSTEM / name))
    assert len(verdicts) == {"demo0.mm": 1, "miu.mm": 1, "big-unifier.mm": 2, "hol.mm": 138, "ql.mm": 1138}[name]
    assert [one for one in verdicts if one.reason] == []


@needs_databases
def test_mutants_of_real_proofs_are_refused() -> None:
    for name in ("ql.mm", "hol.mm"):
        database = load_database(SYSTEM / name)
        theorems = [one for one in database.theorems.values() if one.assertion.expression[0] == "|-"]
        kinds = _refused_kinds(database, random.Random(0).sample(theorems, 20), seeds=range(1))
        assert kinds.total() > 100


def _questions(database: Database, count: int, seed: int) -> tuple[list[Question], list[bool]]:
    """Return valid proofs and mutants, with this kernel's verdicts."""
    ends_typed = set(database.floating)
    theorems = [one for one in database.theorems.values() if one.assertion.expression[0] == "|-" and ends_typed.issuperset(one.floating)]
    questions: list[Question] = []
    ours: list[bool] = []
    for theorem in random.Random(seed).sample(theorems, count):
        needed = prove(theorem, theorem.proof, database).disjoint
        questions.append(Question(theorem, theorem.proof, needed))
        ours.append(True)
        for mutant in mutants(theorem, database, seed=seed):
            own = mutant.theorem.assertion.variables
            questions.append(Question(mutant.theorem, mutant.proof, frozenset(two for two in needed if not own.issuperset(two))))
            try:
                prove(mutant.theorem, mutant.proof, database)
            except ProofError:
                ours.append(False)
            else:
                ours.append(True)
    return questions, ours


@needs_databases
@needs_program
def test_the_metamath_program_agrees() -> None:
    questions, ours = _questions(load_database(SYSTEM / "ql.mm"), 12, seed=5)
    assert second_opinion(SYSTEM / "ql.mm", questions) == ours
    assert ours.count(True) >= 12 and ours.count(False) > 80


@needs_program
def test_the_second_opinion_is_not_a_constant(small: Path) -> None:
    database = load_database(small)
    theorem = database.theorems["a5"]
    without = replace(theorem, assertion=replace(theorem.assertion, disjoint=frozenset()))
    questions = [Question(theorem, theorem.proof), Question(without, theorem.proof), Question(theorem, "?"), Question(theorem, theorem.proof)]
    assert second_opinion(small, questions) == [True, False, False, True]


@needs_program
def test_the_metamath_program_reads_statements_as_written(small: Path) -> None:
    theorem = load_database(small).theorems["a5"]
    source = statement_source(theorem).replace(" a5 ", " a6 ").replace("?", theorem.proof)
    small.write_text(SMALL + source)
    answer = subprocess.run(["metamath", f"read {small.name}", "verify proof *", "exit"], cwd=small.parent, capture_output=True, text=True, check=True).stdout
    assert "All proofs in the database were verified" in answer


@pytest.mark.full
@needs_databases
@needs_program
def test_mutants_of_the_large_databases_are_refused_and_the_metamath_program_agrees() -> None:
    total: Counter[bool] = Counter()
    for name in ("hol.mm", "iset.mm", "nf.mm", "set.mm"):
        questions, ours = _questions(load_database(SYSTEM / name), 25, seed=11)
        assert second_opinion(SYSTEM / name, questions) == ours
        total.update(ours)
    assert total[True] >= 100 and total[False] >= 500


@pytest.mark.full
@needs_databases
@pytest.mark.parametrize(("name", "count"), [("iset.mm", 8990), ("nf.mm", 6001)])
def test_large_databases_verify(name: str, count: int) -> None:
    verdicts = [one.reason for one in verify_file(SYSTEM / name)]
    assert (len(verdicts), [reason for reason in verdicts if reason]) == (count, [])
