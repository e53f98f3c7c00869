"""Credit as values: from the rewards of a whole batch to one advantage a token.

Each part is a small frozen dataclass around functions of `objective.advantages`. `needs_group` says that the rollouts of one
task are compared; `formula` is what `proctor explain` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from proctor.algorithms.critics import Critic, LengthAdaptive
from proctor.objective import advantages as adv


@dataclass(frozen=True, slots=True, eq=False)
class CreditInputs:
    """What credit is computed from. R rollouts, L tokens of the longest.

    Attributes:
        rewards: [R] fp64, shaping and the summed KL penalty included.
        token_rewards: [R, L] fp64: the reward on the last trained token, minus the KL penalty of each token.
        group_ids: [R].
        mask: [R, L] True where a token is trained on.
        is_repeat: [R] True where an earlier rollout of the group has the same tokens.
        parts: [R, K] each reward part by itself, unweighted.
        part_weights: K weights of the parts.
        greedy_rewards: [R] reward of the task's greedy rollout, where the advantage needs one.
        step_rewards: R lists of rewards of reasoning steps, where a verifier scores steps.
        step_ends: R lists: the token (counted from 1) that ends each step.
        values: [R, L] of the critic, where there is one.
        bootstrap_values: [R] the critic's value behind the last token of a truncated rollout; 0 for finished ones.
    """

    rewards: Tensor
    token_rewards: Tensor
    group_ids: Tensor
    mask: Tensor
    is_repeat: Tensor
    parts: Tensor
    part_weights: Sequence[float]
    greedy_rewards: Tensor | None = None
    step_rewards: Sequence[Sequence[float]] = ()
    step_ends: Sequence[Sequence[int]] = ()
    values: Tensor | None = None
    bootstrap_values: Tensor | None = None

    def spread(self, per_rollout: Tensor) -> Tensor:
        """One value a rollout on all its trained tokens, 0 elsewhere."""
        return torch.where(self.mask, per_rollout[:, None], 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Credit:
    """Advantages [R, L], 0 where nothing is trained on; returns [R, L] that a critic is fitted to, where there is one."""

    advantages: Tensor
    returns: Tensor | None = None


@dataclass(frozen=True, slots=True)
class NoBaseline:
    """The reward itself is the advantage (plain REINFORCE)."""

    kind: Literal["no_baseline"] = "no_baseline"
    needs_group: bool = False

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(inputs.rewards))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ"


@dataclass(frozen=True, slots=True)
class GroupCentered:
    """`objective.advantages.group_centered`."""

    kind: Literal["group_centered"] = "group_centered"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.group_centered(inputs.rewards, inputs.group_ids)))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ − mean(r of the group)"


@dataclass(frozen=True, slots=True)
class GroupStandardized:
    """`objective.advantages.group_standardized`."""

    ddof: int
    epsilon: float
    kind: Literal["group_standardized"] = "group_standardized"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.group_standardized(inputs.rewards, inputs.group_ids, ddof=self.ddof, epsilon=self.epsilon)))

    @property
    def formula(self) -> str:
        return f"Âᵢ = (rᵢ − mean(r of the group)) / (std(r of the group, ddof={self.ddof}) + {self.epsilon:g})"


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """`objective.advantages.leave_one_out`."""

    kind: Literal["leave_one_out"] = "leave_one_out"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.leave_one_out(inputs.rewards, inputs.group_ids)))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ − mean(r of the others of the group)"


@dataclass(frozen=True, slots=True)
class BatchStandardized:
    """`objective.advantages.batch_standardized`."""

    ddof: int
    epsilon: float
    kind: Literal["batch_standardized"] = "batch_standardized"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.batch_standardized(inputs.rewards, inputs.group_ids, ddof=self.ddof, epsilon=self.epsilon)))

    @property
    def formula(self) -> str:
        return f"Âᵢ = (rᵢ − mean(r of the group)) / (std over the batch, ddof={self.ddof}, + {self.epsilon:g})"


@dataclass(frozen=True, slots=True)
class LengthWeighted:
    """`objective.advantages.length_weighted`: OPO's optimal baseline for exact on-policy training."""

    kind: Literal["length_weighted"] = "length_weighted"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        lengths = inputs.mask.sum(-1).to(inputs.rewards)
        return Credit(inputs.spread(adv.length_weighted(inputs.rewards, lengths, inputs.group_ids)))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ − Σⱼ |oⱼ| rⱼ / Σⱼ |oⱼ|   over the group"


@dataclass(frozen=True, slots=True)
class GreedyBaseline:
    """`objective.advantages.greedy_baseline`: the reward of one greedy rollout of the task is the baseline (ReMax)."""

    kind: Literal["greedy_baseline"] = "greedy_baseline"
    needs_group: bool = False

    def __call__(self, inputs: CreditInputs) -> Credit:
        if inputs.greedy_rewards is None:
            raise ValueError("the baseline is the reward of a greedy rollout, and the batch has none; sample with the objective's own rollout plan")
        return Credit(inputs.spread(adv.greedy_baseline(inputs.rewards, inputs.greedy_rewards)))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ − r(greedy completion of the same prompt)"


