"""From a source string to training and held-out tasks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from proctor.core import Message, Task
from proctor.data import DataConfig, LoadedTasks, content_hash, load_tasks, load_train_and_test, num_shared_prompts
from proctor.data.sources import parse_source
from proctor.errors import ConfigError, TaskError

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k"


def load(source: str, num_tasks: int | None = None, **settings: Any) -> LoadedTasks:
    return load_tasks(source, config=DataConfig(source, **settings), split="train", seed=0, num_tasks=num_tasks)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_the_same_rows_from_every_kind_of_file(tmp_path: Path) -> None:
    rows = [{"question": "1 + 1?", "answer": "2", "level": "a"}, {"question": "2 + 2?", "answer": "4", "level": "b"}]
    write_rows(tmp_path / "f.jsonl", rows)
    (tmp_path / "f.json").write_text(json.dumps(rows))
    (tmp_path / "f.csv").write_text("question,answer,level\n1 + 1?,2,a\n2 + 2?,4,b\n")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "f.parquet")
    expected = (Task("f-0", "1 + 1?", "2", {"level": "a"}, "f"), Task("f-1", "2 + 2?", "4", {"level": "b"}, "f"))
    for suffix in ("jsonl", "json", "csv", "parquet"):
        loaded = load(str(tmp_path / f"f.{suffix}"))
        assert loaded.tasks == expected
        assert loaded.describe().endswith(f"f.{suffix} (2 tasks): prompt <- question, answer <- answer, info <- level")


@pytest.mark.skipif(not GSM8K.is_dir(), reason="the GSM8K rows are not here")
def test_gsm8k() -> None:
    train, test = load_train_and_test(DataConfig(str(GSM8K / "train.jsonl"), test=str(GSM8K / "test.jsonl")), seed=0)
    assert (len(train.tasks), len(test.tasks)) == (7473, 1319)
    assert num_shared_prompts(train.tasks, test.tasks) == 0
    assert (train.tasks[0].id, train.tasks[0].answer, test.tasks[0].answer) == ("train-0", "72", "18")
    assert train.tasks[0].info["solution"].endswith("\n#### 72")
    assert [task.id for task in (*train.tasks, *test.tasks) if not re.fullmatch(r"-?[\d,]+(\.\d+)?", task.answer)] == []


def test_generated_tasks_of_one_small_space_are_split() -> None:
    train, test = load_train_and_test(DataConfig("arithmetic"), seed=3)
    assert (len(train.tasks), len(test.tasks)) == (75, 25)
    assert len({task.prompt for task in (*train.tasks, *test.tasks)}) == 100
    assert load_train_and_test(DataConfig("arithmetic"), seed=3) == (train, test)
    assert load_train_and_test(DataConfig("arithmetic"), seed=4)[1].tasks != test.tasks
    respelled = DataConfig("arithmetic", test="arithmetic:operation=add")
    assert num_shared_prompts(*(loaded.tasks for loaded in load_train_and_test(respelled, seed=3))) == 0


def test_the_held_out_tasks_do_not_depend_on_how_many_are_trained_on() -> None:
    config = DataConfig("arithmetic:digits=2", max_tasks=50, max_test_tasks=20)
    train, test = load_train_and_test(config, seed=0)
    more_train, same_test = load_train_and_test(replace(config, max_tasks=500), seed=0)
    assert (len(train.tasks), len(test.tasks), len(more_train.tasks)) == (50, 20, 500)
    assert same_test == test
    assert num_shared_prompts(more_train.tasks, test.tasks) == 0


def test_tests_of_another_difficulty_are_generated_apart() -> None:
    train, test = load_train_and_test(DataConfig("arithmetic", test="arithmetic:digits=2", max_test_tasks=30), seed=0)
    assert (len(train.tasks), len(test.tasks)) == (100, 30)
    assert test.tasks[0].info["digits"] == 2
    assert {task.source for task in test.tasks} == {"arithmetic,digits=2"}


def test_template_and_system_apply_to_generated_tasks() -> None:
    task = load("repeat", template="{prompt}!", system="s").tasks[0]
    assert task.messages[0] == Message("system", "s")
    assert task.messages[1].content == f"Repeat the word: {task.answer}!"


def test_a_file_without_a_test_source_is_split_by_prompt(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "f.jsonl", [{"prompt": f"p{number % 40}", "answer": "a"} for number in range(120)])
    train, test = load_train_and_test(DataConfig(source), seed=0)
    assert (len(train.tasks), len(test.tasks)) == (90, 30)  # ten of the forty prompts, three times each
    assert num_shared_prompts(train.tasks, test.tasks) == 0
    assert [int(task.id[2:]) for task in train.tasks] == sorted(int(task.id[2:]) for task in train.tasks)
    assert load_train_and_test(DataConfig(source), seed=0)[1].tasks == test.tasks
    assert load_train_and_test(DataConfig(source), seed=1)[1].tasks != test.tasks
    train, test = load_train_and_test(DataConfig(source, max_tasks=7, max_test_tasks=5), seed=0)
    assert (len(train.tasks), len(test.tasks)) == (7, 5)
    assert num_shared_prompts(train.tasks, test.tasks) == 0


def test_two_named_files_are_taken_as_they_are_and_shared_prompts_counted(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "f.jsonl", [{"prompt": f"p{number}", "answer": "a"} for number in range(6)])
    train, test = load_train_and_test(DataConfig(source, test=source, max_test_tasks=4), seed=0)
    assert (len(train.tasks), len(test.tasks), num_shared_prompts(train.tasks, test.tasks)) == (6, 4, 4)


def test_one_prompt_cannot_be_split(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "f.jsonl", [{"prompt": "p", "answer": "a"}] * 3)
    with pytest.raises(TaskError, match="none can be set apart for testing; give data.test"):
        load_train_and_test(DataConfig(source), seed=0)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(TaskError, match=r"no/such\.jsonl does not exist"):
        load("no/such.jsonl")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("aritmetic", "unknown data source 'aritmetic'. Did you mean 'arithmetic'"),
        ("nonsense:digits=2", "unknown data source 'nonsense'"),
        ("arithmetic:digits", "'digits' is not an argument; write name=value"),
        ("arithmetic:digits=1,digits=2", "given twice"),
        ("reasoning_gym:", "names no data set"),
        ("./tasks.txt", "allowed suffixes: .jsonl, .json, .parquet, .csv"),
        ("two words", "not understood"),
        ("a/b/c", "not understood"),
    ],
)
def test_sources_that_are_not_understood(text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        parse_source(text)


def test_argument_values() -> None:
    source = parse_source("reasoning_gym:leg_counting, a=1,b=-2.5, c=true,d=word")
    assert (source.kind, source.name) == ("procedural", "leg_counting")
    assert source.arguments == {"a": 1, "b": -2.5, "c": True, "d": "word"}
    assert source.arguments["c"] is True
    assert parse_source("openai/gsm8k").kind == "hub"
    assert parse_source("C:\\data\\f.JSONL").kind == "file"


class FakeHubData(list[dict[str, Any]]):
    def select(self, indices: range) -> FakeHubData:
        return FakeHubData(self[index] for index in indices)

    def to_list(self) -> list[dict[str, Any]]:
        NUM_READ.append(len(self))
        return list(self)


NUM_READ: list[int] = []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None, str]]:
    """A stand-in for the `datasets` package; returns the calls it received."""
    calls: list[tuple[str, str | None, str]] = []
    NUM_READ.clear()

    def load_dataset(name: str, subset: str | None, *, split: str) -> FakeHubData:
        calls.append((name, subset, split))
        if split not in ("train", "test"):
            raise ValueError(f'Unknown split "{split}". Should be one of [train, test].')
        return FakeHubData({"question": f"{split} {number}", "answer": f"w\n#### {number}"} for number in range(8))

    module = ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)
    return calls


def test_a_hub_data_set_brings_its_own_test_split(hub: list[tuple[str, str | None, str]]) -> None:
    train, test = load_train_and_test(DataConfig("openai/gsm8k", subset="main", max_test_tasks=3), seed=0)
    assert hub == [("openai/gsm8k", "main", "train"), ("openai/gsm8k", "main", "test")]
    assert NUM_READ == [8, 3]
    assert [task.id for task in test.tasks] == ["gsm8k-test-0", "gsm8k-test-1", "gsm8k-test-2"]
    assert (len(train.tasks), train.tasks[7].answer, train.source) == (8, "7", "openai/gsm8k [train]")


def test_a_hub_data_set_with_one_split_is_split(hub: list[tuple[str, str | None, str]]) -> None:
    train, test = load_train_and_test(DataConfig("a/b", split_test="train"), seed=0)
    assert (len(train.tasks), len(test.tasks), num_shared_prompts(train.tasks, test.tasks)) == (6, 2, 0)


def test_a_hub_data_set_that_fails(hub: list[tuple[str, str | None, str]]) -> None:
    with pytest.raises(TaskError, match=r"could not load hub data set 'a/b', split 'validation' .*Should be one of \[train, test\]"):
        load_train_and_test(DataConfig("a/b", split_test="validation"), seed=0)


def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    with pytest.raises(ConfigError, match=r"pip install 'proctor\[datasets\]'"):
        load("openai/gsm8k")
    with pytest.raises(ConfigError, match=r"pip install 'proctor\[reasoning-gym\]'"):
        load("reasoning_gym:chain_sum")


def test_content_hash_sees_every_field_and_the_order() -> None:
    task = Task("a", "p", "1", {"x": 1, "y": b"\x00"}, "s")
    others = [replace(task, id="b"), replace(task, prompt="q"), replace(task, answer=1), replace(task, info={"x": 2, "y": b"\x00"}), replace(task, source="t")]
    hashes = {content_hash(tasks) for tasks in ([task], *([other] for other in others), [task, others[0]], [others[0], task], [])}
    assert len(hashes) == 9
    assert content_hash([replace(task, info={"y": b"\x00", "x": 1})]) == content_hash([task])
    assert content_hash([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_room_starts_without_heavy_imports() -> None:
    heavy = ("torch", "transformers", "numpy", "pyarrow", "datasets", "reasoning_gym")
    code = f"import sys, proctor.data; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_spellings_of_one_generator_share_their_held_out_tasks_and_train_on_none_of_them() -> None:
    held_out: set[str] = set()
    for form in ("plain", "tagged", "direct"):
        config = DataConfig(f"column_addition:digits=1,form={form}", test="column_addition:digits=1", max_tasks=60, max_test_tasks=20)
        train, test = load_train_and_test(config, 3)
        asked = {str(task.prompt) for task in test.tasks}
        held_out = held_out or asked
        assert len(train.tasks) == 60 and asked == held_out and len(asked) == 20
        assert not asked & {str(task.prompt) for task in train.tasks}


def test_a_space_that_is_wholly_held_out_is_refused() -> None:
    with pytest.raises(TaskError, match="is held out by"):
        load_train_and_test(DataConfig("column_addition:digits=1,form=direct", test="column_addition:digits=1", max_test_tasks=100), 0)
