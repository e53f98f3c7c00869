"""An algorithm is a value: an advantage, a surrogate, a KL term and an aggregation.

Each part is a small frozen dataclass around one function of `objective`. What cannot be combined cannot be written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proctor.objective import advantages, aggregation, kl, surrogates


@dataclass(frozen=True, slots=True)
class NoBaseline:
    """The reward itself is the advantage (plain REINFORCE)."""

    kind: Literal["no_baseline"] = "no_baseline"
    needs_group: bool = False

    def __call__(self, rewards: Tensor, group_ids: Tensor) -> Tensor:
        return rewards


@dataclass(frozen=True, slots=True)
class GroupCentered:
    """`objective.advantages.group_centered`."""

    kind: Literal["group_centered"] = "group_centered"
    needs_group: bool = True

    def __call__(self, rewards: Tensor, group_ids: Tensor) -> Tensor:
        return advantages.group_centered(rewards, group_ids)


@dataclass(frozen=True, slots=True)
class GroupStandardized:
    """`objective.advantages.group_standardized`."""

    ddof: int
    epsilon: float
    kind: Literal["group_standardized"] = "group_standardized"
    needs_group: bool = True

    def __call__(self, rewards: Tensor, group_ids: Tensor) -> Tensor:
        return advantages.group_standardized(rewards, group_ids, ddof=self.ddof, epsilon=self.epsilon)


@dataclass(frozen=True, slots=True)
class Reinforce:
    """`objective.surrogates.reinforce`: right for one update a batch."""

    kind: Literal["reinforce"] = "reinforce"
    has_ratio: bool = False

    def __call__(self, logprobs: Tensor, old_logprobs: Tensor, token_advantages: Tensor) -> Tensor:
        return surrogates.reinforce(logprobs, token_advantages)


@dataclass(frozen=True, slots=True)
class PPOClip:
    """`objective.surrogates.ppo_clip`."""

    clip_low: float
    clip_high: float
    kind: Literal["ppo_clip"] = "ppo_clip"
    has_ratio: bool = True

    def __call__(self, logprobs: Tensor, old_logprobs: Tensor, token_advantages: Tensor) -> Tensor:
        return surrogates.ppo_clip(logprobs, old_logprobs, token_advantages, clip_low=self.clip_low, clip_high=self.clip_high)


@dataclass(frozen=True, slots=True)
class NoKL:
    """No term against a reference model, so none is loaded."""

    kind: Literal["no_kl"] = "no_kl"
    needs_reference: bool = False

    def __call__(self, logprobs: Tensor, ref_logprobs: Tensor | None) -> Tensor | None:
        return None


@dataclass(frozen=True, slots=True)
class KLInLoss:
    """beta times an estimate of KL(policy || reference), added to the loss of each token.

    `estimator` is k2 (gradient of the reverse KL) or k3 (as GRPO published it: gradient of the forward KL). k1 is not offered
    in a loss, where its expected gradient is zero.
    """

    beta: float
    estimator: Literal["k2", "k3"]
    kind: Literal["kl_in_loss"] = "kl_in_loss"
    needs_reference: bool = True

    def __call__(self, logprobs: Tensor, ref_logprobs: Tensor | None) -> Tensor | None:
        if ref_logprobs is None:
            raise ValueError("a KL term needs ref_logprobs; annotate the batch with a reference model first")
        return self.beta * (kl.k2 if self.estimator == "k2" else kl.k3)(logprobs, ref_logprobs)


@dataclass(frozen=True, slots=True)
class TokenMean:
    """`objective.aggregation.token_mean`."""

    kind: Literal["token_mean"] = "token_mean"

    def __call__(self, mask: Tensor) -> Tensor:
        return aggregation.token_mean(mask)


@dataclass(frozen=True, slots=True)
class SequenceMean:
    """`objective.aggregation.sequence_mean`."""

    kind: Literal["sequence_mean"] = "sequence_mean"

    def __call__(self, mask: Tensor) -> Tensor:
        return aggregation.sequence_mean(mask)


@dataclass(frozen=True, slots=True)
class FixedLength:
    """`objective.aggregation.fixed_length`."""

    max_tokens: int
    kind: Literal["fixed_length"] = "fixed_length"

    def __call__(self, mask: Tensor) -> Tensor:
        return aggregation.fixed_length(mask, max_tokens=self.max_tokens)


Advantage = NoBaseline | GroupCentered | GroupStandardized
Surrogate = Reinforce | PPOClip
KLTerm = NoKL | KLInLoss
Aggregation = TokenMean | SequenceMean | FixedLength


@dataclass(frozen=True, slots=True)
class Objective:
    """What is optimised.

    Attributes:
        name: of the preset, for logs.
        advantage: rewards of a batch to one advantage a rollout.
        surrogate: per-token loss.
        kl: term against a frozen reference.
        aggregation: mask of the batch to weights of its tokens.
    """

    name: str
    advantage: Advantage
    surrogate: Surrogate
    kl: KLTerm
    aggregation: Aggregation

    @property
    def skips_zero_advantage(self) -> bool:
        """True when a rollout with advantage 0 has no gradient at all, so that its passes can be left out."""
        return isinstance(self.kl, NoKL)
