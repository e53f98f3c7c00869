"""Per-token losses whose gradient improves the policy. Unmasked and unreduced: aggregation is a weight vector."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def reinforce(logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """-A_t log pi(o_t): the score-function estimator.

    Right only for tokens sampled from the very policy that is differentiated; after a first update the samples are stale, and
    only a ratio corrects for that.

    Source: Williams 1992, eq. 4.

    Args:
        logprobs: of the sampled tokens under the policy, nats; differentiated.
        advantages: of the same tokens; constants.
    """
    return -advantages * logprobs


def ppo_clip(
    logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], advantages: Float[Tensor, "*batch"], *, clip_low: float, clip_high: float
) -> Float[Tensor, "*batch"]:
    """max(-A ratio, -A clip(ratio, 1 - clip_low, 1 + clip_high)), with ratio = exp(logprobs - old_logprobs).

    A pessimistic bound on the improvement: a token whose ratio already moved past the clip in the direction of its advantage
    has no gradient. For A < 0 the loss is not bounded as the ratio grows. On-policy the ratio is 1 and the clip does nothing.

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
    ratio = (logprobs - old_logprobs).exp()
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip_low, 1 + clip_high))
