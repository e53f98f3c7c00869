"""DeepSeekMath: one base, four ways to learn from its own answers, and a second round of the best."""

from __future__ import annotations

from typing import Literal

from proctor.config import RewardConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, StagedConfig, Train

CARD = Card(
    paper="DeepSeekMath: Pushing the Limits of Mathematical Reasoning in Open Language Models, 2024, arXiv 2402.03300",
    aims_at="figure 5 (RFT, online RFT, GRPO with outcome and with process supervision) and figure 6 (iterations of GRPO)",
    published={
        "algorithm": "GRPO, KL coefficient 0.04, one update a batch",
        "rollouts": "64 a question, 1,024 a batch",
        "learning rate": "1e-6 (policy), 2e-5 (reward model)",
        "length": "1,024 tokens",
        "iterations": "the reference becomes the policy; the reward model goes on learning with 10 % of its earlier data",
    },
    unpublished=("clip range", "temperature", "number of steps of the 7B run", "the reward model's data"),
    hardware={"pocket": "two cores", "tiny": "the machinery, seconds"},
    expected="RFT < online RFT < GRPO, outcome <= process; a second iteration adds less than the first",
)
KL = {"beta": 0.04}


def deepseek_math(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Compare RFT, online RFT and GRPO with outcome and process supervision from one base, and iterate the last (DeepSeekMath).

    Rewards are verified, outcomes and single equations alike, where the paper has a learned reward model: nothing is there to be
    trained further between iterations, so its replay of earlier data has no counterpart here.
    """
    is_tiny = scale == "tiny"
    base = "stage:pretraining"
    accuracy = (RewardConfig("equations", name="accuracy"),)  # scores steps too, which process supervision needs

    def steps(number: int) -> int:
        return 2 if is_tiny else number

    def learn(name: str, model: str, algorithm: str, **objective: float) -> Train:
        return scratchpad.reinforcement(name, model, accuracy, algorithm, num_steps=steps(40), objective=objective)

    stages = (
        scratchpad.pretraining("plain", num_steps=steps(130)),
        learn("rft", base, "rft"),
        learn("online_rft", base, "online_rft"),
        learn("grpo_outcome", base, "grpo", **KL),
        learn("grpo_process", base, "grpo_process", **KL),
        learn("second_iteration", "stage:grpo_process", "grpo_process", **KL),
        scratchpad.imitation("sft_instead", base, scratchpad.additions("plain"), num_steps=steps(160)),
    )
    num_tasks = 8 if is_tiny else scratchpad.NUM_HELD_OUT
    return StagedConfig(
        stages=stages,
        probes=(
            scratchpad.accuracy_probe(num_tasks=num_tasks),
            scratchpad.accuracy_probe(name="of_eight", num_tasks=8 if is_tiny else 100, num_samples=8, ks=(1, 8)),
        ),
        card=CARD,
        final="second_iteration",
        control="sft_instead",
    )
