"""An algorithm is a value: where rollouts come from, how rewards become credit, and the loss.

Four kinds, told apart by type: `Objective` (the policy-gradient family and expert iteration), `PreferenceObjective` (DPO and its
relatives), `RewardModelObjective` (Bradley-Terry), `DistillationObjective` (a teacher's distributions). What cannot be combined
cannot be written down: a critic is part of the advantage that needs it, an aggregation part of the loss whose kind it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from proctor.algorithms.collection import Collection, OnPolicy, Source
from proctor.algorithms.credit import GAE, Advantage, GreedyBaseline, ProcessSupervised
from proctor.algorithms.critics import Critic
from proctor.algorithms.losses import Loss, TokenLoss
from proctor.objective import distillation, kl, preferences


@dataclass(frozen=True, slots=True)
class NoPenalty:
    """The reward is what the reward functions say."""

    kind: Literal["no_penalty"] = "no_penalty"
    needs_reference: bool = False


@dataclass(frozen=True, slots=True)
class KLInReward:
    """beta times an estimate of KL(policy || reference) subtracted from the reward of each token (Ouyang et al. 2022, eq. 2).

    Attributes:
        beta: the coefficient, or its first value where a target is given.
        estimator: k1, whose gradient here is that of the reverse KL; clamped_k1 is AlpacaFarm's clamp at zero, which is no
            estimator of a KL and stands here for ablation.
        target: KL of a whole rollout in nats that the coefficient is steered to (Ziegler et al. 2019); None keeps it fixed.
        horizon: rollouts over which it is steered.
    """

    beta: float
    estimator: Literal["k1", "clamped_k1"] = "k1"
    target: float | None = None
    horizon: float = 10_000.0
    kind: Literal["kl_in_reward"] = "kl_in_reward"
    needs_reference: bool = True

    def __call__(self, old_logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
        return (kl.k1 if self.estimator == "k1" else kl.clamped_k1)(old_logprobs, ref_logprobs)


Penalty = NoPenalty | KLInReward


@dataclass(frozen=True, slots=True)
class Objective:
    """What the policy-gradient family optimises.

    Attributes:
        name: of the preset, for logs.
        advantage: rewards of a batch to one advantage a token.
        loss: of tokens or of rollouts.
        penalty: KL in the reward.
        source: who writes the rollouts.
        collection: shaping, refills and filters of rollouts.
        positive_nll_weight: of an extra imitation loss on rollouts with reward of at least 1 (VAPO).
        pretraining_weight: of the mean negative log-likelihood of pre-training text, beside the RL loss (InstructGPT's ptx).
        resets_optimizer: Adam's moments are cleared at each step (Kimi k1.5: every iteration is a new problem).
    """

    name: str
    advantage: Advantage
    loss: Loss
    penalty: Penalty = NoPenalty()
    source: Source = OnPolicy()
    collection: Collection = Collection()
    positive_nll_weight: float = 0.0
    pretraining_weight: float = 0.0
    resets_optimizer: bool = False

    @property
    def critic(self) -> Critic | None:
        return self.advantage.critic if isinstance(self.advantage, GAE) else None

    @property
    def needs_reference(self) -> bool:
        return self.loss.kl.needs_reference or self.penalty.needs_reference

    @property
    def needs_ref_logprobs(self) -> bool:
        """True when logprobs of tokens under the reference are read; an exact KL reads its logits instead."""
        return self.penalty.needs_reference or (self.loss.kl.needs_reference and not self.loss.kl.needs_logits)

    @property
    def bootstraps_truncated(self) -> bool:
        return isinstance(self.advantage, GAE) and self.advantage.bootstraps_truncated

    @property
    def needs_group(self) -> bool:
        return self.advantage.needs_group

    @property
    def needs_greedy(self) -> bool:
        return isinstance(self.advantage, GreedyBaseline)

    @property
    def needs_steps(self) -> bool:
        return isinstance(self.advantage, ProcessSupervised)

    @property
    def has_ratio(self) -> bool:
        return self.loss.surrogate.has_ratio

    @property
    def skips_zero_advantage(self) -> bool:
        """True when a rollout with advantage 0 has no gradient at all, so that its passes can be left out."""
        return self.loss.skips_zero_advantage and self.critic is None and not self.positive_nll_weight


@dataclass(frozen=True, slots=True)
class DPO:
    """`objective.preferences.dpo` on summed logprobs."""

    beta: float
    kind: Literal["dpo"] = "dpo"
    needs_reference: bool = True

    def __call__(self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
        return preferences.dpo(chosen, rejected, ref_chosen, ref_rejected, beta=self.beta)

    @property
    def formula(self) -> str:
        return f"ℓ = −log σ({self.beta:g} [log π(y⁺)/π_ref(y⁺) − log π(y⁻)/π_ref(y⁻)])"


@dataclass(frozen=True, slots=True)
class DPOLengthNormalized:
    """`objective.preferences.dpo_length_normalized` (Tulu 3)."""

    beta: float
    kind: Literal["dpo_length_normalized"] = "dpo_length_normalized"
    needs_reference: bool = True

    def __call__(self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
        return preferences.dpo_length_normalized(chosen, rejected, ref_chosen, ref_rejected, *lengths, beta=self.beta)

    @property
    def formula(self) -> str:
        return f"ℓ = −log σ({self.beta:g} [log π(y⁺)/π_ref(y⁺) / |y⁺| − log π(y⁻)/π_ref(y⁻) / |y⁻|])"


@dataclass(frozen=True, slots=True)
class SimPO:
    """`objective.preferences.simpo`: no reference, mean logprobs and a margin."""

    beta: float
    margin: float
    kind: Literal["simpo"] = "simpo"
    needs_reference: bool = False

    def __call__(self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
        return preferences.simpo(chosen, rejected, *lengths, beta=self.beta, margin=self.margin)

    @property
    def formula(self) -> str:
        return f"ℓ = −log σ({self.beta:g} log π(y⁺)/|y⁺| − {self.beta:g} log π(y⁻)/|y⁻| − {self.margin:g})"


@dataclass(frozen=True, slots=True)
class IPO:
    """`objective.preferences.ipo`: a squared loss that does not saturate."""

    tau: float
    kind: Literal["ipo"] = "ipo"
    needs_reference: bool = True

    def __call__(self, chosen: Tensor, rejected: Tensor, ref_chosen: Tensor, ref_rejected: Tensor, lengths: tuple[Tensor, Tensor]) -> Tensor:
        return preferences.ipo(chosen, rejected, ref_chosen, ref_rejected, tau=self.tau)

    @property
    def formula(self) -> str:
        return f"ℓ = (log π(y⁺)/π_ref(y⁺) − log π(y⁻)/π_ref(y⁻) − 1/(2·{self.tau:g}))²"


PairLoss = DPO | DPOLengthNormalized | SimPO | IPO


@dataclass(frozen=True, slots=True)
class PreferenceObjective:
    """Learn from pairs: in each group the best rollout is preferred to the worst; a group whose rollouts earned the same gives no pair.

    With rollouts of the policy itself this is iterated DPO; with demonstrations the pairs are the data set's own.

    Attributes:
        name: of the preset.
        loss: of a pair.
        source: who writes the rollouts.
    """

    name: str
    loss: PairLoss
    source: Source = OnPolicy()

    @property
    def needs_reference(self) -> bool:
        return self.loss.needs_reference

    @property
    def needs_ref_logprobs(self) -> bool:
        return self.needs_reference


@dataclass(frozen=True, slots=True)
class RewardModelObjective:
    """Train a reward model with the Bradley-Terry loss; all pairs of one prompt are one element (Ouyang et al. 2022, eq. 1).

    Attributes:
        name: of the preset.
        source: who writes the completions that are compared.
        start: a reward model to go on from, its run or model directory; empty begins with the policy's backbone and a new head.
    """

    name: str
    source: Source = OnPolicy()
    start: str = ""
    needs_reference: bool = False
    needs_ref_logprobs: bool = False


@dataclass(frozen=True, slots=True)
class ReverseKL:
    """KL(student || teacher) at each token of the student's own text: mode-seeking."""

    kind: Literal["reverse_kl"] = "reverse_kl"

    def __call__(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        return distillation.reverse_kl(student, teacher, temperature=temperature)

    @property
    def formula(self) -> str:
        return "ℓₜ = Σᵥ π(v) log π(v)/π_T(v)"


@dataclass(frozen=True, slots=True)
class ForwardKL:
    """KL(teacher || student): mass-covering."""

    kind: Literal["forward_kl"] = "forward_kl"

    def __call__(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        return distillation.forward_kl(student, teacher, temperature=temperature)

    @property
    def formula(self) -> str:
        return "ℓₜ = Σᵥ π_T(v) log π_T(v)/π(v)"


@dataclass(frozen=True, slots=True)
class GeneralizedJS:
    """The generalised Jensen-Shannon divergence (Agarwal et al. 2024, GKD), between the two KLs."""

    weight: float
    kind: Literal["generalized_js"] = "generalized_js"

    def __call__(self, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        return distillation.generalized_js(student, teacher, weight=self.weight, temperature=temperature)

    @property
    def formula(self) -> str:
        return f"ℓₜ = {self.weight:g} KL(π_T‖m) + {1 - self.weight:g} KL(π‖m), m = {self.weight:g} π_T + {1 - self.weight:g} π"


Divergence = ReverseKL | ForwardKL | GeneralizedJS


@dataclass(frozen=True, slots=True)
class DistillationObjective:
    """Move the student's distribution to a teacher's at every token of a rollout, mean over tokens.

    Attributes:
        name: of the preset.
        teacher: what `load_policy` takes; its vocabulary must be the student's.
        divergence: between the two distributions.
        source: who writes the rollouts: the student itself on-policy.
    """

    name: str
    teacher: str
    divergence: Divergence
    source: Source = OnPolicy()
    needs_reference: bool = False
    needs_ref_logprobs: bool = False


AnyObjective = Objective | PreferenceObjective | RewardModelObjective | DistillationObjective


def has_ratio(objective: AnyObjective) -> bool:
    """True when more than one update a batch is right: the loss corrects for a policy that has moved, or does not ask who wrote the rollouts."""
    if not isinstance(objective, Objective):
        return True
    return objective.has_ratio or (isinstance(objective.loss, TokenLoss) and objective.loss.kept_only)
