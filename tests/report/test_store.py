"""Rollouts by SQL against the same read with pyarrow; hostile texts and places; and how little is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proctor.errors import ConfigError, LearnerError
from proctor.report.library import Library, Question
from proctor.report.query import EVERYTHING
from proctor.report.rollout import NUM_TOKENS, TEXT_CHARACTERS, Part, read_text, split_parts
from proctor.report.run_files import StepFile
from proctor.report.store import ORDERS, Key, Order, Store, checked_order
from proctor.report.tokens import TokenReader
from tests.report.tables import row, table


def _all_rows(path: Path) -> list[dict[str, Any]]:
    return [each for file in sorted((path / "rollouts").glob("*.parquet")) for each in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_in_order_are_the_sorted_table(library: Library, run_path: Path, order: Order) -> None:
    name, _, descending = order.partition("_")
    field = {"place": "step", "reward": "reward", "advantage": "advantage", "length": "num_completion_tokens"}[name]
    sign = -1 if descending else 1
    rows = sorted(_all_rows(run_path), key=lambda each: (each[field] is None, sign * (each[field] or 0), each["step"], each["group"], each["index"]))
    expected = [Key(each["step"], each["group"], each["index"]) for each in rows]
    run = library.runs[0]
    found = [row.key for offset in range(0, 400, 100) for row in library.page(run, Question(order=order, offset=offset, limit=100))]
    assert found == expected
    assert library.count(run, Question()) == len(expected) == 384


def test_a_row_says_what_the_table_says(small: Library) -> None:
    rows = small.page(small.runs[0], Question())
    assert [(each.reward, each.is_correct, each.outcomes, each.num_characters) for each in rows] == [
        (1.0, True, ("CORRECT",), 15),
        (0.0, False, ("INCORRECT",), 4),
        (None, False, ("ERROR",), 0),
        (0.5, True, (None,), 7),
    ]


def test_a_group_and_a_task(library: Library, run_path: Path) -> None:
    run = library.runs[0]
    assert [each.key for each in library.group(run, 5, 2)] == [Key(5, 2, index) for index in range(4)]
    task = library.group(run, 5, 2)[0].task_id
    expected = [Key(each["step"], each["group"], each["index"]) for each in _all_rows(run_path) if each["task_id"] == task and 3 <= each["step"] <= 9]
    assert [each.key for each in library.task(run, task, 3, 9)] == sorted(expected)
    assert library.group(run, 99, 0) == []


def test_one_rollout_opens_one_file(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    ask = Store.ask

    def counting(self: Store, files: list[StepFile], *rest: Any) -> Any:
        opened.append(len(files))
        return ask(self, files, *rest)

    monkeypatch.setattr(Store, "ask", counting)
    run = library.runs[0]
    view = library.rollout(run, Key(7, 1, 2))
    assert view.key == Key(7, 1, 2) and opened == [1]
    opened.clear()
    library.page(run, Question(step=7, order="reward_desc"))
    assert opened == [1, 1]
    opened.clear()
    library.page(run, Question(order="reward_desc", limit=2))
    assert opened[0] == 24 and opened[1] <= 2  # keys from all files, texts only from those of the page


def test_a_rollout_in_full(library: Library, run_path: Path) -> None:
    run = library.runs[0]
    plain = next(each for each in _all_rows(run_path) if each["num_turns"] == 2)
    view = library.rollout(run, Key(plain["step"], plain["group"], plain["index"]))
    assert [token.id for token in view.tokens] == plain["token_ids"]
    assert view.token_columns == ("behavior_logprobs", "logprobs", "old_logprobs", "entropies", "log_ratio")
    assert [token.values[0] for token in view.tokens] == pytest.approx(plain["behavior_logprobs"])
    assert [token.values[4] for token in view.tokens] == pytest.approx([a - b for a, b in zip(plain["logprobs"], plain["old_logprobs"], strict=True)], abs=1e-6)
    assert [turn.is_own for turn in view.turns] == [True, False, True]
    assert [part.kind for part in view.turns[0].parts] == ["reasoning", "tool_call"]
    assert view.turns[1].parts[0].text.strip() == f"<tool_response>{plain['answer'].strip(chr(34))}</tool_response>"
    assert view.text.text == plain["text"] and view.scores[0].name == "number"
    assert view.notes == ()


def test_what_a_table_lacks_is_said(small: Library) -> None:
    view = small.rollout(small.runs[0], Key(0, 0, 0))
    assert any("no tokenizer yet" in note for note in view.notes)
    assert any("no entropy and no ratio" in note for note in view.notes)
    assert view.turns == () and [token.text for token in view.tokens] == ["⟨1⟩", "⟨2⟩", "⟨3⟩", "⟨4⟩"]


@pytest.mark.parametrize("key", [Key(0, 9, 0), Key(44, 0, 0)])
def test_no_such_rollout(small: Library, key: Key) -> None:
    with pytest.raises(ConfigError, match="has no rollout"):
        small.rollout(small.runs[0], key)


def test_ten_megabytes_on_one_line(tmp_path: Path) -> None:
    text = "ä" * 5_000_000 + "the end"
    pq.write_table(table([row(text=text, prompt_text=text, token_ids=list(range(50_000)))]), tmp_path / "long.parquet")
    library = Library([tmp_path / "long.parquet"])
    run = library.runs[0]
    page = library.page(run, Question())[0]
    assert len(page.snippet) < 1000 and len(page.prompt) < 1000 and page.num_characters == len(text)
    view = library.rollout(run, Key(0, 0, 0), tokens_offset=48_000)
    assert len(view.text.text) == TEXT_CHARACTERS and len(view.tokens) == 2000 and view.num_tokens == 50_000
    assert len(library.rollout(run, Key(0, 0, 0)).tokens) == NUM_TOKENS
    pieces = [view.text.text]
    while sum(map(len, pieces)) < len(text):
        pieces.append(read_text(library.store, run, Key(0, 0, 0), "text", sum(map(len, pieces))).text)
    assert "".join(pieces) == text
    library.close()


def test_bytes_that_are_no_unicode_are_shown_with_their_replacement(tmp_path: Path) -> None:
    bad = pa.array([b"before \xff\xfe after", b"fine"])
    whole = table([row(index=0, reason="why"), row(index=1)])
    text = pa.Array.from_buffers(pa.string(), 2, bad.buffers())
    broken = whole.set_column(whole.schema.get_field_index("text"), whole.schema.field("text"), text)
    pq.write_table(broken, tmp_path / "bad.parquet")
    library = Library([tmp_path / "bad.parquet"])
    rows = library.page(library.runs[0], Question())
    assert [each.snippet for each in rows] == ["before \ufffd\ufffd after", "fine"]
    assert library.rollout(library.runs[0], Key(0, 0, 0)).scores[0].reason == "why"
    library.close()


@pytest.mark.parametrize("name", ["run[1]", "run*", "what?", "{a,b}", "it's", 'a"b', "ü ñ", "a\nb"])
def test_any_name_of_a_directory(tmp_path: Path, name: str) -> None:
    run = tmp_path / name
    (run / "rollouts").mkdir(parents=True)
    (tmp_path / "run1" / "rollouts").mkdir(parents=True)  # what the pattern run[1] would match
    pq.write_table(table([row(text="mine")]), run / "rollouts" / "step-000000.parquet")
    pq.write_table(table([row(text="other")]), tmp_path / "run1" / "rollouts" / "step-000000.parquet")
    library = Library([run])
    assert [each.snippet for each in library.page(library.runs[0], Question())] == ["mine"]
    library.close()


def test_a_file_that_vanishes_is_one_message(library: Library, run_path: Path) -> None:
    (run_path / "rollouts" / "step-000004.parquet").unlink()
    with pytest.raises(LearnerError, match="cannot be read"):
        library.page(library.runs[0], Question(step=4))
    assert library.store.count([], EVERYTHING) == 0


def test_orders_by_name() -> None:
    assert checked_order("reward_desc") == "reward_desc"
    with pytest.raises(ConfigError, match="orders are place"):
        checked_order("reward; DROP TABLE")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("plain", (Part("text", "plain"),)),
        ("<think>a</think> b", (Part("reasoning", "a"), Part("text", "b"))),
        ("x<think>never ends", (Part("text", "x"), Part("reasoning", "never ends"))),
        ('<tool_call>{"name": "f"}</tool_call>', (Part("tool_call", '{"name": "f"}'),)),
        ("```python\n1```<answer>2</answer>", (Part("code", "python\n1"), Part("answer", "2"))),
    ],
)
def test_parts_of_a_completion(text: str, parts: tuple[Part, ...]) -> None:
    assert split_parts(text) == parts


def test_marks_without_end_take_linear_work() -> None:
    text = "<think>" * 50_000
    assert len(split_parts(text)) == 1  # returns at all: a backtracking pattern would not


def test_two_runs_of_different_vocabularies(library: Library, run_path: Path, small_path: Path) -> None:
    both = Library([run_path, small_path])
    first, second = (both.reader(run) for run in both.runs)
    assert first.is_ready and not second.is_ready
    assert both.reader(both.runs[0]) is first
    both.close()


def test_a_torn_tokenizer_is_a_note(run_path: Path) -> None:
    next(run_path.glob("checkpoints/*/tokenizer.json")).write_text("{")
    library = Library([run_path])
    reader = library.reader(library.runs[0])
    assert not reader.is_ready and "tokenizer cannot be read" in reader.reason
    library.close()


def test_pieces_join_to_the_text(made_up: Path) -> None:
    reader = TokenReader(next(made_up.glob("checkpoints/*/tokenizer.json")))
    for text in ("The answer is 42.", "然后把个位数加起来 Ω 🙂🙂", "a\u202eb\0c"):
        ids = reader._tokenizer.encode(text).ids  # type: ignore[union-attr]
        assert "".join(reader.pieces(ids)) == reader.text(ids) == text
    assert reader.pieces([10**6, -1]) == ["⟨1000000⟩", "⟨-1⟩"]


def test_bytes_that_never_become_a_character_do_not_hold_the_rest_back(made_up: Path) -> None:
    reader = TokenReader(next(made_up.glob("checkpoints/*/tokenizer.json")))
    start = reader._tokenizer.encode("🙂").ids[:1]  # type: ignore[union-attr]  # the first byte alone
    pieces = reader.pieces(start * 1000)
    assert len(pieces) == 1000 and max(map(len, pieces)) <= 4
