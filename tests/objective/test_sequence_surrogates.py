"""Surrogates of whole rollouts: value and gradient against loops over tokens, and their identities with the per-token ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from proctor.objective import advantages, aggregation, sequence_surrogates, surrogates
from tests.objective.samples import SEEDS, Batch, batch, gradcheck, gradient, same, spoiled, unchecked

LOW, HIGH = 0.1, 0.15


def log_ratios(data: Batch) -> list[list[float]]:
    """log(policy / old) of the trained tokens of each rollout."""
    rows = zip((data.logprobs - data.old_logprobs).tolist(), data.mask.tolist(), strict=True)
    return [[value for value, counts in zip(*row, strict=True) if counts] for row in rows]


def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def naive_gspo(tokens: list[float], advantage: float) -> tuple[float, list[float]]:
    """Loss, and the factor of each token's grad log pi."""
    s = math.exp(sum(tokens) / max(1, len(tokens)))
    is_clipped = (advantage > 0 and s > 1 + HIGH) or (advantage < 0 and s < 1 - LOW)
    return -min(s * advantage, clip(s, 1 - LOW, 1 + HIGH) * advantage), [0.0 if is_clipped else -advantage * s / len(tokens) for _ in tokens]


def naive_gmpo(tokens: list[float], advantage: float) -> tuple[float, list[float]]:
    sign = math.copysign(1, advantage)
    clipped = [sign * min(sign * token, sign * clip(token, -LOW, HIGH)) for token in tokens]
    mean = math.exp(sum(clipped) / max(1, len(tokens)))
    return -advantage * mean, [-advantage * mean / len(tokens) if kept == token else 0.0 for token, kept in zip(tokens, clipped, strict=True)]


def naive_regret(tokens: list[float], advantage: float) -> tuple[float, list[float]]:
    regret = advantage - 0.7 * sum(tokens)
    return regret**2 / 1.4, [-regret] * len(tokens)


def scattered(rows: list[list[float]], mask: Tensor) -> Tensor:
    result = torch.zeros(mask.shape, dtype=torch.float64)
    for number, row in enumerate(rows):
        result[number, mask[number]] = torch.tensor(row, dtype=torch.float64)
    return result


CASES: dict[str, tuple[dict[str, float], Callable[[list[float], float], tuple[float, list[float]]]]] = {
    "gspo": ({"clip_low": LOW, "clip_high": HIGH}, naive_gspo),
    "gmpo": ({"clip_low": LOW, "clip_high": HIGH}, naive_gmpo),
    "squared_regret": ({"tau": 0.7}, naive_regret),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_the_definition(name: str, seed: int) -> None:
    data, (constants, definition) = batch(seed), CASES[name]
    loss = getattr(sequence_surrogates, name)
    expected = [definition(tokens, advantage) for tokens, advantage in zip(log_ratios(data), data.advantages.tolist(), strict=True)]
    inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask)
    same(loss(*inputs, data.advantages, data.mask, **constants), [value for value, _ in expected])
    found = gradient(lambda new: loss(new, inputs[1], data.advantages, data.mask, **constants), inputs[0])
    same(found, scattered([coefficients for _, coefficients in expected], data.mask))
    gradcheck(lambda new: loss(new, data.old_logprobs, data.advantages, data.mask, **constants), data.logprobs)


