"""Running normalisation against numpy on everything seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import ConfigError
from proctor.lab.control import Normalization
from proctor.lab.control.environments import ParallelEnvironments
from proctor.lab.control.normalization import RunningMoments, RunningNormalizer
from tests.lab.control.scripted import Episode, ScriptedEnvironment, in_order, small

WIDE = Normalization(clip_observations=1e9, clip_rewards=1e9)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 2**31))
def test_moments_are_those_of_all_rows_however_they_came(sizes: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    batches = [draw.normal(3.0, 2.0, (size, 2)) for size in sizes]
    moments = RunningMoments(2)
    for batch in batches:
        moments.update(batch)
    rows = np.concatenate(batches)
    # The prior, mean 0 and variance 1, counts as 1e-4 of a row.
    total = len(rows) + 1e-4
    mean = rows.sum(0) / total
    variance = (np.square(rows).sum(0) + 1e-4) / total - np.square(mean)
    np.testing.assert_allclose(moments.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(moments.variance, variance, rtol=1e-8)
    assert moments.count == pytest.approx(total)


def test_observations_are_normalised_with_moments_that_include_them() -> None:
    rows = np.array([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]])
    got = RunningNormalizer(3, 2, 0.99, WIDE).normalize_observations(rows)
    np.testing.assert_allclose(got, (rows - rows.mean(0)) / rows.std(0), atol=1e-3)


def test_rewards_are_divided_by_the_spread_of_the_rolling_return_and_keep_their_sign() -> None:
    """Two environments, gamma 1/2, worked by hand: rolling returns [1, -2], then [2.5, 4], the second of a new episode."""
    normalizer = RunningNormalizer(2, 1, 0.5, WIDE)
    first = normalizer.scale_rewards(np.array([1.0, -2.0]), np.array([False, True]))
    second = normalizer.scale_rewards(np.array([2.0, 4.0]), np.array([False, False]))
    np.testing.assert_allclose(first, np.array([1.0, -2.0]) / np.std([1.0, -2.0]), rtol=1e-3)
    np.testing.assert_allclose(second, np.array([2.0, 4.0]) / np.std([1.0, -2.0, 2.5, 4.0]), rtol=1e-3)


def test_clipping() -> None:
    normalizer = RunningNormalizer(1, 1, 0.99, Normalization(clip_observations=0.5, clip_rewards=0.25))
    observations = [float(normalizer.normalize_observations(np.array([[value]]))[0, 0]) for value in (0.0, 1.0, 50.0, -50.0)]
    assert max(observations) == 0.5 and min(observations) == -0.5
    rewards = [float(normalizer.scale_rewards(np.array([value]), np.array([False]))[0]) for value in (0.0, 1.0, 9.0, -9.0)]
    assert max(rewards) == 0.25 and min(rewards) == -0.25
    with pytest.raises(ConfigError, match="clip_rewards must be greater than 0, not 0"):
        Normalization(clip_observations=1.0, clip_rewards=0)


def test_environments_normalise_what_the_policy_sees_but_report_raw_returns() -> None:
    environment = ScriptedEnvironment([Episode((1.0, 20.0, 300.0))])
    environments = ParallelEnvironments(in_order([environment]), small(normalization=WIDE), seed=0)
    steps = [environments.step(np.array([0])) for _ in range(3)]
    assert steps[-1].episode_returns == (321.0,)
    seen = np.array([0.0, 1.0, 2.0, 3.0])  # the last observation counts, as the first of the next episode does
    np.testing.assert_allclose(steps[-1].successors[0, 0], (3 - seen.mean()) / seen.std(), rtol=1e-3)
    seen = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    np.testing.assert_allclose(environments.observations[0, 0], (100 - seen.mean()) / seen.std(), rtol=1e-3)
    rolling = np.array([1.0, 20.99, 0.99 * 20.99 + 300])
    np.testing.assert_allclose(steps[-1].rewards[0], 300 / rolling.std(), rtol=1e-3)
