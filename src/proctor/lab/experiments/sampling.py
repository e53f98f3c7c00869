"""Which rollouts and which tasks a step learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proctor.data.config import Curriculum, Priorities, ScheduleConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar
from proctor.lab.experiments.settings import accuracy, pretrained
from proctor.lab.experiments.supervision import arm
from proctor.recipes import scratchpad

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

EXPERIMENTS = (DAPO_PARTS, CURRICULUM)
