"""From logits and one uniform number a row to a token and its logprob under the distribution it was drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from proctor.engines.base import Sampling

_BLOCK = 256  # entries of the vocabulary that are summed first


def uniforms(seeds: Sequence[int], num: int, *, skip: Sequence[int] = ()) -> Tensor:
    """[len(seeds), num] uniform numbers in [0, 1), fp64; row i depends on seeds[i] alone, and leaves out the first skip[i] of its numbers."""
    skipped = skip or [0] * len(seeds)
    rows = [np.random.Generator(np.random.Philox(key=seed)).random(before + num)[before:] for seed, before in zip(seeds, skipped, strict=True)]
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
    scaled = logits.to(torch.float32, copy=True)
    if sampling.temperature != 1:
        scaled.div_(sampling.temperature)
    scaled = _truncate(scaled, sampling)
    highest = scaled.amax(-1, keepdim=True)
    weights = scaled.sub_(highest).exp_()
    tokens, total = _invert(weights, uniform.to(weights.device))
    drawn = weights.gather(1, tokens[:, None])[:, 0]
    # When rounding lands on the very end, the entry there may have been truncated away: take the likeliest token instead.
    impossible = drawn == 0
    tokens = torch.where(impossible, weights.argmax(-1), tokens) if bool(impossible.any()) else tokens
    logs = logits.gather(1, tokens[:, None]).float() / sampling.temperature - highest
    return tokens, (logs[:, 0] - total.log()).float()


def _invert(weights: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Index at which the cumulative sum of each row's weights passes `uniform` of their total.

    Sums of blocks first, then within one block a row: a cumulative sum over the whole vocabulary takes ten times as long.

    Args:
        weights: [B, V] not negative; they need not sum to 1.
        uniform: [B] in [0, 1), fp64.

    Returns:
        (indices [B], total weights [B] in fp64).
    """
    rows, vocabulary = weights.shape
    whole = vocabulary - vocabulary % _BLOCK
    blocks = weights[:, :whole].reshape(rows, -1, _BLOCK).sum(-1).double()
    sums = torch.cat([blocks, weights[:, whole:].double().sum(-1, keepdim=True)], dim=1).cumsum(-1)
    target = uniform[:, None] * sums[:, -1:]
    block = torch.searchsorted(sums, target, right=True).clamp(max=sums.shape[1] - 1)
    before = torch.where(block > 0, sums.gather(1, (block - 1).clamp(min=0)), 0)
    places = block * _BLOCK + torch.arange(_BLOCK, device=weights.device)
    inside = weights.gather(1, places.clamp(max=vocabulary - 1)).double().masked_fill_(places >= vocabulary, 0)
    within = torch.searchsorted(inside.cumsum(-1) + before, target, right=True).clamp(max=_BLOCK - 1)
    return (block * _BLOCK + within).clamp(max=vocabulary - 1)[:, 0], sums[:, -1]


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
