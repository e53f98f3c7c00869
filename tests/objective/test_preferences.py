"""Preference losses: vectors, scalar definitions with their gradients, and where they agree with each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import preferences
from tests.objective.samples import SEEDS, gradcheck, gradient, per_token, same, unchecked

CHOSEN_LENGTHS, REJECTED_LENGTHS = torch.tensor([3, 1, 7, 2, 5]), torch.tensor([1, 4, 2, 9, 5])


def sample(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Summed logprobs of five pairs: chosen, rejected, and both under the reference."""
    generator = torch.Generator().manual_seed(seed)
    chosen, rejected, ref_chosen, ref_rejected = -3 * torch.rand(4, 5, generator=generator, dtype=torch.float64)
    return chosen, rejected, ref_chosen, ref_rejected


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(("up", "down", "loss", "slope"), [(0.0, 0.0, 0.693147, 0.05), (1.0, -1.0, 0.598139, 0.045017), (-2.0, 1.0, 0.854355, 0.057444)])
def test_vector_of_dpo(up: float, down: float, loss: float, slope: float) -> None:
    """systems.md 14: beta 0.1, loss and coefficient for three pairs of log-ratios."""
    zero = torch.full((1,), -4.0, dtype=torch.float64)
    same(preferences.dpo(zero + up, zero + down, zero, zero, beta=0.1), [loss], atol=6e-7)
    same(gradient(lambda at: preferences.dpo(at, zero + down, zero, zero, beta=0.1), zero + up), [-slope], atol=6e-7)
    same(gradient(lambda at: preferences.dpo(zero + up, at, zero, zero, beta=0.1), zero + down), [slope], atol=6e-7)


