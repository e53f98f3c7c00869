"""Estimators of KL(policy || reference) from tokens sampled from the policy. Value and gradient are different questions."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def k1(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token: d = logprobs - ref_logprobs.

    Unbiased, of high variance, negative half of the time. Subtracted from the *reward* it gives the gradient of the reverse KL.
    Differentiated in a *loss* its expected gradient is 0: pure noise, so no objective here offers that.

    Source: Schulman, "Approximating KL Divergence" (2020).

    Args:
        logprobs: of each token under the policy, nats.
        ref_logprobs: of the same tokens under the frozen reference.

    Returns:
        Estimate per token, nats; not masked, not reduced.
    """
    return logprobs - ref_logprobs


def k2(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token: d^2 / 2, where d = logprobs - ref_logprobs.

    Biased as a value, never negative. Differentiated in a loss, on-policy, it gives the gradient of the reverse KL.

    Source: Schulman, "Approximating KL Divergence" (2020).
    """
    return (logprobs - ref_logprobs).square() / 2


def k3(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token: exp(d) - 1 - d, where d = ref_logprobs - logprobs.

    Unbiased as a value for tokens sampled from the policy, and never negative. Differentiated in a loss it yields the gradient
    of the *forward* KL, KL(reference || policy); `k2` has the reverse KL's on-policy. Use it as published (GRPO).

    Source: Schulman, "Approximating KL Divergence" (2020); Shao et al. 2024 (DeepSeekMath), eq. 4.
    """
    d = ref_logprobs - logprobs
    return d.expm1() - d
