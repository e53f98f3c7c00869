"""Losses and diagnostics of value functions. Per token, unmasked, unreduced."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from proctor.objective.shapes import require_same


def squared_error(values: Float[Tensor, "*batch"], returns: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """(V - R)^2 / 2 per token.

    Gradient: V - R times that of V. Its minimum is the expected return, also when it is fitted to Monte-Carlo returns of a fixed
    policy (value pre-training).

    Source: the value loss of Schulman et al. 2017 (PPO), eq. 9, with the half of implementations.

    Args:
        values: predictions; differentiated.
        returns: targets; constants.

    Raises:
        ValueError: shapes disagree.
    """
    require_same(values=values, returns=returns)
    return (values - returns).square() / 2


def clipped_value_loss(
    values: Float[Tensor, "*batch"], old_values: Float[Tensor, "*batch"], returns: Float[Tensor, "*batch"], *, clip: float
) -> Float[Tensor, "*batch"]:
    """max((V - R)^2, (V_old + clip(V - V_old, -clip, clip) - R)^2) / 2 per token.

    Pessimistic as PPO's: a prediction that already moved `clip` towards its target has no gradient. In the unit of the returns,
    so it means nothing unless they are scaled; there is little evidence that it helps.

    Gradient: V - R times that of V where the first term is the larger, or V is within the clip; else 0.

    Source: openai/baselines ppo2; detail 9 of Huang et al. 2022 (37 implementation details).

    Args:
        values: predictions; differentiated.
        old_values: predictions at the start of this update; constants.
        returns: targets; constants.
        clip: greater than 0, unit of the returns.

    Raises:
        ValueError: shapes disagree, or clip is not positive.
    """
    if clip <= 0:
        raise ValueError(f"clip must be greater than 0, not {clip}")
    require_same(values=values, old_values=old_values, returns=returns)
    near_old = old_values + (values - old_values).clamp(-clip, clip)
    return torch.maximum(squared_error(values, returns), squared_error(near_old, returns))


def explained_variance(values: Float[Tensor, "*batch"], returns: Float[Tensor, "*batch"], mask: Bool[Tensor, "*batch"]) -> Float[Tensor, ""]:
    """1 - Var(R - V) / Var(R) over the mask: 1 is perfect, 0 no better than a constant, negative is worse. Not differentiated.

    0 where the returns are all equal, since a constant predicts them; baselines' code has NaN there.

    Source: openai/baselines; detail 12 of Huang et al. 2022.

    Raises:
        ValueError: shapes disagree, or the mask is False everywhere.
    """
    require_same(values=values, returns=returns, mask=mask)
    if not mask.any():
        raise ValueError("no token is trained on: the mask is False everywhere")
    targets, errors = returns.detach()[mask], (returns - values).detach()[mask]
    total = targets.var(correction=0)
    return torch.where(total > 0, 1 - errors.var(correction=0) / total, 0)
