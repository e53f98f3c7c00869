"""Losses as values: a surrogate with its corrections, KL term and aggregation.

A `TokenLoss` takes token surrogates and weights of tokens, a `SequenceLoss` surrogates of whole rollouts and weights of
rollouts: the two kinds cannot be mixed up. Each part is a frozen dataclass around one function of `objective`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from proctor.algorithms.surrogates import LossInputs, MirrorDescent, SequenceSurrogate, TokenSurrogate
from proctor.objective import aggregation, kl, ratios


@dataclass(frozen=True, slots=True)
class NoCorrection:
    """Sampler and trainer are taken as one policy."""

    kind: Literal["no_correction"] = "no_correction"

    def __call__(self, inputs: LossInputs) -> Tensor | None:
        return None


@dataclass(frozen=True, slots=True)
class TruncatedImportance:
    """`objective.ratios.truncated_importance` (TIS): tokens weighed by min(π_old/μ, max_ratio)."""

    max_ratio: float
    kind: Literal["truncated_importance"] = "truncated_importance"

    def __call__(self, inputs: LossInputs) -> Tensor:
        return ratios.truncated_importance(inputs.old_logprobs, inputs.behavior_logprobs, max_ratio=self.max_ratio)


@dataclass(frozen=True, slots=True)
class TokenMask:
    """`objective.ratios.token_mask` (IcePop): tokens whose π_old/μ leaves [low, high] are dropped."""

    low: float
    high: float
    kind: Literal["token_mask"] = "token_mask"

    def __call__(self, inputs: LossInputs) -> Tensor:
        return ratios.token_mask(inputs.old_logprobs, inputs.behavior_logprobs, low=self.low, high=self.high)


@dataclass(frozen=True, slots=True)
class SequenceMask:
    """`objective.ratios.sequence_mask` (MIS): rollouts whose π_old/μ exceeds max_ratio are dropped."""

    max_ratio: float
    kind: Literal["sequence_mask"] = "sequence_mask"

    def __call__(self, inputs: LossInputs) -> Tensor:
        return ratios.sequence_mask(inputs.old_logprobs, inputs.behavior_logprobs, inputs.mask, max_ratio=self.max_ratio)


@dataclass(frozen=True, slots=True)
class NegativeSequenceMask:
    """`objective.ratios.negative_sequence_mask` (DeepSeek-V3.2): rollouts with Â < 0 that the policy has left behind are dropped."""

    max_divergence: float
    kind: Literal["negative_sequence_mask"] = "negative_sequence_mask"

    def __call__(self, inputs: LossInputs) -> Tensor:
        return ratios.negative_sequence_mask(inputs.logprobs.detach(), inputs.old_logprobs, inputs.of_rollout, inputs.mask, max_divergence=self.max_divergence)


Correction = NoCorrection | TruncatedImportance | TokenMask | SequenceMask | NegativeSequenceMask


@dataclass(frozen=True, slots=True)
class NoKL:
    """No term against a reference model in the loss."""

    kind: Literal["no_kl"] = "no_kl"
    needs_reference: bool = False
    needs_logits: bool = False

    @property
    def formula(self) -> str:
        return ""

    def __call__(self, inputs: LossInputs, ref_logprobs: Tensor | None) -> Tensor | None:
        return None


@dataclass(frozen=True, slots=True)
class KLInLoss:
    """beta times an estimate of KL(policy || reference), added to the loss of each token.

    `estimator` is k2 (gradient of the reverse KL), k3 (as GRPO published it: gradient of the forward KL) or k3_corrected (k3 times the
    ratio: gradient of the reverse KL, DeepSeek-V3.2), or exact: no estimate from the token that was drawn, but the sum over the vocabulary at
    each position (gradient of the reverse KL there, without variance from the draw), for a pass of the reference at every update. k1 is not
    offered in a loss, where its expected gradient is zero.
    """

    beta: float
    estimator: Literal["k2", "k3", "k3_corrected", "exact"]
    kind: Literal["kl_in_loss"] = "kl_in_loss"
    needs_reference: bool = True

    @property
    def needs_logits(self) -> bool:
        """True when logprobs of the reference's tokens do not do."""
        return self.estimator == "exact"

    @property
    def formula(self) -> str:
        if self.needs_logits:
            return f" + {self.beta:g} · Σᵥ π(v) log π(v)/π_ref(v)"
        return f" + {self.beta:g} · {self.estimator}(π, π_ref)"

    def __call__(self, inputs: LossInputs, ref_logprobs: Tensor | None) -> Tensor | None:
        if self.needs_logits:
            if inputs.exact_kl is None:
                raise ValueError("an exact KL term needs the logits of policy and reference, not ref_logprobs")
            return self.beta * inputs.exact_kl
        if ref_logprobs is None:
            raise ValueError("a KL term needs ref_logprobs; annotate the batch with a reference model first")
        if self.estimator == "k3_corrected":
            return self.beta * kl.k3_corrected(inputs.logprobs, ref_logprobs, inputs.old_logprobs)
        return self.beta * (kl.k2 if self.estimator == "k2" else kl.k3)(inputs.logprobs, ref_logprobs)