@dataclass(frozen=True, slots=True)
class BestMinusSecond:
    """`objective.advantages.best_minus_second`: only the best rollout of a group learns (pass@k)."""

    kind: Literal["best_minus_second"] = "best_minus_second"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.best_minus_second(inputs.rewards, inputs.group_ids)))

    @property
    def formula(self) -> str:
        return "Âᵢ = rᵢ − second best r of the group for the best rollout, 0 for all others"


@dataclass(frozen=True, slots=True)
class DecoupledStandardized:
    """`objective.advantages.decoupled_standardized`: each reward part standardised by itself, then summed (GDPO)."""

    ddof: int
    epsilon: float
    kind: Literal["decoupled_standardized"] = "decoupled_standardized"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        found = adv.decoupled_standardized(inputs.parts, inputs.group_ids, weights=inputs.part_weights, ddof=self.ddof, epsilon=self.epsilon)
        return Credit(inputs.spread(found))

    @property
    def formula(self) -> str:
        return f"Âᵢ = whiten over the batch of Σₖ wₖ (rᵢₖ − mean(rₖ of the group)) / (std(rₖ of the group, ddof={self.ddof}) + {self.epsilon:g})"


@dataclass(frozen=True, slots=True)
class LogPartitionCentered:
    """`objective.advantages.log_partition_centered`: Kimi k1.5's first baseline, τ log Z estimated from the group."""

    tau: float
    kind: Literal["log_partition_centered"] = "log_partition_centered"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        return Credit(inputs.spread(adv.log_partition_centered(inputs.rewards, inputs.group_ids, tau=self.tau)))

    @property
    def formula(self) -> str:
        return f"Âᵢ = rᵢ − τ log mean(exp(r/τ) of the group), τ = {self.tau:g}"


@dataclass(frozen=True, slots=True)
class ProcessSupervised:
    """`objective.advantages.process_supervised`: rewards of reasoning steps, normalised over all steps of the group."""

    ddof: int
    epsilon: float
    kind: Literal["process_supervised"] = "process_supervised"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        if not any(inputs.step_rewards):
            raise ValueError("no rollout has rewards of steps: process supervision needs a verifier that scores steps, such as `equations`")
        ragged = adv.process_supervised(inputs.step_rewards, inputs.step_ends, inputs.group_ids, ddof=self.ddof, epsilon=self.epsilon)
        tokens = torch.zeros(inputs.mask.shape, dtype=inputs.rewards.dtype)
        for row, values in enumerate(ragged):
            own = inputs.mask[row].nonzero()[: len(values), 0]
            tokens[row, own] = torch.as_tensor(values, dtype=tokens.dtype)[: len(own)]
        return Credit(tokens)

    @property
    def formula(self) -> str:
        scale = f"(std(R, ddof={self.ddof}) + {self.epsilon:g})"
        return f"Âᵢₜ = Σ over steps j of oᵢ that end at or after t of (rᵢⱼ − mean R) / {scale}, R all step rewards of the group"


@dataclass(frozen=True, slots=True)
class GloballyWhitened:
    """REINFORCE++: reward-to-go of each token, whitened over the tokens of the batch; with a group baseline, its mean is subtracted first."""

    subtracts_group_mean: bool
    kind: Literal["globally_whitened"] = "globally_whitened"

    @property
    def needs_group(self) -> bool:
        return self.subtracts_group_mean

    def __call__(self, inputs: CreditInputs) -> Credit:
        if self.subtracts_group_mean:
            to_go = inputs.spread(adv.group_centered(inputs.rewards, inputs.group_ids))
        else:
            to_go = adv.reward_to_go(inputs.token_rewards, inputs.mask, gamma=1.0)
        return Credit(torch.where(inputs.mask, adv.whiten(to_go, inputs.mask, shift_mean=True), 0.0))

    @property
    def formula(self) -> str:
        inner = "rᵢ − mean(r of the group)" if self.subtracts_group_mean else "Σ over s ≥ t of rᵢₛ"
        return f"Âᵢₜ = whiten over all tokens of the batch of {inner}"


