"""The loop: collect a segment, annotate it, update on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from proctor.errors import ConfigError
from proctor.lab.control.config import ControlConfig
from proctor.lab.control.environments import Environment, ParallelEnvironments
from proctor.lab.control.networks import Agent
from proctor.lab.control.segments import annotate, collect
from proctor.lab.control.update import UpdateStatistics, make_optimizer, update


@dataclass(frozen=True, slots=True)
class Progress:
    """One segment of training.

    Attributes:
        num_steps: environment steps so far, over all environments.
        episode_returns: undiscounted, unscaled returns of the episodes that ended in this segment.
        statistics: of the update on it.
    """

    num_steps: int
    episode_returns: tuple[float, ...]
    statistics: UpdateStatistics


def train(make: Callable[[], Environment], config: ControlConfig, *, seed: int, num_steps: int) -> Iterator[Progress]:
    """Train an agent, yielding after each update. The same seed gives the same run, on the same machine and thread count.

    Args:
        make: makes one environment, as `gymnasium_maker` does.
        config: `discrete()`, `continuous()`, or a variant.
        seed: of weights, actions, minibatches and environments.
        num_steps: environment steps to take; rounded down to whole segments.

    Raises:
        ConfigError: fewer steps than one segment, or an environment that does not fit; at once, not with the first segment.
    """
    num_segments = num_steps // config.segment_size
    if num_segments < 1:
        raise ConfigError(f"num_steps must be at least num_envs * segment_steps = {config.segment_size}, not {num_steps}")
    environments = ParallelEnvironments(make, config, seed=seed)
    return _segments(environments, config, torch.Generator().manual_seed(seed), num_segments)


def _segments(environments: ParallelEnvironments, config: ControlConfig, draw: torch.Generator, num_segments: int) -> Iterator[Progress]:
    agent = Agent(environments.num_features, environments.actions, config.num_hidden, draw)
    optimizer = make_optimizer(agent, config)
    for number in range(num_segments):
        segment = collect(agent, environments, config, draw)
        batch = annotate(agent, segment, config)
        statistics = update(agent, optimizer, batch, config, draw, learning_rate=annealed(config.learning_rate, number, num_segments))
        yield Progress((number + 1) * config.segment_size, segment.episode_returns, statistics)


def annealed(initial: float, number: int, num_segments: int) -> float:
    """The learning rate of an update, counted from 0: linear from `initial` to 0 after the last (detail 4)."""
    return initial * (1 - number / num_segments)
