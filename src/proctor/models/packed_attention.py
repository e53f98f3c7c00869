"""Attention over a packed batch, with its own backward pass, for processors.

The processor's flash kernel takes a mask and repeated prompt keys, and its backward pass reaches a tenth of what the matrix products
can do. Here the rows of one prompt are one block of queries: the prompt's keys are read once for all of them, each prompt
at its own length. A sequence too long for one block is cut into pieces, each of which reads what stands before it. Scores exist for
one block at a time and are computed again in the backward pass; products and softmax are fp32 (fp64 for fp64 input) whatever
the input is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SCORES_AT_ONCE = 1 << 21  # entries; bounds the memory of one block


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
    """Rows that are computed at once: their slots [g, L], which of them are real, and the slots before them that all of them read whole."""

    slots: Tensor
    mask: Tensor | None
    before: tuple[slice, ...]

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
    """Each prompt alone, then its rows, a few at a time or, where one alone is too long, in pieces. What is read comes before what reads it."""
    for (first, last), rows in zip(spans.prompts, spans.rows, strict=True):
        yield from _pieces(first, last, (), num_heads, device)
        before = (slice(first, last),)

        def num_scores(row: tuple[int, int], width: int = last - first) -> int:
            return num_heads * (row[1] - row[0]) * (width + row[1] - row[0])

        short = [row for row in rows if num_scores(row) <= SCORES_AT_ONCE]
        at_once = max(1, SCORES_AT_ONCE // max(map(num_scores, short), default=1))
        for start in range(0, len(short), at_once):
            yield _block(short[start : start + at_once], before, device)
        for row in rows:
            if num_scores(row) > SCORES_AT_ONCE:
                yield from _pieces(*row, before, num_heads, device)


def _pieces(start: int, end: int, before: tuple[slice, ...], num_heads: int, device: torch.device) -> Iterator[_Block]:
    """The queries of one sequence in runs, each of which reads `before` and the runs in front of it."""
    num_read = sum(part.stop - part.start for part in before)
    step = max(1, SCORES_AT_ONCE // (num_heads * (num_read + end - start)))
    for begin in range(start, end, step):
        earlier = (slice(start, begin),) if begin > start else ()
        yield _block([(begin, min(begin + step, end))], (*before, *earlier), device)


def _block(rows: Sequence[tuple[int, int]], before: tuple[slice, ...], device: torch.device) -> _Block:
    starts, lengths = torch.tensor([start for start, _ in rows]), torch.tensor([end - start for start, end in rows])
    steps = torch.arange(int(lengths.max()))
    # Padding repeats a row's last token; nothing real attends to it.
    slots = starts[:, None] + torch.minimum(steps, lengths[:, None] - 1)
    is_even = len(set(lengths.tolist())) == 1
    return _Block(slots.to(device), None if is_even else (steps < lengths[:, None]).flatten().to(device), before)


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, spans: Spans, scale: float) -> Tensor:
        heads, tokens, _ = query.shape
        kv_heads = key.shape[0]
        output = query.new_empty(tokens, heads, value.shape[-1])
        with torch.autocast(query.device.type, enabled=False):
            for block in _blocks(spans, heads, query.device):
                read_k, read_v = _read(block, key, value, scale)
                weights = _weights(block.take(query, kv_heads), block.take(key, kv_heads) * scale, read_k)
                block.put(_sum(weights, block.take(value, kv_heads), read_v), output)
        ctx.save_for_backward(query, key, value)
        ctx.settings = (spans, scale)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value = ctx.saved_tensors
        spans, scale = ctx.settings
        kv_heads, grad_output = key.shape[0], grads[0].transpose(0, 1)
        # [N, H or K, D]. What is read comes before what reads it, so what is added finds the slots' own gradient there.
        grad_q, grad_k, grad_v = (x.new_empty(x.shape[1], x.shape[0], x.shape[2]) for x in (query, _wide(key), _wide(value)))
        with torch.autocast(query.device.type, enabled=False):
            for block in _blocks(spans, query.shape[0], query.device):
                q, k, v = block.take(query, kv_heads), block.take(key, kv_heads) * scale, block.take(value, kv_heads)
                read_k, read_v = _read(block, key, value, scale)
                of_output = block.take(grad_output, kv_heads)
                if block.mask is not None:  # padded queries repeat a real one, whose gradient must not count twice
                    of_output.view(kv_heads, len(block.slots), -1, block.slots.shape[1], v.shape[-1]).mul_(block.mask.view(1, len(block.slots), 1, -1, 1))
                weights = _weights(q, k, read_k)
                of_weights = of_output @ v.transpose(-1, -2)
                if read_v is not None:
                    of_weights = torch.cat([_fold(of_output, read_v.transpose(-1, -2)), of_weights], dim=-1)
                of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
                length = v.shape[2]
                of_own, own = of_scores[..., -length:], weights[..., -length:]
                grad = of_own @ k
                block.put((of_own.transpose(-1, -2) @ q).mul_(scale), grad_k)
                block.put(own.transpose(-1, -2) @ of_output, grad_v)
                if read_k is not None:
                    of_read, over_read = of_scores[..., :-length].flatten(1, 2), weights[..., :-length].flatten(1, 2)
                    grad += (of_read @ read_k).view(grad.shape)
                    _add(block.before, (of_read.transpose(-1, -2) @ q.flatten(1, 2)).mul_(scale), grad_k)
                    _add(block.before, over_read.transpose(-1, -2) @ of_output.flatten(1, 2), grad_v)
                block.put(grad, grad_q)
        return grad_q.transpose(0, 1), grad_k.to(key.dtype).transpose(0, 1), grad_v.to(value.dtype).transpose(0, 1), None, None


def _read(block: _Block, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor | None, Tensor | None]:
    """Scaled keys and values of what stands before a block's rows, [K, Lb, D]."""
    if not block.before:
        return None, None
    keys, values = (torch.cat([_wide(x[:, part]) for part in block.before], dim=1) for x in (key, value))
    return keys.mul_(scale), values


def _add(before: tuple[slice, ...], grad: Tensor, into: Tensor) -> None:
    """Add the gradient of what a block reads, [K, Lb, D], at its slots of [N, K, D]."""
    for part, of_part in zip(before, grad.split([part.stop - part.start for part in before], dim=1), strict=True):
        into[part] += of_part.transpose(0, 1)


def _fold(x: Tensor, read: Tensor) -> Tensor:
    """Products of [K, g, m, A] with [K, A, B], which is read once for all rows: [K, g, m, B]."""
    return (x.flatten(1, 2) @ read).view(*x.shape[:3], read.shape[-1])


def _weights(q: Tensor, k: Tensor, read_k: Tensor | None) -> Tensor:
    """Attention weights of queries [K, g, n * L, D] by scaled keys: over what stands before, then over the row itself; [K, g, n * L, Lb + L]."""
    length = k.shape[2]
    own = q @ k.transpose(-1, -2)
    later = torch.full((length, length), -torch.inf, dtype=own.dtype, device=own.device).triu_(1)
    own.view(*own.shape[:2], -1, length, length).add_(later)
    scores = own if read_k is None else torch.cat([_fold(q, read_k.transpose(-1, -2)), own], dim=-1)
    return scores.softmax(-1)


def _sum(weights: Tensor, v: Tensor, read_v: Tensor | None) -> Tensor:
    """Values summed by their weights, [K, g, n * L, D]."""
    length = v.shape[2]
    output = weights[..., -length:] @ v
    return output if read_v is None else output.add_(_fold(weights[..., :-length], read_v))
