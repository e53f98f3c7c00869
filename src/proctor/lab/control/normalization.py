"""Running normalisation of what an environment gives: observations to mean 0 and variance 1, rewards to the scale of returns.

Statistics grow with everything seen so far and are never forgotten; what was normalised earlier is not normalised again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proctor.lab.control.config import Normalization

_EPSILON = 1e-8  # under the square root, as in openai/baselines
_PRIOR_COUNT = 1e-4  # weight of the initial mean 0 and variance 1, as there


class RunningMoments:
    """Mean and population variance of all rows seen, merged batch by batch.

    Source: Chan, Golub and LeVeque 1979, merging of two sets' moments; the initial moments are those of openai/baselines.

    Args:
        num_features: columns.
    """

    def __init__(self, num_features: int) -> None:
        self.mean = np.zeros(num_features)
        self.variance = np.ones(num_features)
        self.count = _PRIOR_COUNT

    def update(self, rows: NDArray[np.float64]) -> None:
        """Take in rows [n, features], n at least 1."""
        added = len(rows)
        total = self.count + added
        # Plain sums: numpy's own mean and var cost more than the arithmetic on so few rows.
        mean = np.add.reduce(rows) / added
        squares = np.add.reduce(np.square(rows - mean))
        delta = mean - self.mean
        self.variance = (self.variance * self.count + squares + np.square(delta) * (self.count * added / total)) / total
        self.mean = self.mean + delta * (added / total)
        self.count = total


class RunningNormalizer:
    """Normalises the observations and rewards of one vector of environments.

    Args:
        num_envs: environments.
        num_features: of an observation.
        gamma: discount of the return whose spread scales the rewards.
        config: where normalised values are clipped.
    """

    def __init__(self, num_envs: int, num_features: int, gamma: float, config: Normalization) -> None:
        self.config = config
        self.observations = RunningMoments(num_features)
        self.returns = RunningMoments(1)
        self._gamma = gamma
        self._return = np.zeros(num_envs)

    def normalize_observations(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """clip((x - mean) / sqrt(variance + 1e-8)) with moments that include these rows.

        Source: details 28 and 29 of Huang et al. 2022.
        """
        moments, limit = self.observations, self.config.clip_observations
        moments.update(rows)
        return ((rows - moments.mean) / np.sqrt(moments.variance + _EPSILON)).clip(-limit, limit)

    def scale_rewards(self, rewards: NDArray[np.float64], is_done: NDArray[np.bool_]) -> NDArray[np.float64]:
        """clip(r / sqrt(variance of the rolling discounted return + 1e-8)); no mean is taken off, so signs stay.

        The rolling return looks back, R_t = gamma R_{t-1} + r_t, and starts anew with each episode.

        Source: details 30 and 31 of Huang et al. 2022.

        Args:
            rewards: of one step, one an environment.
            is_done: whether the episode ended with this step.
        """
        self._return = self._return * self._gamma + rewards
        self.returns.update(self._return[:, None])
        self._return[is_done] = 0.0
        limit = self.config.clip_rewards
        return (rewards / np.sqrt(self.returns.variance[0] + _EPSILON)).clip(-limit, limit)
