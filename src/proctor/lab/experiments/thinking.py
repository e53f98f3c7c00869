"""Thinking: budgets that end it, and what Qwen3's stages give and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from proctor.config import RewardConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar
from proctor.lab.experiments.rollouts import stage_means
from proctor.lab.experiments.settings import accuracy, pretrained, reinforce
from proctor.recipes import scratchpad
from proctor.recipes.qwen3 import qwen3
from proctor.rollouts.config import ThinkingConfig
from proctor.training.stages.records import Stage, Train

BUDGETS = (6, 11, 16)
"""Tokens of thinking: before the first equation's end, after it, and within the second."""


def _thinking(name: str, budgets: Sequence[int]) -> Arm:
    def stages(base: str) -> tuple[Stage, ...]:
        return (
            scratchpad.imitation("cold_start", base, scratchpad.additions("fused", max_tasks=512), num_steps=24),
            reinforce("stage:cold_start", "grpo", objective={"beta": 0.0}, thinking=ThinkingConfig(budget=tuple(budgets))),
        )

    return Arm(name, stages)


_FUSED = scratchpad.additions("fused")

THINKING_BUDGET = Experiment(
    name="thinking_budget",
    title="Does accuracy fall gracefully with the thinking budget?",
    paper="Qwen3 (2505.09388), figure 2, and lecture p.53: accuracy rises smoothly with the budget; cut thinking still answers.",
    hypothesis="Only where it was trained for: this small model has never read the sentence that is put in, and cannot make sense of it unless "
    "some of its rollouts were cut in training.",
    base=pretrained("unfused"),
    arms=(_thinking("never cut in training", ()), _thinking("cut in training", (*BUDGETS, 48))),
    claims=(
        *(Greater(f"budget_{more}", "cut in training", "cut in training", other_metric=f"budget_{less}") for less, more in pairwise(BUDGETS)),
        Greater("held_out", "cut in training", "cut in training", other_metric=f"budget_{BUDGETS[-1]}"),
        Greater(f"budget_{BUDGETS[-1]}", "cut in training", "never cut in training"),
    ),
    probes=(accuracy(data=_FUSED), *(accuracy(data=_FUSED, name=f"budget_{budget}", thinking_budget=budget) for budget in BUDGETS)),
)

_STAGES = ("cold_start_data", "cold_start", "reasoning_tasks", "reasoning_rl", "thinking_traces", "fusion_data", "fusion_sft", "general_tasks", "general_rl")


def _qwen3(base: str) -> tuple[Stage, ...]:
    """The recipe up to its teacher, from a base of the lab."""
    return tuple(_from(base, stage) for stage in qwen3("pocket").stages if stage.name in _STAGES)


def _from(base: str, stage: Stage) -> Stage:
    if isinstance(stage, Train) and stage.config.model == "stage:pretraining":
        return replace(stage, config=replace(stage.config, model=base))
    return stage


_PROBES = {probe.name: probe for probe in qwen3("pocket").probes}

THINKING_STAGES = Experiment(
    name="thinking_stages",
    title="What do Qwen3's fusion and general RL give, and what do they cost?",
    paper="Qwen3 (2505.09388), table 22, and lecture p.54: fusion adds the other mode and general RL makes flags be followed (88.7 to 98.9); "
    "thinking loses a little on the hardest tasks (AIME24 83.8 to 81.4).",
    hypothesis="Fusion teaches to answer without thinking and costs thinking nothing that can be seen; general RL raises the following of flags. Before "
    "fusion no stage has seen a flag, so thinking is asked for without one there.",
    base=pretrained("unfused"),
    arms=(Arm("qwen3", _qwen3),),
    claims=(
        Greater("reasoning_rl/unflagged", "qwen3", "qwen3", other_metric="cold_start/unflagged"),
        Similar("fusion_sft/think", "qwen3", "qwen3", 0.05, other_metric="reasoning_rl/unflagged"),
        Greater("fusion_sft/empties", "qwen3", "qwen3", other_metric="reasoning_rl/empties"),
        Greater("general_rl/empties", "qwen3", "qwen3", other_metric="fusion_sft/empties"),
        Similar("general_rl/think", "qwen3", "qwen3", 0.05, other_metric="fusion_sft/think"),
    ),
    probes=(
        _PROBES["unflagged"],
        _PROBES["think"],
        replace(_PROBES["think"], name="thinks", rewards=(RewardConfig("mode"),)),
        replace(_PROBES["no_think"], name="empties", rewards=(RewardConfig("mode"),)),
    ),
    curve="",
    measure=stage_means,
)
EXPERIMENTS = (THINKING_BUDGET, THINKING_STAGES)
