"""Verifiers of text, choices, form, and those that come with a data set."""

from __future__ import annotations

import pytest

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.format import FormatVerifier
from proctor.verifiers.names import ALIASES, load_verifier
from proctor.verifiers.reasoning_gym import ReasoningGymVerifier
from proctor.verifiers.text import ChoiceVerifier, ExactVerifier, F1Verifier, RegexVerifier

CORRECT, INCORRECT, UNPARSED = Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNPARSED


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [
        ("B", CORRECT),
        ("(B)", CORRECT),
        ("The answer is (B).", CORRECT),
        ("Answer: B", CORRECT),
        ("**Answer: B**", CORRECT),
        (r"\boxed{\text{B}}", CORRECT),
        (r"\boxed{B. Paris}", CORRECT),
        ("<think>The answer is A</think>The answer is B because of that.", CORRECT),
        (r"Option B is tempting, however \boxed{D}", INCORRECT),
        ("The answer is A. The answer is B.", INCORRECT),
        ("Answer: A\nAnswer: B\nAnswer: C\nAnswer: D", INCORRECT),
        (r"\boxed{B} \boxed{C}", INCORRECT),
        (r"\boxed{A or B}", UNPARSED),
        (r"\boxed{B. or A}", UNPARSED),
        ("Both A and B", UNPARSED),
        ("It is not B", UNPARSED),
        ("A good question", UNPARSED),
        ("I think so", UNPARSED),
        ("F", UNPARSED),
        ("<think>B", UNPARSED),
        ("", UNPARSED),
        ("Option B", CORRECT),
        ("I choose B.", CORRECT),
        ("Both look fine.\nSo I'd pick option (B).", CORRECT),
        ("The answer is:\n\nB", CORRECT),
        ("**Answer:**\n\n**(B)**\n\nIt is the capital.", CORRECT),
        ("The answer is **(B)** Paris", CORRECT),
        ("The answer is B, not C.", CORRECT),
        ("The correct answer to the question is (B).", CORRECT),
        ('The answer is therefore "B".', CORRECT),
        ("Answer: the correct one is B.", CORRECT),
        ("The answer is clear from the figure. The answer is B.", CORRECT),
        ("To answer this we count.\nThe answer is B since C is too small.", CORRECT),
        ("<answer>The answer is (B).</answer>", CORRECT),
        (r"\boxed{B. A dog}", CORRECT),
        (r"\boxed{\textbf{(B)}\ 5}", CORRECT),
        (r"\boxed{\textbf{(B) }\frac{1}{2}}", CORRECT),
        (r"\boxed{\mathbf{(B)}5}", CORRECT),
        ("B. No", CORRECT),
        ("B. Not enough is known", CORRECT),
        ("B. wrong", UNPARSED),
        ("B: no, c", UNPARSED),
        ("B. A or C", UNPARSED),
        ("(B) or C", UNPARSED),
        ("The answer is B which is wrong.", UNPARSED),
        ("<answer>The answer is B which is wrong.</answer>", UNPARSED),
        ("The answer is B. No, C.", UNPARSED),
        ("The answer is not $B$.", UNPARSED),
        ("The answer is not B.", UNPARSED),
        ("The answer cannot be B.", UNPARSED),
        ("None of the answers is B.", UNPARSED),
        ("I do not think that the answer is B.", UNPARSED),
        ("The wrong answer is B.", UNPARSED),
        ("The answer is B or C.", UNPARSED),
        ("The answer is B as well as C.", UNPARSED),
        ("The answer is B, not B.", UNPARSED),
        ("The answer is probably C. The answer is B.", UNPARSED),
        ("If I choose B then it is too small.", UNPARSED),
        ("Option B is tempting", UNPARSED),
        ("I choose B. The answer is C.", INCORRECT),
        ("The answer is A, not B.", INCORRECT),
    ],
)
def test_choice(completion: str, outcome: Outcome) -> None:
    assert ChoiceVerifier()(completion, Task("t", "", "B")).outcome is outcome


def test_a_remark_beside_the_letter_is_the_text_of_its_option() -> None:
    task = Task("t", "", "B", {"choices": ["A dog", "Paris", "5"]})
    for right in ("B. Paris", r"\boxed{B. Paris}", "The answer is **(B)** Paris.", "The answer is B (paris).", "The answer is B, not C."):
        assert ChoiceVerifier()(right, task).outcome is CORRECT, right
    for wrong in ("B. A dog", "B. wrong", r"\boxed{B. A dog}", "The answer is (B) A dog."):
        assert ChoiceVerifier()(wrong, task).outcome is UNPARSED, wrong
    assert ChoiceVerifier()(r"\boxed{\textbf{(C)}\ 5}", Task("t", "", "C", task.info)).outcome is CORRECT


def test_floods_of_choices_end() -> None:
    """The square of these lengths would take hours, and the suite's time limit would say so."""
    for flood in (
        "answer " * 30_000,
        "answer is B" * 20_000,
        "I choose " * 20_000,
        "(B) " * 50_000,
        "\\boxed{B " * 20_000,
        "<answer>" * 30_000,
        "B. " + "A " * 50_000,
    ):
        assert ChoiceVerifier()(flood, Task("t", "", "B")).outcome in (INCORRECT, UNPARSED)


