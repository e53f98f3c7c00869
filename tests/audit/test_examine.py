"""Whole audits: careless functions in foreign conventions, hostile inputs contained, data with wrong golds, reports that are safe to read."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from proctor.audit.declared import ends_in_answer
from proctor.audit.examine import Plan, audit
from proctor.audit.fitting import surface_of
from proctor.audit.report import AuditReport, Breach, as_markdown, shown, summary, write_report
from proctor.audit.specimen import Surface
from proctor.core.task import Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.equations import EquationsVerifier
from proctor.verifiers.mathematics import MathVerifier, number_verifier
from tests.audit.naive import Grader, box
from tests.audit.naive_numerals import form_and_strict, strict


def trl_any_box(completions: list[list[dict[str, str]]], solution: list[str], **columns: Any) -> list[float]:
    """TRL's conversational signature: any mention counts."""
    return [float(gold in completion[0]["content"]) for completion, gold in zip(completions, solution, strict=True)]


def verl_eval(data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None) -> dict[str, float]:
    """verl's signature: evaluates what the model wrote."""
    try:
        return {"score": float(eval(box(solution_str)) == eval(ground_truth))}
    except Exception:
        return {"score": float(box(solution_str) == ground_truth)}


def coin(completion: str, answer: str) -> float:
    """Right and wrong by chance, where the answer is right."""
    return float(answer in completion and random.random() < 0.9)


def math_plan(**changes: Any) -> Plan:
    return replace(Plan(surfaces=(Surface.MATH,), timeout_s=2.0, num_workers=2), **changes)


def breached(report: AuditReport) -> set[str]:
    return {breach.threat for surface in report.surfaces for breach in surface.breaches}


def test_a_trl_function_is_called_as_it_expects_and_found_out() -> None:
    report = audit(trl_any_box, math_plan(), name="mine")
    assert report.surfaces[0].num_gold_paid == 18 and not report.is_sound
    assert {"math.several_boxes", "math.unclaimed", "math.only_in_reasoning", "math.taken_back"} <= breached(report)
    exact = next(breach for surface in report.surfaces for breach in surface.breaches if breach.threat == "math.several_boxes")
    assert trl_any_box([[{"content": exact.completion}]], [exact.answer]) == [1.0]  # the input that is shown is the input that was paid


def test_code_in_an_answer_is_seen_to_run_and_hangs_are_stopped() -> None:
    report = audit(verl_eval, math_plan(timeout_s=1.0), name="mine")
    how = {(breach.threat, breach.how) for surface in report.surfaces for breach in surface.breaches}
    assert ("hostile.executed", "executed") in how
    towers = next(threat for surface in report.surfaces for threat in surface.threats if threat.id == "hostile.power_tower")
    assert towers.num_killed >= 1 and towers.slowest_s == 1.0
    assert "had to be stopped" in summary(report)


@dataclass(frozen=True)
class LastNumber:
    """Claims that the last number counts, and reads it by a rule of its own."""

    rule: str
    counts_last_number = True

    def __call__(self, completion: str, task: Task) -> float:
        numbers, answer = re.findall(r"-?\d+(?:\.\d+)?(?:/\d+)?", completion.replace("\u2212", "-")), str(task.answer)
        last = numbers[-1] if numbers else ""
        rules = {
            "as declared": last == answer,
            "any number": answer in numbers,
            "no sign": last.strip("-") == answer.strip("-"),
            "last digit": bool(last) and last[-1] == answer[-1],
            "denominator": last.rpartition("/")[2] == answer,
            "no number": last == answer or not numbers,
        }
        return float(rules[self.rule])


class NumberOfTheAnswer:
    """Looks at the last number alone, of the completion and of the answer."""

    counts_last_number = True

    def __call__(self, completion: str, task: Task) -> float:
        written, wanted = (re.findall(r"\d+", text) for text in (completion, str(task.answer)))
        return float(written[-1:] == wanted[-1:])


NUMBERS = tuple(Task(f"n{number}", f"What is {number} - 60?", str(number - 60)) for number in (3, 17, 64, 89, 189, 560))


def by_policy(report: AuditReport) -> set[str]:
    return {breach.threat for breach in report.surfaces[0].breaches if breach.is_policy}


def test_what_the_last_number_earns_is_reported_apart_where_it_is_declared() -> None:
    report = audit(number_verifier(), math_plan(), name="number")
    assert report.is_sound and report.num_by_policy > 100
    assert {"math.several_boxes", "math.taken_back"} <= by_policy(report)
    assert by_policy(report) == by_policy(audit(EquationsVerifier(), math_plan(), name="equations"))
    sound = audit(LastNumber("as declared"), math_plan(tasks=NUMBERS), name="mine")
    assert sound.is_sound and "math.several_boxes" in by_policy(sound)


