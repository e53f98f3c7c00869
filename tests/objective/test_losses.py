"""Surrogates, KL estimators, aggregation and logprobs: vectors, gradients, and what each is for."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from proctor.objective.aggregation import fixed_length, sequence_mean, token_mean
from proctor.objective.diagnostics import approximate_kl, clip_fractions, masked_mean
from proctor.objective.kl import k1, k2, k3
from proctor.objective.logprobs import token_entropy, token_logprobs
from proctor.objective.surrogates import ppo_clip, reinforce


def coefficient(ratio: float, advantage: float, *, clip_low: float = 0.2, clip_high: float = 0.2) -> float:
    """What multiplies the gradient of log pi in the ascent direction, by autograd."""
    logprobs = torch.tensor([math.log(ratio)], dtype=torch.float64, requires_grad=True)
    ppo_clip(
        logprobs, torch.zeros(1, dtype=torch.float64), torch.tensor([advantage], dtype=torch.float64), clip_low=clip_low, clip_high=clip_high
    ).sum().backward()
    assert logprobs.grad is not None
    return -float(logprobs.grad)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (0.5, 1.0, 0.5),
        (1.0, 1.0, 1.0),
        (1.19, 1.0, 1.19),
        (1.5, 1.0, 0.0),
        (4.0, 1.0, 0.0),
        (0.5, -1.0, 0.0),
        (0.81, -1.0, -0.81),
        (1.5, -1.0, -1.5),
        (4.0, -1.0, -4.0),
    ],
)
def test_ppo_clip_coefficient(ratio: float, advantage: float, expected: float) -> None:
    assert coefficient(ratio, advantage) == pytest.approx(expected, abs=1e-12)


def test_clip_higher_moves_only_the_upper_bound() -> None:
    assert coefficient(1.25, 1.0, clip_high=0.28) == pytest.approx(1.25)
    assert coefficient(1.29, 1.0, clip_high=0.28) == 0.0
    assert coefficient(0.79, -1.0, clip_high=0.28) == 0.0


def test_ppo_clip_refuses_bounds_that_mean_nothing() -> None:
    x = torch.zeros(1)
    for low, high in ((-0.1, 0.2), (1.0, 0.2), (0.2, -0.1)):
        with pytest.raises(ValueError, match="clip_low"):
            ppo_clip(x, x, x, clip_low=low, clip_high=high)


def test_on_policy_the_clip_is_inert() -> None:
    """At ratio 1, value aside, the gradient is REINFORCE's whatever the clip."""
    torch.manual_seed(0)
    logprobs = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    advantages = torch.randn(5, 7, dtype=torch.float64)
    expected = torch.autograd.grad(reinforce(logprobs, advantages).sum(), logprobs)[0]
    for low, high in ((0.2, 0.2), (0.0, 1e6), (0.9, 0.01)):
        found = torch.autograd.grad(ppo_clip(logprobs, logprobs.detach(), advantages, clip_low=low, clip_high=high).sum(), logprobs)[0]
        assert torch.equal(found, expected)


def test_kl_values() -> None:
    delta = torch.tensor(0.3, dtype=torch.float64)
    zero = torch.zeros((), dtype=torch.float64)
    assert [float(estimate(delta, zero)) for estimate in (k1, k2, k3)] == pytest.approx([0.3, 0.045, 0.040818], abs=1e-6)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_k3_is_never_negative(logprob: float, reference: float) -> None:
    assert float(k3(torch.tensor(logprob, dtype=torch.float64), torch.tensor(reference, dtype=torch.float64))) >= 0


def test_kl_expectations_and_gradients_on_a_categorical() -> None:
    """p = (.5, .3, .2), q = (.4, .4, .2): the expectation over p of each estimator, and of its gradient in the logits."""
    probabilities = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    reference = torch.tensor([0.4, 0.4, 0.2], dtype=torch.float64).log()
    expected_value = {k1: 0.0252672, k2: 0.0248624, k3: 0.0252672}
    expected_gradient = {k1: [0.0, 0.0, 0.0], k2: [0.098938, -0.093885, -0.005053], k3: [0.1, -0.1, 0.0]}
    for estimate in (k1, k2, k3):
        logits = probabilities.log().requires_grad_(True)
        value = (probabilities * estimate(torch.log_softmax(logits, -1), reference)).sum()
        assert float(value.detach()) == pytest.approx(expected_value[estimate], abs=1e-6)
        assert torch.autograd.grad(value, logits)[0].tolist() == pytest.approx(expected_gradient[estimate], abs=1e-6)


MASK = torch.tensor([[True, True, False, False], [True, True, True, True], [False, False, False, False]])


def test_aggregations_by_hand() -> None:
    assert token_mean(MASK)[:2].tolist() == [[pytest.approx(1 / 6)] * 2 + [0.0, 0.0], [pytest.approx(1 / 6)] * 4]
    assert sequence_mean(MASK)[:2].tolist() == [[0.25, 0.25, 0.0, 0.0], [0.125] * 4]
    assert fixed_length(MASK, max_tokens=10)[:2].tolist() == [[pytest.approx(0.05)] * 2 + [0.0, 0.0], [pytest.approx(0.05)] * 4]
    for weights in (token_mean(MASK), sequence_mean(MASK), fixed_length(MASK, max_tokens=10)):
        assert not weights[~MASK].any()


def test_aggregation_refuses_a_batch_without_tokens() -> None:
    for aggregate in (token_mean, sequence_mean, lambda mask: fixed_length(mask, max_tokens=4)):
        with pytest.raises(ValueError, match="no token is trained on"):
            aggregate(torch.zeros(2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="max_tokens must be at least 1"):
        fixed_length(MASK, max_tokens=0)


def test_logprobs_and_entropy_match_torch_distributions() -> None:
    torch.manual_seed(0)
    logits, token_ids = torch.randn(3, 5, 11, dtype=torch.float64) * 4, torch.randint(11, (3, 5))
    distribution = torch.distributions.Categorical(logits=logits / 0.7)
    assert torch.allclose(token_logprobs(logits, token_ids, temperature=0.7), distribution.log_prob(token_ids), atol=1e-12)
    assert torch.allclose(token_entropy(logits, temperature=0.7), distribution.entropy(), atol=1e-12)
    with pytest.raises(ValueError, match="temperature must be greater than 0"):
        token_logprobs(logits, token_ids, temperature=0.0)


def test_diagnostics() -> None:
    mask = torch.tensor([[True, True, True, False]])
    assert float(masked_mean(torch.tensor([[1.0, 2.0, 6.0, math.nan]]), mask)) == 3.0
    ratio, advantages = torch.tensor([[0.7, 1.3, 1.3, 9.0]]), torch.tensor([[-1.0, 1.0, -1.0, 1.0]])
    low, high = clip_fractions(ratio, advantages, mask, clip_low=0.2, clip_high=0.2)
    assert (float(low), float(high)) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    log_ratio = torch.tensor([[0.3, 0.0, -0.2, 5.0]])
    assert float(approximate_kl(log_ratio, mask)) == pytest.approx((math.exp(0.3) - 1.3 + math.exp(-0.2) - 0.8) / 3, abs=1e-6)
