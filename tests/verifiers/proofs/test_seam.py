"""Extraction of a proof, and what the verifier makes of a checker's report and of its faults."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.task import Outcome, Task
from proctor.errors import SandboxError, TaskError
from proctor.verifiers.names import load_verifier
from proctor.verifiers.proofs.base import MAX_PROOF_CHARS, ProofReport, ProofVerifier, extract_proof
from proctor.verifiers.rewards import Rewards, as_part

TASK = Task("t", "Prove it.", answer="good")


@dataclass(frozen=True, slots=True)
class Scripted:
    """Accepts the proof "good"; fails by itself on "broken"."""

    @property
    def languages(self) -> tuple[str, ...]:
        return ("toy", "t")

    @property
    def max_wall_s(self) -> float:
        return 7.0

    def require_statement(self, task: Task) -> None:
        if "bad" in task.info:
            raise TaskError("the statement is malformed")

    def check(self, proof: str, task: Task) -> ProofReport:
        if proof == "broken":
            raise SandboxError("the checker is gone")
        return ProofReport(proof == "good", "" if proof == "good" else "no proof", ("choice",), 0.25)


@pytest.mark.parametrize(
    ("completion", "proof"),
    [
        ("```toy\nx\n```", "x"),
        ("```TOY\nx\n```", "x"),
        ("  ```t\nx\ny\n  ```  ", "x\ny"),
        ("```\nx\n```", "x"),
        ("```toy\na\n```\n```toy\nb\n```", "b"),
        ("```toy\na\n```\n```\nb\n```", "a"),  # a block that names the language goes before one that names none
        ("```python\na\n```", None),
        ("```toy\na", None),
        ("```toy\na\n````", None),
        ("x", None),
        ("", None),
        ("```toy\n```", ""),
        ("<think>```toy\na\n```</think> no proof", None),
        ("<think>```toy\na\n```", None),
        ("<think>hm</think>```toy\nb\n```", "b"),
        ("```toy\na\n```\n```python\n```toy\nb\n```", "a"),  # inside another block nothing opens
        ("```toy `x`\na\n```", None),
    ],
)
def test_the_last_closed_block_of_the_language_is_the_proof(completion: str, proof: str | None) -> None:
    assert extract_proof(completion, ("toy", "t")) == proof


def test_a_proof_that_is_too_long_is_not_read() -> None:
    assert extract_proof(f"```toy\n{'x' * MAX_PROOF_CHARS}\n```", ("toy",)) is not None
    assert extract_proof(f"```toy\n{'x' * (MAX_PROOF_CHARS + 1)}\n```", ("toy",)) is None


@given(st.text(alphabet="`toy\n <>/think", max_size=200))
def test_extraction_reads_anything(text: str) -> None:
    found = extract_proof(text, ("toy", "t"))
    assert found is None or found in "\n".join(text.splitlines())


def test_verdicts() -> None:
    verify = ProofVerifier(Scripted())
    right = verify("```toy\ngood\n```", TASK)
    assert (right.outcome, right.value, right.extracted) == (Outcome.CORRECT, 1.0, "good")
    assert right.metrics == {"proof_seconds": 0.25}
    assert right.extra == {"axioms": "choice"}
    wrong = verify("```toy\nbad\n```", TASK)
    assert (wrong.outcome, wrong.value, wrong.reason) == (Outcome.INCORRECT, 0.0, "no proof")
    assert verify("good", TASK).outcome is Outcome.UNPARSED
    assert verify.max_wall_s == 7.0


def test_a_checker_that_fails_by_itself_is_an_error_and_no_verdict() -> None:
    score = ProofVerifier(Scripted())("```toy\nbroken\n```", TASK)
    assert (score.outcome, score.value, score.reason) == (Outcome.ERROR, None, "the checker is gone")


def test_gold_is_the_reference_proof_or_none_where_nobody_has_one() -> None:
    verify = ProofVerifier(Scripted())
    assert verify(str(verify.gold(TASK)), TASK).outcome is Outcome.CORRECT
    assert verify.gold(Task("open", "Prove it.")) is None
    with pytest.raises(TaskError, match="malformed"):
        verify.gold(Task("open", "Prove it.", info={"bad": True}))


def test_tasks_without_a_reference_proof_can_be_trained_on() -> None:
    with Rewards([as_part(ProofVerifier(Scripted()))], in_process=True) as rewards:
        rewards.check_gold([TASK, Task("open", "Prove it.")])
        assert rewards.gold(TASK) == "```toy\ngood\n```"
        assert rewards.gold(Task("open", "Prove it.")) is None
        with pytest.raises(TaskError, match="1 of 2"):
            rewards.check_gold([TASK, Task("open", "Prove it.", info={"bad": True})])
        with pytest.raises(TaskError, match="no proof"):
            rewards.check_gold([Task("wrong", "Prove it.", answer="wrong")])


@pytest.mark.parametrize("name", ["metamath", "lrat", "assignment"])
def test_short_names_give_verifiers(name: str) -> None:
    assert isinstance(load_verifier(name)(), ProofVerifier)
