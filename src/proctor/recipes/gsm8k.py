"""GSM8K: grade-school word problems (Cobbe et al. 2021), the smallest task set that the field measures itself on."""

from __future__ import annotations

from typing import Literal

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig


def gsm8k(scale: Literal["135m", "tiny", "paper"] = "135m") -> RunConfig:
    """Train on GSM8K with a checked final number.

    The last number of the completion counts, so no format has to be learned first. Scale `135m` is for two cores and shows how far
    a 135M model gets; `paper` names a model and a batch of the size that publications use and wants a GPU; `tiny` runs the machinery.

    Data come from the hub (openai/gsm8k) unless `--set data.train=PATH --set data.test=PATH` name files.
    """
    is_paper, is_tiny = scale == "paper", scale == "tiny"
    return RunConfig(
        model={"135m": "smollm2-135m", "tiny": "tiny", "paper": "Qwen/Qwen2.5-1.5B"}[scale],
        data=DataConfig(train="openai/gsm8k", test="openai/gsm8k", subset="main"),
        rewards=(RewardConfig("number"),),
        algorithm="dr_grpo",
        num_steps=200 if is_paper else 4 if is_tiny else 100,
        prompts_per_step=64 if is_paper else 8,
        group_size=16 if is_paper else 8,
        max_completion_tokens=512 if is_paper else 32 if is_tiny else 160,
        learning_rate=1e-6 if is_paper else 1e-3 if is_tiny else 5e-6,
        checkpoint_every=20 if is_paper else 1 if is_tiny else 10,
        learner=LearnerConfig(num_warmup_steps=0 if is_tiny else 5, micro_batch_tokens=16384 if is_paper else 1024),
        evaluation=EvaluationConfig(num_tasks=500 if is_paper else 16 if is_tiny else 200),
    )
