"""Losses as values: surrogates of a token or of a sequence, corrections, KL terms, aggregations.

A `TokenLoss` takes token surrogates and weights of tokens, a `SequenceLoss` surrogates of whole rollouts and weights of
rollouts: the two kinds cannot be mixed up. Each part is a frozen dataclass around one function of `objective`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from proctor.objective import aggregation, kl, ratios, surrogates


@dataclass(frozen=True, slots=True, eq=False)
class LossInputs:
    """What a surrogate is computed from, for the rows of one micro-batch. R rows, L tokens.

    Attributes:
        logprobs: [R, L] of the policy; differentiated.
        old_logprobs: [R, L] of the policy at the start of the update; constants.
        behavior_logprobs: [R, L] as the sampler recorded them; constants.
        advantages: [R, L]; constants.
        mask: [R, L] True where a token is trained on.
    """

    logprobs: Tensor
    old_logprobs: Tensor
    behavior_logprobs: Tensor
    advantages: Tensor
    mask: Tensor

    @property
    def of_rollout(self) -> Tensor:
        """[R] the advantage of each rollout: that of its first trained token, which all share in a sequence objective."""
        first = self.mask.float().argmax(-1, keepdim=True)
        return self.advantages.gather(1, first)[:, 0]


@dataclass(frozen=True, slots=True)
class Reinforce:
    """`objective.surrogates.reinforce`: right for one update a batch."""

    kind: Literal["reinforce"] = "reinforce"
    has_ratio: bool = False
    bounds: tuple[float, float] | None = None

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.reinforce(inputs.logprobs, inputs.advantages)

    @property
    def formula(self) -> str:
        return "ℓₜ = −Âₜ log π(oₜ)"


@dataclass(frozen=True, slots=True)
class WeightedNLL:
    """`objective.surrogates.weighted_nll`: imitation of what the advantage keeps."""

    kind: Literal["weighted_nll"] = "weighted_nll"
    has_ratio: bool = False
    bounds: tuple[float, float] | None = None

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.weighted_nll(inputs.logprobs, inputs.advantages)

    @property
    def formula(self) -> str:
        return "ℓₜ = −Âₜ log π(oₜ), whichever policy wrote o"


@dataclass(frozen=True, slots=True)
class PPOClip:
    """`objective.surrogates.ppo_clip`."""

    clip_low: float
    clip_high: float
    kind: Literal["ppo_clip"] = "ppo_clip"
    has_ratio: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        return self.clip_low, self.clip_high

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.ppo_clip(inputs.logprobs, inputs.old_logprobs, inputs.advantages, clip_low=self.clip_low, clip_high=self.clip_high)

    @property
    def formula(self) -> str:
        return f"ℓₜ = max(−Âₜρₜ, −Âₜ clip(ρₜ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g}))"


@dataclass(frozen=True, slots=True)
class DualClip:
    """`objective.surrogates.dual_clip`: PPO's clip, and a bound on the loss of tokens with a negative advantage."""

    clip_low: float
    clip_high: float
    clip_dual: float
    kind: Literal["dual_clip"] = "dual_clip"
    has_ratio: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        return self.clip_low, self.clip_high

    def __call__(self, inputs: LossInputs) -> Tensor:
        bounds = {"clip_low": self.clip_low, "clip_high": self.clip_high, "clip_dual": self.clip_dual}
        return surrogates.dual_clip(inputs.logprobs, inputs.old_logprobs, inputs.advantages, **bounds)

    @property
    def formula(self) -> str:
        return f"ℓₜ = max(−Âₜρₜ, −Âₜ clip(ρₜ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g})), at most −{self.clip_dual:g}Âₜ where Âₜ < 0"


