"""Numbers that tell whether an update is healthy. Constants: nothing here is differentiated."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def masked_mean(values: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """Mean over the tokens of the mask; 0 when it is empty."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp(min=1)


def clip_fractions(
    ratio: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"], *, clip_low: float, clip_high: float
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Fraction of tokens that lost their gradient to the lower and to the upper clip.

    The lower one binds where A < 0 and ratio < 1 - clip_low, the upper one where A > 0 and ratio > 1 + clip_high.
    """
    low = (advantages < 0) & (ratio < 1 - clip_low)
    high = (advantages > 0) & (ratio > 1 + clip_high)
    return masked_mean(low.float(), mask), masked_mean(high.float(), mask)


def approximate_kl(log_ratio: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """KL(old || policy) from tokens of the old policy: mean of (ratio - 1) - log ratio.

    Source: Schulman, "Approximating KL Divergence" (2020); the `approx_kl` of PPO implementations.
    """
    return masked_mean(log_ratio.expm1() - log_ratio, mask)
