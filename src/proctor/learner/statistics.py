"""What an update did, summed over its micro-batches, and whether sampler and trainer agree about the policy."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from proctor.algorithms.spec import Objective, PPOClip
from proctor.errors import LearnerError
from proctor.objective import diagnostics, kl

FP32_TOLERANCE = 1e-4


@dataclass(slots=True)
class UpdateStatistics:
    """Token-weighted means over everything that was computed in one update."""

    grad_norms: list[float] = field(default_factory=list)
    _sums: dict[str, float] = field(default_factory=dict)
    _num_tokens: int = 0
    _num_skipped: int = 0
    _num_rows: int = 0
    _loss: float = 0.0

    def skipped(self, *, num_skipped: int, num_rows: int) -> None:
        """Count rollouts whose passes were left out because their advantage is 0."""
        self._num_skipped += num_skipped
        self._num_rows += num_rows

    @torch.no_grad()
    def add(
        self, loss: Tensor, objective: Objective, logprobs: Tensor, old: Tensor, reference: Tensor | None, advantages: Tensor, entropies: Tensor, mask: Tensor
    ) -> None:
        """Add one micro-batch."""
        num_tokens = int(mask.sum())
        log_ratio = logprobs - old
        values = {"entropy": diagnostics.masked_mean(entropies, mask), "approx_kl": diagnostics.approximate_kl(log_ratio, mask)}
        if isinstance(objective.surrogate, PPOClip):
            bounds = {"clip_low": objective.surrogate.clip_low, "clip_high": objective.surrogate.clip_high}
            values["clip_low_fraction"], values["clip_high_fraction"] = diagnostics.clip_fractions(log_ratio.exp(), advantages, mask, **bounds)
        if reference is not None:
            values["kl"] = diagnostics.masked_mean(kl.k3(logprobs, reference), mask)
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * num_tokens
        self._num_tokens += num_tokens
        self._loss += float(loss)

    def metrics(self) -> dict[str, float]:
        """Means by name. An update that computed nothing has no entropy, no KL and no gradient norm to report."""
        means = {name: total / self._num_tokens for name, total in self._sums.items()} if self._num_tokens else {}
        norms = {"grad_norm": sum(self.grad_norms) / len(self.grad_norms)} if self.grad_norms else {}
        skipped = self._num_skipped / self._num_rows if self._num_rows else 0.0
        return {
            "loss": self._loss / max(1, len(self.grad_norms)),
            **means,
            **norms,
            "num_updates": float(len(self.grad_norms)),
            "skipped_fraction": skipped,
            "trained_tokens": float(self._num_tokens),
        }


class MismatchCheck:
    """Compares the logprobs that the sampler recorded with those of a fresh training pass under the same weights.

    The two are computed by different code (cached decoding; a full pass over the batch), so agreement shows that temperature,
    masks, positions, truncation and weights are the same in both.
    """

    def __init__(self, compute_dtype: torch.dtype) -> None:
        self._dtype = compute_dtype
        self._sum, self._count, self._largest = 0.0, 0, 0.0

    def add(self, behavior_logprobs: Tensor, logprobs: Tensor, mask: Tensor) -> None:
        """Compare tokens of the mask.

        Raises:
            LearnerError: in fp32, a token differs by more than 1e-4 nats.
        """
        difference = (behavior_logprobs - logprobs).abs()[mask]
        if not difference.numel():
            return
        self._sum += float(difference.sum())
        self._count += difference.numel()
        worst = float(difference.max())  # NaN where a logprob is NaN: every comparison below is written so that NaN fails it
        self._largest = worst if not worst <= self._largest else self._largest
        if self._dtype is torch.float32 and not self._largest <= FP32_TOLERANCE:
            raise LearnerError(
                f"sampler and trainer disagree by {self._largest:.3g} nats about a token's logprob under the same weights "
                f"(allowed in fp32: {FP32_TOLERANCE:g}). "
                "The engine does not sample from the policy that is trained: check its weights, temperature, position ids and attention mask"
            )

    def metrics(self) -> dict[str, float]:
        """`sampler_mismatch` and its maximum, nats; empty when nothing was compared."""
        if not self._count:
            return {}
        return {"sampler_mismatch": self._sum / self._count, "sampler_mismatch_max": self._largest}
