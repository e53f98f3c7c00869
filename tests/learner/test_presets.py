"""Every preset: however a batch is cut, ordered or laid out, the same loss, the same gradient, the same weights."""

from __future__ import annotations

import math

import pytest
import torch

from proctor.algorithms.presets import ALIASES
from proctor.learner.config import LearnerConfig
from proctor.learner.parallel import Ranks
from proctor.models.scoring import PLAIN_PATH
from tests.learner.presets import make_learner, moved, prepared


def flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def update(name: str, config: LearnerConfig, *, plain: bool = False, reverse: bool = False) -> tuple[dict[str, float], torch.Tensor, torch.Tensor]:
    """Metrics, weights before and weights after one update."""
    learner = make_learner(name, config)
    if plain:
        learner.path = PLAIN_PATH
    batch = prepared(learner, reverse=reverse)
    before = flat(moved(learner))
    metrics = learner.update(batch, step=0)
    return metrics, before, flat(moved(learner))


@pytest.mark.parametrize("name", ALIASES)
def test_no_way_of_cutting_a_batch_changes_the_update(name: str) -> None:
    metrics, before, expected = update(name, LearnerConfig(micro_batch_tokens=100_000, max_grad_norm=1e9))
    assert metrics["grad_norm"] > 0
    assert not torch.equal(before, expected)
    assert all(math.isfinite(value) for value in metrics.values())
    for micro_batch_tokens, plain, reverse in ((1, False, False), (40, True, True), (70, False, True)):
        config = LearnerConfig(micro_batch_tokens=micro_batch_tokens, max_grad_norm=1e9)
        other, _, weights = update(name, config, plain=plain and name != "ppo", reverse=reverse)
        assert float((weights - expected).norm() / (expected - before).norm()) < 1e-5
        assert other["loss"] == pytest.approx(metrics["loss"], abs=1e-5)


DISTINGUISHING = {
    "rloo": "kl_coefficient",
    "remax": "greedy_reward_mean",
    "grpo": "kl",
    "grpo_process": "step_reward_mean",
    "gspo": "clip_high_fraction",
    "cispo": "clip_high_fraction",
    "vapo": "explained_variance",
    "ppo": "value_loss",
    "ppo_rlhf": "non_score_reward",
    "sft": "nll",
    "rft": "nll",
    "dpo": "reward_margin",
    "ipo": "preference_accuracy",
    "reward_model": "preference_accuracy",
    "on_policy_distillation": "divergence",
}


@pytest.mark.parametrize("name", DISTINGUISHING)
def test_a_preset_logs_what_sets_it_apart(name: str) -> None:
    metrics, _, _ = update(name, LearnerConfig())
    assert DISTINGUISHING[name] in metrics


@pytest.mark.parametrize("name", ["grpo", "ppo", "ppo_rlhf", "dpo", "reward_model", "kimi_k15"])
def test_several_updates_a_batch_train_every_unit_in_every_epoch(name: str) -> None:
    learner = make_learner(name, LearnerConfig(num_epochs=2, num_minibatches=2))
    metrics = learner.update(prepared(learner), step=0)
    assert metrics["num_updates"] == 4


def test_ranks_share_every_micro_batch_once_and_do_the_same_number_of_passes() -> None:
    parts = ["a", "b", "c", "d", "e"]
    shares = [Ranks(rank, 2).share(parts) for rank in range(2)]
    assert [part for part, scale in (*shares[0], *shares[1]) if scale] == ["a", "c", "e", "b", "d"]
    assert [len(share) for share in shares] == [3, 3]
    assert {scale for share in shares for _, scale in share} == {2.0, 0.0}
    assert Ranks().share(parts) == [(part, 1.0) for part in parts]