@dataclass(frozen=True, slots=True)
class TwoSidedClip:
    """`objective.surrogates.two_sided_clip`: PPO's clip with the ratio bounded for negative advantages too."""

    clip_low: float
    clip_high: float
    max_ratio: float
    kind: Literal["two_sided_clip"] = "two_sided_clip"
    has_ratio: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        return self.clip_low, self.clip_high

    def __call__(self, inputs: LossInputs) -> Tensor:
        bounds = {"clip_low": self.clip_low, "clip_high": self.clip_high, "max_ratio": self.max_ratio}
        return surrogates.two_sided_clip(inputs.logprobs, inputs.old_logprobs, inputs.advantages, **bounds)

    @property
    def formula(self) -> str:
        return f"ℓₜ = max(−Âₜ min(ρₜ, {self.max_ratio:g}), −Âₜ clip(ρₜ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g}))"


@dataclass(frozen=True, slots=True)
class CISPO:
    """`objective.surrogates.cispo`: the ratio as a capped constant weight; every token keeps its gradient."""

    max_ratio: float
    kind: Literal["cispo"] = "cispo"
    has_ratio: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        return 1.0, self.max_ratio - 1.0

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.cispo(inputs.logprobs, inputs.old_logprobs, inputs.advantages, max_ratio=self.max_ratio)

    @property
    def formula(self) -> str:
        return f"ℓₜ = −sg[min(ρₜ, {self.max_ratio:g})] Âₜ log π(oₜ)"


@dataclass(frozen=True, slots=True)
class CISPOClamped:
    """`objective.surrogates.cispo_clamped`: CISPO with the ratio clamped from both sides around 1."""

    clip_low: float
    clip_high: float
    kind: Literal["cispo_clamped"] = "cispo_clamped"
    has_ratio: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        return self.clip_low, self.clip_high

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.cispo_clamped(inputs.logprobs, inputs.old_logprobs, inputs.advantages, clip_low=self.clip_low, clip_high=self.clip_high)

    @property
    def formula(self) -> str:
        return f"ℓₜ = −sg[clip(ρₜ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g})] Âₜ log π(oₜ)"


@dataclass(frozen=True, slots=True)
class SAPO:
    """`objective.surrogates.sapo`: a soft gate on the ratio in place of a clip."""

    tau_positive: float
    tau_negative: float
    kind: Literal["sapo"] = "sapo"
    has_ratio: bool = True
    bounds: tuple[float, float] | None = None

    def __call__(self, inputs: LossInputs) -> Tensor:
        taus = {"tau_positive": self.tau_positive, "tau_negative": self.tau_negative}
        return surrogates.sapo(inputs.logprobs, inputs.old_logprobs, inputs.advantages, **taus)

    @property
    def formula(self) -> str:
        return f"ℓₜ = −Âₜ (4/τ) σ(τ(ρₜ − 1)), τ = {self.tau_positive:g} where Âₜ > 0, {self.tau_negative:g} elsewhere"


@dataclass(frozen=True, slots=True)
class DPPO:
    """`objective.surrogates.dppo`: tokens are masked by how far their probability moved, not by their ratio."""

    max_divergence: float
    kind: Literal["dppo"] = "dppo"
    has_ratio: bool = True
    bounds: tuple[float, float] | None = None

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.dppo(inputs.logprobs, inputs.old_logprobs, inputs.advantages, max_divergence=self.max_divergence)

    @property
    def formula(self) -> str:
        return f"ℓₜ = −Âₜρₜ, without gradient where |π(oₜ) − π_old(oₜ)| > {self.max_divergence:g} in the direction of Âₜ"


@dataclass(frozen=True, slots=True)
class GSPOToken:
    """`objective.surrogates.gspo_token`: GSPO's sequence ratio as a value, with a gradient and an advantage of each token."""

    clip_low: float
    clip_high: float
    kind: Literal["gspo_token"] = "gspo_token"
    has_ratio: bool = True
    bounds: tuple[float, float] | None = None

    def __call__(self, inputs: LossInputs) -> Tensor:
        bounds = {"clip_low": self.clip_low, "clip_high": self.clip_high}
        return surrogates.gspo_token(inputs.logprobs, inputs.old_logprobs, inputs.advantages, inputs.mask, **bounds)

    @property
    def formula(self) -> str:
        return f"sᵢₜ = sg[sᵢ] π(oₜ)/sg[π(oₜ)], sᵢ = exp(mean log ρ); ℓₜ = max(−Âₜsᵢₜ, −Âₜ clip(sᵢₜ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g}))"


