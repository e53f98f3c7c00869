"""Runs that are being written, torn, old, new or empty: what can be shown is shown, what is missing is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import ConfigError
from proctor.report.library import Library, Question
from proctor.report.metrics_tail import MetricsTail
from proctor.report.overview import MAX_POINTS, overview
from proctor.report.run_files import RunFiles, open_runs
from proctor.report.survey import RunSurvey, survey_whole
from tests.report.tables import row, table


def _row(step: int, **values: float) -> str:
    return json.dumps({"step": step, **values}) + "\n"


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(_row(0, reward_mean=0.5) + '{"step": 1, "rew')
    tail = MetricsTail(path)
    assert tail.refresh() and tail.steps == [0] and tail.problem == ""
    with path.open("a") as file:
        file.write('ard_mean": 0.75}\n')
    assert tail.refresh()
    assert (tail.steps, tail.columns) == ([0, 1], {"reward_mean": [0.5, 0.75]})
    assert not tail.refresh()


def test_corrupt_lines_are_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(_row(0).encode() + b"\xff\xfe\n[1]\n" + b"[" * 100_000 + b"\n" + _row(1, loss=1.0).encode())
    tail = MetricsTail(path)
    tail.refresh()
    assert tail.steps == [0, 1] and tail.columns == {"loss": [None, 1.0]}
    assert "line 4" in tail.problem


def test_a_resume_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(_row(0) + _row(1) + _row(2))
    tail = MetricsTail(path)
    tail.refresh()
    (tmp_path / "new").write_text(_row(0) + _row(1) + _row(2) + _row(3))
    (tmp_path / "new").replace(path)
    assert tail.refresh() and tail.steps == [0, 1, 2, 3]


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(1, 7))
def test_reading_in_pieces_is_reading_at_once(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int) -> None:
    content = b"".join(line + b"\n" + _row(number, loss=number).encode() for number, line in enumerate(lines))
    path = tmp_path_factory.mktemp("pieces") / "metrics.jsonl"
    path.write_bytes(b"")
    growing = MetricsTail(path)
    for start in range(0, len(content), size):
        with path.open("ab") as file:
            file.write(content[start : start + size])
        growing.refresh()
    whole = MetricsTail(path)
    whole.refresh()
    assert (growing.steps, growing.columns) == (whole.steps, whole.columns)


def test_numbers_that_are_not_finite_leave_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0, "loss": NaN, "kl": 1e999, "x": true, "y": "text", "z": ' + "9" * 400 + "}\n")
    tail = MetricsTail(path)
    tail.refresh()
    assert tail.columns == {name: [None] for name in ("loss", "kl", "x", "y", "z")}


def _opened(path: Path) -> RunFiles:
    return open_runs([path])[0]


def test_an_empty_run(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format_version": 1, "status": "running"}))
    run = _opened(tmp_path)
    assert run.state.status == "running" and run.num_rollouts == 0
    assert {"there is no config.json", "there is no metrics.jsonl yet", "there is no directory rollouts/", "there are no rollouts yet"} <= set(run.state.notes)
    library = Library([tmp_path])
    assert library.page(run, Question(search="reward > 0")) == [] and library.count(run, Question()) == 0
    assert overview(run, survey_whole(library.store, run)).lines == ()
    library.close()


@pytest.mark.parametrize(("version", "part"), [(0, "older"), (7, "newer"), (None, "names no format_version"), ("x", "names no format_version")])
def test_another_format_is_shown_with_a_note(run_path: Path, version: object, part: str) -> None:
    manifest = json.loads((run_path / "manifest.json").read_text())
    (run_path / "manifest.json").write_text(json.dumps({**manifest, "format_version": version}))
    run = _opened(run_path)
    assert any(part in note for note in run.state.notes)
    assert len(run.files) == 24


@pytest.mark.parametrize("content", [b"{", b"[1, 2]", b"\xff\xff", b""])
def test_torn_json_is_a_note(run_path: Path, content: bytes) -> None:
    for name in ("manifest.json", "config.json", "summary.json"):
        (run_path / name).write_bytes(content)
    run = _opened(run_path)
    assert run.state.status == "unknown"
    assert sum(name in note for note in run.state.notes for name in ("manifest.json", "config.json", "summary.json")) == 3


def test_torn_rollouts_are_left_out_and_named(run_path: Path) -> None:
    whole = (run_path / "rollouts" / "step-000003.parquet").read_bytes()
    (run_path / "rollouts" / "step-000003.parquet").write_bytes(whole[: len(whole) // 2])
    (run_path / "rollouts" / ".step-000004.parquet.0123abcd.tmp").write_bytes(b"in the making")
    pq.write_table(pa.table({"a": [1]}), run_path / "rollouts" / "step-000099.parquet")
    library = Library([run_path])
    run = library.runs[0]
    assert 3 not in run.files and 99 not in run.files and len(run.files) == 23
    assert any("step 3 are torn" in note for note in run.state.notes)
    assert any("step 99 have no group, index, step" in note for note in run.state.notes)
    assert library.count(run, Question(search="reward >= 0 or status = error")) == 23 * 16
    library.close()


def test_a_file_torn_inside_is_named_and_the_others_count(run_path: Path) -> None:
    path = run_path / "rollouts" / "step-000005.parquet"
    content = bytearray(path.read_bytes())
    content[8 : len(content) // 2] = bytes(len(content) // 2 - 8)  # the footer is whole, the pages are not
    path.write_bytes(content)
    library = Library([run_path])
    survey = survey_whole(library.store, library.runs[0])
    assert sorted(survey.steps) == [step for step in range(24) if step != 5]
    assert list(survey.problems) == [5] and "step 5" in survey.problems[5]
    library.close()


def test_a_run_that_grows(run_path: Path) -> None:
    last = run_path / "rollouts" / "step-000023.parquet"
    content = last.read_bytes()
    last.unlink()
    run = _opened(run_path)
    library = Library([run_path])
    survey = survey_whole(library.store, run)
    version = run.version
    assert len(survey.steps) == 23 and not run.refresh()
    last.write_bytes(content)
    assert run.refresh() and run.version == version + 1 and run.num_rollouts == 24 * 16
    assert [file.step for file in survey.pending(run.files)] == [23]  # only what is new is looked at
    survey.advance(library.store, run.files)
    assert len(survey.steps) == 24
    last.unlink()  # a resume drops it
    run.refresh()
    assert survey.pending(run.files) == [] and 23 not in survey.steps
    library.close()


def test_a_killed_run_says_so(run_path: Path) -> None:
    manifest = json.loads((run_path / "manifest.json").read_text())
    (run_path / "manifest.json").write_text(json.dumps({**manifest, "status": "running"}))
    for path in [*run_path.rglob("*"), run_path]:
        os.utime(path, (1, 1))
    assert any("may have been killed" in note for note in _opened(run_path).state.notes)


def test_an_older_table_without_columns(tmp_path: Path) -> None:
    (tmp_path / "rollouts").mkdir()
    kept = ["step", "group", "index", "task_id", "reward", "text"]
    pq.write_table(table([row()]).select(kept), tmp_path / "rollouts" / "step-000000.parquet")
    pq.write_table(table([{**row(), "step": 1}]), tmp_path / "rollouts" / "step-000001.parquet")
    library = Library([tmp_path])
    run = library.runs[0]
    assert [each.num_completion_tokens for each in library.page(run, Question())] == [None, 4]
    survey = survey_whole(library.store, run)
    assert set(survey.steps[0].flags) == {"unanimous_group"} and len(survey.steps[1].flags) == 8
    library.close()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("x")
    for path, part in [(tmp_path / "empty", "holds none"), (tmp_path / "text.txt", "no run at"), (tmp_path / "nowhere", "no run at")]:
        with pytest.raises(ConfigError, match=part):
            open_runs([path])


def test_a_directory_of_runs_and_names_that_collide(run_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "run").symlink_to(run_path)
    (other / "copy").mkdir()
    (other / "copy" / "manifest.json").write_text("{}")
    runs = open_runs([other])
    assert sorted(run.name for run in runs) == ["copy", "run"]
    (tmp_path / "third" / "run").mkdir(parents=True)
    (tmp_path / "third" / "run" / "manifest.json").write_text("{}")
    assert len({run.name for run in open_runs([run_path, tmp_path / "third" / "run"])}) == 2


def test_a_long_run_is_drawn_with_fewer_points(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("".join(_row(step, reward_mean=step % 2) for step in range(4000)))
    run = _opened(tmp_path)
    line = overview(run, RunSurvey()).lines[0]
    assert len(line.steps) <= MAX_POINTS and line.steps[1] == 3.0
    assert line.values[:2] == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_held_out_evaluations_with_their_intervals(run_path: Path) -> None:
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6, "num_tasks": 20}
    (run_path / "summary.json").write_text(
        json.dumps({"before": interval, "during": {"8": {**interval, "mean": 0.7}, "x": 1}, "after": interval, "num_steps": 24})
    )
    run = _opened(run_path)
    line = next(line for line in overview(run, RunSurvey()).lines if line.chart == "held_out")
    assert (line.steps, line.values, line.low, line.high) == ((0, 8, 24), (0.5, 0.7, 0.5), (0.4,) * 3, (0.6,) * 3)


def test_a_long_run_is_read_in_parts_newest_first(run_path: Path) -> None:
    run = RunFiles("run", run_path)
    run.refresh(max_files=10)
    assert sorted(run.files) == list(range(14, 24)) and run.steps == tuple(range(24)) and not run.is_all_read
    asked_for = run.file(3)
    assert asked_for is not None and asked_for.step == 3 and run.file(24) is None  # a link to a step that was not read yet works
    assert run.refresh(max_files=10) and run.refresh(max_files=10) and not run.refresh(max_files=10)
    assert sorted(run.files) == list(range(24)) and run.is_all_read


def test_torn_files_do_not_use_up_a_look(run_path: Path) -> None:
    for step in range(4, 24):
        (run_path / "rollouts" / f"step-{step:06d}.parquet").write_bytes(b"torn")
    run = RunFiles("run", run_path)
    for _ in range(5):
        run.refresh(max_files=5)
    assert sorted(run.files) == [0, 1, 2, 3] and run.is_all_read
