"""What objectives keep beside the policy: critics, references, snapshots, averages, KL controllers, reward models; and how they come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from proctor.learner.checkpoint import restore_learner, save_learner, save_trained
from proctor.learner.config import LearnerConfig
from proctor.learner.step import Learner
from proctor.models.heads import load_scalar_model, score_rows, sequence_scores
from proctor.models.load import load_policy
from tests.learner.presets import PLAN, groups, prepared, preset

FREE = LearnerConfig(max_grad_norm=1e9)


def adam(name: str, config: LearnerConfig = FREE, **arguments: object) -> Learner:
    """A learner with its own optimizers."""
    return Learner(load_policy("tiny", device="cpu"), config, replace(PLAN, learning_rate=1e-3), preset(name, **arguments))


def weights(learner: Learner) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in learner.parameters]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_critic_begins_at_zero_and_learns_the_returns() -> None:
    learner = adam("ppo", critic="separate", critic_learning_rate=3e-3, beta=0.0)
    assert learner.critic is not None
    batch = prepared(learner)
    assert batch.values is not None
    assert not batch.values.any()
    losses = [learner.update(prepared(learner), step=step)["value_loss"] for step in range(12)]
    assert losses[-1] < losses[0] / 2


def test_value_pretraining_leaves_the_policy_alone() -> None:
    learner = adam("vapo", num_pretraining_steps=2, critic_learning_rate=1e-3)
    start, critic = weights(learner), [p.detach().clone() for p in learner.critic.parameters]  # type: ignore[union-attr]
    for step in range(2):
        metrics = learner.update(prepared(learner), step=step)
        assert metrics["num_updates"] == 0
    assert same(start, weights(learner))
    assert not same(critic, [p.detach() for p in learner.critic.parameters])  # type: ignore[union-attr]
    learner.update(prepared(learner), step=2)
    assert not same(start, weights(learner))


def test_policy_and_separate_critic_share_nothing() -> None:
    learner = adam("ppo", critic="separate", beta=0.0)
    assert learner.critic is not None
    policy = {parameter.data_ptr() for parameter in learner.parameters}
    assert not policy & {parameter.data_ptr() for parameter in learner.critic.parameters}


def test_epochs_stop_once_the_policy_has_moved_too_far() -> None:
    far = adam("grpo", LearnerConfig(num_epochs=6, max_approx_kl=1e-7), beta=0.0)
    stopped = far.update(prepared(far), step=0)
    assert stopped["stopped_early"] == 1.0
    assert stopped["num_updates"] == 2  # the first epoch is on-policy: its KL is 0
    near = adam("grpo", LearnerConfig(num_epochs=6, max_approx_kl=1e9), beta=0.0)
    metrics = near.update(prepared(near), step=0)
    assert (metrics["num_updates"], metrics["stopped_early"]) == (6, 0.0)


def test_the_adaptive_controller_follows_the_kl_that_it_causes() -> None:
    learner = adam("ppo_rlhf", kl_target=6.0)
    assert learner.update(prepared(learner), step=0)["kl_coefficient"] == pytest.approx(0.05)
    # The KL is 0 at the start, so the error is clipped at -0.2: 0.05 * (1 - 0.2 * 16 / 10000)
    assert learner.kl_coefficient == pytest.approx(0.05 * (1 - 0.2 * 16 / 10_000))


def test_the_penalty_is_taken_from_the_reward_of_every_token() -> None:
    learner = adam("rloo", beta=0.5)
    with torch.no_grad():
        for parameter in learner.policy.model.parameters():
            parameter.mul_(1.5)
    batch = prepared(learner)
    assert batch.penalties is not None
    assert batch.ref_logprobs is not None
    expected = torch.where(batch.completion_mask, 0.5 * (batch.behavior_logprobs - batch.ref_logprobs), 0.0)
    torch.testing.assert_close(batch.penalties, expected)
    metrics = learner.update(batch, step=0)
    assert metrics["non_score_reward"] == pytest.approx(-float(expected.sum(-1).mean()))


def test_the_moving_average_is_one_and_gives_way_again() -> None:
    learner = adam("dr_grpo", LearnerConfig(ema_decay=0.75))
    start = weights(learner)
    learner.update(prepared(learner), step=0)
    end = weights(learner)
    with learner.averaged_weights():
        for before, after, averaged in zip(start, end, weights(learner), strict=True):
            torch.testing.assert_close(averaged, 0.75 * before + 0.25 * after)
    assert same(end, weights(learner))


def test_the_reference_is_replaced_on_time() -> None:
    learner = adam("grpo", LearnerConfig(replace_reference_every=2))
    assert learner.reference is not None
    for step in range(3):
        learner.begin_step(step)
        moved = weights(learner)
        is_fresh = same([p.detach() for p in learner.reference.model.parameters()], moved)
        assert is_fresh == (step in (0, 2))
        learner.update(prepared(learner), step=step)


def test_a_snapshot_writes_and_a_restart_goes_back_to_the_base() -> None:
    learner = adam("rest_em", refresh_every=2, threshold=0.1)
    assert learner.snapshot is not None
    assert learner.behavior is learner.snapshot
    base = weights(learner)
    for step in range(2):
        learner.begin_step(step)
        learner.update(prepared(learner), step=step)
    trained = weights(learner)
    assert same(base, [p.detach() for p in learner.snapshot.model.parameters()])
    learner.begin_step(2)
    assert same(trained, [p.detach() for p in learner.snapshot.model.parameters()])
    assert same(base, weights(learner))
    assert not learner.optimizer.state


def test_kimi_clears_adams_moments_at_every_step() -> None:
    for resets in (True, False):
        learner = adam("kimi_k15", resets_optimizer=resets)
        learner.update(prepared(learner), step=0)
        learner.begin_step(1)
        assert bool(learner.optimizer.state) is not resets


@pytest.mark.parametrize(
    ("name", "config", "arguments"),
    [
        ("ppo", FREE, {"critic": "separate"}),
        ("ppo", FREE, {"critic": "value_head"}),
        ("ppo_rlhf", LearnerConfig(ema_decay=0.9), {"kl_target": 1.0}),
        ("rest_em", FREE, {"refresh_every": 1, "threshold": 0.1}),
        ("grpo", LearnerConfig(replace_reference_every=1), {}),
        ("reward_model", FREE, {}),
    ],
    ids=["critic", "value head", "average and controller", "snapshot", "replaced reference", "reward model"],
)
def test_everything_beside_the_policy_comes_back(tmp_path: Path, name: str, config: LearnerConfig, arguments: dict[str, object]) -> None:
    rollouts = groups(load_policy("tiny", device="cpu"))

    def step(learner: Learner, number: int) -> dict[str, float]:
        learner.begin_step(number)
        fixed = {"is_truncated": True}  # fixed rollouts are not those of the moved policy: nothing is compared with the sampler
        learner.plan = replace(learner.plan, **fixed)
        return learner.update(prepared(learner, rollouts=rollouts), step=number)

    straight, resumed = adam(name, config, **arguments), adam(name, config, **arguments)
    step(straight, 0)
    save_learner(straight, tmp_path)
    expected = step(straight, 1)
    restore_learner(resumed, tmp_path)
    assert step(resumed, 1) == expected
    assert same(weights(straight), weights(resumed))


def test_a_reward_model_learns_the_order_and_is_used_normalised(tmp_path: Path) -> None:
    learner = adam("reward_model")
    rollouts = groups(learner.policy)
    first = learner.ranking_accuracy(rollouts[0])
    for step in range(30):
        metrics = learner.update(prepared(learner, rollouts=rollouts), step=step)
    assert metrics["preference_accuracy"] > 0.9
    assert first is not None
    assert learner.ranking_accuracy(rollouts[2]) is None  # all earned the same
    save_trained(learner, tmp_path)
    loaded = load_scalar_model(tmp_path, policy=learner.policy, forward=learner.path)
    assert learner.reward_model is not None
    batch = prepared(learner, rollouts=rollouts)
    mean, std = learner.score_statistics
    with torch.no_grad():
        raw = sequence_scores(learner.reward_model, batch.sequences)
    rows = [(batch.sequences.prompts[p], tokens) for p, tokens in zip(batch.sequences.prompt_of, batch.sequences.continuations, strict=True)]
    assert score_rows(loaded, rows) == pytest.approx(((raw - mean) / std).tolist(), abs=1e-4)


def test_the_scalar_is_read_at_the_last_token_of_the_whole_text() -> None:
    learner = adam("reward_model")
    model = learner.reward_model
    assert model is not None
    batch = prepared(learner)
    with torch.no_grad():
        found = sequence_scores(model, batch.sequences)
    for row, tokens in enumerate(batch.sequences.continuations):
        ids = torch.tensor([[*batch.sequences.prompts[batch.sequences.prompt_of[row]], *tokens]])
        with torch.no_grad():
            hidden = model.policy.model.model(input_ids=ids).last_hidden_state[0, -1]  # type: ignore[operator, union-attr]
        assert float(found[row]) == pytest.approx(float(hidden @ model.head.weight[0].detach()), abs=1e-5)


def test_heads_begin_as_they_are_said_to_and_no_model_drops_anything_out() -> None:
    critic, model = adam("ppo", critic="separate").critic, adam("reward_model").reward_model
    assert critic is not None
    assert model is not None
    assert not critic.model.head.weight.any()
    assert critic.model.head.bias is None
    width = model.head.weight.shape[1]
    assert float(model.head.weight.detach().std()) == pytest.approx(1 / (width + 1) ** 0.5, rel=0.4)
    assert not any(module.training for module in (*critic.model.policy.model.modules(), *model.policy.model.modules()))


def test_adams_epsilon_is_the_configured_one_for_policy_and_critic() -> None:
    learner = adam("ppo", LearnerConfig(adam_epsilon=1e-5), critic="separate")
    assert learner.critic is not None
    assert {group["eps"] for optimizer in (learner.optimizer, learner.critic.optimizer) for group in optimizer.param_groups} == {1e-5}
