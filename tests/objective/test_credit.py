"""Credit per token against vectors, naive recursions over the trained tokens alone, and its limits."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import credit
from tests.objective.samples import SEEDS, Batch, batch, same, spoiled, unchecked

ALL = torch.ones(1, 3, dtype=torch.bool)


def trained(values: Tensor, data: Batch) -> list[list[float]]:
    """The trained tokens of each rollout, holes taken out."""
    return [[float(value) for value, counts in zip(row, of_row, strict=True) if counts] for row, of_row in zip(values, data.mask, strict=True)]


def untrained(rows: list[list[float]], mask: Tensor) -> Tensor:
    """The rows put back where the mask is True, 0 elsewhere."""
    result = torch.zeros(mask.shape, dtype=torch.float64)
    for number, row in enumerate(rows):
        result[number, mask[number]] = torch.tensor(row, dtype=torch.float64)
    return result


def naive_gae(rewards: list[float], values: list[float], gamma: float, decay: float, after_last: float) -> list[float]:
    """The recursion as written, from the last token to the first."""
    result: list[float] = []
    advantage, following = 0.0, after_last
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        advantage = reward + gamma * following - value + gamma * decay * advantage
        following = value
        result.insert(0, advantage)
    return result


def test_vector_of_gae() -> None:
    """systems.md 14."""
    rewards, values = torch.tensor([[-0.01, -0.02, 0.98]], dtype=torch.float64), torch.tensor([[0.2, 0.4, 0.6]], dtype=torch.float64)
    advantages, returns = credit.gae(rewards, values, ALL, gamma=1.0, gae_lambda=0.95)
    same(advantages, [[0.70395, 0.541, 0.38]])
    same(returns, [[0.90395, 0.941, 0.98]])
    same(credit.gae(rewards, values, ALL, gamma=1.0, gae_lambda=1.0)[0], [[0.75, 0.56, 0.38]])


def test_vector_of_whitening() -> None:
    """systems.md 14: without shifting the mean. Its last digit, 3.1491, is cut, not rounded: 3.149193."""
    values = torch.tensor([[1.2, 1.3, 1.4], [1.5, 1.6, 1.7], [1.8, 1.9, 2.0]], dtype=torch.float64)
    expected = [[0.0508, 0.4381, 0.8254], [1.2127, 1.6, 1.9873], [2.3746, 2.7619, 3.1491]]
    same(credit.whiten(values, torch.ones(3, 3, dtype=torch.bool), shift_mean=False), expected, atol=1e-4)


def test_vectors_of_lambda() -> None:
    """systems.md 14: what 0.95 leaves after 100 and 1000 tokens; VAPO's lambda of 100, 1000 and 10000."""
    for distance, left, digits in ((100, 0.00592, 5e-6), (1000, 5.3e-23, 5e-25)):
        rewards, mask = torch.zeros(1, distance + 1, dtype=torch.float64), torch.ones(1, distance + 1, dtype=torch.bool)
        rewards[0, -1] = 1
        assert float(credit.gae(rewards, torch.zeros_like(rewards), mask, gamma=1.0, gae_lambda=0.95)[0][0, 0]) == pytest.approx(left, abs=digits)
    mask = torch.arange(10_000) < torch.tensor([[100], [1000], [10_000], [20], [19], [5], [0]])
    same(credit.length_adaptive_lambda(mask, alpha=0.05), [0.8, 0.98, 0.998, 0, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "decay"), [(1.0, 1.0), (0.9, 0.8), (1.0, 0.0), (0.0, 1.0)])
