"""The charts of the overview: which numbers, and in one line what healthy looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["metrics", "survey", "evaluations"]


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart.

    Attributes:
        name: of the metric, or of the survey's field.
        label: for people.
        source: where it comes from.
    """

    name: str
    label: str
    source: Source = "metrics"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        name: for links.
        title: for people.
        unit: of its axis; empty for a plain number.
        healthy: what it looks like when all is well.
        series: its lines; those that a run lacks are left out.
        style: lines over one another, or shares stacked to their sum.
    """

    name: str
    title: str
    unit: str
    healthy: str
    series: tuple[Series, ...]
    style: Literal["lines", "stacked"] = "lines"


CHARTS: tuple[Chart, ...] = (
    Chart("reward", "Reward", "", "Rises gradually, then flattens; a sudden leap is more often a cheat than a skill.", (Series("reward_mean", "mean"),)),
    Chart(
        "held_out",
        "Held-out reward, 95% interval",
        "",
        "Rises with the training reward; if only the training reward rises, the model learns the tasks or the verifier, not the skill.",
        (Series("held_out", "held out", "evaluations"),),
    ),
    Chart(
        "unanimous",
        "Groups without variance",
        "share",
        "Below a half: these groups teach nothing. Near 1 the tasks are all too easy or all too hard.",
        (Series("unanimous_fraction", "unanimous"),),
    ),
    Chart(
        "length",
        "Completion length",
        "tokens",
        "Changes slowly; correct and incorrect stay close. Incorrect ones growing alone is rambling.",
        (
            Series("completion_tokens_mean", "all"),
            Series("length_correct", "correct", "survey"),
            Series("length_incorrect", "incorrect", "survey"),
        ),
    ),
    Chart(
        "truncated",
        "Truncated",
        "share",
        "A few percent at most: a completion that is cut off can hardly be right, and then the limit is what is learned.",
        (Series("truncated_fraction", "truncated"), Series("unparsed_fraction", "no answer found")),
    ),
    Chart("entropy", "Entropy", "nats", "Falls slowly and stays above zero; a plunge means that exploration ended.", (Series("entropy", "policy"),)),
    Chart(
        "kl",
        "KL",
        "nats",
        "Against the reference: grows slowly and stays bounded. Of the update: near zero.",
        (Series("kl", "to the reference"), Series("approx_kl", "of the update")),
    ),
    Chart(
        "clip",
        "Clipped tokens",
        "share",
        "Zero with one update a step; with several, below a few percent on both sides.",
        (Series("clip_high_fraction", "from above"), Series("clip_low_fraction", "from below")),
    ),
    Chart(
        "grad_norm",
        "Gradient norm",
        "",
        "Steady within a factor of a few; spikes or a climb come before a collapse.",
        (Series("grad_norm", "before clipping"),),
    ),
    Chart(
        "staleness",
        "Staleness",
        "versions",
        "0 in a synchronous run; in an asynchronous one it stays below its bound.",
        (Series("staleness", "mean", "survey"),),
    ),
    Chart(
        "mismatch",
        "Sampler against trainer",
        "nats",
        "Flat: under 0.0001 in fp32, a few hundredths in bf16. A climb means that two different models are at work.",
        (Series("sampler_mismatch", "mean"), Series("sampler_mismatch_max", "maximum")),
    ),
    Chart("errors", "Verifier errors", "rollouts", "Zero: every one is a rollout that could not be paid.", (Series("num_errors", "errors"),)),
    Chart("throughput", "Throughput", "tokens/s", "Steady; it falls as completions get longer.", (Series("tokens_per_s", "completion tokens"),)),
    Chart(
        "time",
        "Time of a step",
        "seconds",
        "Sampling takes the largest part; rewards should hardly show.",
        (Series("seconds_sampling", "sampling"), Series("seconds_scoring", "rewards"), Series("seconds_training", "training")),
        "stacked",
    ),
)
