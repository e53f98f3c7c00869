"""`proctor verify` and `proctor audit` from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proctor.cli.main import main


def write(path: Path, *rows: Any) -> str:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return str(path)


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["verify", "--workers", "1", *arguments])
    captured = capsys.readouterr()
    return code, [json.loads(line) for line in captured.out.splitlines()], captured.err


def test_one_row_out_for_each_row_in(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = write(
        tmp_path / "rows.jsonl",
        {"id": 1, "completion": "\\boxed{5}", "answer": "5"},
        {"id": "b", "response": "\\boxed{5 or 6}", "answer": "5"},
        {"id": 3, "completion": "no idea", "answer": "5"},
        {"id": 4, "completion": "\\boxed{5}", "answer": "]["},
        "{torn",
        {"completion": "\\boxed{9^{9^{9^{9}}}}", "task": {"answer": 7, "id": "in task"}},
    )
    code, rows, err = verify(capsys, "--verifier", "math", file)
    assert code == 0 and "6 rows" in err
    assert [row["outcome"] for row in rows] == ["CORRECT", "INCORRECT", "UNPARSED", "ERROR", "ERROR", "INCORRECT"]
    assert [row["id"] for row in rows] == [1, "b", 3, 4, None, "in task"] and [row["line"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(row.keys() == {"id", "line", "outcome", "value", "extracted", "reason", "seconds"} for row in rows)
    assert rows[0]["value"] == 1.0 and rows[0]["extracted"] == "5" and rows[3]["value"] is None and "cannot be read" in rows[3]["reason"]
    assert "line 5" in rows[4]["reason"] and all(row["seconds"] >= 0 for row in rows)


@pytest.mark.parametrize(
    ("name", "right", "wrong", "answer", "more"),
    [
        ("exact", "<answer>a b</answer>", "a c", "a b", []),
        ("choice", "The answer is (B).", "A or B", "B", []),
        ("f1", "the cat", "a dog", "cat", []),
        ("format", "<think>a</think><answer>b</answer>", "b", None, []),
        ("regex", "12", "12x", r"\d+", []),
        ("regex", "N=12", "N=13", "12", ["--argument", r"pattern=N=(\d+)"]),
        ("number", "so 7", "so 8", 7, []),
    ],
)
def test_short_names(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, right: str, wrong: str, answer: Any, more: list[str]) -> None:
    file = write(tmp_path / "rows.jsonl", {"completion": right, "answer": answer, "expected": True}, {"completion": wrong, "answer": answer, "expected": False})
    code, rows, err = verify(capsys, "--verifier", name, "--cases", *more, file)
    assert code == 0, (rows, err)


def test_tasks_with_info(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rules = {"info": {"instructions": [{"id": "punctuation:no_comma"}]}}
    file = write(
        tmp_path / "i.jsonl", {"completion": "a b", "task": rules, "expected": "CORRECT"}, {"completion": "a, b", "instructions": rules["info"]["instructions"]}
    )
    code, rows, _ = verify(capsys, "--verifier", "instructions", file)
    assert code == 0 and [row["outcome"] for row in rows] == ["CORRECT", "INCORRECT"]
    file = write(
        tmp_path / "s.jsonl",
        {"completion": "SELECT COUNT(a) FROM t", "answer": "SELECT COUNT(*) FROM t", "database": "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)"},
        {"completion": "{}", "answer": "SELECT 2"},
    )
    assert [row["outcome"] for row in verify(capsys, "--verifier", "sql", file)[1]] == ["CORRECT", "ERROR"]
    file = write(tmp_path / "j.jsonl", {"completion": '{"a": 1}', "answer": {"a": 1}}, {"completion": '{"a": true}', "answer": {"a": 1}})
    assert [row["outcome"] for row in verify(capsys, "--verifier", "json", file)[1]] == ["CORRECT", "INCORRECT"]


def test_cases_are_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = write(
        tmp_path / "rows.jsonl",
        {"id": "good", "completion": "\\boxed{5}", "answer": "5", "expected": "CORRECT"},
        {"id": "bad\x1b[31m", "completion": "\\boxed{5}", "answer": "5", "expected": False},
        {"id": "open", "completion": "\\boxed{5}", "answer": "5"},
    )
    code, rows, err = verify(capsys, "--verifier", "math", "--cases", file)
    assert code == 1 and len(rows) == 3
    assert "2 of 3 disagree" in err and "expected INCORRECT or UNPARSED, got CORRECT" in err and "expected nothing" in err and "\x1b" not in err
    table = next(line for line in err.splitlines() if line.startswith("INCORRECT or UNPARSED"))
    assert table.split()[-1] == "1"


def test_functions_of_users_and_hangs(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "import time\ndef f(completion, answer):\n    print('noise')\n"
        "    time.sleep(60 if completion == 'hang' else 0)\n    return float(completion == answer)\n"
    )
    file = write(
        tmp_path / "rows.jsonl",
        {"completion": "5", "answer": "5", "expected": True},
        {"completion": "hang", "answer": "5", "expected": False},
        {"completion": "6", "answer": "5", "expected": False},
    )
    code, rows, _ = verify(capsys, "--verifier", "mine.py:f", "--timeout", "0.5", "--cases", file)
    assert code == 0 and [row["outcome"] for row in rows] == [None, "INCORRECT", None] and [row["value"] for row in rows] == [1.0, 0.0, 0.0]
    assert rows[1]["seconds"] == 0.5 and "timeout" in rows[1]["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--verifier", "mth", "rows.jsonl"], "unknown verifier 'mth'. Did you mean 'math'?"),
        (["verify", "--verifier", "math", "missing.jsonl"], "there is no file 'missing.jsonl'"),
        (["verify", "--verifier", "math", "--timeout", "0", "rows.jsonl"], "--timeout must be a positive number"),
        (["verify", "--verifier", "math", "--workers", "0", "rows.jsonl"], "--workers must be at least 1"),
        (["verify", "--verifier", "math", "--argument", "tolerance", "rows.jsonl"], "is not KEY=VALUE"),
        (["verify", "--verifier", "math", "--argument", "tolerence=0", "rows.jsonl"], "arguments of the verifier 'math'"),
        (["verify", "--verifier", "math", "--memory-mib", "1", "rows.jsonl"], "--memory-mib must be at least 64"),
        (["audit", "mth"], "unknown verifier 'mth'. Did you mean 'math'?"),
        (["audit", "math", "--surface", "maths"], "Did you mean 'math'?"),
        (["audit", "math", "--verifier", "math"], "is itself what is audited"),
        (["audit", "math", "--max-tasks", "0"], "--max-tasks must be at least 1"),
    ],
)
def test_wrong_requests(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == "" and "Traceback" not in captured.err


def test_an_empty_file_has_no_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert verify(capsys, "--verifier", "math", write(tmp_path / "rows.jsonl"))[:2] == (0, [])


def test_audit_of_a_sound_verifier_and_of_a_careless_function(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "choice", "--workers", "1", "--out", "report"]) == 0
    assert "0 got through" in capsys.readouterr().out
    assert json.loads(Path("report/audit.json").read_text())["is_sound"] is True and Path("report/audit.md").read_text().startswith("# Audit of choice")
    Path("mine.py").write_text("def f(completions, answer, **columns):\n    return [float(a in c) for c, a in zip(completions, answer)]\n")
    assert main(["audit", "mine.py:f", "--workers", "2", "--surface", "choice", "--surface", "text", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    through = {breach["threat"]: breach["completion"] for surface in report["surfaces"] for breach in surface["breaches"]}
    assert {"choice.every_option", "choice.both", "text.contains"} <= through.keys() and report["num_breaches"] > 10
