"""Divergences between two models' distributions at every token, in memory of one chunk of tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from proctor.models.fused import wide
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath

DEFAULT_CHUNK_TOKENS = 256

Divergence = Callable[[Tensor, Tensor], Tensor]
"""From student and teacher logits, [n, V] each, to one number a token, [n]."""

Logits = Callable[[Tensor], Tensor]
"""From what predicts tokens, [n, H], to logits, [n, V]."""


def logits_of(policy: Policy, path: ForwardPath) -> Logits:
    """How `predicting_outputs` of a policy become logits: by its head, or not at all where they are logits already."""
    if not path.has_plain_head:
        return lambda outputs: outputs
    assert policy.head is not None
    weight: Tensor = policy.head.weight  # type: ignore[assignment]  # a linear layer's weight
    return lambda outputs: outputs.to(weight.dtype) @ weight.T


def token_divergences(
    outputs: Tensor, to_logits: Logits, teacher_outputs: Tensor, teacher_to_logits: Logits, divergence: Divergence, *, chunk_tokens: int = DEFAULT_CHUNK_TOKENS
) -> Tensor:
    """[N] divergence of student and teacher at each token; differentiable in everything the student's logits depend on.

    Logits of both models exist for one chunk at a time; the student's are computed again in the backward pass.

    Args:
        outputs: [N, H] of the student.
        to_logits: of the student.
        teacher_outputs: [N, H'] for the same tokens; no gradient.
        teacher_to_logits: of the teacher.
        divergence: of two [n, V] logits, temperature included.
        chunk_tokens: tokens whose logits exist at once.
    """

    def of_chunk(part: Tensor, teacher_part: Tensor) -> Tensor:
        with torch.no_grad():
            target = wide(teacher_to_logits(teacher_part))
        return divergence(wide(to_logits(part)), target)

    chunks = (slice(start, start + chunk_tokens) for start in range(0, outputs.shape[0], chunk_tokens))
    parts: list[Tensor] = [checkpoint(of_chunk, outputs[chunk], teacher_outputs[chunk], use_reentrant=False) for chunk in chunks]  # type: ignore[misc]
    return torch.cat(parts)
