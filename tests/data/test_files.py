"""Reading rows: every way a file can be malformed is named with its place."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.data.files import SUFFIXES, iter_rows, read_rows
from proctor.errors import TaskError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_jsonl_keeps_order_places_and_line_separators_inside_strings(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps({"a": "x\u2028y"}, ensure_ascii=False) + "\r\n\n" + json.dumps({"a": 2}) + "\n"
    rows = read_rows(write(tmp_path, "f.jsonl", text), name="f.jsonl")
    assert [row.values for row in rows] == [{"a": "x\u2028y"}, {"a": 2}]
    assert [row.place for row in rows] == ["f.jsonl:1", "f.jsonl:3"]


def test_json_array_and_json_lines_under_the_same_suffix(tmp_path: Path) -> None:
    array = read_rows(write(tmp_path, "a.json", '[{"a": 1},\n {"a": 2}]'), name="a.json")
    lines = read_rows(write(tmp_path, "b.json", '{"a": 1}\n{"a": 2}'), name="b.json")
    assert [row.values for row in array] == [row.values for row in lines] == [{"a": 1}, {"a": 2}]
    assert array[1].place == "a.json: row 2"


def test_csv_values_are_text_and_quoted_line_breaks_count_lines(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "f.csv", 'question,answer\n"two\nlines",007\nlast,\n'), name="f.csv")
    assert [row.values for row in rows] == [{"question": "two\nlines", "answer": "007"}, {"question": "last", "answer": None}]
    assert [row.place for row in rows] == ["f.csv:2", "f.csv:4"]


def test_parquet_keeps_nested_values(tmp_path: Path) -> None:
    values = [{"prompt": [{"role": "user", "content": "hi"}], "reward_model": {"ground_truth": "4", "style": "rule"}}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(values), tmp_path / "f.parquet")
    rows = read_rows(tmp_path / "f.parquet", name="f.parquet")
    assert [row.values for row in rows] == values
    assert rows[0].place == "f.parquet: row 1"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("f.jsonl", "", "f.jsonl is empty"),
        ("f.jsonl", "\n \n", "f.jsonl is empty"),
        ("f.jsonl", '{"a": 1}\n{"a": }\n', "f.jsonl:2: malformed JSON: Expecting value at column 7"),
        ("f.jsonl", '{"a": 1}\n{"a": 1', "f.jsonl:2: malformed JSON"),
        ("f.jsonl", '{"a": 1}\n[1, 2]\n', "f.jsonl:2: a row must be a JSON object .* this one is a list"),
        ("f.jsonl", '{"a": ' + "1" * 5000 + "}", "f.jsonl:1: malformed JSON"),
        ("f.jsonl", "[" * 100_000, "f.jsonl:1: malformed JSON: nested too deeply"),
        ("f.jsonl", '{"a": "\\ud800"}', r"f.jsonl:1: the escape \\ud800 is half of a surrogate pair"),
        ("f.jsonl", b'{"a": 1}\n{"a": "\xff"}', "f.jsonl:2: not valid UTF-8 at byte offset 16"),
        ("f.json", '[{"a": 1},\n {"a": ]', "f.json:2: malformed JSON"),
        ("f.json", '[{"a": 1}, 7]', "f.json: row 2: a row must be a JSON object"),
        ("f.json", "[]", "f.json is empty"),
        ("f.csv", "", "f.csv is empty"),
        ("f.csv", "a,b\n1,2\n1,2,3\n", "f.csv:3: 3 cells where the header has 2"),
        ("f.csv", "a,b\n1\n", "f.csv:2: 1 cells where the header has 2"),
        ("f.csv", "a,a\n1,2\n", "f.csv:1: two columns of the same name: a"),
        ("f.csv", 'a,b\n"1,2\n', "f.csv:2: malformed CSV"),
        ("f.csv", b"a\n\xe9\n", "f.csv:2: not valid UTF-8 at byte offset 2"),
        ("f.parquet", "no parquet", "f.parquet is not a readable Parquet file"),
        ("f.parquet", "", "f.parquet is not a readable Parquet file"),
    ],
)
def test_malformed_files_name_the_place(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    with pytest.raises(TaskError, match=expected):
        read_rows(write(tmp_path, name, content), name=name)


def test_truncated_parquet(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": list(range(1000))}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    torn = write(tmp_path, "torn.parquet", whole[: len(whole) // 2] + whole[-8:])
    with pytest.raises(TaskError, match=r"torn\.parquet"):
        read_rows(torn, name="torn.parquet")


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"data file gone\.jsonl does not exist"):
        read_rows(tmp_path / "gone.jsonl", name="gone.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(TaskError, match=r"folder\.jsonl is not a file"):
        read_rows(tmp_path / "folder.jsonl", name="folder.jsonl")


@given(suffix=st.sampled_from(SUFFIXES), content=st.binary(max_size=60) | st.text('[]{}",:\\u\n\r a1', max_size=60).map(str.encode))
def test_nothing_but_a_task_error_escapes(suffix: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), f"f{suffix}", content)
        try:
            rows = read_rows(path, name=path.name)
        except TaskError as error:
            assert path.name in str(error)
        else:
            assert rows


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_rows_one_after_another_are_the_rows_read_at_once(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    rows = [{"prompt": f"é{n}\u2028", "answer": str(n)} for n in range(5)]
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif suffix == ".csv":
        path.write_text("\ufeffprompt,answer\n" + "".join(f'"{row["prompt"]}\n",{row["answer"]}\n' for row in rows), encoding="utf-8")
    else:
        path.write_text("\ufeff" + "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert list(iter_rows(path, name="rows")) == read_rows(path, name="rows")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": ', "a.jsonl:2: malformed JSON"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', "a.jsonl:2: not valid UTF-8"),
        ("a.jsonl", b'{"a": "\\ud800"}\n', "half of a surrogate pair"),
        ("a.jsonl", b"\n\n", "is empty"),
        ("a.csv", b"a,b\n1,2\n3\n", "a.csv:3: 1 cells"),
        ("a.csv", b"a,b\n\xff,2\n", "not valid UTF-8"),
        ("a.parquet", b"PAR1", "not a readable Parquet file"),
    ],
)
def test_reading_row_by_row_names_the_place_too(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TaskError, match=re.escape(message)):
        list(iter_rows(tmp_path / name, name=name))
