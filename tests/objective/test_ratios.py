"""Ratios and off-policy corrections: naive loops, both sides of every bound, and no gradient through a weight."""

from __future__ import annotations

import math

import pytest
import torch

from proctor.objective import ratios
from tests.objective.samples import SEEDS, Batch, batch, gradcheck, gradient, per_token, same, spoiled, unchecked


def sums(data: Batch) -> list[float]:
    """Summed log-ratio of each rollout, one token at a time."""
    pairs = zip(data.logprobs.tolist(), data.old_logprobs.tolist(), data.mask.tolist(), strict=True)
    return [sum(new - old for new, old, counts in zip(*row, strict=True) if counts) for row in pairs]


@pytest.mark.parametrize("seed", SEEDS)
def test_log_ratios_are_their_sums(seed: int) -> None:
    data = batch(seed)
    inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask), data.mask
    same(ratios.summed_log_ratio(*inputs), sums(data))
    lengths = data.mask.sum(1).tolist()
    means = [total / length if length else 0.0 for total, length in zip(sums(data), lengths, strict=True)]
    same(ratios.sequence_log_ratio(*inputs), means)
    for function, scale in ((ratios.summed_log_ratio, [1.0] * 7), (ratios.sequence_log_ratio, [max(1, length) for length in lengths])):
        gradcheck(lambda new, old, of=function: of(new, old, data.mask), data.logprobs, data.old_logprobs)
        found = gradient(lambda new, of=function: of(new, inputs[1], data.mask), inputs[0])
        same(found, data.mask / torch.tensor(scale, dtype=torch.float64)[:, None])


def test_vector_of_the_sequence_ratio() -> None:
    """systems.md 14: GSPO's s of 0.1, -0.05, 0.02, 0.01."""
    log_ratio = torch.tensor([[0.1, -0.05, 0.02, 0.01]], dtype=torch.float64)
    found = ratios.sequence_log_ratio(log_ratio, torch.zeros_like(log_ratio), torch.ones(1, 4, dtype=torch.bool))
    assert float(found.exp()) == pytest.approx(1.020201, abs=1e-6)


def test_a_log_ratio_is_bounded_on_both_sides_and_has_no_gradient_there() -> None:
    logprobs = torch.tensor([-30.0, -21.0, -3.0, 0.0, 25.0], dtype=torch.float64)
    same(ratios.log_ratio(logprobs, torch.ones_like(logprobs), max_log_ratio=20.0), [-20, -20, -4, -1, 20])
    same(gradient(lambda new: ratios.log_ratio(new, torch.ones_like(new), max_log_ratio=20.0), logprobs), [0, 0, 1, 1, 0])
    same(ratios.log_ratio(logprobs, torch.zeros_like(logprobs), max_log_ratio=0.5), [-0.5, -0.5, -0.5, 0, 0.5])


@pytest.mark.parametrize("seed", SEEDS)
def test_token_corrections_are_their_definitions(seed: int) -> None:
    data = batch(seed)
    old, behavior = data.logprobs, data.old_logprobs
    same(ratios.truncated_importance(old, behavior, max_ratio=1.2), per_token(lambda x, y: min(math.exp(x - y), 1.2), old, behavior))

    def kept(x: float, y: float) -> float:
        ratio = math.exp(x - y)
        return ratio if 0.7 <= ratio <= 1.3 else 0.0

    same(ratios.token_mask(old, behavior, low=0.7, high=1.3), per_token(kept, old, behavior))


@pytest.mark.parametrize("seed", SEEDS)
def test_sequence_corrections_are_their_definitions(seed: int) -> None:
    data = batch(seed)
    inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask), data.mask
    products = [math.exp(total) for total in sums(data)]
    bound = sorted(products)[4] * 1.01
    truncated = torch.tensor([min(product, bound) for product in products], dtype=torch.float64)
    same(ratios.sequence_truncated(*inputs, max_ratio=bound), data.mask * truncated[:, None])
    masked = torch.tensor([product if product <= bound else 0.0 for product in products], dtype=torch.float64)
    same(ratios.sequence_mask(*inputs, max_ratio=bound), data.mask * masked[:, None])
    assert int((masked == 0).sum()) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_stale_bad_rollouts_are_dropped_and_stale_good_ones_kept(seed: int) -> None:
    data = batch(seed)
    divergences = [-total / max(1, int(row.sum())) for total, row in zip(sums(data), data.mask, strict=True)]
    for bound in (0.0, 0.1):
        kept = [1.0 if advantage >= 0 or divergence <= bound else 0.0 for advantage, divergence in zip(data.advantages.tolist(), divergences, strict=True)]
        inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask), data.advantages, data.mask
        found = ratios.negative_sequence_mask(*inputs, max_divergence=bound)
        same(found, data.mask * torch.tensor(kept, dtype=torch.float64)[:, None])
        assert found.dtype is torch.float64


