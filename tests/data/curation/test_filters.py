"""Filters that judge rows by themselves, by a verifier, by a model or by a column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Task
from proctor.data.curation.base import Attempt
from proctor.data.curation.checked import Verifiable
from proctor.data.curation.forms import Balance, Domains, Forms, largest_cap
from proctor.data.curation.reading import Normalise
from proctor.data.curation.sampled import Difficulty, Guessable, Hardest, Learnable, wilson
from proctor.data.curation.traces import TraceConsistent, TraceCorrect, TraceLanguage, TraceReasoned, TraceRepetition
from proctor.errors import ConfigError, TaskError
from tests.data.curation.frames import Scripted, frame_of, run


def test_normalising_drops_what_cannot_be_seen() -> None:
    assert Normalise().text("\ufeff a\u200bb \r\n\r\n\r\n  c\x00\td  ") == "ab\n\n  c\td"
    assert Normalise().text("e\u0301") == "é"
    assert Normalise().text("f(x)  =  X") == "f(x)  =  X"


@given(st.text(max_size=60))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = Normalise().text(text)
    assert Normalise().text(once) == once


@pytest.mark.parametrize(
    ("text", "answer", "form"),
    [
        ("Which is prime?\n(A) 4\n(B) 5\n(C) 6", "B", "multiple choice"),
        ("Which is prime?\nA. 4\nB. 5", "B", "multiple choice"),
        ("Which of the following is prime: 4, 5, 6?", "b", "multiple choice"),
        ("Which of the following is prime: 4, 5, 6?", "5", None),
        ("Point A. Point B lies on the line. How long is AB?", "5", None),
        ("Let M be the midpoint of AB. A line through A meets the circle at B. The tangent at A. Find AB.", "12", None),
        ("A train leaves A. It reaches B. How far is it?", "12", None),
        ("Which is prime? A. 4 B. 5 C. 6", "B", "multiple choice"),
        ("Which is prime? A) 4 B) 5", "B", "multiple choice"),
        ("Is 7 prime?", "Yes.", "true false"),
        ("True or false: 7 is prime.", "1", "true false"),
        ("Prove that 2 is even.", "x", "proof"),
        ("Let n be odd. Then show that n + 1 is even.", "x", "proof"),
        ("A theorem was proved in 1854. How many years is that before 1900?", "46", None),
        ("Show your work: 3 + 4", "7", None),
        ("(a) Find x. (b) Find y.", "3", "several parts"),
        ("Find f(a) and f(b).", "3", None),
        ("What is 3 + 4?", "7", None),
    ],
)
def test_forms_of_question(tmp_path: Path, text: str, answer: str, form: str | None) -> None:
    removed, _ = run(Forms(), frame_of(tmp_path, [Task("0", text, answer)]), tmp_path)
    assert [removal.reason for removal in removed.values()] == ([form] if form else [])


def test_only_the_named_forms_go(tmp_path: Path) -> None:
    removed, _ = run(Forms(drop=("proof",)), frame_of(tmp_path, ["Prove that 1 = 1.", "True or false?"]), tmp_path)
    assert [*removed] == [0]
    with pytest.raises(ConfigError, match="Did you mean 'proof'"):
        Forms(drop=("prove",))


def test_answers_that_do_not_verify_go(tmp_path: Path) -> None:
    rows = [Task(str(index), f"q{index}", answer) for index, answer in enumerate(["7", r"\frac{", "7", "3/4", None, r"\frac{"])]
    removed, _ = run(Verifiable("math"), frame_of(tmp_path, rows), tmp_path)
    assert {*removed} == {1, 4, 5}


def test_a_verifier_that_knows_no_gold_cannot_say() -> None:
    with pytest.raises(ConfigError, match="no method gold"):
        Verifiable("repetition")
    with pytest.raises(ConfigError, match="unknown verifier"):
        Verifiable("maths")


def test_domains_go_by_words_and_a_row_may_bring_its_own(tmp_path: Path) -> None:
    rows = ["The area of a triangle", "dice and a coin", "zzz", Task("3", "triangle", "1", {"domain": "history"})]
    removed, left = run(Domains(), frame_of(tmp_path, rows), tmp_path)
    assert not removed
    assert left.added["domain"].to_pylist() == ["geometry", "probability", "other", "history"]
    _, left = run(Domains(rules={"x": ("zzz",)}, otherwise="y"), frame_of(tmp_path, rows), tmp_path)
    assert left.added["domain"].to_pylist() == ["y", "y", "x", "history"]


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=5), share=st.floats(0.05, 0.95))
def test_the_cap_is_the_largest_that_keeps_the_share(counts: list[int], share: float) -> None:
    cap = largest_cap(counts, share)
    allowed = [0, *(size for size in range(1, max(counts) + 1) if size <= share * sum(min(count, size) for count in counts))]
    assert cap == max(allowed)


def test_balance_thins_out_the_common(tmp_path: Path) -> None:
    domains = ["a"] * 8 + ["b"] * 2 + ["c"] * 3
    removed, left = run(Balance(max_rows=3), frame_of(tmp_path, [f"q{index}" for index in range(13)], domain=domains), tmp_path)
    assert len(removed) == 5
    assert all(domains[row] == "a" for row in removed)
    again, _ = run(Balance(max_rows=3), frame_of(tmp_path, [f"q{index}" for index in range(13)], domain=domains), tmp_path, seed=1)
    assert {*again} != {*removed}
    kept = [domains[row] for row in range(13) if left.kept[row]]
    assert max(kept.count(domain) for domain in "abc") == 3
    with pytest.raises(TaskError, match="raise max_share"):
        run(Balance(max_share=0.2), frame_of(tmp_path, ["x", "y"], domain=["a", "a"]), tmp_path)
    with pytest.raises(ConfigError, match="either max_rows"):
        Balance()


@pytest.mark.parametrize(("right", "low", "high"), [(0, 0.0, 0.27753), (5, 0.23659, 0.76341), (10, 0.72247, 1.0)])
def test_wilsons_interval_of_ten(right: int, low: float, high: float) -> None:
    assert wilson(right, 10) == pytest.approx((low, high), abs=1e-5)  # worked from the formula with z = 1.96


def test_difficulty_is_the_pass_rate_and_the_range_is_applied(tmp_path: Path) -> None:
    solver = Scripted({"0": 0, "1": 3, "2": 10})
    removed, left = run(Difficulty(min_pass_rate=0.1, max_pass_rate=0.9), frame_of(tmp_path, ["a", "b", "c"]), tmp_path, solver)
    assert {row: removal.reason for row, removal in removed.items()} == {0: "too hard", 2: "too easy"}
    assert left.added["pass_rate"].to_pylist() == [0.0, 0.3, 1.0]
    assert left.added["pass_rate_low"].to_pylist()[1] == pytest.approx(wilson(3, 10)[0])


def test_the_model_is_asked_once_about_a_task(tmp_path: Path) -> None:
    solver = Scripted({"0": 1})
    run(Difficulty(), frame_of(tmp_path, ["a", "b"]), tmp_path, solver)
    (ledger,) = (tmp_path / "ledger").iterdir()
    ledger.write_text(ledger.read_text() + '["torn')  # a kill in the middle of a line
    _, left = run(Difficulty(min_pass_rate=0.0), frame_of(tmp_path, ["a", "b", "c"]), tmp_path, solver)
    assert solver.asked == [("difficulty", "0"), ("difficulty", "1"), ("difficulty", "2")]
    assert left.added["pass_rate"].to_pylist() == [0.1, 0.0, 0.0]
    run(Difficulty(num_samples=4), frame_of(tmp_path, ["a"]), tmp_path, solver)
    assert solver.asked[-1] == ("difficulty", "0")
    assert len(solver.asked) == 4


class Flaky(Scripted):
    """One whose completions can only be graded in part, at first."""

    graded = 1

    def num_correct(self, tasks: Sequence[Task], attempt: Attempt) -> list[tuple[int, int]]:
        return [(min(right, self.graded), min(tried, self.graded)) for right, tried in super().num_correct(tasks, attempt)]


@pytest.mark.parametrize("graded", [0, 1])
def test_what_could_not_be_graded_is_asked_again(tmp_path: Path, graded: int) -> None:
    frame, solver = frame_of(tmp_path, ["What is 2 + 3?"]), Flaky({"0": 2})
    solver.graded = graded
    removed, left = run(Difficulty(num_samples=4), frame, tmp_path, solver)
    assert [removal.reason for removal in removed.values()] == ([] if graded else ["no completion could be graded"])
    solver.graded = 4
    removed, left = run(Difficulty(num_samples=4), frame, tmp_path, solver)
    assert not removed and left.added["pass_rate"].to_pylist() == [0.5]


def test_a_task_that_could_not_be_guessed_at_is_not_kept(tmp_path: Path) -> None:
    solver = Flaky({})
    solver.graded = 0
    removed, _ = run(Guessable(num_tries=4), frame_of(tmp_path, ["What is 2 + 3?"]), tmp_path, solver)
    assert [removal.reason for removal in removed.values()] == ["no completion could be graded"]


def test_a_torn_last_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    solver = Scripted({})
    run(Difficulty(), frame_of(tmp_path, ["a"]), tmp_path, solver)
    (ledger,) = (tmp_path / "ledger").iterdir()
    ledger.write_text(ledger.read_text() + '["torn')
    for _ in range(2):
        run(Difficulty(), frame_of(tmp_path, ["a", "b"]), tmp_path, solver)
    assert len(solver.asked) == 2


def test_what_is_guessed_once_goes(tmp_path: Path) -> None:
    removed, _ = run(Guessable(), frame_of(tmp_path, ["a", "b"]), tmp_path, Scripted({"1": 1}))
    assert {row: removal.detail for row, removal in removed.items()} == {1: "right 1 of 8 times without reasoning"}


def test_learnable_is_what_was_solved_at_least_once(tmp_path: Path) -> None:
    removed, _ = run(Learnable(), frame_of(tmp_path, ["a", "b", "c"], pass_rate=[0.0, 0.1, None]), tmp_path)
    assert {*removed} == {0, 2}
    with pytest.raises(ConfigError, match="no column 'pass_rate'"):
        run(Learnable(), frame_of(tmp_path, ["a"]), tmp_path)


def test_the_hardest_of_each_domain_take_turns(tmp_path: Path) -> None:
    rates = [0.1, 0.2, 0.3, 0.9, 0.5, 0.4]
    frame = frame_of(tmp_path, list("abcdef"), pass_rate=rates, domain=["x", "x", "x", "y", "y", "z"])
    removed, _ = run(Hardest(num_rows=4), frame, tmp_path)
    kept = {*range(6)} - {*removed}
    assert {0, 4, 5} <= kept
    assert len(kept) == 4
    assert kept - {0, 4, 5} <= {1, 3}
    assert {*range(6)} - {*run(Hardest(num_rows=5), frame, tmp_path)[0]} == {0, 1, 3, 4, 5}


def traced(*traces: str | None, answer: str = "7") -> list[Task]:
    return [Task(str(index), "What is 3 + 4?", answer, {} if trace is None else {"demonstration": trace}) for index, trace in enumerate(traces)]


THOUGHT = "<think>three and four more are seven, which I check by counting on from three: four, five, six, seven; so it is seven indeed</think>"


@pytest.mark.parametrize(
    ("one", "good", "bad"),
    [
        (TraceCorrect("math"), r"\boxed{7}", r"\boxed{8}"),
        (TraceRepetition(), THOUGHT, THOUGHT + " wait, let me see again" * 40),
        (TraceReasoned(), THOUGHT + r"\boxed{7}", r"<think>hm</think>\boxed{7}"),
        (TraceReasoned(min_words=0), THOUGHT, "<think>I cannot tell, so I'll guess</think>7"),
        (TraceConsistent(), r"<think>so \boxed{7/1}</think>The answer is 7.", r"<think>so \boxed{8}</think>The answer is 7."),
        (
            TraceConsistent(),
            "<think>The answer might be 5. No: the answer is 7.</think>So 7.",
            "<think>The answer might be 7. No: the answer is 5.</think>So 7.",
        ),
        (TraceConsistent(), "<think>the answer should be odd</think>The answer is 7.", "<think>The answer is 7.</think>"),
        (TraceLanguage(), THOUGHT, "three plus four: " + "三加四等于七，所以答案是七。" * 4),
    ],
)
def test_conditions_on_traces(tmp_path: Path, one: Any, good: str, bad: str) -> None:
    removed, _ = run(one, frame_of(tmp_path, traced(good, bad, None)), tmp_path)
    assert {*removed} == {1, 2}
    assert removed[2].reason == "no demonstration"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Difficulty(num_samples=0), "num_samples must be at least 1"),
        (lambda: Difficulty(min_pass_rate=0.8, max_pass_rate=0.2), "min_pass_rate <= max_pass_rate"),
        (lambda: Guessable(temperature=0), "temperature greater than 0"),
        (lambda: Hardest(num_rows=0), "num_rows must be at least 1"),
        (lambda: TraceLanguage(language="xx"), "unknown language"),
        (lambda: TraceReasoned(min_words=-1), "at least 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
