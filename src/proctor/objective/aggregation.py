"""Aggregation as a weight per token: loss = (per_token * weights).sum(), or per rollout for losses of whole rollouts.

Weights are built once an optimizer step, on the mask of the *whole* batch. However the batch is then cut (micro-batches,
packing, accumulation, ranks), every token keeps its weight, so the loss cannot change. A rollout with no trained token counts
nowhere, neither above nor below a fraction.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from proctor.objective.groups import read_groups
from proctor.objective.shapes import require_rows


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
    return weights / weights.sum(-1, keepdim=True).clamp(min=1) * rollout_mean(mask)[:, None]


def token_sum(mask: Bool[Tensor, "rollouts tokens"]) -> Float[Tensor, "rollouts tokens"]:
    """Every token counts 1 / number of rollouts: the mean over rollouts of the sum of their tokens.

    The policy gradient of whole rollouts as textbooks have it. Its scale grows with length; `fixed_length` is the same up to a
    constant. verl's `seq-mean-token-sum`. Source: Williams 1992; Ahmadian et al. 2024 (RLOO).
    """
    return _float(mask) * rollout_mean(mask)[:, None]


def fixed_length(mask: Bool[Tensor, "rollouts tokens"], *, max_tokens: int) -> Float[Tensor, "rollouts tokens"]:
    """Every token counts 1 / (number of rollouts * max_tokens), a constant throughout training.

    Source: Liu et al. 2025 (Dr. GRPO), section 3.2; `max_tokens` is the completion limit.

    Raises:
        ValueError: max_tokens is not positive.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
    return token_sum(mask) / max_tokens


def prompt_mean(mask: Bool[Tensor, "rollouts tokens"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, "rollouts tokens"]:
    """Every prompt counts the same, the tokens of its rollouts share: 1 / (number of prompts * tokens of the prompt's rollouts).

    Within a prompt long rollouts count for more, between prompts they do not. A prompt with no trained token counts nowhere.
    Source: Khatri et al. 2025 (ScaleRL, 2510.13786), prompt-level aggregation.

    Args:
        mask: True where a token is trained on.
        group_ids: prompt of each rollout.

    Raises:
        ValueError: no token is trained on, or another number of ids than rollouts.
    """
    require_rows(mask, group_ids=group_ids)
    weights = _float(mask)
    prompts = read_groups(group_ids)
    tokens = prompts.sum(weights.sum(-1))
    return weights / tokens.clamp(min=1)[prompts.index, None] / (tokens > 0).sum()


def rollout_mean(mask: Bool[Tensor, "rollouts tokens"]) -> Float[Tensor, " rollouts"]:
    """Every rollout counts the same: 1 / number of rollouts, for losses of whole rollouts (GSPO, GMPO, mirror descent).

    Raises:
        ValueError: no token is trained on.
    """
    has_tokens = _float(mask).bool().any(-1)
    return has_tokens / has_tokens.sum()


def _float(mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("no token is trained on: the completion mask is False everywhere")
    return mask.to(torch.float32)