def test_bounds_are_inclusive() -> None:
    """Powers of two, so that exp and log are exact enough to stand on the bound."""
    behavior = torch.zeros(1, 3, dtype=torch.float64)
    old = torch.tensor([[0.0, 0.0, 0.0]], dtype=torch.float64)
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert ratios.token_mask(old, behavior, low=1.0, high=1.0).tolist() == [[1.0, 1.0, 1.0]]
    assert ratios.sequence_mask(old, behavior, mask, max_ratio=1.0).tolist() == [[1.0, 1.0, 1.0]]
    for advantage, kept in ((-1.0, 1.0), (0.0, 1.0)):
        found = ratios.negative_sequence_mask(old, behavior, torch.tensor([advantage], dtype=torch.float64), mask, max_divergence=0.0)
        assert found.tolist() == [[kept] * 3]
    stale = torch.full((1, 3), -1.0, dtype=torch.float64)
    for advantage, kept in ((-1e-9, 0.0), (0.0, 1.0), (1.0, 1.0)):
        found = ratios.negative_sequence_mask(stale, behavior, torch.tensor([advantage], dtype=torch.float64), mask, max_divergence=0.5)
        assert found.tolist() == [[kept] * 3]


def test_a_product_that_overflows_is_truncated_or_dropped() -> None:
    old, behavior = torch.zeros(1, 1000), torch.full((1, 1000), -5.0)
    mask = torch.ones(1, 1000, dtype=torch.bool)
    assert ratios.sequence_truncated(old, behavior, mask, max_ratio=3.0).unique().tolist() == [3.0]
    assert ratios.sequence_mask(old, behavior, mask, max_ratio=3.0).unique().tolist() == [0.0]


def test_corrections_are_constants() -> None:
    data = batch(0)
    old = data.logprobs.clone().requires_grad_(True)
    behavior = data.old_logprobs.clone().requires_grad_(True)
    for weights in (
        ratios.truncated_importance(old, behavior, max_ratio=2.0),
        ratios.token_mask(old, behavior, low=0.5, high=2.0),
        ratios.sequence_truncated(old, behavior, data.mask, max_ratio=2.0),
        ratios.sequence_mask(old, behavior, data.mask, max_ratio=2.0),
        ratios.negative_sequence_mask(old, behavior, data.advantages, data.mask, max_divergence=0.1),
    ):
        assert not weights.requires_grad


def test_bad_input_is_named() -> None:
    plain = unchecked("ratios")
    wide, narrow, mask, per_rollout = torch.zeros(2, 3), torch.zeros(2, 2), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2)
    for wrong, message in (
        (lambda: plain.log_ratio(wide, narrow, max_log_ratio=1.0), "logprobs .2, 3., old_logprobs .2, 2."),
        (lambda: plain.summed_log_ratio(wide, narrow, mask), "shapes must agree"),
        (lambda: plain.summed_log_ratio(narrow, narrow, mask), "mask .2, 3."),
        (lambda: plain.sequence_log_ratio(narrow, narrow, mask), "shapes must agree"),
        (lambda: plain.truncated_importance(wide, narrow, max_ratio=1.0), "behavior_logprobs .2, 2."),
        (lambda: plain.token_mask(wide, narrow, low=0.5, high=2.0), "behavior_logprobs .2, 2."),
        (lambda: plain.negative_sequence_mask(wide, wide, torch.zeros(3), mask, max_divergence=1.0), "advantages .3,."),
        (lambda: plain.negative_sequence_mask(wide, wide, per_rollout, mask, max_divergence=-1e-9), "max_divergence must not be negative"),
        (lambda: plain.token_mask(wide, wide, low=-0.1, high=1.0), "0 <= low <= high"),
        (lambda: plain.token_mask(wide, wide, low=1.1, high=1.0), "0 <= low <= high"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    assert ratios.token_mask(wide, wide, low=0.0, high=1.0).tolist() == [[1.0] * 3] * 2
    for bound in (0.0, -1.0):
        for wrong, name in (
            (lambda bound=bound: ratios.log_ratio(wide, wide, max_log_ratio=bound), "max_log_ratio"),
            (lambda bound=bound: ratios.truncated_importance(wide, wide, max_ratio=bound), "max_ratio"),
            (lambda bound=bound: ratios.sequence_truncated(wide, wide, mask, max_ratio=bound), "max_ratio"),
            (lambda bound=bound: ratios.sequence_mask(wide, wide, mask, max_ratio=bound), "max_ratio"),
        ):
            with pytest.raises(ValueError, match=f"{name} must be greater than 0"):
                wrong()
