"""Counted work: what a step asks of the machine, in numbers that are the same on every machine.

A clock on a shared machine says little; these counts are exact, so a test can hold a change to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from proctor.models.policy import Policy

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "_linear_pointwise")


@dataclass(slots=True)
class Work:
    """What was computed between the beginning and the end of `counted_work`.

    Attributes:
        forward_tokens: tokens that entered the model, padding and repetitions included.
        gemm_flops: floating-point operations of matrix products, 2 for each multiply-add, backward passes included. Fused
            attention kernels are not products and not in it.
    """

    forward_tokens: int = 0
    gemm_flops: int = 0


@contextmanager
def counted_work(policy: Policy) -> Iterator[Work]:
    """Count what a policy computes inside the block; read the result after it.

    Counting slows small models down: do not time and count in one pass.
    """
    from torch.utils.flop_counter import FlopCounterMode

    work = Work()

    def count(module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        work.forward_tokens += inputs[0].numel()

    handle = policy.causal_model.get_input_embeddings().register_forward_pre_hook(count)
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.mkldnn._linear_pointwise: _linear_flops})
    try:
        with counter:
            yield work
    finally:
        handle.remove()
    by_operator = counter.get_flop_counts().get("Global", {})
    work.gemm_flops = sum(int(flops) for operator, flops in by_operator.items() if str(operator).rpartition(".")[2] in _PRODUCTS)


def _linear_flops(input_shape: tuple[int, ...], weight_shape: tuple[int, ...], *_: Any, out_shape: tuple[int, ...], **__: Any) -> int:
    """Of a product with a prepared weight [O, I] (`models.lowering`), which torch does not count."""
    return 2 * math.prod(out_shape) * input_shape[-1]
