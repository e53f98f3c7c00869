"""Sums, means and extremes over ragged groups: `group_ids` says which rollout belongs where, in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Groups:
    """Where each rollout belongs.

    Attributes:
        index: [rollouts], dense number of the rollout's group.
        sizes: [groups], number of rollouts.
    """

    index: Tensor
    sizes: Tensor

    def sum(self, values: Tensor) -> Tensor:
        """Sum of each group, [groups]."""
        return values.new_zeros(self.sizes.shape).index_add(0, self.index, values)

    def mean(self, values: Tensor) -> Tensor:
        """Mean of each group, [groups]."""
        return self.sum(values) / self.sizes

    def largest(self, values: Tensor) -> Tensor:
        """Largest of each group, [groups]."""
        return values.new_full(self.sizes.shape, -torch.inf).scatter_reduce(0, self.index, values, "amax")

    def are_unanimous(self, values: Tensor) -> Tensor:
        """True for groups whose values are all equal, exactly: rounding in a mean must not invent an advantage. [groups]."""
        return self.largest(values) == -self.largest(-values)


def read_groups(group_ids: Tensor) -> Groups:
    """Number the groups densely, in ascending order of their ids."""
    unique: Callable[..., tuple[Tensor, Tensor, Tensor]] = torch.unique  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    _, index, sizes = unique(group_ids, return_inverse=True, return_counts=True)
    return Groups(index, sizes)


def group(rewards: Tensor, group_ids: Tensor) -> Groups:
    """The groups of a batch of rewards.

    Raises:
        ValueError: another number of ids than rewards, or a reward that is not a finite number.
    """
    if rewards.dim() != 1 or rewards.shape != group_ids.shape:
        raise ValueError(f"{' x '.join(map(str, rewards.shape))} rewards but {' x '.join(map(str, group_ids.shape))} group_ids; give one of each a rollout")
    require_finite_rewards(rewards)
    return read_groups(group_ids)


def require_finite_rewards(rewards: Tensor) -> None:
    """Refuse a NaN or infinite reward by the number of its rollout: one would spoil the whole group.

    Raises:
        ValueError: a reward is not a finite number.
    """
    bad = (~torch.isfinite(rewards)).nonzero()
    if len(bad):
        raise ValueError(f"reward of rollout {int(bad[0, 0])} is {rewards[tuple(bad[0])]}, not a finite number")
