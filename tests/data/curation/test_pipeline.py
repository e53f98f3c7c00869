"""Whole curations: what is written, what is cached, what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from proctor.cli.main import main
from proctor.core import Task
from proctor.data.config import DataConfig
from proctor.data.curation import CurationReport, Outside, curate, read_spec
from proctor.data.curation import store as store_module
from proctor.data.curation.base import Attempt
from proctor.data.curation.forms import Forms
from proctor.data.loaders import load_tasks
from proctor.errors import ConfigError, TaskError
from tests.data.curation.frames import Scripted, in_process

HOSTILE = "Prove that <script>alert('x')</script> & \"y\" hold."
ROWS: list[dict[str, Any]] = [
    {"question": "What is 2 + 3?", "answer": "5", "level": 1},
    {"question": "What  is 2 + 3?", "answer": "5", "level": 1},
    {"question": HOSTILE, "answer": "x", "level": 2},
    {"question": "", "answer": "5", "level": 1},
    {"question": "No answer here?", "answer": None, "level": 1},
    {"question": "What is 4 + 4?\u200b", "answer": "8", "level": 3, "id": "q"},
    {"question": "Caf\u00e9 prices: 2 and 7. The sum?", "answer": "9", "level": 2, "id": "q"},
]
PLAIN: dict[str, Any] = {"filters": [{"kind": "normalise"}, {"kind": "exact_duplicates"}, {"kind": "forms"}, {"kind": "domains"}]}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("raw.jsonl", ROWS)
    return tmp_path


def write(name: str, rows: list[dict[str, Any]]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def output() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]


def run(solver: Scripted | None = None, **changes: Any) -> CurationReport:
    plain = {"sources": ["raw.jsonl"], "output": "out.jsonl", **PLAIN, **changes}
    return curate(read_spec(plain, name="spec.toml"), Outside(in_process, lambda: solver or Scripted({}), lambda text: None))


def counts(report: CurationReport) -> list[tuple[str, int, int, bool]]:
    return [(stage.kind, stage.num_in, stage.num_out, stage.is_cached) for stage in report.stages]


def test_rows_and_report_say_the_same(here: Path) -> None:
    report = run()
    assert counts(report) == [("read", 7, 5, False), ("exact_duplicates", 5, 4, False), ("forms", 4, 3, False), ("domains", 3, 3, False)]
    assert report.stages[0].removed == {"the prompt is empty": 1, "there is no answer": 1}
    assert all(stage.num_in - stage.num_out == sum(stage.removed.values()) for stage in report.stages)
    assert [row["prompt"] for row in output()] == ["What is 2 + 3?", "What is 4 + 4?", "Café prices: 2 and 7. The sum?"]
    assert output()[1] == {"id": "q", "prompt": "What is 4 + 4?", "source": "raw", "answer": "8", "level": 3, "domain": "arithmetic"}
    example = report.stages[1].examples["same prompt"][0]
    assert (example.place, example.other) == ("raw.jsonl:2", 'raw.jsonl:1: What is 2 + 3? ["5"]')
    assert json.loads(Path("out.jsonl.report.json").read_text()) == json.loads(json.dumps(report.as_dict()))
    assert report.columns == {"domain": {"arithmetic": 3}}


def test_the_output_is_a_source_to_train_on(here: Path) -> None:
    run()
    tasks = load_tasks("out.jsonl", config=DataConfig(train="out.jsonl"), split="train", seed=0).tasks
    assert [task.answer for task in tasks] == ["5", "8", "9"]
    assert len({task.id for task in tasks}) == 3
    assert tasks[1].info["domain"] == "arithmetic"


def test_the_page_runs_nothing_and_escapes_everything(here: Path) -> None:
    run()
    page = Path("out.jsonl.report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;y&quot;" in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_second_run_runs_no_filter_and_writes_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    before = Path("out.jsonl").read_bytes()
    monkeypatch.setattr(Forms, "run", lambda *arguments: pytest.fail("a cached stage was run again"))
    again = run()
    assert all(stage.is_cached for stage in again.stages)
    assert again.sha256 == first.sha256
    assert Path("out.jsonl").read_bytes() == before


def test_a_change_runs_the_stages_from_there_on(here: Path) -> None:
    run()
    changed = run(filters=[{"kind": "normalise"}, {"kind": "exact_duplicates"}, {"kind": "forms", "drop": ["true_false"]}, {"kind": "domains"}])
    assert [cached for *_, cached in counts(changed)] == [True, True, False, False]
    assert changed.num_rows == 4
    write("raw.jsonl", ROWS[:-1])
    assert [cached for *_, cached in counts(run())] == [False] * 4


def test_a_changed_evaluation_file_is_noticed(here: Path) -> None:
    filters = [{"kind": "decontaminate", "files": ["test.jsonl"], "min_words": 2}]
    write("test.jsonl", [{"prompt": "nothing alike"}])
    assert run(filters=filters).num_rows == 5
    write("test.jsonl", [{"prompt": "What is 4 + 4?"}])
    report = run(filters=filters)
    assert counts(report)[1] == ("decontaminate", 5, 4, False)
    assert not [entry for entry in Path("out.jsonl.cache").iterdir() if entry.name.startswith(".")]


def test_more_rows_ask_the_model_about_those_alone(here: Path) -> None:
    asking = {"filters": [{"kind": "difficulty", "num_samples": 4}], "model": {"name": "tiny"}, "verifier": {"function": "math"}}
    solver = Scripted({"raw-0": 2})
    run(solver, **asking)
    num_asked = len(solver.asked)
    write("raw.jsonl", [*ROWS, {"question": "New?", "answer": "1", "level": 1}])
    report = run(solver, **asking)
    assert len(solver.asked) == num_asked + 1
    assert output()[0]["pass_rate"] == 0.5
    assert report.columns["pass_rate"] == {"0.0 to 0.1": 5, "0.5 to 0.6": 1}


def test_a_result_that_rests_on_a_failed_verifier_is_not_kept(here: Path) -> None:
    class Flaky(Scripted):
        is_down = True

        def num_correct(self, tasks: Sequence[Task], attempt: Attempt) -> list[tuple[int, int]]:
            counts = super().num_correct(tasks, attempt)
            return [(0, 0) if self.is_down and task.id == "raw-0" else one for task, one in zip(tasks, counts, strict=True)]

    filters = [{"kind": "difficulty", "num_samples": 4}, {"kind": "forms"}]
    asking = {"filters": filters, "model": {"name": "tiny"}, "verifier": {"function": "math"}}
    solver = Flaky({"raw-0": 2})
    run(solver, **asking)
    assert output()[0]["id"] != "raw-0"
    solver.is_down = False
    report = run(solver, **asking)
    assert output()[0]["id"] == "raw-0" and output()[0]["pass_rate"] == 0.5
    assert [cached for *_, cached in counts(report)] == [True, False, False]  # what came after it was of other rows
    assert [cached for *_, cached in counts(run(solver, **asking))] == [True, True, True]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_size_of_chunks_changes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = run().sha256
    monkeypatch.setattr(store_module, "ROWS_PER_CHUNK", size)
    assert run(cache="other").sha256 == whole


def test_a_curation_that_removes_everything_is_refused_with_the_filter(here: Path) -> None:
    write("raw.jsonl", [{"question": HOSTILE, "answer": "x"}])
    with pytest.raises(TaskError, match=r"the filter 'forms' leaves none of 1 rows \(1 proof\)"):
        run()
    assert not Path("out.jsonl").exists()
    write("raw.jsonl", [{"question": "", "answer": "x"}])
    with pytest.raises(TaskError, match="the filter 'read' leaves none of 1 rows"):
        run()


def test_a_failed_curation_leaves_the_earlier_output_alone(here: Path) -> None:
    run()
    before = Path("out.jsonl").read_bytes()
    write("test.jsonl", [{"prompt": "What is 4 + 4?"}])
    with pytest.raises(TaskError, match=r"raw\.jsonl:6 and test\.jsonl:1"):
        run(filters=[{"kind": "decontaminate", "files": ["test.jsonl"], "min_words": 2, "on_match": "refuse"}])
    assert Path("out.jsonl").read_bytes() == before


def test_sources_may_be_several_and_generated(here: Path) -> None:
    report = run(sources=["raw.jsonl", "compare"], filters=[{"kind": "exact_duplicates"}])
    assert report.sources["compare"] == "generated tasks"
    assert {row["source"] for row in output()} == {"raw", "compare"}


def test_gold_in_the_style_of_gsm8k(here: Path) -> None:
    write("raw.jsonl", [{"question": f"q{n}", "answer": f"work\n#### {n}"} for n in range(3)])
    run(filters=[{"kind": "verifiable", "verifier": "number"}])
    assert [(row["answer"], row["solution"]) for row in output()] == [(str(n), f"work\n#### {n}") for n in range(3)]


def test_a_torn_line_is_named(here: Path) -> None:
    with Path("raw.jsonl").open("a") as file:
        file.write('{"question": "x", "ans')
    with pytest.raises(TaskError, match=r"raw\.jsonl:8: malformed JSON"):
        run()
    assert not [*Path("out.jsonl.cache").iterdir()]


WRONG: list[tuple[Mapping[str, Any], str]] = [
    ({"sources": []}, "sources must be one or more sources"),
    ({"sources": ["missing.jsonl"]}, "cannot be read: No such file"),
    ({"output": "out.csv"}, "a .jsonl file to write"),
    ({"output": "raw.jsonl"}, "is also a source"),
    ({"outptu": 1}, "Did you mean 'output'?"),
    ({"seed": -1}, "seed must be a whole number"),
    ({"columns": {"promt": "x"}}, "which column has which role"),
    ({"columns": {"prompt": "x"}}, "column of raw.jsonl"),
    ({"filters": []}, r"one or more \[\[filters\]\]"),
    ({"filters": [{"kind": "exact_duplicate"}]}, "Did you mean 'exact_duplicates'?"),
    ({"filters": [{"kind": "near_duplicates", "treshold": 0.5}]}, "Did you mean 'threshold'?"),
    ({"filters": [{"kind": "near_duplicates", "threshold": "high"}]}, "threshold must be of type float"),
    ({"filters": [{"kind": "near_duplicates", "n": True}]}, "n must be of type int"),
    ({"filters": [{"kind": "decontaminate"}]}, "files is missing"),
    ({"filters": [{"kind": "decontaminate", "files": ["t.jsonl"], "on_match": "stop"}]}, "Allowed: refuse, remove"),
    ({"filters": [{"kind": "forms"}, {"kind": "normalise"}]}, "normalise must be the first filter"),
    ({"filters": [{"kind": "balance", "max_rows": 3}]}, "balance needs the filter 'domains' before it"),
    ({"filters": [{"kind": "balance", "max_rows": 3, "by": "topic"}]}, "unknown column to go by 'topic'"),
    ({"filters": [{"kind": "learnable"}]}, "learnable needs the filter 'difficulty' before it"),
    ({"filters": [{"kind": "difficulty"}]}, r"which one in a table \[model\]"),
    ({"filters": [{"kind": "verifiable"}]}, "verifier is missing"),
    ({"model": {"name": "tiny", "template": "x"}}, "must contain"),
    ({"model": "tiny"}, "model must be a table"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_specification_gets_one_message(here: Path, changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, TaskError), match=message):
        run(**changes)
    assert not Path("out.jsonl").exists()


def test_the_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("spec.toml").write_text('sources = "raw.jsonl"\noutput = "out.jsonl"\n[[filters]]\nkind = "normalise"\n[[filters]]\nkind = "forms"\n')
    assert main(["curate", "spec.toml", "--dry-run"]) == 0
    assert "forms: drop = [" in capsys.readouterr().out
    assert not Path("out.jsonl").exists()
    assert main(["curate", "spec.toml"]) == 0
    assert "4 rows in out.jsonl" in capsys.readouterr().out
    assert main(["curate", "spec.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_rows"] == 4
    assert main(["curate", "missing.toml"]) == 2
    assert "there is no file 'missing.toml'" in capsys.readouterr().err