@dataclass(frozen=True, slots=True)
class GAE:
    """Generalised advantage estimation with a critic: `objective.advantages.gae`.

    Attributes:
        critic: whose values are bootstrapped; an advantage without one cannot be written down.
        gamma: discount.
        policy_lambda: λ of the advantages, a number or `LengthAdaptive`.
        critic_lambda: λ of the returns that the critic is fitted to (equal to the policy's unless decoupled, as in VAPO).
        whitens_rewards: divide token rewards by their standard deviation over the batch, the mean kept.
        whitens_advantages: mean 0 and standard deviation 1 over the tokens of the batch.
        bootstraps_truncated: behind the last token of a truncated rollout stands the critic's value of the state where it was cut, as if the
            episode went on, instead of 0, as if it were over.
    """

    critic: Critic
    gamma: float
    policy_lambda: float | LengthAdaptive
    critic_lambda: float
    whitens_rewards: bool = False
    whitens_advantages: bool = True
    bootstraps_truncated: bool = False
    kind: Literal["gae"] = "gae"
    needs_group: bool = False

    def __call__(self, inputs: CreditInputs) -> Credit:
        if inputs.values is None:
            raise ValueError("GAE needs values; annotate the batch with the critic first")
        if self.bootstraps_truncated and inputs.bootstrap_values is None:
            raise ValueError("GAE is to bootstrap truncated rollouts and needs bootstrap_values; annotate the batch with the critic first")
        mask, values = inputs.mask, inputs.values.double()
        rewards = adv.whiten(inputs.token_rewards, mask, shift_mean=False) if self.whitens_rewards else inputs.token_rewards
        rewards = torch.where(mask, rewards, 0.0)
        after_last = inputs.bootstrap_values if self.bootstraps_truncated else None

        def estimate(gae_lambda: float | Tensor) -> tuple[Tensor, Tensor]:
            return adv.gae(rewards, values, mask, gamma=self.gamma, gae_lambda=gae_lambda, bootstrap_values=after_last)

        chosen = self.policy_lambda
        policy_lambda = adv.length_adaptive_lambda(mask, alpha=chosen.alpha).double() if isinstance(chosen, LengthAdaptive) else chosen
        found, returns = estimate(policy_lambda)
        if policy_lambda is not self.critic_lambda:
            _, returns = estimate(self.critic_lambda)
        if self.whitens_advantages:
            found = adv.whiten(found, mask, shift_mean=True)
        return Credit(torch.where(mask, found, 0.0), torch.where(mask, returns, 0.0))

    @property
    def formula(self) -> str:
        lam = f"1 − 1/({self.policy_lambda.alpha:g}·|o|)" if isinstance(self.policy_lambda, LengthAdaptive) else f"{self.policy_lambda:g}"
        whitened = ", then whitened over the batch" if self.whitens_advantages else ""
        end = ", V behind a truncated rollout: the critic's" if self.bootstraps_truncated else ""
        return f"Âₜ = δₜ + γλ Âₜ₊₁, δₜ = rₜ + γV(sₜ₊₁) − V(sₜ){end}, γ = {self.gamma:g}, λ = {lam} (returns: λ = {self.critic_lambda:g}){whitened}"


@dataclass(frozen=True, slots=True)
class KeepCorrect:
    """1 for a rollout whose reward reaches the threshold, 0 otherwise: expert iteration as a gradient coefficient.

    Attributes:
        threshold: least reward of a rollout that is kept.
        drops_repeats: keep a completion only once in its group (RFT's distinct solutions).
    """

    threshold: float
    drops_repeats: bool = False
    kind: Literal["keep_correct"] = "keep_correct"
    needs_group: bool = False

    def __call__(self, inputs: CreditInputs) -> Credit:
        kept = inputs.rewards >= self.threshold
        if self.drops_repeats:
            kept &= ~inputs.is_repeat
        return Credit(inputs.spread(kept.to(inputs.rewards)))

    @property
    def formula(self) -> str:
        return f"Âᵢ = 1[rᵢ ≥ {self.threshold:g}{' and oᵢ not seen before in its group' if self.drops_repeats else ''}]"


@dataclass(frozen=True, slots=True)
class KeepBest:
    """1 for the best rollout of each group (the first of equals), 0 for the others: RAFT's best of K."""

    kind: Literal["keep_best"] = "keep_best"
    needs_group: bool = True

    def __call__(self, inputs: CreditInputs) -> Credit:
        best: dict[int, int] = {}
        for row, group in enumerate(int(group) for group in inputs.group_ids):
            if group not in best or inputs.rewards[row] > inputs.rewards[best[group]]:
                best[group] = row
        kept = torch.zeros_like(inputs.rewards)
        kept[list(best.values())] = 1.0
        return Credit(inputs.spread(kept))

    @property
    def formula(self) -> str:
        return "Âᵢ = 1[i is the best of its group]"


Advantage = (
    NoBaseline
    | GroupCentered
    | GroupStandardized
    | LeaveOneOut
    | BatchStandardized
    | LengthWeighted
    | GreedyBaseline
    | BestMinusSecond
    | DecoupledStandardized
    | LogPartitionCentered
    | ProcessSupervised
    | GloballyWhitened
    | GAE
    | KeepCorrect
    | KeepBest
)
