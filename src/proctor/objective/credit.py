"""Credit per token: where a reward is paid, and how much of what follows each token is credited with.

Everything is [rollouts, tokens] with a mask that is True on the policy's own tokens. The mask may have holes (observations of a
multi-turn rollout): time is counted in trained tokens, so a recursion steps over them, and what stands outside the mask, even
NaN, has no influence. Results are 0 there. Credit is constant in the update: inputs are detached.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from proctor.objective.shapes import require_rows, require_same


def terminal_rewards(rewards: Float[Tensor, " rollouts"], mask: Bool[Tensor, "rollouts tokens"]) -> Float[Tensor, "rollouts tokens"]:
    """r_{i,t} = r_i on the last trained token of rollout i, 0 elsewhere.

    The last *trained* token, by the mask: looking for the first padding token moves the reward by one where padding and end of
    sequence are the same id. The reward of a rollout with no trained token is paid nowhere.

    Args:
        rewards: one a rollout.
        mask: True where a token is trained on.
    """
    require_rows(mask, rewards=rewards)
    is_last = mask & (mask.flip(1).cumsum(1).flip(1) == 1)
    return torch.where(is_last, rewards.detach()[:, None], 0)


def reward_to_go(rewards: Float[Tensor, "rollouts tokens"], mask: Bool[Tensor, "rollouts tokens"], *, gamma: float) -> Float[Tensor, "rollouts tokens"]:
    """G_t = sum_{k >= t} gamma^(k-t) r_k over trained tokens.

    The return that REINFORCE++ whitens, and the Monte-Carlo target for pre-training a value model.

    Source: Williams 1992; Hu 2025 (REINFORCE++), with gamma 1.

    Args:
        rewards: per token; outside the mask they are ignored.
        mask: True where a token is trained on.
        gamma: discount a trained token, in [0, 1].

    Raises:
        ValueError: gamma is outside [0, 1].
    """
    require_same(rewards=rewards, mask=mask)
    _require_fraction("gamma", gamma)
    order = _trained_first(mask)
    ordered = torch.where(mask, rewards.detach(), 0).gather(1, order)
    return _scattered(_discounted_sum(ordered, ordered.new_tensor(gamma)), order, mask)


def gae(
    rewards: Float[Tensor, "rollouts tokens"],
    values: Float[Tensor, "rollouts tokens"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    gamma: float,
    gae_lambda: float | Float[Tensor, " rollouts"],
    bootstrap_values: Float[Tensor, " rollouts"] | None = None,
) -> tuple[Float[Tensor, "rollouts tokens"], Float[Tensor, "rollouts tokens"]]:
    """A_t = delta_t + gamma lambda A_{t+1}, with delta_t = r_t + gamma V_{t+1} - V_t; returns R_t = A_t + V_t.

    After the last trained token V is the bootstrap value. gamma = lambda = 1 gives reward-to-go minus value. lambda 0.95 leaves
    0.006 of a terminal reward after 100 tokens and nothing after 1000, which is why outcome rewards use lambda 1 or
    `length_adaptive_lambda`. Two calls with two lambdas give the decoupled form: advantages from one, returns from the other.

    Source: Schulman et al. 2016 (GAE), eq. 16; returns are the TD(lambda) targets of PPO implementations; decoupled: Yuan et al.
    2025 (VC-PPO, VAPO).

    Args:
        rewards: per token; outside the mask they are ignored.
        values: V(s_t), the prediction *before* token t is chosen.
        mask: True where a token is trained on; holes are stepped over.
        gamma: discount a trained token, in [0, 1].
        gae_lambda: in [0, 1], one for all or one a rollout.
        bootstrap_values: prediction after the last trained token of each rollout: of the state where a truncated one was cut,
            0 for a finished one. None means all finished.

    Returns:
        Advantages and returns, constants, 0 outside the mask.

    Raises:
        ValueError: shapes disagree, or gamma or lambda is outside [0, 1].
    """
    require_same(rewards=rewards, values=values, mask=mask)
    _require_fraction("gamma", gamma)
    _require_fraction("gae_lambda", gae_lambda)
    after_last = values.new_zeros(len(values)) if bootstrap_values is None else bootstrap_values.detach()
    lambdas = gae_lambda if isinstance(gae_lambda, Tensor) else values.new_full((len(values),), gae_lambda)
    require_rows(mask, bootstrap_values=after_last, gae_lambda=lambdas)
    order = _trained_first(mask)
    ordered_rewards, ordered_values = rewards.detach().gather(1, order), values.detach().gather(1, order)
    num_tokens = mask.sum(1, keepdim=True)
    steps = torch.arange(mask.shape[1], device=mask.device)
    following = torch.where(steps + 1 == num_tokens, after_last[:, None], ordered_values.roll(-1, dims=1))
    deltas = torch.where(steps < num_tokens, ordered_rewards + gamma * following - ordered_values, 0)
    advantages = _discounted_sum(deltas, gamma * lambdas[:, None].to(deltas))
    return _scattered(advantages, order, mask), _scattered(advantages + ordered_values, order, mask)


def length_adaptive_lambda(mask: Bool[Tensor, "rollouts tokens"], *, alpha: float) -> Float[Tensor, " rollouts"]:
    """lambda_i = 1 - 1 / (alpha l_i), with l_i the trained tokens of rollout i; not below 0.

    Keeps the sum of the weights of the TD errors proportional to the length. The formula is negative for l < 1/alpha (20
    tokens at the published 0.05); it is held at 0 there, which the paper does not discuss. In fp64.

    Source: Yue et al. 2025 (VAPO, 2504.05118); alpha 0.05.

    Raises:
        ValueError: alpha is not positive.
    """
    if alpha <= 0:
        raise ValueError(f"alpha must be greater than 0, not {alpha}")
    return (1 - 1 / (alpha * mask.sum(1).double())).clamp(min=0)


def whiten(values: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"], *, shift_mean: bool) -> Float[Tensor, "*batch"]:
    """(x - mean) / sqrt(variance + 1e-8) over the mask; without `shift_mean` the mean is added back. 0 outside the mask.

    The variance is the population's. Rewards are whitened without shifting, advantages with. Over the *whole* batch: whitening
    micro-batches one by one makes the loss depend on how the batch was cut.

    Source: Huang et al. 2023 (N implementation details of RLHF with PPO), from OpenAI's lm-human-preferences.

    Args:
        values: rewards or advantages.
        mask: True where they count.
        shift_mean: whether the result has mean 0.

    Raises:
        ValueError: the mask is False everywhere.
    """
    require_same(values=values, mask=mask)
    if not mask.any():
        raise ValueError("nothing to whiten: the mask is False everywhere")
    kept = values.detach()[mask]
    mean = kept.mean()
    whitened = (values.detach() - mean) * (kept.var(correction=0) + 1e-8).rsqrt()
    return torch.where(mask, whitened if shift_mean else whitened + mean, 0)


def _trained_first(mask: Tensor) -> Tensor:
    """Positions of each row with the trained ones first, both kinds in order."""
    return (~mask).to(torch.uint8).argsort(stable=True)


def _scattered(ordered: Tensor, order: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, torch.zeros_like(ordered).scatter(1, order, ordered), 0)


def _discounted_sum(values: Tensor, discount: Tensor) -> Tensor:
    """y_t = x_t + discount y_{t+1}, by doubling: log2(tokens) passes over the batch instead of one step a token."""
    span = 1
    while span < values.shape[1]:
        values = torch.cat([values[:, :-span] + discount**span * values[:, span:], values[:, -span:]], dim=1)
        span *= 2
    return values


def _require_fraction(name: str, value: float | Tensor) -> None:
    if not bool(((torch.as_tensor(value) >= 0) & (torch.as_tensor(value) <= 1)).all()):
        raise ValueError(f"{name} must be in [0, 1], not {value}")
