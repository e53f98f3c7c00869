"""Networks: initial weights, logprobs of actions, and the copy that acts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from proctor.lab.control.environments import ContinuousActions, DiscreteActions
from proctor.lab.control.networks import Agent, CategoricalPolicy, GaussianPolicy, as_numpy, mlp

DISCRETE = DiscreteActions(3)
CONTINUOUS = ContinuousActions(-np.ones(2, dtype=np.float32), np.ones(2, dtype=np.float32))


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gain_of(layer: nn.Linear) -> float:
    """The g of a matrix with orthogonal rows or columns of length g."""
    weight = layer.weight.detach()
    gram = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    gain = float(gram.diagonal().mean().sqrt())
    torch.testing.assert_close(gram, gain**2 * torch.eye(len(gram)), atol=1e-5, rtol=1e-4)
    return gain


@pytest.mark.parametrize("actions", [DISCRETE, CONTINUOUS])
def test_initial_weights(actions: DiscreteActions | ContinuousActions) -> None:
    agent = Agent(5, actions, 8, draw())
    policy = agent.policy.logits if isinstance(agent.policy, CategoricalPolicy) else agent.policy.mean
    for network, last in ((policy, 0.01), (agent.critic, 1.0)):
        layers = [layer for layer in network if isinstance(layer, nn.Linear)]
        assert [gain_of(layer) for layer in layers] == pytest.approx([2**0.5, 2**0.5, last], rel=1e-3)
        assert all(not layer.bias.any() for layer in layers)
        assert [type(layer) for layer in network] == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]


def test_policy_and_critic_share_nothing() -> None:
    agent = Agent(5, DISCRETE, 8, draw())
    agent.values(torch.randn(4, 5, generator=draw(1))).sum().backward()
    assert all(parameter.grad is None for parameter in agent.policy.parameters())
    assert all(parameter.grad is not None for parameter in agent.critic.parameters())


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before() -> None:
    first = Agent(5, CONTINUOUS, 8, draw(3)).state_dict()
    torch.rand(7)
    second = Agent(5, CONTINUOUS, 8, draw(3)).state_dict()
    other = Agent(5, CONTINUOUS, 8, draw(4)).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["critic.0.weight"], other["critic.0.weight"])


def test_gaussian_logprobs_are_summed_over_dimensions_and_spread_ignores_the_observation() -> None:
    policy = GaussianPolicy(5, 2, 8, draw())
    assert not policy.log_std.detach().any()
    with torch.no_grad():
        policy.log_std.copy_(torch.tensor([0.3, -1.2]))
    observations, actions = torch.randn(6, 5, generator=draw(1)), torch.randn(6, 2, generator=draw(2))
    logprobs, entropies = policy(observations, actions)
    expected = torch.distributions.Normal(policy.mean(observations), torch.tensor([0.3, -1.2]).exp())
    torch.testing.assert_close(logprobs, expected.log_prob(actions).sum(-1))
    torch.testing.assert_close(entropies, expected.entropy().sum(-1))
    logprobs.sum().backward()
    assert policy.log_std.grad is not None and policy.log_std.grad.all()


def test_gaussian_logprob_by_hand() -> None:
    """Mean 0 and std 1 in two dimensions at (1, 2): -(1 + 4) / 2 - log(2 pi)."""
    policy = GaussianPolicy(1, 2, 4, draw())
    logprobs, entropies = policy(torch.zeros(1, 1), torch.tensor([[1.0, 2.0]]))
    assert logprobs.item() == pytest.approx(-2.5 - np.log(2 * np.pi))
    assert entropies.item() == pytest.approx(1 + np.log(2 * np.pi))


def test_categorical_logprobs_and_entropy() -> None:
    policy = CategoricalPolicy(5, 3, 8, draw())
    observations, actions = torch.randn(6, 5, generator=draw(1)), torch.tensor([0, 1, 2, 0, 1, 2])
    logprobs, entropies = policy(observations, actions)
    expected = torch.distributions.Categorical(logits=policy.logits(observations))
    torch.testing.assert_close(logprobs, expected.log_prob(actions))
    torch.testing.assert_close(entropies, expected.entropy())


def test_the_acting_copy_follows_the_weights() -> None:
    network = mlp(5, 8, 3, output_gain=1.0, draw=draw())
    act = as_numpy(network)
    rows = torch.randn(4, 5, generator=draw(1))
    np.testing.assert_allclose(act(rows.numpy()), network(rows).detach().numpy(), atol=1e-6)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1)
    np.testing.assert_allclose(act(rows.numpy()), network(rows).detach().numpy(), atol=1e-6)


def test_actions_are_drawn_from_the_distribution_whose_logprobs_are_trained() -> None:
    categorical, observation = CategoricalPolicy(5, 3, 8, draw()), torch.randn(1, 5, generator=draw(1))
    with torch.no_grad():
        categorical.logits[-1].bias.copy_(torch.tensor([0.5, -1.0, 1.0]))
    act, noise = categorical.actor(), categorical.noise(20_000, 1, draw(2))
    drawn = np.array([act(observation.numpy(), step)[0] for step in noise])
    probabilities = categorical.logits(observation).softmax(-1)[0].detach().numpy()
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / len(drawn), probabilities, atol=0.015)  # about four standard errors

    gaussian = GaussianPolicy(5, 2, 8, draw())
    with torch.no_grad():
        gaussian.log_std.copy_(torch.tensor([0.3, -1.2]))
    act, noise = gaussian.actor(), gaussian.noise(20_000, 1, draw(2))
    drawn = np.array([act(observation.numpy(), step)[0] for step in noise])
    std = gaussian.log_std.detach().exp().numpy()
    np.testing.assert_allclose(drawn.std(0), std, rtol=0.02)
    np.testing.assert_allclose(drawn.mean(0), gaussian.mean(observation)[0].detach().numpy(), atol=float(std.max()) * 0.03)
