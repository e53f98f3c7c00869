r"""The math verifier on collected, hand-written and generated cases: nothing wrong is paid, almost nothing right refused.

The rows are those of the benchmark (`evidence/grading`); the public ones and GSM8K are read from `../shared` where it is.
"""

from __future__ import annotations

import builtins
import json
import os
import re
from pathlib import Path

import pytest
import sympy
from evidence.grading.attacks import NEGATIVES, POSITIVES, Attack
from evidence.grading.costly import COSTLY
from evidence.grading.rewrites import KINDS, dressed, families
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.parsing import sympy_parser

from proctor.core.task import Outcome, Score, Task
from proctor.errors import TaskError
from proctor.verifiers.extraction import CHANNELS, after_reasoning, boxes, extractions
from proctor.verifiers.mathematics import MathVerifier
from proctor.verifiers.notation import Unreadable, lex, unify
from proctor.verifiers.reading import readings
from proctor.verifiers.unfinished import is_unfinished

DATA = Path(__file__).parents[2].parent / "shared" / "data"
VERIFIER = MathVerifier()
NOTATION = "0123456789+-*/^_!(){}[]|,.;:=<>$%\\& abefinorstxyπ±−°≤∪'\n"
_PARTS = r"""
\frac \sqrt \text \left( \right) \{ \} { } ( ) [ ] , ; \pm \cup \infty \in \mid \setminus \begin{pmatrix} \end{pmatrix}
& \\ = < \le \ne \approx x y e i \pi 7 2.5 1,234 0 ^ _
! + - * / | or and cm \% $ ° : PM July \sin \log \binom \mathbb{R} \overline{3} ' . \boxed{ answer is
"""
WRITTEN = st.lists(st.sampled_from([*_PARTS.split(), " "]), max_size=25).map("".join)


def grade(completion: str, gold: str) -> Score:
    return VERIFIER(completion, Task("t", "", gold))


def is_paid(completion: str, gold: str) -> bool:
    return grade(completion, gold).outcome is Outcome.CORRECT


@pytest.fixture
def no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would evaluate text raises."""

    def trap(*arguments: object, **keywords: object) -> None:
        raise AssertionError("model text was evaluated")

    for module, name in ((builtins, "eval"), (builtins, "exec"), (sympy, "sympify"), (sympy, "parse_expr"), (sympy_parser, "parse_expr"), (os, "system")):
        monkeypatch.setattr(module, name, trap)


@pytest.mark.parametrize("row", NEGATIVES, ids=lambda row: f"{row.threat}: {row.gold} <- {row.completion}"[:90])
def test_no_attack_is_paid(row: Attack, no_evaluation: None) -> None:
    assert not is_paid(row.completion, row.gold)


@pytest.mark.parametrize("row", POSITIVES, ids=lambda row: f"{row.threat}: {row.gold} <- {row.completion}"[:90])
def test_other_spellings_are_paid(row: Attack, no_evaluation: None) -> None:
    assert is_paid(row.completion, row.gold)


@pytest.mark.parametrize("row", COSTLY, ids=lambda row: f"{row.threat}: {row.gold} <- {row.completion}"[:60])
def test_costly_and_executable_answers_end_unpaid(row: Attack, no_evaluation: None) -> None:
    """Ends: a row that takes as long as pytest's own limit fails. All these inputs are bounded before they are evaluated."""
    assert not is_paid(row.completion, row.gold)
    assert not Path("/tmp/proctor-was-here").exists()


_SUM = re.compile(r"-?\d+ \+ 7")


@pytest.mark.parametrize("kind", KINDS)
def test_rewritten_answers(kind: str) -> None:
    """Of answers that are drawn and then spelled in many ways: every spelling is paid, no near miss is; also with the two swapped."""
    import random

    numbers = random.Random(kind)
    for family in families(3, 4):
        if family.kind != kind:
            continue
        for text in family.equal:
            is_question = _SUM.fullmatch(text) is not None  # left to work out: no answer, though it may be the reference
            assert is_paid(rf"\boxed{{{dressed(text, numbers)}}}", family.gold) is not is_question, (family.gold, text)
            assert is_paid(rf"\boxed{{{family.gold}}}", text), (text, family.gold)
        for text in family.unequal:
            assert not is_paid(rf"\boxed{{{text}}}", family.gold), (family.gold, text)


