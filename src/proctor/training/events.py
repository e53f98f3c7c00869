"""What training tells the world while it runs. Training emits these records and never prints; `cli` renders them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

PhaseName = Literal["loading", "evaluating", "sampling", "scoring", "training", "saving"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Steps are about to begin.

    Attributes:
        path: the run directory.
        recipe: by name.
        model: as the user named it.
        num_steps: of the whole run.
        start_step: the first step that this process does.
        notes: what the user should know beforehand, a sentence each.
    """

    path: Path
    recipe: str
    model: str
    num_steps: int
    start_step: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of a staged recipe begins.

    Attributes:
        name: of the stage.
        number: from 1.
        num_stages: of the recipe.
    """

    name: str
    number: int
    num_stages: int


@dataclass(frozen=True, slots=True)
class StageMade:
    """A stage that does not train has written what it makes.

    Attributes:
        name: of the stage.
        what: it made, in words.
    """

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Phase:
    """What is being done now, within a step or around the steps."""

    name: PhaseName


@dataclass(frozen=True, slots=True)
class StepFinished:
    """One step is done and logged.

    Attributes:
        step: counted from 0.
        num_steps: of the whole run.
        metrics: by canonical name.
    """

    step: int
    num_steps: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class EvaluationFinished:
    """One evaluation is done.

    Attributes:
        name: such as "before" or "after".
        mean: of the reward over tasks.
        low: lower end of the confidence interval of the mean.
        high: upper end.
        num_tasks: that were evaluated.
        step: steps done before it.
    """

    name: str
    mean: float
    low: float
    high: float
    num_tasks: int
    step: int


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """The state after `step` steps is on the disk at `path`."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the user should look at; the run goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over.

    Attributes:
        path: the run directory.
        summary: what summary.json holds.
    """

    path: Path
    summary: Mapping[str, Any]


Event = StageStarted | StageMade | RunStarted | Phase | StepFinished | EvaluationFinished | CheckpointSaved | Warned | RunFinished
Listener = Callable[[Event], None]
