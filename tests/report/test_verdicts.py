"""Marks: kept beside the run, safe from a resume, exported as what `proctor verify --cases` reads."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from proctor.errors import ConfigError, LearnerError
from proctor.report import verdicts
from proctor.report.library import Library, Question
from proctor.report.store import Key
from proctor.report.verdicts import cases_jsonl, mark, read_verdicts, unmark, verdicts_path


def test_mark_change_and_take_back(small: Library) -> None:
    run = small.runs[0]
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "it guessed")
    mark(run, small.store, Key(0, 0, 1), "wrongly_refused", "five is right \u202e\ud800")
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "second thought")
    found = read_verdicts(run)
    assert [(each.key, each.judgement, each.note) for each in found] == [
        (Key(0, 0, 0), "wrongly_rewarded", "second thought"),
        (Key(0, 0, 1), "wrongly_refused", "five is right \u202e?"),
    ]
    assert small.count(run, Question(search="verdict = any")) == 2
    assert [each.key.index for each in small.page(run, Question(search="verdict = wrongly_refused"))] == [1]
    assert small.count(run, Question(search="verdict != any")) == 2
    assert unmark(run, Key(0, 0, 0)) and not unmark(run, Key(0, 0, 0))
    assert [each.key for each in read_verdicts(run)] == [Key(0, 0, 1)]


def test_cases_for_the_verifier(small: Library, small_path: Path) -> None:
    import pyarrow.parquet as pq

    from tests.report.tables import row, table

    run = small.runs[0]
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "")
    mark(run, small.store, Key(0, 0, 1), "wrongly_refused", "")
    rows = [json.loads(line) for line in cases_jsonl(read_verdicts(run)).splitlines()]
    assert [{name: each[name] for name in ("completion", "task", "expected")} for each in rows] == [
        {"completion": "the answer is 4", "task": {"prompt": "What is 2 + 2?", "answer": "4", "info": {}}, "expected": "INCORRECT"},
        {"completion": "five", "task": {"prompt": "What is 2 + 2?", "answer": "4", "info": {}}, "expected": "CORRECT"},
    ]
    info = {"tests": [{"input": "1", "output": "2"}]}
    pq.write_table(table([row(info=json.dumps(info))]), small_path / "rollouts" / "step-000000.parquet")
    run.refresh()
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "")
    assert info in [json.loads(line)["task"]["info"] for line in cases_jsonl(read_verdicts(run)).splitlines()]
    assert all(set(each) == {"id", "completion", "task", "expected"} for each in rows) and rows[0]["id"] != rows[1]["id"]


@pytest.mark.parametrize(
    ("key", "judgement", "note", "part"),
    [(Key(0, 9, 9), "wrongly_refused", "", "no rollout"), (Key(0, 0, 0), "good", "", "allowed"), (Key(0, 0, 0), "wrongly_refused", "x" * 5000, "at most 4000")],
)
def test_refused_marks_change_nothing(small: Library, key: Key, judgement: str, note: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        mark(small.runs[0], small.store, key, judgement, note)
    assert not verdicts_path(small.runs[0]).exists()


def test_a_mark_stays_with_its_completion_when_the_step_is_done_again(small: Library, small_path: Path) -> None:
    import pyarrow.parquet as pq

    from tests.report.tables import row, table

    run = small.runs[0]
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "")
    pq.write_table(table([row(text="another completion")]), small_path / "rollouts" / "step-000000.parquet")
    run.refresh()
    assert read_verdicts(run)[0].completion == "the answer is 4"
    assert small.rollout(run, Key(0, 0, 0)).text.text == "another completion"


def test_two_people_at_once_lose_nothing(library: Library) -> None:
    run = library.runs[0]
    threads = [threading.Thread(target=mark, args=(run, library.store, Key(step, 0, 0), "wrongly_rewarded", "")) for step in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.step for each in read_verdicts(run)] == list(range(16))


def test_a_kill_while_writing_leaves_the_old_marks(small: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small.runs[0]
    mark(run, small.store, Key(0, 0, 0), "wrongly_rewarded", "")
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(LearnerError, match="No space left"):
        mark(run, small.store, Key(0, 0, 1), "wrongly_rewarded", "")
    assert [each.key for each in read_verdicts(run)] == [Key(0, 0, 0)]


@pytest.mark.parametrize("line", ["{", '{"step": 1}', "[]"])
def test_a_corrupt_file_is_named(small: Library, line: str) -> None:
    path = verdicts_path(small.runs[0])
    path.parent.mkdir()
    path.write_text(line + "\n")
    with pytest.raises(LearnerError, match=r"verdicts.jsonl, line 1"):
        read_verdicts(small.runs[0])


def test_the_digest_tells_tasks_and_completions_apart() -> None:
    assert len({verdicts.digest("a", "b"), verdicts.digest("a", "c"), verdicts.digest("ab", ""), verdicts.digest("", "ab")}) == 4
