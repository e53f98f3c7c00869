"""Per-token surrogates: value and coefficient of each against a scalar definition, the published tables, and what each is for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proctor.objective import sequence_surrogates, surrogates
from tests.objective.samples import SEEDS, batch, gradcheck, gradient, per_token, same, unchecked

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Scalar = Callable[[float, float, float], float]


@dataclass(frozen=True, slots=True)
class Case:
    """A surrogate, and by hand its loss and the factor in front of grad log pi, of log pi, ratio and advantage."""

    loss: Loss
    value: Scalar
    coefficient: Scalar
    has_finite_differences: bool = True


def kept(ratio: float, advantage: float, low: float = 0.2, high: float = 0.3) -> bool:
    return not ((advantage > 0 and ratio > 1 + high) or (advantage < 0 and ratio < 1 - low))


def clip(ratio: float, low: float, high: float) -> float:
    return min(max(ratio, low), high)


def ppo(ratio: float, advantage: float) -> float:
    return -min(ratio * advantage, clip(ratio, 0.8, 1.3) * advantage)


def gate(ratio: float, advantage: float) -> float:
    tau = 1.0 if advantage > 0 else 1.05
    return 1 / (1 + math.exp(-tau * (ratio - 1)))


def moved_too_far(logprob: float, ratio: float, advantage: float, bound: float) -> bool:
    new = math.exp(logprob)
    moved = new - new / ratio
    return abs(moved) > bound and moved * advantage > 0


def diverged_too_far(logprob: float, ratio: float, advantage: float, bound: float) -> bool:
    new, old = math.exp(logprob), math.exp(logprob) / ratio
    divergence = old * math.log(old / new) + (1 - old) * math.log((1 - old) / (1 - new))
    return divergence > bound and (ratio - 1) * advantage > 0


CASES = {
    "reinforce": Case(lambda new, old, a: surrogates.reinforce(new, a), lambda lp, r, a: -a * lp, lambda lp, r, a: -a),
    "weighted_nll": Case(lambda new, old, a: surrogates.weighted_nll(new, a), lambda lp, r, a: -a * lp, lambda lp, r, a: -a),
    "ppo_clip": Case(
        lambda new, old, a: surrogates.ppo_clip(new, old, a, clip_low=0.2, clip_high=0.3),
        lambda lp, r, a: ppo(r, a),
        lambda lp, r, a: -a * r if kept(r, a) else 0.0,
    ),
    "dual_clip": Case(
        lambda new, old, a: surrogates.dual_clip(new, old, a, clip_low=0.2, clip_high=0.3, clip_dual=1.5),
        lambda lp, r, a: min(ppo(r, a), -a * 1.5) if a < 0 else ppo(r, a),
        lambda lp, r, a: -a * r if kept(r, a) and not (a < 0 and r > 1.5) else 0.0,
    ),
    "two_sided_clip": Case(
        lambda new, old, a: surrogates.two_sided_clip(new, old, a, clip_low=0.2, clip_high=0.3, max_ratio=1.5),
        lambda lp, r, a: -min(min(r, 1.5) * a, clip(r, 0.8, 1.3) * a),
        lambda lp, r, a: -a * r if kept(r, a) and not (a < 0 and r > 1.5) else 0.0,
    ),
    "cispo": Case(
        lambda new, old, a: surrogates.cispo(new, old, a, max_ratio=1.4),
        lambda lp, r, a: -min(r, 1.4) * a * lp,
        lambda lp, r, a: -min(r, 1.4) * a,
        has_finite_differences=False,
    ),
    "cispo_clamped": Case(
        lambda new, old, a: surrogates.cispo_clamped(new, old, a, clip_low=0.2, clip_high=0.3),
        lambda lp, r, a: -clip(r, 0.8, 1.3) * a * lp,
        lambda lp, r, a: -clip(r, 0.8, 1.3) * a,
        has_finite_differences=False,
    ),
    "sapo": Case(
        lambda new, old, a: surrogates.sapo(new, old, a, tau_positive=1.0, tau_negative=1.05),
        lambda lp, r, a: -a * 4 / (1.0 if a > 0 else 1.05) * gate(r, a),
        lambda lp, r, a: -4 * gate(r, a) * (1 - gate(r, a)) * r * a,
    ),
    "dppo": Case(
        lambda new, old, a: surrogates.dppo(new, old, a, max_divergence=0.1),
        lambda lp, r, a: 0.0 if moved_too_far(lp, r, a, 0.1) else -a * r,
        lambda lp, r, a: 0.0 if moved_too_far(lp, r, a, 0.1) else -a * r,
    ),
    "dppo_kl": Case(
        lambda new, old, a: surrogates.dppo_kl(new, old, a, max_divergence=0.05),
        lambda lp, r, a: 0.0 if diverged_too_far(lp, r, a, 0.05) else -a * r,
        lambda lp, r, a: 0.0 if diverged_too_far(lp, r, a, 0.05) else -a * r,
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_the_definition(name: str, seed: int) -> None:
    data, case = batch(seed, num_tokens=12), CASES[name]
    ratio = (data.logprobs - data.old_logprobs).exp()
    inputs = data.logprobs, ratio, data.token_advantages
    same(case.loss(data.logprobs, data.old_logprobs, data.token_advantages), per_token(case.value, *inputs))
    same(gradient(lambda new: case.loss(new, data.old_logprobs, data.token_advantages), data.logprobs), per_token(case.coefficient, *inputs))
    if case.has_finite_differences:
        gradcheck(lambda new: case.loss(new, data.old_logprobs[:2], data.token_advantages[:2]), data.logprobs[:2])


@pytest.mark.parametrize("name", sorted(set(CASES) - {"weighted_nll"}))
def test_on_policy_every_surrogate_has_the_gradient_of_reinforce(name: str) -> None:
    """At ratio 1, value aside: no clip, gate or mask does anything, bit for bit."""
    data = batch(0)
    found = gradient(lambda new: CASES[name].loss(new, data.logprobs, data.token_advantages), data.logprobs)
    expected = gradient(lambda new: surrogates.reinforce(new, data.token_advantages), data.logprobs)
    if name == "sapo":
        same(found, expected, atol=1e-12)
    else:
        assert torch.equal(found, expected)


def coefficient(loss: Loss, ratio: float, advantage: float) -> float:
    """What multiplies the gradient of log pi in the ascent direction, by autograd."""
    at, old = torch.tensor([math.log(ratio)], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    return -float(gradient(lambda new: loss(new, old, torch.tensor([advantage], dtype=torch.float64)), at))


TABLE = [(1.0, 0.5, 0.5, 0.5), (1.0, 1.5, 0.0, 1.28), (1.0, 4.0, 0.0, 1.28), (-1.0, 0.5, 0.0, -0.5), (-1.0, 1.5, -1.5, -1.28), (-1.0, 4.0, -4.0, -1.28)]


@pytest.mark.parametrize(("advantage", "ratio", "ppo_coefficient", "cispo_coefficient"), TABLE)
def test_table_of_coefficients(advantage: float, ratio: float, ppo_coefficient: float, cispo_coefficient: float) -> None:
    """systems.md 5.4: PPO at 0.2, CISPO at 0.28 without a lower bound; dual clip at 3 differs only beyond 3."""
    bounds = {"clip_low": 0.2, "clip_high": 0.2}
    assert coefficient(lambda *x: surrogates.ppo_clip(*x, **bounds), ratio, advantage) == pytest.approx(ppo_coefficient)
    assert coefficient(lambda *x: surrogates.cispo_clamped(*x, clip_low=1.0, clip_high=0.28), ratio, advantage) == pytest.approx(cispo_coefficient)
    assert coefficient(lambda *x: surrogates.cispo(*x, max_ratio=1.28), ratio, advantage) == pytest.approx(cispo_coefficient)
    dual = 0.0 if (advantage, ratio) == (-1.0, 4.0) else ppo_coefficient
    assert coefficient(lambda *x: surrogates.dual_clip(*x, **bounds, clip_dual=3.0), ratio, advantage) == pytest.approx(dual)


def test_clip_higher_moves_only_the_upper_bound() -> None:
    def loss(*x: Tensor) -> Tensor:
        return surrogates.ppo_clip(*x, clip_low=0.2, clip_high=0.28)

    assert coefficient(loss, 1.25, 1.0) == pytest.approx(1.25)
    assert coefficient(loss, 1.29, 1.0) == 0.0
    assert coefficient(loss, 0.79, -1.0) == 0.0
    assert coefficient(loss, 0.81, -1.0) == pytest.approx(-0.81)


def test_vector_of_the_sapo_gate() -> None:
    """systems.md 14: tau 1 at ratios 0.5, 1 and 2."""
    ratio = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    for advantage, taus in ((1.0, (1.0, 7.0)), (-1.0, (7.0, 1.0))):
        weights = torch.full((3,), advantage, dtype=torch.float64)
        found = surrogates.sapo(ratio.log(), torch.zeros_like(ratio), weights, tau_positive=taus[0], tau_negative=taus[1])
        same(-advantage * found, [1.510163, 2.0, 2.924234], atol=1e-6)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 1, exclude_max=True), st.floats(0, 1), st.floats(0, 2))
def test_two_sided_and_dual_clip_are_one_function(log_ratio: float, advantage: float, low: float, high: float, beyond: float) -> None:
    inputs = [torch.tensor([value], dtype=torch.float64) for value in (log_ratio, 0.0, advantage)]
    bound = 1.001 + high + beyond
    two = surrogates.two_sided_clip(*inputs, clip_low=low, clip_high=high, max_ratio=bound)
    same(two, surrogates.dual_clip(*inputs, clip_low=low, clip_high=high, clip_dual=bound), atol=1e-12)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_clipped_loss_is_never_below_the_unclipped(log_ratio: float, advantage: float) -> None:
    inputs = [torch.tensor([value], dtype=torch.float64) for value in (log_ratio, 0.0, advantage)]
    assert float(surrogates.ppo_clip(*inputs, clip_low=0.2, clip_high=0.3)) >= -advantage * math.exp(log_ratio)


def test_dppo_keeps_a_rare_token_that_grows_and_drops_a_likely_one() -> None:
    """0.001 -> 0.05 is a ratio of 50 and little mass; 0.5 -> 0.7 is a ratio of 1.4 and much."""
    old, new = torch.tensor([0.001, 0.5], dtype=torch.float64).log(), torch.tensor([0.05, 0.7], dtype=torch.float64).log()
    ones = torch.ones(2, dtype=torch.float64)
    same(surrogates.dppo(new, old, ones, max_divergence=0.1), [-50.0, 0.0])
    same(surrogates.dppo(new, old, -ones, max_divergence=0.1), [50.0, 1.4])  # moving back is always allowed
    same(surrogates.dppo(old, new, -ones, max_divergence=0.1), [1 / 50, 0.0])
    same(surrogates.dppo_kl(new, old, ones, max_divergence=0.06), [-50.0, 0.0])


def test_dppo_bounds_are_inclusive_and_certain_tokens_finite() -> None:
    half, whole = torch.tensor([math.log(0.5)], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    step = float((half + math.log(1.5)).exp() - half.exp())
    same(surrogates.dppo(half + math.log(1.5), half, one, max_divergence=step), [-1.5])
    same(surrogates.dppo(half + math.log(1.5), half, one, max_divergence=step * 0.999), [0.0])
    same(surrogates.dppo_kl(whole, whole, one, max_divergence=0.05), [-1.0])
    same(surrogates.dppo_kl(whole, half, one, max_divergence=0.05), [0.0])
    same(surrogates.dppo_kl(whole, half, one, max_divergence=1e9), [-2.0])
    three_quarters = half + math.log(1.5)
    other, old_other = -three_quarters.expm1(), -half.expm1()
    divergence = float(half.exp() * (half - three_quarters) + old_other * (old_other / other).log())
    same(surrogates.dppo_kl(three_quarters, half, one, max_divergence=divergence), [-1.5])
    same(surrogates.dppo_kl(three_quarters, half, one, max_divergence=divergence * 0.999), [0.0])
    for surrogate in (surrogates.dppo, surrogates.dppo_kl):
        assert not gradient(lambda old, of=surrogate: of(half, old, one, max_divergence=1e9) * 0, half).any()


def test_the_divergence_that_masks_is_of_old_from_new() -> None:
    """Bernoulli(0.5) from Bernoulli(0.8): KL(old || policy) is 0.2231, the other way 0.1927."""
    old, new = torch.tensor([math.log(0.5)], dtype=torch.float64), torch.tensor([math.log(0.8)], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    same(surrogates.dppo_kl(new, old, one, max_divergence=0.2232), [-1.6])
    same(surrogates.dppo_kl(new, old, one, max_divergence=0.2231), [0.0])


def test_a_token_without_advantage_has_no_loss_but_a_gate() -> None:
    zero, new = torch.zeros(1, dtype=torch.float64), torch.tensor([0.9], dtype=torch.float64)
    for name, case in CASES.items():
        assert case.loss(new, zero, zero).abs().tolist() == [0.0], name


def test_the_room_of_surrogates_has_those_of_sequences_too() -> None:
    for name in ("gmpo", "gspo", "gspo_token", "mirror_descent", "mirror_descent_log_partition", "squared_regret"):
        assert getattr(surrogates, name) is getattr(sequence_surrogates, name)


REFUSED: list[tuple[str, dict[str, float], str]] = [
    *(("ppo_clip", {"clip_low": low, "clip_high": high}, "clip_low") for low, high in ((-0.1, 0.2), (1.0, 0.2), (0.2, -0.1))),
    *(("dual_clip", {"clip_low": low, "clip_high": 0.2, "clip_dual": 3.0}, "clip_low") for low in (-0.1, 1.0)),
    *(("dual_clip", {"clip_low": 0.2, "clip_high": 0.2, "clip_dual": dual}, "clip_dual must be greater than 1") for dual in (1.0, 0.5, -3.0)),
    *(("two_sided_clip", {"clip_low": low, "clip_high": 0.2, "max_ratio": 4.0}, "two_sided_clip needs") for low in (-0.1, 1.0)),
    *(("two_sided_clip", {"clip_low": 0.2, "clip_high": high, "max_ratio": 4.0}, "two_sided_clip needs") for high in (-0.1, 3.1)),
    *(("cispo", {"max_ratio": bound}, "max_ratio must be greater than 0") for bound in (0.0, -1.0)),
    *(("cispo_clamped", {"clip_low": low, "clip_high": high}, "cispo_clamped needs") for low, high in ((-0.1, 0.2), (0.2, -0.1))),
    *(("sapo", {"tau_positive": up, "tau_negative": down}, "sapo needs") for up, down in ((0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, -1.0))),
    *((name, {"max_divergence": bound}, "max_divergence must be greater than 0") for name in ("dppo", "dppo_kl") for bound in (0.0, -0.1)),
]


@pytest.mark.parametrize(("name", "bounds", "message"), REFUSED)
def test_bounds_that_mean_nothing_are_refused(name: str, bounds: dict[str, float], message: str) -> None:
    x = torch.zeros(1)
    with pytest.raises(ValueError, match=message):
        getattr(surrogates, name)(x, x, x, **bounds)


def test_bounds_at_their_ends_are_accepted() -> None:
    zero, one = torch.zeros(1), torch.ones(1)
    assert surrogates.ppo_clip(one, zero, one, clip_low=0.0, clip_high=0.0).tolist() == [-1.0]
    assert surrogates.two_sided_clip(one, zero, one, clip_low=0.0, clip_high=0.0, max_ratio=1.0).tolist() == [-1.0]
    assert surrogates.two_sided_clip(one, zero, -one, clip_low=0.0, clip_high=1.5, max_ratio=2.5).tolist() == [2.5]
    assert surrogates.cispo_clamped(one, zero, one, clip_low=0.0, clip_high=0.0).tolist() == [-1.0]
    assert surrogates.cispo(one, zero, one, max_ratio=0.5).tolist() == [-0.5]
    assert surrogates.dual_clip(one * 2, zero, -one, clip_low=0.0, clip_high=0.0, clip_dual=1.01).tolist() == pytest.approx([1.01])


def test_shapes_that_disagree_are_named() -> None:
    plain, wide, narrow = unchecked("surrogates"), torch.zeros(2, 3), torch.zeros(2, 1)
    settings: dict[str, dict[str, float]] = {
        "ppo_clip": {"clip_low": 0.2, "clip_high": 0.2},
        "dual_clip": {"clip_low": 0.2, "clip_high": 0.2, "clip_dual": 3.0},
        "two_sided_clip": {"clip_low": 0.2, "clip_high": 0.2, "max_ratio": 3.0},
        "cispo": {"max_ratio": 3.0},
        "cispo_clamped": {"clip_low": 0.2, "clip_high": 0.2},
        "sapo": {"tau_positive": 1.0, "tau_negative": 1.0},
        "dppo": {"max_divergence": 0.1},
        "dppo_kl": {"max_divergence": 0.1},
    }
    for name, bounds in settings.items():
        for shapes in ((wide, wide, narrow), (wide, narrow, wide), (narrow, wide, wide)):
            with pytest.raises(ValueError, match="shapes must agree, not logprobs"):
                getattr(plain, name)(*shapes, **bounds)
    for name, other in (("reinforce", "advantages"), ("weighted_nll", "weights")):
        with pytest.raises(ValueError, match=f"logprobs .2, 3., {other} .2, 1."):
            getattr(plain, name)(wide, narrow)