@pytest.mark.skipif(not (DATA / "graders").exists(), reason="the collected grader cases are not part of the package")
def test_public_cases() -> None:
    refused: list[str] = []
    paid: list[str] = []
    num_right = 0
    for line in (DATA / "graders" / "cases.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["ambiguous"]:
            continue
        completion = case["prediction"] if case["form"] == "text" else rf"\boxed{{{case['prediction']}}}"
        num_right += case["expected_equal"]
        if is_paid(completion, case["gold"]) is not bool(case["expected_equal"]):
            (refused if case["expected_equal"] else paid).append(case["id"])
    assert not paid
    assert len(refused) <= num_right // 100, refused


@pytest.mark.parametrize(
    ("name", "num_refused", "num_paid"),
    [
        ("first", 8, 0),
        ("second", 1, 0),
        ("third", 1, 0),
        ("fourth", 0, 0),
        ("fifth", 0, 0),
        ("sixth", 0, 0),
        ("seventh", 3, 2),
        ("eighth", 7, 0),
        ("ninth", 6, 1),
        ("tenth", 0, 1),
        ("eleventh", 10, 0),
        ("twelfth", 7, 0),
        ("thirteenth", 1, 0),
        ("fourteenth", 4, 2),
        ("fifteenth", 0, 0),
        ("sixteenth", 0, 0),
        ("seventeenth", 6, 0),
        ("eighteenth", 0, 0),
        ("nineteenth", 11, 0),
        ("twentieth", 2, 0),
        ("twenty-first", 2, 0),
        ("pairs", 0, 0),
        ("pairs-second", 2, 0),
        ("pairs-third", 0, 0),
        ("pairs-fourth", 5, 0),
        ("twenty-second", 4, 0),
        ("real-a", 1, 0),
        ("real-b", 0, 0),
        ("real-c", 0, 0),
        ("real-d", 0, 0),
        ("real-e", 1, 0),
    ],
)
def test_rows_written_blind_are_read_no_worse_than_now(name: str, num_refused: int, num_paid: int) -> None:
    """By people who had not seen the grader; what was mended after them is in these counts: docs/notes/grading-blind.md."""
    path = Path(__file__).parents[2] / "evidence" / "grading" / f"blind-{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    tasks = [Task(row["id"], row["task"]["prompt"], row["task"]["answer"]) for row in rows]
    is_right = [VERIFIER(row["completion"], task).outcome is Outcome.CORRECT for row, task in zip(rows, tasks, strict=True)]
    refused = [row["id"] for row, right in zip(rows, is_right, strict=True) if row["expected"] and not right]
    paid = [row["id"] for row, right in zip(rows, is_right, strict=True) if right and not row["expected"]]
    assert len(refused) <= num_refused and len(paid) <= num_paid, (refused, paid)


@pytest.mark.skipif(not (DATA / "gsm8k").exists(), reason="GSM8K is not part of the package")
def test_every_gold_answer_of_gsm8k_verifies() -> None:
    rows = [json.loads(line) for name in ("train", "test") for line in (DATA / "gsm8k" / f"{name}.jsonl").read_text().splitlines()]
    tasks = [Task(str(index), "", row["answer"]) for index, row in enumerate(rows)]
    assert len(tasks) == 8792
    assert all(VERIFIER(VERIFIER.gold(task), task).outcome is Outcome.CORRECT for task in tasks)
    assert all(VERIFIER(task.answer, task).outcome is Outcome.CORRECT for task in tasks)
    for ending in (r"\boxed{{{}}}", "The answer is {}.", "The answer is ${}$ in total."):  # after prose that people wrote
        refused = [task.id for task in tasks if VERIFIER(solved(task, ending), task).outcome is not Outcome.CORRECT]
        assert len(refused) <= 1, refused  # one says "the final answer is" of a calculation before


def solved(task: Task, ending: str) -> str:
    body, _, answer = str(task.answer).rpartition("####")
    return re.sub(r"<<.*?>>", "", body) + ending.format(answer.strip())


@given(WRITTEN, WRITTEN)
@settings(max_examples=50)
def test_verdicts_are_symmetric_and_deterministic(left: str, right: str) -> None:
    try:
        forward, backward = (is_paid(rf"\boxed{{{a}}}", b) for a, b in ((left, right), (right, left)))
    except TaskError:
        return
    if forward is not backward:  # only what is left to work out is no answer, though it may be a reference
        assert any(is_unfinished(reading) for text in (left, right) for reading in readings(text, allow_words=True))
    assert is_paid(rf"\boxed{{{left}}}", right) is forward


@given(WRITTEN)
@settings(max_examples=50)
def test_a_gold_answer_that_can_be_read_is_right(text: str) -> None:
    try:
        readings(text, allow_words=True)
        task = Task("t", "", text)
        completion = VERIFIER.gold(task)
    except (Unreadable, TaskError):
        return
    if text.count("{") == text.count("}") and "boxed" not in text and "####" not in text and not text.rstrip().endswith("\\"):
        assert VERIFIER(completion, task).outcome is Outcome.CORRECT


@given(st.text(alphabet=NOTATION) | st.text() | WRITTEN)
@settings(max_examples=50)
def test_no_text_raises(text: str) -> None:
    for completion in (text, rf"\boxed{{{text}}}", f"<answer>{text}</answer>", f"#### {text}", f"The answer is ${text}$."):
        for gold in ("5", r"(1, x^2]", r"\text{even}", "x < 3"):
            assert isinstance(grade(completion, gold), Score)


@given(st.text(alphabet=NOTATION + "<>/thinkanswerboxed#") | WRITTEN)
@settings(max_examples=50)
def test_extractors_find_parts_of_the_text(text: str) -> None:
    for extraction in extractions(text):
        assert extraction.channel in CHANNELS
        assert extraction.candidates
        assert all(candidate in text for candidate in extraction.candidates)
    assert all(box in text for box in boxes(text))
    answer = after_reasoning(text)
    assert answer is None or text.endswith(answer)


@given(st.text(alphabet=NOTATION, max_size=200))
@settings(max_examples=50)
def test_tokens_are_bounded_by_the_text(text: str) -> None:
    """The work after this point is at most the number of tokens times the (bounded) depth."""
    try:
        tokens = lex(unify(text))
    except Unreadable:
        return
    assert sum(len(token.text) for token in tokens) <= len(unify(text))
