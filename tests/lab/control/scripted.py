"""Environments whose every observation, reward and end is written down, and agents whose values are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from proctor.lab.control import ControlConfig, discrete
from proctor.lab.control.environments import DiscreteActions
from proctor.lab.control.networks import Agent

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'control' is not installed")


@dataclass(frozen=True)
class Episode:
    """Rewards of an episode, and how it ends."""

    rewards: tuple[float, ...]
    is_truncated: bool = False


class ScriptedEnvironment:
    """Plays episodes in order, over and over. Observation: [100 * episode + steps taken], so that no two look alike."""

    def __init__(self, episodes: Sequence[Episode], action_space: Any = None) -> None:
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,))
        self.action_space = action_space if action_space is not None else gymnasium.spaces.Discrete(2)
        self.received: list[Any] = []
        self.seeds: list[int | None] = []
        self._episodes = episodes
        self._number, self._time = -1, 0

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.seeds.append(seed)
        self._number, self._time = self._number + 1, 0
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        self.received.append(action)
        episode = self._episodes[self._number % len(self._episodes)]
        reward = episode.rewards[self._time]
        self._time += 1
        is_over = self._time == len(episode.rewards)
        return self._observation(), reward, is_over and not episode.is_truncated, is_over and episode.is_truncated, {}

    def _observation(self) -> np.ndarray:
        return np.array([100.0 * self._number + self._time])


def in_order(environments: Sequence[ScriptedEnvironment]) -> Any:
    """A maker that hands out these environments one after the other."""
    left: Iterator[ScriptedEnvironment] = iter(environments)
    return lambda: next(left)


class LinearValues(torch.nn.Module):
    """V(s) = 10 + s, so that each bootstrap shows which observation it was taken from."""

    def forward(self, observations: Tensor) -> Tensor:
        return observations + 10


def agent_with_known_values() -> Agent:
    agent = Agent(1, DiscreteActions(2), 4, torch.Generator().manual_seed(0))
    agent.critic = LinearValues()  # type: ignore[assignment]
    return agent


def small(**changes: Any) -> ControlConfig:
    """The discrete configuration, small, with changes."""
    return replace(discrete(), **{"num_envs": 1, "segment_steps": 4, "num_minibatches": 1, **changes})
