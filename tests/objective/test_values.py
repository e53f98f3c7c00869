"""Value losses and explained variance: the vector, scalar definitions with their gradients, and the limits of the measure."""

from __future__ import annotations

import statistics

import pytest
import torch

from proctor.objective import values
from tests.objective.samples import SEEDS, batch, gradcheck, gradient, per_token, same, spoiled, unchecked


def clip(value: float, bound: float) -> float:
    return min(max(value, -bound), bound)


def test_vector_of_the_clipped_loss() -> None:
    """systems.md 14: target 1, prediction 0.9, before 0.5, clip 0.2: the clipped branch."""
    now, before, target = (torch.tensor([value], dtype=torch.float64) for value in (0.9, 0.5, 1.0))
    same(values.clipped_value_loss(now, before, target, clip=0.2), [0.045])
    same(gradient(lambda at: values.clipped_value_loss(at, before, target, clip=0.2), now), [0.0])
    same(values.squared_error(now, target), [0.005])


@pytest.mark.parametrize("seed", SEEDS)
def test_value_and_gradient_are_the_definition(seed: int) -> None:
    data = batch(seed)
    now, before, targets = data.values, data.values + 0.6 * data.token_advantages, data.token_rewards
    same(values.squared_error(now, targets), per_token(lambda v, r: (v - r) ** 2 / 2, now, targets))
    same(gradient(lambda at: values.squared_error(at, targets), now), now - targets)
    gradcheck(lambda at: values.squared_error(at, targets), now)

    def loss(v: float, old: float, r: float) -> float:
        return max((v - r) ** 2, (old + clip(v - old, 0.3) - r) ** 2) / 2

    def slope(v: float, old: float, r: float) -> float:
        return v - r if abs(v - old) <= 0.3 or (v - r) ** 2 > (old + clip(v - old, 0.3) - r) ** 2 else 0.0

    same(values.clipped_value_loss(now, before, targets, clip=0.3), per_token(loss, now, before, targets))
    same(gradient(lambda at: values.clipped_value_loss(at, before, targets, clip=0.3), now), per_token(slope, now, before, targets))
    gradcheck(lambda at: values.clipped_value_loss(at, before, targets, clip=0.3), now)


@pytest.mark.parametrize("seed", SEEDS)
def test_explained_variance_is_its_definition(seed: int) -> None:
    data = batch(seed)
    predicted, targets = data.values[data.mask].tolist(), data.token_rewards[data.mask].tolist()
    errors = [target - value for value, target in zip(predicted, targets, strict=True)]
    expected = 1 - statistics.pvariance(errors) / statistics.pvariance(targets)
    same(values.explained_variance(spoiled(data.values, data.mask), spoiled(data.token_rewards, data.mask), data.mask), expected)


def test_explained_variance_at_its_limits() -> None:
    targets, mask = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64), torch.ones(4, dtype=torch.bool)
    same(values.explained_variance(targets, targets, mask), 1.0)
    same(values.explained_variance(targets + 5, targets, mask), 1.0)
    same(values.explained_variance(torch.full_like(targets, 9.0), targets, mask), 0.0)
    same(values.explained_variance(-targets, targets, mask), -3.0)
    same(values.explained_variance(targets, torch.ones_like(targets), mask), 0.0)
    small = targets / 1e3
    same(values.explained_variance(torch.zeros_like(small), small, mask), 0.0)
    assert not values.explained_variance(targets.clone().requires_grad_(True), targets, mask).requires_grad
    assert not values.explained_variance(targets, targets.clone().requires_grad_(True), mask).requires_grad


def test_bad_input_is_named() -> None:
    plain, wide, narrow = unchecked("values"), torch.zeros(2, 3), torch.zeros(2, 1)
    mask = torch.ones(2, 3, dtype=torch.bool)
    for wrong in (
        lambda: plain.squared_error(wide, narrow),
        lambda: plain.clipped_value_loss(narrow, wide, wide, clip=0.2),
        lambda: plain.clipped_value_loss(wide, narrow, wide, clip=0.2),
        lambda: plain.clipped_value_loss(wide, wide, narrow, clip=0.2),
        lambda: plain.explained_variance(narrow, wide, mask),
        lambda: plain.explained_variance(wide, narrow, mask),
        lambda: plain.explained_variance(wide, wide, mask[:1]),
    ):
        with pytest.raises(ValueError, match="shapes must agree, not values"):
            wrong()
    for bound in (0.0, -0.2):
        with pytest.raises(ValueError, match="clip must be greater than 0"):
            values.clipped_value_loss(wide, wide, wide, clip=bound)
    with pytest.raises(ValueError, match="no token is trained on"):
        values.explained_variance(wide, wide, ~mask)
