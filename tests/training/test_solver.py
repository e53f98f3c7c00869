"""The tiny model asked by a curation: counts, determinism, prompts that do not fit, identities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proctor.core import Task
from proctor.data.curation.base import Attempt
from proctor.data.curation.spec import ModelTable, VerifierTable
from proctor.models.pocket import TRAINED_VERSION
from proctor.training.solver import LocalSolver, fingerprint

ATTEMPT = Attempt(4, 1.0, 6, "\nBe brief.", "difficulty")
TASKS = [Task(str(index), f"say {index}", "x") for index in range(3)]


@pytest.fixture
def verifier(tmp_path: Path) -> VerifierTable:
    (tmp_path / "graders.py").write_text("def even(completion):\n    return float(sum(map(ord, completion)) % 2 == 0)\n")
    return VerifierTable(f"{tmp_path / 'graders.py'}:even")


@pytest.fixture
def solver(verifier: VerifierTable) -> Iterator[LocalSolver]:
    made = LocalSolver(ModelTable("tiny"), verifier, seed=0)
    yield made
    made.close()


def test_counts_depend_on_the_task_the_way_of_asking_and_the_seed(solver: LocalSolver, verifier: VerifierTable) -> None:
    many = replace(ATTEMPT, num_samples=40)
    found = solver.num_correct(TASKS, many)
    assert [graded for _, graded in found] == [40, 40, 40]
    assert 0 < sum(right for right, _ in found) < 120
    assert solver.num_correct(TASKS[::-1], many) == found[::-1]
    assert solver.num_correct(TASKS, replace(many, purpose="guessable")) != found
    other = LocalSolver(ModelTable("tiny"), verifier, seed=1)
    assert other.num_correct(TASKS, many) != found
    other.close()


def test_a_prompt_that_does_not_fit_is_not_graded(solver: LocalSolver) -> None:
    assert solver.num_correct([Task("long", "x" * 10**6, "x"), TASKS[0]], ATTEMPT)[0] == (0, 0)
    assert solver.num_correct([Task("long", "x" * 10**6, "x")], ATTEMPT) == [(0, 0)]


def test_the_identity_names_what_answers_depend_on(verifier: VerifierTable) -> None:
    def identity(model: ModelTable, seed: int = 0) -> str:
        made = LocalSolver(model, verifier, seed=seed)
        made.close()
        return made.identity

    same = identity(ModelTable("tiny"))
    assert identity(ModelTable("tiny")) == same
    assert len({same, identity(ModelTable("tiny"), 1), identity(ModelTable("tiny", template="Q: {prompt}")), identity(ModelTable("pocket"))}) == 4


def test_weights_are_known_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(b"one")
    before = fingerprint(str(tmp_path / "model"))
    assert fingerprint(str(tmp_path / "model")) == before
    weights.write_bytes(b"two")
    assert fingerprint(str(tmp_path / "model")) != before
    assert fingerprint("tiny") == "tiny"
    assert TRAINED_VERSION in fingerprint("pocket")  # what was measured of older weights is measured again
