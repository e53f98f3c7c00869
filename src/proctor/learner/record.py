"""What an update saw of single tokens, kept for the rollout table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from proctor.learner.batch import TokenBatch
from proctor.learner.losses import Pass


@dataclass(slots=True, eq=False)
class TokenRecord:
    """What the last pass over each rollout of a batch saw: for people, who look at single tokens.

    Attributes:
        logprobs: [R, L] nats.
        entropies: [R, L] nats.
        is_computed: [R] False where a rollout's passes were left out.
    """

    logprobs: Tensor
    entropies: Tensor
    is_computed: Tensor

    @classmethod
    def empty(cls, batch: TokenBatch) -> TokenRecord:
        shape = batch.completion_mask.shape
        return cls(torch.zeros(shape), torch.zeros(shape), torch.zeros(shape[0], dtype=torch.bool))

    def add(self, rows: Sequence[int], done: Pass) -> None:
        if done.logprobs is None or done.entropies is None:
            return
        width = done.logprobs.shape[1]
        self.logprobs[rows, :width], self.entropies[rows, :width] = done.logprobs.float().cpu(), done.entropies.float().cpu()
        self.is_computed[rows] = True
