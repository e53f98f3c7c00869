"""Diagnostics by hand and by loops; an empty mask has an answer, and nothing outside the mask counts."""

from __future__ import annotations

import math

import pytest
import torch

from proctor.objective import advantages, diagnostics
from tests.objective.samples import SEEDS, batch, same, spoiled, unchecked

NOTHING = torch.zeros(2, 3, dtype=torch.bool)


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree(seed: int) -> None:
    data = batch(seed)
    log_ratio = data.logprobs - data.old_logprobs
    kept, credits = log_ratio[data.mask].tolist(), data.token_advantages[data.mask].tolist()
    outside = spoiled(log_ratio, data.mask)
    same(diagnostics.masked_mean(spoiled(data.values, data.mask), data.mask), sum(data.values[data.mask].tolist()) / len(kept))
    same(diagnostics.approximate_kl(outside, data.mask), sum(math.exp(x) - 1 - x for x in kept) / len(kept))
    low = sum(a < 0 and math.exp(x) < 0.8 for x, a in zip(kept, credits, strict=True)) / len(kept)
    high = sum(a > 0 and math.exp(x) > 1.3 for x, a in zip(kept, credits, strict=True)) / len(kept)
    found = diagnostics.clip_fractions(outside.exp(), data.token_advantages, data.mask, clip_low=0.2, clip_high=0.3)
    same(torch.stack(found), [low, high], atol=1e-6)
    weights = [math.exp(x) for x in kept]
    same(diagnostics.effective_sample_size(outside, data.mask), sum(weights) ** 2 / sum(weight**2 for weight in weights) / len(weights))
    same(torch.stack(diagnostics.ratio_extremes(outside, data.mask)), [min(weights), max(weights)])


def test_one_token_is_its_own_mean() -> None:
    mask = torch.tensor([[False, True]])
    assert float(diagnostics.masked_mean(torch.tensor([[9.0, 3.0]]), mask)) == 3.0


def test_clip_fractions_by_hand() -> None:
    mask = torch.tensor([[True, True, True, False]])
    ratio, credits = torch.tensor([[0.7, 1.3, 1.3, 9.0]]), torch.tensor([[-1.0, 1.0, -1.0, 1.0]])
    low, high = diagnostics.clip_fractions(ratio, credits, mask, clip_low=0.2, clip_high=0.2)
    assert (float(low), float(high)) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    at_the_bounds = torch.tensor([[0.5, 1.5, 0.5, 1.5]])
    signs = torch.tensor([[-1.0, 1.0, 0.0, 0.0]])
    found = diagnostics.clip_fractions(at_the_bounds, signs, torch.ones(1, 4, dtype=torch.bool), clip_low=0.5, clip_high=0.5)
    assert [float(value) for value in found] == [0.0, 0.0]
    found = diagnostics.clip_fractions(at_the_bounds, signs, torch.ones(1, 4, dtype=torch.bool), clip_low=0.4, clip_high=0.4)
    assert [float(value) for value in found] == [0.25, 0.25]


def test_effective_sample_size_at_its_ends() -> None:
    mask = torch.tensor([[True, True, True, True, False]])
    same(diagnostics.effective_sample_size(torch.tensor([[0.3, 0.3, 0.3, 0.3, 9.0]], dtype=torch.float64), mask), 1.0)
    same(diagnostics.effective_sample_size(torch.tensor([[500.0, 0.0, -800.0, 3.0, 900.0]], dtype=torch.float64), mask), 0.25)
    same(diagnostics.effective_sample_size(torch.tensor([[800.0, 800.0, 0.0, 0.0, 0.0]], dtype=torch.float64), mask), 0.5)


def test_an_empty_mask_has_an_answer() -> None:
    values = torch.ones(2, 3)
    assert float(diagnostics.masked_mean(values, NOTHING)) == 0
    assert float(diagnostics.approximate_kl(values, NOTHING)) == 0
    assert float(diagnostics.effective_sample_size(values, NOTHING)) == 0
    assert [float(value) for value in diagnostics.ratio_extremes(values, NOTHING)] == [1.0, 1.0]


