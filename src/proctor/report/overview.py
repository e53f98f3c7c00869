"""The series behind the charts, from what a run logged, what its rollouts say, and its held-out evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.report.charts import CHARTS, Series
from proctor.report.run_files import RunFiles
from proctor.report.survey import RunSurvey

MAX_POINTS = 1500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart of one run.

    Attributes:
        chart: its name.
        label: of the series.
        steps: ascending.
        values: None leaves a gap.
        low, high: ends of the 95% interval; empty where there is none.
    """

    chart: str
    label: str
    steps: tuple[float, ...]
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """One run at a glance.

    Attributes:
        lines: of all charts.
        num_steps_done: steps with metrics or rollouts.
        num_steps: asked for; None where that is unknown.
        num_surveyed: steps whose rollouts were looked at.
        num_files: steps with rollouts.
        num_rollouts: in all of them.
        facts: name and value of what the run is, for the head of its page.
        notes: what is missing, and what was simplified.
    """

    lines: tuple[Line, ...]
    num_steps_done: int
    num_steps: int | None
    num_surveyed: int
    num_files: int
    num_rollouts: int
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def overview(run: RunFiles, survey: RunSurvey) -> Overview:
    """Everything for the overview of a run."""
    lines = [line for chart in CHARTS for series in chart.series if (line := _line(chart.name, series, run, survey)) is not None]
    thinned = [_thin(line) for line in lines]
    notes = list(run.state.notes) + list(survey.problems.values())[:5]
    if not run.is_all_read:
        notes.append(f"{len(run.files):,} of {len(run.steps):,} files of rollouts were read so far, the newest first")
    if any(len(line.steps) > MAX_POINTS for line in lines):
        notes.append(f"a line with more than {MAX_POINTS} points is drawn as means of neighbouring steps")
    done = {*run.metrics.steps, *run.steps}
    num_steps = run.config.get("num_steps")
    return Overview(
        tuple(thinned),
        max(done) + 1 if done else 0,
        num_steps if isinstance(num_steps, int) else None,
        len(survey.steps),
        len(run.steps),
        run.num_rollouts,
        _facts(run),
        tuple(notes),
    )


def _line(chart: str, series: Series, run: RunFiles, survey: RunSurvey) -> Line | None:
    if series.source == "evaluations":
        return _evaluations(chart, series, run)
    if series.source == "survey" or (not run.metrics.steps and series.name in _FROM_SURVEY):
        name = _FROM_SURVEY.get(series.name, series.name)
        steps: Sequence[float] = [each.step for each in survey.ordered()]
        values: Sequence[float | None] = [getattr(each, name) for each in survey.ordered()]
    else:
        steps, values = run.metrics.steps, run.metrics.column(series.name)
    if all(value is None for value in values):
        return None
    finite = tuple(value if value is not None and math.isfinite(value) else None for value in values)
    return Line(chart, series.label, tuple(steps), finite)


_FROM_SURVEY = {"reward_mean": "reward_mean", "completion_tokens_mean": "length_mean"}
"""Metrics that the rollouts can stand in for, in a run without metrics.jsonl."""


def _evaluations(chart: str, series: Series, run: RunFiles) -> Line | None:
    """Held-out evaluations by the number of steps that were done before them."""
    found: dict[int, Mapping[str, Any]] = {}
    during = run.summary.get("during")
    for step, value in during.items() if isinstance(during, dict) else ():
        if str(step).isdecimal():
            found[int(step)] = value
    for name, step in (("before", 0), ("after", run.summary.get("num_steps"))):
        if isinstance(step, int) and name in run.summary:
            found[step] = run.summary[name]
    known = {step: value for step, value in sorted(found.items()) if isinstance(value, dict) and isinstance(value.get("mean"), int | float)}
    if not known:
        return None
    ends = ([_number(value.get(name)) for value in known.values()] for name in ("mean", "low", "high"))
    mean, low, high = (tuple(values) for values in ends)
    return Line(chart, series.label, tuple(known), mean, low, high)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _thin(line: Line) -> Line:
    """At most `MAX_POINTS` points: each the mean of as many neighbours as it takes."""
    size = math.ceil(len(line.steps) / MAX_POINTS)
    if size <= 1:
        return line
    starts = range(0, len(line.steps), size)
    values = tuple(_mean(line.values[start : start + size]) for start in starts)
    return Line(line.chart, line.label, tuple(line.steps[start] for start in starts), values)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _facts(run: RunFiles) -> tuple[tuple[str, str], ...]:
    """What the run is: model, data, algorithm, rewards, sizes."""
    config = run.config
    data, rewards = config.get("data"), config.get("rewards")
    sizes = [config.get("prompts_per_step"), config.get("group_size")]
    facts = {
        "model": config.get("model"),
        "data": data.get("train") if isinstance(data, dict) else None,
        "algorithm": config.get("algorithm"),
        "rewards": ", ".join(str(entry.get("function")) for entry in rewards if isinstance(entry, dict)) if isinstance(rewards, list) else None,
        "a step": f"{sizes[0]} tasks × {sizes[1]} rollouts" if all(isinstance(size, int) for size in sizes) else None,
        "learning rate": config.get("learning_rate"),
        "seed": config.get("seed"),
    }
    return tuple((name, str(value)) for name, value in facts.items() if value not in (None, ""))
