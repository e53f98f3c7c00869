"""Logprobs and entropies straight from hidden states, without ever holding logits of all tokens.

A vocabulary of 50,000 entries turns a few thousand tokens into gigabytes of logits. Here they exist for one chunk of tokens
at a time, in the forward pass and again, recomputed, in the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

DEFAULT_CHUNK_TOKENS = 512
BLOCK_TOKENS = 32
"""Tokens whose softmax is computed at once on a processor: two buffers of 6 MB for a vocabulary of 50,000, which its cache holds. The products
want more of them."""


def wide(values: Tensor) -> Tensor:
    """In fp32, where every loss is computed; fp64 stays fp64, in which losses are compared with their definitions."""
    return values if values.dtype is torch.float64 else values.float()


def linear_logprobs(
    hidden: Tensor, weight: Tensor, token_ids: Tensor, *, temperature: float, compute_dtype: torch.dtype, chunk_tokens: int = DEFAULT_CHUNK_TOKENS
) -> tuple[Tensor, Tensor]:
    """Logprob of each token and entropy of its distribution, for logits = hidden @ weight.T / temperature.

    Equal to `objective.logprobs.token_logprobs` and `token_entropy` of those logits, in memory of one chunk.

    Args:
        hidden: [N, H] the hidden states that predict the tokens.
        weight: [V, H] of the language-model head, which must have no bias.
        token_ids: [N] the tokens.
        temperature: of sampling; logits are divided by it, in training as in sampling.
        compute_dtype: dtype of the products; the softmax is always fp32 (or fp64 for fp64 input).
        chunk_tokens: tokens whose logits exist at once.

    Returns:
        (logprobs, entropies), each [N], nats, fp32. Both are differentiable.
    """
    return _LinearLogprobs.apply(hidden, weight, token_ids, temperature, compute_dtype, chunk_tokens)  # type: ignore[return-value]  # Function.apply is untyped


class _LinearLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, token_ids: Tensor, temperature: float, compute_dtype: torch.dtype, chunk_tokens: int
    ) -> tuple[Tensor, Tensor]:
        low = weight.to(compute_dtype)
        room, scaled_room, logs_room = _room(hidden, weight, compute_dtype, chunk_tokens)
        logprobs, entropies, normalizers = [], [], []
        for chunk in _chunks(hidden, chunk_tokens):
            logits = _logits(hidden[chunk], low, out=room)
            for block, rows in _blocks(chunk, logits):
                ids = token_ids[block, None]
                scaled = _scaled(rows, temperature, out=scaled_room)
                of_tokens = scaled.gather(1, ids)
                logs = torch.log_softmax(scaled, -1, out=logs_room[: len(rows)])
                logprobs.append(logs.gather(1, ids)[:, 0])
                normalizers.append((of_tokens - logs.gather(1, ids))[:, 0])
                weights = torch.exp(logs, out=scaled)
                entropies.append(-torch.linalg.vecdot(weights, logs))
        entropy = torch.cat(entropies)
        ctx.save_for_backward(hidden, weight, token_ids, entropy, torch.cat(normalizers))
        ctx.settings = (temperature, compute_dtype, chunk_tokens)
        ctx.set_materialize_grads(False)
        return torch.cat(logprobs), entropy

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        grad_logprobs, grad_entropy = grads
        hidden, weight, token_ids, entropy, normalizer = ctx.saved_tensors
        temperature, compute_dtype, chunk_tokens = ctx.settings
        if grad_logprobs is None and grad_entropy is None:
            return (None,) * 6
        low = weight.to(compute_dtype)
        needs_hidden, needs_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden) if needs_hidden else None
        grad_weight = torch.zeros_like(weight) if needs_weight else None
        room, scaled_room, spare = _room(hidden, weight, compute_dtype, chunk_tokens)
        for chunk in _chunks(hidden, chunk_tokens):
            logits = _logits(hidden[chunk], low, out=room)
            for block, rows in _blocks(chunk, logits):
                logs = _scaled(rows, temperature, out=scaled_room).sub_(normalizer[block, None])
                of_logprobs, of_entropy = (None if grad is None else grad[block, None].to(logs.dtype) / temperature for grad in (grad_logprobs, grad_entropy))
                rows.copy_(_grad_logits(logs, token_ids[block], entropy[block], of_logprobs, of_entropy, spare=spare))
            if grad_hidden is not None:
                grad_hidden[chunk] = (logits @ low).to(hidden.dtype)
            if grad_weight is not None:
                _accumulate(grad_weight, logits, hidden[chunk])
        return grad_hidden, grad_weight, None, None, None, None


def _room(hidden: Tensor, weight: Tensor, compute_dtype: torch.dtype, chunk_tokens: int) -> tuple[Tensor, Tensor | None, Tensor]:
    """Buffers: [chunk, V] in the dtype of the products, and two of [block, V] in fp32 (fp64), the first of them None where the products serve for it.

    Every chunk uses them again: fresh memory of that size is slow to touch first.
    """
    dtype = torch.float64 if compute_dtype is torch.float64 else torch.float32
    num_tokens, num_ids, is_cached = min(chunk_tokens, hidden.shape[0]), weight.shape[0], hidden.device.type == "cpu"
    num_together = min(BLOCK_TOKENS, num_tokens) if is_cached else num_tokens

    def room(num_rows: int, of: torch.dtype) -> Tensor:
        return torch.empty(num_rows, num_ids, dtype=of, device=hidden.device)

    serves = compute_dtype is dtype and not is_cached
    return room(num_tokens, compute_dtype), None if serves else room(num_together, dtype), room(num_together, dtype)


def _chunks(hidden: Tensor, chunk_tokens: int) -> Iterator[slice]:
    """Which tokens have their logits multiplied together."""
    return (slice(start, min(start + chunk_tokens, hidden.shape[0])) for start in range(0, hidden.shape[0], chunk_tokens))


def _blocks(chunk: slice, logits: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Which tokens have their softmax computed together, and the rows of a chunk's logits that are theirs."""
    start = chunk.start
    for rows in logits.split(BLOCK_TOKENS if logits.device.type == "cpu" else len(logits)):
        yield slice(start, start + len(rows)), rows
        start += len(rows)


