"""Counted work: what a step asks of the machine, in numbers that are the same on every machine.

A clock on a shared machine says little; these counts are exact, so a test can hold a change to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from proctor.models.policy import Policy

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")


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
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            yield work
    finally:
        handle.remove()
    by_operator = counter.get_flop_counts().get("Global", {})
    work.gemm_flops = sum(int(flops) for operator, flops in by_operator.items() if str(operator).rpartition(".")[2] in _PRODUCTS)
