"""The mixture is a pure function of the step, and goes through its sources in epochs."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core import Task
from proctor.data import LoadedTasks, Mixture
from proctor.data.mixture import apportion, fair_part
from proctor.errors import ConfigError, TaskError


def source(name: str, size: int) -> LoadedTasks:
    return LoadedTasks(tuple(Task(f"{name}-{index}", "p", source=name) for index in range(size)), None, name)


def ids(tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks]


@given(size=st.integers(1, 30), num=st.integers(1, 40), num_steps=st.integers(1, 30), seed=st.integers(0, 5))
def test_one_source_every_task_once_an_epoch_and_none_twice_a_step(size: int, num: int, num_steps: int, seed: int) -> None:
    mixture = Mixture([source("a", size)], None, seed)
    steps = [ids(mixture.take(step, num)) for step in range(num_steps)]
    assert all(len(step) == num for step in steps)
    if num <= size:
        assert all(len(set(step)) == num for step in steps)
    stream = [task for step in steps for task in step]
    for start in range(0, len(stream), size):
        epoch = stream[start : start + size]
        assert len(set(epoch)) == len(epoch)


@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3), num=st.integers(1, 9), seed=st.integers(0, 3), order=st.permutations(range(8)))
def test_a_jump_gives_what_walking_gives(sizes: list[int], num: int, seed: int, order: list[int]) -> None:
    sources = [source(str(index), size) for index, size in enumerate(sizes)]
    walked = [ids(Mixture(sources, None, seed).take(step, num)) for step in range(8)]
    mixture = Mixture(sources, None, seed)
    assert {step: ids(mixture.take(step, num)) for step in order} == dict(enumerate(walked))
    assert ids(mixture.take(order[-1], num)) == walked[order[-1]]  # asked again


@given(weights=st.lists(st.floats(0.001, 10), min_size=1, max_size=5), num=st.integers(1, 16), num_steps=st.integers(1, 60))
def test_weights_decide_the_counts_without_drift(weights: list[float], num: int, num_steps: int) -> None:
    mixture = Mixture([source(str(index), 7) for index in range(len(weights))], weights, 0)
    counts: Counter[str] = Counter()
    for step in range(num_steps):
        tasks = mixture.take(step, num)
        assert len(tasks) == num
        counts.update(task.source for task in tasks)
        for index, weight in enumerate(weights):
            assert abs(counts[str(index)] - (step + 1) * num * weight / sum(weights)) < len(weights)


def test_a_part_of_a_step_keeps_the_shares_of_the_sources() -> None:
    """What `take` gives comes source by source, so that a part from its front would be the first source alone."""
    mixture = Mixture([source("a", 75), source("b", 75)], [1.0, 3.0], 0)
    counts: Counter[str] = Counter()
    for step in range(400):
        part = fair_part(mixture.take(step, 8), 2, key=str(step), used=())
        assert len(part) == len({task.id for task in part}) == 2
        counts.update(task.source for task in part)
    assert 500 < counts["b"] < 700  # 600 are due; the standard deviation is 11
    assert ids(fair_part(mixture.take(0, 8), 4, key="k", used=())) == ids(fair_part(mixture.take(0, 8), 4, key="k", used=()))


def test_used_tasks_come_only_where_there_are_too_few_others() -> None:
    tasks = list(source("a", 6).tasks)
    used = {"a-0", "a-1", "a-2", "a-3"}
    assert {*ids(fair_part(tasks, 2, key="k", used=used))} == {"a-4", "a-5"}
    assert {*ids(fair_part(tasks, 4, key="k", used=used))} > {"a-4", "a-5"}


def test_two_sources_three_to_one() -> None:
    mixture = Mixture([source("a", 50), source("b", 50)], [3, 1], 0)
    assert [Counter(task.source for task in mixture.take(step, 4)) for step in range(3)] == [Counter(a=3, b=1)] * 3
    small = Mixture([source("a", 50), source("b", 50)], [0.9, 0.1], 0)
    assert Counter(task.source for step in range(100) for task in small.take(step, 1)) == Counter(a=90, b=10)


def test_without_weights_shares_follow_the_sizes() -> None:
    mixture = Mixture([source("a", 30), source("b", 10)], None, 0)
    assert len({task.id for step in range(5) for task in mixture.take(step, 8)}) == 40


def test_epochs_and_seeds_give_different_orders() -> None:
    mixture = Mixture([source("a", 20)], None, 0)
    epochs = [ids(mixture.take(step, 20)) for step in range(4)]
    assert all(first != second for first, second in pairwise(epochs))
    assert ids(Mixture([source("a", 20)], None, 1).take(0, 20)) != epochs[0]
    assert epochs[0] == ids(Mixture([source("a", 20)], None, 0).take(0, 20))


def test_the_order_is_the_same_in_every_version() -> None:
    """A resumed run may meet a newer Python: the order is part of what a checkpoint relies on."""
    assert ids(Mixture([source("a", 6)], None, 0).take(0, 6)) == GOLDEN


GOLDEN = ["a-0", "a-1", "a-3", "a-2", "a-5", "a-4"]


@given(amounts=st.lists(st.floats(-1, 5), min_size=1, max_size=6), num=st.integers(0, 20))
def test_apportion_adds_up(amounts: list[float], num: int) -> None:
    amounts[0] += num - sum(amounts)
    counts = apportion(amounts, num)
    assert sum(counts) == num
    assert min(counts) >= 0


def test_wrong_arguments() -> None:
    for sources, weights in (([], None), ([source("a", 2)], [1, 2]), ([source("a", 2)], [0]), ([source("a", 2)], [float("nan")]), ([source("a", 2)], [-1.0])):
        with pytest.raises(ConfigError, match="one positive weight for each"):
            Mixture(sources, weights, 0)
    with pytest.raises(TaskError, match="task id 'a-0' is both in a and in a"):
        Mixture([source("a", 2), source("a", 3)], None, 0)
    with pytest.raises(TaskError, match="a has no tasks"):
        Mixture([source("a", 0)], None, 0)
    for step, num in ((-1, 1), (0, 0)):
        with pytest.raises(ValueError, match="step must be at least 0 and num at least 1"):
            Mixture([source("a", 2)], None, 0).take(step, num)