def test_vector_of_all_pairs_of_a_prompt() -> None:
    """systems.md 14: scores 2, 1, 0, -1 in rank order."""
    scores, ranks = torch.tensor([2.0, 1.0, 0.0, -1.0], dtype=torch.float64), torch.arange(4)
    same(preferences.group_bradley_terry(scores, ranks), 0.207038, atol=5e-7)
    order = torch.tensor([2, 0, 3, 1])
    same(preferences.group_bradley_terry(scores[order], ranks[order] * 10), 0.207038, atol=5e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_of_a_prompt_are_enumerated(seed: int) -> None:
    scores = sample(seed)[0]
    ranks = torch.tensor([2, 0, 2, 1, 0])
    pairs = [
        math.log(1 + math.exp(float(scores[worse] - scores[better]))) for better, worse in itertools.permutations(range(5), 2) if ranks[better] < ranks[worse]
    ]
    assert len(pairs) == 8
    same(preferences.group_bradley_terry(scores, ranks), sum(pairs) / 8)
    gradcheck(lambda at: preferences.group_bradley_terry(at, ranks), scores)


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_are_their_definitions(seed: int) -> None:
    chosen, rejected, ref_chosen, ref_rejected = sample(seed)
    policy, every = (chosen, rejected), (chosen, rejected, ref_chosen, ref_rejected)
    lengths = CHOSEN_LENGTHS.double(), REJECTED_LENGTHS.double()
    same(preferences.bradley_terry(*policy), per_token(lambda w, r: -math.log(sigmoid(w - r)), *policy))
    same(preferences.implicit_rewards(chosen, ref_chosen, beta=0.3), per_token(lambda p, q: 0.3 * (p - q), chosen, ref_chosen))
    same(preferences.dpo(*every, beta=0.3), per_token(lambda w, r, x, y: -math.log(sigmoid(0.3 * ((w - x) - (r - y)))), *every))
    found = preferences.dpo_length_normalized(*every, CHOSEN_LENGTHS, REJECTED_LENGTHS, beta=5.0)
    same(found, per_token(lambda w, r, x, y, m, n: -math.log(sigmoid(5 * ((w - x) / m - (r - y) / n))), *every, *lengths))
    found = preferences.simpo(*policy, CHOSEN_LENGTHS, REJECTED_LENGTHS, beta=2.0, margin=0.5)
    same(found, per_token(lambda w, r, m, n: -math.log(sigmoid(2 * w / m - 2 * r / n - 0.5)), *policy, *lengths))
    same(preferences.ipo(*every, tau=0.4), per_token(lambda w, r, x, y: ((w - x) - (r - y) - 1 / 0.8) ** 2, *every))


LOSSES: dict[str, Callable[..., Tensor]] = {
    "bradley_terry": lambda w, r, x, y: preferences.bradley_terry(w, r),
    "dpo": lambda w, r, x, y: preferences.dpo(w, r, x, y, beta=0.3),
    "dpo_length_normalized": lambda w, r, x, y: preferences.dpo_length_normalized(w, r, x, y, CHOSEN_LENGTHS, REJECTED_LENGTHS, beta=5.0),
    "simpo": lambda w, r, x, y: preferences.simpo(w, r, CHOSEN_LENGTHS, REJECTED_LENGTHS, beta=2.0, margin=0.5),
    "ipo": lambda w, r, x, y: preferences.ipo(w, r, x, y, tau=0.4),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_the_finite_differences(name: str) -> None:
    chosen, rejected, ref_chosen, ref_rejected = sample(3)
    gradcheck(lambda w, r: LOSSES[name](w, r, ref_chosen, ref_rejected), chosen, rejected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_falls_where_the_preferred_gains(name: str) -> None:
    chosen, rejected, ref_chosen, ref_rejected = sample(2)
    before = LOSSES[name](chosen, rejected, ref_chosen, ref_rejected)
    assert (LOSSES[name](chosen + 0.1, rejected, ref_chosen, ref_rejected) < before).all()
    assert (LOSSES[name](chosen, rejected + 0.1, ref_chosen, ref_rejected) > before).all()


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_bradley_terry_of_a_pair_and_its_reverse_are_probabilities(one: float, other: float) -> None:
    pair = torch.tensor([one], dtype=torch.float64), torch.tensor([other], dtype=torch.float64)
    total = (-preferences.bradley_terry(*pair)).exp() + (-preferences.bradley_terry(*pair[::-1])).exp()
    same(total, [1.0])


def test_a_hopeless_pair_has_a_finite_loss() -> None:
    low, high = torch.tensor([-1e4], dtype=torch.float64), torch.tensor([1e4], dtype=torch.float64)
    same(preferences.bradley_terry(low, high), [2e4])
    same(preferences.bradley_terry(high, low), [0.0])


def test_length_normalisation_of_equal_lengths_is_another_beta() -> None:
    pairs, lengths = sample(0), torch.full((5,), 4)
    same(preferences.dpo_length_normalized(*pairs, lengths, lengths, beta=2.0), preferences.dpo(*pairs, beta=0.5))


def test_bad_input_is_named() -> None:
    plain, five, four, lengths = unchecked("preferences"), torch.zeros(5), torch.zeros(4), torch.ones(5, dtype=torch.long)
    for wrong in (
        lambda: plain.bradley_terry(five, four),
        lambda: plain.group_bradley_terry(five, lengths[:4]),
        lambda: plain.implicit_rewards(five, four[:1], beta=1.0),
        lambda: plain.dpo(five, five, four[:1], five, beta=1.0),
        lambda: plain.dpo(five, five, five, four[:1], beta=1.0),
        lambda: plain.dpo(five, four[:1], five, four[:1], beta=1.0),
        lambda: plain.dpo_length_normalized(five, five, five, five, lengths[:1], lengths, beta=1.0),
        lambda: plain.simpo(five, five, lengths, lengths[:1], beta=1.0, margin=0.0),
        *(lambda shapes=shapes: plain.ipo(*shapes, tau=1.0) for shapes in set(itertools.permutations((five, five, five, four[:1])))),
    ):
        with pytest.raises(ValueError, match="shapes must agree"):
            wrong()
    with pytest.raises(ValueError, match="5 completions make no pair"):
        preferences.group_bradley_terry(five, lengths)
    for value in (0.0, -1.0):
        for wrong, name in (
            (lambda v=value: preferences.implicit_rewards(five, five, beta=v), "beta"),
            (lambda v=value: preferences.dpo(five, five, five, five, beta=v), "beta"),
            (lambda v=value: preferences.dpo_length_normalized(five, five, five, five, lengths, lengths, beta=v), "beta"),
            (lambda v=value: preferences.simpo(five, five, lengths, lengths, beta=v, margin=0.0), "beta"),
            (lambda v=value: preferences.ipo(five, five, five, five, tau=v), "tau"),
        ):
            with pytest.raises(ValueError, match=f"{name} must be greater than 0"):
                wrong()
    with pytest.raises(ValueError, match="margin must not be negative"):
        preferences.simpo(five, five, lengths, lengths, beta=1.0, margin=-0.1)
    assert preferences.simpo(five, five, lengths, lengths, beta=1.0, margin=0.0).tolist() == pytest.approx([math.log(2)] * 5)
    for wrong in (
        lambda: preferences.simpo(five, five, lengths, lengths * 0, beta=1.0, margin=0.0),
        lambda: preferences.dpo_length_normalized(five, five, five, five, torch.tensor([1, 2, 0, 1, 1]), lengths, beta=1.0),
    ):
        with pytest.raises(ValueError, match="at least one token"):
            wrong()
