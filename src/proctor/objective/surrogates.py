"""Losses whose gradient improves the policy. Unreduced: aggregation is a weight vector.

Per-token losses take tensors of one shape and know no mask. Per-sequence losses (`gspo`, `gmpo`, `mirror_descent`, ...) take the
mask, because the ratio of a sequence needs it, and return one loss a rollout; they are in `sequence_surrogates` and also found here by name.
"ratio" is exp(logprobs - old_logprobs) throughout; a ratio of log-probabilities, as some tutorials have it, is another thing.

Arguments that all of them share:
    logprobs: of the sampled tokens under the policy, nats; differentiated.
    old_logprobs: of the same tokens under the policy at the start of this update; constants.
    advantages: of the same tokens; constants.
All raise ValueError where shapes disagree or a bound is out of range.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from proctor.objective.sequence_surrogates import gmpo, gspo, gspo_token, mirror_descent, mirror_descent_log_partition, squared_regret
from proctor.objective.shapes import require_same


def reinforce(logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """-A_t log pi(o_t): the score-function estimator.

    Right only for tokens sampled from the very policy that is differentiated; after a first update the samples are stale, and
    only a ratio corrects for that.

    Gradient: -A times that of log pi.

    Source: Williams 1992, eq. 4.

    Args:
        logprobs: of the sampled tokens under the policy, nats; differentiated.
        advantages: of the same tokens; constants.
    """
    require_same(logprobs=logprobs, advantages=advantages)
    return -advantages * logprobs


def weighted_nll(logprobs: Float[Tensor, "*batch"], weights: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """-w_t log pi(o_t): supervised fine-tuning on weighted tokens.

    The expression of `reinforce` with another meaning: the tokens come from a data set, not from the policy. Weight 1 is SFT;
    1 for correct and 0 for wrong completions is expert iteration, RFT and RAFT; VAPO adds it with weight 0.1 on correct rollouts.

    Gradient: -w times that of log pi.

    Source: Shao et al. 2024 (DeepSeekMath), appendix A.1, coefficients of SFT, RFT and online RFT.

    Args:
        logprobs: of the tokens of the data set under the policy, nats; differentiated.
        weights: of the same tokens; constants.
    """
    require_same(logprobs=logprobs, weights=weights)
    return -weights * logprobs


def ppo_clip(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, clip_low: float, clip_high: float
) -> Float[Tensor, "*batch"]:
    """max(-A ratio, -A clip(ratio, 1 - clip_low, 1 + clip_high)), with ratio = exp(logprobs - old_logprobs).

    A pessimistic bound on the improvement: a token whose ratio already moved past the clip in the direction of its advantage
    has no gradient. For A < 0 the loss is not bounded as the ratio grows. On-policy the ratio is 1 and the clip does nothing.

    Gradient: -A ratio times that of log pi; 0 where A > 0 and ratio > 1 + clip_high, or A < 0 and ratio < 1 - clip_low.

    Source: Schulman et al. 2017 (PPO), eq. 7; different bounds are DAPO's clip-higher (Yu et al. 2025, eq. 8).

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        clip_low: at least 0 and less than 1.
        clip_high: at least 0.

    Raises:
        ValueError: a bound is out of range.
    """
    if not 0 <= clip_low < 1 or clip_high < 0:
        raise ValueError(f"ppo_clip needs 0 <= clip_low < 1 and clip_high >= 0, not clip_low={clip_low}, clip_high={clip_high}")
    ratio = _ratio(logprobs, old_logprobs, advantages)
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip_low, 1 + clip_high))


def dual_clip(
    logprobs: Float[Tensor, "*batch"],
    old_logprobs: Float[Tensor, "*batch"],
    advantages: Float[Tensor, "*batch"],
    *,
    clip_low: float,
    clip_high: float,
    clip_dual: float,
) -> Float[Tensor, "*batch"]:
    """`ppo_clip`, and where A < 0 at most -A clip_dual: the loss of a bad token that became likely is bounded.

    Gradient: that of `ppo_clip`, and 0 where A < 0 and ratio > clip_dual.

    Source: Ye et al. 2020 (dual-clip PPO), eq. 5; clip_dual 3, also verl's default.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        clip_low: at least 0 and less than 1.
        clip_high: at least 0.
        clip_dual: bound on the ratio where A < 0; greater than 1.

    Raises:
        ValueError: a bound is out of range.
    """
    if clip_dual <= 1:
        raise ValueError(f"clip_dual must be greater than 1, not {clip_dual}")
    clipped = ppo_clip(logprobs, old_logprobs, advantages, clip_low=clip_low, clip_high=clip_high)
    return torch.where(advantages < 0, torch.minimum(clipped, -advantages * clip_dual), clipped)


def two_sided_clip(
    logprobs: Float[Tensor, "*batch"],
    old_logprobs: Float[Tensor, "*batch"],
    advantages: Float[Tensor, "*batch"],
    *,
    clip_low: float,
    clip_high: float,
    max_ratio: float,
) -> Float[Tensor, "*batch"]:
    """max(-A min(ratio, max_ratio), -A clip(ratio, 1 - clip_low, 1 + clip_high)).

    The bound of `dual_clip` written as a bound on the ratio itself; with max_ratio >= 1 + clip_high, which is required, the two
    are the same function.

    Gradient: that of `ppo_clip`, and 0 where A < 0 and ratio > max_ratio.

    Source: INTELLECT-2 (2505.07291), section 3.4, delta 4; TRL's `delta`.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        clip_low: at least 0 and less than 1.
        clip_high: at least 0.
        max_ratio: at least 1 + clip_high.

    Raises:
        ValueError: a bound is out of range.
    """
    if not 0 <= clip_low < 1 or not 0 <= clip_high <= max_ratio - 1:
        raise ValueError(f"two_sided_clip needs 0 <= clip_low < 1 and 0 <= clip_high <= max_ratio - 1, not {clip_low}, {clip_high}, max_ratio={max_ratio}")
    ratio = _ratio(logprobs, old_logprobs, advantages)
    return torch.maximum(-advantages * ratio.clamp(max=max_ratio), -advantages * ratio.clamp(1 - clip_low, 1 + clip_high))


def cispo(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, max_ratio: float
) -> Float[Tensor, "*batch"]:
    """-sg[min(ratio, max_ratio)] A log pi: every token keeps a gradient, of bounded weight.

    TRL's reading: the bound is on the ratio itself (5, say), and there is none from below. `cispo_clamped` is the paper's.

    Gradient: -min(ratio, max_ratio) A times that of log pi.

    Source: MiniMax-M1 (2506.13585), eqs. 4-5; TRL's `loss_type="cispo"`.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        max_ratio: greater than 0.

    Raises:
        ValueError: max_ratio is not positive.
    """
    if max_ratio <= 0:
        raise ValueError(f"max_ratio must be greater than 0, not {max_ratio}")
    ratio = _ratio(logprobs, old_logprobs, advantages)
    return -ratio.detach().clamp(max=max_ratio) * advantages * logprobs


def cispo_clamped(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, clip_low: float, clip_high: float
) -> Float[Tensor, "*batch"]:
    """-sg[clip(ratio, 1 - clip_low, 1 + clip_high)] A log pi: the paper's reading of CISPO, and verl's.

    The authors tune only clip_high; clip_low >= 1 turns the lower bound off.

    Gradient: -clip(ratio) A times that of log pi.

    Source: MiniMax-M1 (2506.13585), eqs. 4-5.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        clip_low: at least 0.
        clip_high: at least 0.

    Raises:
        ValueError: a bound is negative.
    """
    if clip_low < 0 or clip_high < 0:
        raise ValueError(f"cispo_clamped needs clip_low >= 0 and clip_high >= 0, not clip_low={clip_low}, clip_high={clip_high}")
    ratio = _ratio(logprobs, old_logprobs, advantages)
    return -ratio.detach().clamp(1 - clip_low, 1 + clip_high) * advantages * logprobs


def sapo(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, tau_positive: float, tau_negative: float
) -> Float[Tensor, "*batch"]:
    """-A (4 / tau) sigmoid(tau (ratio - 1)), with tau = tau_positive where A > 0, else tau_negative.

    A soft gate instead of a clip: its slope is 1 at ratio 1, so that on-policy the gradient is REINFORCE's, and falls on both
    sides. A larger tau gates harder; the published ones gate bad tokens harder.

    Gradient: -4 s(1 - s) ratio A times that of log pi, with s the sigmoid.

    Source: Gao et al. 2025 (SAPO, 2511.20347); tau_positive 1, tau_negative 1.05.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        tau_positive: greater than 0.
        tau_negative: greater than 0.

    Raises:
        ValueError: a tau is not positive.
    """
    if tau_positive <= 0 or tau_negative <= 0:
        raise ValueError(f"sapo needs tau_positive > 0 and tau_negative > 0, not {tau_positive}, {tau_negative}")
    ratio = _ratio(logprobs, old_logprobs, advantages)
    tau = torch.where(advantages > 0, ratio.new_tensor(tau_positive), ratio.new_tensor(tau_negative))
    return -advantages * 4 / tau * (tau * (ratio - 1)).sigmoid()


def dppo(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, max_divergence: float
) -> Float[Tensor, "*batch"]:
    """-A ratio, and 0 where the token's probability moved more than max_divergence in the direction of its advantage.

    The trust region is on |policy - old| of the sampled token, the total variation of "this token or another", not on the
    ratio: a rare token may change by a large factor, a likely one may not.

    Gradient: -A ratio times that of log pi where kept, else 0. verl and TRL further cap the ratio at 20.

    Source: Qi et al. 2026 (DPPO, 2602.04879), binary TV. There "old" is the sampler's policy.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        max_divergence: of probability, greater than 0.

    Raises:
        ValueError: max_divergence is not positive.
    """
    _require_max_divergence(max_divergence)
    moved = logprobs.exp() - old_logprobs.exp()
    return _masked_ratio_loss(logprobs, old_logprobs, advantages, moved.abs() > max_divergence)


def dppo_kl(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, max_divergence: float
) -> Float[Tensor, "*batch"]:
    """`dppo` with KL(old || policy) of "this token or another" as the divergence, nats.

    Gradient: -A ratio times that of log pi where kept, else 0.

    Source: Qi et al. 2026 (DPPO, 2602.04879), binary KL.

    Args:
        logprobs: under the policy, nats; differentiated.
        old_logprobs: under the policy at the start of this update; constants.
        advantages: constants.
        max_divergence: nats, greater than 0.

    Raises:
        ValueError: max_divergence is not positive.
    """
    _require_max_divergence(max_divergence)
    tiny = torch.finfo(logprobs.dtype).tiny
    other, old_other = (-value.expm1().clamp(max=-tiny) for value in (logprobs, old_logprobs))
    divergence = old_logprobs.exp() * (old_logprobs - logprobs) + old_other * (old_other / other).log()
    return _masked_ratio_loss(logprobs, old_logprobs, advantages, divergence > max_divergence)


def _masked_ratio_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, is_far: Tensor) -> Tensor:
    ratio = _ratio(logprobs, old_logprobs, advantages)
    goes_on = advantages * (ratio - 1) > 0
    return torch.where(is_far & goes_on, 0, -advantages * ratio)


def _ratio(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor) -> Tensor:
    require_same(logprobs=logprobs, old_logprobs=old_logprobs, advantages=advantages)
    return (logprobs - old_logprobs).exp()


def _require_max_divergence(max_divergence: float) -> None:
    if max_divergence <= 0:
        raise ValueError(f"max_divergence must be greater than 0, not {max_divergence}")


__all__ = [
    "cispo",
    "cispo_clamped",
    "dppo",
    "dppo_kl",
    "dual_clip",
    "gmpo",
    "gspo",
    "gspo_token",
    "mirror_descent",
    "mirror_descent_log_partition",
    "ppo_clip",
    "reinforce",
    "sapo",
    "squared_regret",
    "two_sided_clip",
    "weighted_nll",
]
