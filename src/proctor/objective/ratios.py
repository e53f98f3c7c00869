"""Ratios of policies: policy over old inside the surrogates, and old over behaviour as weights that correct for the sampler.

A sampler's probabilities differ from the trainer's even with equal weights (other kernels, quantisation, staleness). The
corrections here return a weight per token, [rollouts, tokens], that multiplies the per-token loss. They are constants.
`old_logprobs` are the trainer's at the start of the update, `behavior_logprobs` the sampler's when it chose the tokens.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from proctor.objective.shapes import require_rows, require_same


def log_ratio(logprobs: Float[Tensor, "*batch"], old_logprobs: Float[Tensor, "*batch"], *, max_log_ratio: float) -> Float[Tensor, "*batch"]:
    """log(policy / old) per token, kept in [-max_log_ratio, max_log_ratio].

    The bound (20 in verl) keeps exp from overflowing; a token beyond it has no gradient.

    Args:
        logprobs: of each token under the policy, nats; differentiated.
        old_logprobs: of the same tokens under the policy at the start of the update.
        max_log_ratio: nats, greater than 0.

    Raises:
        ValueError: shapes disagree, or the bound is not positive.
    """
    require_same(logprobs=logprobs, old_logprobs=old_logprobs)
    if max_log_ratio <= 0:
        raise ValueError(f"max_log_ratio must be greater than 0, not {max_log_ratio}")
    return (logprobs - old_logprobs).clamp(-max_log_ratio, max_log_ratio)


def sequence_log_ratio(
    logprobs: Float[Tensor, "rollouts tokens"], old_logprobs: Float[Tensor, "rollouts tokens"], mask: Bool[Tensor, "rollouts tokens"]
) -> Float[Tensor, " rollouts"]:
    """Mean over a rollout's trained tokens of log(policy / old); 0 for a rollout without any.

    The logarithm of GSPO's s_i. Its exponential is the geometric mean of the token ratios, not the ratio of the sequences:
    of less variance, and biased as an importance weight.

    Source: Zheng et al. 2025 (GSPO), eq. 7.
    """
    return summed_log_ratio(logprobs, old_logprobs, mask) / mask.sum(-1).clamp(min=1)


def summed_log_ratio(
    logprobs: Float[Tensor, "rollouts tokens"], old_logprobs: Float[Tensor, "rollouts tokens"], mask: Bool[Tensor, "rollouts tokens"]
) -> Float[Tensor, " rollouts"]:
    """Sum over a rollout's trained tokens of log(policy / old): the log-ratio of the whole sequence."""
    require_same(logprobs=logprobs, old_logprobs=old_logprobs, mask=mask)
    return torch.where(mask, logprobs - old_logprobs, 0).sum(-1)


def truncated_importance(old_logprobs: Float[Tensor, "*batch"], behavior_logprobs: Float[Tensor, "*batch"], *, max_ratio: float) -> Float[Tensor, "*batch"]:
    """w_t = min(old / behaviour, max_ratio) per token.

    Biased where it truncates, of bounded variance. Only the product over the sequence would be unbiased.

    Source: Yao et al. 2025 (TIS); 2 in verl.

    Args:
        old_logprobs: the trainer's, nats.
        behavior_logprobs: the sampler's, of the distribution it drew from.
        max_ratio: greater than 0.

    Raises:
        ValueError: shapes disagree, or the bound is not positive.
    """
    _require_max_ratio(max_ratio)
    return _behavior_ratio(old_logprobs, behavior_logprobs).clamp(max=max_ratio)


