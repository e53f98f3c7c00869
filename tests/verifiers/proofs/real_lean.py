"""The Lean checker on a real toolchain. Not collected by itself: run `pytest tests/verifiers/proofs/real_lean.py` where `lean` is on the PATH."""

from __future__ import annotations

import pytest

from proctor.core.task import Task
from proctor.verifiers.proofs.attacks import Attack
from proctor.verifiers.proofs.canaries import lean_canaries
from proctor.verifiers.proofs.lean.attacks import ATTACKS, AUDIT_ATTACKS, GOOD, SIGNATURE
from proctor.verifiers.proofs.lean.checker import LeanChecker, compilation, source_of
from proctor.verifiers.proofs.lean.toolchain import find_toolchain

TASK = Task("t", "", info={"signature": SIGNATURE})


@pytest.fixture(scope="module")
def checker() -> LeanChecker:
    return LeanChecker(find_toolchain())


@pytest.mark.parametrize("name", sorted(GOOD))
def test_good_proofs_are_accepted(checker: LeanChecker, name: str) -> None:
    report = checker.check(GOOD[name], TASK)
    assert (report.accepted, report.reason) == (True, "")


@pytest.mark.parametrize("attack", [*ATTACKS, *AUDIT_ATTACKS], ids=lambda one: one.name)
def test_attacks_are_refused(checker: LeanChecker, attack: Attack) -> None:
    assert not checker.check(attack.proof, TASK).accepted


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.name)
def test_attacks_are_refused_without_the_list_of_words(checker: LeanChecker, attack: Attack) -> None:
    """The audit alone, on what compiles: a true theorem proved soundly beside a trick may pass, one that rests on a trick may not."""
    challenge = checker.tools.run(compilation("Challenge", source_of(TASK, "  sorry"), checker.toolchain), checker.limits)
    axioms, reason = checker._judge(challenge.outputs["Challenge.olean"], source_of(TASK, "  " + attack.proof))
    assert reason or set(axioms) <= set(checker.allowed_axioms)
    if attack.threat in ("A1", "A2") and "rfl" not in attack.proof:
        assert reason


@pytest.mark.parametrize("task", lean_canaries(), ids=lambda one: one.id)
def test_false_statements_are_refused(checker: LeanChecker, task: Task) -> None:
    for proof in ("decide", "simp", "omega", "trivial", "rfl", "exact sorryAx _ false"):
        assert not checker.check(proof, task).accepted
