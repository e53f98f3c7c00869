"""Attacks beside the number: what strict graders with one habit are paid for, and that every completion claims another number than the right one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.audit.attacks.base import MAX_INSTANCES, Threat
from proctor.audit.attacks.numerals import THREATS
from proctor.audit.examine import Plan, audit
from proctor.audit.report import AuditReport
from proctor.audit.specimen import FORMS, Specimen, Surface
from proctor.audit.specimens import specimens
from proctor.core.task import Task
from tests.audit.naive import Grader
from tests.audit.naive_numerals import (
    any_base,
    mantissa_alone,
    marks_stripped,
    number_of_the_sentence,
    percent_stripped,
    strict,
    word_behind_dropped,
    words_in_front_dropped,
)

BY_ID = {threat.id: threat for threat in THREATS}
BARE = FORMS[-1]


def audited(grader: Grader) -> AuditReport:
    return audit(grader, Plan(surfaces=(Surface.MATH,), timeout_s=2.0, num_workers=2), name="mine")


def faults(report: AuditReport) -> set[str]:
    return {breach.threat for surface in report.surfaces for breach in surface.breaches if not breach.is_policy}


def answers(threat: str, answer: str, prompt: str = "How many?") -> list[str]:
    """What the attacks of one class answer."""
    return BY_ID[threat].instances(Specimen(Task("t", prompt, answer), answer, ("3",), BARE))


@pytest.mark.parametrize(
    ("grader", "threats"),
    [
        (word_behind_dropped, {"math.scale_word"}),
        (mantissa_alone, {"math.trailing_operator"}),
        (marks_stripped, {"math.trailing_operator"}),
        (words_in_front_dropped, {"math.sign_in_words", "math.leading_operator"}),
        (any_base, {"math.other_base"}),
        (number_of_the_sentence, {"math.scale_word", "math.sign_in_words"}),
    ],
)
def test_a_grader_that_drops_what_stands_beside_the_number_is_found_out(grader: Grader, threats: set[str]) -> None:
    report = audited(grader)
    assert not report.is_sound and threats <= faults(report) <= set(BY_ID)


def test_a_grader_that_drops_nothing_is_sound_and_a_percent_sign_is_policy() -> None:
    report = audited(strict)
    assert report.is_sound and report.num_by_policy == 0
    lenient = audited(percent_stripped)
    assert lenient.is_sound and {breach.threat for breach in lenient.surfaces[0].breaches} == {"math.percent_sign"}


def test_what_the_stranger_wrote_is_among_them() -> None:
    assert {"7 million", "7 and a half", r"7\text{ thousand}"} <= set(answers("math.scale_word", "7"))
    assert {r"7 \cdot 10^3", "7^2", "7 squared", "7e3"} <= set(answers("math.trailing_operator", "7"))
    assert {"minus 7", "negative 7", "\u22127"} <= set(answers("math.sign_in_words", "7"))
    assert "82" in answers("math.other_base", "130") and "19" in answers("math.other_base", "25")
    boxed = Specimen(Task("t", "How many?", "7"), "7", ("8",), FORMS[0])
    assert boxed.wrap("7!") in BY_ID["math.trailing_operator"].instances(boxed)
    assert "7!" not in answers("math.trailing_operator", "7")  # nothing around it: it may be an exclamation


@pytest.mark.parametrize(
    ("threat", "answer", "right"),
    [
        ("math.scale_word", "0", ("0 million", r"0\text{ dozen}")),
        ("math.trailing_operator", "1", ("1^2", "1 squared", "1^{-1}", "1 factorial")),
        ("math.trailing_operator", "2", ("2 factorial",)),
        ("math.trailing_operator", "-1", ("-1^2", "-1 cubed", "-1^{-1}")),
        ("math.trailing_operator", "0", ("0e3", "0/2", r"0\pi", "0^2")),
        ("math.leading_operator", "1", (r"\sqrt{1}", "1/1", "the square of 1")),
        ("math.leading_operator", "0", ("twice 0", "half of 0", r"\sqrt{0}", r"2 \cdot 0")),
        ("math.sign_in_words", "0", ("minus 0", "-(0)")),
        ("math.sign_in_words", "-5", ("minus -5", "negative -5")),
        ("math.percent_sign", "0", ("0%",)),
        ("math.other_base", "7", ("7",)),
        ("math.other_base", "-1", ("-1",)),
    ],
)
def test_a_mark_that_leaves_the_number_as_it_is_is_no_attack(threat: str, answer: str, right: tuple[str, ...]) -> None:
    assert not set(right) & set(answers(threat, answer))


@pytest.mark.parametrize(
    ("threat", "prompt", "right"),
    [
        ("math.scale_word", "How many million people live there?", "7 million"),
        ("math.trailing_operator", "What is the side of the square, squared?", "7 squared"),
        ("math.sign_in_words", "How many degrees below zero is it?", "7 below zero"),
        ("math.percent_sign", "What percentage is red?", "7%"),
    ],
)
def test_what_the_prompt_asks_for_is_no_attack(threat: str, prompt: str, right: str) -> None:
    assert right in answers(threat, "7") and right not in answers(threat, "7", prompt)


def test_only_plain_numbers_are_a_hold_and_none_is_too_large_to_compute() -> None:
    for answer in (r"\frac{3}{4}", "x", "(1, 2)", "5 cm", "", "1e3"):
        assert not any(answers(threat, answer) for threat in BY_ID), answer
    assert "1,300 million" in answers("math.scale_word", "1,300")
    assert not {"5050 factorial", "10^5050"} & {*answers("math.trailing_operator", "5050"), *answers("math.leading_operator", "5050")}


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.id)
def test_no_instance_is_cut_off(threat: Threat) -> None:
    for specimen in specimens(Surface.MATH):
        made = list(threat.make(replace(specimen, form=FORMS[0])))
        assert len(made) == len(set(made)) <= MAX_INSTANCES


@given(st.integers(-300, 300))
def test_digits_of_another_base_are_another_number(number: int) -> None:
    found = answers("math.other_base", str(number))
    assert all(Fraction(written) != number for written in found)
    assert all(number in {int(written, base) for base in (2, 3, 8, 12, 16) if int(max(written.strip("-"))) < base} for written in found)
