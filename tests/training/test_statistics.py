"""Estimators against brute force, and intervals against simulated coverage."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import ConfigError
from proctor.training.statistics import Interval, bootstrap_interval, maj_at_k, majority, paired_difference, pass_at_k


@pytest.mark.parametrize(("k", "expected"), [(1, 0.25), (2, 0.45), (4, 0.728022), (8, 0.961538), (12, 0.999451), (13, 1.0), (16, 1.0)])
def test_pass_at_k_vector(k: int, expected: float) -> None:
    assert pass_at_k(16, 4, k) == pytest.approx(expected, abs=1e-6)


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets(case: tuple[int, int, int]) -> None:
    num_samples, num_correct, k = case
    subsets = list(combinations([True] * num_correct + [False] * (num_samples - num_correct), k))
    assert pass_at_k(num_samples, num_correct, k) == pytest.approx(sum(any(subset) for subset in subsets) / len(subsets), abs=1e-12)


def test_pass_at_k_is_stable_for_many_samples() -> None:
    assert pass_at_k(100_000, 1, 50_000) == pytest.approx(0.5, abs=1e-9)
    assert pass_at_k(100_000, 0, 50_000) == 0.0


@pytest.mark.parametrize(("num_samples", "num_correct", "k"), [(4, 2, 5), (4, 2, 0), (0, 0, 1)])
def test_pass_at_k_refuses_k(num_samples: int, num_correct: int, k: int) -> None:
    with pytest.raises(ConfigError, match=f"k is {k} with {num_samples} completions"):
        pass_at_k(num_samples, num_correct, k)


def test_pass_at_k_refuses_impossible_counts() -> None:
    for num_correct in (-1, 5):
        with pytest.raises(ValueError, match="cannot be correct"):
            pass_at_k(4, num_correct, 1)


def test_majority() -> None:
    rng = np.random.default_rng(0)
    assert majority(["1", "2", "2", None, None, None], rng) == "2"
    assert majority([None, None], rng) is None
    assert majority([], rng) is None
    ties = [majority(["a", "b", "b", "a", "c"], rng) for _ in range(400)]
    assert set(ties) == {"a", "b"}
    assert ties.count("a") == pytest.approx(200, abs=60)
    assert [majority(["a", "b"], np.random.default_rng(7)) for _ in range(3)] == [majority(["a", "b"], np.random.default_rng(7))] * 3


def test_maj_at_k_by_hand() -> None:
    rng = np.random.default_rng(0)
    answers, is_correct = ["7", "7", "8", None], [True, True, False, False]
    assert maj_at_k(answers, is_correct, 1, rng=rng) == 0.5
    # Pairs: 77 1, 78 1/2 (twice), 7- 1 (twice), 8- 0
    assert maj_at_k(answers, is_correct, 2, rng=rng) == pytest.approx((1 + 0.5 + 0.5 + 1 + 1 + 0) / 6)
    assert maj_at_k(answers, is_correct, 4, rng=rng) == 1.0
    assert maj_at_k([None, None], [False, False], 2, rng=rng) == 0.0


def test_maj_at_k_by_random_subsets_agrees_with_all_subsets() -> None:
    answers = ["a"] * 6 + ["b"] * 5 + ["c"] * 4 + [None]
    is_correct = [answer == "a" for answer in answers]
    every = [_vote([answers[index] for index in subset]) for subset in combinations(range(16), 7)]
    assert len(every) == 11440  # more than are enumerated
    assert maj_at_k(answers, is_correct, 7, rng=np.random.default_rng(0)) == pytest.approx(sum(every) / len(every), abs=0.02)


def _vote(answers: list[str | None]) -> float:
    counts = {answer: answers.count(answer) for answer in "abc"}
    winners = [answer for answer in "abc" if counts[answer] == max(counts.values())]
    return ("a" in winners) / len(winners)


def test_maj_at_k_refuses() -> None:
    with pytest.raises(ConfigError, match="k is 3 with 2 completions"):
        maj_at_k(["a", "b"], [True, False], 3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="2 answers but 1 verdicts"):
        maj_at_k(["a", "b"], [True], 1, rng=np.random.default_rng(0))


def test_bootstrap_is_near_the_normal_interval_for_many_tasks() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, size=900)
    interval = bootstrap_interval(values.tolist(), seed=0)
    half = 1.96 * values.std() / 30
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.012)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.012)
    assert interval.num_tasks == 900
    assert bootstrap_interval(values.tolist(), seed=0) == interval
    assert bootstrap_interval(values.tolist(), seed=1) != interval
    narrower = bootstrap_interval(values.tolist(), level=0.5, seed=0)
    assert interval.low < narrower.low < narrower.high < interval.high


def wilson(num_correct: int, num_tasks: int, z: float = 1.959964) -> tuple[float, float]:
    share, spread = num_correct / num_tasks, z * z / num_tasks
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / num_tasks + spread / (4 * num_tasks))
    return centre - half, centre + half


@pytest.mark.parametrize(("value", "num_tasks"), [(0, 1), (1, 1), (0, 25), (1, 25)])
def test_all_right_and_all_wrong_give_the_wilson_interval(value: int, num_tasks: int) -> None:
    interval = bootstrap_interval([value] * num_tasks, seed=0)
    assert (interval.low, interval.high) == pytest.approx(wilson(value * num_tasks, num_tasks), abs=1e-6)


def test_equal_values() -> None:
    inside = bootstrap_interval([0.5] * 10, seed=0)
    assert inside.low < 0.5 < inside.high
    assert (inside.low, inside.high) == pytest.approx((0.5 - 0.1388, 0.5 + 0.1388), abs=1e-4)  # u = 3.8415 / 13.8415
    assert bootstrap_interval([3.0], seed=0) == Interval(3.0, 3.0, 3.0, 1)


@pytest.mark.parametrize(("num_tasks", "share"), [(100, 0.5), (50, 0.25), (25, 0.97)])
def test_intervals_cover_as_often_as_they_say(num_tasks: int, share: float) -> None:
    """Without the treatment of equal values the last case covers half of the time: the other half of the data sets are all ones."""
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        interval = bootstrap_interval((rng.random(num_tasks) < share).astype(float).tolist(), num_resamples=400, seed=seed)
        covered += interval.low <= share <= interval.high
    assert covered / 300 >= 0.89


def test_paired_difference_is_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.random(200)
    before = (rng.random(200) * 0.1 + difficulty * 0.8).tolist()
    after = [value + 0.05 + 0.02 * noise for value, noise in zip(before, rng.normal(size=200), strict=True)]
    paired = paired_difference(before, after, seed=0)
    alone = bootstrap_interval(after, seed=0)
    assert paired.mean == pytest.approx(0.05, abs=0.005)
    assert paired.low > 0
    assert paired.high - paired.low < (alone.high - alone.low) / 5


def test_paired_difference_covers() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(300):
        before = rng.random(60) < 0.4
        after = before | (rng.random(60) < 0.5)  # half of the wrong ones become right: +0.3
        covered += (lambda interval: interval.low <= 0.3 <= interval.high)(paired_difference(before.tolist(), after.tolist(), num_resamples=400, seed=seed))
    assert covered / 300 >= 0.89


def test_paired_difference_without_any_change() -> None:
    assert paired_difference([1, 0, 1], [1, 0, 1], seed=0).mean == 0.0
    interval = paired_difference([1] * 25, [1] * 25, seed=0)
    assert (interval.low, interval.high) == pytest.approx((-0.1332, 0.1332), abs=1e-4)  # u = 3.8415 / 28.8415


def test_intervals_refuse() -> None:
    with pytest.raises(ValueError, match="at least one finite value"):
        bootstrap_interval([], seed=0)
    with pytest.raises(ValueError, match="at least one finite value"):
        bootstrap_interval([0.5, float("nan")], seed=0)
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        bootstrap_interval([0.5, 1.0], level=95, seed=0)
    with pytest.raises(ValueError, match="2 tasks before but 1 after"):
        paired_difference([1, 0], [1], seed=0)
