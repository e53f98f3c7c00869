"""KL estimators: values, and the exact expectation and a Monte-Carlo check of value and gradient on a small categorical."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import kl
from tests.objective.samples import SEEDS, batch, gradcheck, gradient, per_token, same, unchecked

POLICY = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
REFERENCE = torch.tensor([0.4, 0.4, 0.2], dtype=torch.float64)
OLD = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
REVERSE_KL_GRADIENT = [0.098938, -0.093885, -0.005053]
FORWARD_KL_GRADIENT = [0.1, -0.1, 0.0]

Estimator = Callable[[Tensor, Tensor], Tensor]
IN_LOSS: dict[str, tuple[float, list[float]]] = {
    "k1": (0.0252672, [0.0, 0.0, 0.0]),
    "k2": (0.0248624, REVERSE_KL_GRADIENT),
    "k3": (0.0252672, FORWARD_KL_GRADIENT),
    "k3_corrected": (0.0252672, REVERSE_KL_GRADIENT),
}


def estimate(name: str, logprobs: Tensor) -> Tensor:
    """An estimator of each token against the reference; the policy itself drew the tokens."""
    if name == "k3_corrected":
        return kl.k3_corrected(logprobs, REFERENCE.log(), POLICY.log())
    return getattr(kl, name)(logprobs, REFERENCE.log())


def test_vector_of_single_estimates() -> None:
    """systems.md 14: at a difference of 0.3."""
    delta, zero = torch.tensor([0.3], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for estimator, expected in ((kl.k1, 0.3), (kl.k2, 0.045), (kl.k3, 0.040818), (kl.clamped_k1, 0.3)):
        same(estimator(delta, zero), [expected], atol=5e-7)
    same(kl.clamped_k1(zero, delta), [0.0])
    same(kl.k1(zero, delta), [-0.3])


def test_vector_of_both_divergences() -> None:
    """systems.md 14: KL(p || q) and KL(q || p)."""
    same(kl.exact(POLICY.log(), REFERENCE.log(), temperature=1.0), 0.0252672, atol=5e-8)
    same(kl.exact(REFERENCE.log(), POLICY.log(), temperature=1.0), 0.0258154, atol=5e-8)


@pytest.mark.parametrize("name", IN_LOSS)
def test_vector_of_expectations_in_the_loss(name: str) -> None:
    """systems.md 0.7 and 14: expected value, and expected gradient in the logits with sampling not differentiated."""
    value, expected = IN_LOSS[name]
    same((POLICY * estimate(name, POLICY.log())).sum(), value, atol=5e-7)
    same(gradient(lambda logits: POLICY * estimate(name, torch.log_softmax(logits, -1)), POLICY.log()), expected, atol=1e-6)


def test_the_clamp_pays_no_divergence_and_overstates_it() -> None:
    """With a reference of 0.4, 0.45, 0.15: tokens 1 and 3 count, token 2 does not."""
    reference = torch.tensor([0.4, 0.45, 0.15], dtype=torch.float64)
    found = (POLICY * kl.clamped_k1(POLICY.log(), reference.log())).sum()
    same(found, 0.5 * math.log(0.5 / 0.4) + 0.2 * math.log(0.2 / 0.15))
    assert float(found) > 2 * float(kl.exact(POLICY.log(), reference.log(), temperature=1.0))
    in_loss = gradient(lambda logits: POLICY * kl.clamped_k1(torch.log_softmax(logits, -1), reference.log()), POLICY.log())
    same(in_loss, [0.5 - 0.7 * 0.5, -0.7 * 0.3, 0.2 - 0.7 * 0.2])


def test_the_gradients_are_those_of_the_divergences_they_are_named_after() -> None:
    reverse = gradient(lambda logits: kl.exact(logits, REFERENCE.log(), temperature=1.0), POLICY.log())
    same(reverse, REVERSE_KL_GRADIENT, atol=1e-6)
    forward = gradient(lambda logits: REFERENCE * (REFERENCE.log() - torch.log_softmax(logits, -1)), POLICY.log())
    same(forward, FORWARD_KL_GRADIENT, atol=1e-6)


def test_the_corrected_estimate_is_right_off_policy_too() -> None:
    """Tokens of another policy: value and gradient of the reverse KL all the same; those of plain k3 are neither."""

    def expected(logits: Tensor) -> Tensor:
        return OLD * kl.k3_corrected(torch.log_softmax(logits, -1), REFERENCE.log(), OLD.log())

    same(expected(POLICY.log()).sum(), 0.0252672, atol=5e-8)
    same(gradient(expected, POLICY.log()), REVERSE_KL_GRADIENT, atol=1e-6)
    assert abs(float((OLD * kl.k3(POLICY.log(), REFERENCE.log())).sum()) - 0.0252672) > 1e-3


@pytest.mark.parametrize(("name", "is_right"), [("k1", True), ("k2", False), ("k3", False), ("clamped_k1", False)])
def test_only_k1_in_the_reward_has_the_gradient_of_the_reverse_kl(name: str, is_right: bool) -> None:
    """The policy gradient of minus a constant: E[-estimate grad log pi]."""
    penalty = estimate(name, POLICY.log())
    found = gradient(lambda logits: POLICY * penalty * torch.log_softmax(logits, -1), POLICY.log())
    distance = float((found - torch.tensor(REVERSE_KL_GRADIENT, dtype=torch.float64)).abs().max())
    assert (distance < 1e-6) == is_right


@pytest.mark.parametrize("name", IN_LOSS)
def test_monte_carlo_agrees(name: str) -> None:
    """400,000 tokens drawn from the policy: the sample's mean and gradient are within five standard errors of the exact ones."""
    drawn = torch.multinomial(POLICY, 400_000, replacement=True, generator=torch.Generator().manual_seed(0))
    value, expected = IN_LOSS[name]
    estimates = estimate(name, POLICY.log())[drawn]
    assert abs(float(estimates.mean()) - value) < 5 * float(estimates.std()) / math.sqrt(len(drawn)) + 5e-7
    by_token = torch.stack([gradient(lambda logits, v=token: estimate(name, torch.log_softmax(logits, -1))[v], POLICY.log()) for token in range(3)])
    gradients = by_token[drawn]
    errors = 5 * gradients.std(0) / math.sqrt(len(drawn)) + 1e-6
    assert ((gradients.mean(0) - torch.tensor(expected, dtype=torch.float64)).abs() < errors).all()


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_squares_and_k3_are_never_negative(logprob: float, reference: float) -> None:
    pair = torch.tensor(logprob, dtype=torch.float64), torch.tensor(reference, dtype=torch.float64)
    assert float(kl.k3(*pair)) >= 0
    assert float(kl.k2(*pair)) >= 0


