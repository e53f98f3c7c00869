"""Segments of fixed length, and their advantages.

    environments -> Segment [environments, steps] -> pieces of episodes, ragged rows -> objective.credit.gae -> Batch [transitions]

A segment starts and ends where it will, with episodes ending inside. `gae` knows rollouts, not ends inside one, so each
environment's steps are cut into pieces of one episode each, laid out as the rows that language-model rollouts have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from proctor.lab.control.config import ControlConfig
from proctor.lab.control.environments import ParallelEnvironments, Step
from proctor.lab.control.networks import Agent
from proctor.objective.credit import gae


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """What was seen in T steps of N environments; every tensor is [N, T, ...].

    Attributes:
        observations: before each action.
        actions: as the policy drew them, before any clipping to bounds.
        rewards: of each action.
        is_terminated: the episode ended with this step, in a state without a future.
        is_truncated: the episode was cut after this step by the time limit; where it also terminated, that counts.
        successors: observations after each action, within the same episode.
        episode_returns: of the episodes that ended, in order of time.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    is_terminated: Tensor
    is_truncated: Tensor
    successors: Tensor
    episode_returns: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The transitions of a segment, flat, with what the update holds constant; every tensor is [N * T, ...].

    Attributes:
        observations: before each action.
        actions: as drawn.
        old_logprobs: of the actions under the policy that drew them, nats.
        old_values: V of the observations before the update.
        advantages: by GAE, not normalised.
        returns: targets of the values: advantages + old values.
    """

    observations: Tensor
    actions: Tensor
    old_logprobs: Tensor
    old_values: Tensor
    advantages: Tensor
    returns: Tensor

    def shuffled(self, order: Tensor) -> Batch:
        """The same transitions in another order."""
        return Batch(*(column[order] for column in self._columns()))

    def split(self, num_parts: int) -> list[Batch]:
        """Cut into parts whose sizes differ by at most 1, in order; every transition is in one."""
        return [Batch(*part) for part in zip(*(column.tensor_split(num_parts) for column in self._columns()), strict=True)]

    def _columns(self) -> tuple[Tensor, ...]:
        return self.observations, self.actions, self.old_logprobs, self.old_values, self.advantages, self.returns


@torch.no_grad()
def collect(agent: Agent, environments: ParallelEnvironments, config: ControlConfig, draw: torch.Generator) -> Segment:
    """Let the policy act for `config.segment_steps` steps, going on where the last segment ended (detail 1)."""
    act = agent.policy.actor()
    noise = agent.policy.noise(config.segment_steps, config.num_envs, draw)
    observations: list[np.ndarray] = []
    actions: list[np.ndarray] = []
    steps: list[Step] = []
    for step_noise in noise:
        observations.append(environments.observations)
        actions.append(act(observations[-1], step_noise))
        steps.append(environments.step(actions[-1]))
    return Segment(
        observations=_side_by_side(observations),
        actions=_side_by_side(actions),
        rewards=_side_by_side([step.rewards for step in steps]).float(),
        is_terminated=_side_by_side([step.is_terminated for step in steps]),
        is_truncated=_side_by_side([step.is_truncated for step in steps]),
        successors=_side_by_side([step.successors for step in steps]),
        episode_returns=tuple(value for step in steps for value in step.episode_returns),
    )


@torch.no_grad()
def annotate(agent: Agent, segment: Segment, config: ControlConfig) -> Batch:
    """Add logprobs, values, advantages and returns, all under the weights that collected the segment.

    Where a piece ends in termination nothing follows; where it was truncated, or the segment ended, the value of the
    observation that came next stands for the rest (detail 5). With `config.time_limit_is_end`, nothing follows a truncation either.
    """
    observations, actions = segment.observations.flatten(0, 1), segment.actions.flatten(0, 1)
    old_logprobs, _ = agent.policy(observations, actions)
    old_values = agent.values(observations)
    is_end = segment.is_terminated | segment.is_truncated
    is_end[:, -1] = True
    following = agent.values(segment.successors[is_end])
    is_over = segment.is_terminated | segment.is_truncated if config.time_limit_is_end else segment.is_terminated
    bootstrap_values = torch.where(is_over[is_end], 0, following)
    pieces = Pieces.cut(is_end)
    advantages, returns = gae(
        pieces.ragged(segment.rewards.flatten()),
        pieces.ragged(old_values),
        pieces.mask,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        bootstrap_values=bootstrap_values,
    )
    return Batch(observations, actions, old_logprobs, old_values, pieces.flat(advantages), pieces.flat(returns))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Where each transition stands when the steps of all environments are cut into pieces of one episode each.

    Attributes:
        mask: [pieces, longest] True where a piece has a transition; a row's transitions are its first ones.
    """

    mask: Tensor

    @classmethod
    def cut(cls, is_end: Tensor) -> Pieces:
        """Cut after every True of [environments, steps]; the last step of each environment must be one.

        Raises:
            ValueError: it is not.
        """
        if not is_end[:, -1].all():
            raise ValueError("the last step of every environment must end a piece")
        ends = is_end.flatten().nonzero()[:, 0]
        lengths = ends.diff(prepend=ends.new_tensor([-1]))
        return cls(torch.arange(int(lengths.max())) < lengths[:, None])

    def ragged(self, flat: Tensor) -> Tensor:
        """[environments * steps], environment by environment, as [pieces, longest] with 0 after the end of each."""
        return flat.new_zeros(self.mask.shape).masked_scatter(self.mask, flat)

    def flat(self, ragged: Tensor) -> Tensor:
        """The inverse of `ragged`."""
        return ragged[self.mask]


def _side_by_side(rows: list[np.ndarray]) -> Tensor:
    """One array a step, each [environments, ...], as [environments, steps, ...]."""
    return torch.from_numpy(np.stack(rows, axis=1))
