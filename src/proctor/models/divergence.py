"""Divergences between two models' distributions at every token, in memory of one chunk of tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

DEFAULT_CHUNK_TOKENS = 256

Divergence = Callable[[Tensor, Tensor], Tensor]
"""From student and teacher logits, [n, V] each, to one number a token, [n]."""


def linear_divergence(
    hidden: Tensor, weight: Tensor, teacher_hidden: Tensor, teacher_weight: Tensor, divergence: Divergence, *, chunk_tokens: int = DEFAULT_CHUNK_TOKENS
) -> Tensor:
    """[N] divergence of the two distributions whose logits are `hidden @ weight.T`; differentiable in the student's tensors.

    Logits of both models exist for one chunk at a time; the student's are computed again in the backward pass.

    Args:
        hidden: [N, H] of the student.
        weight: [V, H] of its head.
        teacher_hidden: [N, H'] of the teacher, for the same tokens; no gradient.
        teacher_weight: [V, H'].
        divergence: of two [n, V] logits, temperature included.
        chunk_tokens: tokens whose logits exist at once.
    """

    def of_chunk(part: Tensor, weight: Tensor, teacher_part: Tensor) -> Tensor:
        with torch.no_grad():
            target = teacher_part.to(teacher_weight.dtype) @ teacher_weight.T
        return divergence((part.to(weight.dtype) @ weight.T).float(), target.float())

    parts = [
        checkpoint(of_chunk, hidden[start : start + chunk_tokens], weight, teacher_hidden[start : start + chunk_tokens], use_reentrant=False)
        for start in range(0, hidden.shape[0], chunk_tokens)
    ]
    return torch.cat(parts)  # pyright: ignore[reportArgumentType, reportCallIssue]
