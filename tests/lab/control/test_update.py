"""The update against PPO written out once more in the plainest way."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from proctor.errors import LearnerError
from proctor.lab.control import ControlConfig, continuous, discrete
from proctor.lab.control.environments import ContinuousActions, DiscreteActions
from proctor.lab.control.networks import Agent
from proctor.lab.control.segments import Batch
from proctor.lab.control.update import losses, make_optimizer, update

BOUNDS = ContinuousActions(-np.ones(2, dtype=np.float32), np.ones(2, dtype=np.float32))
NUM = 24


def agent_and_batch(config: ControlConfig, *, spread: float = 0.5) -> tuple[Agent, Batch]:
    """An agent, and transitions whose old logprobs and values differ from its own by about `spread`, so that clips bind."""
    draw = torch.Generator().manual_seed(0)
    is_discrete = config.normalization is None
    agent = Agent(3, DiscreteActions(4) if is_discrete else BOUNDS, 8, draw)
    observations = torch.randn(NUM, 3, generator=draw)
    actions = torch.randint(4, (NUM,), generator=draw) if is_discrete else torch.randn(NUM, 2, generator=draw)
    with torch.no_grad():
        logprobs, _ = agent.policy(observations, actions)
        values = agent.values(observations)
    old_logprobs = logprobs + spread * torch.randn(NUM, generator=draw)
    old_values = values + spread * torch.randn(NUM, generator=draw)
    advantages = 3 + 2 * torch.randn(NUM, generator=draw)
    return agent, Batch(observations, actions, old_logprobs, old_values, advantages, advantages + old_values)


def naive_loss(agent: Agent, batch: Batch, config: ControlConfig) -> Tensor:
    """PPO's loss transition by transition, in plain arithmetic and torch's own distributions."""
    if isinstance(batch.actions, Tensor) and batch.actions.dim() == 1:
        distribution = torch.distributions.Categorical(logits=agent.policy.logits(batch.observations))  # type: ignore[operator]
        logprobs, entropies = distribution.log_prob(batch.actions), distribution.entropy()
    else:
        distribution = torch.distributions.Normal(agent.policy.mean(batch.observations), agent.policy.log_std.exp())  # type: ignore[operator, union-attr]
        logprobs, entropies = distribution.log_prob(batch.actions).sum(-1), distribution.entropy().sum(-1)
    values = agent.critic(batch.observations).flatten()
    mean = batch.advantages.sum() / NUM
    std = ((batch.advantages - mean) ** 2).sum().div(NUM).sqrt()
    total = torch.zeros(())
    for i in range(NUM):
        advantage = (batch.advantages[i] - mean) / std
        ratio = (logprobs[i] - batch.old_logprobs[i]).exp()
        total = total + torch.max(-advantage * ratio, -advantage * ratio.clamp(1 - config.clip, 1 + config.clip)) / NUM
        error = (values[i] - batch.returns[i]) ** 2
        if config.value_clip is not None:
            near = batch.old_values[i] + (values[i] - batch.old_values[i]).clamp(-config.value_clip, config.value_clip)
            error = torch.max(error, (near - batch.returns[i]) ** 2)
        total = total + config.value_coefficient * 0.5 * error / NUM - config.entropy_coefficient * entropies[i] / NUM
    return total


CONFIGS = [discrete(), continuous(), replace(discrete(), value_clip=None), replace(continuous(), entropy_coefficient=0.1)]


@pytest.mark.parametrize("config", CONFIGS)
def test_loss_and_gradient_equal_the_naive_ones(config: ControlConfig) -> None:
    agent, batch = agent_and_batch(config)
    found = losses(agent, batch, config).total(config)
    expected = naive_loss(agent, batch, config)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    parameters = list(agent.parameters())
    for one, other in zip(torch.autograd.grad(found, parameters), torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [discrete(), continuous()])
def test_the_first_step_of_an_update(config: ControlConfig) -> None:
    """One minibatch, one epoch: the clipped gradient g moves each weight by lr g / (|g| + epsilon), as Adam's first step does."""
    config = replace(config, num_epochs=1, num_minibatches=1, num_envs=1, segment_steps=NUM, max_grad_norm=1e-4)
    agent, batch = agent_and_batch(config)
    before = copy.deepcopy(agent)
    gradients = torch.autograd.grad(naive_loss(before, batch, config), list(before.parameters()))
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    assert norm > 1e-4  # the clip binds, and leaves gradients of the size of Adam's epsilon, so that it shows
    statistics = update(agent, make_optimizer(agent, config), batch, config, torch.Generator().manual_seed(0), learning_rate=1e-2)
    assert statistics.grad_norm == pytest.approx(float(norm), rel=1e-4)
    for new, old, gradient in zip(agent.parameters(), before.parameters(), gradients, strict=True):
        clipped = gradient * 1e-4 / norm
        torch.testing.assert_close(new, old - 1e-2 * clipped / (clipped.abs() + 1e-5), atol=2e-5, rtol=0)