@pytest.mark.parametrize("seed", SEEDS)
def test_gspo_token_with_one_advantage_a_rollout_is_gspo(seed: int) -> None:
    data = batch(seed)
    weights, bounds = aggregation.sequence_mean(data.mask).double(), {"clip_low": LOW, "clip_high": HIGH}
    inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask)
    wide = torch.where(data.mask, data.advantages[:, None], math.nan)

    def by_token(new: Tensor) -> Tensor:
        return (surrogates.gspo_token(new, inputs[1], wide, data.mask, **bounds) * weights).sum(1)

    def by_rollout(new: Tensor) -> Tensor:
        return surrogates.gspo(new, inputs[1], data.advantages, data.mask, **bounds) * aggregation.rollout_mean(data.mask)

    same(by_token(inputs[0]), by_rollout(inputs[0]), atol=1e-7)  # weights are fp32
    same(gradient(by_token, inputs[0]), gradient(by_rollout, inputs[0]), atol=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_gspo_token_has_the_value_of_the_rollout_and_the_gradient_of_each_token(seed: int) -> None:
    data, bounds = batch(seed), {"clip_low": LOW, "clip_high": HIGH}
    values, coefficients = torch.zeros(7, 6, dtype=torch.float64), torch.zeros(7, 6, dtype=torch.float64)
    for number, tokens in enumerate(log_ratios(data)):
        for place in data.mask[number].nonzero()[:, 0].tolist():
            loss, factors = naive_gspo(tokens, float(data.token_advantages[number, place]))
            values[number, place], coefficients[number, place] = loss, factors[0] * len(tokens)
    logprobs, old, credits = (spoiled(tensor, data.mask) for tensor in (data.logprobs, data.old_logprobs, data.token_advantages))
    same(surrogates.gspo_token(logprobs, old, credits, data.mask, **bounds), values)
    same(gradient(lambda new: surrogates.gspo_token(new, old, credits, data.mask, **bounds), logprobs), coefficients)


def test_the_clips_of_gspo_and_gmpo_bind_where_they_should() -> None:
    """One token a rollout: ratio 1.5 and 0.5, for both signs."""
    new = torch.tensor([[1.5], [0.5], [1.5], [0.5]], dtype=torch.float64).log()
    old, mask = torch.zeros(4, 1, dtype=torch.float64), torch.ones(4, 1, dtype=torch.bool)
    signs = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64)
    same(surrogates.gspo(new, old, signs, mask, clip_low=0.2, clip_high=0.28), [-1.28, -0.5, 1.5, 0.8])
    high, low = math.log(1.28), -math.log(0.8)
    same(surrogates.gmpo(new, old, signs, mask, clip_low=low, clip_high=high), [-1.28, -0.5, 1.5, 0.8])


@pytest.mark.parametrize("seed", SEEDS)
def test_mirror_descent_is_the_squared_regret_of_its_baseline(seed: int) -> None:
    data, tau = batch(seed), 0.6
    for number, baseline in (
        (0, lambda values: sum(values) / len(values)),
        (1, lambda values: tau * math.log(sum(math.exp(v / tau) for v in values) / len(values))),
    ):
        loss = (surrogates.mirror_descent, surrogates.mirror_descent_log_partition)[number]
        expected: list[float] = []
        for reward, group, tokens in zip(data.rewards.tolist(), data.group_ids.tolist(), log_ratios(data), strict=True):
            members = [other for other, of in zip(data.rewards.tolist(), data.group_ids.tolist(), strict=True) if of == group]
            expected.append((reward - baseline(members) - tau * sum(tokens)) ** 2 / (2 * tau))
        inputs = spoiled(data.logprobs, data.mask), spoiled(data.old_logprobs, data.mask), data.rewards, data.mask, data.group_ids
        same(loss(*inputs, tau=tau), expected)
        gradcheck(lambda new, of=loss: of(new, data.old_logprobs, data.rewards, data.mask, data.group_ids, tau=tau), data.logprobs)


@pytest.mark.parametrize("tau", [0.1, 1.0, 30.0])
def test_the_first_step_of_mirror_descent_is_that_of_dr_grpo(tau: float) -> None:
    """At the old policy the gradient is Dr. GRPO's, summed over tokens, whatever tau."""
    data = batch(1)
    centered = advantages.group_centered(data.rewards, data.group_ids)[:, None].expand(7, 6)
    dr_grpo = gradient(lambda new: torch.where(data.mask, surrogates.reinforce(new, centered), 0), data.logprobs)
    found = gradient(lambda new: surrogates.mirror_descent(new, data.logprobs, data.rewards, data.mask, data.group_ids, tau=tau), data.logprobs)
    same(found, dr_grpo, atol=1e-12)


def test_the_exact_solution_has_no_regret() -> None:
    """policy = old exp(r / tau) / Z over three answers: zero loss for every answer under the log-partition baseline."""
    old, rewards, tau = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64), torch.tensor([1.0, 0.0, -0.5, -0.5], dtype=torch.float64), 0.4
    drawn = torch.tensor([0, 1, 2, 2])  # each answer as often as the old policy gives it
    optimum = torch.log_softmax(old.log() + torch.tensor([1.0, 0.0, -0.5], dtype=torch.float64) / tau, 0)
    inputs = optimum[drawn][:, None], old.log()[drawn][:, None], rewards, torch.ones(4, 1, dtype=torch.bool), torch.zeros(4, dtype=torch.long)
    same(surrogates.mirror_descent_log_partition(*inputs, tau=tau), [0.0] * 4, atol=1e-20)


