from __future__ import annotations

import re
from pathlib import Path

import pytest

from proctor.errors import ConfigError
from proctor.training import run_directory
from proctor.training.config_changes import Absent, ChangedKey, changed_keys, refuse_changes
from proctor.training.manifest import Manifest
from proctor.training.run_directory import RunDirectory, new_path, newest

MANIFEST = Manifest("2026-01-02T03:04:05+00:00", {}, "Linux x86_64", 2)


# --- names


def test_the_newest_run_of_a_recipe_is_found(tmp_path: Path):
    for name in ("r1-20260101-000000", "r1-20260101-000000-2", "r1-20260101-000000-10", "r1-zero-20270101-000000", "r1-notes"):
        RunDirectory.create(tmp_path / name, {}, MANIFEST).close()
    (tmp_path / "r1-20280101-000000").mkdir()
    assert newest("r1", tmp_path) == tmp_path / "r1-20260101-000000-10"
    assert newest("r2", tmp_path) is None
    assert newest("r1", tmp_path / "absent") is None


def test_two_runs_of_one_second_get_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Clock(run_directory.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(run_directory, "datetime", Clock)
    first = new_path("quickstart", tmp_path)
    assert first.name == "quickstart-20260102-030405"
    RunDirectory.create(first, {}, MANIFEST).close()
    second = new_path("quickstart", tmp_path)
    assert second.name == "quickstart-20260102-030405-2"
    RunDirectory.create(second, {}, MANIFEST).close()
    assert newest("quickstart", tmp_path) == second


@pytest.mark.parametrize(("recipe", "slug"), [("configs/my run.toml", "my-run"), ("my_lab.recipes:big", "my_lab.recipes-big"), ("../..", "run")])
def test_any_recipe_makes_a_file_name(recipe: str, slug: str, tmp_path: Path):
    path = new_path(recipe, tmp_path)
    assert path.parent == tmp_path
    assert re.fullmatch(re.escape(slug) + r"-\d{8}-\d{6}", path.name)


# --- what may change on resume


def test_changed_keys_are_dotted_and_values_compared_exactly():
    old = {"a": 1, "b": {"c": [1, 2], "d": True, "e": float("nan")}, "gone": None}
    new = {"a": 1, "b": {"c": (1, 2), "d": 1, "e": float("nan"), "f": {}}}
    assert changed_keys(old, new) == [ChangedKey("b.d", True, 1), ChangedKey("b.f", Absent.ABSENT, {}), ChangedKey("gone", None, Absent.ABSENT)]
    assert changed_keys(old, old) == []


def test_a_changed_config_is_refused_with_the_list():
    old = {"num_steps": 10, "seed": 0, "tracking": {"wandb": False}, "data": {"train": None}}
    new = {"num_steps": 20, "seed": 1, "tracking": {"wandb": True}, "data": {"train": "a.jsonl"}}
    with pytest.raises(ConfigError) as caught:
        refuse_changes(old, new, run=Path("runs/x"), may_change=("tracking",), may_grow=("num_steps",))
    assert 'data.train: null -> "a.jsonl"; seed: 0 -> 1. On' in str(caught.value)
    assert "only this may change: tracking, num_steps (larger)" in str(caught.value)


def test_allowed_changes_pass_and_shrinking_does_not():
    old, new = {"num_steps": 10, "tracking": {"wandb": False}}, {"num_steps": 20, "tracking": {"wandb": True}}
    refuse_changes(old, new, run=Path("x"), may_change=("tracking",), may_grow=("num_steps",))
    with pytest.raises(ConfigError, match="num_steps: 20 -> 10"):
        refuse_changes(new, old, run=Path("x"), may_change=("tracking",), may_grow=("num_steps",))
