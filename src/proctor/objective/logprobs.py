"""Logprobs and entropies from logits: the plain definitions, which the chunked ones of `models.fused` are tested against."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from proctor.objective.shapes import require_same


def token_logprobs(logits: Float[Tensor, "*batch vocabulary"], token_ids: Int[Tensor, "*batch"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """Log-probability of each token under softmax(logits / temperature).

    Args:
        logits: raw scores over the vocabulary.
        token_ids: the tokens.
        temperature: of sampling; greater than 0. Training must use the sampler's, or ratios are not 1 on-policy.

    Returns:
        Nats, in fp32 (fp64 for fp64 logits).

    Raises:
        ValueError: shapes disagree, or temperature is not positive.
    """
    if logits.shape[:-1] != token_ids.shape:
        raise ValueError(f"logits {tuple(logits.shape)} need one token each, not token_ids {tuple(token_ids.shape)}")
    return log_softmax(logits, temperature=temperature).gather(-1, token_ids[..., None])[..., 0]


def token_entropy(logits: Float[Tensor, "*batch vocabulary"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """Entropy of softmax(logits / temperature), nats.

    Raises:
        ValueError: temperature is not positive.
    """
    logs = log_softmax(logits, temperature=temperature)
    return -torch.where(logs == -torch.inf, 0, logs.exp() * logs).sum(-1)


def log_softmax(logits: Float[Tensor, "*batch vocabulary"], *, temperature: float) -> Float[Tensor, "*batch vocabulary"]:
    """Log-probability of every token of the vocabulary under softmax(logits / temperature), in fp32 (fp64 for fp64 logits).

    Raises:
        ValueError: temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be greater than 0 to have logprobs, not {temperature}")
    wide = logits if logits.dtype is torch.float64 else logits.float()
    return torch.log_softmax(wide / temperature, dim=-1)


def check_finite(logprobs: Float[Tensor, "rollouts tokens"], mask: Bool[Tensor, "rollouts tokens"]) -> None:
    """Refuse NaN and infinite logprobs of trained tokens, by rollout.

    Reads the whole tensor and waits for the device, so no function of this room does it: a caller checks each batch once, where
    logprobs enter. What stands outside the mask may be anything.

    Args:
        logprobs: of each token, nats.
        mask: True where a token is trained on.

    Raises:
        ValueError: shapes disagree, or a logprob inside the mask is not finite.
    """
    require_same(logprobs=logprobs, mask=mask)
    bad = (mask & ~torch.isfinite(logprobs)).nonzero()
    if len(bad):
        rollout, token = int(bad[0, 0]), int(bad[0, 1])
        raise ValueError(f"logprob of token {token} of rollout {rollout} is {logprobs[rollout, token]}, not a finite number ({len(bad)} in all)")
