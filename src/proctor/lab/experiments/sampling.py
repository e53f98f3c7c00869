"""Which rollouts and which tasks a step learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proctor.config import EngineConfig
from proctor.data.config import Curriculum, DataConfig, Priorities, ScheduleConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar
from proctor.lab.experiments.settings import ACCURACY, NUM_STEPS, accuracy, arm, pretrained, reinforce
from proctor.recipes import scratchpad
from proctor.training.stages.records import Curate, Stage

_NONE = {"clip_high": 0.2, "cache_fraction": 0.0, "max_refills": 0, "drops_truncated": False}
_LIMIT = 40
"""Tokens: an addition with every equation checked ends about there."""


def _part(name: str, algorithm: str = "dapo", **objective: Any) -> Arm:
    return arm(name, algorithm, objective=objective, learner={"num_minibatches": 4}, max_completion_tokens=_LIMIT)


DAPO_PARTS = Experiment(
    name="dapo_parts",
    title="What does each part of DAPO do?",
    paper="DAPO (2503.14476), table 1: 30 on AIME with GRPO; overlong filtering 36, clip-higher 38, soft punishment 41, token mean 42, dynamic sampling 50.",
    hypothesis="Clip-higher keeps entropy up; overlong handling shortens what is cut off; dynamic sampling learns most a step (and samples more for it); "
    "token mean alone changes little, since lengths hardly differ.",
    base=pretrained("long_and_short"),
    arms=(
        _part("grpo", "grpo", beta=0.0),
        _part("token mean", **_NONE),
        _part("clip-higher", **{**_NONE, "clip_high": 0.28}),
        _part("dynamic sampling", **{**_NONE, "max_refills": 3}),
        _part("overlong", **{**_NONE, "cache_fraction": 0.2, "drops_truncated": True}),
        _part("all", max_refills=3),
    ),
    claims=(
        Similar("held_out", "token mean", "grpo", 0.05),
        Greater("entropy_last", "clip-higher", "token mean"),
        Greater("truncated_fraction_last", "token mean", "overlong"),
        Greater("held_out", "dynamic sampling", "token mean"),
        Greater("held_out", "all", "grpo"),
    ),
    probes=(accuracy(),),
)

_TASKS = scratchpad.additions("plain")

CURRICULUM = Experiment(
    name="curriculum",
    title="Easy tasks first, or what fails most?",
    paper="Kimi k1.5 (2501.12599), figure 9, and lecture p.44: a curriculum from easy to hard beats uniform sampling; tasks in proportion to 1 - success.",
    hypothesis="Little: additions of two digits differ by their carries alone, and uniform sampling already mixes all three kinds in every step.",
    base=pretrained("plain"),
    arms=(
        arm("uniform", "grpo", objective={"beta": 0.0}),
        arm("curriculum", "grpo", objective={"beta": 0.0}, data=replace(_TASKS, schedule=ScheduleConfig(curriculum=Curriculum(num_steps=15, by="carries")))),
        arm("priorities", "grpo", objective={"beta": 0.0}, data=replace(_TASKS, schedule=ScheduleConfig(priorities=Priorities()))),
    ),
    claims=(Greater("held_out", "curriculum", "uniform"), Greater("held_out", "priorities", "uniform")),
    probes=(accuracy(),),
)

_POOL = scratchpad.additions("plain", max_tasks=1000)
_GRPO = {"beta": 0.0}
_STEPS_OF_THE_FILTER = 5
"""Steps that cost about as much as measuring the pool does: 8,000 completions are sampled in 16 steps, and sampling is a third of a step."""


def _filtered(base: str) -> tuple[Stage, ...]:
    measured = {"kind": "difficulty", "num_samples": 8, "max_pass_rate": 0.95}
    chosen = Curate("chosen", _POOL, (measured, {"kind": "learnable"}), ACCURACY, model=base, max_completion_tokens=scratchpad.MAX_TOKENS)
    return (chosen, reinforce(base, "grpo", objective=_GRPO, data=DataConfig("stage:chosen")))


DIFFICULTY_FILTER = Experiment(
    name="difficulty_filter",
    title="Is it worth measuring how hard tasks are, first?",
    paper="Kimi k1.5 (2501.12599), section 2.1, and Qwen3 (2505.09388), section 4.2, lecture p.41 and p.51: tasks by the model's own pass rate; what is "
    "never or always solved teaches nothing.",
    hypothesis="More groups have variance, so thirty steps teach more. Against as many more steps as the measuring costs it is a draw: the pool is "
    "measured once, by a model that soon is another one.",
    base=pretrained("plain"),
    arms=(
        arm("all tasks", "grpo", objective=_GRPO, data=_POOL),
        arm("all tasks, longer", "grpo", objective=_GRPO, data=_POOL, num_steps=NUM_STEPS + _STEPS_OF_THE_FILTER),
        Arm("filtered", _filtered),
    ),
    claims=(
        Greater("unanimous_fraction_all", "all tasks", "filtered"),
        Greater("held_out", "filtered", "all tasks"),
        Similar("held_out", "filtered", "all tasks, longer", 0.05),
    ),
    probes=(accuracy(),),
)

PRECISION = Experiment(
    name="precision",
    title="What does it cost to sample from rounded weights, and does a correction pay it back?",
    paper="Yao et al. 2025 (truncated importance sampling; FlashRL) and IcePop: samplers of lower precision than the trainer make RL off-policy without "
    "saying so; weighing tokens by the ratio mends it.",
    hypothesis="Eight bits cost nothing: they are as near to the policy as bf16 is (0.003 nats a token). Four bits (0.12 nats, and an accuracy of 0.11 where "
    "the policy has 0.19; by a look before that is not in the repository) cost accuracy, and the correction gives part of it back.",
    base=pretrained("plain"),
    arms=(
        arm("same weights", "grpo", objective=_GRPO),
        arm("int8", "grpo", objective=_GRPO, engine=EngineConfig(precision="int8")),
        arm("int4", "grpo", objective=_GRPO, engine=EngineConfig(precision="int4")),
        arm("int4, corrected", "grpo", objective={**_GRPO, "correction": "truncated_importance"}, engine=EngineConfig(precision="int4")),
    ),
    claims=(
        Similar("held_out", "int8", "same weights", 0.05),
        Greater("held_out", "same weights", "int4"),
        Greater("held_out", "int4, corrected", "int4"),
    ),
    probes=(accuracy(),),
)

EXPERIMENTS = (DAPO_PARTS, CURRICULUM, DIFFICULTY_FILTER, PRECISION)
