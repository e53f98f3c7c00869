"""What the learner knows of single tokens reaches the rollout table."""

from __future__ import annotations

import pytest
import torch

from proctor.learner.config import LearnerConfig
from proctor.training.sync_loop import token_values
from tests.learner.presets import groups, make_learner, prepared


@pytest.mark.parametrize("config", [LearnerConfig(), LearnerConfig(num_epochs=2)], ids=["one update", "two updates"])
def test_every_rollout_that_was_computed_has_its_tokens(config: LearnerConfig) -> None:
    learner = make_learner("dr_grpo", config)
    rollouts = groups(learner.policy)
    batch = prepared(learner, rollouts=rollouts)
    learner.update(batch, step=0)
    found = token_values(batch, learner.record, rollouts)
    assert [len(group) for group in found] == [4, 4, 4, 4]
    for group, values in zip(rollouts, found, strict=True):
        for rollout, known in zip(group.rollouts, values, strict=True):
            assert known.advantages is not None
            assert len(known.advantages) == len(rollout.token_ids)
            assert (known.logprobs is None) == (not any(known.advantages))  # a rollout without an advantage is not computed
            assert (known.old_logprobs is None) == config.is_single_update
            if known.logprobs is not None and config.is_single_update:
                assert known.logprobs == pytest.approx(rollout.behavior_logprobs, abs=1e-4)
                assert known.entropies is not None
                assert all(0 < value < torch.log(torch.tensor(300.0)) for value in known.entropies)
            if known.logprobs is not None and known.old_logprobs is not None:
                assert known.logprobs != known.old_logprobs  # the second pass stands after a first update
