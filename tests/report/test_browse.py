"""`proctor view --text` and the doors of the two commands."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from proctor.cli import browse
from proctor.cli.main import main
from proctor.report import extra
from proctor.report.library import Library
from proctor.report.store import Key
from proctor.report.verdicts import mark
from tests.report.tables import row, table


def _drawn(renderable: object) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_it_shows_the_run(run_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["view", "--text", str(run_path), "--where", "flag = verifier_error"]) == 0
    text = capsys.readouterr().out
    assert "step 24 of 24 · 384 rollouts" in text and "High reward, very short" in text and "flag = verifier_error: " in text


def test_a_search_that_cannot_be_read_is_one_message(run_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["view", "--text", str(run_path), "--where", "rewrd > 1"]) == 2
    assert "fields are reward" in capsys.readouterr().err


def test_hostile_text_drives_no_terminal(tmp_path: Path) -> None:
    text = "\x1b[2J\x1b]0;title\x07[bold]x[/bold][/nothing]\u202e\x9b31m\x00"
    pq.write_table(table([row(text=text, prompt_text=text, task_id=text, extracted=text, reason=text)]), tmp_path / "rows.parquet")
    library = Library([tmp_path / "rows.parquet"])
    run = library.runs[0]
    question = browse.Question()
    drawn = _drawn(browse.rows_table(run, library.page(run, question), question, 1)) + _drawn(browse.rollout_view(library.rollout(run, Key(0, 0, 0))))
    library.close()
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\0"} & set(drawn)
    assert "⟨U+001B⟩[2J" in drawn and "[bold]x[/bold]" in drawn


def test_commands_turn_one_question_into_another() -> None:
    question = browse.Question(limit=15)
    assert browse._asked(question, "n", "n", "").offset == 15
    assert browse._asked(question, "p", "p", "").offset == 0
    assert browse._asked(question, "step 4", "step", "4").step == 4
    assert browse._asked(question, "/reward > 1", "/reward", "> 1").search == "reward > 1"
    assert browse._asked(question, "order length", "order", "length").order == "length"
    with pytest.raises(browse.ConfigError, match="SEARCH"):
        browse._asked(question, "what", "what", "")


def test_sparkline_by_hand() -> None:
    assert browse.sparkline([0.0, 1.0, None, 7.0]) == "▁▂ █"
    assert browse.sparkline([2.0, 2.0]) == "▁▁" and browse.sparkline([None]) == "" and browse.sparkline([]) == ""
    assert len(browse.sparkline([float(value) for value in range(1000)])) <= 24


def test_cases_are_written(run_path: Path, tmp_path: Path) -> None:
    library = Library([run_path])
    mark(library.runs[0], library.store, Key(3, 0, 0), "wrongly_rewarded", "")
    library.close()
    assert main(["view", str(run_path), "--cases", str(tmp_path / "cases.jsonl")]) == 0
    assert json.loads((tmp_path / "cases.jsonl").read_text())["expected"] == "INCORRECT"
    assert main(["view", str(run_path), "--cases", str(tmp_path / "no" / "cases.jsonl")]) == 2


def test_a_missing_extra_is_one_message(run_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in ("duckdb", "uvicorn") else object())
    for command in (["view", str(run_path)], ["report", str(run_path), "-o", "x.html"]):
        assert main(command) == 2
        assert "needs duckdb, uvicorn" in (error := capsys.readouterr().err) and "pip install 'proctor[view]'" in error


def test_no_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["view"]) == 2
    assert "name a run" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from proctor.cli.main import main
try:
    main(["view", "--help"])
except SystemExit:
    print(sorted({"duckdb", "starlette", "uvicorn", "pyarrow", "torch"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.rstrip().endswith("[]")
