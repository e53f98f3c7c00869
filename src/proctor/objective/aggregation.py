"""Aggregation as a weight per token: loss = (per_token * weights).sum().

Weights are built once an optimizer step, on the mask of the *whole* batch. However the batch is then cut (micro-batches,
packing, accumulation, ranks), every token keeps its weight, so the loss cannot change.
"""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor


def token_mean(mask: Bool[Tensor, "rollouts tokens"]) -> Float[Tensor, "rollouts tokens"]:
    """Every token of the batch counts the same: 1 / number of tokens.

    Long rollouts count for more than short ones. Source: Yu et al. 2025 (DAPO), eq. 8.

    Args:
        mask: True where a token is trained on.

    Raises:
        ValueError: no token is.
    """
    weights = _float(mask)
    return weights / weights.sum()


def sequence_mean(mask: Bool[Tensor, "rollouts tokens"]) -> Float[Tensor, "rollouts tokens"]:
    """Every rollout counts the same, its tokens share: 1 / (number of rollouts * tokens of the rollout).

    Tokens of long rollouts count for less, which makes long wrong answers cheap (the length bias that Dr. GRPO removes). A
    rollout with no token trained on counts nowhere. Source: Shao et al. 2024 (DeepSeekMath), eq. 3.
    """
    weights = _float(mask)
    lengths = weights.sum(-1, keepdim=True)
    return weights / lengths.clamp(min=1) / (lengths > 0).sum()


def fixed_length(mask: Bool[Tensor, "rollouts tokens"], *, max_tokens: int) -> Float[Tensor, "rollouts tokens"]:
    """Every token counts 1 / (number of rollouts * max_tokens), a constant throughout training.

    Source: Liu et al. 2025 (Dr. GRPO), section 3.2; `max_tokens` is the completion limit.

    Raises:
        ValueError: max_tokens is not positive.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
    weights = _float(mask)
    return weights / max_tokens / (weights.sum(-1) > 0).sum()


def _float(mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("no token is trained on: the completion mask is False everywhere")
    return mask.float()
