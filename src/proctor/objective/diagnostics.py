"""Numbers that tell whether an update is healthy. Constants: nothing here is differentiated."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from proctor.objective.groups import group
from proctor.objective.shapes import require_same


def masked_mean(values: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """Mean over the tokens of the mask; 0 when it is empty."""
    require_same(values=values, mask=mask)
    return torch.where(mask, values, 0).sum() / mask.sum().clamp(min=1)


def clip_fractions(
    ratio: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"], *, clip_low: float, clip_high: float
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Fraction of tokens that lost their gradient to the lower and to the upper clip.

    The lower one binds where A < 0 and ratio < 1 - clip_low, the upper one where A > 0 and ratio > 1 + clip_high.
    """
    require_same(ratio=ratio, advantages=advantages)
    low = (advantages < 0) & (ratio < 1 - clip_low)
    high = (advantages > 0) & (ratio > 1 + clip_high)
    return masked_mean(low.float(), mask), masked_mean(high.float(), mask)


def approximate_kl(log_ratio: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """KL(old || policy) from tokens of the old policy: mean of (ratio - 1) - log ratio.

    Source: Schulman, "Approximating KL Divergence" (2020); the `approx_kl` of PPO implementations.
    """
    return masked_mean(log_ratio.expm1() - log_ratio, mask)


def effective_sample_size(log_ratio: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """(sum w)^2 / (n sum w^2) with w = exp(log_ratio) over the n tokens of the mask: the share of them that still counts.

    1 on-policy, 1/n when one token holds all weight; 0 when the mask is empty. Multiply by n for a number of tokens.

    Source: Kish 1965; Kong 1992.

    Args:
        log_ratio: log(policy / old) or log(old / behaviour) per token, nats.
        mask: True where a token counts.
    """
    require_same(log_ratio=log_ratio, mask=mask)
    # Weights relative to the largest: the same share, and exp cannot overflow.
    largest = torch.where(mask, log_ratio, -torch.inf).max()
    weights = torch.where(mask, (log_ratio - largest).exp(), 0)
    return torch.where(mask.any(), weights.sum().square() / weights.square().sum() / mask.sum(), 0)


def ratio_extremes(log_ratio: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Smallest and largest ratio over the mask; 1 and 1 when it is empty."""
    require_same(log_ratio=log_ratio, mask=mask)
    lowest = torch.where(mask, log_ratio, torch.inf).min()
    highest = torch.where(mask, log_ratio, -torch.inf).max()
    return torch.where(mask.any(), lowest, 0).exp(), torch.where(mask.any(), highest, 0).exp()


def gradient_mass_by_success_rate(
    advantages: Float[Tensor, " rollouts"], successes: Bool[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"], *, num_buckets: int
) -> Float[Tensor, " buckets"]:
    """Sum of |A| over the rollouts of groups by success rate, in `num_buckets` equal parts of [0, 1]; a rate of 1 is in the last.

    Shows which difficulty an update is spent on: a group's mass goes with p(1-p) under `group_centered`, with sqrt(p(1-p)) under
    `group_standardized`, and is 0 at both ends under either.

    Args:
        advantages: one a rollout.
        successes: whether each rollout was correct.
        group_ids: any integers; equal ones share a group.
        num_buckets: at least 1.

    Raises:
        ValueError: shapes disagree, or num_buckets is less than 1.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets must be at least 1, not {num_buckets}")
    require_same(advantages=advantages, successes=successes)
    groups = group(advantages, group_ids)
    # In whole numbers: a rate that stands on a boundary must not be rounded into the bucket below.
    buckets = (groups.sum(successes.long()) * num_buckets // groups.sizes).clamp(max=num_buckets - 1)
    return advantages.new_zeros(num_buckets).index_add(0, buckets[groups.index], advantages.abs())


def unanimous_fraction(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, ""]:
    """Fraction of groups whose rewards are all equal: they have no advantage and teach nothing."""
    return group(rewards, group_ids).are_unanimous(rewards).float().mean()
