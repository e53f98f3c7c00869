"""From logits and one uniform number a row to a token and its logprob under the distribution it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from proctor.engines.base import Sampling


def uniforms(seeds: Sequence[int], num: int) -> Tensor:
    """[len(seeds), num] uniform numbers in [0, 1), fp64; row i depends on seeds[i] alone."""
    rows = [np.random.Generator(np.random.Philox(key=seed)).random(num) for seed in seeds]
    return torch.from_numpy(np.stack(rows))


def draw(logits: Tensor, uniform: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """Draw one token a row by inverting the cumulative distribution: one uniform number a row, not one a vocabulary entry.

    Args:
        logits: [B, V], any float dtype; not divided by the temperature yet.
        uniform: [B] in [0, 1).
        sampling: temperature and truncation.

    Returns:
        (tokens [B], behavior logprobs [B] in nats, fp32). Greedy tokens have logprob 0: they are certain.
    """
    if sampling.temperature == 0:
        tokens = logits.argmax(-1)
        return tokens, torch.zeros(tokens.shape, device=tokens.device)
    scaled = logits.float() / sampling.temperature
    logs = torch.log_softmax(_truncate(scaled, sampling), dim=-1)
    cumulative = logs.exp().cumsum(-1)
    # The last entry is the total, which rounding keeps from being exactly 1; scaling by it keeps every draw inside.
    target = uniform.to(cumulative)[:, None] * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
    drawn = logs.gather(1, tokens[:, None])[:, 0]
    # When rounding lands on the very end, the entry there may have been truncated away: take the likeliest token instead.
    impossible = torch.isneginf(drawn)
    tokens = torch.where(impossible, logs.argmax(-1), tokens)
    return tokens, torch.where(impossible, logs.amax(-1), drawn)


def _truncate(scaled: Tensor, sampling: Sampling) -> Tensor:
    """Set logits of tokens that may not be drawn to -inf: top-k first, then top-p and min-p of what is left."""
    if sampling.top_k and sampling.top_k < scaled.shape[-1]:
        threshold = scaled.topk(sampling.top_k, dim=-1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < threshold, -torch.inf)
    if sampling.top_p < 1:
        ordered, order = scaled.softmax(-1).sort(dim=-1, descending=True)
        # A token stays when the probability of those before it is still short of top_p: the likeliest always does.
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        scaled = scaled.masked_fill(torch.zeros_like(outside).scatter(1, order, outside), -torch.inf)
    if sampling.min_p > 0:
        probabilities = scaled.softmax(-1)
        scaled = scaled.masked_fill(probabilities < sampling.min_p * probabilities.amax(-1, keepdim=True), -torch.inf)
    return scaled