def test_before_the_first_step_every_ratio_is_one() -> None:
    agent, batch = agent_and_batch(continuous(), spread=0.0)
    assert float(losses(agent, batch, continuous()).log_ratio.abs().max()) < 1e-5


def test_advantages_are_normalised_within_the_minibatch() -> None:
    """Other scale, other offset, same loss: only the minibatch's own mean and spread are left."""
    agent, batch = agent_and_batch(discrete())
    moved = replace(batch, advantages=batch.advantages * 5 - 70)
    torch.testing.assert_close(losses(agent, moved, discrete()).policy, losses(agent, batch, discrete()).policy, atol=1e-5, rtol=1e-4)


def test_statistics_are_of_the_whole_segment_after_the_update() -> None:
    config = replace(discrete(), num_envs=1, segment_steps=NUM, num_epochs=3)
    agent, batch = agent_and_batch(config, spread=0.0)
    statistics = update(agent, make_optimizer(agent, config), batch, config, torch.Generator().manual_seed(0), learning_rate=3e-2)
    with torch.no_grad():
        logprobs, entropies = agent.policy(batch.observations, batch.actions)
    ratio = (logprobs - batch.old_logprobs).exp()
    assert statistics.approx_kl == pytest.approx(float((ratio - 1 - ratio.log()).mean()), rel=1e-3)
    assert statistics.approx_kl > 1e-3
    assert statistics.entropy == pytest.approx(float(entropies.mean()), rel=1e-5)
    advantages = batch.advantages - batch.advantages.mean()
    assert statistics.clip_high_fraction == pytest.approx(float(((advantages > 0) & (ratio > 1.2)).float().mean()))
    assert statistics.clip_low_fraction == pytest.approx(float(((advantages < 0) & (ratio < 0.8)).float().mean()))
    assert statistics.clip_high_fraction + statistics.clip_low_fraction > 0
    residual = (batch.returns - batch.old_values).var(correction=0) / batch.returns.var(correction=0)
    assert statistics.explained_variance == pytest.approx(1 - float(residual), rel=1e-4)
    assert (statistics.num_epochs, statistics.learning_rate) == (3, 3e-2)


@pytest.mark.parametrize(("limit", "expected"), [(None, 8), (1e9, 8), (1e-6, 1)])
def test_epochs_stop_once_the_policy_has_moved_too_far(limit: float | None, expected: int) -> None:
    config = replace(discrete(), num_envs=1, segment_steps=NUM, num_epochs=8, max_approx_kl=limit)
    agent, batch = agent_and_batch(config, spread=0.0)
    statistics = update(agent, make_optimizer(agent, config), batch, config, torch.Generator().manual_seed(0), learning_rate=3e-2)
    assert statistics.num_epochs == expected


def test_a_gradient_that_is_not_finite_changes_no_weight() -> None:
    config = replace(discrete(), num_envs=1, segment_steps=NUM)
    agent, batch = agent_and_batch(config)
    before = copy.deepcopy(agent.state_dict())
    broken = replace(batch, returns=torch.full_like(batch.returns, torch.nan))
    with pytest.raises(LearnerError, match=r"gradient norm is nan.*no weights were changed"):
        update(agent, make_optimizer(agent, config), broken, config, torch.Generator().manual_seed(0), learning_rate=1e-2)
    assert all(torch.equal(before[name], value) for name, value in agent.state_dict().items())
