"""Won, lost, both and neither by hand."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from proctor.errors import ConfigError
from proctor.report.comparison import Side, checked_result, compare, whole
from proctor.report.library import Library
from tests.report.tables import row, table


def _file(path: Path, outcomes: dict[str, list[str]]) -> None:
    rows = [
        row(
            group=group,
            index=index,
            task_id=task,
            prompt_text=f"prompt of {task}",
            outcome=outcome,
            status="error" if outcome == "ERROR" else "finished",
            reward=None if outcome == "ERROR" else 1.0,
        )
        for group, (task, given) in enumerate(outcomes.items())
        for index, outcome in enumerate(given)
    ]
    pq.write_table(table(rows), path)


@pytest.fixture
def sides(tmp_path: Path):
    right, wrong, error = "CORRECT", "INCORRECT", "ERROR"
    _file(
        tmp_path / "a.parquet",
        {"won": [wrong, wrong, right], "lost": [right, right], "both": [right, wrong], "neither": [wrong], "gone": [right], "unscored": [error]},
    )
    _file(
        tmp_path / "b.parquet",
        {"won": [right, right, error], "lost": [wrong, wrong], "both": [right], "neither": ["UNPARSED"], "new": [right], "unscored": [right]},
    )
    library = Library([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    yield library
    library.close()


def test_by_hand(sides: Library) -> None:
    found = compare(sides.store, whole(sides.runs[0]), whole(sides.runs[1]))
    assert dict(found.counts) == {"won": 1, "lost": 1, "both": 1, "neither": 1}
    assert {task.task_id: (task.before, task.after, task.num_before, task.num_after) for task in found.tasks} == {
        "won": (pytest.approx(1 / 3), 1.0, 3, 2),
        "lost": (1.0, 0.0, 2, 2),
        "both": (0.5, 1.0, 2, 1),
        "neither": (0.0, 0.0, 1, 1),
    }
    assert [task.task_id for task in found.tasks] == ["lost", "won", "both", "neither"]  # by how much they changed
    assert (found.num_only_before, found.num_only_after) == (1, 2)  # "unscored" counts only where it was scored
    assert found.difference is not None and found.difference.mean == pytest.approx((2 / 3 - 1 + 0.5 + 0) / 4)


def test_only_one_result_is_listed_but_all_are_counted(sides: Library) -> None:
    found = compare(sides.store, whole(sides.runs[0]), whole(sides.runs[1]), result="lost")
    assert [task.task_id for task in found.tasks] == ["lost"] and sum(count for _, count in found.counts) == 4


def test_a_side_against_itself_changes_nothing(library: Library) -> None:
    run = library.runs[0]
    found = compare(library.store, Side(run, 2, 9), Side(run, 2, 9))
    assert {name for name, count in found.counts if count} <= {"both", "neither"}
    assert found.difference is not None and found.difference.mean == 0.0


def test_tasks_that_only_share_a_number_are_not_matched(tmp_path: Path) -> None:
    pq.write_table(table([row(task_id="1", prompt_text="one")]), tmp_path / "a.parquet")
    pq.write_table(table([row(task_id="1", prompt_text="another")]), tmp_path / "b.parquet")
    library = Library([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    found = compare(library.store, whole(library.runs[0]), whole(library.runs[1]))
    library.close()
    assert found.tasks == () and found.difference is None and found.notes == ("the two sides have no task in common",)


def test_results_by_name() -> None:
    assert checked_result("") is None and checked_result("won") == "won"
    with pytest.raises(ConfigError, match="results are won"):
        checked_result("drawn")
