"""Logprobs and entropies from logits: the plain definitions, which the chunked ones of `models.fused` are tested against."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def token_logprobs(logits: Float[Tensor, "*batch vocabulary"], token_ids: Int[Tensor, "*batch"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """Log-probability of each token under softmax(logits / temperature).

    Args:
        logits: raw scores over the vocabulary.
        token_ids: the tokens.
        temperature: of sampling; greater than 0. Training must use the sampler's, or ratios are not 1 on-policy.

    Returns:
        Nats, in fp32 (fp64 for fp64 logits).

    Raises:
        ValueError: temperature is not positive.
    """
    return _log_softmax(logits, temperature).gather(-1, token_ids[..., None])[..., 0]


def token_entropy(logits: Float[Tensor, "*batch vocabulary"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """Entropy of softmax(logits / temperature), nats.

    Raises:
        ValueError: temperature is not positive.
    """
    logs = _log_softmax(logits, temperature)
    return -(logs.exp() * logs).sum(-1)


def _log_softmax(logits: Tensor, temperature: float) -> Tensor:
    if temperature <= 0:
        raise ValueError(f"temperature must be greater than 0 to have logprobs, not {temperature}")
    wide = logits if logits.dtype is torch.float64 else logits.float()
    return torch.log_softmax(wide / temperature, dim=-1)
