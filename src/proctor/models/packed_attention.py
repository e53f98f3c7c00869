"""Attention over a packed batch, with its own backward pass, for processors.

The processor's flash kernel takes a mask and repeated prompt keys, and its backward pass reaches a tenth of what the matrix products
can do. Here sequences of about one length are one block, whose products are computed at once: first prompts, then what follows them, and
a prompt's keys are read once for all of its rows. A sequence too long for one block is cut into pieces, each of which reads what
stands before it. Scores exist for one block at a time and are computed again in the backward pass; products and softmax are fp32
(fp64 for fp64 input) whatever the input is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

SCORES_AT_ONCE = 1 << 21  # entries; bounds the memory of one block
SCORES_TOGETHER = 1 << 18  # entries that several rows may have together: what a processor's cache holds
MOST_PADDING = 1.5  # of a block's scores to those of its sequences alone; a call costs as much as thousands of scores

Span = tuple[int, int]
"""First slot and end."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Where sequences lie in a packed row of N tokens: prompts first, then what follows them.

    Attributes:
        prompts: first slot and end of each prompt.
        rows: for each prompt, first slot and end of each of its continuations.
    """

    prompts: tuple[Span, ...]
    rows: tuple[tuple[Span, ...], ...]

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


@dataclass(frozen=True, slots=True)
class _Family:
    """Rows, and the slots before them that each of them reads whole."""

    rows: tuple[Span, ...]
    before: tuple[Span, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of rows, length of the longest, number of slots before them."""
        return len(self.rows), max(map(_length, self.rows)), sum(map(_length, self.before))


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Families of equally many rows that are computed at once, at the length of the longest.

    Attributes:
        start: the first slot where those of the block lie one behind the other and none is padding; None where they do not.
        slots: [f * g, L], g rows of each of f families. Padding repeats a row's last token; nothing real attends to it.
        is_real: [f * g * L], which of them are no padding; None where all are.
        before_start: the first slot of `before`, like `start`.
        before: [f, B], what the rows of a family read before themselves, padded likewise; None where they read nothing.
        later: [L, L], -inf where a key stands behind its query, else 0.
        hides: [f, 1, B], -inf on padding of `before`, else 0; None where there is none.
    """

    start: int | None
    slots: Tensor
    is_real: Tensor | None
    before_start: int | None
    before: Tensor | None
    later: Tensor
    hides: Tensor | None

    def take(self, x: Tensor, kv_heads: int) -> Tensor:
        """Packed [H, N, D] -> [K, f * g, n * L, D] with n = H / K, wide: the queries that share keys lie behind one another."""
        return _take(x, self.start, self.slots, kv_heads)

    def read(self, x: Tensor) -> Tensor | None:
        """Packed [K, N, D] -> what stands before the rows, [K, f, B, D], wide."""
        return None if self.before is None else _take(x, self.before_start, self.before, x.shape[0])

    def put(self, x: Tensor, into: Tensor) -> None:
        """[K, f * g, n * L, D] into its slots of [N, H, D]; padding goes nowhere."""
        (rows, length), (kv_heads, _, both, width) = self.slots.shape, x.shape
        tokens = x.view(kv_heads, rows, both // length, length, width).permute(1, 3, 0, 2, 4)
        if self.start is not None:
            into[self.start : self.start + rows * length].view(tokens.shape).copy_(tokens)
            return
        flat, slots = tokens.to(into.dtype).reshape(rows * length, -1), self.slots.flatten()
        if self.is_real is not None:
            flat, slots = flat[self.is_real], slots[self.is_real]
        into.flatten(1).index_copy_(0, slots, flat)

    def add_before(self, grad: Tensor, into: Tensor) -> None:
        """Add a gradient of what is read, [K, f, B, D], at its slots of [N, K, D]; that of padding is 0."""
        assert self.before is not None
        tokens = grad.permute(1, 2, 0, 3)
        if self.before_start is not None:
            into[self.before_start : self.before_start + self.before.numel()].view(tokens.shape).add_(tokens)
        else:
            into.flatten(1).index_add_(0, self.before.flatten(), tokens.reshape(self.before.numel(), -1))


def _take(x: Tensor, start: int | None, slots: Tensor, kv_heads: int) -> Tensor:
    rows, length = slots.shape
    # In memory a token's heads lie side by side, so whole tokens are taken.
    tokens = x.transpose(0, 1)
    found = tokens.index_select(0, slots.flatten()) if start is None else tokens[start : start + rows * length]
    heads_first = found.view(rows, length, kv_heads, -1, x.shape[-1]).permute(2, 0, 3, 1, 4)
    dtype = x.dtype if x.dtype is torch.float64 else torch.float32
    return heads_first.to(dtype, memory_format=torch.contiguous_format, copy=True).view(kv_heads, rows, -1, x.shape[-1])


def _wide(x: Tensor) -> Tensor:
    return x if x.dtype is torch.float64 else x.float()


@lru_cache(maxsize=2)  # every layer asks for the same, forward and backward
def _blocks(spans: Spans, num_heads: int, device: torch.device) -> tuple[_Block, ...]:
    """What is computed at once, with no more scores than may exist at once. What is read comes before what reads it."""
    together, alone = SCORES_TOGETHER // num_heads, SCORES_AT_ONCE // num_heads
    prompts = [_Family((prompt,)) for prompt in spans.prompts]
    rows = [family for prompt, rows in zip(spans.prompts, spans.rows, strict=True) for family in _families(rows, prompt, together)]
    return tuple(_block(batch, device) for families in (prompts, rows) for batch in _batches(families, together, alone))


def _families(rows: Sequence[Span], prompt: Span, most: int) -> Iterator[_Family]:
    """The rows of a prompt, the longest first, as many together as may be computed at once and are not mostly padding; each alone that is too long."""
    family: list[Span] = []
    needed = 0
    for row in sorted(rows, key=_length, reverse=True):
        scores = _num_scores(1, _length(row), _length(prompt))
        padded = _num_scores(len(family) + 1, _length(family[0] if family else row), _length(prompt))
        if family and padded > min(most, MOST_PADDING * (needed + scores)):
            yield _Family(tuple(family), (prompt,))
            family, needed = [], 0
        family.append(row)
        needed += scores
    if family:
        yield _Family(tuple(family), (prompt,))


def _batches(families: Sequence[_Family], together: int, alone: int) -> Iterator[list[_Family]]:
    """Families of equally many rows and about one length together; then each that is too long for that, in pieces if it must be."""
    batch: list[_Family] = []
    longest, needed = (0, 0, 0), 0
    short = [family for family in families if _num_scores(*family.shape) <= together]
    for family in sorted(short, key=lambda family: family.shape, reverse=True):
        num_rows, length, num_before = family.shape
        padded = num_rows, max(length, longest[1]), max(num_before, longest[2])
        needed += _num_scores(*family.shape)
        if batch and (num_rows != longest[0] or (len(batch) + 1) * _num_scores(*padded) > min(together, MOST_PADDING * needed)):
            yield batch
            batch, padded, needed = [], family.shape, _num_scores(*family.shape)
        batch.append(family)
        longest = padded
    if batch:
        yield batch
    for family in families:
        if _num_scores(*family.shape) > together:
            yield from ([piece] for piece in _pieces(family, alone))


def _pieces(family: _Family, most: int) -> Iterator[_Family]:
    """The only row of a family in runs of no more scores than `most`, each of which reads the runs in front of it, too."""
    ((start, end),), (_, length, num_before) = family.rows, family.shape
    step = max(1, most // (num_before + length))
    for begin in range(start, end, step):
        yield _Family(((begin, min(begin + step, end)),), (*family.before, (start, begin)))


def _num_scores(num_rows: int, length: int, num_before: int) -> int:
    """Of one head."""
    return num_rows * length * (num_before + length)


def _length(span: Span) -> int:
    return span[1] - span[0]


def _block(families: Sequence[_Family], device: torch.device) -> _Block:
    slots, is_real = _padded([[row] for family in families for row in family.rows])
    before, is_read = _padded([family.before for family in families])
    hides = torch.zeros(is_read.shape).masked_fill_(~is_read, -torch.inf)[:, None]
    return _Block(
        _start_of_run(slots),
        slots.to(device),
        None if is_real.all() else is_real.flatten().to(device),
        _start_of_run(before),
        before.to(device) if before.numel() else None,
        torch.full((slots.shape[1],) * 2, -torch.inf, device=device).triu_(1),
        None if is_read.all() else hides.to(device),
    )


def _start_of_run(slots: Tensor) -> int | None:
    """The first of slots that lie one behind the other; None where they do not, or there are none."""
    flat = slots.flatten()
    is_run = flat.numel() > 0 and bool((flat == torch.arange(flat.numel()) + flat[0]).all())
    return int(flat[0]) if is_run else None


def _padded(runs: Sequence[Sequence[Span]]) -> tuple[Tensor, Tensor]:
    """The slots of each sequence of spans, padded to the longest with its last one, and which are real; both [len(runs), L]."""
    slots = [[slot for span in spans for slot in range(*span)] for spans in runs]
    longest = max(map(len, slots))
    padded = [found + found[-1:] * (longest - len(found)) for found in slots]
    return torch.tensor(padded), torch.arange(longest) < torch.tensor([[len(found)] for found in slots])


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, spans: Spans, scale: float) -> Tensor:
        heads, tokens, _ = query.shape
        kv_heads = key.shape[0]
        output = query.new_empty(tokens, heads, value.shape[-1])
        with torch.autocast(query.device.type, enabled=False):
            for block in _blocks(spans, heads, query.device):
                weights = _weights(block.take(query, kv_heads) * scale, block.take(key, kv_heads), block.read(key), block)
                block.put(_sum(weights, block.take(value, kv_heads), block.read(value)), output)
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
                rows, length = block.slots.shape
                q, k, v = block.take(query, kv_heads) * scale, block.take(key, kv_heads), block.take(value, kv_heads)
                read_k, read_v = block.read(key), block.read(value)
                of_output = block.take(grad_output, kv_heads)
                if block.is_real is not None:  # padded queries repeat a real one, whose gradient must not count twice
                    of_output = of_output.view(kv_heads, rows, -1, length, v.shape[-1]) * block.is_real.view(1, rows, 1, length, 1)
                    of_output = of_output.view(kv_heads, rows, -1, v.shape[-1])
                weights = _weights(q, k, read_k, block)
                of_weights = of_output @ v.transpose(-1, -2)
                if read_v is not None:
                    of_weights = torch.cat([_fold(of_output, read_v.transpose(-1, -2)), of_weights], dim=-1)
                of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
                of_own, own = of_scores[..., -length:], weights[..., -length:]
                grad = of_own @ k
                block.put(of_own.transpose(-1, -2) @ q, grad_k)
                block.put(own.transpose(-1, -2) @ of_output, grad_v)
                if read_k is not None:
                    num_families = read_k.shape[1]
                    of_read, over_read = (_by_family(x[..., :-length], num_families) for x in (of_scores, weights))
                    grad += (of_read @ read_k).view(grad.shape)
                    block.add_before(of_read.transpose(-1, -2) @ _by_family(q, num_families), grad_k)
                    block.add_before(over_read.transpose(-1, -2) @ _by_family(of_output, num_families), grad_v)
                block.put(grad.mul_(scale), grad_q)
        return grad_q.transpose(0, 1), grad_k.to(key.dtype).transpose(0, 1), grad_v.to(value.dtype).transpose(0, 1), None, None


def _by_family(x: Tensor, num_families: int) -> Tensor:
    """[K, f * g, m, A] -> [K, f, g * m, A]: the queries that read the same lie behind one another."""
    return x.reshape(x.shape[0], num_families, -1, x.shape[-1])


def _fold(x: Tensor, read: Tensor) -> Tensor:
    """Products of [K, f * g, m, A] with [K, f, A, B], which is read once for all rows of a family: [K, f * g, m, B]."""
    return (_by_family(x, read.shape[1]) @ read).view(*x.shape[:3], read.shape[-1])


def _weights(q: Tensor, k: Tensor, read_k: Tensor | None, block: _Block) -> Tensor:
    """Attention weights of scaled queries [K, f * g, n * L, D]: over what stands before, then over the row itself; [K, f * g, n * L, B + L]."""
    length = k.shape[2]
    own = q @ k.transpose(-1, -2)
    own.view(*own.shape[:2], -1, length, length).add_(block.later)
    if read_k is None:
        return own.softmax(-1)
    before = _by_family(q, read_k.shape[1]) @ read_k.transpose(-1, -2)
    if block.hides is not None:
        before.add_(block.hides)
    return torch.cat([before.view(*own.shape[:3], -1), own], dim=-1).softmax(-1)


def _sum(weights: Tensor, v: Tensor, read_v: Tensor | None) -> Tensor:
    """Values summed by their weights, [K, f * g, n * L, D]."""
    length = v.shape[2]
    output = weights[..., -length:] @ v
    return output if read_v is None else output.add_(_fold(weights[..., :-length], read_v))
