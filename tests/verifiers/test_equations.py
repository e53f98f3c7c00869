"""Steps of a calculation are judged by themselves; the verdict is the final number's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Outcome, Task
from proctor.verifiers.equations import EquationsVerifier, is_true
from proctor.verifiers.wire import decode, encode


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("3+4", "7", True),
        ("3-5", "-2", True),
        ("10-2*3", "4", True),
        ("10-2*3", "24", False),
        ("-3 - -4", "1", True),
        ("-3*2", "-6", True),
        ("7/2", "3.5", True),
        ("1/0", "0", False),
        ("2+2", "5", False),
    ],
)
def test_equations(left: str, right: str, expected: bool) -> None:
    assert is_true(left, right) is expected


def test_each_equation_is_a_step_and_the_end_has_the_verdict() -> None:
    score = EquationsVerifier()("7+5=12;4+8+1=14;132", Task("t", "47+85=", "132"))
    assert score.outcome is Outcome.CORRECT
    assert [(step.end, step.value) for step in score.steps] == [(6, 1.0), (15, 0.0), (19, 1.0)]
    assert score.metrics["steps_right"] == 0.5
    assert decode(encode(score, name="equations")) == score


def test_a_completion_without_equations_has_one_step() -> None:
    assert [(step.end, step.value) for step in EquationsVerifier()("131", Task("t", "47+85=", "132")).steps] == [(3, 0.0)]


@given(st.text(alphabet="0123456789+-*/=.; ", max_size=200))
def test_no_text_raises_and_steps_are_in_order(text: str) -> None:
    score = EquationsVerifier()(text, Task("t", "p", "1"))
    ends = [step.end for step in score.steps]
    assert ends == sorted(ends)
    assert ends[-1] == len(text)
