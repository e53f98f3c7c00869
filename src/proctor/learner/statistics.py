"""What an update did, summed over its micro-batches, and whether sampler and trainer agree about the policy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from proctor.algorithms.losses import TokenLoss
from proctor.algorithms.spec import Objective
from proctor.algorithms.surrogates import CISPO, GSPO, LossInputs
from proctor.errors import LearnerError
from proctor.learner.parallel import Ranks
from proctor.objective import diagnostics, kl, ratios

FP32_TOLERANCE = 1e-4


@torch.no_grad()
def policy_values(objective: Objective, inputs: LossInputs, entropies: Tensor, reference: Tensor | None) -> dict[str, Tensor]:
    """Metrics of one micro-batch, each a mean over its trained tokens."""
    mask, log_ratio = inputs.mask, inputs.logprobs - inputs.old_logprobs
    values = {"entropy": diagnostics.masked_mean(entropies, mask), "approx_kl": diagnostics.approximate_kl(log_ratio, mask)}
    surrogate = objective.loss.surrogate
    if isinstance(objective.loss, TokenLoss) and (bounds := objective.loss.surrogate.bounds) is not None:
        values |= _clip_fractions(log_ratio.exp(), inputs, *bounds, counts_all=isinstance(surrogate, CISPO))
    elif isinstance(surrogate, GSPO):
        ratio = ratios.sequence_log_ratio(inputs.logprobs, inputs.old_logprobs, mask).exp()[:, None].expand_as(log_ratio)
        values |= _clip_fractions(ratio, inputs, surrogate.clip_low, surrogate.clip_high, counts_all=False)
    if inputs.exact_kl is not None:
        values["kl"] = diagnostics.masked_mean(inputs.exact_kl.detach(), mask)
    elif reference is not None:
        values["kl"] = diagnostics.masked_mean(kl.k3(inputs.logprobs, reference), mask)
    if isinstance(objective.loss, TokenLoss) and objective.loss.kept_only:
        kept = mask & (inputs.advantages != 0)
        values["nll"] = -torch.where(kept, inputs.logprobs, 0).sum() / kept.sum().clamp(min=1)
    return values


def _clip_fractions(ratio: Tensor, inputs: LossInputs, low: float, high: float, *, counts_all: bool) -> dict[str, Tensor]:
    """Fractions of tokens at the bounds; `counts_all` for a cap that does not ask for the sign of the advantage."""
    if counts_all:
        return {"clip_high_fraction": diagnostics.masked_mean((ratio > 1 + high).float(), inputs.mask)}
    below, above = diagnostics.clip_fractions(ratio, inputs.advantages, inputs.mask, clip_low=low, clip_high=high)
    return {"clip_low_fraction": below, "clip_high_fraction": above}


@dataclass(slots=True)
class UpdateStatistics:
    """Means over everything that was computed in one update, each weighted by what it is a mean over."""

    grad_norms: list[float] = field(default_factory=list)
    num_tokens: int = 0
    _sums: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _num_skipped: int = 0
    _num_rows: int = 0
    _loss: float = 0.0

    def skipped(self, *, num_skipped: int, num_rows: int) -> None:
        """Count units whose passes were left out because they have no gradient."""
        self._num_skipped += num_skipped
        self._num_rows += num_rows

    def add(self, loss: Tensor, values: Mapping[str, Tensor], count: int, *, num_tokens: int) -> None:
        """Add one micro-batch: its share of the loss, means over `count`, tokens trained on."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * count
            self._counts[name] = self._counts.get(name, 0) + count
        self.num_tokens += num_tokens
        self._loss += float(loss.detach())

    def total(self, name: str) -> tuple[float, int]:
        """Sum and count under a name so far: the difference of two gives the mean of what came between."""
        return self._sums.get(name, 0.0), self._counts.get(name, 0)

    def moments(self, mean: str, square: str) -> tuple[float, float] | None:
        """Mean and standard deviation of what stands under two names, its mean and its mean square; None where nothing does."""
        total, count = self.total(mean)
        if not count:
            return None
        first, second = total / count, self.total(square)[0] / count
        return first, math.sqrt(max(0.0, second - first**2))

    def merge(self, ranks: Ranks) -> None:
        """Add what the other ranks computed; a rank that had nothing to compute has no names."""
        everything = ranks.gather((self._sums, self._counts, self._loss, self.num_tokens))
        names = sorted({name for sums, _, _, _ in everything for name in sums})
        self._sums = {name: sum(sums.get(name, 0.0) for sums, _, _, _ in everything) for name in names}
        self._counts = {name: sum(counts.get(name, 0) for _, counts, _, _ in everything) for name in names}
        self._loss = sum(loss for _, _, loss, _ in everything)
        self.num_tokens = sum(num_tokens for _, _, _, num_tokens in everything)

    def metrics(self) -> dict[str, float]:
        """Means by name. An update that computed nothing has no entropy, no KL and no gradient norm to report."""
        means = {name: total / self._counts[name] for name, total in self._sums.items() if self._counts[name]}
        norms = {"grad_norm": sum(self.grad_norms) / len(self.grad_norms)} if self.grad_norms else {}
        skipped = self._num_skipped / self._num_rows if self._num_rows else 0.0
        return {
            "loss": self._loss / max(1, len(self.grad_norms)),
            **means,
            **norms,
            "num_updates": float(len(self.grad_norms)),
            "skipped_fraction": skipped,
            "trained_tokens": float(self.num_tokens),
        }


class MismatchCheck:
    """Compares the logprobs that the sampler recorded with those of a fresh training pass under the same weights.

    The two are computed by different code (cached decoding; a full pass over the batch), so agreement shows that temperature,
    masks, positions, truncation and weights are the same in both.

    Args:
        is_exact: both compute in fp32 with the same weights, so that a difference beyond rounding is an error.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self._is_exact = is_exact
        self._sum, self._count, self._largest = 0.0, 0, 0.0

    def add(self, behavior_logprobs: Tensor, logprobs: Tensor, mask: Tensor) -> None:
        """Compare tokens of the mask.

        Raises:
            LearnerError: where it is exact, a token differs by more than 1e-4 nats, or more than 1e-4 of its logprob where that lies below -1: the
                rounding of a rare token's logit does not cancel against that of the normaliser, and grows with their distance.
        """
        difference = (behavior_logprobs - logprobs).abs()[mask]
        if not difference.numel():
            return
        self._sum += float(difference.sum())
        self._count += difference.numel()
        worst = float(difference.max())  # NaN where a logprob is NaN: every comparison below is written so that NaN fails it
        self._largest = worst if not worst <= self._largest else self._largest
        excess = difference / logprobs.abs()[mask].clamp(min=1.0)
        if self._is_exact and not float(excess.max()) <= FP32_TOLERANCE:
            raise LearnerError(
                f"sampler and trainer disagree by {self._largest:.3g} nats about a token's logprob under the same weights "
                f"(allowed in fp32: {FP32_TOLERANCE:g}, or that share of a logprob below -1). "
                "The engine does not sample from the policy that is trained: check its weights, temperature, position ids and attention mask"
            )

    def metrics(self) -> dict[str, float]:
        """`sampler_mismatch` and its maximum, nats; empty when nothing was compared."""
        if not self._count:
            return {}
        return {"sampler_mismatch": self._sum / self._count, "sampler_mismatch_max": self._largest}
