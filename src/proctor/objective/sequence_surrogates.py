"""Surrogates whose ratio is of a whole rollout. All but `gspo_token` return one loss a rollout; weigh them with `rollout_mean`.

What stands outside the mask, even NaN, has no influence on a loss or a gradient. A rollout with no trained token has log-ratio 0.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from proctor.objective.advantages import group_centered, log_partition_centered
from proctor.objective.ratios import sequence_log_ratio, summed_log_ratio
from proctor.objective.shapes import require_rows, require_same


def gspo(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    advantages: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    clip_low: float,
    clip_high: float,
) -> Float[Tensor, " rollouts"]:
    """max(-A s, -A clip(s, 1 - clip_low, 1 + clip_high)), with s = exp(mean over tokens of log(policy / old)).

    Rollouts are clipped, not tokens. s moves far less than a token's ratio, so the published bounds are 0.0003 and 0.0004.

    Gradient: -A s / length times the sum of those of log pi; 0 for a clipped rollout.

    Source: Zheng et al. 2025 (GSPO), eqs. 5 and 7.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: one a rollout; constants.
        mask: True where a token is trained on.
        clip_low: at least 0 and less than 1.
        clip_high: at least 0.

    Returns:
        One loss a rollout.

    Raises:
        ValueError: shapes disagree, or a bound is out of range.
    """
    _require_clip("gspo", clip_low, clip_high)
    require_rows(mask, advantages=advantages)
    ratio = sequence_log_ratio(logprobs, old_logprobs, mask).exp()
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip_low, 1 + clip_high))


def gspo_token(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    advantages: Float[Tensor, "rollouts tokens"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    clip_low: float,
    clip_high: float,
) -> Float[Tensor, "rollouts tokens"]:
    """`ppo_clip` per token with ratio s_t = sg[s] policy / sg[policy], where s is the rollout's ratio as in `gspo`.

    The value is the rollout's, the gradient each token's own, so that tokens may have different advantages. With one advantage a
    rollout and `sequence_mean` it has the value and the gradient of `gspo`.

    Gradient: -A_t s times that of log pi; 0 for tokens whose s is past the clip in the direction of A_t.

    Source: Zheng et al. 2025 (GSPO), section 4.3.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: one a token; constants.
        mask: True where a token is trained on.
        clip_low: at least 0 and less than 1.
        clip_high: at least 0.

    Returns:
        One loss a token, 0 outside the mask.

    Raises:
        ValueError: shapes disagree, or a bound is out of range.
    """
    _require_clip("gspo_token", clip_low, clip_high)
    require_same(logprobs=logprobs, old_logprobs=old_logprobs, advantages=advantages, mask=mask)
    ratio = sequence_log_ratio(logprobs, old_logprobs, mask).detach().exp()[:, None] * _one_with_gradient(torch.where(mask, logprobs, 0))
    credit = torch.where(mask, advantages, 0)
    return torch.maximum(-credit * ratio, -credit * ratio.clamp(1 - clip_low, 1 + clip_high))


def gmpo(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    advantages: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    clip_low: float,
    clip_high: float,
) -> Float[Tensor, " rollouts"]:
    """-A exp(mean over tokens of c_t): the geometric mean of clipped token ratios.

    c_t = sign(A) min(sign(A) l_t, sign(A) clip(l_t, -clip_low, clip_high)) with l_t = log(policy / old): the bounds are on the
    *logarithm* of each token's ratio, and pessimistic as in PPO.

    Gradient: -A exp(mean c) / length times the sum of those of log pi over the tokens that are not clipped.

    Source: Zhao et al. 2025 (GMPO, 2507.20673); both bounds 0.4.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: one a rollout; constants.
        mask: True where a token is trained on.
        clip_low: nats, at least 0.
        clip_high: nats, at least 0.

    Returns:
        One loss a rollout.

    Raises:
        ValueError: shapes disagree, or a bound is negative.
    """
    if clip_low < 0 or clip_high < 0:
        raise ValueError(f"gmpo needs clip_low >= 0 and clip_high >= 0 (nats), not clip_low={clip_low}, clip_high={clip_high}")
    require_same(logprobs=logprobs, old_logprobs=old_logprobs, mask=mask)
    require_rows(mask, advantages=advantages)
    log_ratio = torch.where(mask, logprobs - old_logprobs, 0)
    clipped = log_ratio.clamp(-clip_low, clip_high)
    pessimistic = torch.where(advantages[:, None] > 0, torch.minimum(log_ratio, clipped), torch.maximum(log_ratio, clipped))
    return -advantages * (pessimistic.sum(-1) / mask.sum(-1).clamp(min=1)).exp()


def squared_regret(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    advantages: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    tau: float,
) -> Float[Tensor, " rollouts"]:
    """(A - tau l)^2 / (2 tau), with l = sum over tokens of log(policy / old).

    Zero where the policy is the exact solution of max E[reward] - tau KL(policy || old), for every rollout whoever sampled it:
    off-policy data are allowed. No clip, no normalisation by length or spread. At the first step l = 0 and the gradient is that
    of `reinforce` with the same advantage, summed over tokens.

    Gradient: -(A - tau l) times the sum of those of log pi.

    Source: Kimi k1.5 (2501.12599), section 2.3.2, divided by 2 tau so that the gradient is the negative of its eq. 3.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy of this iteration, the reference of the mirror descent; constants.
        advantages: reward minus baseline, one a rollout; constants.
        mask: True where a token is trained on.
        tau: reward per nat, greater than 0.

    Returns:
        One loss a rollout.

    Raises:
        ValueError: shapes disagree, or tau is not positive.
    """
    if tau <= 0:
        raise ValueError(f"tau must be greater than 0, not {tau}")
    require_rows(mask, advantages=advantages)
    return (advantages - tau * summed_log_ratio(logprobs, old_logprobs, mask)).square() / (2 * tau)


def mirror_descent(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    rewards: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    group_ids: Int[Tensor, " rollouts"],
    *,
    tau: float,
) -> Float[Tensor, " rollouts"]:
    """`squared_regret` with the group's mean reward as baseline: the form of Kimi's printed gradient.

    A unanimous group still has a gradient, tau l: it is pulled back to the old policy.

    Gradient: -(r - mean r - tau l) times the sum of those of log pi; at the first step Dr. GRPO's.

    Source: Kimi k1.5 (2501.12599), eq. 3.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy of this iteration; constants.
        rewards: one a rollout; constants.
        mask: True where a token is trained on.
        group_ids: one a rollout; equal ones share a group. All rollouts of a group must be present.
        tau: reward per nat, greater than 0.

    Returns:
        One loss a rollout.
    """
    return squared_regret(logprobs, old_logprobs, group_centered(rewards, group_ids), mask, tau=tau)


def mirror_descent_log_partition(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    rewards: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    group_ids: Int[Tensor, " rollouts"],
    *,
    tau: float,
) -> Float[Tensor, " rollouts"]:
    """`squared_regret` with tau log mean exp(r / tau) of the group as baseline: Kimi's loss before its approximation by the mean.

    Gradient: -(r - tau log Z - tau l) times the sum of those of log pi.

    Source: Kimi k1.5 (2501.12599), section 2.3.2.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy of this iteration; constants.
        rewards: one a rollout; constants.
        mask: True where a token is trained on.
        group_ids: one a rollout; equal ones share a group. All rollouts of a group must be present.
        tau: reward per nat, greater than 0.

    Returns:
        One loss a rollout.
    """
    return squared_regret(logprobs, old_logprobs, log_partition_centered(rewards, group_ids, tau=tau), mask, tau=tau)


def _one_with_gradient(logprobs: Tensor) -> Tensor:
    """policy / sg[policy]: 1, with the gradient of log pi."""
    return (logprobs - logprobs.detach()).exp()


def _require_clip(name: str, clip_low: float, clip_high: float) -> None:
    if not 0 <= clip_low < 1 or clip_high < 0:
        raise ValueError(f"{name} needs 0 <= clip_low < 1 and clip_high >= 0, not clip_low={clip_low}, clip_high={clip_high}")
