"""What a step's rollouts look like in numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from proctor.core import FinishReason, Outcome, Rollout, RolloutGroup


def summarize(groups: Sequence[RolloutGroup]) -> dict[str, float]:
    """Metrics of the rollouts of one step: rewards, variance, lengths, truncation, outcomes, parts of the reward.

    `reward_std` is the population's over all rollouts. `unanimous_fraction` is the fraction of groups whose rollouts all earned
    the same: a group-relative objective learns nothing from them. What was written with a hint is in `num_rollouts`, which are
    learned from, and in `hinted_fraction` of the groups; everything else is of the rollouts before it.
    """
    rollouts = [rollout for group in groups for rollout in group.own]
    rewards = [rollout.reward for rollout in rollouts if rollout.reward is not None]
    lengths = [rollout.num_completion_tokens for rollout in rollouts]
    mean = math.fsum(rewards) / len(rewards)
    return {
        "reward_mean": mean,
        "reward_std": math.sqrt(math.fsum((reward - mean) ** 2 for reward in rewards) / len(rewards)),
        "unanimous_fraction": sum(group.is_unanimous for group in groups) / len(groups),
        "completion_tokens_mean": sum(lengths) / len(lengths),
        "completion_tokens_max": float(max(lengths)),
        "truncated_fraction": sum(rollout.is_truncated for rollout in rollouts) / len(rollouts),
        "num_rollouts": float(sum(len(group.rollouts) for group in groups)),
        "num_errors": float(sum(len(group.errors) for group in groups)),
        **({"hinted_fraction": sum(map(bool, hinted)) / len(groups)} if any(hinted := [group.unaided for group in groups]) else {}),
        **_shaping(rollouts),
        **_writing(rollouts),
        **_outcomes(rollouts),
        **_parts(rollouts),
    }


def _shaping(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Mean of what shaping added to the rewards, where it added anything."""
    return {"shaping_mean": math.fsum(rollout.shaping for rollout in rollouts) / len(rollouts)} if any(rollout.shaping for rollout in rollouts) else {}


def _writing(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """How rollouts were written, where it was not in one go: cut at a thinking budget, ended for repetition, in part by older weights."""
    reasons = [[turn.completion.finish_reason for turn in rollout.turns] for rollout in rollouts]
    found: dict[str, float] = {}
    if any(FinishReason.BUDGET in one for one in reasons):
        found["budget_fraction"] = sum(FinishReason.BUDGET in one for one in reasons) / len(rollouts)
    if any(FinishReason.REPETITION in one for one in reasons):
        found["repetition_fraction"] = sum(FinishReason.REPETITION in one for one in reasons) / len(rollouts)
    versions = [version for rollout in rollouts for turn in rollout.turns for version in turn.completion.policy_versions]
    if versions and (newest := max(versions)) > min(versions):
        found["stale_fraction"] = sum(version < newest for version in versions) / len(versions)
        found["staleness_max"] = float(newest - min(versions))
    return found


def _outcomes(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Fraction of UNPARSED among rollouts that some verifier gave an outcome."""
    judged = [[score.outcome for score in rollout.scores.values() if score.outcome is not None] for rollout in rollouts]
    judged = [outcomes for outcomes in judged if outcomes]
    return {"unparsed_fraction": sum(Outcome.UNPARSED in outcomes for outcomes in judged) / len(judged)} if judged else {}


def _parts(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Mean value of each reward part, before weights and shaping, and of each metric that a reward function logged."""
    values: dict[str, list[float]] = defaultdict(list)
    for rollout in rollouts:
        for name, score in rollout.scores.items():
            if score.value is not None:
                values[f"reward/{name}"].append(score.value)
            for metric, value in score.metrics.items():
                values[f"metric/{metric}"].append(value)
    return {name: math.fsum(column) / len(column) for name, column in sorted(values.items())}