TokenSurrogate = Reinforce | WeightedNLL | PPOClip | DualClip | TwoSidedClip | CISPO | CISPOClamped | SAPO | DPPO | GSPOToken


@dataclass(frozen=True, slots=True)
class GSPO:
    """`objective.surrogates.gspo`: the clip on the length-normalised ratio of the whole sequence."""

    clip_low: float
    clip_high: float
    kind: Literal["gspo"] = "gspo"
    has_ratio: bool = True

    def __call__(self, inputs: LossInputs) -> Tensor:
        bounds = {"clip_low": self.clip_low, "clip_high": self.clip_high}
        return surrogates.gspo(inputs.logprobs, inputs.old_logprobs, inputs.of_rollout, inputs.mask, **bounds)

    @property
    def formula(self) -> str:
        return f"sᵢ = exp(mean log ρ over oᵢ); ℓᵢ = max(−Âᵢsᵢ, −Âᵢ clip(sᵢ, 1 − {self.clip_low:g}, 1 + {self.clip_high:g}))"


@dataclass(frozen=True, slots=True)
class GMPO:
    """`objective.surrogates.gmpo`: the geometric mean of clipped token ratios."""

    clip_low: float
    clip_high: float
    kind: Literal["gmpo"] = "gmpo"
    has_ratio: bool = True

    def __call__(self, inputs: LossInputs) -> Tensor:
        bounds = {"clip_low": self.clip_low, "clip_high": self.clip_high}
        return surrogates.gmpo(inputs.logprobs, inputs.old_logprobs, inputs.of_rollout, inputs.mask, **bounds)

    @property
    def formula(self) -> str:
        return f"ℓᵢ = −Âᵢ exp(mean over oᵢ of log ρ, clipped against Âᵢ to [−{self.clip_low:g}, {self.clip_high:g}])"


@dataclass(frozen=True, slots=True)
class MirrorDescent:
    """`objective.surrogates.squared_regret`: Kimi k1.5's squared loss of a mirror-descent step, once the baseline is subtracted."""

    tau: float
    kind: Literal["mirror_descent"] = "mirror_descent"
    has_ratio: bool = True

    def __call__(self, inputs: LossInputs) -> Tensor:
        return surrogates.squared_regret(inputs.logprobs, inputs.old_logprobs, inputs.of_rollout, inputs.mask, tau=self.tau)

    @property
    def formula(self) -> str:
        return f"ℓᵢ = (Âᵢ − τ Σₜ log ρₜ)² / 2τ, τ = {self.tau:g}"


SequenceSurrogate = GSPO | GMPO | MirrorDescent


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
        return ratios.negative_sequence_mask(inputs.logprobs.detach(), inputs.old_logprobs, inputs.advantages, inputs.mask, max_divergence=self.max_divergence)


Correction = NoCorrection | TruncatedImportance | TokenMask | SequenceMask | NegativeSequenceMask


@dataclass(frozen=True, slots=True)
class NoKL:
    """No term against a reference model in the loss."""

    kind: Literal["no_kl"] = "no_kl"
    needs_reference: bool = False

    @property
    def formula(self) -> str:
        return ""

    def __call__(self, inputs: LossInputs, ref_logprobs: Tensor | None) -> Tensor | None:
        return None


@dataclass(frozen=True, slots=True)
class KLInLoss:
    """beta times an estimate of KL(policy || reference), added to the loss of each token.

    `estimator` is k2 (gradient of the reverse KL), k3 (as GRPO published it: gradient of the forward KL) or k3_corrected (k3 times the
    ratio: gradient of the reverse KL, DeepSeek-V3.2). k1 is not offered in a loss, where its expected gradient is zero.
    """

    beta: float
    estimator: Literal["k2", "k3", "k3_corrected"]
    kind: Literal["kl_in_loss"] = "kl_in_loss"
    needs_reference: bool = True

    @property
    def formula(self) -> str:
        return f" + {self.beta:g} · {self.estimator}(π, π_ref)"

    def __call__(self, inputs: LossInputs, ref_logprobs: Tensor | None) -> Tensor | None:
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
