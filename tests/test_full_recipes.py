"""Every staged recipe runs to its end at the scale `tiny`: each stage is done, evaluated and recorded, and a second start changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proctor.cli.main import main
from proctor.recipes import ALIASES, build_recipe, find_recipe, scales_of
from proctor.training.stages.records import Merge, StagedConfig, Train

pytestmark = pytest.mark.full

STAGED = sorted(name for name in ALIASES if isinstance(build_recipe(name, "tiny" if "tiny" in scales_of(find_recipe(name)) else None), StagedConfig))


def test_the_published_recipes_are_staged() -> None:
    assert STAGED == ["deepseek_math", "kimi_k15", "qwen3", "r1", "r1_distill", "r1_zero"]


@pytest.mark.parametrize("name", STAGED)
def test_every_stage_is_done_and_evaluated(name: str, tmp_path: Path) -> None:
    out = tmp_path / name
    command = ["train", name, "--scale", "tiny", "--out", str(out)]
    assert main(command) == 0
    staged = build_recipe(name, "tiny")
    assert isinstance(staged, StagedConfig)
    summary = json.loads((out / "summary.json").read_text())
    assert [entry["name"] for entry in summary["stages"]] == [stage.name for stage in staged.stages]
    for entry, stage in zip(summary["stages"], staged.stages, strict=True):
        makes_a_model = isinstance(stage, Train | Merge)
        writes = makes_a_model and not (isinstance(stage, Train) and not stage.makes_policy)
        assert set(entry["evaluations"]) == ({probe.name for probe in staged.probes} if writes else set())
        assert (out / entry["path"] / ("model/config.json" if makes_a_model else "rows.jsonl")).is_file()
    assert {"before", "after", "gain"} <= summary.keys()
    assert ("control" in summary) == bool(staged.control)
    written = {path: path.stat().st_mtime_ns for path in out.glob("stages/*/model/*")}
    assert main([*command, "--resume"]) == 0
    assert written == {path: path.stat().st_mtime_ns for path in out.glob("stages/*/model/*")}
