"""LRAT: proofs worked by hand, soundness against trying every assignment, mutants, and solvers' proofs."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.core.task import Outcome, Task
from proctor.errors import TaskError
from proctor.verifiers.proofs.lrat.dimacs import Formula, format_dimacs, parse_dimacs
from proctor.verifiers.proofs.lrat.elaborate import elaborate, format_lrat
from proctor.verifiers.proofs.lrat.families import extended_pigeonhole, parity, pigeonhole, random_3sat, solution
from proctor.verifiers.proofs.lrat.kernel import Addition, Deletion, ProofError, Step, parse_lrat, refute
from proctor.verifiers.proofs.lrat.mutants import WHY, mutants
from proctor.verifiers.proofs.lrat.reward import LratChecker, assignment_verifier, lrat_verifier
from tests.verifiers.proofs.formulas import is_satisfiable, naive_is_refutation, needs_cadical, refutation, solve

# Every sign pattern of two variables: unsatisfiable. 5: (1) from 1 and 2; then 3 gives 2, and 4 is false.
SQUARE = "p cnf 2 4\n1 2 0\n1 -2 0\n-1 2 0\n-1 -2 0\n"
SQUARE_PROOF = "5 1 0 1 2 0\n6 0 5 3 4 0"
# RAT: x3 defined as x1 and x2 by clauses on a fresh variable; nothing implies them.
DEFINED_PROOF = "5 3 -1 -2 0 0\n6 -3 1 0 -5 0\n7 -3 2 0 -5 0\n8 1 0 1 2 0\n9 0 8 3 4 0"


def _refuses(cnf: str, proof: str, reason: str) -> None:
    with pytest.raises(ProofError, match=reason):
        refute(parse_dimacs(cnf), parse_lrat(proof))


def test_a_proof_worked_by_hand() -> None:
    assert parse_lrat(SQUARE_PROOF) == [Addition(5, (1,), (1, 2)), Addition(6, (), (5, 3, 4))]
    # Literals written: 1 and its 2 hints, 3 hints; visited: clauses 1, 2; 5, 3, 4.
    assert refute(parse_dimacs(SQUARE), parse_lrat(SQUARE_PROOF)) == (1 + 2) + (2 + 2) + 3 + (1 + 2 + 2)


def test_a_proof_with_definitions_worked_by_hand() -> None:
    refute(parse_dimacs(SQUARE), parse_lrat(DEFINED_PROOF))
    assert naive_is_refutation(parse_dimacs(SQUARE), parse_lrat(DEFINED_PROOF))


def test_what_follows_the_empty_clause_is_not_looked_at() -> None:
    refute(parse_dimacs(SQUARE), parse_lrat(SQUARE_PROOF + "\n7 1 0 99 0"))


def test_deleted_clauses_are_gone() -> None:
    refute(parse_dimacs(SQUARE), parse_lrat("5 1 0 1 2 0\n5 d 1 2 0\n6 0 5 3 4 0"))
    _refuses(SQUARE, "5 1 0 1 2 0\n5 d 1 3 0\n6 0 5 3 4 0", "names clause 3")
    _refuses(SQUARE, "5 d 9 0", "clause 9 is deleted, but there is none")


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("", "does not derive the empty clause"),
        ("5 1 0 1 2 0", "does not derive the empty clause"),
        ("5 0 1 2 3 4 0", "its hint 1 is not unit"),
        ("5 0 0", "end without a contradiction"),
        ("5 1 0 1 0\n6 0 5 3 4 0", "say nothing of clause 3"),
        ("5 1 0 1 7 0", "names clause 7"),
        ("5 1 0 1 5 0", "names clause 5"),
        ("4 1 0 1 2 0", "numbers must grow"),
        ("5 1 0 1 2 0\n5 0 5 3 4 0", "numbers must grow"),
        ("5 3 -1 -2 0 0\n6 -3 1 0 0", "say nothing of clause 5"),
        ("5 3 -1 -2 0 0\n6 1 -3 0 -5 0", "say nothing of clause 3, which holds -1"),
        ("5 3 -1 -2 0 0\n6 -3 1 0 -4 0", "does not hold 3"),
        ("5 3 -1 -2 0 0\n6 -3 1 0 -5 -5 0", "names? clause 5 twice"),
        ("5 3 -1 0 0\n6 -3 2 0 -5 0", "the hints for clause 5 end without"),
        ("5 1 0 1 2", "an addition is"),
        ("5 1 0 1 2 0 0", "an addition is"),
        ("5 1 2 0", "an addition is"),
        ("5 d 1", "a deletion is"),
        ("5 d -1 0", "a deletion is"),
        ("5 d", "a deletion is"),
        ("x", "not a step"),
        ("5 1 0 1 +2 0", "not a step"),
        ("5 01 0 1 2 0", "not a step"),
        ("5 ١ 0 1 2 0", "not a step"),
        ("-5 1 0 1 2 0", "not a step"),
        ("0 1 0 1 2 0", "not a step"),
        ("5 1 0 1 99999999999 0", "not a step"),
        ("5 1 0 1 9999999999 0", "not a step"),
        ("5 d d 1 0", "not a step"),
    ],
)
def test_a_wrong_proof_is_refused_with_its_reason(proof: str, reason: str) -> None:
    _refuses(SQUARE, proof, reason)


def test_a_satisfiable_formula_has_no_refutation() -> None:
    _refuses("p cnf 2 3\n1 2 0\n1 -2 0\n-1 2 0\n", SQUARE_PROOF, "names clause 4")


def test_work_is_limited() -> None:
    formula, steps = parse_dimacs(SQUARE), parse_lrat(SQUARE_PROOF)
    work = refute(formula, steps)
    refute(formula, steps, max_literals=work)
    with pytest.raises(ProofError, match="more literals than the limit"):
        refute(formula, steps, max_literals=work - 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with"),
        ("1 2 0", "begins with"),
        ("p cnf 2", "begins with"),
        ("p cnf -2 1\n1 0", "begins with"),
        ("p cnf 2 1\n1 3 0", "clause 1 .* has '3'"),
        ("p cnf 2 1\n1 x 0", "has 'x'"),
        ("p cnf 2 1\n1 2", "0 closed clauses"),
        ("p cnf 2 2\n1 0", "1 closed clauses, its header says 2"),
        ("p cnf 2 1\n1 0\n2 0", "2 closed clauses"),
        ("p cnf 2 1\n1 -0", "has '-0'"),
        ("p cnf 2 1\n1 0\n%\n0", "has '%'"),
    ],
)
def test_a_malformed_formula_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TaskError, match=reason):
        parse_dimacs(text)


def test_formulas_are_read_as_written() -> None:
    assert parse_dimacs("c one\np  cnf 3 3 \n1\n-2 0 3\nc two\n0\n0\n") == Formula(3, (frozenset((1, -2)), frozenset((3,)), frozenset()))
    for formula in (pigeonhole(3), parity(4, 0), random_3sat(9, 30, 1)):
        assert parse_dimacs(format_dimacs(formula)) == formula


_literals = st.integers(1, 3).flatmap(lambda variable: st.sampled_from((variable, -variable)))
_clauses = st.lists(st.lists(_literals, max_size=3).map(frozenset), min_size=1, max_size=7)
_steps = st.lists(
    st.tuples(st.lists(_literals, max_size=3), st.lists(st.integers(-9, 12).filter(bool), max_size=4), st.lists(st.integers(1, 9), max_size=1)), max_size=4
)


@settings(max_examples=120)
@given(_clauses, _steps)
def test_what_is_accepted_keeps_the_solutions(clauses: list[frozenset[int]], drawn: list[tuple[list[int], list[int], list[int]]]) -> None:
    """Soundness by trying everything: a satisfiable formula is never refuted, and no accepted prefix turns it unsatisfiable."""
    formula = Formula(3, tuple(clauses))
    steps: list[Step] = []
    for place, (literals, hints, deleted) in enumerate(drawn):
        steps += [Addition(len(clauses) + 1 + place, tuple(literals), tuple(hints)), *([Deletion(tuple(deleted))] if deleted else [])]
    try:
        refute(formula, steps)
        is_refuted = True
    except ProofError as error:
        is_refuted = False
        if "does not derive the empty clause" in str(error):  # every step was accepted
            added = [frozenset(step.literals) for step in steps if isinstance(step, Addition)]
            has_deleted = any(isinstance(step, Deletion) for step in steps)
            assert has_deleted or is_satisfiable([*clauses, *added]) == is_satisfiable(clauses)
    assert is_refuted == naive_is_refutation(formula, steps)
    assert not (is_refuted and is_satisfiable(clauses))


@settings(max_examples=60)
@given(_clauses)
def test_small_formulas_are_decided_alike(clauses: list[frozenset[int]]) -> None:
    found = solution(clauses)
    assert (found is not None) == is_satisfiable(clauses)
    assert found is None or all(not found.isdisjoint(clause) for clause in clauses)


def test_the_families_have_the_answers_that_they_claim() -> None:
    assert not is_satisfiable(pigeonhole(3).clauses)
    assert is_satisfiable(pigeonhole(3).clauses[1:])
    assert not is_satisfiable(parity(4, 3).clauses)
    assert is_satisfiable(parity(4, 3).clauses[:-1])


def test_steps_that_define_variables_are_accepted_as_written() -> None:
    formula, steps = extended_pigeonhole(4)
    with pytest.raises(ProofError, match="does not derive the empty clause"):
        refute(formula, steps)
    with pytest.raises(ProofError, match="does not derive"):
        refute(formula, parse_lrat(format_lrat(steps)))


def test_a_drat_proof_worked_by_hand_is_elaborated() -> None:
    assert elaborate(parse_dimacs(SQUARE), "1 0\nd 1 2 0\n0\n") == [Addition(5, (1,), (1, 2)), Deletion((1,)), Addition(6, (), (5, 3, 4))]
    with pytest.raises(ProofError, match="neither RUP nor RAT"):
        elaborate(parse_dimacs("p cnf 2 2\n1 2 0\n-1 2 0\n"), "1 0\n-2 0\n0\n")


def _family(seeds: range) -> list[tuple[Formula, list[Step]]]:
    plain = [pigeonhole(3), pigeonhole(4), *(parity(5, seed) for seed in seeds), *(random_3sat(20, 120, seed) for seed in seeds)]
    return [*((formula, refutation(formula)) for formula in plain), *((formula, refutation(formula, pre)) for formula, pre in map(extended_pigeonhole, (3, 4)))]


@needs_cadical
def test_proofs_of_a_solver_are_accepted_and_their_mutants_refused() -> None:
    kinds: Counter[str] = Counter()
    for seed, (formula, steps) in enumerate(_family(range(4))):
        refute(formula, parse_lrat(format_lrat(steps)))
        assert naive_is_refutation(formula, steps)
        for mutant in mutants(formula, steps, seed=seed):
            kinds[mutant.kind] += 1
            assert not naive_is_refutation(mutant.formula, mutant.steps)
            with pytest.raises(ProofError):
                refute(mutant.formula, parse_lrat(format_lrat(mutant.steps)))
    assert set(kinds) == set(WHY)


@needs_cadical
@pytest.mark.full
def test_the_campaign_of_mutants() -> None:
    count = 0
    for formula, steps in _family(range(20)):
        refute(formula, steps)
        for mutant in (one for seed in range(2) for one in mutants(formula, steps, seed=seed)):
            count += 1
            with pytest.raises(ProofError):
                refute(mutant.formula, mutant.steps)
    assert count >= 500


@needs_cadical
@pytest.mark.full
def test_large_proofs_of_a_solver_are_accepted() -> None:
    for formula in (pigeonhole(7), parity(16, 16), *(random_3sat(100, 500, seed) for seed in range(3))):
        refute(formula, refutation(formula))


def _task(cnf: str) -> Task:
    return Task("t", "Refute it.", answer=SQUARE_PROOF, info={"cnf": cnf})


def test_a_refutation_as_a_reward() -> None:
    verify, task = lrat_verifier(), _task(SQUARE)
    assert verify(str(verify.gold(task)), task).outcome is Outcome.CORRECT
    wrong = verify("```lrat\n5 0 1 2 3 4 0\n```", task)
    assert (wrong.outcome, wrong.reason) == (Outcome.INCORRECT, "clause 5: its hint 1 is not unit")
    assert verify("s UNSATISFIABLE", task).outcome is Outcome.UNPARSED
    assert LratChecker(max_literals=3).check(SQUARE_PROOF, task).reason == "the proof visits more literals than the limit allows"
    for info in ({}, {"cnf": "p cnf"}, {"cnf": 5}):
        with pytest.raises(TaskError):
            verify.gold(Task("bad", "Refute it.", info=info))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2", ""),
        ("v 1 2 0", ""),
        ("s SATISFIABLE\nv 1\nv 2 0", ""),
        ("1", "clause 3 holds no true literal"),
        ("-1 2", "clause 2 holds no true literal"),
        ("", "clause 1 holds no true literal"),
        ("1 -1 2", "variable 1 is both"),
        ("1 2 3", "variable 3 is not in the formula"),
        ("1 2 true", "'true' is no literal"),
        ("1,2", "'1,2' is no literal"),
        ("-0 1 2", "'-0' is no literal"),
    ],
)
def test_a_solution_as_a_reward(text: str, reason: str) -> None:
    score = assignment_verifier()(f"```assignment\n{text}\n```", _task("p cnf 2 3\n1 2 0\n1 -2 0\n-1 2 0\n"))
    assert (score.outcome, score.reason) == (Outcome.CORRECT if not reason else Outcome.INCORRECT, score.reason)
    assert reason in score.reason if reason else not score.reason


@needs_cadical
def test_a_solvers_solutions_are_accepted() -> None:
    verify = assignment_verifier()
    for seed in range(6):
        formula = random_3sat(30, 90, seed)
        answer, _ = solve(formula)
        assert answer.startswith("s SATISFIABLE")
        assert verify(f"```assignment\n{answer}\n```", _task(format_dimacs(formula))).outcome is Outcome.CORRECT
