"""Attention over a packed batch equals attention of each sequence alone, values and gradients, however it is cut into blocks."""

from __future__ import annotations

import random

import pytest
import torch

from proctor.models import packed_attention as module
from proctor.models.attention import build_pack, padded_attention
from proctor.models.packed_attention import Spans, packed_attention

PROMPTS, ROWS, PROMPT_OF = [5, 9, 2], [4, 7, 1, 6, 3, 4], [0, 1, 1, 0, 2, 0]
WIDTH = 4


def inputs(heads: int, kv_heads: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    torch.manual_seed(0)
    num = sum(PROMPTS) + sum(ROWS)
    return [torch.randn(count, num, WIDTH, dtype=dtype, requires_grad=True) for count in (heads, kv_heads, kv_heads)]


def one_by_one(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, spans: Spans, scale: float) -> torch.Tensor:
    """The definition: each sequence written out with its prompt in front, no sharing, no blocks."""
    folded = query.shape[0] // key.shape[0]
    key, value = key.repeat_interleave(folded, 0), value.repeat_interleave(folded, 0)
    output = query.new_zeros(*query.shape[:2], value.shape[-1])
    for (first, last), rows in zip(spans.prompts, spans.rows, strict=True):
        for start, end in [(first, first), *rows]:
            slots = torch.tensor([*range(first, last), *range(start, end)])
            scores = query[:, slots] @ key[:, slots].transpose(-1, -2) * scale
            scores = scores.masked_fill(torch.ones(len(slots), len(slots), dtype=torch.bool).triu(1), -torch.inf)
            found = scores.softmax(-1) @ value[:, slots]
            wanted = slots if start == end else slots[last - first :]
            output = output.index_copy(1, wanted, found if start == end else found[:, last - first :])
    return output.transpose(0, 1)


@pytest.mark.parametrize(("together", "alone"), [(1, 1), (60, 150), (150, 1 << 21), (1 << 21, 1 << 21)], ids=["a token at a time", "in pieces", "a few", "all"])
@pytest.mark.parametrize("heads", [(6, 2), (4, 4), (3, 1)], ids=str)
def test_values_and_gradients_equal_the_definition(heads: tuple[int, int], together: int, alone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCORES_TOGETHER", together)
    monkeypatch.setattr(module, "SCORES_AT_ONCE", alone)
    x, spans = inputs(*heads), Spans.of(PROMPTS, ROWS, PROMPT_OF)
    weight = torch.randn(x[0].shape[1], heads[0], WIDTH, dtype=torch.float64)
    expected, found = one_by_one(*x, spans, 0.4), packed_attention(*x, spans, 0.4)
    assert torch.allclose(found, expected, atol=1e-12)
    for a, b in zip(torch.autograd.grad((expected * weight).sum(), x), torch.autograd.grad((found * weight).sum(), x), strict=True):
        assert torch.allclose(a, b, atol=1e-12)


def test_gradcheck() -> None:
    spans = Spans.of(PROMPTS, ROWS, PROMPT_OF)
    assert torch.autograd.gradcheck(lambda q, k, v: packed_attention(q, k, v, spans, 0.5), tuple(inputs(2, 1)), atol=1e-6)


def test_values_may_be_wider_than_keys() -> None:
    (query, key, _), spans = inputs(4, 2), Spans.of(PROMPTS, ROWS, PROMPT_OF)
    value = torch.randn(2, key.shape[1], WIDTH + 3, dtype=torch.float64, requires_grad=True)
    found, expected = packed_attention(query, key, value, spans, 0.4), one_by_one(query, key, value, spans, 0.4)
    assert torch.allclose(found, expected, atol=1e-12)
    for a, b in zip(torch.autograd.grad(found.sum(), (query, key, value)), torch.autograd.grad(expected.sum(), (query, key, value)), strict=True):
        assert torch.allclose(a, b, atol=1e-12)


def test_a_prompt_without_continuations_attends_to_itself() -> None:
    x, spans = inputs(2, 1), Spans.of([*PROMPTS, *ROWS], [], [])
    assert torch.allclose(packed_attention(*x, spans, 0.3), one_by_one(*x, spans, 0.3), atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_fused_kernels_give_the_same(dtype: torch.dtype) -> None:
    """Accelerators take the other path: the numbers must not depend on which."""
    pack = build_pack([[1] * n for n in PROMPTS], [[1] * n for n in ROWS], PROMPT_OF, torch.device("cpu"))
    x = q, k, v = inputs(4, 2, dtype)
    weight = torch.randn(q.shape[1], 4, WIDTH)
    outputs = packed_attention(q, k, v, pack.spans, WIDTH**-0.5), padded_attention(q, k, v, pack, None)
    found = [(output, *torch.autograd.grad((output.float() * weight).sum(), x)) for output in outputs]
    tolerance = 1e-5 if dtype is torch.float32 else 0.05
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a, b, atol=tolerance)


@pytest.mark.parametrize("seed", range(5))
def test_many_prompts_are_one_block_and_equal_the_definition(seed: int) -> None:
    """Prompts and rows of many lengths: families are merged, padded before and behind, and none reads another's prompt."""
    draw = random.Random(seed)
    owners = [p for p in range(7) for _ in range(draw.choice([0, 2, 2, 3]))]
    draw.shuffle(owners)
    spans = Spans.of([draw.randint(1, 9) for _ in range(7)], [draw.randint(1, 9) for _ in owners], owners)
    num = max(end for _, end in [*spans.prompts, *(row for rows in spans.rows for row in rows)])
    blocks = module._blocks(spans, 2, torch.device("cpu"))
    assert any(block.before is not None and len(block.before) > 1 and block.hides is not None for block in blocks)
    torch.manual_seed(seed)
    x = [torch.randn(count, num, WIDTH, dtype=torch.float64, requires_grad=True) for count in (2, 1, 1)]
    weight = torch.randn(num, 2, WIDTH, dtype=torch.float64)
    expected, found = one_by_one(*x, spans, 0.4), packed_attention(*x, spans, 0.4)
    assert torch.allclose(found, expected, atol=1e-12)
    for a, b in zip(torch.autograd.grad((expected * weight).sum(), x), torch.autograd.grad((found * weight).sum(), x), strict=True):
        assert torch.allclose(a, b, atol=1e-12)


def test_no_block_has_more_scores_than_may_exist_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCORES_AT_ONCE", 4 * 300)
    monkeypatch.setattr(module, "SCORES_TOGETHER", 4 * 200)
    spans, heads = Spans.of([40, 3], [50, 2, 7, 2, 2], [0, 0, 0, 0, 1]), 4
    blocks = module._blocks(spans, heads, torch.device("cpu"))
    sizes = [heads * block.slots.numel() * (block.slots.shape[1] + (0 if block.before is None else block.before.shape[1])) for block in blocks]
    assert max(sizes) <= module.SCORES_AT_ONCE
    assert max(size for size, block in zip(sizes, blocks, strict=True) if len(block.slots) > 1) <= module.SCORES_TOGETHER
    covered = sorted({slot for block in blocks for slot in block.slots.flatten().tolist()})
    assert covered == list(range(106))


def test_what_is_read_is_computed_before_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCORES_AT_ONCE", 60)
    monkeypatch.setattr(module, "SCORES_TOGETHER", 30)
    done: set[int] = set()
    for block in module._blocks(Spans.of(PROMPTS, ROWS, PROMPT_OF), 1, torch.device("cpu")):
        assert block.before is None or set(block.before.flatten().tolist()) <= done
        done |= set(block.slots.flatten().tolist())


def test_padding_is_bounded() -> None:
    """Short sequences do not wait for long ones: what is computed is at most half as much again as what is needed."""
    spans, heads = Spans.of([2] * 40 + [300] * 3, [5, 90] * 20, [n // 2 for n in range(40)]), 2
    blocks = module._blocks(spans, heads, torch.device("cpu"))
    padded = sum(block.slots.numel() * (block.slots.shape[1] + (0 if block.before is None else block.before.shape[1])) for block in blocks)
    needed = 40 * 4 + 3 * 300**2 + 20 * (5 * 7 + 90 * 92)
    assert needed <= padded <= module.MOST_PADDING * needed
    assert len(blocks) < 12
