"""Which tasks a schedule draws: by difficulty, by success, by source; and that its state is all it depends on."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Task
from proctor.data import LoadedTasks
from proctor.data.config import Curriculum, DataConfig, FurtherSource, Priorities, Retirement, ScheduleConfig
from proctor.data.schedule import Record, Schedule, repetitions, updated, weight, window_size
from proctor.errors import ConfigError, LearnerError

EVERYTHING = ScheduleConfig(Curriculum(num_steps=6), Priorities(), Retirement(times=1, revisit_every=3))


def source(name: str, size: int, **info: Any) -> LoadedTasks:
    return LoadedTasks(tuple(Task(f"{name}-{index}", "p", info={"difficulty": index, **info}, source=name) for index in range(size)), None, name)


def ids(tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks]


def play(schedule: Schedule, num_steps: int, *, start: int = 0, num: int = 3) -> list[list[str]]:
    """Steps with a refill each; how a task goes depends on the step and its id."""
    drawn: list[list[str]] = []
    for step in range(start, num_steps):
        tasks = [*schedule.take(step, num), *schedule.take(step, 1, draw=1)]
        schedule.learn(step, [(task.id, random.Random(f"{step}/{task.id}").choice([0.0, 0.5, 1.0])) for task in tasks])
        drawn.append(ids(tasks))
    return drawn


@given(stop=st.integers(0, 11), seed=st.integers(0, 5), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_a_restored_schedule_draws_what_the_other_would_have(stop: int, seed: int, sizes: list[int]) -> None:
    sources = [source(str(index), size) for index, size in enumerate(sizes)]
    straight = play(Schedule(sources, None, seed, EVERYTHING), 12)
    first = Schedule(sources, None, seed, EVERYTHING)
    play(first, stop)
    first.take(stop, 3)  # a step that was begun and killed
    second = Schedule(sources, None, seed, EVERYTHING)
    fresh = Schedule(sources, None, seed, EVERYTHING)
    play(fresh, stop)
    second.restore(json.loads(json.dumps(fresh.state())))
    assert play(second, 12, start=stop) == straight[stop:]


@given(num=st.integers(1, 12), size=st.integers(1, 12), seed=st.integers(0, 3))
def test_no_task_twice_in_a_step_while_there_are_others(num: int, size: int, seed: int) -> None:
    schedule = Schedule([source("a", size)], None, seed, EVERYTHING)
    tasks = [*schedule.take(0, num), *schedule.take(0, 1, draw=1)]
    assert len(tasks) == num + 1
    assert len({*ids(tasks)}) == min(size, num + 1)


def test_seeds_and_draws_differ() -> None:
    def first(seed: int) -> list[str]:
        return ids(Schedule([source("a", 50)], None, seed, ScheduleConfig(priorities=Priorities())).take(0, 8))

    assert first(0) == first(0) != first(1)


@pytest.mark.parametrize(("step", "size"), [(0, 2), (3, 6), (5, 9), (6, 10), (60, 10)])
def test_the_window_grows_to_everything(step: int, size: int) -> None:
    assert window_size(10, step=step, curriculum=Curriculum(num_steps=6, start=0.2)) == size  # 0.2 + 0.8 step / 6, rounded up


@pytest.mark.parametrize(("harder", "easiest"), [("higher", {"a-0", "a-1", "a-2"}), ("lower", {"a-9", "a-8", "a-7"})])
def test_a_curriculum_begins_with_the_easy(harder: Any, easiest: set[str]) -> None:
    schedule = Schedule([source("a", 10)], None, 0, ScheduleConfig(curriculum=Curriculum(num_steps=10, start=0.3, harder=harder)))
    assert {*ids(schedule.take(0, 3))} == easiest
    late = {task for step in range(10, 30) for task in ids(schedule.take(step, 3))}
    assert len(late) == 10


def test_a_curriculum_needs_a_number_of_every_task() -> None:
    with pytest.raises(ConfigError, match=r"task a-0 of a has no number there \('hard'\).*Its columns with numbers: \(none\)"):
        Schedule([source("a", 2, difficulty="hard")], None, 0, ScheduleConfig(curriculum=Curriculum(num_steps=1)))
    with pytest.raises(ConfigError, match="with numbers: difficulty"):
        Schedule([source("a", 2)], None, 0, ScheduleConfig(curriculum=Curriculum(num_steps=1, by="level")))


def test_records_follow_the_groups() -> None:
    config = ScheduleConfig(priorities=Priorities(decay=0.75), retirement=Retirement(success=0.9))
    record = updated(Record(), 1.0, step=4, config=config)
    assert record == Record(1.0, 1, 1, 0, 4)  # the first group is believed: there was no estimate
    record = updated(record, 0.0, step=6, config=config)
    assert record == Record(0.75, 2, 0, 1, 6)  # 0.75 * 1 + 0.25 * 0
    assert updated(record, 0.9, step=7, config=config) == Record(pytest.approx(0.7875), 3, 1, 0, 7)


@pytest.mark.parametrize(
    ("record", "step", "expected"),
    [
        (Record(), 100, 0.5),  # unknown
        (Record(0.25, 2, 0, 0, 10), 10, 0.75),  # 1 - s
        (Record(1.0, 2, 2, 0, 10), 10, 0.1),  # the floor
        (Record(1.0, 2, 2, 0, 10), 30, 0.25),  # one half-life: half-way from 1 to 0.5, so 1 - 0.75
        (Record(0.0, 2, 0, 2, 10), 10, 1.0),
        (Record(0.0, 3, 0, 3, 10), 10, 0.1),  # hopeless
    ],
)
def test_weights(record: Record, step: int, expected: float) -> None:
    assert weight(record, step=step, priorities=Priorities(floor=0.1, half_life=20, hopeless_after=3)) == pytest.approx(expected)


def test_tasks_are_drawn_in_proportion_to_one_minus_success() -> None:
    schedule = Schedule([source("a", 3)], None, 0, ScheduleConfig(priorities=Priorities(half_life=10**9)))
    schedule.learn(0, [("a-0", 0.9), ("a-1", 0.7), ("a-2", 0.4)])
    counts = Counter(task for step in range(4000) for task in ids(schedule.take(step, 1)))
    assert {task: count / 4000 for task, count in counts.items()} == pytest.approx({"a-0": 0.1, "a-1": 0.3, "a-2": 0.6}, abs=0.03)


def test_a_mastered_task_rests_is_looked_at_and_comes_back() -> None:
    schedule = Schedule([source("a", 4)], None, 0, ScheduleConfig(retirement=Retirement(times=2, revisit_every=5)))
    for step in (0, 1):
        schedule.learn(step, [("a-0", 1.0)])
    assert schedule.metrics(1, [Task("a-0", "p")])["schedule_num_retired"] == 1
    assert not any("a-0" in ids(schedule.take(step, 3)) for step in range(2, 6))
    assert any("a-0" in ids(schedule.take(step, 3)) for step in range(6, 12))
    schedule.learn(12, [("a-0", 0.75)])
    assert any("a-0" in ids(schedule.take(step, 3)) for step in range(13, 17))


def test_a_step_is_full_even_if_every_task_rests() -> None:
    schedule = Schedule([source("a", 2)], None, 0, ScheduleConfig(retirement=Retirement(times=1)))
    schedule.learn(0, [("a-0", 1.0), ("a-1", 1.0)])
    assert len(schedule.take(1, 5)) == 5


def test_sources_are_mixed_by_weight() -> None:
    schedule = Schedule([source("a", 40), source("b", 5)], [3, 1], 0, ScheduleConfig(priorities=Priorities()))
    counts: Counter[str] = Counter()
    for step in range(30):
        counts.update(task.source for task in schedule.take(step, 3))
        assert abs(counts["a"] - 0.75 * 3 * (step + 1)) < 2


def test_a_small_source_that_repeats_is_named() -> None:
    assert repetitions([source("a", 100), source("b", 5)], [1, 1], 20) == [("b", 5, 2.0)]
    assert repetitions([source("a", 100), source("b", 5)], None, 105) == []


@pytest.mark.parametrize("state", [{}, {"records": {}, "num_drawn": [1, 2]}, {"records": {"a": {"x": 1}}, "num_drawn": [0]}, []])
def test_a_malformed_state_is_refused(state: Any) -> None:
    with pytest.raises(LearnerError, match="schedule's statistics"):
        Schedule([source("a", 2)], None, 0, EVERYTHING).restore(state)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Curriculum(num_steps=0), "num_steps must be at least 1"),
        (lambda: Curriculum(num_steps=1, start=0), "start must be greater than 0"),
        (lambda: Priorities(floor=0), "0 < floor <= 1"),
        (lambda: Priorities(half_life=0), "at least 1"),
        (lambda: Retirement(success=1.5), "0 < success <= 1"),
        (lambda: FurtherSource("x", 0), "positive number"),
        (lambda: FurtherSource("x", 1, max_tasks=0), "max_tasks is 0"),
        (lambda: DataConfig("x", weight=-1), "data.weight must be a positive number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_nothing_set_is_off() -> None:
    assert not ScheduleConfig().is_on
    assert ScheduleConfig(retirement=Retirement()).needs_success
    assert not replace(EVERYTHING, priorities=None, retirement=None).needs_success
