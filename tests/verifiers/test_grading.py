"""Grading one by one: everything gets a verdict, and blame falls as in training."""

from __future__ import annotations

import math
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, VerifierError
from proctor.sandbox.base import FaultKind
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.cases import read_case, read_cases
from proctor.verifiers.grading import Grader, is_paid
from proctor.verifiers.mathematics import MathVerifier


def mischief(completion: str, answer: object) -> float:
    match completion:
        case "hang":
            time.sleep(60)
        case "exit":
            os._exit(3)
        case "raise":
            raise ValueError("no number in it")
        case "nan":
            return math.nan
        case "contract":
            raise VerifierError("wrong count")
        case "flood":
            return "x" * 100  # type: ignore[return-value]
    return 1.0


def test_every_request_gets_a_verdict_in_order() -> None:
    completions = ["fine", "hang", "fine", "exit", "raise", "nan", "contract", "flood", "fine"]
    with Grader(mischief, name="m", num_workers=2, timeout_s=0.5) as grader:
        verdicts = grader.grade([ScoreRequest(Task("t", "", "7"), completion) for completion in completions])
    by_name = dict(zip(completions, verdicts, strict=True))
    assert [verdict.score.value for verdict in verdicts] == [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, None, None, 1.0]
    assert by_name["hang"].fault is FaultKind.TIMEOUT and by_name["hang"].seconds == 0.5 and "timeout, twice" in by_name["hang"].score.reason
    assert by_name["exit"].fault is FaultKind.CRASH and "status 3" in by_name["exit"].score.reason
    assert "no number in it" in by_name["raise"].score.reason and by_name["raise"].score.outcome is Outcome.INCORRECT
    assert "nan" in by_name["nan"].score.reason
    assert by_name["contract"].score.is_error and by_name["flood"].score.is_error and "must return a number" in by_name["flood"].score.reason
    assert by_name["fine"].score == Score(None, 1.0) and by_name["fine"].fault is None


class Patient:
    """A verifier that says itself how long one call may take."""

    max_wall_s = 30.0

    def __call__(self, completion: str, task: Task) -> Score:
        time.sleep(1.0)
        return Score.correct(completion)


def test_a_verifier_that_needs_longer_gets_what_it_says() -> None:
    with Grader(Patient(), name="patient", num_workers=1, timeout_s=0.2) as grader:
        (verdict,) = grader.grade([ScoreRequest(Task("t", "", "7"), "7")])
    assert (verdict.fault, verdict.score.outcome) == (None, Outcome.CORRECT)


def test_a_bad_gold_is_an_error_and_stops_nobody() -> None:
    with Grader(MathVerifier(), name="math", num_workers=1) as grader:
        verdicts = grader.grade([ScoreRequest(Task("t", "", gold), "\\boxed{7}") for gold in ("7", "][", "", None, "8")])
    assert [verdict.score.outcome for verdict in verdicts] == [Outcome.CORRECT, Outcome.ERROR, Outcome.ERROR, Outcome.ERROR, Outcome.INCORRECT]
    assert "cannot be read" in verdicts[1].score.reason and all(verdict.fault is None for verdict in verdicts)


def test_a_function_that_cannot_be_loaded_is_an_error_of_the_worker() -> None:
    class Fragile:
        def __call__(self, completion: str, task: Task) -> Score:
            return Score.correct()

        def __setstate__(self, state: object) -> None:
            raise RuntimeError("not here")

        def __getstate__(self) -> dict[str, int]:
            return {"a": 1}

    with Grader(Fragile(), name="f", num_workers=1) as grader:
        (verdict,) = grader.grade([ScoreRequest(Task("t", ""), "x")])
    assert verdict.score.is_error and verdict.fault is FaultKind.WORKER and "not here" in verdict.score.reason
    with pytest.raises(ConfigError, match="positive"):
        Grader(mischief, name="m", timeout_s=0)
    with pytest.raises(ConfigError, match="no known convention"):
        Grader(lambda x: 1.0, name="m")


def test_paid() -> None:
    assert is_paid(Score.correct()) and is_paid(Score(None, 1.0)) and is_paid(Score(None, 2.0))
    for score in (Score.incorrect(), Score.unparsed("x"), Score.error("x"), Score(None, 0.9), Score(None, None), Score(Outcome.INCORRECT, 1.0)):
        assert not is_paid(score)


def test_rows() -> None:
    rows = [
        '{"completion": "x", "answer": "7", "id": 3}',
        "",
        '{"response": "x", "task": {"answer": 7, "prompt": "p", "info": {"a": 1}, "id": "t9"}, "level": 2, "expected": true}',
        '{"completion": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "ground_truth": 0, "metadata": {"b": 2}}',
        '{"completion": null, "answer": 1, "id": "n"}',
        '{"answer": 1}',
        '{"completion": "x", "task": "t"}',
        '{"completion": "x", "expected": "MAYBE"}',
        "[" * 100_000,
        "{",
        "7",
        '{"completion": "x", "answer": ' + "9" * 5000 + "}",
    ]
    cases = list(read_cases(rows))
    assert [case.line for case in cases] == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    first, second, third = (case.request for case in cases[:3])
    assert first is not None and first.task.answer == "7" and first.task.id == "3" and cases[0].id == 3 and not cases[0].expected
    assert second is not None and second.task.answer == 7 and second.task.prompt == "p" and second.task.info["a"] == 1 and second.task.info["level"] == 2
    assert cases[1].id == "t9" and cases[1].expected == {Outcome.CORRECT}
    assert third is not None and third.completion == "b" and third.task.answer == 0 and third.task.info["b"] == 2 and third.task.id == "4"
    problems = [case.problem for case in cases[3:]]
    for problem, message in zip(
        problems,
        ["completion must be text", "no completion", "task must be an object", "expected must be", "nested too deeply", "not JSON", "is a int", "not JSON"],
        strict=True,
    ):
        assert message in problem, problem
    assert cases[3].id == "n"
    assert read_case('{"completion": "x", "expected": false}', 1).expected == {Outcome.INCORRECT, Outcome.UNPARSED}
    assert read_case('{"completion": "x", "expected": "error"}', 1).expected == {Outcome.ERROR}


@given(st.text(max_size=60) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)).map(str))
def test_any_line_is_a_case(line: str) -> None:
    case = read_case(line, 5)
    assert case.line == 5 and (case.request is None) is bool(case.problem)