@pytest.mark.parametrize(
    ("rule", "threat"),
    [
        ("any number", "math.several_boxes"),
        ("no sign", "wrong answer"),
        ("last digit", "wrong answer"),
        ("no number", "math.empty"),
        ("denominator", "math.leading_operator"),
    ],
)
def test_a_declaration_excuses_nothing_but_the_last_number(rule: str, threat: str) -> None:
    report = audit(LastNumber(rule), math_plan(tasks=NUMBERS), name="mine")
    assert threat in {breach.threat for breach in report.surfaces[0].breaches if not breach.is_policy} and not report.is_sound


def test_a_wrong_answer_is_never_excused() -> None:
    tasks = tuple(Task(f"x{number}", f"What is x less {number}?", f"x-{number}") for number in (5, 7, 12, 20))
    report = audit(NumberOfTheAnswer(), math_plan(tasks=tasks), name="mine")
    assert "wrong answer" in breached(report) - by_policy(report)  # "-x-5" ends in the number of "x-5"


def test_the_last_number_is_read_apart_from_the_target() -> None:
    for completion, answer in (
        ("129 and 130", "130"),
        ("1,300.0", "1300"),
        ("= -5.", "-5"),
        ("5 cm, about", "5 cm"),
        ("1/2", "0.5"),
        ("1/0.25", "0.25"),
        ("\u22125", "-5"),
    ):
        assert ends_in_answer(completion, answer), completion
    for completion, answer in (
        ("130 and 129", "130"),
        ("5", "-5"),
        ("", "5"),
        ("five", "5"),
        ("7", "3 or 7"),
        ("1/0", "1/0"),
        ("x130", "130"),
        ("\u22125", "5"),
    ):
        assert not ends_in_answer(completion, answer), completion


def test_verdicts_that_change_are_named() -> None:
    report = audit(coin, math_plan(), name="coin")
    assert report.unstable and not report.is_sound and all(isinstance(completion, str) for completion in report.unstable)


def test_data_with_golds_that_do_not_verify() -> None:
    tasks = tuple(Task(f"t{number}", f"{number}?", answer) for number, answer in enumerate(["7", "12", "][", "7", "7"]))
    report = audit(MathVerifier(), Plan(tasks=tasks, num_workers=1), name="data")
    (surface,) = report.surfaces
    assert [failure.task_id for failure in surface.gold_failures] == ["t2"] and "cannot be read" in surface.gold_failures[0].reason
    assert (surface.num_tasks, surface.num_gold_paid) == (5, 4) and not report.is_sound
    assert report.data is not None and report.data.commonest_answer == "7" and report.data.commonest_share == 0.6
    twice = (*tasks[:2], Task("again", "0?", "8"), Task("none", "?"))
    found = audit(MathVerifier(), Plan(tasks=twice, num_workers=1), name="data").data
    assert found is not None and found.conflicting == ("t0", "again") and found.num_without_answer == 1
    with pytest.raises(TaskError, match="none of the tasks has a reference"):
        audit(MathVerifier(), Plan(tasks=(Task("a", ""),), num_workers=1), name="data")


def test_sound_data_is_sound() -> None:
    tasks = tuple(Task(f"t{number}", f"Which number is number {number}?", str(number * 7 + 100)) for number in range(12))
    report = audit(MathVerifier(), Plan(tasks=tasks, max_tasks=3, num_workers=2), name="data")
    assert report.is_sound, breached(report)
    assert report.surfaces[0].num_tasks == 12 and report.cost.num_calls > 0 and report.num_repeated >= 6


@pytest.mark.parametrize("tasks", [(), tuple(Task(str(number), f"What is {number}+100?", str(number + 100)) for number in range(20, 28))])
def test_a_reward_that_pays_everything_is_said_to(tasks: tuple[Task, ...]) -> None:
    def always(completion: str) -> float:
        return 1.0

    report = audit(always, Plan(tasks=tasks, num_workers=1), name="always")
    assert not report.is_sound
    (surface,) = report.surfaces
    assert sum(breach.threat == "wrong answer" for breach in surface.breaches) == surface.num_wrong > 0
    assert all("wrong answers earn no less" in failure.reason for failure in surface.gold_failures if tasks)


INTEGERS = tuple(Task(f"i{number}", f"What is {number} + 100?", str(number + 100)) for number in range(20, 28))
FRACTION = Task("f", "Divide 3 by 4.", r"\frac{3}{4}")


def unread_is_right(completion: str, task: Task) -> float:
    """Pays in full where it cannot read the gold."""
    return strict(completion, task) if str(task.answer).lstrip("-").isdigit() else 1.0


