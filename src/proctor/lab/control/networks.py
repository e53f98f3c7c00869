"""Policy and value networks: small, separate, orthogonally initialised."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from proctor.lab.control.environments import ContinuousActions, DiscreteActions
from proctor.objective.logprobs import token_entropy, token_logprobs

_HIDDEN_GAIN = math.sqrt(2)
_POLICY_GAIN = 0.01
_VALUE_GAIN = 1.0


def orthogonal_linear(num_inputs: int, num_outputs: int, *, gain: float, draw: torch.Generator) -> nn.Linear:
    """A linear layer with orthogonal weights times `gain` and bias 0.

    Source: detail 2 of Huang et al. 2022.
    """
    layer = nn.Linear(num_inputs, num_outputs)
    nn.init.orthogonal_(layer.weight, gain, generator=draw)
    nn.init.zeros_(layer.bias)
    return layer


def mlp(num_inputs: int, num_hidden: int, num_outputs: int, *, output_gain: float, draw: torch.Generator) -> nn.Sequential:
    """Two hidden layers of tanh units.

    Source: detail 26 of Huang et al. 2022.
    """
    return nn.Sequential(
        orthogonal_linear(num_inputs, num_hidden, gain=_HIDDEN_GAIN, draw=draw),
        nn.Tanh(),
        orthogonal_linear(num_hidden, num_hidden, gain=_HIDDEN_GAIN, draw=draw),
        nn.Tanh(),
        orthogonal_linear(num_hidden, num_outputs, gain=output_gain, draw=draw),
    )


def as_numpy(network: nn.Sequential) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The same network over the same memory, without gradients: a row at a time, torch spends most of its time on calls.

    Args:
        network: from `mlp`.
    """
    layers = [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in network if isinstance(layer, nn.Linear)]
    (first, first_bias), (second, second_bias), (last, last_bias) = layers

    def forward(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tanh(np.tanh(rows @ first + first_bias) @ second + second_bias) @ last + last_bias

    return forward


Actor = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.generic]]
"""(observations [n, features], noise [n, ...]) -> actions [n, ...]."""


class CategoricalPolicy(nn.Module):
    """One of n actions: to `objective`, a token of a vocabulary of n."""

    def __init__(self, num_features: int, num_actions: int, num_hidden: int, draw: torch.Generator) -> None:
        super().__init__()
        self.num_actions = num_actions
        self.logits = mlp(num_features, num_hidden, num_actions, output_gain=_POLICY_GAIN, draw=draw)

    def noise(self, num_steps: int, num_envs: int, draw: torch.Generator) -> NDArray[np.float32]:
        """Standard Gumbel noise [steps, environments, actions]."""
        return torch.empty(num_steps, num_envs, self.num_actions).exponential_(generator=draw).log().neg().numpy()

    def actor(self) -> Actor:
        """Draw actions: argmax(logits + Gumbel noise) has the distribution softmax(logits)."""
        logits = as_numpy(self.logits)
        return lambda observations, noise: (logits(observations) + noise).argmax(-1)

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Logprobs of given actions, and entropies, both [n], nats."""
        logits = self.logits(observations)
        return token_logprobs(logits, actions, temperature=1.0), token_entropy(logits, temperature=1.0)


class GaussianPolicy(nn.Module):
    """Independent normal distributions, one an action dimension, with a spread that does not depend on the observation.

    Source: details 23 to 25 of Huang et al. 2022: log-std starts at 0, logprobs are summed over dimensions.
    """

    def __init__(self, num_features: int, num_dimensions: int, num_hidden: int, draw: torch.Generator) -> None:
        super().__init__()
        self.mean = mlp(num_features, num_hidden, num_dimensions, output_gain=_POLICY_GAIN, draw=draw)
        self.log_std = nn.Parameter(torch.zeros(num_dimensions))

    def noise(self, num_steps: int, num_envs: int, draw: torch.Generator) -> NDArray[np.float32]:
        """Standard normal noise [steps, environments, dimensions]."""
        return torch.randn(num_steps, num_envs, len(self.log_std), generator=draw).numpy()

    def actor(self) -> Actor:
        """Draw actions: mean + std noise; unbounded."""
        mean, std = as_numpy(self.mean), self.log_std.detach().exp().numpy()
        return lambda observations, noise: mean(observations) + std * noise

    def forward(self, observations: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log-densities of given actions, -sum_d [(a - mean)^2 / (2 std^2) + log std + log(2 pi) / 2], and entropies, both [n]."""
        standardized = (actions - self.mean(observations)) * (-self.log_std).exp()
        log_norm = (self.log_std + 0.5 * math.log(2 * math.pi)).sum()
        logprobs = -0.5 * standardized.square().sum(-1) - log_norm
        entropy = log_norm + 0.5 * len(self.log_std)
        return logprobs, entropy.expand(len(logprobs))


class Agent(nn.Module):
    """A policy and a value network that share nothing (detail 13).

    Args:
        num_features: of an observation.
        actions: what the environment takes.
        num_hidden: width of the hidden layers.
        draw: randomness of the initial weights.
    """

    def __init__(self, num_features: int, actions: DiscreteActions | ContinuousActions, num_hidden: int, draw: torch.Generator) -> None:
        super().__init__()
        self.policy: CategoricalPolicy | GaussianPolicy
        if isinstance(actions, DiscreteActions):
            self.policy = CategoricalPolicy(num_features, actions.num_actions, num_hidden, draw)
        else:
            self.policy = GaussianPolicy(num_features, len(actions.low), num_hidden, draw)
        self.critic = mlp(num_features, num_hidden, 1, output_gain=_VALUE_GAIN, draw=draw)

    def values(self, observations: Tensor) -> Tensor:
        """V of observations [n, features], as [n]."""
        return self.critic(observations)[:, 0]
