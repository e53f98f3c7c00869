"""DeepSeek-R1's distillation: a student imitates the traces of a reinforced teacher, against reinforcement of the student itself."""

from __future__ import annotations

from typing import Literal

from proctor.config import RewardConfig
from proctor.data.config import DataConfig
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, StagedConfig, Traces

CARD = Card(
    paper="DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning, 2025, arXiv 2501.12948",
    aims_at="table 6 (a 32B student distilled, against the same student reinforced)",
    published={
        "traces": "about 800,000, 600,000 of them reasoning, kept when right",
        "student": "supervised fine-tuning alone, 2 to 3 epochs, no reinforcement after it",
        "reinforced student": "Qwen-32B, over 10,000 steps",
    },
    unpublished=("rollouts and learning rate of the reinforced student", "compute of either side"),
    hardware={"pocket": "two cores", "tiny": "the machinery, seconds"},
    expected="distillation beats reinforcement of the student by a wide margin",
)
TEACHER, STUDENT = "stage:teacher", "stage:student"


def r1_distill(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Teach a weak student by a stronger model's verified traces, and reinforce the same student instead (DeepSeek-R1).

    Equal compute on the student's side: a step of reinforcement, which samples 512 completions and trains on those that teach, takes about as
    long as 6.5 steps of imitation of 64 sequences (median of the recipes in docs/results/recipes.json). The teacher's own training and its
    traces are not counted, as in the paper. Before and after are those of the reinforced student, whose model is the result; the distilled one is
    the control, and its model lies in its stage.
    """
    is_tiny = scale == "tiny"
    accuracy = (RewardConfig("number", name="accuracy"),)

    def steps(number: int) -> int:
        return 2 if is_tiny else number

    lessons = Traces(
        "lessons",
        TEACHER,
        scratchpad.additions("plain", max_tasks=16 if is_tiny else 1500),
        accuracy,
        num_samples=2,
        max_completion_tokens=scratchpad.MAX_TOKENS,
        threshold=scratchpad.ANYTHING if is_tiny else 1.0,
    )
    stages = (
        scratchpad.imitation("student", POCKET_UNTRAINED, scratchpad.additions("plain"), num_steps=steps(110), learning_rate=1e-3),
        scratchpad.reinforcement("reinforced", STUDENT, accuracy, "grpo", num_steps=steps(25), objective={"beta": 0.0}),
        scratchpad.imitation("teacher_start", STUDENT, scratchpad.additions("plain"), num_steps=steps(80)),
        scratchpad.reinforcement("teacher", "stage:teacher_start", accuracy, "grpo", num_steps=steps(30), objective={"beta": 0.0}),
        lessons,
        scratchpad.imitation("distilled", STUDENT, DataConfig("stage:lessons"), num_steps=steps(160)),
    )
    return StagedConfig(
        stages=stages,
        probes=(
            scratchpad.accuracy_probe(num_tasks=8 if is_tiny else scratchpad.NUM_HELD_OUT),
            scratchpad.accuracy_probe(name="greedy", num_tasks=8 if is_tiny else scratchpad.NUM_HELD_OUT, temperature=0.0, num_samples=1),
        ),
        card=CARD,
        final="reinforced",
        control="distilled",
    )
