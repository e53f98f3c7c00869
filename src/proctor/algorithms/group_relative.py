"""Presets that need no critic: REINFORCE and its baselines, GRPO and its successors, Kimi's mirror descent."""

from __future__ import annotations

from typing import Literal, get_args

from proctor.algorithms.collection import Collection, KimiLength, SoftOverlong
from proctor.algorithms.credit import (
    BatchStandardized,
    BestMinusSecond,
    DecoupledStandardized,
    GloballyWhitened,
    GreedyBaseline,
    GroupCentered,
    GroupStandardized,
    LeaveOneOut,
    LengthWeighted,
    LogPartitionCentered,
    NoBaseline,
    ProcessSupervised,
)
from proctor.algorithms.losses import (
    Correction,
    FixedLength,
    KLInLoss,
    KLTerm,
    NegativeSequenceMask,
    NoCorrection,
    NoKL,
    PromptMean,
    SequenceLoss,
    SequenceMask,
    SequenceMean,
    TokenLoss,
    TokenMask,
    TokenMean,
    TokenSum,
    TruncatedImportance,
)
from proctor.algorithms.spec import KLInReward, NoPenalty, Objective
from proctor.algorithms.surrogates import CISPO, DPPO, GMPO, GSPO, SAPO, CISPOClamped, DualClip, GSPOToken, MirrorDescent, PPOClip, Reinforce, TwoSidedClip

Estimator = Literal["k2", "k3", "k3_corrected", "exact"]
CorrectionName = Literal["none", "truncated_importance", "token_mask", "sequence_mask", "negative_sequence_mask"]


def reinforce(*, max_completion_tokens: int, baseline: bool = False) -> Objective:
    """REINFORCE (Williams 1992): -A log pi, mean over the tokens of the batch.

    Args:
        max_completion_tokens: of the run; not used here.
        baseline: subtract the mean reward of the group, which lowers the variance and not the mean of the gradient (up to (G-1)/G).
    """
    return Objective("reinforce", GroupCentered() if baseline else NoBaseline(), TokenLoss(Reinforce(), TokenMean()))


def rloo(*, max_completion_tokens: int, beta: float = 0.03) -> Objective:
    """RLOO (Ahmadian et al. 2024): REINFORCE on whole sequences, the mean reward of the others as the baseline, the KL in the reward.

    Published: beta 0.03, k of 2 or 4 samples, learning rate 1e-6. Its gradient is Dr. GRPO's times G/(G-1).

    Args:
        max_completion_tokens: of the run; not used here.
        beta: of k1 in the reward; 0 loads no reference.
    """
    return Objective("rloo", LeaveOneOut(), TokenLoss(Reinforce(), TokenSum()), _penalty(beta))


def remax(*, max_completion_tokens: int, beta: float = 0.0) -> Objective:
    """ReMax (Li et al. 2023): the reward of one greedy completion of the prompt is the baseline.

    Costs one more rollout a prompt, which is scored and never trained on.

    Args:
        max_completion_tokens: of the run; not used here.
        beta: of k1 in the reward.
    """
    return Objective("remax", GreedyBaseline(), TokenLoss(Reinforce(), TokenSum()), _penalty(beta))


def reinforce_pp(*, max_completion_tokens: int, beta: float = 0.01, clip_low: float = 0.2, clip_high: float = 0.2) -> Objective:
    """REINFORCE++ (Hu 2025): PPO without a critic; token rewards with k1, reward-to-go, whitened over the whole batch.

    Args:
        max_completion_tokens: of the run; not used here.
        beta: of k1 in the reward of each token. The paper's value is not fixed; 0.01 is that of its examples.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
    """
    return Objective("reinforce_pp", GloballyWhitened(subtracts_group_mean=False), TokenLoss(PPOClip(clip_low, clip_high), TokenMean()), _penalty(beta))


def reinforce_pp_baseline(*, max_completion_tokens: int, beta: float = 0.0, clip_low: float = 0.2, clip_high: float = 0.2) -> Objective:
    """REINFORCE++-baseline (Hu 2025): the group's mean is subtracted first, then the batch is whitened; KL as k2 in the loss."""
    loss = TokenLoss(PPOClip(clip_low, clip_high), TokenMean(), _kl(beta, "k2"))
    return Objective("reinforce_pp_baseline", GloballyWhitened(subtracts_group_mean=True), loss)


