"""One update of an agent: epochs of shuffled minibatches on a segment. Every formula is `objective`'s."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from proctor.errors import LearnerError
from proctor.lab.control.config import ControlConfig
from proctor.lab.control.networks import Agent
from proctor.lab.control.segments import Batch
from proctor.objective import diagnostics
from proctor.objective.credit import whiten
from proctor.objective.surrogates import ppo_clip
from proctor.objective.values import clipped_value_loss, explained_variance, squared_error


@dataclass(frozen=True, slots=True)
class UpdateStatistics:
    """What an update did (detail 12); all but the first two and the last two over the whole segment after it.

    Attributes:
        explained_variance: of the returns by the values before the update.
        grad_norm: of the last minibatch, before clipping.
        policy_loss: surrogate, mean.
        value_loss: mean.
        entropy: mean, nats.
        approx_kl: KL(old || policy), nats.
        clip_low_fraction: transitions whose ratio left the clip below, with no gradient left.
        clip_high_fraction: above.
        num_epochs: passes taken; fewer than configured where `max_approx_kl` stopped them.
        learning_rate: of this update.
    """

    explained_variance: float
    grad_norm: float
    policy_loss: float
    value_loss: float
    entropy: float
    approx_kl: float
    clip_low_fraction: float
    clip_high_fraction: float
    num_epochs: int
    learning_rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """The parts of PPO's loss on a batch, each a mean, and what diagnostics need."""

    policy: Tensor
    value: Tensor
    entropy: Tensor
    log_ratio: Tensor
    advantages: Tensor

    def total(self, config: ControlConfig) -> Tensor:
        """L = L_policy + c_value L_value - c_entropy H.

        Source: Schulman et al. 2017 (PPO), eq. 9, minimised; detail 10.
        """
        return self.policy + config.value_coefficient * self.value - config.entropy_coefficient * self.entropy


def make_optimizer(agent: Agent, config: ControlConfig) -> torch.optim.Adam:
    """Adam with the epsilon of openai/baselines, 1e-5 instead of 1e-8 (detail 3)."""
    return torch.optim.Adam(agent.parameters(), lr=config.learning_rate, eps=config.adam_epsilon, fused=True)


def losses(agent: Agent, batch: Batch, config: ControlConfig) -> Losses:
    """Losses of a batch, whose advantages are normalised within it (detail 7)."""
    logprobs, entropies = agent.policy(batch.observations, batch.actions)
    values = agent.values(batch.observations)
    everything = torch.ones_like(logprobs, dtype=torch.bool)
    advantages = whiten(batch.advantages, everything, shift_mean=True)
    surrogate = ppo_clip(logprobs, batch.old_logprobs, advantages, clip_low=config.clip, clip_high=config.clip)
    if config.value_clip is None:
        value_loss = squared_error(values, batch.returns)
    else:
        value_loss = clipped_value_loss(values, batch.old_values, batch.returns, clip=config.value_clip)
    return Losses(surrogate.mean(), value_loss.mean(), entropies.mean(), (logprobs - batch.old_logprobs).detach(), advantages)


def update(
    agent: Agent, optimizer: torch.optim.Optimizer, batch: Batch, config: ControlConfig, draw: torch.Generator, *, learning_rate: float
) -> UpdateStatistics:
    """Take the optimizer steps of one segment: every transition once an epoch, in an order drawn anew (detail 6).

    Raises:
        LearnerError: the gradient is not finite; the weights are then those before that minibatch.
    """
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    parameters = list(agent.parameters())
    everything = torch.ones_like(batch.returns, dtype=torch.bool)
    explained = explained_variance(batch.old_values, batch.returns, everything)
    norm, num_epochs = 0.0, 0
    for _ in range(config.num_epochs):
        order = torch.randperm(len(batch.returns), generator=draw)
        for minibatch in batch.shuffled(order).split(config.num_minibatches):
            optimizer.zero_grad(set_to_none=True)
            losses(agent, minibatch, config).total(config).backward()
            norm = float(torch.nn.utils.clip_grad_norm_(parameters, config.max_grad_norm))
            if not math.isfinite(norm):
                raise LearnerError(f"the gradient norm is {norm}: no weights were changed. Lower learning_rate, or look for rewards that are not finite")
            optimizer.step()
        num_epochs += 1
        if config.max_approx_kl is not None and _approx_kl(agent, batch) > config.max_approx_kl:
            break
    return _statistics(agent, batch, config, explained=float(explained), grad_norm=norm, num_epochs=num_epochs, learning_rate=learning_rate)


@torch.no_grad()
def _statistics(
    agent: Agent, batch: Batch, config: ControlConfig, *, explained: float, grad_norm: float, num_epochs: int, learning_rate: float
) -> UpdateStatistics:
    parts = losses(agent, batch, config)
    everything = torch.ones_like(batch.returns, dtype=torch.bool)
    low, high = diagnostics.clip_fractions(parts.log_ratio.exp(), parts.advantages, everything, clip_low=config.clip, clip_high=config.clip)
    return UpdateStatistics(
        explained_variance=explained,
        grad_norm=grad_norm,
        policy_loss=float(parts.policy),
        value_loss=float(parts.value),
        entropy=float(parts.entropy),
        approx_kl=float(diagnostics.approximate_kl(parts.log_ratio, everything)),
        clip_low_fraction=float(low),
        clip_high_fraction=float(high),
        num_epochs=num_epochs,
        learning_rate=learning_rate,
    )


@torch.no_grad()
def _approx_kl(agent: Agent, batch: Batch) -> float:
    logprobs, _ = agent.policy(batch.observations, batch.actions)
    return float(diagnostics.approximate_kl(logprobs - batch.old_logprobs, torch.ones_like(logprobs, dtype=torch.bool)))