def token_mask(old_logprobs: Float[Tensor, "*batch"], behavior_logprobs: Float[Tensor, "*batch"], *, low: float, high: float) -> Float[Tensor, "*batch"]:
    """w_t = ratio where low <= ratio <= high, else 0, with ratio = old / behaviour per token.

    A token inside keeps its ratio as weight, as the paper has it (its M(k) is k inside the bounds); a token outside is dropped.

    Source: Ling team 2025 (IcePop); 0.5 and 5 there.

    Raises:
        ValueError: shapes disagree, or not 0 <= low <= high.
    """
    if not 0 <= low <= high:
        raise ValueError(f"token_mask needs 0 <= low <= high, not low={low}, high={high}")
    ratio = _behavior_ratio(old_logprobs, behavior_logprobs)
    return torch.where((ratio >= low) & (ratio <= high), ratio, 0)


def sequence_truncated(
    old_logprobs: Float[Tensor, "rollouts tokens"],
    behavior_logprobs: Float[Tensor, "rollouts tokens"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    max_ratio: float,
) -> Float[Tensor, "rollouts tokens"]:
    """w_i = min(product of old / behaviour over the rollout, max_ratio) on its trained tokens, 0 elsewhere.

    Unbiased but for the truncation; the product of many tokens has a large variance.

    Source: Liu et al. 2025 ("When speed kills stability"), sequence-level TIS; TRL's `sequence_truncate`.

    Raises:
        ValueError: shapes disagree, or the bound is not positive.
    """
    _require_max_ratio(max_ratio)
    ratio = summed_log_ratio(old_logprobs, behavior_logprobs, mask).detach().exp()
    return torch.where(mask, ratio.clamp(max=max_ratio)[:, None], 0)


def sequence_mask(
    old_logprobs: Float[Tensor, "rollouts tokens"],
    behavior_logprobs: Float[Tensor, "rollouts tokens"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    max_ratio: float,
) -> Float[Tensor, "rollouts tokens"]:
    """w_i = product of old / behaviour over the rollout where that is at most max_ratio, else 0: such rollouts are dropped.

    Kept rollouts keep their weight, as in the source; on their trained tokens, 0 elsewhere.

    Source: Liu et al. 2025 ("When speed kills stability"), MIS; TRL's `sequence_mask`, there 3.

    Raises:
        ValueError: shapes disagree, or the bound is not positive.
    """
    _require_max_ratio(max_ratio)
    ratio = summed_log_ratio(old_logprobs, behavior_logprobs, mask).detach().exp()[:, None]
    return torch.where(mask & (ratio <= max_ratio), ratio, 0)


def negative_sequence_mask(
    logprobs: Float[Tensor, "rollouts tokens"],
    old_logprobs: Float[Tensor, "rollouts tokens"],
    advantages: Float[Tensor, " rollouts"],
    mask: Bool[Tensor, "rollouts tokens"],
    *,
    max_divergence: float,
) -> Float[Tensor, "rollouts tokens"]:
    """w_i = 0 where A_i < 0 and the rollout's mean of log(old / policy) exceeds max_divergence, else 1; 0 outside the mask.

    A rollout that the policy has moved far away from says little about the policy, and pushing it further down destabilises;
    good ones are kept however stale. `old_logprobs` are the sampler's where the trainer does not recompute them.

    Source: DeepSeek-V3.2 (2025), off-policy sequence masking.

    Raises:
        ValueError: shapes disagree, or the bound is negative.
    """
    require_rows(mask, advantages=advantages)
    if max_divergence < 0:
        raise ValueError(f"max_divergence must not be negative, not {max_divergence}")
    divergence = -sequence_log_ratio(logprobs, old_logprobs, mask)
    is_kept = (advantages >= 0) | (divergence <= max_divergence)
    return (mask & is_kept[:, None]).to(logprobs.dtype)


def _behavior_ratio(old_logprobs: Tensor, behavior_logprobs: Tensor) -> Tensor:
    require_same(old_logprobs=old_logprobs, behavior_logprobs=behavior_logprobs)
    return (old_logprobs - behavior_logprobs).detach().exp()


def _require_max_ratio(max_ratio: float) -> None:
    if max_ratio <= 0:
        raise ValueError(f"max_ratio must be greater than 0, not {max_ratio}")
