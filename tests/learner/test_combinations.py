"""Options of the learner together: adapters with a critic, corrections, minibatches with value heads, stale tokens, padded vocabularies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from proctor.chat.renderer import Renderer
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Segment, Task, Turn
from proctor.learner.batch import build_batch
from proctor.learner.config import LearnerConfig
from proctor.learner.losses import PolicyWeights
from proctor.learner.step import Learner
from proctor.models.config import LoraConfig
from proctor.models.heads import token_values
from proctor.models.load import load_policy, save_policy
from proctor.models.policy import Policy
from proctor.training.session import Session
from tests.learner.presets import PLAN, prepared, preset

LORA = LoraConfig(rank=2, alpha=4)


def learner(name: str, config: LearnerConfig | None = None, *, policy: Policy | None = None, skips_stale: bool = False, **changes: Any) -> Learner:
    plan = replace(PLAN, learning_rate=1e-3, skips_stale=skips_stale)
    return Learner(policy or load_policy("tiny", device="cpu"), config or LearnerConfig(), plan, preset(name, **changes))


def test_a_separate_critic_of_an_adapted_policy_begins_with_its_merged_weights() -> None:
    policy = load_policy("tiny", device="cpu", lora=LORA)
    with torch.no_grad():
        for parameter in policy.trainable_parameters:
            parameter.add_(0.05)  # adapters that do something
    adapted = learner("ppo", LearnerConfig(lora=LORA), policy=policy, critic="separate")
    assert adapted.critic is not None
    merged = replace(policy, model=policy.merged_model().requires_grad_(True), has_adapters=False)
    plain = learner("ppo", policy=merged, critic="separate")
    assert plain.critic is not None
    with torch.no_grad():
        for critic in (adapted.critic, plain.critic):
            critic.model.head.weight.fill_(0.01)
        sequences = prepared(plain).sequences
        found, wanted = token_values(adapted.critic.model, sequences), token_values(plain.critic.model, sequences)
        assert float(wanted.abs().max()) > 0.01
        torch.testing.assert_close(found, wanted)
    adapted.update(prepared(adapted), step=0)


@pytest.mark.parametrize("correction", ["truncated_importance", "token_mask", "sequence_mask", "negative_sequence_mask"])
def test_every_correction_takes_an_update(correction: str) -> None:
    taught = learner("grpo", correction=correction)
    assert taught.update(prepared(taught), step=0)["grad_norm"] > 0


def test_everything_in_a_minibatch_is_a_mean_over_that_minibatch() -> None:
    taught = learner("vapo", LearnerConfig(num_minibatches=4))
    batch = prepared(taught)
    for units in taught._minibatches(batch, 0, 0):
        weights = taught.loss.weights(batch, units)
        assert isinstance(weights, PolicyWeights)
        rows = [row for unit in units for row in unit]
        positive = bool((batch.rewards[rows] >= 1).any())
        assert [float(part.sum()) for part in (weights.surrogate, weights.values, weights.successes)] == pytest.approx([1, 1, float(positive)], abs=1e-5)


def written_in_two_parts(policy: Policy) -> RolloutGroup:
    """A right rollout whose first two tokens older weights wrote, and a wrong one."""
    prompt, task = (70, 71), Task("a", "b")

    def logprobs(ids: tuple[int, ...]) -> tuple[float, ...]:
        with torch.no_grad():
            logs = torch.log_softmax(policy.model(input_ids=torch.tensor([[*prompt, *ids]])).logits[0].float() / PLAN.temperature, -1)
        return tuple(float(logs[len(prompt) - 1 + place, token]) for place, token in enumerate(ids))

    def rollout(place: int, ids: tuple[int, ...], reward: float, segments: tuple[Segment, ...] = ()) -> Rollout:
        return Rollout(task, place, prompt, (Turn(Completion(ids, logprobs(ids), "x", FinishReason.EOS, 1, segments)),), reward=reward)

    parts = (Segment(2, 0), Segment(4, 1))
    return RolloutGroup(task, (rollout(0, (80, 81, 82, 84, 85, 257), 1.0, parts), rollout(1, (83, 257), 0.0)))


@pytest.mark.parametrize("name", ["kimi_k15", "gspo", "gmpo", "gspo_token", "dr_grpo"])
def test_a_rollout_that_went_on_learns_from_what_the_present_weights_wrote(name: str) -> None:
    policy = load_policy("tiny", device="cpu")
    taught = learner(name, policy=policy, skips_stale=True)
    batch = taught.annotate(build_batch([written_in_two_parts(policy)]))
    assert batch.advantages is not None
    assert batch.advantages[0, :2].tolist() == [0, 0]
    assert batch.advantages[0, 2] > 0
    units = [[0], [1]]
    taught.loss.run(batch, [[0]], taught.loss.weights(batch, units)).loss.backward()
    norm = torch.cat([parameter.grad.flatten() for parameter in policy.trainable_parameters if parameter.grad is not None]).norm()
    assert float(norm) > 1e-3


def test_what_older_weights_wrote_has_no_part_in_a_sequence_ratio() -> None:
    """GSPO's gradient is that of the mean over the fresh tokens, at ratio 1."""
    policy = load_policy("tiny", device="cpu")
    taught = learner("gspo", policy=policy, skips_stale=True)
    batch = taught.annotate(build_batch([written_in_two_parts(policy)]))
    assert batch.advantages is not None
    advantage = float(batch.advantages[0, -1])
    done = taught.loss.run(batch, [[0]], taught.loss.weights(batch, [[0], [1]]))
    done.loss.backward()
    found = torch.cat([parameter.grad.flatten() for parameter in policy.trainable_parameters if parameter.grad is not None])
    policy.model.zero_grad()
    logprobs, _, _ = taught.forward(batch.sequences)
    (-advantage * logprobs[0, 2:6].mean() / 2).backward()
    wanted = torch.cat([parameter.grad.flatten() for parameter in policy.trainable_parameters if parameter.grad is not None])
    assert float((found - wanted).norm() / wanted.norm()) < 1e-4


