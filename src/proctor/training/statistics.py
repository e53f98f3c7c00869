"""Estimates for evaluation: pass@k, majority votes, and means over tasks with their uncertainty.

The unit of sampling is the task: several completions of one task are averaged first, and intervals are over tasks.
Nothing here grades, samples or prints.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np

from proctor.errors import ConfigError

_MAX_SUBSETS = 5000
_MAX_DRAWS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over tasks with a two-sided confidence interval.

    Attributes:
        mean: of the values given, one a task.
        low: lower end.
        high: upper end.
        num_tasks: how many tasks the mean is over.
    """

    mean: float
    low: float
    high: float
    num_tasks: int


def pass_at_k(num_samples: int, num_correct: int, k: int) -> float:
    """Estimate the probability that at least one of k completions is correct: 1 - C(n - c, k) / C(n, k).

    Unbiased for n completions sampled independently; computed as a product, without large binomials.

    Source: Chen et al. 2021 (Evaluating Large Language Models Trained on Code), eq. 1.

    Args:
        num_samples: n, completions of the task.
        num_correct: c, those that are correct.
        k: how many tries, 1 <= k <= n.

    Raises:
        ConfigError: k is not between 1 and n.
        ValueError: c is not between 0 and n.
    """
    _check_k(k, num_samples)
    if not 0 <= num_correct <= num_samples:
        raise ValueError(f"{num_correct} of {num_samples} completions cannot be correct")
    if num_samples - num_correct < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(num_samples - num_correct + 1, num_samples + 1))


def _check_k(k: int, num_samples: int) -> None:
    if not 1 <= k <= num_samples:
        raise ConfigError(f"k is {k} with {num_samples} completions a task; k must be between 1 and that number: sample more, or ask for a smaller k")


def majority(answers: Sequence[str | None], rng: np.random.Generator) -> str | None:
    """The most frequent answer; a tie is broken at random, and None (nothing could be read) never wins.

    Args:
        answers: one a completion, compared as text: bring them to a canonical form first.
        rng: breaks ties; drawn from only where there is one.

    Returns:
        The winner, or None where no answer could be read.
    """
    winners = _most_frequent(answers)
    if len(winners) < 2:
        return winners[0] if winners else None
    return winners[int(rng.integers(len(winners)))]


def _most_frequent(answers: Sequence[str | None]) -> list[str]:
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values(), default=0)
    return [answer for answer, count in counts.items() if count == most]


def maj_at_k(answers: Sequence[str | None], is_correct: Sequence[bool], k: int, *, rng: np.random.Generator) -> float:
    """Estimate the probability that the majority answer of k completions is correct.

    The mean over subsets of size k: all of them where there are at most 5000, else 5000 random ones, so the estimate is
    unbiased for k completions sampled independently, unlike the vote among the first k. In a subset, every answer that
    ties for first place counts in equal parts, which is the expectation of `majority`.

    Source: Wang et al. 2022 (Self-Consistency), the vote; the average over subsets as in `pass_at_k`.

    Args:
        answers: one a completion, canonical text; None: nothing could be read.
        is_correct: whether the completion is correct; completions with the same answer share its average.
        k: size of the vote, 1 <= k <= the number of completions.
        rng: chooses the subsets where there are too many.

    Raises:
        ConfigError: k is not between 1 and the number of completions.
        ValueError: the two sequences differ in length.
    """
    if len(answers) != len(is_correct):
        raise ValueError(f"{len(answers)} answers but {len(is_correct)} verdicts")
    _check_k(k, len(answers))
    correctness = {
        answer: float(np.mean([verdict for other, verdict in zip(answers, is_correct, strict=True) if other == answer]))
        for answer in set(answers)
        if answer is not None
    }

    def vote(indices: Sequence[int]) -> float:
        winners = _most_frequent([answers[index] for index in indices])
        return sum(correctness[winner] for winner in winners) / len(winners) if winners else 0.0

    if math.comb(len(answers), k) <= _MAX_SUBSETS:
        votes = [vote(indices) for indices in combinations(range(len(answers)), k)]
    else:
        votes = [vote(rng.choice(len(answers), size=k, replace=False).tolist()) for _ in range(_MAX_SUBSETS)]
    return math.fsum(votes) / len(votes)


