"""Every preset: however a batch is cut, ordered or laid out, the same loss, the same gradient, the same weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from proctor.algorithms.presets import ALIASES
from proctor.learner.config import LearnerConfig
from proctor.learner.parallel import Ranks
from proctor.models.scoring import PLAIN_PATH, ForwardPath
from tests.learner.presets import first_groups, make_learner, moved, prepared

PADDED_PATH = ForwardPath(is_packed=False, has_plain_head=True, reason="asked for")


def flat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def update(name: str, config: LearnerConfig, *, plain: bool = False, reverse: bool = False) -> tuple[dict[str, float], torch.Tensor, torch.Tensor]:
    """Metrics, weights before and weights after one update."""
    learner = make_learner(name, config)
    if plain:
        learner.path = PLAIN_PATH
    batch = prepared(learner, reverse=reverse, rollouts=first_groups())
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
        assert other["loss"] == pytest.approx(metrics["loss"], rel=1e-6, abs=1e-5)  # fp32: of IPO at its start, 25, seven units in the last place differ


@pytest.fixture
def exact_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    """`transformers` computes these norms in fp32 whatever the model's dtype is, which would be all that is left of a difference."""

    def norm(self: Any, hidden: torch.Tensor) -> torch.Tensor:
        return self.weight * hidden * (hidden.square().mean(-1, keepdim=True) + self.variance_epsilon).rsqrt()

    monkeypatch.setattr("transformers.models.llama.modeling_llama.LlamaRMSNorm.forward", norm)


def update_double(name: str, arguments: dict[str, object], micro_batch_tokens: int, path: ForwardPath | None, **order: bool) -> tuple[float, torch.Tensor]:
    """Loss, and weights after one update, of the same in float64."""
    learner = make_learner(name, LearnerConfig(micro_batch_tokens=micro_batch_tokens, max_grad_norm=1e9), dtype=torch.float64, **arguments)
    learner.path = path or learner.path
    metrics = learner.update(prepared(learner, rollouts=first_groups(), **order), step=0)
    return metrics["loss"], flat(moved(learner))


OPTIONS = [
    *((name, {}) for name in ALIASES),
    ("grpo", {"kl": "exact"}),
    ("ppo", {"critic": "separate", "bootstraps_truncated": True}),
    ("ppo", {"critic": "value_head", "bootstraps_truncated": True}),
]


@pytest.mark.parametrize(("name", "arguments"), OPTIONS, ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())))
@pytest.mark.usefixtures("exact_norms")
def test_in_float64_nothing_is_left_of_a_difference(name: str, arguments: dict[str, object]) -> None:
    """Split into micro-batches, packed or padded, groups turned around, prompts shared or repeated: each element within 1e-9."""
    loss, expected = update_double(name, arguments, 100_000, None)
    assert expected.dtype is torch.float64
    ways = (
        (1, None, {"repeats_prompts": True}),
        (40, PADDED_PATH, {"reverse": True}),
        (70, None, {"reverse": True, "repeats_prompts": True}),
    )
    for micro_batch_tokens, path, order in ways:
        other, weights = update_double(name, arguments, micro_batch_tokens, path, **order)
        assert float((weights - expected).abs().max()) < 1e-9
        assert other == pytest.approx(loss, abs=1e-9)


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
