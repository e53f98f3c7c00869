"""Two sides on the same tasks: two runs, two stretches of steps of one run, or two files of `proctor eval --rollouts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from proctor.errors import ConfigError
from proctor.report.query import Condition
from proctor.report.rules import IS_CORRECT
from proctor.report.run_files import RunFiles, StepFile
from proctor.report.store import Store
from proctor.training.statistics import Interval, paired_difference

Result = Literal["won", "lost", "both", "neither"]
RESULTS: tuple[Result, ...] = ("won", "lost", "both", "neither")
MAX_TASKS = 20_000


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared: the rollouts of a run from one step to another, both included."""

    run: RunFiles
    first: int
    last: int

    @property
    def files(self) -> list[StepFile]:
        return [file for step, file in sorted(self.run.files.items()) if self.first <= step <= self.last]


@dataclass(frozen=True, slots=True)
class ComparedTask:
    """One task on both sides.

    Attributes:
        task_id: of the task.
        prompt: its beginning.
        before, after: share of its rollouts that are correct.
        num_before, num_after: of how many.
        result: by whether at least half are correct: won means after only, lost means before only.
    """

    task_id: str
    prompt: str
    before: float
    after: float
    num_before: int
    num_after: int
    result: Result


@dataclass(frozen=True, slots=True)
class Comparison:
    """All common tasks.

    Attributes:
        tasks: of the result asked for, by how much they changed.
        counts: tasks of each result.
        num_only_before, num_only_after: tasks that only one side has; they count nowhere.
        difference: mean of `after - before` over the common tasks; None without one.
        notes: what was left out.
    """

    tasks: tuple[ComparedTask, ...]
    counts: tuple[tuple[Result, int], ...]
    num_only_before: int
    num_only_after: int
    difference: Interval | None
    notes: tuple[str, ...]


def compare(store: Store, before: Side, after: Side, *, result: Result | None = None, limit: int = 200) -> Comparison:
    """Compare two sides task by task.

    A rollout whose verifier failed counts on neither side. Tasks are matched by their id and the beginning of their prompt, so that two
    data sets which number their tasks alike are not taken for one.

    Args:
        store: to ask.
        before: the one that `lost` tasks were solved by.
        after: the one that `won` tasks are solved by.
        result: only tasks of this result are listed; None lists all.
        limit: how many are listed; all are counted.
    """
    left, right = _rates(store, before), _rates(store, after)
    common = sorted(left.keys() & right.keys())
    tasks = [_compared(task, left[task], right[task]) for task in common]
    tasks.sort(key=lambda task: (-abs(task.after - task.before), task.task_id))
    counts: tuple[tuple[Result, int], ...] = tuple((name, sum(task.result == name for task in tasks)) for name in RESULTS)
    listed = [task for task in tasks if result is None or task.result == result][:limit]
    difference = paired_difference([task.before for task in tasks], [task.after for task in tasks], seed=0) if tasks else None
    notes = [f"the first {MAX_TASKS} tasks of a side were compared"] if MAX_TASKS in (len(left), len(right)) else []
    if not common:
        notes.append("the two sides have no task in common")
    return Comparison(tuple(listed), counts, len(left.keys() - right.keys()), len(right.keys() - left.keys()), difference, tuple(notes))


def _rates(store: Store, side: Side) -> dict[tuple[str, str], tuple[float, int]]:
    """(task id, beginning of the prompt) -> (share correct, number of rollouts)."""
    rows = store.ask(
        side.files,
        f"""SELECT task_id, left(prompt_text, 200) AS prompt, avg(({IS_CORRECT})::INT) AS rate, count({IS_CORRECT})
            FROM rollouts WHERE status != 'error' GROUP BY task_id, prompt HAVING rate IS NOT NULL ORDER BY task_id, prompt LIMIT {MAX_TASKS}""",
    )
    return {(task_id, prompt): (rate, count) for task_id, prompt, rate, count in rows}


def _compared(task: tuple[str, str], before: tuple[float, int], after: tuple[float, int]) -> ComparedTask:
    solved = (before[0] >= 0.5, after[0] >= 0.5)
    results: dict[tuple[bool, bool], Result] = {(False, True): "won", (True, False): "lost", (True, True): "both", (False, False): "neither"}
    return ComparedTask(*task, before[0], after[0], before[1], after[1], results[solved])


def side_condition(task_id: str) -> Condition:
    """The rollouts of a compared task."""
    return Condition("task_id = ?", (task_id,))


def checked_result(name: str) -> Result | None:
    """The result of that name; None for an empty one.

    Raises:
        ConfigError: there is none.
    """
    if name and name not in RESULTS:
        raise ConfigError(f"tasks cannot be listed by {name!r}; results are {', '.join(RESULTS)}")
    return next((result for result in RESULTS if result == name), None)


def whole(run: RunFiles, steps: Sequence[int] | None = None) -> Side:
    """A run from its first to its last step, or the steps given."""
    known = sorted(steps or run.files)
    return Side(run, known[0], known[-1]) if known else Side(run, 0, 0)
