"""What a policy is like before and after: its confidence, its habits, its gains round by round."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from proctor.lab.experiments.records import Arm, Experiment, Greater, Values
from proctor.lab.experiments.rollouts import Group, read_groups, stage_means
from proctor.lab.experiments.settings import accuracy, arm, pretrained, reinforce
from proctor.training.stages.records import Stage

_WINDOW = 10  # steps
_NUM_BINS = 10


def calibration_error(confidences: Sequence[float], is_right: Sequence[bool]) -> float:
    """Expected calibration error: |accuracy - mean confidence| in ten equal bins of confidence, weighted by their size.

    Source: Guo et al. 2017, eq. 3.

    Args:
        confidences: each in [0, 1].
        is_right: of the same completions.

    Raises:
        ValueError: there are none.
    """
    if not confidences:
        raise ValueError("a calibration error needs at least one completion")
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in zip(confidences, is_right, strict=True):
        bins.setdefault(min(int(confidence * _NUM_BINS), _NUM_BINS - 1), []).append((confidence, right))
    return sum(abs(sum(right for _, right in members) - math.fsum(confidence for confidence, _ in members)) for members in bins.values()) / len(confidences)


def _first_and_last(describe: Callable[[Sequence[Group]], Values]) -> Callable[[Path], Values]:
    """What a function finds in the first and in the last ten steps, by names that end in `_first` and `_last`."""

    def measure(run: Path) -> Values:
        groups = list(read_groups(run))
        begin, end = groups[0].step + _WINDOW, groups[-1].step - _WINDOW
        first = describe([group for group in groups if group.step < begin])
        last = describe([group for group in groups if group.step > end])
        return {f"{name}_first": value for name, value in first.items()} | {f"{name}_last": value for name, value in last.items()}

    return measure


def _confidence(groups: Sequence[Group]) -> Values:
    confidences = [confidence for group in groups for confidence in group.confidences]
    lengths = [length for group in groups for length in group.lengths]
    return {
        "calibration_error": calibration_error(confidences, [reward >= 1 for group in groups for reward in group.rewards]),
        "token_nll": -sum(math.log(max(confidence, 1e-300)) for confidence in confidences) / sum(lengths),
    }


CALIBRATION = Experiment(
    name="calibration",
    title="Does reinforcement learning make a model too sure of itself?",
    paper="Lecture 15 p.62 and p.64: RLHF makes models over-confident; GPT-4's calibration error rises from 0.007 to 0.074 (2303.08774, figure 8).",
    hypothesis="Yes: the distribution sharpens faster than the answers get right. A KL to the reference holds it back. Confidence is the probability of the "
    "sampled completion, of which there is one right form here.",
    base=pretrained("plain"),
    arms=(
        arm("grpo", "grpo", objective={"beta": 0.0}, num_steps=60),
        arm("grpo with KL", "grpo", objective={"beta": 0.1}, num_steps=60),
    ),
    claims=(
        Greater("token_nll_first", "grpo", "grpo", other_metric="token_nll_last"),
        Greater("calibration_error_last", "grpo", "grpo", other_metric="calibration_error_first"),
        Greater("calibration_error_last", "grpo", "grpo with KL"),
    ),
    probes=(accuracy(),),
    measure=_first_and_last(_confidence),
)


def _checks(groups: Sequence[Group]) -> Values:
    """How many completions check an equation by its inverse, and how often those and the others are right."""
    members = [("-" in text, reward >= 1) for group in groups for text, reward in zip(group.texts, group.rewards, strict=True)]

    def right(checked: bool) -> float:
        found = [is_right for is_checked, is_right in members if is_checked is checked]
        return sum(found) / len(found) if found else float("nan")

    return {"checked": sum(checked for checked, _ in members) / len(members), "right_checked": right(True), "right_unchecked": right(False)}


REFLECTION = Experiment(
    name="reflection",
    title="Where does reflection come from?",
    paper="DeepSeek-R1's 'aha moment' (2501.12948, table 3) and lecture p.30: maybe overstated, since the base already says 'Aha' (Dr. GRPO, figure 3).",
    hypothesis="From the base, which checks half of its additions because half of its data did. Checking finds no mistake that it then mends, so RL has "
    "no reason to raise it.",
    base=pretrained("long_and_short"),
    arms=(arm("grpo", "grpo", objective={"beta": 0.0}), arm("dr_grpo", "dr_grpo")),
    claims=(
        Greater("checked_last", "grpo", "grpo", other_metric="checked_first"),
        Greater("checked_last", "dr_grpo", "dr_grpo", other_metric="checked_first"),
        Greater("right_checked_first", "grpo", "grpo", other_metric="right_unchecked_first"),
    ),
    probes=(accuracy(),),
    curve="completion_tokens_mean",
    measure=_first_and_last(_checks),
)

_ROUNDS = ("first", "second", "third")


def _rounds(base: str) -> tuple[Stage, ...]:
    models = (base, *(f"stage:{name}" for name in _ROUNDS))
    return tuple(replace(reinforce(model, "grpo", objective={"beta": 0.04}, num_steps=20), name=name) for name, model in zip(_ROUNDS, models, strict=False))


def _gains(run: Path) -> Values:
    means = stage_means(run)
    results = [means[f"{stage}/held_out"] for stage in ("start", *_ROUNDS)]
    return {f"gain_{name}": after - before for name, before, after in zip(_ROUNDS, results, results[1:], strict=False)}


ITERATIONS = Experiment(
    name="iterations",
    title="Does the first round of reinforcement learning give the most?",
    paper="DeepSeekMath (2402.03300), figure 6: iterating GRPO improves the model, most of all in the first iteration.",
    hypothesis="Not within so few steps: twenty are far from where the curve bends. Rounds ask the same tasks, and as rewards are verified, only the "
    "reference is replaced between them.",
    base=pretrained("plain"),
    arms=(Arm("three rounds", _rounds),),
    claims=(
        Greater("gain_first", "three rounds", "three rounds", other_metric="gain_second"),
        Greater("gain_first", "three rounds", "three rounds", other_metric="gain_third"),
    ),
    probes=(accuracy(),),
    measure=_gains,
)

EXPERIMENTS = (CALIBRATION, REFLECTION, ITERATIONS)