def grpo(
    *,
    max_completion_tokens: int,
    beta: float = 0.04,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    ddof: int = 1,
    epsilon: float = 1e-6,
    kl: Estimator = "k3",
    correction: CorrectionName = "none",
    kimi_length: float = 0.0,
) -> Objective:
    """GRPO with outcome supervision (Shao et al. 2024, DeepSeekMath, eq. 3; section 4.1.2).

    Published: beta 0.04 with k3 in the loss, 1/|o| per rollout, advantages standardised in the group. Not published: the clip
    range (0.2 here, PPO's), which standard deviation (the sample's here, as in TRL and verl) and its epsilon. `beta=0` loads no
    reference model.

    Args:
        max_completion_tokens: of the run; not used here.
        beta: weight of the KL term; 0 leaves it out.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
        ddof: 0 population, 1 sample standard deviation.
        epsilon: added to the standard deviation.
        kl: estimator in the loss; k3 as published. `exact` sums over the vocabulary and needs the reference's pass at every update.
        correction: for an engine whose probabilities are not the trainer's; see `correction_named`.
        kimi_length: weight of Kimi k1.5's length reward; 0 leaves it out.
    """
    loss = TokenLoss(PPOClip(clip_low, clip_high), SequenceMean(), _kl(beta, kl), correction_named(correction))
    collection = Collection(shaping=(KimiLength(kimi_length),) if kimi_length else ())
    return Objective("grpo", GroupStandardized(ddof, epsilon), loss, collection=collection)


def grpo_process(
    *, max_completion_tokens: int, beta: float = 0.04, clip_low: float = 0.2, clip_high: float = 0.2, ddof: int = 1, epsilon: float = 1e-6
) -> Objective:
    """GRPO with process supervision (Shao et al. 2024, section 4.1.3): rewards of steps, normalised over all steps of the group.

    Needs a verifier that scores steps (`Score.steps`), such as `equations`. Longer solutions with good steps add up to larger
    advantages: log lengths.
    """
    loss = TokenLoss(PPOClip(clip_low, clip_high), SequenceMean(), _kl(beta, "k3"))
    return Objective("grpo_process", ProcessSupervised(ddof, epsilon), loss)


def dr_grpo(*, max_completion_tokens: int, beta: float = 0.0, clip_low: float = 0.2, clip_high: float = 0.2) -> Objective:
    """Dr. GRPO (Liu et al. 2025, section 3.2): GRPO without its two biases.

    Advantages are centred, not standardised; tokens are weighed 1 / (rollouts * max_completion_tokens), a constant. Published:
    beta 0.

    Args:
        max_completion_tokens: of the run: the constant that lengths are divided by.
        beta: weight of a k3 term; 0 leaves it out.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
    """
    return Objective("dr_grpo", GroupCentered(), TokenLoss(PPOClip(clip_low, clip_high), FixedLength(max_completion_tokens), _kl(beta, "k3")))


