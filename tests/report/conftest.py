"""Small runs with everything in them that the viewer looks for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from evidence.synthetic_run import write_run

from proctor.report.library import Library
from tests.report.tables import row, table


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 24 steps; not to be changed."""
    path = tmp_path_factory.mktemp("runs") / "made-up"
    write_run(path, num_steps=24, num_groups=4, group_size=4, num_tasks=12, with_token_columns=True)
    return path


@pytest.fixture
def run_path(made_up: Path, tmp_path: Path) -> Path:
    """The same run, to be changed."""
    return Path(shutil.copytree(made_up, tmp_path / "run"))


@pytest.fixture
def library(run_path: Path) -> Iterator[Library]:
    opened = Library([run_path])
    yield opened
    opened.close()


@pytest.fixture
def small_path(tmp_path: Path) -> Path:
    """One step, two groups of two, by hand: the numbers of tests refer to it."""
    path = tmp_path / "small"
    (path / "rollouts").mkdir(parents=True)
    (path / "manifest.json").write_text(json.dumps({"format_version": 1, "status": "running"}))
    (path / "config.json").write_text(json.dumps({"model": "tiny", "num_steps": 5}))
    rows = [
        row(group=0, index=0, reward=1.0, text="the answer is 4", outcome="CORRECT"),
        row(group=0, index=1, reward=0.0, text="five", outcome="INCORRECT"),
        row(group=1, index=0, reward=None, text="", outcome="ERROR", status="error"),
        row(group=1, index=1, reward=0.5, text="maybe 7", outcome=None),
    ]
    pq.write_table(table(rows), path / "rollouts" / "step-000000.parquet")
    return path


@pytest.fixture
def small(small_path: Path) -> Iterator[Library]:
    opened = Library([small_path])
    yield opened
    opened.close()
