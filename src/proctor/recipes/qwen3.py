"""Qwen3: cold start, reasoning RL, thinking-mode fusion, general RL, and strong-to-weak distillation."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from proctor.config import EvaluationConfig, RewardConfig, RunConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Mix, Part, StagedConfig, Traces, Train

CARD = Card(
    paper="Qwen3 Technical Report, 2025, arXiv 2505.09388",
    aims_at="table 22 (thinking and non-thinking after each stage) and table 21 (distillation against RL)",
    published={
        "cold start": "a small set of verified long traces, few steps",
        "reasoning RL": "GRPO on 3,995 query-verifier pairs unused in the cold start, 170 steps",
        "fusion": "thinking data by rejection sampling of stage-1 queries with the stage-2 model; /think and /no_think, an empty block for the latter",
        "general RL": "several rewards over more than 20 tasks, following the flags among them",
        "distillation": "off-policy on the teacher's outputs in both modes, then on-policy on its logits",
    },
    unpublished=("batch, rollouts and learning rate of RL", "sizes of the fusion data", "divergence and its direction"),
    hardware={"pocket": "12 minutes of one thread (AMD EPYC)", "tiny": "the machinery, seconds"},
    expected="reasoning RL raises thinking accuracy; fusion adds the other mode and costs a little; general RL makes flags be followed",
)
THINK, NO_THINK = "{prompt} /think", "{prompt} /no_think"
EMPTY = "<think>\n\n</think>\n\n"
TEACHER = "stage:general_rl"


def qwen3(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Four stages to a model that thinks when asked to, and two ways to teach a student with it (Qwen3)."""
    is_tiny = scale == "tiny"
    accuracy = RewardConfig("number", name="accuracy")
    obeys = RewardConfig("mode", weight=0.5)

    def steps(number: int) -> int:
        return 2 if is_tiny else number

    traces = Traces(
        "thinking_traces",
        "stage:reasoning_rl",
        _additions("fused", max_tasks=16 if is_tiny else 1000),
        (accuracy,),
        num_samples=4,
        max_completion_tokens=scratchpad.MAX_TOKENS,
        threshold=scratchpad.ANYTHING if is_tiny else 1.0,
    )
    fusion = Mix(
        "fusion_data",
        (
            Part(DataConfig("stage:thinking_traces", template=THINK)),
            Part(_additions("direct", template=NO_THINK, max_tasks=16 if is_tiny else 1000), prefix=EMPTY),
        ),
    )
    both = Mix("general_tasks", tuple(Part(_additions("fused", template=template, max_tasks=16 if is_tiny else 1000)) for template in (THINK, NO_THINK)))
    general = scratchpad.reinforcement("general_rl", "stage:fusion_sft", (accuracy, obeys), "grpo", num_steps=steps(30), objective={"beta": 0.001})
    lessons = replace(traces, name="lessons", model=TEACHER, data=DataConfig("stage:general_tasks"), num_samples=2)
    stages = (
        scratchpad.imitation("pretraining", POCKET_UNTRAINED, _additions("unfused"), num_steps=steps(170), learning_rate=1e-3),
        scratchpad.imitation("cold_start", "stage:pretraining", _additions("fused", max_tasks=512), num_steps=steps(24)),
        scratchpad.reinforcement("reasoning_rl", "stage:cold_start", (accuracy,), "grpo", num_steps=steps(40), objective={"beta": 0.0}),
        traces,
        fusion,
        scratchpad.imitation("fusion_sft", "stage:reasoning_rl", DataConfig("stage:fusion_data"), num_steps=steps(60)),
        both,
        _on(general, "stage:general_tasks"),
        lessons,
        scratchpad.imitation("student", POCKET_UNTRAINED, _additions("unfused"), num_steps=steps(80), learning_rate=1e-3),
        scratchpad.imitation("off_policy", "stage:student", DataConfig("stage:lessons"), num_steps=steps(60)),
        _distillation("on_policy", "stage:off_policy", num_steps=steps(30)),
        scratchpad.imitation("sft_instead", "stage:cold_start", _additions("fused"), num_steps=steps(150)),
    )
    modes = (("think", THINK), ("no_think", NO_THINK), ("unflagged", "{prompt}"))
    probes = tuple(
        scratchpad.accuracy_probe(name=name, data=_additions("fused", template=template), num_tasks=8 if is_tiny else 500) for name, template in modes
    )
    return StagedConfig(stages=stages, probes=probes, card=CARD, final="general_rl", control="sft_instead")


def _additions(form: str, *, template: str = "{prompt}", max_tasks: int = 4000) -> DataConfig:
    return replace(scratchpad.additions(form, max_tasks=max_tasks), template=template)


def _on(stage: Train, source: str) -> Train:
    return replace(stage, config=replace(stage.config, data=DataConfig(source)))


def _distillation(name: str, model: str, *, num_steps: int) -> Train:
    """The student writes, the teacher's distribution over the vocabulary is the target (section 4.5)."""
    config = RunConfig(
        model=model,
        data=DataConfig("stage:general_tasks"),
        rewards=(RewardConfig("number", name="accuracy"),),
        algorithm="on_policy_distillation",
        objective={"teacher": TEACHER},
        num_steps=num_steps,
        prompts_per_step=64,
        group_size=1,
        max_completion_tokens=scratchpad.MAX_TOKENS,
        learning_rate=3e-4,
        checkpoint_every=1000,
        learner=LearnerConfig(micro_batch_tokens=8192),
        evaluation=EvaluationConfig(num_tasks=0),
    )
    return Train(name, config)