def bootstrap_interval(per_task: Sequence[float], *, level: float = 0.95, num_resamples: int = 2000, seed: int) -> Interval:
    """The mean over tasks with a percentile bootstrap interval: tasks are resampled with replacement.

    Where all values are equal the bootstrap has no width, however few tasks there are. If they lie in [0, 1] (accuracies,
    pass rates) the interval then allows for a share u of unlike tasks that were not met, u being the upper Wilson bound of
    0 in n: [v - u v, v + u (1 - v)], which for all 0 and all 1 is the Wilson interval. For values on another scale nothing
    bounds what was not met, and the interval has no width: `num_tasks` is then the thing to look at.

    The percentile bootstrap is somewhat narrow for few tasks: with 20 tasks and an accuracy of 0.2, a nominal 0.95 covers 0.92.

    Source: Efron 1979 (percentile bootstrap); Wilson 1927, eq. for the score interval.

    Args:
        per_task: one finite value a task, such as its share of correct completions.
        level: confidence level, between 0 and 1.
        num_resamples: how many resamples.
        seed: of the resampling.

    Raises:
        ValueError: no values, or one that is not finite.
    """
    return _interval(per_task, bounds=(0.0, 1.0), level=level, num_resamples=num_resamples, seed=seed)


def paired_difference(before: Sequence[float], after: Sequence[float], *, level: float = 0.95, num_resamples: int = 2000, seed: int) -> Interval:
    """The mean of `after - before` over the same tasks, with a bootstrap interval over tasks.

    Pairing removes what tasks have in common (their difficulty), so the interval is much narrower than the difference of
    two separate ones. Where every task changed by the same amount within [-1, 1], the interval is widened as in
    `bootstrap_interval`; for no change at all it is [-u, u].

    Args:
        before: one finite value a task.
        after: the same tasks in the same order.
        level: confidence level, between 0 and 1.
        num_resamples: how many resamples.
        seed: of the resampling.

    Raises:
        ValueError: different numbers of tasks, none, or a value that is not finite.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} tasks before but {len(after)} after; a paired difference needs the same tasks in the same order")
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    return _interval(differences.tolist(), bounds=(-1.0, 1.0), level=level, num_resamples=num_resamples, seed=seed)


def _interval(per_task: Sequence[float], *, bounds: tuple[float, float], level: float, num_resamples: int, seed: int) -> Interval:
    values = np.asarray(per_task, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs at least one finite value, one a task; given {len(values)} values")
    if not 0.0 < level < 1.0 or num_resamples < 1:
        raise ValueError(f"level must be between 0 and 1 and num_resamples at least 1; given {level} and {num_resamples}")
    if values.min() == values.max():
        return _interval_of_equal_values(float(values[0]), len(values), bounds=bounds, level=level)
    means = _resampled_means(values, num_resamples, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def _resampled_means(values: np.ndarray, num_resamples: int, rng: np.random.Generator) -> np.ndarray:
    """[num_resamples] means of resamples, drawn in pieces of bounded memory."""
    rows = max(1, _MAX_DRAWS_AT_ONCE // len(values))
    pieces = [values[rng.integers(len(values), size=(min(rows, num_resamples - start), len(values)))].mean(axis=1) for start in range(0, num_resamples, rows)]
    return np.concatenate(pieces)


def _interval_of_equal_values(value: float, num_tasks: int, *, bounds: tuple[float, float], level: float) -> Interval:
    """See `bootstrap_interval`: what a share of unlike tasks, as large as n like ones leave possible, could change."""
    lowest, highest = bounds
    if not lowest <= value <= highest:
        return Interval(value, value, value, num_tasks)
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    unmet = z * z / (num_tasks + z * z)
    return Interval(value, value - unmet * (value - lowest), value + unmet * (highest - value), num_tasks)
