"""Environments stepped side by side, each starting its next episode in the step that ends one.

Gymnasium's own vector of environments would serve, but hands the last observation of an episode over in an array of objects;
here it is simply the step's `successors`, which bootstrapping needs for every truncated episode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from proctor.errors import ConfigError
from proctor.lab.control.config import ControlConfig
from proctor.lab.control.normalization import RunningNormalizer


class Environment(Protocol):
    """What is used of a `gymnasium.Env`."""

    observation_space: Any
    action_space: Any

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]: ...

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class DiscreteActions:
    """One of `num_actions` actions, counted from 0."""

    num_actions: int


@dataclass(frozen=True, slots=True, eq=False)
class ContinuousActions:
    """A vector within bounds, both [dimensions]."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step of all environments gave; everything [environments, ...].

    Attributes:
        rewards: scaled where normalisation is on.
        is_terminated: the episode ended in a state without a future.
        is_truncated: the episode was cut by the time limit; where it also terminated, that counts.
        successors: the observation that the action led to: the last of an episode that ended, not the first of the next.
        episode_returns: undiscounted, unscaled returns of the episodes that ended, in order of the environments.
    """

    rewards: NDArray[np.float64]
    is_terminated: NDArray[np.bool_]
    is_truncated: NDArray[np.bool_]
    successors: NDArray[np.float32]
    episode_returns: tuple[float, ...]


def gymnasium_maker(environment_id: str) -> Callable[[], Environment]:
    """A function that makes one environment of Gymnasium.

    Args:
        environment_id: such as "CartPole-v1".

    Raises:
        ConfigError: Gymnasium is not installed, or the returned function finds no such environment.
    """
    gymnasium = _gymnasium()

    def make() -> Environment:
        try:
            return gymnasium.make(environment_id, disable_env_checker=True)
        except (gymnasium.error.Error, ImportError) as error:
            raise ConfigError(f"cannot make the environment {environment_id!r}: {error}. MuJoCo tasks need pip install 'proctor[control]'") from error

    return make


class ParallelEnvironments:
    """A vector of environments with one random stream each.

    Args:
        make: makes one environment.
        config: number of environments, normalisation.
        seed: of the run; each environment has a stream of its own under it.

    Raises:
        ConfigError: observations are not flat vectors, or actions neither discrete nor a bounded vector.
    """

    def __init__(self, make: Callable[[], Environment], config: ControlConfig, *, seed: int) -> None:
        self._environments = [make() for _ in range(config.num_envs)]
        self.num_features = _num_features(self._environments[0].observation_space)
        self.actions = _actions(self._environments[0].action_space)
        self._normalizer = None
        if config.normalization is not None:
            self._normalizer = RunningNormalizer(config.num_envs, self.num_features, config.gamma, config.normalization)
        self._returns = np.zeros(config.num_envs)
        seeds = np.random.SeedSequence(seed).generate_state(config.num_envs)
        firsts = [env.reset(seed=int(own))[0] for env, own in zip(self._environments, seeds, strict=True)]
        self.observations = self._normalized(np.asarray(firsts, dtype=np.float64))

    def step(self, actions: NDArray[Any]) -> Step:
        """Step every environment; `observations` are then those that the next actions are chosen on.

        Continuous actions are clipped to their bounds here: the ones that the policy drew stay with the caller (detail 27).
        """
        if isinstance(self.actions, ContinuousActions):
            actions = actions.clip(self.actions.low, self.actions.high)
        outcomes = [env.step(action) for env, action in zip(self._environments, actions, strict=True)]
        rewards = np.array([outcome[1] for outcome in outcomes], dtype=np.float64)
        is_terminated = np.array([outcome[2] for outcome in outcomes], dtype=bool)
        is_truncated = np.array([outcome[3] for outcome in outcomes], dtype=bool)
        is_done = is_terminated | is_truncated
        self._returns += rewards
        episode_returns = tuple(self._returns[is_done].tolist())
        self._returns[is_done] = 0.0
        successors = self._normalized(np.array([outcome[0] for outcome in outcomes], dtype=np.float64))
        if self._normalizer is not None:
            rewards = self._normalizer.scale_rewards(rewards, is_done)
        self.observations = successors
        if is_done.any():
            firsts = np.array([self._environments[row].reset()[0] for row in is_done.nonzero()[0]], dtype=np.float64)
            self.observations = successors.copy()
            self.observations[is_done] = self._normalized(firsts)
        return Step(rewards, is_terminated, is_truncated, successors, episode_returns)

    def _normalized(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        return (rows if self._normalizer is None else self._normalizer.normalize_observations(rows)).astype(np.float32)


def _num_features(space: Any) -> int:
    if not isinstance(space, _gymnasium().spaces.Box) or len(space.shape) != 1:
        raise ConfigError(f"observations must be flat vectors, not {space}; wrap the environment in gymnasium.wrappers.FlattenObservation")
    return space.shape[0]


def _actions(space: Any) -> DiscreteActions | ContinuousActions:
    spaces = _gymnasium().spaces
    if isinstance(space, spaces.Discrete) and space.start == 0:
        return DiscreteActions(int(space.n))
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and space.is_bounded():
        return ContinuousActions(space.low, space.high)
    raise ConfigError(f"actions must be Discrete from 0 or a bounded Box with one dimension, not {space}")


def _gymnasium() -> ModuleType:
    try:
        import gymnasium
    except ImportError as error:
        raise ConfigError("control tasks need the packages gymnasium and mujoco: pip install 'proctor[control]'") from error
    return gymnasium
