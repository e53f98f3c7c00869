"""What the recipes share at the scale `pocket`: additions worked out in writing, and a model of 0.8M parameters that learns them from nothing."""

from __future__ import annotations

from typing import Any

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.training.stages.records import Probe, Train

HELD_OUT = "column_addition:digits=2"
NUM_HELD_OUT = 500
MAX_TOKENS = 64
ANYTHING = -100.0
"""A threshold that every completion reaches: at the scale `tiny`, where a random model writes, the machinery alone is shown."""


def additions(form: str, *, max_tasks: int = 4000) -> DataConfig:
    """Two-digit additions with demonstrations of a form; the held-out tasks are the same for every form."""
    return DataConfig(train=f"column_addition:digits=2,form={form}", test=HELD_OUT, max_tasks=max_tasks, max_test_tasks=NUM_HELD_OUT)


def accuracy_probe(**changes: Any) -> Probe:
    """Accuracy on 500 held-out additions, two samples each at temperature 1: what the policy does, not what its mode does."""
    settings: dict[str, Any] = {
        "data": additions("plain"),
        "rewards": NUMBER,
        "max_completion_tokens": MAX_TOKENS,
        "num_samples": 2,
        "temperature": 1.0,
        **changes,
    }
    return Probe(**settings)


NUMBER = (RewardConfig("number"),)


def imitation(
    name: str,
    model: str,
    data: DataConfig,
    *,
    num_steps: int,
    learning_rate: float = 5e-4,
    seed: int = 0,
    rewards: tuple[RewardConfig, ...] = NUMBER,
) -> Train:
    """A stage of supervised fine-tuning, batch 64. The rewards only check that the tasks' answers can be read."""
    return Train(
        name,
        RunConfig(
            model=model,
            data=data,
            rewards=rewards,
            algorithm="sft",
            num_steps=num_steps,
            prompts_per_step=64,
            group_size=1,
            max_completion_tokens=MAX_TOKENS,
            learning_rate=learning_rate,
            seed=seed,
            checkpoint_every=1000,
            learner=LearnerConfig(schedule="cosine", num_warmup_steps=max(1, num_steps // 10), weight_decay=0.1, micro_batch_tokens=8192),
            evaluation=EvaluationConfig(num_tasks=0),
        ),
    )


def pretraining(form: str, *, num_steps: int = 130) -> Train:
    """Stage 0: the base model, cut off while it still makes mistakes."""
    return imitation("pretraining", POCKET_UNTRAINED, additions(form), num_steps=num_steps, learning_rate=1e-3)


def reinforcement(name: str, model: str, rewards: tuple[RewardConfig, ...], algorithm: str, *, num_steps: int, **changes: Any) -> Train:
    """A stage of reinforcement learning: 64 tasks x 8 rollouts a step at temperature 1; fewer tasks a step are mostly noise (docs/notes/lab-size.md)."""
    settings: dict[str, Any] = {
        "model": model,
        "data": additions("plain"),
        "rewards": rewards,
        "algorithm": algorithm,
        "num_steps": num_steps,
        "prompts_per_step": 64,
        "group_size": 8,
        "max_completion_tokens": MAX_TOKENS,
        "learning_rate": 3e-4,
        "checkpoint_every": 50,
        "learner": LearnerConfig(micro_batch_tokens=8192, num_warmup_steps=5),
        "evaluation": EvaluationConfig(num_tasks=0),
        **changes,
    }
    return Train(name, RunConfig(**settings), is_rl=True)


def reward_model(name: str, model: str, rows: str, *, num_steps: int, prompts_per_step: int, learning_rate: float, **objective: str) -> Train:
    """A stage that trains a reward model on the preference pairs of an earlier one."""
    return Train(
        name,
        RunConfig(
            model=model,
            data=DataConfig(rows),
            rewards=NUMBER,
            algorithm="reward_model",
            objective={"source": "demonstrations", **objective},
            num_steps=num_steps,
            prompts_per_step=prompts_per_step,
            group_size=2,
            max_completion_tokens=MAX_TOKENS,
            learning_rate=learning_rate,
            checkpoint_every=1000,
            learner=LearnerConfig(micro_batch_tokens=8192, num_warmup_steps=5),
            evaluation=EvaluationConfig(num_tasks=0),
        ),
    )
