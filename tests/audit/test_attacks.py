"""The library: every class gets past a careless grader, and says nothing right itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.audit.attacks import LIBRARY, MAX_INSTANCES, Threat, threats_on
from proctor.audit.fitting import SURFACES_OF
from proctor.audit.specimen import Specimen, Surface, mutations
from proctor.audit.specimens import from_tasks, specimens
from proctor.core.task import Outcome, Task
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.grading import Grader
from proctor.verifiers.names import make_verifier
from tests.audit import naive, naive_numerals

PAYS = naive.PAYS | naive_numerals.PAYS
"""Class of threat -> a grader that it gets past."""
STOPS = ("hostile.power_tower", "hostile.nested", "hostile.flood", "hostile.odd_characters", "format.flood")
"""Classes that are not after pay: the careless grader hangs or falls over."""
SAFE_TO_RUN = {"code.exhausts": slice(2, 3), "code.exits": slice(0, 3), "code.reaches_out": slice(0, 1)}
"""Of the programs, those that end by themselves and leave nothing behind."""


def surface_of(threat: Threat) -> Surface:
    """Where a class is at home."""
    return next(surface for surface in Surface if surface in threat.surfaces)


def test_the_library_is_large_and_documented() -> None:
    assert len(LIBRARY) >= 25 and len({threat.id for threat in LIBRARY}) == len(LIBRARY)
    assert {threat.id for threat in LIBRARY} == set(PAYS)
    for threat in LIBRARY:
        assert threat.description and threat.source and threat.surfaces
    for surface in Surface:
        assert threats_on(surface), surface


@pytest.mark.parametrize("threat", [threat for threat in LIBRARY if threat.id not in STOPS and threat.id != "hostile.executed"], ids=lambda threat: threat.id)
def test_every_class_is_paid_by_a_careless_grader(threat: Threat) -> None:
    grader = PAYS[threat.id]
    earned: list[float | None] = []
    for specimen in specimens(surface_of(threat)):
        if surface_of(threat) is not Surface.CODE and not grader(specimen.gold, specimen.task):
            continue  # a grader of something else
        for completion in threat.instances(specimen)[SAFE_TO_RUN.get(threat.id, slice(None))]:
            assert completion != specimen.gold
            earned.append(grader(completion, specimen.task))
    assert earned
    assert (None in earned) if threat.id == "hostile.error_earning" else any(value is not None and value >= 0.5 for value in earned)


@pytest.mark.parametrize("threat", [threat for threat in LIBRARY if threat.id in STOPS], ids=lambda threat: threat.id)
def test_hostile_inputs_stop_a_careless_grader(threat: Threat) -> None:
    specimen = specimens(surface_of(threat))[0]
    with Grader(PAYS[threat.id], name="careless", num_workers=2, timeout_s=2.0) as grader:
        verdicts = grader.grade([ScoreRequest(specimen.task, completion) for completion in threat.instances(specimen)[:4]], retry=False)
    assert any(verdict.fault is not None for verdict in verdicts)


def test_code_in_an_answer_is_executed_by_a_careless_grader(tmp_path: Path) -> None:
    threat = next(threat for threat in LIBRARY if threat.id == "hostile.executed")
    specimen = replace(specimens(Surface.MATH)[0], marker=str(tmp_path / "marker"))
    for completion in threat.instances(specimen):
        PAYS[threat.id](completion, specimen.task)
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("name", ["math", "choice", "exact", "format", "json", "sql", "instructions"])
def test_proctors_own_verifiers_pay_for_none(name: str) -> None:
    """In this process, one specimen at a time: the whole audit of each is `tests/audit/test_examine.py`."""
    if name == "json":
        pytest.importorskip("jsonschema")
    verifier, surface = make_verifier(name, {}), SURFACES_OF[name][0]
    for number, specimen in enumerate(specimens(surface)):
        assert verifier(specimen.gold, specimen.task).outcome is Outcome.CORRECT, specimen.gold
        for threat in threats_on(surface):
            if threat.is_policy or (number and threat.id.startswith("hostile.")):
                continue
            for completion in threat.instances(specimen):
                score = verifier(completion, specimen.task)
                assert score.outcome in (Outcome.INCORRECT, Outcome.UNPARSED) and score.value == 0.0, (threat.id, completion[:200])


def test_instances_are_bounded_distinct_and_not_the_gold() -> None:
    for surface in Surface:
        for specimen in specimens(surface):
            for threat in threats_on(surface):
                made = threat.instances(specimen)
                assert len(made) <= MAX_INSTANCES and len(set(made)) == len(made) and specimen.gold not in made
                assert made == threat.instances(specimen)


@given(st.text(min_size=1, max_size=30))
def test_mutations_differ_from_the_answer(answer: str) -> None:
    for mutant in mutations(answer, seed="s"):
        assert mutant.strip() != answer.strip()
    assert mutations(answer, seed="s") == mutations(answer, seed="s")


def test_mutations_are_near() -> None:
    assert set(mutations("7", seed="s")) <= {"8", "-7"}
    assert set(mutations("(B)", seed="s")) == {"A", "C", "D"}
    assert "New York" in mutations("New York City", seed="s")
    assert from_tasks([Task("a", "", "7"), Task("b", ""), Task("c", "", "")])[0].wrong == mutations("7", seed="a")
    assert len(from_tasks([Task("a", "", "7"), Task("b", "")])) == 1


def test_the_gold_of_a_specimen_may_be_the_tasks_own() -> None:
    assert Specimen(Task("t", "", "7", {"gold_completion": "seven"}), "7", ("8",)).gold == "seven"
