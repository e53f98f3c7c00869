"""Logprobs and entropies straight from hidden states, without ever holding logits of all tokens.

A vocabulary of 50,000 entries turns a few thousand tokens into gigabytes of logits. Here they exist for one chunk of tokens
at a time, in the forward pass and again, recomputed, in the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

DEFAULT_CHUNK_TOKENS = 512


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
        logits, other = _buffers(hidden, weight, compute_dtype, chunk_tokens, num=2)
        logprobs, entropies, normalizers = [], [], []
        for start in range(0, hidden.shape[0], chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            scaled = _scaled_logits(hidden[chunk], low, temperature, out=logits)
            ids = token_ids[chunk, None]
            of_tokens = scaled.gather(1, ids)
            logs = torch.log_softmax(scaled, -1, out=other[: len(scaled)])
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
        logits, other = _buffers(hidden, weight, compute_dtype, chunk_tokens, num=2)
        for start in range(0, hidden.shape[0], chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            logs = _scaled_logits(hidden[chunk], low, temperature, out=logits).sub_(normalizer[chunk, None])
            of_logprobs, of_entropy = (None if grad is None else grad[chunk, None].to(logs.dtype) / temperature for grad in (grad_logprobs, grad_entropy))
            grad_logits = _grad_logits(logs, token_ids[chunk], entropy[chunk], of_logprobs, of_entropy, spare=other).to(compute_dtype)
            if grad_hidden is not None:
                grad_hidden[chunk] = (grad_logits @ low).to(hidden.dtype)
            if grad_weight is not None:
                _accumulate(grad_weight, grad_logits, hidden[chunk])
        return grad_hidden, grad_weight, None, None, None, None


def _buffers(hidden: Tensor, weight: Tensor, compute_dtype: torch.dtype, chunk_tokens: int, *, num: int) -> tuple[Tensor, ...]:
    """Room for the logits of one chunk, `num` times, used again by every chunk: fresh memory of that size is slow to touch first."""
    dtype = torch.float64 if compute_dtype is torch.float64 else torch.float32
    shape = (min(chunk_tokens, hidden.shape[0]), weight.shape[0])
    return tuple(torch.empty(shape, dtype=dtype, device=hidden.device) for _ in range(num))


def _scaled_logits(hidden: Tensor, weight: Tensor, temperature: float, *, out: Tensor) -> Tensor:
    """hidden @ weight.T / temperature, computed in the dtype of `weight` and written into the first rows of `out`."""
    out = out[: len(hidden)]
    if out.dtype is weight.dtype:
        torch.mm(hidden.to(weight.dtype), weight.T, out=out)
    else:
        out.copy_(hidden.to(weight.dtype) @ weight.T)
    return out if temperature == 1 else out.div_(temperature)


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
