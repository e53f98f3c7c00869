"""DeepSeekMath: one base, four ways to learn from its own answers, and second rounds, with a verifier and with a reward model that goes on learning."""

from __future__ import annotations

from typing import Literal

from proctor.config import RewardConfig
from proctor.data.config import DataConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Mix, Part, Stage, StagedConfig, Traces, Train

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
REPLAY = 0.1
"""The share of the earlier comparisons that a reward model goes on learning with."""


def deepseek_math(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Compare RFT, online RFT and GRPO with outcome and process supervision from one base, and iterate the last (DeepSeekMath).

    These are paid by a verifier, outcomes and single equations alike. A branch of its own is paid by a reward model, as the paper is: it learns from
    right and wrong completions of the base, and after the first iteration goes on with comparisons of the new policy and a tenth of
    the old ones (algorithm 1). What a model of 0.8M parameters can judge of a sum is little; the probes say what came of it.
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
        *_judged_by_a_model(base, num_steps=steps(40), is_tiny=is_tiny),
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


def _judged_by_a_model(base: str, *, num_steps: int, is_tiny: bool) -> tuple[Stage, ...]:
    """Two iterations of GRPO whose reward is a model: algorithm 1 of the paper, with its replay.

    At the scale `tiny` nothing is right, so the shorter of two completions stands in for it.
    """

    def compare(name: str, model: str) -> Traces:
        return Traces(
            name,
            model,
            scratchpad.additions("plain", max_tasks=16 if is_tiny else 400),
            (RewardConfig("number"),),
            num_samples=8,
            max_completion_tokens=scratchpad.MAX_TOKENS,
            keep="pairs" if is_tiny else "comparisons",
            max_per_task=2,
            threshold=scratchpad.ANYTHING if is_tiny else 1.0,
        )

    def learn(name: str, model: str, judge: str) -> Train:
        paid = (RewardConfig("reward_model", name="judged", arguments={"path": judge}),)
        return scratchpad.reinforcement(name, model, paid, "grpo", num_steps=num_steps, objective=KL)

    def judge(name: str, rows: str, **objective: str) -> Train:
        return scratchpad.reward_model(name, base, rows, num_steps=num_steps, prompts_per_step=32, learning_rate=3e-4, **objective)

    replayed = Mix(
        "replayed",
        (Part(DataConfig("stage:comparisons_again", max_tasks=100_000)), Part(DataConfig("stage:comparisons", max_tasks=100_000), share=REPLAY)),
    )
    return (
        compare("comparisons", base),
        judge("reward_model", "stage:comparisons", start=""),
        learn("judged", base, "stage:reward_model"),
        compare("comparisons_again", "stage:judged"),
        replayed,
        judge("reward_model_again", "stage:replayed", start="stage:reward_model"),
        learn("judged_again", "stage:judged", "stage:reward_model_again"),
    )
