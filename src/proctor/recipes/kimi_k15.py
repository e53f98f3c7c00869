"""Kimi k1.5: curated tasks, long chains of thought, mirror-descent RL with a late length reward, and four ways to make them short again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import Curriculum, DataConfig, Priorities, ScheduleConfig
from proctor.learner.config import LearnerConfig
from proctor.recipes import scratchpad
from proctor.rollouts.config import RolloutConfig
from proctor.training.stages.records import Card, Curate, Merge, Probe, Stage, StagedConfig, Traces, Train

CARD = Card(
    paper="Kimi k1.5: Scaling Reinforcement Learning with LLMs, 2025, arXiv 2501.12599",
    aims_at="figure 5 (accuracy and length over RL) and section 2.4 (long2short: merging, shortest rejection sampling, DPO, RL)",
    published={
        "objective": "mirror descent, eq. 2 and 3, the group's mean as baseline, optimizer reset at each iteration",
        "length reward": "0.5 - (len - min) / (max - min), capped at 0 for wrong answers, constant after a first phase without it",
        "shortest rejection sampling": "8 samples a task, the shortest right one",
        "DPO": "the shortest right one against wrong longer ones and right ones 1.5 times as long",
        "difficulty": "pass rate of the SFT model over 10 samples",
        "guess test": "out goes what is solved without reasoning in one of 8 tries",
        "sampling": "easy tasks first, then in proportion to 1 - success rate",
        "partial rollouts": "what is unfinished at the end of an iteration's token budget goes on in the next; repetition is ended early",
    },
    unpublished=("tau", "samples a task in RL", "learning rate of RL", "weight and start of the length reward", "how the curriculum grows", "token budgets"),
    hardware={
        "pocket": "11 minutes of one thread (AMD EPYC)",
        "135m": "23 minutes of two cores (AMD EPYC without bf16)",
        "tiny": "the machinery, seconds",
    },
    expected="accuracy rises while the length reward is off; once it is on, completions shorten at little cost; long2short RL is the most token-efficient",
)
REWARDS = (RewardConfig("number", name="accuracy"),)
LONG = "stage:long_rl"
PART_TOKENS = 40
"""A chain of thought that checks every equation has 35 tokens: only the tail is written in parts."""
REPETITION_CHARS = 16


def kimi_k15(scale: Literal["pocket", "135m", "tiny"] = "pocket") -> StagedConfig:
    """Long-CoT fine-tuning, curation, mirror-descent RL with a late length reward, then long2short in its four ways (Kimi k1.5).

    Long RL begins with the tasks that the fine-tuned model finds easy, goes over to those that it fails, and writes rollouts in parts.
    At scale `pocket` a long chain of thought checks every equation by its inverse, a short one does not. Two parts cannot act there: with one update
    a batch the policy is its own reference, so the regulariser of eq. 2 is 0 (several updates destroyed the policy, docs/notes/lab-size.md);
    and a model that never answers without its scratch pad cannot guess, so the guess test finds nothing.
    At scale `135m`, SmolLM2-135M-Instruct on one-digit additions, the model begins as it is, without long chains of thought to imitate, and there is no
    guess test: every answer is one. RL to shorten keeps the limit of 32 tokens there, where the paper has a much smaller one: no answer comes near it.
    """
    return _135m() if scale == "135m" else _pocket(is_tiny=scale == "tiny")


def _pocket(*, is_tiny: bool) -> StagedConfig:
    base, sft = "stage:pretraining", "stage:long_sft"
    few, many, shorten = (2, 2, 2) if is_tiny else (40, 40, 20)
    long_data, short_data = scratchpad.additions("checked"), scratchpad.additions("tagged")

    def mirror_descent(name: str, model: str, num_steps: int, *, length_weight: float, start_step: int, **changes: Any) -> Train:
        objective = {"tau": 1.0, "length_weight": length_weight, "length_start_step": start_step}
        return scratchpad.reinforcement(name, model, REWARDS, "kimi_k15", num_steps=num_steps, objective=objective, learning_rate=1e-4, **changes)

    curated = Curate(
        "curated",
        replace(long_data, max_tasks=16 if is_tiny else 1000),
        (
            {"kind": "exact_duplicates"},
            {"kind": "guessable", "num_tries": 2 if is_tiny else 8, "max_completion_tokens": 4, "instruction": ""},
            {"kind": "difficulty", "num_samples": 2 if is_tiny else 10, "max_pass_rate": 0.9},
        ),
        REWARDS,
        model=sft,
        max_completion_tokens=scratchpad.MAX_TOKENS,
    )
    schedule = ScheduleConfig(curriculum=Curriculum(max(1, many // 4), by="pass_rate", harder="lower"), priorities=Priorities())
    long_rl = mirror_descent(
        "long_rl",
        sft,
        many,
        length_weight=0.05,
        start_step=many // 2,
        data=DataConfig("stage:curated", schedule=schedule),
        rollout=RolloutConfig(partial_tokens=PART_TOKENS, repetition_stop_chars=REPETITION_CHARS),
    )

    stages: tuple[Stage, ...] = (
        scratchpad.pretraining("long_and_short", num_steps=2 if is_tiny else 200),
        scratchpad.imitation("long_sft", base, long_data, num_steps=few),
        curated,
        long_rl,
        scratchpad.imitation("short_sft", base, short_data, num_steps=few),
        *_long2short(
            "stage:short_sft",
            replace(short_data, max_tasks=16 if is_tiny else 500),
            imitation=scratchpad.imitation("shortest_sft", LONG, replace(short_data, train="stage:shortest"), num_steps=few, learning_rate=1e-4),
            preference=_preference("short_dpo", replace(short_data, train="stage:pairs"), num_steps=few),
            reinforcement=mirror_descent("short_rl", LONG, shorten, length_weight=0.2, start_step=0, max_completion_tokens=40),
            max_completion_tokens=scratchpad.MAX_TOKENS,
            threshold=scratchpad.ANYTHING if is_tiny else 1.0,
        ),
        scratchpad.imitation("sft_instead", sft, long_data, num_steps=2 if is_tiny else 200),
    )
    probe = scratchpad.accuracy_probe(num_tasks=8 if is_tiny else 500)
    return StagedConfig(stages=stages, probes=(probe,), card=CARD, final="short_rl", control="sft_instead")


def _135m() -> StagedConfig:
    base, data, limit = "smollm2-135m", DataConfig("arithmetic:digits=1"), 32
    curated = Curate(
        "curated",
        data,
        ({"kind": "exact_duplicates"}, {"kind": "difficulty", "num_samples": 10, "max_pass_rate": 0.9}),
        REWARDS,
        model=base,
        max_completion_tokens=limit,
    )
    long_rl = RunConfig(
        model=base,
        data=DataConfig("stage:curated", schedule=ScheduleConfig(curriculum=Curriculum(8, by="pass_rate", harder="lower"), priorities=Priorities())),
        rewards=REWARDS,
        algorithm="kimi_k15",
        objective={"tau": 1.0, "length_weight": 0.2, "length_start_step": 12},
        num_steps=24,
        prompts_per_step=8,
        group_size=16,
        max_completion_tokens=limit,
        learning_rate=1e-5,
        checkpoint_every=8,
        learner=LearnerConfig(micro_batch_tokens=256),
        evaluation=EvaluationConfig(num_tasks=0),
        rollout=RolloutConfig(partial_tokens=limit // 2, repetition_stop_chars=REPETITION_CHARS),
    )
    short_rl = replace(
        long_rl, model=LONG, data=data, objective={"tau": 1.0, "length_weight": 0.2, "length_start_step": 0}, num_steps=8, rollout=RolloutConfig()
    )
    shortest = replace(short_rl, data=replace(data, train="stage:shortest"), algorithm="sft", objective={}, num_steps=4, group_size=1, prompts_per_step=16)
    stages: tuple[Stage, ...] = (
        curated,
        Train("long_rl", long_rl, is_rl=True),
        *_long2short(
            base,
            data,
            imitation=Train("shortest_sft", shortest),
            preference=_preference(
                "short_dpo",
                replace(data, train="stage:pairs"),
                num_steps=4,
                prompts_per_step=16,
                max_completion_tokens=limit,
                learner=LearnerConfig(micro_batch_tokens=512),
            ),
            reinforcement=Train("short_rl", short_rl, is_rl=True),
            max_completion_tokens=limit,
        ),
    )
    probe = Probe(data, REWARDS, limit, num_tasks=25, num_samples=4, temperature=1.0)
    return StagedConfig(stages=stages, probes=(probe,), card=CARD, final="short_rl", start_model=base)


def _long2short(
    short_model: str,
    data: DataConfig,
    *,
    imitation: Train,
    preference: Train,
    reinforcement: Train,
    max_completion_tokens: int,
    threshold: float = 1.0,
) -> tuple[Stage, ...]:
    """The four ways of section 2.4 from the long model to a short one, side by side.

    Args:
        short_model: is merged with the long one.
        data: whose tasks the long model answers.
        imitation: of `stage:shortest`.
        preference: of `stage:pairs`.
        reinforcement: with a length reward from its first step.
        max_completion_tokens: of an answer.
        threshold: least reward of a right answer.
    """

    def answered(name: str, keep: Literal["shortest", "pairs"]) -> Traces:
        return Traces(name, LONG, data, REWARDS, num_samples=8, max_completion_tokens=max_completion_tokens, keep=keep, length_ratio=1.5, threshold=threshold)

    merged = Merge("merged", (LONG, short_model), (0.5, 0.5))
    return (merged, answered("shortest", "shortest"), imitation, answered("pairs", "pairs"), preference, reinforcement)


def _preference(name: str, data: DataConfig, *, num_steps: int, **changes: Any) -> Train:
    config = RunConfig(
        model=LONG,
        data=data,
        rewards=REWARDS,
        algorithm="dpo",
        objective={"source": "demonstrations"},
        num_steps=num_steps,
        prompts_per_step=32,
        group_size=2,
        max_completion_tokens=scratchpad.MAX_TOKENS,
        learning_rate=1e-5,
        checkpoint_every=1000,
        learner=LearnerConfig(micro_batch_tokens=8192),
        evaluation=EvaluationConfig(num_tasks=0),
    )
    return Train(name, replace(config, **changes))
