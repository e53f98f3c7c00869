"""Steps of a calculation are judged by themselves; the verdict is the final number's."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Outcome, Task
from proctor.verifiers.equations import EquationsVerifier, equations, is_true
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
        ("1,000 + 500", "1,500", True),
        ("2^3 + 1", "9", True),
        ("-2^2", "-4", True),
        ("3 × -2^{3}", "-24", True),
        ("1+1+1+1+1+1+1+1+1+1", "10", True),
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


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("1,000 + 500 = 1,500 and then 1,500 / 2 = 75.", [True, False]),
        ("2^3 + 1 = 9, $2^{10} = 1024$, 2^3 = 6", [True, True, False]),
        (f"{' + '.join('1' * 10)} = 10", [True]),
        ("- 3 + 4 = 7\n- 4+5=9\n**1+1=2**", [True, True, True]),
        ("so -3+5=2 and x = 3 + 4 = 7, <<48/2=24>>24", [True, True, True]),
        ("2 + 3 = 5 apples - so 5.", [True]),
    ],
)
def test_what_is_an_equation(text: str, verdicts: list[bool]) -> None:
    assert [true for _, true in equations(text)] == verdicts


@pytest.mark.parametrize(
    "text",
    [
        "1 - 2 = 3 - 4",
        "2*3 = 6+1 = 7",
        "3 + 4 = 7 = 7",
        "3 + 4 = 7 = x",
        "1/4 + 1/4 = 1/2",
        "50/100 = 50%",
        "2 + 3 = 5x",
        "2 + 3 = 5 - x",
        "2 + 3 = 5(1)",
        "(1 + 2) * 3 + 1 = 10",
        "(2)-1+4 = 5",
        "5 + $2 + 1 = 8",
        "2^n + 3 + 4 = 9",
        "2^99 = 1",
        "1,2,3+4 = 9",
        "3 + 4 != 7",
        "3x-5=16",
        "8 x 1 1/2 = 12",
        "3 / 2 = 1 1/2",
        "3\n+ 4 = 7",
    ],
)
def test_what_is_more_or_less_than_an_equation_is_no_step(text: str) -> None:
    assert equations(text) == []


def test_floods_of_numbers_end() -> None:
    """The square of these lengths, or fractions without bounds, would take minutes."""
    power, number = "9999.123^20", "123456789012345679.123456789012345673"
    rows = [*("/".join([term] * 64) + "=1\n" for term in (power, number)), "+".join([power] * 64) + "=1\n"]
    start = time.process_time()
    for flood in (*(row * 64 for row in rows), "1+" * 50_000 + "1=3", "1+2=3 " * 20_000, "1," * 50_000, "9" * 100_000, "- " * 50_000 + "1+1=2"):
        equations(flood)
    assert time.process_time() - start < 10


@given(st.text(alphabet="0123456789+-*/^=.,; ", max_size=200))
def test_no_text_raises_and_steps_are_in_order(text: str) -> None:
    score = EquationsVerifier()(text, Task("t", "p", "1"))
    ends = [step.end for step in score.steps]
    assert ends == sorted(ends)
    assert ends[-1] == len(text)
