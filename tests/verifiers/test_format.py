"""The form of a completion: two strings that have it, and what careless graders accept in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError
from proctor.verifiers.format import FormatVerifier, has_content

GOOD = ("<think>3 + 4 = 7</think><answer>7</answer>", "\n<think>\nbecause a < b\n</think>\n\n<answer>\n\\emptyset\n</answer>\n")
BAD = (
    "<answer>7</answer><think>3 + 4</think>",
    "<think>a</think><think>b</think><answer>7</answer>",
    "<think>a</think><answer>6</answer><answer>7</answer>",
    "<think></think><answer>7</answer>",
    "<think>a</think><answer> \n</answer>",
    "<think>a</think> so <answer>7</answer>",
    "Sure! <think>a</think><answer>7</answer>",
    "<think>a</think><answer>7</answer> Done.",
    "<think>a<answer>7</answer></think>",
    "<think>a</think><answer>7",
    "<think>a<answer>7</answer>",
    "<answer>7</answer>",
    "<think>a</think>7",
    "<think>\u200b\u2060</think><answer>7</answer>",
    "<think>a</think><answer>...</answer>",
    "<think> reasoning process here </think> <answer> answer here </answer>",
    "<THINK>a</THINK><ANSWER>7</ANSWER>",
    "<think>a</think><answer>7</answer></answer>",
    "<think>a</think ><answer>7</answer>",
    "<think>a</think><answer>7</Answer></answer>",
    "<think>a<think/>b</think><answer>7</answer>",
    "<think>a</think><answer>7</answer><think>b</think><answer>8</answer>",
    "",
    "7",
)
TASK = Task("t", "What is 3 + 4?", "7")


@pytest.mark.parametrize("completion", GOOD)
def test_good(completion: str) -> None:
    assert FormatVerifier()(completion, TASK).outcome is Outcome.CORRECT


@pytest.mark.parametrize("completion", BAD)
def test_bad(completion: str) -> None:
    score = FormatVerifier()(completion, TASK)
    assert score.outcome is Outcome.INCORRECT and score.reason and score.value == 0.0


def test_the_answer_is_what_was_extracted() -> None:
    assert FormatVerifier()(GOOD[0], TASK).extracted == "7"
    assert FormatVerifier(("plan", "code", "result"))("<plan>p</plan><code>c</code><result>))]</result>", TASK).extracted == "))]"
    assert FormatVerifier()(FormatVerifier().gold(TASK), TASK).outcome is Outcome.CORRECT
    assert FormatVerifier()(FormatVerifier().gold(Task("t", "")), TASK).outcome is Outcome.CORRECT


def test_tags_may_come_from_a_configuration_as_a_list() -> None:
    assert FormatVerifier(["think", "answer"]).tags == ("think", "answer")  # type: ignore[arg-type]
    for tags in ((), ("a", "a"), ("a b",), ("",)):
        with pytest.raises(ConfigError, match="distinct names"):
            FormatVerifier(tags)


@given(st.text(max_size=50), st.text(max_size=50))
def test_any_two_contents_without_tags_have_the_form(reasoning: str, answer: str) -> None:
    is_plain = all("<" not in text and has_content(text) for text in (reasoning, answer))
    outcome = FormatVerifier()(f"<think>{reasoning}</think><answer>{answer}</answer>", TASK).outcome
    assert (outcome is Outcome.CORRECT) or not is_plain


@given(st.lists(st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "x", " "]), max_size=9))
def test_only_the_one_order_is_accepted(pieces: list[str]) -> None:
    visible = [piece for piece in pieces if piece != " "]
    is_form = visible == ["<think>", *["x"] * (visible.index("</think>") - 1 if "</think>" in visible else 0), "</think>", "<answer>"] + ["x"] * (
        len(visible) - visible.index("<answer>") - 2 if "<answer>" in visible else 0
    ) + ["</answer>"]
    has_x = is_form and visible[1] == "x" and visible[-2] == "x"
    assert (FormatVerifier()("".join(pieces), TASK).outcome is Outcome.CORRECT) is has_x


@pytest.mark.parametrize("text", ["\u2800", "\u3164", "Reasoning process here.", "..."])
def test_letters_that_show_nothing_and_the_template_are_no_content(text: str) -> None:
    assert not has_content(text)
