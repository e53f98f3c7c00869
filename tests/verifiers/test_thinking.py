"""Whether a completion thinks when asked to."""

from __future__ import annotations

import pytest

from proctor.chat.thinking import BUDGET_SENTENCE
from proctor.core import Message, Outcome, Task
from proctor.verifiers.thinking import ModeVerifier

THOUGHT, EMPTY = "<think>\n7+5=12\n</think>\n\n12", "<think>\n\n</think>\n\n12"


@pytest.mark.parametrize(
    ("prompt", "completion", "is_right"),
    [
        ("7+5= /think", THOUGHT, True),
        ("7+5= /think", EMPTY, False),
        ("7+5= /think", "12", False),
        ("7+5= /no_think", EMPTY, True),
        ("7+5= /no_think", "12", True),
        ("7+5= /no_think", THOUGHT, False),
        ("7+5=", THOUGHT, True),
        ("7+5=", EMPTY, False),
        ("7+5= /think /no_think", EMPTY, True),
        ("7+5= /think", "<think>7+5=12", False),
        ("7+5= /think", f"<think>\n7+5=1{BUDGET_SENTENCE}12", True),
        ("7+5= /think", f"<think>\n\n\n{BUDGET_SENTENCE}12", False),
    ],
)
def test_the_flag_is_followed(prompt: str, completion: str, is_right: bool) -> None:
    assert (ModeVerifier()(completion, Task("t", prompt, "12")).outcome is Outcome.CORRECT) == is_right


def test_the_last_flag_of_the_conversation_counts_and_gold_follows_it() -> None:
    for last, wrong in (("/think", EMPTY), ("/no_think", THOUGHT)):
        task = Task("t", (Message("user", "a /no_think"), Message("assistant", "b"), Message("user", f"7+5= {last}")), "12")
        verifier = ModeVerifier()
        assert verifier(verifier.gold(task), task).outcome is Outcome.CORRECT
        assert verifier(wrong, task).outcome is Outcome.INCORRECT
