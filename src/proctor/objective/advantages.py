"""Credit: how much better a rollout did than expected.

Groups may be ragged: `group_ids` says which rollout belongs to which group, in any order. A group of one and a group whose
rewards are all equal have advantage exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor


def group_centered(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - mean of its group.

    An estimate of the policy gradient with this advantage is unbiased up to the factor (G-1)/G, in which it differs from
    `leave_one_out`.

    Source: Liu et al. 2025 (Dr. GRPO), section 3.2.

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.
    """
    index, sizes = _groups(rewards, group_ids)
    centered = rewards - (_sum(rewards, index, sizes) / sizes)[index]
    return torch.where(_unanimous(rewards, index, sizes)[index], torch.zeros_like(centered), centered)


def group_standardized(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"], *, ddof: int, epsilon: float) -> Float[Tensor, " rollouts"]:
    """A_i = (r_i - mean of its group) / (std of its group + epsilon).

    Dividing by the standard deviation weighs a group with success rate p by sqrt(p(1-p)) instead of p(1-p): groups that are
    nearly always right or wrong count for more than under `group_centered`.

    Source: Shao et al. 2024 (DeepSeekMath), section 4.1.2. The paper does not say which standard deviation; TRL and verl take
    the sample one (ddof 1).

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.
        ddof: 0 for the population's standard deviation, 1 for the sample's (Bessel's correction).
        epsilon: added to the standard deviation.

    Raises:
        ValueError: ddof is neither 0 nor 1.
    """
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 (population) or 1 (sample), not {ddof}")
    centered = group_centered(rewards, group_ids)
    index, sizes = _groups(rewards, group_ids)
    variance = _sum(centered.square(), index, sizes) / (sizes - ddof).clamp(min=1)
    return centered / (variance.sqrt() + epsilon)[index]


def leave_one_out(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - mean of the *others* of its group: an unbiased baseline.

    Equals `group_centered` times G/(G-1).

    Source: Kool et al. 2019; Ahmadian et al. 2024 (RLOO), eq. 6.
    """
    index, sizes = _groups(rewards, group_ids)
    return group_centered(rewards, group_ids) * (sizes / (sizes - 1).clamp(min=1))[index]


def _groups(rewards: Tensor, group_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Dense group index of each rollout, and the size of each group."""
    if rewards.shape != group_ids.shape:
        raise ValueError(f"{rewards.shape[0]} rewards but {group_ids.shape[0]} group_ids")
    if rewards.numel() and not torch.isfinite(rewards).all():
        bad = int((~torch.isfinite(rewards)).nonzero()[0])
        raise ValueError(f"reward of rollout {bad} is {rewards[bad]}, not a finite number")
    unique: Callable[..., tuple[Tensor, Tensor, Tensor]] = torch.unique  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    _, index, sizes = unique(group_ids, return_inverse=True, return_counts=True)
    return index, sizes.to(rewards.dtype)


def _sum(values: Tensor, index: Tensor, sizes: Tensor) -> Tensor:
    return torch.zeros_like(sizes).index_add(0, index, values)


def _unanimous(rewards: Tensor, index: Tensor, sizes: Tensor) -> Tensor:
    """True for groups whose rewards are all equal, exactly: rounding in a mean must not invent an advantage."""
    low = torch.full_like(sizes, torch.inf).scatter_reduce(0, index, rewards, "amin")
    high = torch.full_like(sizes, -torch.inf).scatter_reduce(0, index, rewards, "amax")
    return low == high
