"""Tests made by majority of accepted solutions: which inputs are kept, and which problems."""

from __future__ import annotations

import pytest

from proctor.errors import TaskError
from proctor.sandbox.base import ExecLimits, Layer
from proctor.verifiers.program_tests import StdinTest
from proctor.verifiers.synthesis import Synthesis, synthesize_tests
from tests.sandbox.layers import sandbox

GENERATOR = "import random\nrandom.seed(int(input()))\nprint(random.randrange(8))"
RIGHT = "n = int(input())\nprint(n * n)"
WRONG_ON_ODD = "n = int(input())\nprint(n * n if n % 2 == 0 else -1)"
CRASHES_ON_ODD = "n = int(input())\nif n % 2: raise SystemExit(1)\nprint(n * n)"
EACH_ITS_OWN = "n = int(input())\nprint(n * n if n % 2 == 0 else {})"


def run(solutions: list[str], **options: int) -> Synthesis:
    return synthesize_tests([GENERATOR], solutions, sandbox(Layer.NAMESPACE), num_tests=12, limits=ExecLimits(wall_s=5, cpu_s=2), **options)


def test_all_agree() -> None:
    found = run([RIGHT] * 10)
    assert found.is_kept and found.num_passing == 10 and found.num_failed == 0
    assert len(found.tests) == found.num_generated <= 8
    assert all(kept.test == StdinTest(f"{n}\n", str(n * n)) and kept.num_agreeing == 10 for kept in found.tests for n in [int(kept.test.stdin)])
    assert found.as_info()[0].keys() == {"input", "output"}


def test_seven_of_ten_keep_a_test_and_nine_of_ten_a_problem() -> None:
    three_wrong = run([RIGHT] * 7 + [WRONG_ON_ODD, CRASHES_ON_ODD, CRASHES_ON_ODD])
    assert {kept.num_agreeing for kept in three_wrong.tests} == {7, 10}
    assert three_wrong.num_passing == 7 and not three_wrong.is_kept
    one_wrong = run([RIGHT] * 9 + [WRONG_ON_ODD])
    assert one_wrong.num_passing == 9 and one_wrong.is_kept


def test_inputs_without_a_majority_are_dropped() -> None:
    found = run([RIGHT] * 6 + [EACH_ITS_OWN.format(index) for index in range(-4, 0)])
    assert all(int(kept.test.stdin) % 2 == 0 for kept in found.tests) and 0 < len(found.tests) < found.num_generated
    assert found.num_passing == 10 and found.is_kept


def test_generators_that_fail_are_counted() -> None:
    found = synthesize_tests(["raise SystemExit(1)", GENERATOR], [RIGHT] * 10, sandbox(Layer.NAMESPACE), num_tests=6)
    assert found.num_failed == 3 and found.tests
    nothing = synthesize_tests(["raise SystemExit(1)"], [RIGHT] * 10, sandbox(Layer.NAMESPACE), num_tests=2)
    assert nothing == Synthesis((), 0, 2, 10, False)


def test_too_few_solutions_are_refused() -> None:
    with pytest.raises(TaskError, match="at least 10 accepted solutions; given: 1 and 9"):
        run([RIGHT] * 9)
