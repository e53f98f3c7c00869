"""Credit on a batch: GAE with its whitening, process rewards on the tokens of their steps, what imitation keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from proctor.algorithms.credit import GAE, CreditInputs, KeepBest, KeepCorrect, ProcessSupervised
from proctor.algorithms.critics import LengthAdaptive, SeparateCritic
from proctor.algorithms.presets import ppo_rlhf
from proctor.objective.advantages import terminal_rewards

MASK = torch.tensor([[True, True, True], [True, False, True], [True, True, False]])
REWARDS = torch.tensor([1.0, 0.5, -1.0], dtype=torch.float64)
INPUTS = CreditInputs(
    rewards=REWARDS,
    token_rewards=terminal_rewards(REWARDS, MASK),
    group_ids=torch.tensor([0, 0, 1]),
    mask=MASK,
    is_repeat=torch.tensor([False, True, False]),
    parts=torch.zeros(3, 0, dtype=torch.float64),
    part_weights=(),
    values=torch.full((3, 3), 0.25),
)
CRITIC = SeparateCritic(1e-5, None)


def test_a_bandit_has_the_reward_minus_the_value() -> None:
    """gamma = lambda = 1: the reward-to-go minus the value, on the tokens that are trained on."""
    credit = GAE(CRITIC, 1.0, 1.0, 1.0, whitens_advantages=False)(INPUTS)
    expected = torch.where(MASK, REWARDS[:, None] - 0.25, 0.0)
    torch.testing.assert_close(credit.advantages, expected)
    assert credit.returns is not None
    torch.testing.assert_close(credit.returns, torch.where(MASK, REWARDS[:, None], 0.0).expand(3, 3))


def test_advantages_are_whitened_over_the_tokens_of_the_batch() -> None:
    advantages = GAE(CRITIC, 1.0, 0.95, 0.95)(INPUTS).advantages
    assert float(advantages[MASK].mean()) == pytest.approx(0, abs=1e-12)
    assert float(advantages[MASK].std(correction=0)) == pytest.approx(1, abs=1e-6)
    assert not advantages[~MASK].any()


def test_whitened_rewards_keep_their_mean() -> None:
    plain = GAE(CRITIC, 1.0, 1.0, 1.0, whitens_advantages=False)
    whitened = replace(plain, whitens_rewards=True)(INPUTS).returns
    assert whitened is not None
    std = INPUTS.token_rewards[MASK].std(correction=0)
    mean = INPUTS.token_rewards[MASK].mean()
    last = (INPUTS.token_rewards[0, 2] - mean) / std + mean
    assert float(whitened[0, 2]) == pytest.approx(float(last), abs=1e-6)


def test_decoupled_lambdas_and_the_length_adaptive_one() -> None:
    """VAPO: returns with lambda 1 are the rewards; advantages with lambda 1 - 1/(alpha l)."""
    credit = GAE(CRITIC, 1.0, LengthAdaptive(0.5), 1.0, whitens_advantages=False)(INPUTS)
    assert credit.returns is not None
    torch.testing.assert_close(credit.returns[0], torch.full((3,), 1.0, dtype=torch.float64))
    lam = 1 - 1 / (0.5 * 3)
    assert credit.advantages[0].tolist() == pytest.approx([0.75 * lam**2, 0.75 * lam, 0.75])


def test_the_preset_of_rlhf_does_not_discount() -> None:
    advantage = ppo_rlhf(max_completion_tokens=8).advantage
    assert isinstance(advantage, GAE)
    assert (advantage.gamma, advantage.policy_lambda, advantage.whitens_advantages) == (1.0, 0.95, True)


def test_steps_give_their_tokens_what_is_still_to_come() -> None:
    """The vector of systems.md, section 14, behind an observation that is not trained on."""
    mask = torch.tensor([[True] * 7 + [False] * 3, [True] * 2 + [False] + [True] * 7])
    inputs = replace(
        INPUTS,
        rewards=torch.zeros(2, dtype=torch.float64),
        group_ids=torch.tensor([0, 0]),
        mask=mask,
        step_rewards=((0.2, 0.8), (0.5, 0.1, 0.9)),
        step_ends=((3, 7), (2, 5, 9)),
    )
    found = ProcessSupervised(ddof=0, epsilon=0.0)(inputs).advantages
    assert found[0].tolist() == pytest.approx([0] * 3 + [0.9487] * 4 + [0] * 3, abs=1e-4)
    assert found[1].tolist() == pytest.approx([0] * 2 + [0] + [0] * 3 + [1.2649] * 4, abs=1e-4)


def test_what_imitation_keeps() -> None:
    assert KeepCorrect(0.5)(INPUTS).advantages.any(-1).tolist() == [True, True, False]
    assert KeepCorrect(0.5, drops_repeats=True)(INPUTS).advantages.any(-1).tolist() == [True, False, False]
    assert KeepBest()(INPUTS).advantages.any(-1).tolist() == [True, False, True]
