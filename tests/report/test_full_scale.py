"""A long run costs what is looked at, not what is there: counted, not timed. The figures of a million are in docs/results/viewer.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from evidence.synthetic_run import write_run

from proctor.report.library import Library, Question
from proctor.report.store import Key, Store
from proctor.report.survey import survey_whole

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


def test_work_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "long", num_steps=200, num_groups=32, group_size=8, num_tasks=40)
    footers: list[Path] = []
    asked: list[int] = []
    read_metadata, ask = pq.read_metadata, Store.ask

    def counting_footers(path: Path) -> Any:
        footers.append(path)
        return read_metadata(path)

    def counting_files(self: Store, files: Any, *rest: Any) -> Any:
        asked.append(sum(file.num_rollouts for file in files))
        return ask(self, files, *rest)

    monkeypatch.setattr(pq, "read_metadata", counting_footers)
    monkeypatch.setattr(Store, "ask", counting_files)
    library = Library([tmp_path / "long"], max_files=64)
    run = library.runs[0]
    assert len(footers) == 64 and len(run.steps) == 200 and asked == []  # opening reads no rollout at all

    assert library.rollout(run, Key(3, 5, 1)).key == Key(3, 5, 1)
    assert asked == [256] and len(footers) == 65  # one step, and only its footer
    library.page(run, Question(step=7, order="reward_desc"))
    assert asked == [256, 256, 256]

    library.refresh()
    assert len(run.files) == 64 + 128  # a look reads so many and leaves the rest to the next one
    library.refresh()
    assert run.is_all_read
    before = len(footers)
    run.refresh()
    assert len(footers) == before  # a look at a run that did not change opens no file

    asked.clear()
    survey = survey_whole(library.store, run)
    assert max(asked) <= 8192 and sum(each.num_rollouts for each in survey.ordered()) == 51_200
    asked.clear()
    assert not survey.advance(library.store, run.files) and asked == []
    library.close()