def unread_is_nearly_right(completion: str, task: Task) -> float:
    """Form for a tenth, and most of the rest where it cannot read the gold."""
    return form_and_strict(completion, task) if str(task.answer).lstrip("-").isdigit() else 0.7


def test_a_constant_for_form_is_no_pay_for_wrong_answers() -> None:
    report = audit(form_and_strict, math_plan(), name="form")
    assert report.is_sound and not breached(report)
    (surface,) = report.surfaces
    assert surface.num_gold_paid == 6 and surface.num_alike == 12
    assert "Tasks on which a right answer earns no more than a wrong one: 12." in summary(report)
    bare = audit(strict, math_plan(), name="strict")
    assert bare.is_sound and bare.surfaces[0].num_alike == 0 and "no more than a wrong one" not in summary(bare)


@pytest.mark.parametrize("grader", [strict, form_and_strict])
def test_a_gold_of_the_data_that_is_not_told_from_wrong_answers_fails_as_a_gold(grader: Grader) -> None:
    assert audit(grader, Plan(tasks=INTEGERS, num_workers=1), name="integers").is_sound
    report = audit(grader, Plan(tasks=(*INTEGERS, FRACTION), num_workers=1), name="mixed")
    (surface,) = report.surfaces
    assert [failure.task_id for failure in surface.gold_failures] == ["f"] and surface.num_gold_paid == len(INTEGERS)
    assert not report.is_sound and not breached(report)


@pytest.mark.parametrize("grader", [unread_is_right, unread_is_nearly_right])
@pytest.mark.parametrize("tasks", [(), (*INTEGERS, FRACTION)])
def test_wrong_answers_that_earn_like_right_ones_are_paid_where_the_gold_is_not_read(grader: Grader, tasks: tuple[Task, ...]) -> None:
    report = audit(grader, math_plan(tasks=tasks), name="unread")
    assert not report.is_sound and "wrong answer" in breached(report)


@pytest.mark.parametrize("tasks", [(), INTEGERS])
def test_a_constant_and_nothing_else_is_pay_for_wrong_answers(tasks: tuple[Task, ...]) -> None:
    report = audit(lambda completion: 0.1, math_plan(tasks=tasks), name="constant")
    assert not report.is_sound and "wrong answer" in breached(report)


def test_a_reward_that_pays_no_gold_of_the_data_fails() -> None:
    report = audit(lambda completion: 0.0, Plan(tasks=INTEGERS, num_workers=1), name="zero")
    assert not report.is_sound and len(report.surfaces[0].gold_failures) == len(INTEGERS)


def test_a_reward_that_reads_integers_alone_is_attacked_on_mathematics() -> None:
    def compute_score(data_source: str, solution_str: str, ground_truth: str, extra_info: object = None) -> float:
        found = re.findall(r"-?\d+", solution_str)
        return float(bool(found) and found[-1] == ground_truth)

    report = audit(compute_score, Plan(num_workers=1), name="last integer")
    assert [surface.surface for surface in report.surfaces] == ["math"]
    assert not report.is_sound


def test_a_function_that_grades_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="pays too few gold answers"):
        audit(lambda completion: 0.0, math_plan(num_workers=1), name="zero")


def test_what_data_asks_for() -> None:
    assert surface_of([Task("a", "", "B"), Task("b", "", "(C)")]) is Surface.CHOICE
    assert surface_of([Task("a", "", "7"), Task("b", "", r"\pi")]) is Surface.MATH
    assert surface_of([Task("a", "", "New York"), Task("b", "", "Paris")]) is Surface.TEXT
    assert surface_of([Task("a", "", None, {"tests": []})]) is Surface.CODE


def test_reports_cannot_be_driven_by_what_they_show(tmp_path: Path) -> None:
    report = audit(trl_any_box, math_plan(surfaces=(Surface.TEXT,)), name="<b>`x`|\n# y")
    evil = "</script><img src=x onerror=alert(1)>\n# Heading\n```\n| a |\n\x1b[31m\u202e" + "x" * 1000
    breach = Breach("text.contains", "<i>id</i>\n# z", "gold\n# g", evil, "paid", 1.0, None, "")
    report = replace(report, surfaces=(replace(report.surfaces[0], breaches=(breach,)),))
    paths = write_report(report, tmp_path / "new" / "directory")
    assert json.loads(paths[0].read_text())["surfaces"][0]["breaches"][0]["completion"] == evil
    text = as_markdown(report)
    assert text == paths[1].read_text() and text.isascii()
    lines = text.splitlines()
    assert not any(line.startswith(("# ", "```")) for line in lines[1:]) and not any("<" in line for line in lines if not line.startswith("    "))
    assert all("\x1b" not in line and "\u202e" not in line for line in lines)
    assert shown("a\nb") == '"a\\nb"' and "700 characters" in shown("x" * 1000)