def test_gradient_mass_by_hand() -> None:
    """Groups with success rates 0, 1/4, 1/2, 3/4 and 1, in four buckets."""
    successes = torch.tensor([[False] * 4, [True] + [False] * 3, [True] * 2 + [False] * 2, [True] * 3 + [False], [True] * 4])
    group_ids = torch.arange(5).repeat_interleave(4)
    centered = advantages.group_centered(successes.flatten().double(), group_ids)
    found = diagnostics.gradient_mass_by_success_rate(centered, successes.flatten(), group_ids, num_buckets=4)
    same(found, [0.0, 1.5, 2.0, 1.5])
    scaled = advantages.group_standardized(successes.flatten().double(), group_ids, ddof=0, epsilon=0.0)
    found = diagnostics.gradient_mass_by_success_rate(scaled, successes.flatten(), group_ids, num_buckets=4)
    same(found, [0.0, 4 * 2 * math.sqrt(3) / 4, 4.0, 4 * 2 * math.sqrt(3) / 4])
    same(diagnostics.gradient_mass_by_success_rate(centered, successes.flatten(), group_ids, num_buckets=1), [5.0])
    ones = torch.ones(20, dtype=torch.float64)
    same(diagnostics.gradient_mass_by_success_rate(-ones, successes.flatten(), group_ids, num_buckets=2), [8.0, 12.0])


@pytest.mark.parametrize("size", [3, 7, 10, 49, 100])
def test_a_rate_on_a_boundary_is_in_the_bucket_above(size: int) -> None:
    """k successes of `size`, in `size` buckets: each rate has its own, in whatever way k/size is rounded."""
    for num_correct in range(size):
        successes = torch.arange(size) < num_correct
        found = diagnostics.gradient_mass_by_success_rate(torch.ones(size), successes, torch.zeros(size, dtype=torch.long), num_buckets=size)
        assert found.nonzero().tolist() == [[num_correct]]


def test_the_mass_of_a_group_goes_with_p_of_one_minus_p() -> None:
    """systems.md 5.1: sum |A| of a group is 2 G p(1-p) centred and 2 G sqrt(p(1-p)) standardised."""
    for num_correct in range(1, 8):
        p, rewards = num_correct / 8, (torch.arange(8) < num_correct).double()
        group_ids = torch.zeros(8, dtype=torch.long)
        assert float(advantages.group_centered(rewards, group_ids).abs().sum()) == pytest.approx(16 * p * (1 - p))
        standardized = advantages.group_standardized(rewards, group_ids, ddof=0, epsilon=0.0)
        assert float(standardized.abs().sum()) == pytest.approx(16 * math.sqrt(p * (1 - p)))


def test_fraction_of_unanimous_groups() -> None:
    rewards = torch.tensor([1.0, 0.1, 0.0, 0.1, 1.0, 5.0])
    same(diagnostics.unanimous_fraction(rewards, torch.tensor([4, 2, 4, 2, 9, 4])), 2 / 3, atol=1e-6)
    same(diagnostics.unanimous_fraction(rewards, torch.tensor([0, 0, 0, 0, 0, 0])), 0.0)
    same(diagnostics.unanimous_fraction(rewards, torch.arange(6)), 1.0)


def test_bad_input_is_named() -> None:
    plain, wide, mask, ids = unchecked("diagnostics"), torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, dtype=torch.long)
    for wrong in (
        lambda: plain.masked_mean(wide[:, :1], mask),
        lambda: plain.approximate_kl(wide[:, :1], mask),
        lambda: plain.effective_sample_size(wide[:, :1], mask),
        lambda: plain.ratio_extremes(wide[:, :1], mask),
        lambda: plain.clip_fractions(wide, wide[:, :1], mask, clip_low=0.2, clip_high=0.2),
        lambda: plain.clip_fractions(wide, wide, mask[:, :1], clip_low=0.2, clip_high=0.2),
        lambda: plain.gradient_mass_by_success_rate(wide[0], mask[0, :1], torch.zeros(3, dtype=torch.long), num_buckets=2),
    ):
        with pytest.raises(ValueError, match="shapes must agree"):
            wrong()
    for wrong in (lambda: plain.unanimous_fraction(wide[0], ids), lambda: plain.gradient_mass_by_success_rate(wide[0], mask[0], ids, num_buckets=2)):
        with pytest.raises(ValueError, match="3 rewards but 2 group_ids"):
            wrong()
    for number in (0, -1):
        with pytest.raises(ValueError, match="num_buckets must be at least 1"):
            diagnostics.gradient_mass_by_success_rate(wide[:, 0], mask[:, 0], ids, num_buckets=number)
