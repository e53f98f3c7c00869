"""Curation as a stage: the filters of `proctor curate` over the training tasks of a recipe, so that what is held out stays held out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from proctor.data.curation import CurationSpec, curate, read_spec
from proctor.data.loaders import load_training_tasks
from proctor.training import durable
from proctor.training.curating import outside
from proctor.training.stages.records import Curate
from proctor.training.stages.rows import json_lines, task_row

_GIVEN = "given.jsonl"


def curation_spec(stage: Curate, *, output: Path) -> CurationSpec:
    """The stage as `proctor curate` would read it from a file.

    Raises:
        ConfigError: a filter is unknown, has a wrong argument, or lacks what it needs.
    """
    (verifier,) = stage.rewards
    plain: dict[str, Any] = {
        "sources": [str(output.with_name(_GIVEN))],
        "output": str(output),
        "seed": stage.seed,
        "verifier": {"function": verifier.function, "arguments": verifier.arguments},
        "filters": list(stage.filters),
    }
    if stage.model:
        plain["model"] = {"name": stage.model, "max_completion_tokens": stage.max_completion_tokens}
    return read_spec(plain, name=f"the stage {stage.name!r}")


def write_curated(stage: Curate, *, output: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Write the tasks that pass, and the report beside them.

    What a model said of a task is kept beside the output, so a killed stage asks on where it was.

    Args:
        stage: whose references are resolved.
        output: the JSON Lines file.
        progress: told what is done, now and then.

    Returns:
        `num_tasks` that were judged, `num_rows` that passed, and `removed`, a count for each filter that took any out.

    Raises:
        TaskError: nothing is left.
    """
    spec = curation_spec(stage, output=output)
    tasks = load_training_tasks(stage.data, stage.seed)
    durable.write_atomic(output.with_name(_GIVEN), json_lines([task_row(task, id=task.id) for task in tasks]))
    with ExitStack() as stack:
        report = curate(spec, outside(spec, stack, progress))
    removed = {one.kind: one.num_in - one.num_out for one in report.stages if one.num_in > one.num_out}
    return {"num_tasks": len(tasks), "num_rows": report.num_rows, "removed": removed}
