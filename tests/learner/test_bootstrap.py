"""The value of the state in which the limit cut a completion, in the place of 0 behind its last token."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from proctor.algorithms.explain import build, equation
from proctor.algorithms.spec import Objective
from proctor.errors import LearnerError
from proctor.learner.batch import with_advantages
from proctor.learner.config import LearnerConfig
from proctor.learner.step import Learner
from tests.learner.presets import first_groups, make_learner, prepared

GAMMA, LAMBDA = 0.9, 0.8
ARGUMENTS = {"beta": 0.0, "gamma": GAMMA, "gae_lambda": LAMBDA}


def value_behind(learner: Learner, prompt: list[int], tokens: list[int]) -> float:
    """From a single unpadded pass: the head's number for the hidden state of the last token."""
    ids = torch.tensor([[*prompt, *tokens]])
    backbone, head = (
        (learner.policy.backbone, learner.value_head) if learner.critic is None else (learner.critic.model.policy.backbone, learner.critic.model.head)
    )
    assert head is not None
    with torch.no_grad():
        return float(backbone(input_ids=ids).last_hidden_state[0, -1] @ head.weight[0])


def returns_of(rewards: list[float], values: list[float], last: float) -> list[float]:
    """Advantage plus value of each token by the recursion of GAE, with `last` behind the end."""
    found, advantage = [0.0] * len(values), 0.0
    for t in reversed(range(len(values))):
        following = values[t + 1] if t + 1 < len(values) else last
        advantage = rewards[t] + GAMMA * following - values[t] + GAMMA * LAMBDA * advantage
        found[t] = advantage + values[t]
    return found


@pytest.mark.parametrize("micro_batch_tokens", [1, 100_000])
@pytest.mark.parametrize("critic", ["separate", "value_head"])
def test_returns_are_those_of_the_recursion_with_the_critics_value_behind_the_cut(critic: str, micro_batch_tokens: int) -> None:
    learner = make_learner("ppo", LearnerConfig(micro_batch_tokens=micro_batch_tokens), critic=critic, bootstraps_truncated=True, **ARGUMENTS)
    batch = prepared(learner, rollouts=first_groups())
    assert batch.values is not None
    assert batch.returns is not None
    assert batch.bootstrap_values is not None
    assert batch.is_truncated.any()
    assert not batch.is_truncated.all()
    for row, tokens in enumerate(batch.sequences.continuations):
        is_cut = bool(batch.is_truncated[row])
        last = value_behind(learner, list(batch.sequences.prompts[batch.sequences.prompt_of[row]]), list(tokens)) if is_cut else 0.0
        assert float(batch.bootstrap_values[row]) == pytest.approx(last, abs=1e-5)
        assert (last != 0) == is_cut
        rewards = [0.0] * (len(tokens) - 1) + [float(batch.rewards[row])]
        expected = returns_of(rewards, batch.values[row, : len(tokens)].tolist(), last)
        assert batch.returns[row, : len(tokens)].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["ppo", "ppo_rlhf", "vapo"])
def test_off_where_the_paper_does_not_do_it(name: str) -> None:
    learner = make_learner(name, LearnerConfig())
    assert isinstance(learner.objective, Objective)
    assert not learner.objective.bootstraps_truncated
    assert prepared(learner, rollouts=first_groups()).bootstrap_values is None


def test_a_batch_without_a_cut_is_the_same_with_and_without() -> None:
    finished = [replace(group, rollouts=tuple(rollout for rollout in group.rollouts if not rollout.is_truncated)) for group in first_groups()]
    with_it, without = (
        prepared(make_learner("ppo", LearnerConfig(), critic="separate", bootstraps_truncated=flag, **ARGUMENTS), rollouts=finished) for flag in (True, False)
    )
    assert with_it.returns is not None
    assert without.returns is not None
    assert torch.equal(with_it.returns, without.returns)


def test_it_explains_itself_and_needs_the_critics_word() -> None:
    assert "V behind a truncated rollout: the critic's" in "\n".join(equation(build("ppo", bootstraps_truncated=True)))
    assert "truncated" not in "\n".join(equation(build("ppo")))
    learner = make_learner("ppo", LearnerConfig(), critic="separate", bootstraps_truncated=True)
    batch = prepared(learner, rollouts=first_groups())
    assert isinstance(learner.objective, Objective)
    with pytest.raises(LearnerError, match="needs bootstrap_values"):
        with_advantages(replace(batch, bootstrap_values=None), learner.objective)
