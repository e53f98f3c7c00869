"""A sum left to work out and the question echoed are no answers; every form of a result still is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Outcome, Task
from proctor.verifiers.echoes import is_echo
from proctor.verifiers.mathematics import MathVerifier


def outcome(prompt: str, gold: str, answer: str) -> Outcome | None:
    return MathVerifier()(rf"\boxed{{{answer}}}", Task("t", prompt, gold)).outcome


@pytest.mark.parametrize(
    ("prompt", "gold", "answer"),
    [
        ("What is 3 + 4?", "7", "3+4"),
        ("What is 3 + 4?", "7", "4+3"),
        ("", "7", "3+4"),
        ("", "7", r"x = 3 + 4"),
        ("", "-7", "-(3+4)"),
        ("", "12", r"3 \cdot 4"),
        ("", "12", r"2 \times 2 \times 3"),
        ("", "5", r"\sqrt{9+16}"),
        ("", r"\frac{7}{2}", r"\frac{3+4}{2}"),
        ("", "3.5", r"1.5 + 2"),
        ("", r"50\%", r"(20+30)\%"),
        ("", r"10\text{ cm}", r"(4+6)\text{ cm}"),
        ("", "(3, 4)", "(1+2, 4)"),
        ("", "1025", "2^{10}+1"),
        ("", r"3\frac{1}{2}", "1+2.5"),
        ("Compute $2^{10}$.", "1024", "2^{10}"),
        ("Compute $2^{10}$.", "1024", "2^10"),
        (r"Find $\binom{5}{2}$.", "10", r"\binom{5}{2}"),
        ("What is 5!?", "120", "5!"),
        (r"Evaluate $\sqrt{ 144 }$.", "12", r"\sqrt{144}"),
        ("What is 8/2?", "4", "8/2"),
        ("What is 8/2?", "4", r"\dfrac{8}{2}"),
        (r"What is $\tfrac82$?", "4", "8/2"),
        ("Simplify 6/8.", r"\frac{3}{4}", "6/8"),
        ("What is 3 + 1/2?", "7/2", "3+1/2"),
        (r"What is $3 \cdot 10^2$?", "300", r"3 \times 10^2"),
        ("How much is 6 \u2212 2^2?", "2", "6-2^2"),
        ("What is 12 * 34?", "408", r"\frac{12}{34^{-1}}"),
        ("What is 12 + 34?", "46", "12e^0+34"),
        ("What is 12 + 34?", "46", r"\ln(e^{12}e^{34})"),
        ("What is 12 + 34?", "46", r"12\sin 90^\circ+34"),
        ("What is 12 + 34?", "46", r"\frac{12\pi+34\pi}{\pi}"),
        ("What is 7 * 8?", "56", r"7/(1/8)"),
        ("What is 60 divided by 12?", "5", r"\frac{60}{12}"),
        ("What is 144 divided by 12?", "12", r"\frac{288}{24}"),
        ("Compute $2^{10}$.", "1024", "(2^{10})"),
        ("Compute $2^{10}$.", "1024", r"\left(2\right)^{10}"),
        ("What is the remainder of 17 divided by 5?", "2", r"17e^0-5\lfloor 17/5\rfloor"),
        (r"Compute $12\cdot 34$.", "408", r"12\cdot 34 + x - x"),
        (r"Compute $12\cdot 34$.", "408", r"\frac{12 x\cdot 34}{x}"),
        ("", "7", "3+4+0x"),
        ("", "7", "(3+4)x^0"),
        ("What percent of 24 is 18?", "75", r"\frac{18}{24}\cdot 100"),
        ("What is 12% of 100?", "12", r"0.12\cdot100"),
        ("", "136", r"\frac{17}{0.125}"),
        ("", "136", r"17\cdot0.125^{-1}"),
        ("", "81", "3^{8/2}"),
        ("", "81", "3^{-(-4)}"),
        ("", r"408^\circ", r"12\cdot 34\cdot\frac{\pi}{180}"),
        ("", r"(-\infty,408]", r"(-\infty, 12\cdot 34]"),
        ("", r"[1,\infty)", r"[3-2,\infty)"),
        ("", r"1\le x\le 4", r"3-2\le x\le 4"),
    ],
)
def test_what_is_left_to_work_out_is_no_answer(prompt: str, gold: str, answer: str) -> None:
    assert outcome(prompt, gold, answer) is Outcome.INCORRECT
    assert outcome(prompt, gold, gold) is Outcome.CORRECT


@pytest.mark.parametrize(
    ("prompt", "gold", "answer"),
    [
        ("", "1024", "2^{10}"),
        ("", "7.07", r"5\sqrt{2}\approx 7.07"),
        ("", "0.000012", r"10^{-5} \times 1.2"),
        ("", "5000", "5 thousand"),
        ("", r"270^\circ", r"\frac32\pi"),
        ("", r"\frac{1}{1024}", r"\frac{1}{2^{10}}"),
        ("", r"[1,\infty)", r"x\ge 1"),
        ("", "8x+2y=10", "10=8x+2y"),
        ("", "120", "5!"),
        ("", "10", r"\binom{5}{2}"),
        ("", "12", r"\sqrt{144}"),
        ("", "300000000", r"3 \cdot 10^8"),
        ("", r"\frac{12}{5}", r"12 \cdot 5^{-1}"),
        ("", "1.5", r"1\frac{1}{2}"),
        ("", "-1.5", "-1 1/2"),
        ("", "0.75", r"\frac{3}{4}"),
        ("", r"50\%", r"\frac{1}{2}"),
        ("", "2500000", r"2.5\text{ million}"),
        ("", "24", "2 dozen"),
        ("", "1000", r"1{,}000"),
        ("", "-5", "-5"),
        ("", "7", "3+4=7"),
        ("", r"\frac{1}{2}+\sqrt{3}", r"\frac{1+2\sqrt{3}}{2}"),
        ("", r"3\sqrt{2}", r"\sqrt{18}"),
        ("", "2^{10}", "2^{10}"),
        ("", "2^{10}+1", "1025"),
        ("", "3+4", "7"),
        ("", "3+4", "4+3"),
        ("", "2x+7", "2x+3+4"),
        ("Compute $2^{10}$.", "2^{10}", "2^{10}"),
        ("What is 12^101?", "144", "12^2"),  # another question
        ("Add 12^21 to it.", "144", "12^2"),
        ("Which is larger, 3/4 or 2/3?", "0.75", "3/4"),
        ("Is it 7 or 8?", "7", "7.0"),
        ("Write $-5$ as a sum.", "-5", "-5.0"),
    ],
)
def test_forms_of_a_result_are_answers(prompt: str, gold: str, answer: str) -> None:
    assert outcome(prompt, gold, answer) is Outcome.CORRECT


@given(st.integers(-999, 999), st.integers(1, 999))
def test_no_sum_of_integers_is_paid_and_every_integer_is(left: int, right: int) -> None:
    assert outcome("", str(left + right), f"{left}+{right}") is Outcome.INCORRECT
    assert outcome(f"What is {left} + {right}?", str(left + right), str(left + right)) is Outcome.CORRECT


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_in_a_prompt_makes_it_raise(candidate: str, prompt: str) -> None:
    from proctor.verifiers.answers import Quantity
    from proctor.verifiers.expressions import Apply, Number

    power = Quantity(Apply("^", (Number(2), Number(10))))  # type: ignore[arg-type]
    assert is_echo(candidate, power, prompt) in (True, False)
