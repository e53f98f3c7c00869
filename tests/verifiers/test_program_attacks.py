"""No bad program is paid, no correct one is refused, and what they break is their own sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from proctor.core.task import Outcome, Score, Task
from proctor.sandbox.base import Command, ExecLimits, Layer
from proctor.sandbox.confinement import visible
from proctor.verifiers.programs import ProgramVerifier
from tests.sandbox.layers import CONFINING, descendants, sandbox
from tests.verifiers.program_attacks import BAD, BOMBS, GOOD, TESTS, Attack

TASK = Task(
    "second", "Write solve(numbers): the second largest.", info={"fn_name": "solve", "tests": [{"input": [given], "output": out} for given, out in TESTS]}
)
NAIVE = Path(__file__).with_name("naive_graders.py").read_text()
GENEROUS = ExecLimits(wall_s=30, cpu_s=20)


def verify(source: str, layer: Layer) -> Score:
    sandbox(layer)  # skips where it is missing
    verifier = ProgramVerifier("namespace" if layer is Layer.NAMESPACE else "landlock", time_limit_s=1, total_s=3)
    return verifier(f"Here:\n```python\n{source}\n```", TASK)


def is_paid(grader: str, source: str, layer: Layer) -> bool:
    """Run a naive grader on a program, both inside a sandbox."""
    files = {"grader.py": NAIVE.encode(), "case": repr((grader, source, TESTS)).encode()}
    result = sandbox(layer).run(Command((visible().python, "-S", "grader.py"), files), GENEROUS)
    last = result.stdout.decode().splitlines()[-1:]
    assert last in (["paid"], ["not paid"]), result
    return last == ["paid"]


@pytest.mark.parametrize("attack", BAD, ids=lambda attack: attack.name)
def test_no_attack_is_paid(attack: Attack) -> None:
    score = verify(attack.source, Layer.NAMESPACE)
    assert (score.outcome, score.value) == (Outcome.INCORRECT, 0.0), score
    assert score.reason and score.extra["sandbox"] == "namespace"


@pytest.mark.parametrize(("attack", "grader"), [(attack, grader) for attack in BAD for grader in attack.fools], ids=lambda part: getattr(part, "name", part))
def test_every_attack_is_real_a_naive_grader_pays_it(attack: Attack, grader: str) -> None:
    name, _, unconfined = grader.partition(", ")
    source = attack.source.replace("10**8", "10**6")  # slow enough for a naive clock of 5 ms
    assert is_paid(name, source, Layer.PLAIN if unconfined else Layer.NAMESPACE)


@pytest.mark.parametrize("name", ["in process", "exit code", "forked", "marker", "pickled result", "no failure printed", "json verdict"])
def test_naive_graders_are_not_straw_men(name: str) -> None:
    for source, is_right in ((GOOD["plain"], True), ("def solve(numbers): return -1", False)):
        assert is_paid(name, source, Layer.NAMESPACE) is is_right


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("layer", CONFINING)
def test_correct_programs_pass_whatever_they_print_or_define(name: str, layer: Layer) -> None:
    score = verify(GOOD[name], layer)
    assert score.outcome is Outcome.CORRECT, score
    assert layer is Layer.LANDLOCK or score.extra["sandbox"] == layer.value


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_contained_and_blamed_on_the_program(name: str) -> None:
    score = verify(BOMBS[name], Layer.NAMESPACE)
    assert score.outcome is Outcome.INCORRECT, score
    assert verify(GOOD["plain"], Layer.NAMESPACE).outcome is Outcome.CORRECT
    assert descendants() == []