KLTerm = NoKL | KLInLoss


@dataclass(frozen=True, slots=True)
class TokenMean:
    """`objective.aggregation.token_mean`."""

    kind: Literal["token_mean"] = "token_mean"

    def __call__(self, mask: Tensor, group_ids: Tensor) -> Tensor:
        return aggregation.token_mean(mask)

    @property
    def formula(self) -> str:
        return "L = Σᵢ Σₜ ℓᵢₜ / Σᵢ|oᵢ|"


@dataclass(frozen=True, slots=True)
class SequenceMean:
    """`objective.aggregation.sequence_mean`."""

    kind: Literal["sequence_mean"] = "sequence_mean"

    def __call__(self, mask: Tensor, group_ids: Tensor) -> Tensor:
        return aggregation.sequence_mean(mask)

    @property
    def formula(self) -> str:
        return "L = mean over i of (1/|oᵢ|) Σₜ ℓᵢₜ"


@dataclass(frozen=True, slots=True)
class FixedLength:
    """`objective.aggregation.fixed_length`."""

    max_tokens: int
    kind: Literal["fixed_length"] = "fixed_length"

    def __call__(self, mask: Tensor, group_ids: Tensor) -> Tensor:
        return aggregation.fixed_length(mask, max_tokens=self.max_tokens)

    @property
    def formula(self) -> str:
        return f"L = mean over i of (1/{self.max_tokens}) Σₜ ℓᵢₜ"


@dataclass(frozen=True, slots=True)
class PromptMean:
    """`objective.aggregation.prompt_mean`."""

    kind: Literal["prompt_mean"] = "prompt_mean"

    def __call__(self, mask: Tensor, group_ids: Tensor) -> Tensor:
        return aggregation.prompt_mean(mask, group_ids)

    @property
    def formula(self) -> str:
        return "L = mean over prompts of Σᵢ Σₜ ℓᵢₜ / Σᵢ|oᵢ| of the prompt's group"


@dataclass(frozen=True, slots=True)
class TokenSum:
    """`objective.aggregation.token_sum`."""

    kind: Literal["token_sum"] = "token_sum"

    def __call__(self, mask: Tensor, group_ids: Tensor) -> Tensor:
        return aggregation.token_sum(mask)

    @property
    def formula(self) -> str:
        return "L = mean over i of Σₜ ℓᵢₜ"


Aggregation = TokenMean | SequenceMean | FixedLength | PromptMean | TokenSum


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """A loss of single tokens.

    Attributes:
        surrogate: loss of a token.
        aggregation: weights of the tokens of a batch.
        kl: term against a frozen reference.
        correction: weights for tokens that the sampler drew from another policy than the trainer's old one.
        entropy_weight: of an entropy bonus.
        kept_only: only rollouts with an advantage count in the denominator: the others were never in the data set (expert iteration).
    """

    surrogate: TokenSurrogate
    aggregation: Aggregation
    kl: KLTerm = NoKL()
    correction: Correction = NoCorrection()
    entropy_weight: float = 0.0
    kept_only: bool = False
    kind: Literal["token_loss"] = "token_loss"

    def weights(self, mask: Tensor, advantages: Tensor, group_ids: Tensor) -> Tensor:
        """[R, L] weights of the tokens of one optimizer step; all 0 when nothing is kept."""
        if self.kept_only:
            mask = mask & (advantages != 0).any(-1, keepdim=True)
        return self.aggregation(mask, group_ids) if mask.any() else torch.zeros(mask.shape)

    @property
    def formula(self) -> str:
        entropy = f" − {self.entropy_weight:g} · H(π)" if self.entropy_weight else ""
        correction = "" if isinstance(self.correction, NoCorrection) else f"   (ℓ weighed by {self.correction.kind})"
        return f"{self.surrogate.formula}{self.kl.formula}{entropy}{correction}\n{self.aggregation.formula}{' over kept rollouts' if self.kept_only else ''}"

    @property
    def skips_zero_advantage(self) -> bool:
        """True when a rollout with advantage 0 has no gradient at all."""
        return isinstance(self.kl, NoKL) and not self.entropy_weight


@dataclass(frozen=True, slots=True)
class SequenceLoss:
    """A loss of whole rollouts, each weighing the same."""

    surrogate: SequenceSurrogate
    kind: Literal["sequence_loss"] = "sequence_loss"
    kl: NoKL = NoKL()

    def weights(self, mask: Tensor, advantages: Tensor, group_ids: Tensor) -> Tensor:
        """[R] weights of the rollouts of one optimizer step."""
        return aggregation.rollout_mean(mask)

    @property
    def formula(self) -> str:
        return f"{self.surrogate.formula}\nL = mean over i of ℓᵢ"

    @property
    def skips_zero_advantage(self) -> bool:
        """Mirror descent pulls back a rollout with advantage 0 whose probability has moved; the ratio objectives leave it alone."""
        return not isinstance(self.surrogate, MirrorDescent)


Loss = TokenLoss | SequenceLoss
