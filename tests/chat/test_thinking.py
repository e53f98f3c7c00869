"""Flags, tags, budgets and the data that teaches both modes, with tags of one token and of several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

from proctor.chat.renderer import Renderer, teach_modes
from proctor.chat.thinking import (
    BUDGET_SENTENCE,
    EMPTY_BLOCK,
    Trace,
    VisibleText,
    block,
    follows,
    fusion_tasks,
    is_thinking,
    mode_of,
    thinking_in,
    with_flag,
    with_switch,
)
from proctor.core import Message, Task
from proctor.errors import ConfigError, TaskError
from proctor.models.tiny import byte_tokenizer
from proctor.verifiers.extraction import after_reasoning
from tests.chat.characters import character_tokenizer


def with_tag_tokens(*, special: bool):
    """The byte tokenizer with each tag as one token, special or not (Qwen3's are not)."""
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens([AddedToken(tag, special=special, normalized=False) for tag in ("<think>", "</think>")], special_tokens=special)
    return tokenizer


def test_the_last_flag_of_user_and_system_messages_wins() -> None:
    system, first, answer = Message("system", "/no_think"), Message("user", "one /think"), Message("assistant", "I say /no_think")
    assert mode_of([Message("user", "hello")]) is None
    assert mode_of([system]) == "no_think"
    assert mode_of([system, first, answer]) == "think"
    assert mode_of([system, first, answer, Message("user", "/think then /no_think")]) == "no_think"
    assert mode_of([Message("user", "see docs/think and /thinking or x/no_think")]) is None


def test_a_flag_goes_to_the_end_of_the_last_user_message() -> None:
    flagged = with_flag([Message("system", "s /think"), Message("user", "a"), Message("assistant", "b"), Message("user", "c")], "no_think")
    assert [message.content for message in flagged] == ["s /think", "a", "b", "c /no_think"]
    with pytest.raises(TaskError, match="has none"):
        with_flag([Message("system", "s")], "think")
    with pytest.raises(TaskError, match="after the last user message"):
        with_flag([Message("user", "a"), Message("system", "/think")], "no_think")


def test_the_published_sentence_and_block_are_these_characters() -> None:
    """systems.md, section 8: the period after the tag is the paper's."""
    assert BUDGET_SENTENCE == "Considering the limited time by the user, I have to give the solution based on the thinking directly now.\n</think>.\n\n"
    assert EMPTY_BLOCK == "<think>\n\n</think>\n\n"
    assert block("hm", "4") == "<think>\nhm\n</think>\n\n4"
    assert block("", "4") == "<think>\n\n</think>\n\n4"


@pytest.mark.parametrize(
    ("tail", "text", "expected"),
    [
        ("", "<think>\n1 + 1", True),
        ("", "<think>\n1 + 1</think>\n2", False),
        ("", "plain answer", False),
        ("<assistant><think>\n", "1 + 1", True),
        ("<assistant><think>\n", "1</think> 2", False),
        ("<think>\n\n</think>\n\n", "2", False),
        ("", "<think>a</think> <think>b", True),
        ("say <think> first", "2", False),
    ],
)
def test_a_block_is_open_until_its_end(tail: str, text: str, expected: bool) -> None:
    assert is_thinking(tail, text) is expected


def test_what_a_completion_thought_and_whether_it_obeys() -> None:
    assert thinking_in("<think>\nhm\n</think>\n\n4") == "hm"
    assert thinking_in("hm</think>4") == "hm"
    assert thinking_in("<think>hm") is None
    assert follows("think", block("hm", "4"))
    assert not follows("think", block("", "4"))
    assert not follows("think", "4")
    assert follows("no_think", "4")
    assert follows("no_think", block("", "4"))
    assert not follows("no_think", block("hm", "4"))
    assert not follows("no_think", "<think>hm")


@given(st.text("ab</think> \n", max_size=30), st.text("ab \n", max_size=10))
def test_what_comes_after_the_sentence_is_what_verifiers_read(thought: str, answer: str) -> None:
    assert after_reasoning("<think>" + thought + BUDGET_SENTENCE + answer) == ".\n\n" + answer


@pytest.mark.parametrize("special", [True, False])
def test_tags_of_one_token_stay_visible(special: bool) -> None:
    tokenizer = with_tag_tokens(special=special)
    ids = [*tokenizer.encode("<think>é</think>4"), tokenizer.eos_token_id]
    assert len(ids) == 6
    assert VisibleText(tokenizer)(ids) == "<think>é</think>4"
    assert VisibleText(tokenizer)([]) == ""
    renderer = Renderer(tokenizer)
    assert renderer.prefix_lengths(ids)[-2:] == [17, 17]


def test_tags_of_many_tokens_are_plain_characters() -> None:
    tokenizer = character_tokenizer()
    ids = [*tokenizer.encode("<think>1</think>4"), tokenizer.eos_token_id]
    assert len(ids) == 18
    assert VisibleText(tokenizer)(ids) == "<think>1</think>4"
    assert Renderer(tokenizer).inserted_ids(BUDGET_SENTENCE) == tuple(tokenizer.encode(BUDGET_SENTENCE))


def test_modes_need_a_template_that_knows_them_and_can_be_taught() -> None:
    tokenizer, task = character_tokenizer(), Task("a", "1+1")
    plain = Renderer(tokenizer).prompt_ids(task.messages)
    with pytest.raises(ConfigError, match=r"knows no thinking modes .* thinking.teach=true"):
        Renderer(tokenizer, "think")
    teach_modes(tokenizer)
    assert Renderer(tokenizer).prompt_ids(task.messages) == plain
    assert tokenizer.decode(Renderer(tokenizer, "think").prompt_ids(task.messages)) == "<user>1+1 /think<assistant>"
    assert tokenizer.decode(Renderer(tokenizer, "no_think").prompt_ids(task.messages)) == f"<user>1+1 /no_think<assistant>{EMPTY_BLOCK}"
    taught = str(tokenizer.chat_template)
    assert with_switch(taught) == taught
    tokenizer.chat_template = None
    with pytest.raises(ConfigError, match="no chat template"):
        teach_modes(tokenizer)


def test_budgets_need_room_and_a_model_or_prompt_that_knows_the_tags() -> None:
    renderer = Renderer(character_tokenizer())
    known, unknown = [Task("a", "Think in <think> </think>.").messages], [Task("a", "1+1").messages]
    renderer.check_budgets([8, 99], known, max_completion_tokens=100)
    renderer.check_budgets([], unknown, max_completion_tokens=100)
    for budget in (7, 100):
        with pytest.raises(ConfigError, match=f"budget of {budget} tokens leaves no room"):
            renderer.check_budgets([budget], known, max_completion_tokens=100)
    with pytest.raises(ConfigError, match="know these tags"):
        renderer.check_budgets([8], unknown, max_completion_tokens=100)
    Renderer(with_tag_tokens(special=False)).check_budgets([8], unknown, max_completion_tokens=100)
    tokenizer = character_tokenizer()
    teach_modes(tokenizer)
    Renderer(tokenizer).check_budgets([8], unknown, max_completion_tokens=100)


def traces(num_thinking: int, num_plain: int) -> list[Trace]:
    thinking = [Trace(Task(f"t{number}", f"q{number}"), f"thought {number}", f"r{number}") for number in range(num_thinking)]
    return thinking + [Trace(Task(f"p{number}", f"q{number}"), "", f"r{number}") for number in range(num_plain)]


def test_fusion_data_obeys_its_flags_half_and_half() -> None:
    tasks = fusion_tasks(traces(30, 10), thinking_fraction=0.5, unflagged_fraction=0.0, seed=0)
    modes = [task.info["thinking_mode"] for task in tasks]
    assert (len(tasks), modes.count("think")) == (20, 10)
    assert modes != sorted(modes)
    for task in tasks:
        assert mode_of(task.messages) == task.info["thinking_mode"]
        assert follows(task.info["thinking_mode"], task.info["demonstration"])
        assert task.id.endswith(f"/{task.info['thinking_mode']}")
    assert tasks == fusion_tasks(traces(30, 10), thinking_fraction=0.5, unflagged_fraction=0.0, seed=0)
    assert len(fusion_tasks(traces(30, 10), thinking_fraction=None, unflagged_fraction=0.0, seed=0)) == 40


def test_several_traces_of_a_task_are_several_tasks() -> None:
    both = [*traces(3, 2), *traces(3, 2)]
    tasks = fusion_tasks(both, thinking_fraction=None, unflagged_fraction=0.0, seed=0)
    assert len({task.id for task in tasks}) == len(tasks) == 10


def test_thinking_is_also_taught_unasked_and_flags_of_earlier_turns_are_noise() -> None:
    unflagged = fusion_tasks(traces(40, 40), thinking_fraction=None, unflagged_fraction=0.5, seed=0)
    silent = [task for task in unflagged if mode_of(task.messages) is None]
    assert 10 < len(silent) < 30
    assert {task.info["thinking_mode"] for task in silent} == {"think"}
    conversation = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    many = [Trace(Task(f"m{number}", conversation), "", "r") for number in range(30)]
    fused = fusion_tasks(many, thinking_fraction=None, unflagged_fraction=0.0, seed=0)
    assert {task.messages[0].content for task in fused} == {"a", "a /think", "a /no_think"}
    assert {task.messages[2].content for task in fused} == {"c /no_think"}


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (traces(1, 1), {"thinking_fraction": 1.5}, "between 0 and 1"),
        (traces(1, 0), {"thinking_fraction": 0.5}, "needs traces of both kinds"),
        ([Trace(Task("a", "q /think"), "", "r")], {}, "has a flag"),
        ([Trace(Task("a", "q"), "", " ")], {}, "needs a response"),
        ([Trace(Task("a", "q"), "x</think>", "r")], {}, "tags are put in here"),
    ],
)
def test_bad_traces_are_refused(given: list[Trace], options: dict[str, float], message: str) -> None:
    with pytest.raises((ConfigError, TaskError), match=message):
        fusion_tasks(given, **{"thinking_fraction": None, "unflagged_fraction": 0.0, "seed": 0, **options})
