"""How much better a rollout did than expected: one advantage a rollout, from rewards and groups.

Groups may be ragged: `group_ids` says which rollout belongs to which group, in any order. A group of one and a group whose
rewards are all equal have advantage exactly 0 under every group baseline. Advantages are constants of the update: nothing here
is differentiated. Credit per token (GAE, reward-to-go, whitening) is in `credit` and also found here by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from jaxtyping import Float, Int
from torch import Tensor

from proctor.objective.credit import gae, length_adaptive_lambda, reward_to_go, terminal_rewards, whiten
from proctor.objective.groups import group, require_finite_rewards
from proctor.objective.shapes import require_same


def group_centered(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - mean of its group.

    An estimate of the policy gradient with this advantage is unbiased up to the factor (G-1)/G, in which it differs from
    `leave_one_out`.

    Source: Liu et al. 2025 (Dr. GRPO), section 3.2.

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.

    Raises:
        ValueError: another number of ids than rewards, or a reward that is not finite. So do all functions of this module.
    """
    groups = group(rewards, group_ids)
    centered = rewards - groups.mean(rewards)[groups.index]
    return torch.where(groups.are_unanimous(rewards)[groups.index], 0, centered)


def group_standardized(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"], *, ddof: int, epsilon: float) -> Float[Tensor, " rollouts"]:
    """A_i = (r_i - mean of its group) / (std of its group + epsilon).

    Dividing by the standard deviation weighs a group with success rate p by sqrt(p(1-p)) instead of p(1-p): groups that are
    nearly always right or wrong count for more than under `group_centered`.

    Source: Shao et al. 2024 (DeepSeekMath), section 4.1.2. The paper does not say which standard deviation; TRL and verl take
    the sample one (ddof 1).

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.
        ddof: 0 for the population's standard deviation, 1 for the sample's (Bessel's correction).
        epsilon: added to the standard deviation.

    Raises:
        ValueError: ddof is neither 0 nor 1, or epsilon is negative.
    """
    _require_std(ddof, epsilon)
    centered, groups = group_centered(rewards, group_ids), group(rewards, group_ids)
    variance = groups.sum(centered.square()) / (groups.sizes - ddof)  # 0/0 for a group of one, whose advantage is 0 below
    return torch.where(centered == 0, 0, centered / (variance.sqrt() + epsilon)[groups.index])


def leave_one_out(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - mean of the *others* of its group: an unbiased baseline.

    Equals `group_centered` times G/(G-1).

    Source: Kool et al. 2019; Ahmadian et al. 2024 (RLOO), eq. 6.
    """
    groups = group(rewards, group_ids)
    sizes = groups.sizes.to(rewards.dtype)[groups.index]
    return group_centered(rewards, group_ids) * sizes / (sizes - 1).clamp(min=1)


def batch_standardized(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"], *, ddof: int, epsilon: float) -> Float[Tensor, " rollouts"]:
    """A_i = (r_i - mean of its group) / (std of all rewards of the batch + epsilon).

    One scale for the whole batch: no group is weighed up for being nearly unanimous. The standard deviation is of the rewards
    about the batch's mean, so it holds the spread between prompts too.

    Source: Liu et al. 2025 (Lite PPO, "Part I: tricks or traps?"), group mean with batch std; TRL's `scale_rewards="batch"`.

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.
        ddof: 0 or 1, as in `group_standardized`.
        epsilon: added to the standard deviation.

    Raises:
        ValueError: ddof is neither 0 nor 1, or epsilon is negative.
    """
    _require_std(ddof, epsilon)
    centered = group_centered(rewards, group_ids)
    return torch.where(centered == 0, 0, centered / (_std(rewards - rewards.mean(), ddof) + epsilon))


def length_weighted(
    rewards: Float[Tensor, " rollouts"], lengths: Int[Tensor, " rollouts"] | Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]
) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - b, with b = sum(l_j r_j) / sum(l_j) over its group.

    The baseline of least variance if the squared norm of a rollout's gradient grows with its length. Unlike the mean it leaves
    a group's advantages with a sum other than 0.

    Source: Hao et al. 2025 (OPO), the optimal baseline with norms taken proportional to length.

    Args:
        rewards: one a rollout.
        lengths: trained tokens of each rollout.
        group_ids: any integers; equal ones share a group.

    Raises:
        ValueError: a length is negative, or all lengths of a group are 0.
    """
    require_same(rewards=rewards, lengths=lengths)
    groups = group(rewards, group_ids)
    weights = lengths.to(rewards.dtype)
    totals = groups.sum(weights)
    if (weights < 0).any() or (totals <= 0).any():
        raise ValueError("lengths must not be negative, and at least one rollout of each group must have a trained token")
    baseline = groups.sum(weights * rewards) / totals
    return torch.where(groups.are_unanimous(rewards)[groups.index], 0, rewards - baseline[groups.index])


def greedy_baseline(rewards: Float[Tensor, " rollouts"], greedy_rewards: Float[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - reward of the greedy completion of the same prompt.

    Unbiased, because the baseline does not depend on the sampled rollout; costs one greedy completion a prompt.

    Source: Li et al. 2023 (ReMax).

    Args:
        rewards: one a rollout.
        greedy_rewards: of each rollout's prompt under greedy decoding; repeated for rollouts that share a prompt.
    """
    require_same(rewards=rewards, greedy_rewards=greedy_rewards)
    require_finite_rewards(rewards)
    require_finite_rewards(greedy_rewards)
    return rewards - greedy_rewards


def best_minus_second(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"]) -> Float[Tensor, " rollouts"]:
    """A_best = r_best - r_second for the best rollout of each group, 0 for all others.

    Credit for what the best of k adds over the second best: with binary rewards only a group with exactly one success learns.
    Two that share the best reward get 0; a group of one gets 0.

    Source: the pass@k form of GRPO as verl implements it (`grpo_passk`), without its optional division by the group's std.
    """
    groups = group(rewards, group_ids)
    by_reward = rewards.argsort(descending=True)
    order = by_reward[groups.index[by_reward].argsort(stable=True)]
    starts = groups.sizes.cumsum(0) - groups.sizes
    best, second = order[starts], order[starts + (groups.sizes > 1).long()]
    return torch.zeros_like(rewards).scatter(0, best, rewards[best] - rewards[second])


def decoupled_standardized(
    parts: Float[Tensor, "rollouts parts"], group_ids: Int[Tensor, " rollouts"], *, weights: Sequence[float], ddof: int, epsilon: float
) -> Float[Tensor, " rollouts"]:
    """A = S / (std of S over the batch + epsilon), with S_i = sum_k w_k standardised part k of rollout i within its group.

    Each part of a reward is standardised on its own before they are added, so that a part of small scale is not drowned. The
    paper then normalises over the batch; as every group of S sums to 0, that is a division by its standard deviation. verl's
    `gdpo` weighs that last step by tokens, this counts rollouts, as printed.

    Source: Liu et al. 2026 (GDPO, 2601.05242).

    Args:
        parts: rewards before they are added.
        group_ids: any integers; equal ones share a group.
        weights: of each part.
        ddof: 0 or 1, of both standard deviations.
        epsilon: added to both standard deviations.

    Raises:
        ValueError: another number of weights than parts; ddof is neither 0 nor 1, or epsilon is negative.
    """
    if parts.dim() != 2 or len(weights) != parts.shape[1]:
        raise ValueError(f"parts must be [rollouts, parts] with one weight a part, not {tuple(parts.shape)} with {len(weights)} weights")
    total = torch.zeros_like(parts[:, 0])
    for weight, part in zip(weights, parts.unbind(1), strict=True):
        total = total + weight * group_standardized(part, group_ids, ddof=ddof, epsilon=epsilon)
    return torch.where(total == 0, 0, total / (_std(total, ddof) + epsilon))


def log_partition_centered(rewards: Float[Tensor, " rollouts"], group_ids: Int[Tensor, " rollouts"], *, tau: float) -> Float[Tensor, " rollouts"]:
    """A_i = r_i - tau log mean_j exp(r_j / tau) over its group.

    The baseline of the exact solution of KL-regularised reward maximisation, from samples. It lies between the mean (tau to
    infinity) and the best reward (tau to 0): with a small tau what succeeds hardly learns and what fails is pushed away hard.

    Source: Kimi k1.5 (2501.12599), section 2.3.2, tau log Z.

    Args:
        rewards: one a rollout.
        group_ids: any integers; equal ones share a group.
        tau: strength of the KL regularisation, in units of reward per nat; greater than 0.

    Raises:
        ValueError: tau is not positive.
    """
    if tau <= 0:
        raise ValueError(f"tau must be greater than 0, not {tau}")
    groups = group(rewards, group_ids)
    best = groups.largest(rewards)
    log_mean = groups.mean(((rewards - best[groups.index]) / tau).exp()).log()
    return rewards - (best + tau * log_mean)[groups.index]


def process_supervised(
    step_rewards: Sequence[Sequence[float]],
    step_ends: Sequence[Sequence[int]],
    group_ids: Sequence[int] | Int[Tensor, " rollouts"],
    *,
    ddof: int,
    epsilon: float,
) -> list[Float[Tensor, " tokens"]]:
    """A_{i,t} = sum of the standardised rewards of the steps of rollout i that end at t or later.

    Step rewards are standardised over all steps of all rollouts of the group. A token is credited with every step that it can
    still influence. A longer solution with good steps adds up more advantage: a length bias of the published form.

    Source: Shao et al. 2024 (DeepSeekMath), section 4.1.3.

    Args:
        step_rewards: of each step of each rollout; a rollout may have none.
        step_ends: position of the last token of each step, counted from 1, ascending.
        group_ids: one a rollout; equal ones share a group.
        ddof: 0 or 1, as in `group_standardized`.
        epsilon: added to the standard deviation.

    Returns:
        For each rollout the advantages of tokens 1 to its last step end, fp64. Later tokens have none.

    Raises:
        ValueError: lists of different length, ends that do not ascend from 1, ddof is neither 0 nor 1, or epsilon is negative.
    """
    if not len(step_rewards) == len(step_ends) == len(group_ids):
        raise ValueError(f"rollouts disagree: {len(step_rewards)} of step_rewards, {len(step_ends)} of step_ends, {len(group_ids)} of group_ids")
    for number, (of_steps, ends) in enumerate(zip(step_rewards, step_ends, strict=True)):
        if len(of_steps) != len(ends) or any(end <= before for before, end in zip([0, *ends], ends, strict=False)):
            raise ValueError(f"rollout {number} has {len(of_steps)} step rewards and step ends {list(ends)}; each step needs one, ascending, from 1")
    counts = [len(ends) for ends in step_ends]
    flat = torch.tensor([float(reward) for of_steps in step_rewards for reward in of_steps], dtype=torch.float64)
    flat_ids = torch.as_tensor(group_ids, dtype=torch.long).cpu().repeat_interleave(torch.tensor(counts, dtype=torch.long))
    result: list[Tensor] = []
    standardized = group_standardized(flat, flat_ids, ddof=ddof, epsilon=epsilon)
    starts = [0, *accumulate(counts)]
    for start, ends in zip(starts, step_ends, strict=False):
        to_go = standardized[start : start + len(ends)].flip(0).cumsum(0).flip(0)
        spans = torch.tensor([0, *ends], dtype=torch.long).diff()
        result.append(to_go.repeat_interleave(spans))
    return result


def _std(centered: Tensor, ddof: int) -> Tensor:
    """Standard deviation of values whose mean is already 0; NaN for the sample's of one value."""
    return (centered.square().sum() / (len(centered) - ddof)).sqrt()


def _require_std(ddof: int, epsilon: float) -> None:
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 (population) or 1 (sample), not {ddof}")
    if epsilon < 0:
        raise ValueError(f"epsilon must not be negative, not {epsilon}")


__all__ = [
    "batch_standardized",
    "best_minus_second",
    "decoupled_standardized",
    "gae",
    "greedy_baseline",
    "group_centered",
    "group_standardized",
    "leave_one_out",
    "length_adaptive_lambda",
    "length_weighted",
    "log_partition_centered",
    "process_supervised",
    "reward_to_go",
    "terminal_rewards",
    "whiten",
]
