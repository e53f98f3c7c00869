"""The learner: cutting a batch never changes the update, and sampler and trainer are checked against each other."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import torch

from proctor.algorithms.presets import dr_grpo, grpo, reinforce
from proctor.algorithms.spec import Objective
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Task, Turn
from proctor.engines.base import SampleRequest, Sampling, rollout_seed
from proctor.engines.local import LocalEngine
from proctor.errors import ConfigError, LearnerError
from proctor.learner.batch import TokenBatch, build_batch, micro_batches, rows_of
from proctor.learner.checkpoint import restore_learner, save_learner
from proctor.learner.config import LearnerConfig, learning_rate_at
from proctor.learner.statistics import MismatchCheck
from proctor.learner.step import Learner, LearnerPlan
from proctor.models.config import LoraConfig
from proctor.models.load import load_policy
from proctor.models.policy import Policy
from proctor.models.scoring import PLAIN_PATH

PROMPTS = [tuple(range(40, 45)), tuple(range(60, 73)), tuple(range(50, 59))]
PLAN = LearnerPlan(learning_rate=1e-2, num_steps=10, temperature=0.8, seed=0)
OBJECTIVES = [grpo(max_completion_tokens=12), grpo(max_completion_tokens=12, beta=0.0), dr_grpo(max_completion_tokens=12), reinforce(max_completion_tokens=12)]


def groups(policy: Policy, group_size: int = 4) -> list[RolloutGroup]:
    """Real rollouts of the policy; the reward counts even bytes, and the last group is unanimous."""
    asked = [SampleRequest(prompt, tuple(rollout_seed(prompt[0], index) for index in range(group_size))) for prompt in PROMPTS]
    sampled = asyncio.run(LocalEngine(policy).sample(asked, Sampling(0.8, 12)))
    made = []
    for number, (prompt, completions) in enumerate(zip(PROMPTS, sampled, strict=True)):
        task = Task(str(number), "prompt")
        rewards = [1.0 if number == 2 else sum(token % 2 == 0 for token in c.token_ids) / 12 for c in completions]
        made.append(
            RolloutGroup(task, tuple(Rollout(task, i, prompt, (Turn(c),), reward=r) for i, (c, r) in enumerate(zip(completions, rewards, strict=True))))
        )
    return made


def updated(objective: Objective, config: LearnerConfig, *, plain: bool = False, reverse: bool = False) -> tuple[dict[str, float], torch.Tensor]:
    """Metrics and weights after one update with plain gradient descent: Adam would hide a wrong scale."""
    policy = load_policy("tiny", device="cpu")
    plan = replace(PLAN, learning_rate=1.0)  # a step large against the rounding of the weights themselves
    learner = Learner(policy, config, plan, objective)
    learner.optimizer = torch.optim.SGD(policy.trainable_parameters, lr=1.0)  # type: ignore[assignment]
    if plain:
        learner.path = PLAIN_PATH
    rollouts = groups(policy)
    batch = build_batch(rollouts[::-1] if reverse else rollouts)
    batch = learner.annotate(batch)
    metrics = learner.update(batch, step=0)
    return metrics, torch.cat([parameter.detach().flatten() for parameter in policy.trainable_parameters])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: f"{objective.name}-{objective.loss.kl.kind}")
def test_no_way_of_cutting_the_batch_changes_the_update(objective: Objective) -> None:
    start = torch.cat([parameter.detach().flatten() for parameter in load_policy("tiny", device="cpu").trainable_parameters])
    metrics, expected = updated(objective, LearnerConfig(micro_batch_tokens=100_000))
    assert metrics["grad_norm"] > 0
    for options in ({"micro_batch_tokens": 1}, {"micro_batch_tokens": 40}, {"micro_batch_tokens": 90}):
        for plain in (False, True):
            for reverse in (False, True):
                other, weights = updated(objective, LearnerConfig(**options), plain=plain, reverse=reverse)
                assert float((weights - expected).norm() / (expected - start).norm()) < 1e-5
                assert other["loss"] == pytest.approx(metrics["loss"], abs=1e-6)
                assert other["entropy"] == pytest.approx(metrics["entropy"], abs=1e-5)


def test_the_update_is_the_gradient_of_the_written_out_objective() -> None:
    """Against a naive loop over rollouts and tokens: mean over rollouts of the mean over tokens of -A log pi at ratio 1."""
    policy = load_policy("tiny", device="cpu")
    rollouts = [rollout for group in groups(policy) for rollout in group.rollouts]
    loss = torch.zeros(())
    for rollout in rollouts:
        peers = torch.tensor([other.reward for other in rollouts if other.task is rollout.task])
        advantage = 0.0 if rollout.task.id == "2" else float((rollout.reward - peers.mean()) / (peers.std() + 1e-6))
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])
        logs = torch.log_softmax(policy.model(input_ids=ids).logits[0] / 0.8, -1)[len(rollout.prompt_ids) - 1 : -1]
        logprobs = logs.gather(1, torch.tensor(rollout.token_ids)[:, None])[:, 0]
        loss = loss - advantage * logprobs.mean() / len(rollouts)
    loss.backward()
    naive = torch.cat([parameter.grad.flatten() for parameter in policy.trainable_parameters if parameter.grad is not None])
    start = torch.cat([parameter.detach().flatten() for parameter in policy.trainable_parameters])
    # No clipping: it would hide a wrong scale.
    metrics, weights = updated(grpo(max_completion_tokens=12, beta=0.0), LearnerConfig(max_grad_norm=1e9))
    assert metrics["grad_norm"] == pytest.approx(float(naive.norm()), rel=1e-4)
    assert float(((start - naive) - weights).norm() / naive.norm()) < 1e-4


def test_rollouts_without_advantage_are_skipped_and_still_count_in_the_denominator() -> None:
    metrics, _ = updated(grpo(max_completion_tokens=12, beta=0.0), LearnerConfig())
    assert metrics["skipped_fraction"] == pytest.approx(4 / 12)
    with_kl, _ = updated(grpo(max_completion_tokens=12, beta=0.04), LearnerConfig())
    assert with_kl["skipped_fraction"] == 0.0  # a KL term has a gradient where the advantage has none
    assert with_kl["kl"] == pytest.approx(0.0, abs=1e-6)


def test_a_batch_without_any_advantage_changes_no_weight() -> None:
    policy = load_policy("tiny", device="cpu")
    objective = grpo(max_completion_tokens=12, beta=0.0)
    learner = Learner(policy, LearnerConfig(weight_decay=0.1), PLAN, objective)
    before = [parameter.detach().clone() for parameter in policy.trainable_parameters]
    batch = learner.annotate(build_batch(groups(policy)[2:]))
    metrics = learner.update(batch, step=0)
    assert metrics["num_updates"] == 0
    assert "grad_norm" not in metrics
    assert all(torch.equal(a, b) for a, b in zip(before, policy.trainable_parameters, strict=True))


def prepared(config: LearnerConfig | None = None) -> tuple[Learner, TokenBatch, Objective]:
    policy = load_policy("tiny", device="cpu")
    objective = grpo(max_completion_tokens=12, beta=0.0)
    learner = Learner(policy, config or LearnerConfig(), PLAN, objective)
    return learner, learner.annotate(build_batch(groups(policy))), objective


@pytest.mark.parametrize("config", [LearnerConfig(), LearnerConfig(num_minibatches=3, num_epochs=2)], ids=["single update", "several updates"])
def test_sampler_and_trainer_agree_and_a_wrong_sampler_is_an_error(config: LearnerConfig) -> None:
    learner, batch, _ = prepared(config)
    metrics = learner.update(batch, step=0)
    assert 0 < metrics["sampler_mismatch_max"] < 1e-4
    assert metrics["num_updates"] == config.num_epochs * config.num_minibatches
    learner, batch, _ = prepared(config)
    shift = 1.2e-4 * batch.behavior_logprobs.abs().clamp(min=1.0)
    shifted = replace(batch, behavior_logprobs=batch.behavior_logprobs + shift * batch.completion_mask)
    if batch.old_logprobs is not None:
        shifted = replace(shifted, old_logprobs=batch.old_logprobs)
    with pytest.raises(LearnerError, match="sampler and trainer disagree by 0.00"):
        learner.update(shifted, step=0)


def test_rounding_of_a_rare_tokens_logprob_is_no_error_and_of_a_common_one_is() -> None:
    everything = torch.tensor([[True, True]])
    MismatchCheck(is_exact=True).add(torch.tensor([[-0.5, -12.0]]), torch.tensor([[-0.5, -12.0009]]), everything)
    for trained in ([[-0.5002, -12.0]], [[-0.5, -12.0013]], [[-0.5, float("nan")]]):
        with pytest.raises(LearnerError, match="disagree"):
            MismatchCheck(is_exact=True).add(torch.tensor([[-0.5, -12.0]]), torch.tensor(trained), everything)
    MismatchCheck(is_exact=False).add(torch.tensor([[-0.5]]), torch.tensor([[-0.6]]), torch.tensor([[True]]))


def test_a_forgotten_temperature_is_an_error() -> None:
    policy = load_policy("tiny", device="cpu")
    learner = Learner(policy, LearnerConfig(), replace(PLAN, temperature=1.0), grpo(max_completion_tokens=12, beta=0.0))
    with pytest.raises(LearnerError, match="sampler and trainer disagree"):
        learner.update(learner.annotate(build_batch(groups(policy))), step=0)


def test_later_minibatches_are_off_policy_and_report_it() -> None:
    learner, batch, _ = prepared(LearnerConfig(num_epochs=4))
    metrics = learner.update(batch, step=0)
    assert metrics["approx_kl"] > 1e-6


def test_advantages_are_zero_where_nothing_is_trained_on() -> None:
    _, batch, _ = prepared()
    assert batch.advantages is not None
    assert batch.advantages.any()
    assert not batch.advantages[~batch.completion_mask].any()


def test_observations_are_read_and_never_trained_on() -> None:
    task = Task("0", "p")
    first = Completion((70, 71), (-1.0, -2.0), "ab", FinishReason.STOP, 0)
    second = Completion((72, 257), (-3.0, -4.0), "c", FinishReason.EOS, 0)
    rollout = Rollout(task, 0, (60, 61), (Turn(first, (80, 81, 82)), Turn(second)), reward=1.0)
    batch = build_batch([RolloutGroup(task, (rollout,))])
    assert batch.sequences.continuations == [[70, 71, 80, 81, 82, 72, 257]]
    assert batch.completion_mask.tolist() == [[True, True, False, False, False, True, True]]
    assert batch.behavior_logprobs.tolist() == [[-1.0, -2.0, 0.0, 0.0, 0.0, -3.0, -4.0]]


def test_micro_batches_keep_their_budget_and_every_row() -> None:
    batch = build_batch(groups(load_policy("tiny", device="cpu")))
    for is_packed in (True, False):
        for budget in (1, 30, 60, 1000):
            runs = [rows_of(run) for run in micro_batches(batch.sequences, [[row] for row in range(12)], max_tokens=budget, is_packed=is_packed)]
            assert [row for run in runs for row in run] == list(range(12))
            for run in runs:
                prompts = {batch.sequences.prompt_of[row] for row in run}
                lengths = [len(batch.sequences.continuations[row]) for row in run]
                packed = sum(len(batch.sequences.prompts[p]) for p in prompts) + sum(lengths)
                assert len(run) == 1 or not is_packed or packed <= budget


def test_learning_rates() -> None:
    def rates(schedule: str, warmup: int) -> list[float]:
        return [learning_rate_at(step, peak=1.0, num_steps=4, num_warmup_steps=warmup, schedule=schedule) for step in range(4)]  # type: ignore[arg-type]

    assert rates("constant", 0) == [1.0] * 4
    assert rates("constant", 2) == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0])
    assert rates("linear", 0) == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert rates("cosine", 0) == pytest.approx([1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


@pytest.mark.parametrize("lora", [None, LoraConfig(rank=4, alpha=8)], ids=["full", "lora"])
def test_a_restored_learner_takes_the_same_next_step(tmp_path: object, lora: LoraConfig | None) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    objective = grpo(max_completion_tokens=12, beta=0.0)

    def fresh() -> Learner:
        return Learner(load_policy("tiny", device="cpu", lora=lora), LearnerConfig(), PLAN, objective)

    def step(learner: Learner, number: int) -> None:
        learner.update(learner.annotate(build_batch(groups(learner.policy))), step=number)

    straight = fresh()
    step(straight, 0)
    save_learner(straight, folder)
    step(straight, 1)
    resumed = fresh()
    restore_learner(resumed, folder)
    step(resumed, 1)
    for a, b in zip(straight.policy.model.parameters(), resumed.policy.model.parameters(), strict=True):
        assert torch.equal(a, b)
    (folder / "learner.pt").write_bytes(b"torn")
    with pytest.raises(LearnerError, match="could not restore the checkpoint"):
        restore_learner(fresh(), folder)


def test_lora_trains_adapters_only_and_its_reference_costs_no_copy() -> None:
    policy = load_policy("tiny", device="cpu", lora=LoraConfig(rank=4, alpha=8))
    learner = Learner(policy, LearnerConfig(), PLAN, grpo(max_completion_tokens=12, beta=0.04))
    assert learner.reference is None
    frozen = {name: value.clone() for name, value in policy.model.state_dict().items() if "lora" not in name}
    for step in range(3):
        batch = learner.annotate(build_batch(groups(policy)))
        metrics = learner.update(batch, step=step)
    assert metrics["kl"] > 0
    assert all(torch.equal(value, policy.model.state_dict()[name]) for name, value in frozen.items())
    assert sum(parameter.numel() for parameter in policy.trainable_parameters) < policy.num_parameters / 4


def test_bad_learner_settings_are_named() -> None:
    for name, value in (("num_epochs", 0), ("num_minibatches", 0), ("micro_batch_tokens", 0), ("max_grad_norm", 0.0)):
        with pytest.raises(ConfigError, match=f"learner.{name} must be"):
            LearnerConfig(**{name: value})  # type: ignore[arg-type]