def test_the_normalisation_of_a_reward_model_does_not_depend_on_how_the_batch_is_cut() -> None:
    found = []
    for micro_batch_tokens in (4096, 64, 1):
        taught = learner("reward_model", LearnerConfig(micro_batch_tokens=micro_batch_tokens))
        metrics = taught.update(prepared(taught), step=0)
        assert metrics["score_std"] == taught.score_statistics[1]
        found.append(taught.score_statistics)
    assert found[0][1] > 0
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-4)


def test_a_teacher_with_a_padded_vocabulary_teaches(tmp_path: Path) -> None:
    teacher = load_policy("tiny", device="cpu", seed=7)
    teacher.model.resize_token_embeddings(270)  # type: ignore[operator]
    save_policy(teacher, tmp_path / "teacher")
    padded = load_policy(str(tmp_path / "teacher"), device="cpu")
    student = load_policy("tiny", device="cpu")
    taught = Learner(student, LearnerConfig(), replace(PLAN, learning_rate=1e-3), preset("on_policy_distillation"), teacher=padded)
    metrics = taught.update(prepared(taught), step=0)
    assert metrics["divergence"] > 0
    assert metrics["grad_norm"] > 0


def test_pretraining_beside_the_loss_never_imitates_what_a_preference_rejects() -> None:
    policy = load_policy("tiny", device="cpu")
    task = Task("1", "hi", info={"chosen": "GOOD", "rejected": "BAD"})
    session = SimpleNamespace(
        objective=preset("ppo_rlhf"),
        refills=SimpleNamespace(take=lambda step, count: [task]),
        config=SimpleNamespace(prompts_per_step=1, max_completion_tokens=16),
        renderer=Renderer(policy.tokenizer),
        rewards=None,
    )
    sequences = Session.pretraining(session, 0)  # type: ignore[arg-type]
    assert sequences is not None
    assert [policy.tokenizer.decode(tokens, skip_special_tokens=True) for tokens in sequences.continuations] == ["GOOD"]