def test_gae_is_its_recursion(seed: int, gamma: float, decay: float) -> None:
    data = batch(seed, num_tokens=11)
    rows = list(zip(trained(data.token_rewards, data), trained(data.values, data), strict=True))
    for bootstrap in (None, data.advantages):
        after = [0.0] * 7 if bootstrap is None else bootstrap.tolist()
        expected = untrained([naive_gae(rewards, values, gamma, decay, last) for (rewards, values), last in zip(rows, after, strict=True)], data.mask)
        inputs = spoiled(data.token_rewards, data.mask), spoiled(data.values, data.mask), data.mask
        advantages, returns = credit.gae(*inputs, gamma=gamma, gae_lambda=decay, bootstrap_values=bootstrap)
        same(advantages, expected)
        same(returns, torch.where(data.mask, expected + data.values, 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_rollout_may_have_its_own_lambda(seed: int) -> None:
    data = batch(seed, num_tokens=9)
    decays = torch.linspace(0, 1, 7, dtype=torch.float64)
    found = credit.gae(data.token_rewards, data.values, data.mask, gamma=0.97, gae_lambda=decays, bootstrap_values=data.advantages)
    for number, decay in enumerate(decays.tolist()):
        rows = [tensor[number : number + 1] for tensor in (data.token_rewards, data.values, data.mask)]
        alone = credit.gae(*rows, gamma=0.97, gae_lambda=decay, bootstrap_values=data.advantages[number : number + 1])
        same(found[0][number : number + 1], alone[0])
        same(found[1][number : number + 1], alone[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_gamma_and_lambda_one_give_reward_to_go_minus_value(seed: int) -> None:
    data = batch(seed, num_tokens=10)
    to_go = credit.reward_to_go(data.token_rewards, data.mask, gamma=1.0)
    advantages, returns = credit.gae(data.token_rewards, data.values, data.mask, gamma=1.0, gae_lambda=1.0)
    same(advantages, torch.where(data.mask, to_go - data.values, 0), atol=1e-12)
    same(returns, to_go, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gamma", [0.0, 0.7, 1.0])
def test_reward_to_go_is_its_sum(seed: int, gamma: float) -> None:
    data = batch(seed, num_tokens=13)
    rows = trained(data.token_rewards, data)
    expected = [[sum(gamma**later * reward for later, reward in enumerate(row[start:])) for start in range(len(row))] for row in rows]
    same(credit.reward_to_go(spoiled(data.token_rewards, data.mask), data.mask, gamma=gamma), untrained(expected, data.mask))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reward_is_paid_on_the_last_trained_token(seed: int) -> None:
    data = batch(seed)
    expected = torch.zeros(data.mask.shape, dtype=torch.float64)
    for number, row in enumerate(data.mask.tolist()):
        if any(row):
            expected[number, max(place for place, counts in enumerate(row) if counts)] = data.rewards[number]
    found = credit.terminal_rewards(data.rewards, data.mask)
    same(found, expected)
    assert found[1].tolist() == [0.0] * 6
    same(credit.reward_to_go(found, data.mask, gamma=1.0), torch.where(data.mask, data.rewards[:, None], 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_whitening_is_its_definition(seed: int) -> None:
    data = batch(seed)
    kept = data.values[data.mask].tolist()
    mean, scale = statistics.fmean(kept), math.sqrt(statistics.pvariance(kept) + 1e-8)
    expected = torch.where(data.mask, (data.values - mean) / scale, 0)
    same(credit.whiten(spoiled(data.values, data.mask), data.mask, shift_mean=True), expected)
    same(credit.whiten(spoiled(data.values, data.mask), data.mask, shift_mean=False), torch.where(data.mask, expected + mean, 0))


def test_whitening_of_equal_values_is_finite() -> None:
    values = torch.tensor([1.0, 1.0 + 1e-4, 1.0 - 1e-4, 1.0], dtype=torch.float64)
    found = credit.whiten(values, torch.ones(4, dtype=torch.bool), shift_mean=True)
    same(found, [0, 1e-4 / math.sqrt(1.5e-8), -1e-4 / math.sqrt(1.5e-8), 0], atol=1e-9)


def test_holes_and_padding_change_nothing() -> None:
    """A rollout with observations in it has the credit of the same rollout without."""
    generator = torch.Generator().manual_seed(0)
    rewards, values = torch.randn(2, 1, 4, generator=generator, dtype=torch.float64)
    mask = torch.tensor([[False, True, False, False, True, True, False, True, False]])
    wide_rewards, wide_values = (torch.full((1, 9), math.nan, dtype=torch.float64).masked_scatter(mask, tensor) for tensor in (rewards, values))
    bootstrap = torch.tensor([0.3], dtype=torch.float64)
    dense = credit.gae(rewards, values, torch.ones(1, 4, dtype=torch.bool), gamma=0.9, gae_lambda=0.7, bootstrap_values=bootstrap)
    for found, expected in zip(credit.gae(wide_rewards, wide_values, mask, gamma=0.9, gae_lambda=0.7, bootstrap_values=bootstrap), dense, strict=True):
        same(found[mask], expected[0])
        assert not found[~mask].any()


@given(st.integers(1, 40), st.floats(0, 1), st.floats(0, 1), st.integers(0, 1000))
def test_gae_of_any_length(length: int, gamma: float, decay: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rewards, values = torch.randn(2, 1, length, generator=generator, dtype=torch.float64)
    found, _ = credit.gae(rewards, values, torch.ones(1, length, dtype=torch.bool), gamma=gamma, gae_lambda=decay)
    same(found[0], naive_gae(rewards[0].tolist(), values[0].tolist(), gamma, decay, 0.0))


def test_credit_is_constant_in_the_update() -> None:
    data = batch(0)
    rewards, values = data.token_rewards.clone().requires_grad_(True), data.values.clone().requires_grad_(True)
    last = data.rewards.clone().requires_grad_(True)
    for constant in (
        *credit.gae(rewards, values, data.mask, gamma=1.0, gae_lambda=0.9, bootstrap_values=last),
        credit.reward_to_go(rewards, data.mask, gamma=1.0),
        credit.whiten(values, data.mask, shift_mean=True),
        credit.whiten(values, data.mask, shift_mean=False),
        credit.terminal_rewards(last, data.mask),
    ):
        assert not constant.requires_grad


def test_single_precision_stays_single() -> None:
    rewards = torch.ones(1, 3)
    for found in (
        *credit.gae(rewards, rewards, ALL, gamma=1.0, gae_lambda=credit.length_adaptive_lambda(ALL, alpha=1.0)),
        credit.reward_to_go(rewards, ALL, gamma=0.5),
    ):
        assert found.dtype is torch.float32


def test_bad_input_is_named() -> None:
    plain = unchecked("credit")
    wide, narrow, mask = torch.zeros(2, 3), torch.zeros(2, 2), torch.ones(2, 3, dtype=torch.bool)
    for wrong, message in (
        (lambda: plain.gae(narrow, wide, mask, gamma=1.0, gae_lambda=1.0), "rewards .2, 2., values .2, 3., mask .2, 3."),
        (lambda: plain.gae(wide, wide, mask, gamma=1.0, gae_lambda=torch.ones(3)), "gae_lambda .3,."),
        (lambda: plain.gae(wide, wide, mask, gamma=1.0, gae_lambda=1.0, bootstrap_values=torch.ones(3)), "bootstrap_values .3,."),
        (lambda: plain.reward_to_go(narrow, mask, gamma=1.0), "rewards .2, 2., mask .2, 3."),
        (lambda: plain.terminal_rewards(torch.zeros(3), mask), "rewards .3,."),
        (lambda: plain.whiten(narrow, mask, shift_mean=True), "values .2, 2., mask .2, 3."),
        (lambda: plain.whiten(wide, ~mask, shift_mean=True), "nothing to whiten"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
def test_discounts_are_fractions(value: float) -> None:
    zeros = torch.zeros(1, 3)
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\]"):
        credit.gae(zeros, zeros, ALL, gamma=value, gae_lambda=1.0)
    with pytest.raises(ValueError, match=r"gae_lambda must be in \[0, 1\]"):
        credit.gae(zeros, zeros, ALL, gamma=1.0, gae_lambda=value)
    with pytest.raises(ValueError, match=r"gae_lambda must be in \[0, 1\]"):
        credit.gae(zeros.expand(2, 3), zeros.expand(2, 3), ALL.expand(2, 3), gamma=1.0, gae_lambda=torch.tensor([0.5, value]))
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\]"):
        credit.reward_to_go(zeros, ALL, gamma=value)


@pytest.mark.parametrize("alpha", [0.0, -1.0])
def test_alpha_is_positive(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be greater than 0"):
        credit.length_adaptive_lambda(ALL, alpha=alpha)
