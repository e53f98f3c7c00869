"""Estimators of KL(policy || reference) from tokens sampled from the policy, and the coefficient in front of them.

Value and gradient are different questions, and so are a term in the *loss* (differentiated) and one subtracted from the
*reward* (a constant that the policy gradient multiplies). Each docstring answers all of them. Estimates are per token, nats, not
masked, not reduced. All raise ValueError where shapes disagree.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from proctor.objective.logprobs import log_softmax
from proctor.objective.shapes import require_same


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
    require_same(logprobs=logprobs, ref_logprobs=ref_logprobs)
    return logprobs - ref_logprobs


def k2(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token: d^2 / 2, where d = logprobs - ref_logprobs.

    Biased as a value, never negative. Differentiated in a *loss*, on-policy, it gives the gradient of the reverse KL. In the
    *reward* it is biased.

    Source: Schulman, "Approximating KL Divergence" (2020).
    """
    return k1(logprobs, ref_logprobs).square() / 2


def k3(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token: exp(d) - 1 - d, where d = ref_logprobs - logprobs.

    Unbiased as a value for tokens sampled from the policy, and never negative. Differentiated in a *loss* it yields the gradient
    of the *forward* KL, KL(reference || policy); `k2` has the reverse KL's on-policy. In the *reward* its gradient is biased.
    Use it as published (GRPO).

    Source: Schulman, "Approximating KL Divergence" (2020); Shao et al. 2024 (DeepSeekMath), eq. 4.
    """
    d = k1(ref_logprobs, logprobs)
    return d.expm1() - d


def k3_corrected(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Estimate KL(policy || reference) per token of the *old* policy: ratio k3, with ratio = exp(logprobs - old_logprobs).

    The ratio is differentiated too. In a *loss* value and gradient are then both unbiased: the gradient is the reverse KL's, on
    and off the policy. For the loss only; in the reward use `k1`.

    Source: DeepSeek-V3.2 (2025), unbiased KL estimate; TRL's `use_bias_correction_kl`.

    Args:
        logprobs: of each token under the policy, nats.
        ref_logprobs: of the same tokens under the frozen reference.
        old_logprobs: of the same tokens under the policy that sampled them; constants.
    """
    return k1(logprobs, old_logprobs).exp() * k3(logprobs, ref_logprobs)


def exact(logits: Float[Tensor, "*batch vocabulary"], ref_logits: Float[Tensor, "*batch vocabulary"], *, temperature: float) -> Float[Tensor, "*batch"]:
    """KL(policy || reference) of the next token, summed over the vocabulary: sum_v p_v (log p_v - log q_v).

    No variance from the choice of the token. Differentiated in a *loss* it has the gradient of the reverse KL at each position;
    that earlier tokens decide which positions are reached is not differentiated. In the *reward*, detached, it replaces `k1`
    with less variance. Costs the logits of both models.

    Args:
        logits: of the policy; differentiated.
        ref_logits: of the frozen reference.
        temperature: of sampling; greater than 0.

    Raises:
        ValueError: shapes disagree, or temperature is not positive.
    """
    require_same(logits=logits, ref_logits=ref_logits)
    logs = log_softmax(logits, temperature=temperature)
    return (logs.exp() * (logs - log_softmax(ref_logits, temperature=temperature))).sum(-1)


def clamped_k1(logprobs: Float[Tensor, "*batch"], ref_logprobs: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """max(logprobs - ref_logprobs, 0) per token. **Not an estimate of KL**: a published mistake, here to be compared with `k1`.

    Its expectation is greater than KL(policy || reference). In the *reward* it never pays a policy for making a token less
    likely than the reference does, which stabilises the code it comes from and biases the gradient. In a *loss* its gradient is
    that of no divergence.

    Source: AlpacaFarm's PPO trainer (2023), where logprob differences are clamped at 0.
    """
    return k1(logprobs, ref_logprobs).clamp(min=0)


def adaptive_coefficient(coefficient: float, observed_kl: float, *, target: float, horizon: float, num_rollouts: int) -> float:
    """beta (1 + e n / horizon), with e = clip(observed / target - 1, -0.2, 0.2): beta follows the KL it produces.

    Source: Ziegler et al. 2019, section 2.2; OpenAI's lm-human-preferences: beta 0.15, target 6, horizon 10000.

    Args:
        coefficient: beta of the batch that was observed.
        observed_kl: mean over its rollouts of the KL of the whole sequence (sum over tokens), nats.
        target: same unit; greater than 0.
        horizon: rollouts over which an error of 1 would double beta; greater than 0.
        num_rollouts: n, in the batch.

    Returns:
        beta for the next batch.

    Raises:
        ValueError: target or horizon is not positive.
    """
    if target <= 0 or horizon <= 0:
        raise ValueError(f"adaptive_coefficient needs target > 0 and horizon > 0, not target={target}, horizon={horizon}")
    error = min(max(observed_kl / target - 1, -0.2), 0.2)
    return coefficient * (1 + error * num_rollouts / horizon)
