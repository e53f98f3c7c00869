"""Published algorithms by name. Each is one function that returns one `Objective`; a variant is another argument."""

from __future__ import annotations

from proctor.algorithms.spec import (
    FixedLength,
    GroupCentered,
    GroupStandardized,
    KLInLoss,
    KLTerm,
    NoBaseline,
    NoKL,
    Objective,
    PPOClip,
    Reinforce,
    SequenceMean,
    TokenMean,
)

ALIASES = {
    "reinforce": "proctor.algorithms.presets:reinforce",
    "grpo": "proctor.algorithms.presets:grpo",
    "dr_grpo": "proctor.algorithms.presets:dr_grpo",
}


def reinforce(*, max_completion_tokens: int, baseline: bool = False) -> Objective:
    """REINFORCE (Williams 1992): -A log pi, mean over the tokens of the batch.

    Args:
        max_completion_tokens: of the run; not used here.
        baseline: subtract the mean reward of the group, which lowers the variance and not the mean of the gradient (up to (G-1)/G).
    """
    return Objective("reinforce", GroupCentered() if baseline else NoBaseline(), Reinforce(), NoKL(), TokenMean())


def grpo(*, max_completion_tokens: int, beta: float = 0.04, clip_low: float = 0.2, clip_high: float = 0.2, ddof: int = 1, epsilon: float = 1e-6) -> Objective:
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
    """
    return Objective("grpo", GroupStandardized(ddof, epsilon), PPOClip(clip_low, clip_high), _kl(beta), SequenceMean())


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
    return Objective("dr_grpo", GroupCentered(), PPOClip(clip_low, clip_high), _kl(beta), FixedLength(max_completion_tokens))


def _kl(beta: float) -> KLTerm:
    if beta < 0:
        raise ValueError(f"beta must be at least 0, not {beta}")
    return KLInLoss(beta, "k3") if beta else NoKL()