def lite_ppo(*, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.2, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """Lite-PPO (Liu et al. 2025): centred in the group, standardised over the batch, mean over tokens."""
    return Objective("lite_ppo", BatchStandardized(ddof, epsilon), TokenLoss(PPOClip(clip_low, clip_high), TokenMean()))


def dapo(
    *,
    max_completion_tokens: int,
    clip_low: float = 0.2,
    clip_high: float = 0.28,
    ddof: int = 1,
    epsilon: float = 1e-6,
    cache_fraction: float = 0.2,
    max_refills: int = 10,
    drops_truncated: bool = True,
) -> Objective:
    """DAPO (Yu et al. 2025, eq. 8): clip-higher, dynamic sampling, mean over tokens, overlong filtering and soft punishment, no KL.

    Published: bounds 0.2 and 0.28, a cache of 4,096 of 20,480 tokens (a fifth), learning rate 1e-6, 16 rollouts of 512 prompts in 16
    updates. The bound of 10 rounds of refilling is verl's. The paper pays +1 and -1; for verifiers that pay 1 and 0 the punishment weighs
    half, which gives the same advantages.

    Args:
        max_completion_tokens: the limit behind which the soft punishment is -1.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
        ddof: 0 population, 1 sample standard deviation.
        epsilon: added to the standard deviation.
        cache_fraction: of the limit over which the punishment grows; 0 leaves it out.
        max_refills: rounds in which unanimous groups are replaced.
        drops_truncated: truncated rollouts do not learn.
    """
    cache = round(cache_fraction * max_completion_tokens)
    collection = Collection(shaping=(SoftOverlong(cache, weight=0.5),) if cache else (), max_refills=max_refills, drops_truncated=drops_truncated)
    return Objective("dapo", GroupStandardized(ddof, epsilon), TokenLoss(PPOClip(clip_low, clip_high), TokenMean()), collection=collection)


def gspo(*, max_completion_tokens: int, clip_low: float = 3e-4, clip_high: float = 4e-4, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """GSPO (Zheng et al. 2025): the ratio of the whole sequence, length-normalised, is clipped.

    Published: bounds 3e-4 and 4e-4, which belong to sequence ratios; four minibatches a batch (`learner.num_minibatches=4`); no KL.
    """
    return Objective("gspo", GroupStandardized(ddof, epsilon), SequenceLoss(GSPO(clip_low, clip_high)))


def gspo_token(*, max_completion_tokens: int, clip_low: float = 3e-4, clip_high: float = 4e-4, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """GSPO-token (Zheng et al. 2025, section 4.3): GSPO's value with a gradient of each token; equal to GSPO when advantages are the rollout's."""
    return Objective("gspo_token", GroupStandardized(ddof, epsilon), TokenLoss(GSPOToken(clip_low, clip_high), SequenceMean()))


def gmpo(*, max_completion_tokens: int, clip: float = 0.4, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """GMPO (Zhao et al. 2025): the geometric mean of token ratios, each clipped to exp(+-0.4)."""
    return Objective("gmpo", GroupStandardized(ddof, epsilon), SequenceLoss(GMPO(clip, clip)))


def cispo(*, max_completion_tokens: int, max_ratio: float = 5.0, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """CISPO (MiniMax-M1, 2025): ratios are capped as constants, so that no token loses its gradient; mean over tokens, no KL.

    The cap is absolute, as in TRL; the paper tunes it and does not publish it. `cispo_clamped` reads the paper's formula as verl does.
    """
    return Objective("cispo", GroupStandardized(ddof, epsilon), TokenLoss(CISPO(max_ratio), TokenMean()))


def cispo_clamped(*, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.28, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """CISPO with the ratio clamped to [1 - clip_low, 1 + clip_high], verl's reading; the paper leaves the lower bound open."""
    return Objective("cispo_clamped", GroupStandardized(ddof, epsilon), TokenLoss(CISPOClamped(clip_low, clip_high), TokenMean()))


def sapo(*, max_completion_tokens: int, tau_positive: float = 1.0, tau_negative: float = 1.05, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """SAPO (Gao et al. 2025): a sigmoid gate in place of the clip, sharper for negative advantages."""
    return Objective("sapo", GroupStandardized(ddof, epsilon), TokenLoss(SAPO(tau_positive, tau_negative), SequenceMean()))


def dppo(*, max_completion_tokens: int, max_divergence: float = 0.1, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """DPPO (2026): tokens are masked by the change of their probability (binary total variation), not by their ratio."""
    return Objective("dppo", GroupStandardized(ddof, epsilon), TokenLoss(DPPO(max_divergence), TokenMean()))


def dual_clip(
    *, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.2, clip_dual: float = 3.0, ddof: int = 1, epsilon: float = 1e-6
) -> Objective:
    """GRPO's advantages with dual-clip PPO (Ye et al. 2020): for A < 0 the loss is bounded by clip_dual |A| (verl's default 3)."""
    return Objective("dual_clip", GroupStandardized(ddof, epsilon), TokenLoss(DualClip(clip_low, clip_high, clip_dual), TokenMean()))


def two_sided_clip(
    *, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.2, max_ratio: float = 4.0, ddof: int = 1, epsilon: float = 1e-6
) -> Objective:
    """INTELLECT-2's two-sided clip (2025): the ratio is bounded by 4 for A < 0 as well (TRL's `delta`)."""
    return Objective("two_sided_clip", GroupStandardized(ddof, epsilon), TokenLoss(TwoSidedClip(clip_low, clip_high, max_ratio), TokenMean()))


def opo(*, max_completion_tokens: int) -> Objective:
    """OPO (Hao et al. 2025): the length-weighted mean reward, the optimal baseline for exact on-policy training; no ratio, no KL."""
    return Objective("opo", LengthWeighted(), TokenLoss(Reinforce(), TokenMean()))


def pass_at_k(*, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.2) -> Objective:
    """Pass@k training as verl writes it: only the best rollout of a group learns, by its lead over the second."""
    return Objective("pass_at_k", BestMinusSecond(), TokenLoss(PPOClip(clip_low, clip_high), TokenMean()))


def gdpo(*, max_completion_tokens: int, clip_low: float = 0.2, clip_high: float = 0.2, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """GDPO (2026): each part of the reward is standardised in the group by itself, so that none drowns the others."""
    return Objective("gdpo", DecoupledStandardized(ddof, epsilon), TokenLoss(PPOClip(clip_low, clip_high), SequenceMean()))


def scale_rl(*, max_completion_tokens: int, max_ratio: float = 5.0, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
    """ScaleRL (Khatri et al. 2025): CISPO's loss, advantages standardised over the batch, every prompt weighing the same."""
    return Objective("scale_rl", BatchStandardized(ddof, epsilon), TokenLoss(CISPO(max_ratio), PromptMean()))


def kimi_k15(
    *,
    max_completion_tokens: int,
    tau: float = 1.0,
    baseline: Literal["mean", "log_partition"] = "mean",
    length_weight: float = 0.0,
    length_start_step: int = 0,
    resets_optimizer: bool = True,
) -> Objective:
    """Kimi k1.5 (2501.12599, eq. 2 and 3): a squared loss whose minimum is the mirror-descent step from the current policy.

    Published: the objective, the mean as baseline in practice, the optimizer reset at every iteration, no length normalisation, no
    standard deviation, no clip. Not published: tau, the number of samples, the learning rate. One batch is one iteration here, and
    `learner.num_minibatches` and `num_epochs` its inner steps. At the first inner step the gradient is Dr. GRPO's up to its constant.

    Args:
        max_completion_tokens: of the run; not used here.
        tau: of the KL to the policy at the start of the iteration. The loss is divided by 2 tau.
        baseline: the group's mean reward, or tau log Z estimated from the group.
        length_weight: of the length reward (section 2.3.3); 0 leaves it out.
        length_start_step: the length reward begins there: it slows training when it is there from the start.
        resets_optimizer: as published; without it this is another algorithm.
    """
    advantage = GroupCentered() if baseline == "mean" else LogPartitionCentered(tau)
    shaping = (KimiLength(length_weight, length_start_step),) if length_weight else ()
    return Objective("kimi_k15", advantage, SequenceLoss(MirrorDescent(tau)), collection=Collection(shaping), resets_optimizer=resets_optimizer)


def correction_named(name: CorrectionName) -> Correction:
    """The correction for a sampler that is not the trainer's old policy, with its published constant.

    TIS caps at 2 (Yao et al. 2025), IcePop keeps [0.5, 5], the sequence mask caps at 3 (TRL's default), DeepSeek-V3.2 does not
    publish its threshold (0.1 nats here).
    """
    table: dict[CorrectionName, Correction] = {
        "none": NoCorrection(),
        "truncated_importance": TruncatedImportance(2.0),
        "token_mask": TokenMask(0.5, 5.0),
        "sequence_mask": SequenceMask(3.0),
        "negative_sequence_mask": NegativeSequenceMask(0.1),
    }
    if name not in table:
        raise ValueError(f"correction must be one of {', '.join(table)}, not {name!r}")
    return table[name]


def _kl(beta: float, estimator: Estimator) -> KLTerm:
    if beta < 0:
        raise ValueError(f"beta must be at least 0, not {beta}")
    if estimator not in get_args(Estimator):
        raise ValueError(f"kl in the loss must be {', '.join(get_args(Estimator))}, not {estimator!r}; k1 has no gradient there")
    if estimator == "exact" and not beta:
        raise ValueError("kl is exact, but its weight beta is 0: give beta a value, or leave kl out")
    return KLInLoss(beta, estimator) if beta else NoKL()


def _penalty(beta: float) -> NoPenalty | KLInReward:
    if beta < 0:
        raise ValueError(f"beta must be at least 0, not {beta}")
    return KLInReward(beta) if beta else NoPenalty()
