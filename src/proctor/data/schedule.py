"""Tasks drawn by how they went so far: a curriculum, priorities, retirement.

What is drawn at a step depends on the seed, the step and the statistics of the tasks, and on nothing else; the statistics are
plain values that a checkpoint holds, so that a resumed run draws what the run would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from proctor.core import Task
from proctor.data.config import Curriculum, Priorities, Retirement, ScheduleConfig
from proctor.data.loaders import LoadedTasks
from proctor.data.mixture import apportion, check_sources
from proctor.errors import ConfigError, LearnerError

UNKNOWN = 0.5
"""Success rate that a task is taken to have before anything is known of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a task went.

    Attributes:
        success: moving average of the success rates of its groups.
        num_groups: so far.
        num_mastered: the last so many groups in a row were mastered.
        num_failed: the last so many groups in a row had no success at all.
        last_step: when it was drawn last.
    """

    success: float = UNKNOWN
    num_groups: int = 0
    num_mastered: int = 0
    num_failed: int = 0
    last_step: int = -1


def updated(record: Record, success: float, *, step: int, config: ScheduleConfig) -> Record:
    """The record after one more group.

    Args:
        record: before.
        success: share of the group's rollouts that were correct.
        step: of the run.
        config: thresholds and decay.
    """
    decay = config.priorities.decay if config.priorities is not None else Priorities().decay
    threshold = config.retirement.success if config.retirement is not None else 1.0
    return Record(
        success if not record.num_groups else decay * record.success + (1 - decay) * success,
        record.num_groups + 1,
        record.num_mastered + 1 if success >= threshold else 0,
        record.num_failed + 1 if success == 0 else 0,
        step,
    )


def weight(record: Record, *, step: int, priorities: Priorities) -> float:
    """How much a task is drawn: max(floor, 1 - s), s its success rate, which fades to that of an unknown task while it is not drawn.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.3.4: P(i) in proportion to 1 - s_i.
    """
    if record.num_failed >= priorities.hopeless_after:
        return priorities.floor
    faded = 0.5 ** (max(0, step - record.last_step) / priorities.half_life) if record.num_groups else 0.0
    return max(priorities.floor, 1 - (UNKNOWN + (record.success - UNKNOWN) * faded))


def is_retired(record: Record, retirement: Retirement) -> bool:
    """Whether a task has been mastered often enough in a row."""
    return record.num_mastered >= retirement.times


def window_size(num_tasks: int, *, step: int, curriculum: Curriculum) -> int:
    """How many of the easiest tasks may be drawn at a step: from `start` of them to all, in proportion to the steps."""
    share = curriculum.start + (1 - curriculum.start) * min(1.0, step / curriculum.num_steps)
    return max(1, math.ceil(num_tasks * share - 1e-9))


class Schedule:
    """Draws the tasks of each step, and learns how they went."""

    def __init__(self, sources: Sequence[LoadedTasks], weights: Sequence[float] | None, seed: int, config: ScheduleConfig) -> None:
        """Args:
            sources: at least one; task ids must differ between them.
            weights: one positive number a source, in any unit; None: in proportion to the number of tasks.
            seed: of the drawing.
            config: at least one of its parts must be set.

        Raises:
            ConfigError: no source, wrong weights, or a task without the number that the curriculum goes by.
            TaskError: a source has no tasks, or two sources share a task id.
        """
        self._shares = check_sources(sources, weights)
        self._sources = [_by_difficulty(source, config.curriculum) for source in sources]
        self._places = [{task.id: place for place, task in enumerate(tasks)} for tasks in self._sources]
        self._seed, self._config = seed, config
        self._records: dict[str, Record] = {}
        self._num_drawn = [0] * len(sources)
        self._drawn: set[str] = set()

    def take(self, step: int, num: int, *, draw: int = 0) -> list[Task]:
        """Draw tasks.

        Args:
            step: from 0; steps come in ascending order, and each begins with draw 0.
            num: tasks to draw.
            draw: 0 for the tasks that a step begins with; 1, 2, ... for those that refill it, which are others.
        """
        if draw == 0:
            self._drawn = set()
        total = sum(self._num_drawn) + num
        due = [share * total - drawn for share, drawn in zip(self._shares, self._num_drawn, strict=True)]
        tasks: list[Task] = []
        for index, count in enumerate(apportion(due, num)):
            rng = np.random.default_rng([self._seed, step, draw, index])
            tasks += self._choose(index, count, step=step, rng=rng)
            self._num_drawn[index] += count
        self._drawn.update(task.id for task in tasks)
        return tasks

    def _choose(self, index: int, num: int, *, step: int, rng: np.random.Generator) -> list[Task]:
        """`num` tasks of one source: those that are due, by their weights and without repetition, then what else there is."""
        tasks = self._sources[index]
        window = len(tasks) if self._config.curriculum is None else window_size(len(tasks), step=step, curriculum=self._config.curriculum)
        # Efraimidis and Spirakis 2006: the largest keys u^(1/w) are a weighted sample without replacement; here as -log(u) / w, smallest first.
        weights, is_resting, is_drawn = self._standing(index, step)
        keys = rng.standard_exponential(len(tasks)) / weights
        is_later = np.arange(len(tasks)) >= window
        order = np.lexsort((keys, is_later, is_resting, is_drawn))
        return [tasks[order[place % len(tasks)]] for place in range(num)]

    def _standing(self, index: int, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each task of a source its weight, whether it rests, and whether this step has drawn it already."""
        places, priorities, retirement = self._places[index], self._config.priorities, self._config.retirement
        weights = np.full(len(places), 1.0 if priorities is None else weight(Record(), step=step, priorities=priorities))
        is_resting, is_drawn = np.zeros(len(places), dtype=bool), np.zeros(len(places), dtype=bool)
        for task_id, record in self._records.items():
            place = places.get(task_id)
            if place is None:
                continue
            if priorities is not None:
                weights[place] = weight(record, step=step, priorities=priorities)
            is_resting[place] = retirement is not None and is_retired(record, retirement) and step - record.last_step < retirement.revisit_every
        is_drawn[[places[task_id] for task_id in self._drawn if task_id in places]] = True
        return weights, is_resting, is_drawn

    def record(self, task_id: str) -> Record:
        """How a task went so far."""
        return self._records.get(task_id, Record())

    def learn(self, step: int, successes: Iterable[tuple[str, float]]) -> None:
        """Take in the success rates of the groups of a step, by task id."""
        for task_id, success in successes:
            self._records[task_id] = updated(self.record(task_id), success, step=step, config=self._config)

    def metrics(self, step: int, tasks: Sequence[Task]) -> dict[str, float]:
        """What to log of a step: `schedule_*`."""
        records = self._records.values()
        num_tasks = sum(len(source) for source in self._sources)
        found = {"schedule_visited_fraction": len(records) / num_tasks}
        if records:
            found["schedule_success_mean"] = math.fsum(record.success for record in records) / len(records)
        if (retirement := self._config.retirement) is not None:
            found["schedule_num_retired"] = float(sum(is_retired(record, retirement) for record in records))
        if (priorities := self._config.priorities) is not None:
            found["schedule_num_hopeless"] = float(sum(record.num_failed >= priorities.hopeless_after for record in records))
        if (curriculum := self._config.curriculum) is not None:
            sizes = [window_size(len(source), step=step, curriculum=curriculum) for source in self._sources]
            found["schedule_window_fraction"] = sum(sizes) / num_tasks
            found["schedule_difficulty_mean"] = math.fsum(_difficulty(task, curriculum.by) for task in tasks) / len(tasks)
        return found

    def state(self) -> dict[str, Any]:
        """Everything that later draws depend on beside the configuration, as JSON has it."""
        return {"num_drawn": list(self._num_drawn), "records": {task_id: asdict(record) for task_id, record in self._records.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises:
            LearnerError: it is malformed, or of another number of sources.
        """
        try:
            records = {str(task_id): Record(**values) for task_id, values in state["records"].items()}
            num_drawn = [int(count) for count in state["num_drawn"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise LearnerError(f"the schedule's statistics are malformed ({type(error).__name__}: {error}); resume from an earlier checkpoint") from error
        if len(num_drawn) != len(self._sources):
            raise LearnerError(f"the schedule's statistics are of {len(num_drawn)} sources, this run has {len(self._sources)}")
        self._records, self._num_drawn = records, num_drawn


def _by_difficulty(source: LoadedTasks, curriculum: Curriculum | None) -> list[Task]:
    """The tasks, easiest first where there is a curriculum; equals keep their order."""
    if curriculum is None:
        return list(source.tasks)
    sign = 1 if curriculum.harder == "higher" else -1
    for task in source.tasks:
        value = task.info.get(curriculum.by)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            known = sorted(name for name, entry in task.info.items() if isinstance(entry, int | float) and not isinstance(entry, bool))
            raise ConfigError(
                f"data.schedule.curriculum.by = {curriculum.by!r}, but task {task.id} of {source.source} has no number there ({value!r}). "
                f"Its columns with numbers: {', '.join(known) or '(none)'}. `proctor curate` with the filter difficulty adds pass_rate"
            )
    return sorted(source.tasks, key=lambda task: sign * _difficulty(task, curriculum.by))


def _difficulty(task: Task, by: str) -> float:
    return float(task.info[by])


def repetitions(sources: Sequence[LoadedTasks], weights: Sequence[float] | None, num_tasks: int) -> list[tuple[str, int, float]]:
    """Sources that a mixture would go through more than once: source, its number of tasks, times it comes.

    Args:
        sources: of the mixture.
        weights: of each; None: in proportion to their sizes.
        num_tasks: that the whole run draws.
    """
    shares = check_sources(sources, weights)
    times = [(source.source, len(source.tasks), share * num_tasks / len(source.tasks)) for source, share in zip(sources, shares, strict=True)]
    return [entry for entry in times if entry[2] > 1 + 1e-9]
