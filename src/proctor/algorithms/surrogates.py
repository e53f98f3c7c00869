"""Surrogates as values: the loss of a token, or of a whole rollout, each around one function of `objective.surrogates`.

`has_ratio` says that a surrogate is right for more than one update a batch; `bounds` what its clip fractions are counted against;
`formula` is what `proctor explain` prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proctor.objective import surrogates


@dataclass(frozen=True, slots=True, eq=False)
class LossInputs:
    """What a surrogate is computed from, for the rows of one micro-batch. R rows, L tokens.

    Attributes:
        logprobs: [R, L] of the policy; differentiated.
        old_logprobs: [R, L] of the policy at the start of the update; constants.
        behavior_logprobs: [R, L] as the sampler recorded them; constants.
        advantages: [R, L]; constants.
        mask: [R, L] True where a token is trained on.
        exact_kl: [R, L] KL(policy || reference) over the vocabulary; differentiated; None where no term asks for it.
    """

    logprobs: Tensor
    old_logprobs: Tensor
    behavior_logprobs: Tensor
    advantages: Tensor
    mask: Tensor
    exact_kl: Tensor | None = None

    @property
    def of_rollout(self) -> Tensor:
        """[R] the advantage of each rollout: that of its last trained token, which all share in a sequence objective (but for skipped ones before it)."""
        last = self.mask.shape[1] - 1 - self.mask.flip(-1).float().argmax(-1, keepdim=True)
        return self.advantages.gather(1, last)[:, 0]


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
