"""Attention over a packed batch, with its own backward pass, for processors.

The processor's flash kernel takes a mask and repeated prompt keys, and its backward pass reaches a tenth of what the matrix products
can do. Here the rows of one prompt are one block of queries: the prompt's keys are read once for all of them, each prompt
at its own length. Scores exist for a few rows at a time and are computed again in the backward pass; products and softmax
are fp32 (fp64 for fp64 input) whatever the input is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SCORES_AT_ONCE = 1 << 22  # entries; bounds the memory of one block, and keeps it in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Where sequences lie in a packed row of N tokens: prompts first, then what follows them.

    Attributes:
        prompts: first slot and end of each prompt.
        rows: for each prompt, first slot and end of each of its continuations.
    """

    prompts: tuple[tuple[int, int], ...]
    rows: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, prompt_lengths: Sequence[int], row_lengths: Sequence[int], prompt_of: Sequence[int]) -> Spans:
        """The spans of prompts and rows laid out one behind the other, in this order."""
        ends = torch.tensor([*prompt_lengths, *row_lengths]).cumsum(0).tolist()
        spans = list(zip([0, *ends], ends, strict=False))
        prompts, rows = spans[: len(prompt_lengths)], spans[len(prompt_lengths) :]
        return cls(tuple(prompts), tuple(tuple(row for row, owner in zip(rows, prompt_of, strict=True) if owner == p) for p in range(len(prompts))))

    def fits(self, num_heads: int) -> bool:
        """True where no single row has more scores than may exist at once: behind that the flash kernel is the better one."""
        return all(
            num_heads * (end - start) * (end - start + width) <= 8 * SCORES_AT_ONCE
            for (first, last), rows in zip(self.prompts, self.rows, strict=True)
            for start, end, width in [(first, last, 0), *((start, end, last - first) for start, end in rows)]
        )


