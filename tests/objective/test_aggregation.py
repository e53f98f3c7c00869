"""Aggregation weights by hand, against sums written out, and under every way of cutting a batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proctor.objective import aggregation
from tests.objective.samples import SEEDS, Batch, batch, same, unchecked

MASK = torch.tensor([[True, True, False, False], [True, True, True, True], [False, False, False, False], [False, True, False, False]])
GROUPS = torch.tensor([7, 3, 9, 7])


def every(data: Batch) -> dict[str, tuple[Tensor, float]]:
    """Each weighted sum of a per-token loss, and the same written out."""
    rows = [[float(x) for x, counts in zip(*row, strict=True) if counts] for row in zip(data.values.tolist(), data.mask.tolist(), strict=True)]
    kept = [row for row in rows if row]
    groups = {group: [x for row, of in zip(rows, data.group_ids.tolist(), strict=True) if of == group for x in row] for group in data.group_ids.tolist()}
    trained = [tokens for tokens in groups.values() if tokens]
    return {
        "token_mean": (aggregation.token_mean(data.mask), sum(map(sum, kept)) / sum(map(len, kept))),
        "sequence_mean": (aggregation.sequence_mean(data.mask), sum(sum(row) / len(row) for row in kept) / len(kept)),
        "token_sum": (aggregation.token_sum(data.mask), sum(map(sum, kept)) / len(kept)),
        "fixed_length": (aggregation.fixed_length(data.mask, max_tokens=9), sum(map(sum, kept)) / len(kept) / 9),
        "prompt_mean": (aggregation.prompt_mean(data.mask, data.group_ids), sum(sum(tokens) / len(tokens) for tokens in trained) / len(trained)),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_sums_are_the_definitions(seed: int) -> None:
    data = batch(seed)
    for name, (weights, expected) in every(data).items():
        assert float((weights.double() * data.values).sum()) == pytest.approx(expected, abs=1e-6), name
        assert not weights[~data.mask].any(), name
        assert weights.dtype is torch.float32, name


def test_weights_by_hand() -> None:
    same(aggregation.token_mean(MASK), (MASK / 7).tolist(), atol=1e-7)
    third = 1 / 3
    same(aggregation.sequence_mean(MASK), [[third / 2] * 2 + [0.0, 0.0], [third / 4] * 4, [0.0] * 4, [0.0, third, 0.0, 0.0]], atol=1e-7)
    same(aggregation.token_sum(MASK), (MASK / 3).tolist(), atol=1e-7)
    same(aggregation.fixed_length(MASK, max_tokens=10), (MASK / 30).tolist(), atol=1e-7)
    sixth, eighth = 1 / 6, 1 / 8
    same(aggregation.prompt_mean(MASK, GROUPS), [[sixth, sixth, 0, 0], [eighth] * 4, [0.0] * 4, [0, sixth, 0, 0]], atol=1e-7)
    same(aggregation.rollout_mean(MASK), [third, third, 0.0, third], atol=1e-7)
    assert aggregation.rollout_mean(MASK).dtype is torch.float32


def test_vector_of_the_two_means_of_the_assignment() -> None:
    """systems.md 5.0 and 14 (A5): ratio times advantage with means 2, 2 per sequence, and 1.1429, 2.0 over a constant 7."""
    losses = torch.tensor([[2.0] * 4 + [9.0] * 3, [2.0] * 7])
    mask = torch.tensor([[True] * 4 + [False] * 3, [True] * 7])
    same(2 * (losses * aggregation.sequence_mean(mask)).sum(1), [2.0, 2.0], atol=1e-6)
    same(2 * (losses * aggregation.fixed_length(mask, max_tokens=7)).sum(1), [8 / 7, 2.0], atol=1e-6)
    assert [2 * float(aggregation.sequence_mean(mask)[0, 0]), 2 * float(aggregation.fixed_length(mask, max_tokens=7)[0, 0])] == pytest.approx([0.25, 1 / 7])


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_sum_to_one_where_they_are_a_mean(seed: int) -> None:
    data = batch(seed)
    for name in ("token_mean", "sequence_mean", "prompt_mean"):
        assert float(every(data)[name][0].sum()) == pytest.approx(1, abs=1e-6)
    assert float(aggregation.rollout_mean(data.mask).sum()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_padding_nor_order_nor_empty_rollouts_change_a_weight(seed: int) -> None:
    data = batch(seed)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed))
    aggregates: list[Callable[[Tensor, Tensor], Tensor]] = [
        lambda mask, ids: aggregation.token_mean(mask),
        lambda mask, ids: aggregation.sequence_mean(mask),
        lambda mask, ids: aggregation.token_sum(mask),
        lambda mask, ids: aggregation.fixed_length(mask, max_tokens=9),
        aggregation.prompt_mean,
    ]
    for aggregate in aggregates:
        expected = aggregate(data.mask, data.group_ids)
        assert torch.equal(aggregate(data.mask[order], data.group_ids[order]), expected[order])
        wide = torch.nn.functional.pad(data.mask, (3, 2, 0, 1))
        assert torch.equal(aggregate(wide, torch.cat([data.group_ids, torch.tensor([77])]))[:7, 3:-2], expected)


def test_bad_input_is_named() -> None:
    empty = torch.zeros(2, 3, dtype=torch.bool)
    ids = torch.zeros(2, dtype=torch.long)
    for wrong in (
        lambda: aggregation.token_mean(empty),
        lambda: aggregation.sequence_mean(empty),
        lambda: aggregation.token_sum(empty),
        lambda: aggregation.fixed_length(empty, max_tokens=4),
        lambda: aggregation.prompt_mean(empty, ids),
        lambda: aggregation.rollout_mean(empty),
    ):
        with pytest.raises(ValueError, match="no token is trained on"):
            wrong()
    for limit in (0, -1):
        with pytest.raises(ValueError, match="max_tokens must be at least 1"):
            aggregation.fixed_length(MASK, max_tokens=limit)
    assert float(aggregation.fixed_length(MASK, max_tokens=1).sum()) == pytest.approx(7 / 3)
    with pytest.raises(ValueError, match="group_ids .2,."):
        unchecked("aggregation").prompt_mean(MASK, ids)