def _logits(hidden: Tensor, weight: Tensor, *, out: Tensor) -> Tensor:
    """hidden @ weight.T in the dtype of `weight`, written into the first rows of `out`."""
    return torch.mm(hidden.to(weight.dtype), weight.T, out=out[: len(hidden)])


def _scaled(logits: Tensor, temperature: float, *, out: Tensor | None) -> Tensor:
    """logits / temperature, wide, written into the first rows of `out`; in place where that is None."""
    wide_logits = logits if out is None else out[: len(logits)].copy_(logits)
    return wide_logits if temperature == 1 else wide_logits.div_(temperature)


def _grad_logits(logs: Tensor, token_ids: Tensor, entropy: Tensor, grad_logprobs: Tensor | None, grad_entropy: Tensor | None, *, spare: Tensor) -> Tensor:
    """d loss / d scaled logits, [n, V]: (onehot - p) for a logprob, -p (log p + H) for an entropy. Overwrites `logs` and `spare`.

    The incoming gradients are [n, 1].
    """
    if grad_entropy is None:
        assert grad_logprobs is not None
        result = logs.exp_().mul_(-grad_logprobs)
    else:
        result = torch.exp(logs, out=spare[: len(logs)])
        factor = logs.add_(entropy[:, None]).mul_(-grad_entropy)
        result.mul_(factor if grad_logprobs is None else factor.sub_(grad_logprobs))
    if grad_logprobs is not None:
        result.scatter_add_(1, token_ids[:, None], grad_logprobs)
    return result


def _accumulate(grad_weight: Tensor, grad_logits: Tensor, hidden: Tensor) -> None:
    """Add grad_logits.T @ hidden, in place where the dtypes allow it: the product is as large as the embedding."""
    if grad_weight.dtype is grad_logits.dtype:
        torch.addmm(grad_weight, grad_logits.T, hidden.to(grad_logits.dtype), out=grad_weight)
    else:
        grad_weight += grad_logits.T @ hidden.to(grad_logits.dtype)
