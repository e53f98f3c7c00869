"""DeepSeek-R1: cold start, reasoning RL with language consistency, rejection sampling from the base, RL over all scenarios."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from proctor.config import RewardConfig
from proctor.learner.config import LearnerConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Mix, Part, Probe, StagedConfig, Traces

CARD = Card(
    paper="DeepSeek-R1: Incentivizing Reasoning Capability in LLMs via Reinforcement Learning, 2025, arXiv 2501.12948",
    aims_at="the stage table: R1-Zero, Dev1 (cold start), Dev2 (reasoning RL), Dev3 (rejection sampling), R1",
    published={
        "cold start": "thousands of traces, 2-3 epochs, cosine 5e-5 to 5e-6, batch 128",
        "reasoning RL": "as R1-Zero with clip range 10 and the language-consistency reward added",
        "rejection sampling": "about 600k reasoning and 200k other examples, from the base again, 2 epochs",
        "RL over all scenarios": "temperature 0.7, 1,700 steps, preference reward in the last 400 alone",
    },
    unpublished=("optimizer constants", "weight of the language reward", "the data"),
    hardware={"pocket": "11 minutes of one thread (AMD EPYC)", "tiny": "the machinery, seconds"},
    expected="cold start costs a little accuracy and gives the format; each RL stage raises accuracy; rejection sampling keeps it",
)

BASE = "stage:pretraining"


def r1(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Four stages from a base model to a reasoning model (DeepSeek-R1), on additions worked out in writing.

    The preference reward of the last stage stands for a helpful model's here: a short answer, paid late, as in the paper.
    """
    is_tiny = scale == "tiny"
    rewards = (RewardConfig("number", name="accuracy"), RewardConfig("format"), RewardConfig("language", weight=0.1, arguments={"language": "en"}))
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
        rewards[:2],
        num_samples=4,
        max_completion_tokens=64,
        threshold=scratchpad.ANYTHING if is_tiny else 2.0,
    )
    mixture = Mix(
        "sft_data",
        (Part(replace(scratchpad.additions("english"), train="stage:traces")), Part(scratchpad.additions("english"), num_rows=16 if is_tiny else 400)),
    )
    final = scratchpad.reinforcement(
        "rl_all_scenarios", "stage:rejection_sft", rewards, "grpo", num_steps=2 if is_tiny else 30, objective={"beta": 0.001}, temperature=0.7
    )
    steps = 2 if is_tiny else None
    return StagedConfig(
        stages=(
            scratchpad.pretraining("bilingual", num_steps=steps or 170),
            scratchpad.imitation("cold_start", BASE, scratchpad.additions("english", max_tasks=512), num_steps=steps or 24),
            rl,
            traces,
            mixture,
            scratchpad.imitation("rejection_sft", BASE, replace(scratchpad.additions("english"), train="stage:sft_data"), num_steps=steps or 60),
            final,
            scratchpad.imitation("sft_instead", "stage:cold_start", scratchpad.additions("english"), num_steps=steps or 150),
        ),
        probes=(probe := scratchpad.accuracy_probe(num_tasks=8 if is_tiny else 500), _format_probe(probe)),
        card=CARD,
        final="rl_all_scenarios",
        control="sft_instead",
    )


def _format_probe(probe: Probe) -> Probe:
    return replace(probe, name="format", rewards=(RewardConfig("format"),))
