"""Rewards that only the whole group can tell: length rewards and the price of a missing end. Pure functions of scored groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from proctor.algorithms.collection import CosineLength, MissingEOS, Shaping, SoftOverlong
from proctor.core import FinishReason, Outcome, Rollout, RolloutGroup, Score


def shape(group: RolloutGroup, shaping: Sequence[Shaping], *, step: int, max_tokens: int) -> RolloutGroup:
    """Apply each shaping to the rewards of a group, in order. What was added stands in `Rollout.shaping`.

    Args:
        group: scored; rollouts in ERROR have no reward and are left alone.
        shaping: of the objective.
        step: of the run; some begin late.
        max_tokens: the limit of a completion.
    """
    for part in shaping:
        extras = _extras(group.rollouts, part, step=step, max_tokens=max_tokens)
        group = replace(group, rollouts=tuple(_add(rollout, extra) for rollout, extra in zip(group.rollouts, extras, strict=True)))
    return group


def punish_repetition(group: RolloutGroup, *, penalty: float) -> RolloutGroup:
    """Take `penalty` from the reward of every rollout that was ended because it repeated itself."""
    reasons = [rollout.turns[-1].completion.finish_reason for rollout in group.rollouts]
    extras = [-penalty if reason is FinishReason.REPETITION else 0.0 for reason in reasons]
    return replace(group, rollouts=tuple(_add(rollout, extra) for rollout, extra in zip(group.rollouts, extras, strict=True)))


def _extras(rollouts: Sequence[Rollout], part: Shaping, *, step: int, max_tokens: int) -> list[float]:
    if isinstance(part, SoftOverlong):
        return [part.weight * soft_overlong(rollout.num_completion_tokens, max_tokens=max_tokens, cache_tokens=part.cache_tokens) for rollout in rollouts]
    if isinstance(part, CosineLength):
        return [part.weight * cosine_length(rollout.num_completion_tokens, is_correct(rollout), part, max_tokens=max_tokens) for rollout in rollouts]
    if isinstance(part, MissingEOS):
        return [part.reward - (rollout.reward or 0.0) if rollout.is_truncated else 0.0 for rollout in rollouts]
    if step < part.start_step:
        return [0.0] * len(rollouts)
    lengths = [rollout.num_completion_tokens for rollout in rollouts]
    return [part.weight * value for value in kimi_length(lengths, [is_correct(rollout) for rollout in rollouts])]


def _add(rollout: Rollout, extra: float) -> Rollout:
    return replace(rollout, reward=(rollout.reward or 0.0) + extra, shaping=rollout.shaping + extra) if extra else rollout


def soft_overlong(num_tokens: int, *, max_tokens: int, cache_tokens: int) -> float:
    """0 up to max_tokens - cache_tokens, falling to -1 at max_tokens, -1 beyond.

    Source: Yu et al. 2025 (DAPO), eq. 13.
    """
    free = max_tokens - cache_tokens
    if num_tokens <= free:
        return 0.0
    return (free - num_tokens) / cache_tokens if num_tokens <= max_tokens else -1.0


def kimi_length(lengths: Sequence[int], correct: Sequence[bool]) -> list[float]:
    """Reward short correct rollouts, punish long ones: lambda = 0.5 - (len - min) / (max - min), at most 0 where the answer is wrong.

    The shortest and the longest are taken over all rollouts of the task, right or wrong; equal lengths give 0.

    Source: Kimi k1.5 (2501.12599), section 2.3.3.
    """
    shortest, longest = min(lengths, default=0), max(lengths, default=0)
    if shortest == longest:
        return [0.0] * len(lengths)
    values = [0.5 - (length - shortest) / (longest - shortest) for length in lengths]
    return [value if right else min(0.0, value) for value, right in zip(values, correct, strict=True)]


def cosine_length(num_tokens: int, is_correct: bool, ends: CosineLength, *, max_tokens: int) -> float:
    """r = r_L + (r_0 - r_L) (1 + cos(pi length / max_tokens)) / 2, with r_0 and r_L of correct or of wrong responses; r_e at the limit.

    Correct responses earn less the longer they are; wrong ones lose less the longer they thought, so that a model that fails goes on trying.

    Source: Yeo et al. 2025 (2502.03373), section 4 and appendix C.
    """
    if num_tokens >= max_tokens:
        return ends.exceeded
    short, long = (ends.correct_short, ends.correct_long) if is_correct else (ends.wrong_short, ends.wrong_long)
    return long + (short - long) * (1 + math.cos(math.pi * num_tokens / max_tokens)) / 2


def is_correct(rollout: Rollout) -> bool:
    """CORRECT by every verifier that gave an outcome; where none did, a reward of at least 1 before shaping."""
    return is_paid_as_right(rollout.scores, (rollout.reward or 0.0) - rollout.shaping)


def is_paid_as_right(scores: Mapping[str, Score], reward: float) -> bool:
    """The same of scores that stand in no rollout, with the reward that they sum to."""
    outcomes = [score.outcome for score in scores.values() if score.outcome is not None]
    return all(outcome is Outcome.CORRECT for outcome in outcomes) if outcomes else reward >= 1.0