def packed_attention(query: Tensor, key: Tensor, value: Tensor, spans: Spans, scale: float) -> Tensor:
    """Causal attention of each sequence to itself, and of continuations to their prompt as well.

    Args:
        query: [H, N, D]; key: [K, N, D] and value: [K, N, E] with K dividing H.
        spans: where the sequences lie; every slot belongs to exactly one.
        scale: of the scores.

    Returns:
        [N, H, E], differentiable once.
    """
    return _PackedAttention.apply(query, key, value, spans, scale)  # type: ignore[return-value]  # Function.apply is untyped


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Rows that are computed at once: their slots [g, L], which of them are real, and the prompt that they attend to."""

    slots: Tensor
    mask: Tensor | None
    prompt: slice | None

    def take(self, x: Tensor, kv_heads: int) -> Tensor:
        """Packed [H, N, D] -> [K, g, n * L, D] with n = H / K, wide: the queries that share keys lie behind one another."""
        rows, length = self.slots.shape
        # In memory a token's heads lie side by side, so whole tokens are gathered.
        found = x.transpose(0, 1).index_select(0, self.slots.flatten()).view(rows, length, kv_heads, -1, x.shape[-1])
        return _wide(found.permute(2, 0, 3, 1, 4)).reshape(kv_heads, rows, -1, x.shape[-1])

    def put(self, x: Tensor, into: Tensor) -> None:
        """[K, g, n * L, D] into its slots of [N, H, D]; padding goes nowhere."""
        (rows, length), (kv_heads, _, both, width) = self.slots.shape, x.shape
        flat = x.view(kv_heads, rows, both // length, length, width).permute(1, 3, 0, 2, 4).to(into.dtype).reshape(rows * length, -1, width)
        slots = self.slots.flatten()
        if self.mask is not None:
            flat, slots = flat[self.mask], slots[self.mask]
        into.index_copy_(0, slots, flat)


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype is torch.float64 else x.float()


def _blocks(spans: Spans, num_heads: int, device: torch.device) -> Iterator[_Block]:
    """Each prompt alone, then its rows, a few at a time."""
    for (first, last), rows in zip(spans.prompts, spans.rows, strict=True):
        yield _block([(first, last)], None, device)
        longest = max((end - start for start, end in rows), default=1)
        at_once = max(1, SCORES_AT_ONCE // (num_heads * longest * (last - first + longest)))
        for start in range(0, len(rows), at_once):
            yield _block(rows[start : start + at_once], slice(first, last), device)


def _block(rows: Sequence[tuple[int, int]], prompt: slice | None, device: torch.device) -> _Block:
    starts, lengths = torch.tensor([start for start, _ in rows]), torch.tensor([end - start for start, end in rows])
    steps = torch.arange(int(lengths.max()))
    # Padding repeats a row's last token; nothing real attends to it.
    slots = starts[:, None] + torch.minimum(steps, lengths[:, None] - 1)
    is_even = len(set(lengths.tolist())) == 1
    return _Block(slots.to(device), None if is_even else (steps < lengths[:, None]).flatten().to(device), prompt)


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, spans: Spans, scale: float) -> Tensor:
        heads, tokens, _ = query.shape
        kv_heads = key.shape[0]
        output = query.new_empty(tokens, heads, value.shape[-1])
        with torch.autocast(query.device.type, enabled=False):
            for block in _blocks(spans, heads, query.device):
                prompt_k, prompt_v = _prompt(block, key, value, scale)
                weights = _weights(block.take(query, kv_heads), block.take(key, kv_heads) * scale, prompt_k)
                block.put(_sum(weights, block.take(value, kv_heads), prompt_v), output)
        ctx.save_for_backward(query, key, value)
        ctx.settings = (spans, scale)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        spans, scale = ctx.settings
        kv_heads, grad_output = key.shape[0], grads[0].transpose(0, 1)
        # [N, H or K, D]. Prompts come before the rows that read them, so what rows add finds the prompt's own gradient there.
        grad_q, grad_k, grad_v = (x.new_empty(x.shape[1], x.shape[0], x.shape[2]) for x in (query, _wide(key), _wide(value)))
        with torch.autocast(query.device.type, enabled=False):
            for block in _blocks(spans, query.shape[0], query.device):
                q, k, v = block.take(query, kv_heads), block.take(key, kv_heads) * scale, block.take(value, kv_heads)
                prompt_k, prompt_v = _prompt(block, key, value, scale)
                of_output = block.take(grad_output, kv_heads)
                if block.mask is not None:  # padded queries repeat a real one, whose gradient must not count twice
                    of_output.view(kv_heads, len(block.slots), -1, block.slots.shape[1], v.shape[-1]).mul_(block.mask.view(1, len(block.slots), 1, -1, 1))
                weights = _weights(q, k, prompt_k)
                of_weights = of_output @ v.transpose(-1, -2)
                if prompt_v is not None:
                    of_weights = torch.cat([_fold(of_output, prompt_v.transpose(-1, -2)), of_weights], dim=-1)
                of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
                length = v.shape[2]
                of_own, own = of_scores[..., -length:], weights[..., -length:]
                grad = of_own @ k
                block.put((of_own.transpose(-1, -2) @ q).mul_(scale), grad_k)
                block.put(own.transpose(-1, -2) @ of_output, grad_v)
                if prompt_k is not None:
                    of_prompt, over_prompt = of_scores[..., :-length].flatten(1, 2), weights[..., :-length].flatten(1, 2)
                    grad += (of_prompt @ prompt_k).view(grad.shape)
                    grad_k[block.prompt] += (of_prompt.transpose(-1, -2) @ q.flatten(1, 2)).mul_(scale).transpose(0, 1)
                    grad_v[block.prompt] += (over_prompt.transpose(-1, -2) @ of_output.flatten(1, 2)).transpose(0, 1)
                block.put(grad, grad_q)
        return grad_q.transpose(0, 1), grad_k.to(key.dtype).transpose(0, 1), grad_v.to(value.dtype).transpose(0, 1), None, None


def _prompt(block: _Block, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor | None, Tensor | None]:
    """Scaled keys and values of the prompt that a block's rows attend to, [K, Lp, D]."""
    if block.prompt is None:
        return None, None
    return _wide(key[:, block.prompt]) * scale, _wide(value[:, block.prompt]).contiguous()


def _fold(x: Tensor, prompt: Tensor) -> Tensor:
    """Products of [K, g, m, A] with a prompt's [K, A, B], read once for all rows: [K, g, m, B]."""
    return (x.flatten(1, 2) @ prompt).view(*x.shape[:3], prompt.shape[-1])


def _weights(q: Tensor, k: Tensor, prompt_k: Tensor | None) -> Tensor:
    """Attention weights of queries [K, g, n * L, D] by scaled keys: over the prompt, then over the row itself; [K, g, n * L, Lp + L]."""
    length = k.shape[2]
    own = q @ k.transpose(-1, -2)
    later = torch.full((length, length), -torch.inf, dtype=own.dtype, device=own.device).triu_(1)
    own.view(*own.shape[:2], -1, length, length).add_(later)
    scores = own if prompt_k is None else torch.cat([_fold(q, prompt_k.transpose(-1, -2)), own], dim=-1)
    return scores.softmax(-1)


def _sum(weights: Tensor, v: Tensor, prompt_v: Tensor | None) -> Tensor:
    """Values summed by their weights, [K, g, n * L, D]."""
    length = v.shape[2]
    output = weights[..., -length:] @ v
    return output if prompt_v is None else output.add_(_fold(weights[..., :-length], prompt_v))
