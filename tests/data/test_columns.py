"""Columns become roles: the recognised names, the order among them, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from proctor.core import Message, Task
from proctor.data.columns import CANDIDATES, ColumnMapping, build_tasks, detect_columns
from proctor.data.config import DataConfig
from proctor.data.files import Row
from proctor.errors import ConfigError, TaskError


def build(values: Sequence[Mapping[str, Any]], **settings: Any) -> tuple[tuple[Task, ...], ColumnMapping]:
    config = DataConfig("f.jsonl", **settings)
    rows = [Row(row, f"f.jsonl:{number}") for number, row in enumerate(values, start=1)]
    mapping = detect_columns(rows, config.columns, name="f.jsonl")
    return build_tasks(rows, mapping, config, name="f.jsonl", stem="f"), mapping


@pytest.mark.parametrize("column", CANDIDATES["prompt"])
def test_every_prompt_name_is_recognised(column: str) -> None:
    (task,), mapping = build([{column: "1 + 1?", "answer": "2", "level": 3}])
    assert task == Task("f-0", "1 + 1?", "2", {"level": 3}, "f")
    assert mapping.describe() == f"prompt <- {column}, answer <- answer, info <- level"


@pytest.mark.parametrize("column", CANDIDATES["answer"])
def test_every_answer_name_is_recognised(column: str) -> None:
    root, _, entry = column.partition(".")
    (task,), mapping = build([{"prompt": "p", root: {entry: " 2 "} if entry else " 2 "}])
    assert task.answer == " 2 "
    assert mapping.describe() == f"prompt <- prompt, answer <- {column}"


def test_a_reward_function_finds_the_answer_column_under_its_own_name() -> None:
    (task,), _ = build([{"prompt": "p", "ground_truth": "2", "reward_model": {"style": "rule", "ground_truth": "3"}}])
    assert task.answer == "2"
    assert task.info == {"ground_truth": "2", "reward_model": {"style": "rule", "ground_truth": "3"}}


def test_the_order_decides_and_the_rest_is_mentioned() -> None:
    (task,), mapping = build([{"instruction": "do", "input": "it", "label": "a", "solution": "b"}])
    assert (task.prompt, task.answer) == ("it", "b")
    assert task.info == {"instruction": "do", "label": "a", "solution": "b"}
    assert mapping.describe() == "prompt <- input (also present: instruction), answer <- solution (also present: label), info <- instruction + label"


def test_verl_rows() -> None:
    row = {
        "data_source": "openai/gsm8k",
        "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "72"},
        "extra_info": {"split": "train", "index": 7, "ability": "hidden by the column"},
    }
    (task,), mapping = build([row])
    assert (task.id, task.source, task.answer) == ("7", "openai/gsm8k", "72")
    assert task.messages == (Message("system", "s"), Message("user", "q"))
    assert task.info["split"] == "train"
    assert task.info["ability"] == "math"
    assert task.info["extra_info"] == row["extra_info"]
    assert mapping.describe() == (
        "prompt <- prompt, answer <- reward_model.ground_truth, source <- data_source, id <- extra_info.index, info <- ability + entries of extra_info"
    )


def test_the_last_assistant_message_is_the_answer_where_no_column_is() -> None:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    (task,), mapping = build([{"messages": messages}])
    assert (task.messages, task.answer) == ((Message("user", "q"),), "a")
    assert mapping.describe() == "prompt <- messages, answer <- last assistant message of messages"


def test_the_last_assistant_message_is_never_shown_to_the_model() -> None:
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "so it is 2"}]
    (task,), _ = build([{"messages": messages, "answer": "2"}])
    assert (task.messages, task.answer) == ((Message("user", "q"),), "2")
    assert task.info == {"reference_completion": "so it is 2"}


def test_the_final_answer_marker_counts_only_where_every_row_has_one() -> None:
    rows = [{"question": "q", "answer": "work\n#### 1,000"}, {"question": "r", "answer": "more\nwork\n#### 2 "}]
    tasks, mapping = build(rows)
    assert [task.answer for task in tasks] == ["1,000", "2"]
    assert [task.info for task in tasks] == [{"solution": row["answer"]} for row in rows]
    assert mapping.describe() == 'prompt <- question, answer <- answer (the text after "####"; all of it in info.solution)'
    for other in ("plain", "a\n#### b\n#### c", "a\n#### b\nc", "a\n#### ", 7):
        tasks, mapping = build([*rows, {"question": "s", "answer": other}])
        assert [task.answer for task in tasks] == [rows[0]["answer"], rows[1]["answer"], other]
        assert "####" not in mapping.describe()


def test_the_marker_leaves_a_solution_column_alone() -> None:
    (task,), _ = build([{"question": "q", "answer": "work\n#### 1", "solution": "own"}])
    assert task.info == {"solution": "own", "full_answer": "work\n#### 1"}


def test_an_explicit_mapping_overrides_detection() -> None:
    (task,), mapping = build([{"problem": "p", "prompt": "other", "final": "2", "answer": "no"}], columns={"prompt": "problem", "answer": "final"})
    assert (task.prompt, task.answer) == ("p", "2")
    assert task.info == {"prompt": "other", "final": "2", "answer": "no"}
    assert mapping.describe() == "prompt <- problem, answer <- final, info <- prompt + answer"


def test_a_column_named_for_one_role_is_not_guessed_for_another() -> None:
    (task,), _ = build([{"question": "4", "solution": "2 + 2 = ?"}], columns={"prompt": "solution"})
    assert (task.prompt, task.answer) == ("2 + 2 = ?", None)
    (task,), _ = build([{"question": "4", "problem": "2 + 2 = ?"}], columns={"answer": "question"})
    assert (task.prompt, task.answer) == ("2 + 2 = ?", "4")


def test_an_empty_name_means_no_column() -> None:
    tasks, mapping = build([{"prompt": "p", "label": None, "id": "x"}, {"prompt": "q", "label": "1", "id": "x"}], columns={"answer": "", "id": ""})
    assert [(task.id, task.answer) for task in tasks] == [("f-0", None), ("f-1", None)]
    assert mapping.describe() == "prompt <- prompt, answer <- none, info <- label + id"


def test_template_and_system() -> None:
    (task,), _ = build([{"prompt": "{x} \\frac{1}{2}", "answer": "1/2"}], template="Solve {prompt} now.", system="Be brief.")
    assert task.prompt == (Message("system", "Be brief."), Message("user", "Solve {x} \\frac{1}{2} now."))
    roles = ("system", "user", "assistant", "user")
    (task,), _ = build([{"prompt": [{"role": role, "content": role} for role in roles]}], template="<{prompt}>", system="new")
    assert [(message.role, message.content) for message in task.messages] == [
        ("system", "new"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("user", "<user>"),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"text": "p", "gold": "a"}], "no prompt column. Its columns: text, gold. Recognised: prompt, messages, .* --set data.columns.prompt=NAME"),
        ([{"prompt": "p"}, {"prompt": " "}], r"f\.jsonl:2: the prompt \(column 'prompt'\) is empty"),
        ([{"prompt": "p"}, {"other": "x"}], r"f\.jsonl:2: the prompt \(column 'prompt'\) is empty"),
        ([{"prompt": []}], r"f\.jsonl:1: the prompt .* is empty"),
        ([{"prompt": 7}], r"f\.jsonl:1: .* must be text or a list of messages; it is a int"),
        ([{"prompt": ["q"]}], r"f\.jsonl:1: message 1 of 'prompt' must be an object"),
        ([{"prompt": [{"role": "usr", "content": "q"}]}], r"f\.jsonl:1: message 1 of 'prompt' unknown role 'usr'. Did you mean 'user'"),
        ([{"prompt": [{"role": "user", "content": [{"type": "image"}]}]}], r"f\.jsonl:1: .* content must be text; it is a list"),
        ([{"prompt": [{"role": "user", "content": "q", "tool_calls": [{"name": "f"}]}]}], r"f\.jsonl:1: .* tool_calls"),
        ([{"messages": [{"role": "assistant", "content": "a"}]}], r"f\.jsonl:1: .* no user message"),
        ([{"prompt": "p", "id": "a"}, {"prompt": "q", "id": "a"}], r"f\.jsonl:2: id 'a' is already that of f\.jsonl:1"),
        (
            [{"prompt": "p", "answer": "1"}, {"prompt": "q"}, {"prompt": "r", "answer": None}],
            r"2 of 3 rows of f\.jsonl have no answer \(answer\): f\.jsonl:2, f\.jsonl:3\.",
        ),
        ([{"prompt": "p", "answer": float("nan")}], r"1 of 1 rows of f\.jsonl have no answer"),
        ([{"prompt": "p", "answer": "1"}, {"prompt": "q", "answer": " "}], r"1 of 2 rows of f\.jsonl have no answer .*f\.jsonl:2"),
    ],
)
def test_malformed_rows_name_the_place(rows: list[dict[str, Any]], expected: str) -> None:
    with pytest.raises(TaskError, match=expected):
        build(rows)


def test_wrong_settings_are_usage_errors() -> None:
    with pytest.raises(ConfigError, match=r"data.columns.prompt = 'problm': unknown column of f.jsonl 'problm'. Did you mean 'problem'"):
        build([{"problem": "p"}], columns={"prompt": "problm"})
    with pytest.raises(ConfigError, match=r"unknown role in data.columns 'anwser'. Did you mean 'answer'"):
        DataConfig("x", columns={"anwser": "a"})
    with pytest.raises(ConfigError, match="must contain"):
        DataConfig("x", template="no place")
    with pytest.raises(ConfigError, match=r"data.max_tasks is 0"):
        DataConfig("x", max_tasks=0)
