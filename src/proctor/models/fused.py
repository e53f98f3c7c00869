"""Logprobs and entropies straight from hidden states, without ever holding logits of all tokens.

A vocabulary of 50,000 entries turns a few thousand tokens into gigabytes of logits. Here they exist for one chunk of tokens
at a time, in the forward pass and again, recomputed, in the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

DEFAULT_CHUNK_TOKENS = 256


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
        logprobs, entropies = [], []
        for start in range(0, hidden.shape[0], chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            logs = _log_softmax(hidden[chunk], low, temperature)
            logprobs.append(logs.gather(1, token_ids[chunk, None])[:, 0])
            entropies.append(-(logs.exp() * logs).sum(-1))
        entropy = torch.cat(entropies)
        ctx.save_for_backward(hidden, weight, token_ids, entropy)
        ctx.settings = (temperature, compute_dtype, chunk_tokens)
        ctx.set_materialize_grads(False)
        return torch.cat(logprobs), entropy

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        grad_logprobs, grad_entropy = grads
        hidden, weight, token_ids, entropy = ctx.saved_tensors
        temperature, compute_dtype, chunk_tokens = ctx.settings
        if grad_logprobs is None and grad_entropy is None:
            return (None,) * 6
        low = weight.to(compute_dtype)
        needs_hidden, needs_weight = ctx.needs_input_grad[:2]
        grad_hidden = torch.empty_like(hidden) if needs_hidden else None
        grad_weight = torch.zeros_like(weight) if needs_weight else None
        for start in range(0, hidden.shape[0], chunk_tokens):
            chunk = slice(start, start + chunk_tokens)
            logs = _log_softmax(hidden[chunk], low, temperature)
            grad_logits = (
                _grad_logits(logs, token_ids[chunk], entropy[chunk], _part(grad_logprobs, chunk), _part(grad_entropy, chunk))
                .div_(temperature)
                .to(compute_dtype)
            )
            if grad_hidden is not None:
                grad_hidden[chunk] = (grad_logits @ low).to(hidden.dtype)
            if grad_weight is not None:
                grad_weight += (grad_logits.T @ hidden[chunk].to(compute_dtype)).to(weight.dtype)
        return grad_hidden, grad_weight, None, None, None, None


def _part(grad: Tensor | None, chunk: slice) -> Tensor | None:
    return None if grad is None else grad[chunk]


def _log_softmax(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:
    logits = hidden.to(weight.dtype) @ weight.T
    wide = logits if logits.dtype is torch.float64 else logits.float()
    return torch.log_softmax(wide.div_(temperature), dim=-1)


def _grad_logits(logs: Tensor, token_ids: Tensor, entropy: Tensor, grad_logprobs: Tensor | None, grad_entropy: Tensor | None) -> Tensor:
    """d loss / d scaled logits, [n, V]: (onehot - p) for a logprob, -p (log p + H) for an entropy."""
    probabilities = logs.exp()
    result = torch.zeros_like(logs) if grad_logprobs is None else probabilities * -grad_logprobs[:, None]
    if grad_logprobs is not None:
        result.scatter_add_(1, token_ids[:, None], grad_logprobs[:, None].to(result.dtype))
    if grad_entropy is not None:
        result -= grad_entropy[:, None] * probabilities * (logs + entropy[:, None])
    return result
