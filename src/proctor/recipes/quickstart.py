"""One-digit addition: a real language model learns, from a checked answer alone, within minutes on two CPU cores."""

from __future__ import annotations

from typing import Literal

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig


def quickstart(scale: Literal["135m", "pocket", "tiny"] = "135m") -> RunConfig:
    """Teach a model one-digit addition with GRPO (minutes on two cores).

    "What is 7 + 8? Answer with a number." The last number of the completion counts. GRPO as published but for the KL term
    (beta 0: no reference model in memory). Scale `tiny` runs the same on random weights over bytes, in seconds: it shows the
    machinery, not a skill. Scale `pocket` is a model of 0.8M parameters over characters, trained from scratch on first use, which adds
    two-digit numbers in writing: `47+85=`.
    """
    if scale == "pocket":
        return pocket_additions()
    is_tiny = scale == "tiny"
    return RunConfig(
        model="tiny" if is_tiny else "smollm2-135m",
        data=DataConfig(train="arithmetic:digits=1"),
        rewards=(RewardConfig("number"),),
        algorithm="grpo",
        objective={"beta": 0.0},
        num_steps=20 if is_tiny else 24,
        prompts_per_step=8,
        group_size=16,
        max_completion_tokens=16,
        learning_rate=1e-3 if is_tiny else 1e-5,
        checkpoint_every=1 if is_tiny else 12,
        learner=LearnerConfig(micro_batch_tokens=4096 if is_tiny else 256),
        evaluation=EvaluationConfig(num_tasks=200),
    )


def pocket_additions() -> RunConfig:
    """The quickstart of the pocket policy: two-digit additions worked out in writing, whose steps can be checked too.

    Steps of 64 tasks: with fewer most of a step is noise (docs/notes/lab-size.md). Held-out tasks are sampled at temperature 1, as in training: what
    reinforcement moves first is what the policy does; its greedy answers, right two times in three at the start, follow.
    """
    return RunConfig(
        model="pocket",
        data=DataConfig(train="column_addition:digits=2", max_tasks=4000, max_test_tasks=200),
        rewards=(RewardConfig("equations"),),
        algorithm="grpo",
        objective={},
        num_steps=60,
        prompts_per_step=64,
        group_size=8,
        max_completion_tokens=32,
        learning_rate=3e-4,
        checkpoint_every=20,
        learner=LearnerConfig(micro_batch_tokens=8192, num_warmup_steps=5),
        evaluation=EvaluationConfig(num_tasks=200, num_samples=4, temperature=1.0),
    )