def test_choice_gold() -> None:
    verifier = ChoiceVerifier(choices="ABCD")
    for answer in ("C", "(C)", "C."):
        task = Task("t", "", answer)
        assert verifier(verifier.gold(task), task).outcome is CORRECT
    for answer in ("E", "Paris", None):
        with pytest.raises(TaskError, match="task t"):
            verifier.gold(Task("t", "", answer))
    with pytest.raises(ConfigError, match="distinct capital letters"):
        ChoiceVerifier(choices="AAB")


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [("New  York\n", CORRECT), ("<answer>New York</answer> it is", CORRECT), ("new york", INCORRECT), ("New York City", INCORRECT), (" ", UNPARSED)],
)
def test_exact(completion: str, outcome: Outcome) -> None:
    assert ExactVerifier()(completion, Task("t", "", "New York")).outcome is outcome


def test_exact_can_ignore_case() -> None:
    assert ExactVerifier(ignore_case=True)("new york", Task("t", "", "New York")).outcome is CORRECT
    with pytest.raises(TaskError, match="no reference answer"):
        ExactVerifier()("", Task("t", "", ""))


@pytest.mark.parametrize(
    ("answer", "reference", "is_same"),
    [
        ("-5", "5", False),
        ("1.5", "5.1", False),
        ("<5", ">5", False),
        ("< 5", "5", False),
        ("$-5$", "-5", True),
        ("−$5", "-5", True),
        ("it is 1,500.", "It is 1500", True),
        (".5", "0.5", True),
        ("1,2", "1, 2", True),
        ("pages 10-15", "pages 10–15", True),
        ("the well-known 3rd man's", "Well known 3rd mans", True),
    ],
)
def test_f1_compares_numbers_with_their_sign_and_point(answer: str, reference: str, is_same: bool) -> None:
    score = F1Verifier()(answer, Task("t", "", reference))
    assert (score.outcome is CORRECT) is is_same
    assert F1Verifier()(reference, Task("t", "", answer)).outcome is score.outcome


def test_regex() -> None:
    verifier = RegexVerifier(r"RESULT=(\w+)")
    assert verifier("RESULT=a RESULT=b", Task("t", "", "b")).outcome is CORRECT
    assert verifier("RESULT=b RESULT=a", Task("t", "", "b")).outcome is INCORRECT
    assert verifier("b", Task("t", "", "b")).outcome is UNPARSED
    for pattern in ("(", "no group", "(two)(groups)"):
        with pytest.raises(ConfigError, match="pattern"):
            RegexVerifier(pattern)


@pytest.mark.parametrize(
    ("completion", "is_correct"),
    [
        ("<think>r</think><answer>a</answer>", True),
        (" <think>\nr</think>\n<answer>a < b</answer>\n", True),
        ("<think></think><answer>a</answer>", False),
        ("<think>r</think><answer> </answer>", False),
        ("<answer>a</answer><think>r</think>", False),
        ("<think>r</think><think>r</think><answer>a</answer>", False),
        ("<think>r<answer>a</answer></think>", False),
        ("<think>r</think>so <answer>a</answer>", False),
        ("<think>r</think><answer>a</answer> done", False),
        ("<think>r</think><answer>a", False),
        ("<answer>a</answer>", False),
        ("", False),
    ],
)
def test_format(completion: str, is_correct: bool) -> None:
    score = FormatVerifier()(completion, Task("t", ""))
    assert (score.outcome is CORRECT) is is_correct
    assert is_correct or score.reason


def test_reasoning_gym() -> None:
    reasoning_gym = pytest.importorskip("reasoning_gym")
    entry = reasoning_gym.create_dataset("chain_sum", seed=3, size=1)[0]
    task = Task("t", entry["question"], entry["answer"], {"reasoning_gym": {"dataset": "chain_sum", "entry": entry, "config": {"seed": 3, "size": 1}}})
    verifier = ReasoningGymVerifier()
    right = entry["answer"]
    for completion in (verifier.gold(task), right, rf"so \boxed{{{right}}}", f"The answer is {right}.", f"<think>1</think>{right}"):
        assert verifier(completion, task).outcome is CORRECT, completion
    hedge = f"Perhaps {right}, perhaps not"
    assert 0 < dict(verifier(hedge, task).metrics)["partial_credit"] < 1  # the package's own scorer pays for it
    for one in (verifier, ReasoningGymVerifier(partial_credit=True)):
        assert one(hedge, task) == Score(INCORRECT, 0.0, hedge, "whole", one(hedge, task).metrics)
    assert verifier(f"<answer>0</answer><answer>{right}</answer>", task).value == 0.0
    with pytest.raises(TaskError, match="does not come from Reasoning Gym"):
        verifier("1", Task("t", ""))


def test_names() -> None:
    for name in ALIASES.keys() - {"judge", "pairwise", "gate", "coq", "lean"}:  # these need arguments, or a toolchain
        assert callable(load_verifier(name)())
    assert isinstance(load_verifier("number")()("= 4", Task("t", "", 4)), Score)
    with pytest.raises(ConfigError, match="Did you mean 'math'"):
        load_verifier("maths")