@pytest.mark.parametrize("seed", SEEDS)
def test_naive_loops_agree(seed: int) -> None:
    data = batch(seed)
    pair = data.logprobs, data.ref_logprobs
    same(kl.k1(*pair), per_token(lambda p, q: p - q, *pair))
    same(kl.k2(*pair), per_token(lambda p, q: (p - q) ** 2 / 2, *pair))
    same(kl.k3(*pair), per_token(lambda p, q: math.exp(q - p) - 1 - (q - p), *pair))
    same(kl.clamped_k1(*pair), per_token(lambda p, q: max(p - q, 0.0), *pair))
    triple = *pair, data.old_logprobs
    same(kl.k3_corrected(*triple), per_token(lambda p, q, o: math.exp(p - o) * (math.exp(q - p) - 1 - (q - p)), *triple))
    for estimator in (kl.k1, kl.k2, kl.k3, kl.clamped_k1):
        gradcheck(lambda p, of=estimator: of(p, data.ref_logprobs), data.logprobs)
    gradcheck(lambda p: kl.k3_corrected(p, data.ref_logprobs, data.old_logprobs), data.logprobs)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_exact_is_the_sum_over_the_vocabulary(seed: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, reference = torch.randn(2, 2, 3, 5, generator=generator, dtype=torch.float64)
    expected = torch.zeros(2, 3, dtype=torch.float64)
    for place in range(6):
        p, q = ([math.exp(x / temperature) for x in tensor.view(6, 5)[place].tolist()] for tensor in (logits, reference))
        expected.view(6)[place] = sum(x / sum(p) * (math.log(x / sum(p)) - math.log(y / sum(q))) for x, y in zip(p, q, strict=True))
    same(kl.exact(logits, reference, temperature=temperature), expected)
    gradcheck(lambda at: kl.exact(at, reference, temperature=temperature), logits)


@pytest.mark.parametrize(
    ("observed", "factor"), [(0.0, 0.98976), (3.0, 0.98976), (6.0, 1.0), (7.0, 1.0085333), (7.2, 1.01024), (60.0, 1.01024), (5.4, 0.99488)]
)
def test_vector_of_the_adaptive_coefficient(observed: float, factor: float) -> None:
    """systems.md 14: target 6, 512 rollouts, horizon 10,000."""
    found = kl.adaptive_coefficient(0.15, observed, target=6.0, horizon=10_000, num_rollouts=512)
    assert found == pytest.approx(0.15 * factor, abs=1e-8)


def test_a_small_target_and_horizon_are_no_mistake() -> None:
    assert kl.adaptive_coefficient(0.5, 0.55, target=0.5, horizon=0.5, num_rollouts=2) == pytest.approx(0.7)


def test_bad_input_is_named() -> None:
    plain, wide, narrow = unchecked("kl"), torch.zeros(2, 3), torch.zeros(2, 1)
    for estimator in (plain.k1, plain.k2, plain.k3, plain.clamped_k1, lambda p, q: plain.exact(p, q, temperature=1.0)):
        for pair in ((wide, narrow), (narrow, wide)):
            with pytest.raises(ValueError, match="shapes must agree"):
                estimator(*pair)
    for triple in ((narrow, wide, wide), (wide, narrow, wide), (wide, wide, narrow)):
        with pytest.raises(ValueError, match="shapes must agree"):
            plain.k3_corrected(*triple)
    for temperature in (0.0, -1.0):
        with pytest.raises(ValueError, match="temperature must be greater than 0"):
            kl.exact(wide, wide, temperature=temperature)
    for target, horizon in ((0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match="needs target > 0 and horizon > 0"):
            kl.adaptive_coefficient(0.1, 1.0, target=target, horizon=horizon, num_rollouts=1)
