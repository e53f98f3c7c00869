"""DeepSeek-R1-Zero: reinforcement learning of a base model from accuracy and format alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Probe, StagedConfig, Train

TEMPLATE = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant first thinks about the reasoning "
    "process in the mind and then provides the user with the answer. The reasoning process and answer are enclosed within <think> </think> and "
    "<answer> </answer> tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here </answer>. User: {prompt}. Assistant:"
)
"""Guo et al. 2025 (2501.12948), table 1."""

CARD = Card(
    paper="DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning, 2025, arXiv 2501.12948",
    aims_at="figure 2 (accuracy over steps) and table 2 (R1-Zero against its base)",
    published={
        "algorithm": "GRPO, KL coefficient 0.001",
        "rewards": "accuracy + format, equal weights, no neural reward",
        "learning rate": "3e-6",
        "rollouts": "16 a question, 32 questions a step; 8,192 rollouts cut into 16 mini-batches, one epoch",
        "temperature": "1",
        "length": "32,768 tokens, 65,536 from step 8,200",
        "reference": "replaced by the policy every 400 steps",
        "steps": "10,400",
    },
    unpublished=("clip range", "optimizer constants", "the data"),
    hardware={
        "pocket": "8 minutes of one thread (AMD EPYC)",
        "135m": "32 minutes of two cores (AMD EPYC without bf16)",
        "paper": "a cluster; the published length does not fit one GPU",
    },
    expected="the format reward rises first and fast, accuracy later and slowly",
)
PAPER_UPDATES = 16
"""Updates on one batch of rollouts. The paper's steps are updates of 512 rollouts; a step here is a batch of 8,192."""


def r1_zero(scale: Literal["pocket", "135m", "tiny", "paper"] = "pocket") -> StagedConfig:
    """Reinforce a base model by accuracy and format alone (DeepSeek-R1-Zero).

    Scale `pocket` makes its own base first: a model of 0.8M parameters that has seen additions in three forms, a quarter of them with both
    tags. `135m` starts from SmolLM2-135M-Instruct on one-digit additions with the published template. `paper` has the published
    constants, but for the limit of a completion, which stays at 32,768 tokens, and wants a cluster. `tiny` runs the machinery.
    """
    return {"pocket": _pocket, "135m": _with_template, "tiny": _with_template, "paper": _with_template}[scale](scale)


REWARDS = (RewardConfig("number", name="accuracy"), RewardConfig("format"))


def _pocket(scale: str) -> StagedConfig:
    base = "stage:pretraining"
    learner = LearnerConfig(micro_batch_tokens=8192, num_warmup_steps=5, replace_reference_every=40)
    rl = scratchpad.reinforcement("rl", base, REWARDS, "grpo", num_steps=80, learning_rate=1e-4, objective={"beta": 0.001}, learner=learner)
    return StagedConfig(
        stages=(scratchpad.pretraining("mixed", num_steps=170), rl, scratchpad.imitation("sft_instead", base, scratchpad.additions("mixed"), num_steps=150)),
        probes=(
            scratchpad.accuracy_probe(),
            scratchpad.accuracy_probe(name="greedy", temperature=0.0, num_samples=1),
            scratchpad.accuracy_probe(name="format", rewards=(RewardConfig("format"),)),
        ),
        card=CARD,
        final="rl",
        control="sft_instead",
    )


def _with_template(scale: str) -> StagedConfig:
    is_paper, is_tiny = scale == "paper", scale == "tiny"
    model = {"135m": "smollm2-135m", "tiny": "tiny", "paper": "deepseek-ai/DeepSeek-V3-Base"}[scale]
    data = (
        DataConfig(train="openai/gsm8k", test="openai/gsm8k", subset="main", template=TEMPLATE)
        if is_paper
        else DataConfig("arithmetic:digits=1", template=TEMPLATE)
    )
    limit = 32768 if is_paper else 16 if is_tiny else 64
    rl = Train(
        "rl",
        RunConfig(
            model=model,
            data=data,
            rewards=REWARDS,
            algorithm="grpo",
            objective={"beta": 0.001},
            num_steps=10_400 // PAPER_UPDATES if is_paper else 2 if is_tiny else 40,
            prompts_per_step=32 * PAPER_UPDATES if is_paper else 4 if is_tiny else 8,
            group_size=4 if is_tiny else 16,
            max_completion_tokens=limit,
            learning_rate=3e-6 if is_paper else 1e-5,
            checkpoint_every=20,
            learner=LearnerConfig(
                num_minibatches=PAPER_UPDATES if is_paper else 1,
                replace_reference_every=400 // PAPER_UPDATES if is_paper else 20,
                micro_batch_tokens=32768 if is_paper else 512,
            ),
            evaluation=EvaluationConfig(num_tasks=0),
        ),
        is_rl=True,
    )
    num_tasks, num_samples = (500, 1) if is_paper else (4, 1) if is_tiny else (25, 4)
    accuracy = Probe(data, (RewardConfig("number"),), limit, num_tasks=num_tasks, num_samples=num_samples, temperature=1.0)
    probes = (accuracy, replace(accuracy, name="format", rewards=(RewardConfig("format"),)))
    return StagedConfig(stages=(rl,), probes=probes, card=CARD, final="rl", start_model=model)
