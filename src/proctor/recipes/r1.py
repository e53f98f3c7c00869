"""DeepSeek-R1: cold start, reasoning RL with language consistency, rejection sampling from the base, RL over all scenarios."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from proctor.config import RewardConfig
from proctor.learner.config import LearnerConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Mix, Part, Probe, StagedConfig, Traces, Train

CARD = Card(
    paper="DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning, 2025, arXiv 2501.12948",
    aims_at="the stage table: R1-Zero, Dev1 (cold start), Dev2 (reasoning RL), Dev3 (rejection sampling), R1",
    published={
        "cold start": "thousands of traces, 2-3 epochs, cosine 5e-5 to 5e-6, batch 128",
        "reasoning RL": "as R1-Zero with clip range 10 and the language-consistency reward added, with weight 1",
        "rejection sampling": "about 600k reasoning and 200k other examples, from the base again, 2 epochs",
        "RL over all scenarios": "temperature 0.7, 1,700 steps, preference reward in the last 400 alone",
    },
    unpublished=("optimizer constants", "the data", "weight of the preference reward"),
    hardware={"pocket": "about a quarter of an hour of one thread", "tiny": "the machinery, seconds"},
    expected="cold start costs a little accuracy and gives the format; each RL stage raises accuracy; rejection sampling keeps it",
)

BASE = "stage:pretraining"


def r1(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Four stages from a base model to a reasoning model (DeepSeek-R1), on additions worked out in writing.

    The last stage has two parts, as in the paper: a quarter of its steps, the last ones, are paid by a reward model too. Here that model learns
    from pairs of the model's own completions, the shortest right one against longer wrong ones, where the paper has judged pairs of general
    tasks. The other 200,000 examples of the paper's third stage are demonstrations of the same additions here. The paper's clip of
    epsilon = 10 has a negative lower bound, which never binds; the one here, 0.01, hardly does.
    """
    is_tiny = scale == "tiny"
    rewards = (RewardConfig("number", name="accuracy"), RewardConfig("format"), RewardConfig("language", arguments={"language": "en"}))
    rl = scratchpad.reinforcement(
        "reasoning_rl",
        "stage:cold_start",
        rewards,
        "grpo",
        num_steps=2 if is_tiny else 40,
        objective={"beta": 0.001, "clip_low": 0.99, "clip_high": 10.0},
        learner=LearnerConfig(micro_batch_tokens=8192, num_warmup_steps=5, replace_reference_every=400),
    )
    traces = Traces(
        "traces",
        "stage:reasoning_rl",
        scratchpad.additions("english", max_tasks=16 if is_tiny else 1200),
        rewards,
        num_samples=4,
        max_completion_tokens=64,
        threshold=scratchpad.ANYTHING if is_tiny else 3.0,
    )
    mixture = Mix(
        "sft_data",
        (Part(replace(scratchpad.additions("english"), train="stage:traces")), Part(scratchpad.additions("english"), num_rows=16 if is_tiny else 400)),
    )
    preferences = replace(traces, name="preferences", model="stage:rejection_sft", num_samples=8, keep="pairs", max_per_task=2, threshold=traces.threshold)
    helpful = RewardConfig("reward_model", weight=0.1, name="preference", arguments={"path": "stage:reward_model"})

    def all_scenarios(name: str, model: str, *further: RewardConfig, num_steps: int) -> Train:
        # A third of the rate of the first stage: three groups in four are unanimous here, so that most of a step is noise (docs/recipes.md).
        return scratchpad.reinforcement(
            name,
            model,
            (*rewards, *further),
            "grpo",
            num_steps=2 if is_tiny else num_steps,
            objective={"beta": 0.001},
            temperature=0.7,
            learning_rate=1e-4,
        )

    steps = 2 if is_tiny else None
    return StagedConfig(
        stages=(
            scratchpad.pretraining("bilingual", num_steps=steps or 240),
            scratchpad.imitation("cold_start", BASE, scratchpad.additions("english", max_tasks=512), num_steps=steps or 24),
            rl,
            traces,
            mixture,
            scratchpad.imitation("rejection_sft", BASE, replace(scratchpad.additions("english"), train="stage:sft_data"), num_steps=steps or 60),
            all_scenarios("rl_all_scenarios", "stage:rejection_sft", num_steps=23),
            preferences,
            scratchpad.reward_model("reward_model", "stage:rejection_sft", "stage:preferences", num_steps=steps or 30, prompts_per_step=16, learning_rate=1e-4),
            all_scenarios("rl_preferences", "stage:rl_all_scenarios", helpful, num_steps=7),
            scratchpad.imitation("sft_instead", "stage:cold_start", scratchpad.additions("english"), num_steps=steps or 150),
        ),
        probes=(probe := scratchpad.accuracy_probe(num_tasks=8 if is_tiny else 500), _format_probe(probe)),
        card=CARD,
        final="rl_preferences",
        control="sft_instead",
    )


def _format_probe(probe: Probe) -> Probe:
    return replace(probe, name="format", rewards=(RewardConfig("format"),))
