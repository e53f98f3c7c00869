"""Presets with a critic: PPO for language models, PPO as RLHF runs it, VAPO."""

from __future__ import annotations

from typing import Literal

from proctor.algorithms.collection import Collection, MissingEOS
from proctor.algorithms.credit import GAE
from proctor.algorithms.critics import Critic, LengthAdaptive, SeparateCritic, ValueHead
from proctor.algorithms.losses import TokenLoss, TokenMean
from proctor.algorithms.spec import KLInReward, NoPenalty, Objective
from proctor.algorithms.surrogates import PPOClip


def ppo(
    *,
    max_completion_tokens: int,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    gamma: float = 1.0,
    gae_lambda: float = 1.0,
    beta: float = 0.0,
    entropy_weight: float = 0.0,
    critic: Literal["separate", "value_head"] = "separate",
    critic_learning_rate: float = 1e-5,
    value_clip: float | None = 0.2,
    value_weight: float = 0.1,
    bootstraps_truncated: bool = False,
) -> Objective:
    """PPO (Schulman et al. 2017) with a critic, for verifiable rewards.

    gamma = lambda = 1 makes the advantage the reward-to-go minus the value: a bandit with a learned baseline. Inner epochs and
    minibatches are `learner.num_epochs` and `learner.num_minibatches`; `learner.max_approx_kl` stops early.

    Args:
        max_completion_tokens: of the run; not used here.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
        gamma: discount.
        gae_lambda: of GAE.
        beta: of k1 in the reward of each token; 0 loads no reference.
        entropy_weight: of an entropy bonus.
        critic: weights of its own, or a value head on the policy.
        critic_learning_rate: of a separate critic.
        value_clip: range in which a value may move in one update; None does not clip.
        value_weight: of the value loss, for a value head.
        bootstraps_truncated: behind the last token of a completion that the limit cut stands the critic's value of that state, as PPO does where
            a segment ends (eq. 11). Off: the verdict on what was written is the end, which is what a limit on the answer means. The reward
            of the cut text is paid either way.
    """
    chosen: Critic = SeparateCritic(critic_learning_rate, value_clip) if critic == "separate" else ValueHead(value_weight, value_clip)
    advantage = GAE(chosen, gamma, gae_lambda, gae_lambda, bootstraps_truncated=bootstraps_truncated)
    loss = TokenLoss(PPOClip(clip_low, clip_high), TokenMean(), entropy_weight=entropy_weight)
    return Objective("ppo", advantage, loss, KLInReward(beta) if beta else NoPenalty())


def ppo_rlhf(
    *,
    max_completion_tokens: int,
    beta: float = 0.05,
    kl: Literal["k1", "clamped_k1"] = "k1",
    kl_target: float | None = None,
    kl_horizon: float = 10_000.0,
    gae_lambda: float = 0.95,
    clip: float = 0.2,
    value_clip: float | None = 0.2,
    critic_learning_rate: float = 1e-5,
    whitens_rewards: bool = False,
    missing_eos_reward: float | None = -1.0,
    pretraining_weight: float = 0.0,
) -> Objective:
    """PPO as RLHF runs it: a KL penalty on every token, the score on the last, GAE, whitening, value clipping.

    Follows Ouyang et al. 2022 (InstructGPT, eq. 2) and the details of Huang et al. 2023 and 2024 (N details, N+ details):
    beta 0.05, lambda 0.95, gamma 1, four epochs (`learner.num_epochs=4`), Adam's epsilon 1e-5 (`learner.adam_epsilon=1e-5`), EOS
    trick -1. InstructGPT: beta 0.02, one epoch, ptx weight 27.8 on *summed* log-likelihood; here the weight is of the mean over
    tokens. The adaptive controller is Ziegler et al. 2019 (target 6 nats a rollout, horizon 10,000).

    Args:
        max_completion_tokens: of the run; not used here.
        beta: of the KL in the reward, at the start where it is steered.
        kl: k1, or AlpacaFarm's clamp at zero for ablation.
        kl_target: KL of a rollout to steer to; None keeps beta.
        kl_horizon: rollouts over which it is steered.
        gae_lambda: of GAE.
        clip: of the ratio, both sides.
        value_clip: range in which a value may move in one update.
        critic_learning_rate: of the critic.
        whitens_rewards: as lm-human-preferences does (std 1, mean kept).
        missing_eos_reward: of a completion that never ended; None leaves it its score.
        pretraining_weight: of the likelihood of pre-training text (ptx).
    """
    advantage = GAE(SeparateCritic(critic_learning_rate, value_clip), 1.0, gae_lambda, gae_lambda, whitens_rewards=whitens_rewards)
    penalty = KLInReward(beta, kl, kl_target, kl_horizon) if beta else NoPenalty()
    shaping = () if missing_eos_reward is None else (MissingEOS(missing_eos_reward),)
    loss = TokenLoss(PPOClip(clip, clip), TokenMean())
    return Objective("ppo_rlhf", advantage, loss, penalty, collection=Collection(shaping), pretraining_weight=pretraining_weight)


def vapo(
    *,
    max_completion_tokens: int,
    clip_low: float = 0.2,
    clip_high: float = 0.28,
    alpha: float = 0.05,
    critic_learning_rate: float = 2e-6,
    num_pretraining_steps: int = 5,
    positive_nll_weight: float = 0.1,
) -> Objective:
    """VAPO (Yue et al. 2025): value pre-training, decoupled GAE, length-adaptive lambda, clip-higher, mean over tokens, imitation of successes.

    Published: critic lambda 1, policy lambda 1 - 1/(0.05 l), bounds 0.2 and 0.28, weight 0.1 of the positive-example loss, 50 steps of
    value pre-training (5 here, for short runs), critic learning rate 2e-6. Values are not clipped.

    Args:
        max_completion_tokens: of the run; not used here.
        clip_low: ratio kept above 1 - clip_low.
        clip_high: ratio kept below 1 + clip_high.
        alpha: of the length-adaptive lambda.
        critic_learning_rate: of the critic.
        num_pretraining_steps: first steps that train the critic alone.
        positive_nll_weight: of the imitation loss on rollouts with reward of at least 1.
    """
    critic = SeparateCritic(critic_learning_rate, clip=None, num_pretraining_steps=num_pretraining_steps)
    advantage = GAE(critic, 1.0, LengthAdaptive(alpha), critic_lambda=1.0)
    return Objective("vapo", advantage, TokenLoss(PPOClip(clip_low, clip_high), TokenMean()), positive_nll_weight=positive_nll_weight)
