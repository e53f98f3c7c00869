"""Train the `pocket` policy from scratch, once, the first time that a run asks for it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig
from proctor.models.pocket import POCKET, POCKET_UNTRAINED, pocket_directory


def needs_pocket(config: RunConfig) -> bool:
    """True when the run uses the pocket policy and its weights are not there yet."""
    return POCKET in (config.model, config.objective.get("teacher")) and not (pocket_directory(must_exist=False) / "config.json").is_file()


def pocket_pretraining() -> RunConfig:
    """Supervised training on worked additions, cut off while it still makes mistakes: reinforcement learning needs something to improve.

    Cut off too early it has nothing to improve *from*: after 110 steps a completion in fourteen is right and the first tens of steps of reinforcement
    are flat, after 150 a third are.
    """
    return RunConfig(
        model=POCKET_UNTRAINED,
        data=DataConfig(train="column_addition:digits=2", max_tasks=4000, max_test_tasks=200),
        rewards=(RewardConfig("equations"),),
        algorithm="sft",
        num_steps=150,
        prompts_per_step=64,
        group_size=1,
        max_completion_tokens=32,
        learning_rate=1e-3,
        checkpoint_every=1000,
        learner=LearnerConfig(schedule="cosine", num_warmup_steps=10, weight_decay=0.1, micro_batch_tokens=8192),
        evaluation=EvaluationConfig(num_tasks=200),
    )


def publish_pocket(model: Path) -> None:
    """Put trained weights where the name `pocket` finds them, whole or not at all."""
    target = pocket_directory(must_exist=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    shutil.copytree(model, draft, dirs_exist_ok=True)
    try:
        draft.replace(target)
    except OSError:
        shutil.rmtree(draft)  # another process was first: its weights are the same
