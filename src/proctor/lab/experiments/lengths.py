"""Lengths: which objectives make completions longer or shorter, and what a length reward costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from proctor.algorithms.group_relative import dr_grpo
from proctor.algorithms.losses import SequenceMean, TokenLoss
from proctor.algorithms.spec import Objective
from proctor.lab.experiments.records import Experiment, Greater, Similar, Values
from proctor.lab.experiments.rollouts import last_groups
from proctor.lab.experiments.settings import NUM_STEPS, accuracy, arm, pretrained

BASE = pretrained("long_and_short")


def centred_sequence_mean(*, max_completion_tokens: int) -> Objective:
    """Dr. GRPO with 1/|o| put back: what GRPO does to lengths, without its division by the standard deviation."""
    plain = dr_grpo(max_completion_tokens=max_completion_tokens)
    assert isinstance(plain.loss, TokenLoss)
    return replace(plain, name="centred_sequence_mean", loss=replace(plain.loss, aggregation=SequenceMean()))


def _lengths(run: Path) -> Values:
    """Mean tokens of right and of wrong completions over the last ten steps, a length reward left out; NaN where there were none."""
    members = [(right, length) for group in last_groups(run) for right, length in zip(group.is_right, group.lengths, strict=True)]

    def mean(lengths: list[int]) -> float:
        return sum(lengths) / len(lengths) if lengths else float("nan")

    return {
        "right_length": mean([length for right, length in members if right]),
        "wrong_length": mean([length for right, length in members if not right]),
    }


LENGTH_BIAS = Experiment(
    name="length_bias",
    title="Does 1/|o| make wrong answers longer?",
    paper="Dr. GRPO (2503.20783), figure 5, and lecture p.24: with GRPO wrong answers grow, with Dr. GRPO they do not; rewards are alike.",
    hypothesis="A little, if at all: the scratch pad bounds how long an addition can be, unlike free text. One arm has 1/|o| alone put back into "
    "Dr. GRPO, since GRPO differs by its standard deviation too.",
    base=BASE,
    arms=(
        arm("grpo", "grpo", objective={"beta": 0.0}),
        arm("centred, 1/|o|", "proctor.lab.experiments.lengths:centred_sequence_mean"),
        arm("dr_grpo", "dr_grpo"),
    ),
    claims=(
        Greater("wrong_length", "grpo", "dr_grpo"),
        Greater("wrong_length", "centred, 1/|o|", "dr_grpo"),
        Similar("held_out", "grpo", "dr_grpo", 0.05),
    ),
    probes=(accuracy(),),
    curve="completion_tokens_mean",
    measure=_lengths,
)


def _kimi(weight: float, start_step: int) -> dict[str, float | int | bool]:
    return {"length_weight": weight, "length_start_step": start_step, "resets_optimizer": False}


LENGTH_REWARD = Experiment(
    name="length_reward",
    title="When should the length reward begin?",
    paper="Kimi k1.5 (2501.12599), section 2.3.3: from the start it slows training, so it is enabled late.",
    hypothesis="From the start it shortens most and learns no faster; enabled half-way it ends as short at no cost in accuracy.",
    base=BASE,
    arms=(
        arm("never", "kimi_k15", objective=_kimi(0.0, 0)),
        arm("from the start", "kimi_k15", objective=_kimi(0.3, 0)),
        arm("half-way", "kimi_k15", objective=_kimi(0.3, NUM_STEPS // 2)),
    ),
    claims=(
        Greater("completion_tokens_mean_last", "never", "half-way"),
        Greater("reward/accuracy_all", "half-way", "from the start"),
        Similar("held_out", "half-way", "never", 0.02),
    ),
    probes=(accuracy(),),
    curve="completion_tokens_mean",
    measure=_lengths,
)

EXPERIMENTS = (LENGTH_BIAS, LENGTH_REWARD)