def test_a_unanimous_group_is_pulled_back() -> None:
    new, old = torch.full((2, 3), -1.0, dtype=torch.float64), torch.full((2, 3), -1.1, dtype=torch.float64)
    inputs = torch.ones(2, dtype=torch.float64), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, dtype=torch.long)
    same(gradient(lambda at: surrogates.mirror_descent(at, old, *inputs, tau=0.5), new), torch.full((2, 3), 0.5 * 0.3, dtype=torch.float64))


def test_a_rollout_without_tokens_has_no_gradient_and_a_finite_loss() -> None:
    data = batch(0)
    for name, (constants, _) in CASES.items():
        loss = getattr(surrogates, name)
        found = gradient(lambda new, of=loss, with_=constants: of(new, data.old_logprobs, data.advantages, data.mask, **with_), data.logprobs)
        assert not found[1].any(), name


def test_bad_input_is_named() -> None:
    plain = unchecked("sequence_surrogates")
    x, mask, per_rollout, ids = torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool), torch.zeros(2), torch.zeros(2, dtype=torch.long)
    clips = {"clip_low": 0.2, "clip_high": 0.2}
    constants: dict[str, dict[str, float]] = {"gspo": clips, "gmpo": clips, "squared_regret": {"tau": 1.0}}
    for name, with_ in constants.items():
        loss = getattr(plain, name)
        with pytest.raises(ValueError, match="advantages .3,."):
            loss(x, x, torch.zeros(3), mask, **with_)
        for logprobs, old in ((x[:, :1], x), (x, x[:, :1]), (x[:, :1], x[:, :1])):
            with pytest.raises(ValueError, match="shapes must agree"):
                loss(logprobs, old, per_rollout, mask, **with_)
    for shapes in ((x[:, :1], x, x), (x, x[:, :1], x), (x, x, x[:, :1])):
        with pytest.raises(ValueError, match="shapes must agree"):
            plain.gspo_token(*shapes, mask, **clips)
    for name in ("mirror_descent", "mirror_descent_log_partition"):
        with pytest.raises(ValueError, match="2 rewards but 3 group_ids"):
            getattr(plain, name)(x, x, per_rollout, mask, torch.zeros(3, dtype=torch.long), tau=1.0)
    for tau in (0.0, -1.0):
        for wrong in (
            lambda tau=tau: surrogates.squared_regret(x, x, per_rollout, mask, tau=tau),
            lambda tau=tau: surrogates.mirror_descent(x, x, per_rollout, mask, ids, tau=tau),
            lambda tau=tau: surrogates.mirror_descent_log_partition(x, x, per_rollout, mask, ids, tau=tau),
        ):
            with pytest.raises(ValueError, match="tau must be greater than 0"):
                wrong()


@pytest.mark.parametrize(("name", "low", "high"), [(n, low, high) for n in ("gspo", "gspo_token") for low, high in ((-0.1, 0.2), (1.0, 0.2), (0.2, -0.1))])
def test_bounds_that_mean_nothing_are_refused(name: str, low: float, high: float) -> None:
    x, mask = torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool)
    weights = x if name == "gspo_token" else x[:, 0]
    with pytest.raises(ValueError, match=f"{name} needs 0 <= clip_low < 1"):
        getattr(surrogates, name)(x, x, weights, mask, clip_low=low, clip_high=high)
    assert not getattr(surrogates, name)(x, x, weights, mask, clip_low=0.0, clip_high=0.0).any()


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.2), (0.2, -0.1)])
def test_gmpo_refuses_negative_bounds(low: float, high: float) -> None:
    x, mask = torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="gmpo needs clip_low >= 0"):
        surrogates.gmpo(x, x, x[:, 0], mask, clip_low=low, clip_high=high)
    assert not surrogates.gmpo(x, x, x[:, 0], mask, clip_low=0.0, clip_high=0.0).any()
