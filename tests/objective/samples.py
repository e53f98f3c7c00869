"""Random ragged batches in fp64, and how the tests of this room compare, differentiate and load what they test."""

from __future__ import annotations

import functools
import importlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

SEEDS = range(4)
Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Seven rollouts in three ragged groups; masks with holes, a row with one token, a full row and an empty one."""

    logprobs: Tensor
    old_logprobs: Tensor
    ref_logprobs: Tensor
    token_advantages: Tensor
    token_rewards: Tensor
    values: Tensor
    mask: Tensor
    rewards: Tensor
    advantages: Tensor
    group_ids: Tensor


def batch(seed: int, *, num_tokens: int = 6) -> Batch:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    mask = torch.rand(7, num_tokens, generator=generator) < 0.6
    mask[0], mask[1], mask[2] = True, False, False
    mask[2, num_tokens // 2] = True
    mask[3, 0], mask[3, 1], mask[3, 2] = True, False, True
    old = -normal(7, num_tokens).abs() - 0.05
    logprobs = (old + 0.5 * normal(7, num_tokens)).clamp(max=-0.01)
    return Batch(
        logprobs=logprobs,
        old_logprobs=old,
        ref_logprobs=old + 0.3 * normal(7, num_tokens),
        token_advantages=normal(7, num_tokens),
        token_rewards=normal(7, num_tokens),
        values=normal(7, num_tokens),
        mask=mask,
        rewards=normal(7),
        advantages=normal(7),
        group_ids=torch.tensor([5, -2, 5, 9, -2, 5, 9])[torch.randperm(7, generator=generator)],
    )


def spoiled(values: Tensor, mask: Tensor) -> Tensor:
    """The values with NaN outside the mask: a function that lets them through answers NaN."""
    return torch.where(mask, values, math.nan)


def same(found: Tensor, expected: Tensor | Sequence[float] | Rows | float, *, atol: float = 1e-10) -> None:
    """Equal up to rounding, of the same shape."""
    wanted = torch.as_tensor(expected, dtype=torch.float64) if not isinstance(expected, Tensor) else expected.double()
    torch.testing.assert_close(found.detach().double(), wanted, atol=atol, rtol=0)


def gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Gradient of the sum of a function's results."""
    variable = at.detach().clone().requires_grad_(True)
    return torch.autograd.grad(function(variable).sum(), variable)[0]


def gradcheck(function: Callable[..., Tensor], *at: Tensor) -> None:
    """Autograd agrees with finite differences in every argument."""
    assert torch.autograd.gradcheck(function, tuple(value.detach().clone().requires_grad_(True) for value in at))


def per_token(function: Callable[..., float], *tensors: Tensor) -> Tensor:
    """A scalar function, one element at a time."""
    flat = [function(*numbers) for numbers in zip(*(tensor.flatten().tolist() for tensor in tensors), strict=True)]
    return torch.tensor(flat, dtype=torch.float64).view(tensors[0].shape)


@functools.cache
def unchecked(name: str) -> ModuleType:
    """A module of the room as users load it: without the shape checks that `conftest` hooks into it, which come first in tests."""
    import proctor

    package = "proctor.objective"
    loaded = {key: sys.modules.pop(key) for key in list(sys.modules) if key == package or key.startswith(f"{package}.")}
    finders = sys.meta_path[:]
    sys.meta_path[:] = [finder for finder in finders if not type(finder).__module__.startswith("jaxtyping")]
    try:
        return importlib.import_module(f"{package}.{name}")
    finally:
        sys.meta_path[:] = finders
        sys.modules.update(loaded)
        if package in loaded:
            proctor.objective = loaded[package]  # pyright: ignore[reportAttributeAccessIssue]
