"""Qwen3: cold start, reasoning RL, thinking-mode fusion, general RL, and strong-to-weak distillation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from proctor.config import RewardConfig
from proctor.data.config import DataConfig
from proctor.learner.config import LearnerConfig
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.recipes import scratchpad
from proctor.training.stages.records import Card, Curate, Mix, Part, Stage, StagedConfig, Traces, Train

CARD = Card(
    paper="Qwen3 Technical Report, 2025, arXiv 2505.09388",
    aims_at="table 22 (thinking and non-thinking after each stage) and table 21 (distillation against RL)",
    published={
        "cold start": "a small set of verified long traces, few steps",
        "reasoning RL": "GRPO on 3,995 query-verifier pairs, unused in the cold start, learnable, as hard as possible, of broad domains; 170 steps",
        "fusion": "thinking data by rejection sampling of stage-1 queries with the stage-2 model; /think and /no_think, an empty block for the latter; "
        "some thinking samples without a flag",
        "general RL": "several rewards over more than 20 tasks, following the flags among them",
        "distillation": "off-policy on the teacher's outputs in both modes, then on-policy on its logits",
    },
    unpublished=("batch, rollouts and learning rate of RL", "sizes of the fusion data", "divergence and its direction"),
    hardware={"pocket": "about a quarter of an hour of one thread", "tiny": "the machinery, seconds"},
    expected="reasoning RL raises thinking accuracy; fusion adds the other mode and costs a little; general RL makes flags be followed; a student taught "
    "by its teacher does better than one that is reinforced",
)
THINK, NO_THINK = "{prompt} /think", "{prompt} /no_think"
EMPTY = "<think>\n\n</think>\n\n"
TEACHER = "stage:general_rl"


def qwen3(scale: Literal["pocket", "tiny"] = "pocket") -> StagedConfig:
    """Four stages to a model that thinks when asked to, two ways to teach a student with it, and the same student reinforced instead (Qwen3)."""
    is_tiny = scale == "tiny"
    accuracy = RewardConfig("number", name="accuracy")
    obeys = RewardConfig("mode", weight=0.5)

    def steps(number: int) -> int:
        return 2 if is_tiny else number

    cold_start = Mix("cold_start_data", (Part(_additions("fused", max_tasks=16 if is_tiny else 512)),))
    traces = Traces(
        "thinking_traces",
        "stage:reasoning_rl",
        DataConfig("stage:cold_start_data"),
        (accuracy, obeys),
        num_samples=4,
        max_per_task=2,
        max_completion_tokens=scratchpad.MAX_TOKENS,
        threshold=scratchpad.ANYTHING if is_tiny else accuracy.weight + obeys.weight,
    )
    fusion = Mix(
        "fusion_data",
        (
            Part(DataConfig("stage:thinking_traces", template=THINK)),
            Part(DataConfig("stage:thinking_traces"), num_rows=16 if is_tiny else 200),
            Part(_additions("direct", template=NO_THINK, max_tasks=16 if is_tiny else 1000), prefix=EMPTY),
        ),
    )
    both = Mix(
        "general_tasks", tuple(Part(_additions("fused", template=template, max_tasks=16 if is_tiny else 1000)) for template in (THINK, NO_THINK, "{prompt}"))
    )
    general = scratchpad.reinforcement("general_rl", "stage:fusion_sft", (accuracy, obeys), "grpo", num_steps=steps(30), objective={"beta": 0.001})
    lessons = replace(traces, name="lessons", model=TEACHER, data=DataConfig("stage:general_tasks"), num_samples=2, max_per_task=1)
    reasoning = scratchpad.reinforcement("reasoning_rl", "stage:cold_start", (accuracy,), "grpo", num_steps=steps(40), objective={"beta": 0.0})
    stages: tuple[Stage, ...] = (
        scratchpad.imitation("pretraining", POCKET_UNTRAINED, _additions("unfused"), num_steps=steps(170), learning_rate=1e-3),
        cold_start,
        scratchpad.imitation("cold_start", "stage:pretraining", DataConfig("stage:cold_start_data"), num_steps=steps(24)),
        _query_verifier_pairs(accuracy, is_tiny=is_tiny),
        _on(reasoning, "stage:reasoning_tasks"),
        traces,
        fusion,
        scratchpad.imitation("fusion_sft", "stage:reasoning_rl", DataConfig("stage:fusion_data"), num_steps=steps(60)),
        both,
        _on(general, "stage:general_tasks"),
        lessons,
        scratchpad.imitation("student", POCKET_UNTRAINED, _additions("unfused"), num_steps=steps(130), learning_rate=1e-3),
        scratchpad.imitation("off_policy", "stage:student", DataConfig("stage:lessons"), num_steps=steps(60)),
        _distillation("on_policy", "stage:off_policy", num_steps=steps(30)),
        _on(replace(reasoning, name="student_rl", config=replace(reasoning.config, model="stage:off_policy", num_steps=steps(20))), "stage:general_tasks"),
        scratchpad.imitation("sft_instead", "stage:cold_start", _additions("fused"), num_steps=steps(150)),
    )
    modes = (("unflagged", "{prompt}"), ("think", THINK), ("no_think", NO_THINK))
    probes = tuple(
        scratchpad.accuracy_probe(name=name, data=_additions("fused", template=template), num_tasks=8 if is_tiny else 500) for name, template in modes
    )
    return StagedConfig(stages=stages, probes=probes, card=CARD, final="general_rl", control="sft_instead")


def _query_verifier_pairs(accuracy: RewardConfig, *, is_tiny: bool) -> Curate:
    """Tasks that are unused in the cold start, learnable and as hard as possible (section 4.2). A model of random weights has learned none."""
    filters: list[dict[str, Any]] = [
        {"kind": "unused", "files": ["stage:cold_start_data"]},
        {"kind": "difficulty", "num_samples": 2 if is_tiny else 8},
    ]
    if not is_tiny:
        filters += [{"kind": "learnable"}, {"kind": "hardest", "num_rows": 600, "by": "source"}]
    data = _additions("fused", max_tasks=32 if is_tiny else 1500)
    limit = scratchpad.MAX_TOKENS
    return Curate("reasoning_tasks", data, tuple(filters), (accuracy,), model="stage:cold_start", max_completion_tokens=limit)


def _additions(form: str, *, template: str = "{prompt}", max_tasks: int = 4000) -> DataConfig:
    return replace(scratchpad.additions(form, max_tasks=max_tasks), template=template)


def _on(stage: Train, source: str) -> Train:
    return replace(stage, config=replace(stage.config, data=DataConfig(source)))


def _distillation(name: str, model: str, *, num_steps: int) -> Train:
    """The student writes, the teacher's distribution over the vocabulary is the target (section 4.5)."""
    taught = scratchpad.reinforcement(
        name,
        model,
        (RewardConfig("number", name="accuracy"),),
        "on_policy_distillation",
        num_steps=num_steps,
        data=DataConfig("stage:general_tasks"),
        objective={"teacher": TEACHER},
        group_size=1,
        learner=LearnerConfig(micro_batch_tokens=8192),
    )
    return replace(taught, is_rl=False)
