"""Losses of pairs, one a pair: `chosen` was preferred to `rejected`. Sequence logprobs are *sums* over completion tokens, nats.

All raise ValueError where shapes disagree or a constant is out of range.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from proctor.objective.shapes import require_same


def bradley_terry(chosen: Float[Tensor, " pairs"], rejected: Float[Tensor, " pairs"]) -> Float[Tensor, " pairs"]:
    """-log sigmoid(s_chosen - s_rejected): negative log-likelihood of the preferences under P(w > l) = sigmoid(s_w - s_l).

    Scores are identified up to a constant. Pairs of one prompt are not independent; `group_bradley_terry` makes them one.

    Gradient: -sigmoid(s_rejected - s_chosen) (grad s_chosen - grad s_rejected).

    Source: Bradley and Terry 1952; Ouyang et al. 2022 (InstructGPT), eq. 1.

    Args:
        chosen: score of the preferred completion of each pair; differentiated.
        rejected: of the other; differentiated.
    """
    require_same(chosen=chosen, rejected=rejected)
    return softplus(rejected - chosen)


def group_bradley_terry(scores: Float[Tensor, " completions"], ranks: Int[Tensor, " completions"]) -> Float[Tensor, ""]:
    """Mean of `bradley_terry` over all pairs of one prompt's completions that differ in rank.

    One prompt is one element of a batch: with K ranked completions, each takes part in K - 1 pairs, and treating the K(K-1)/2
    pairs as separate data over-fits in one epoch.

    Gradient: the mean of those of its pairs.

    Source: Ouyang et al. 2022 (InstructGPT), eq. 1 and section 3.5.

    Args:
        scores: of the completions of one prompt; differentiated.
        ranks: lower is better; equal ranks are ties and make no pair.

    Raises:
        ValueError: shapes disagree, or all ranks are equal.
    """
    require_same(scores=scores, ranks=ranks)
    better, worse = (ranks[:, None] < ranks).nonzero(as_tuple=True)
    if not len(better):
        raise ValueError(f"{len(ranks)} completions make no pair: their ranks are all equal")
    return bradley_terry(scores[better], scores[worse]).mean()


def implicit_rewards(logprobs: Float[Tensor, " completions"], ref_logprobs: Float[Tensor, " completions"], *, beta: float) -> Float[Tensor, " completions"]:
    """beta log(policy / reference): the reward under which the policy is the KL-regularised optimum, up to a constant of the prompt.

    Source: Rafailov et al. 2023 (DPO), eq. 5.

    Args:
        logprobs: of whole completions under the policy, nats.
        ref_logprobs: under the frozen reference.
        beta: strength of the regularisation, reward per nat; greater than 0.
    """
    require_same(logprobs=logprobs, ref_logprobs=ref_logprobs)
    _require_positive(beta=beta)
    return beta * (logprobs - ref_logprobs)


def dpo(
    chosen: Float[Tensor, " pairs"],
    rejected: Float[Tensor, " pairs"],
    ref_chosen: Float[Tensor, " pairs"],
    ref_rejected: Float[Tensor, " pairs"],
    *,
    beta: float,
) -> Float[Tensor, " pairs"]:
    """-log sigmoid(u), with u = beta [log(policy / reference) of chosen - the same of rejected].

    `bradley_terry` of implicit rewards. Both logprobs usually fall in training; watch them.

    Gradient: -beta sigmoid(-u) (grad log pi(chosen) - grad log pi(rejected)).

    Source: Rafailov et al. 2023 (DPO), eq. 7; beta 0.1.

    Args:
        chosen: summed logprobs of the preferred completions under the policy, nats; differentiated.
        rejected: of the others; differentiated.
        ref_chosen: of the preferred under the frozen reference.
        ref_rejected: of the others under the frozen reference.
        beta: reward per nat; greater than 0.
    """
    return bradley_terry(implicit_rewards(chosen, ref_chosen, beta=beta), implicit_rewards(rejected, ref_rejected, beta=beta))


def dpo_length_normalized(
    chosen: Float[Tensor, " pairs"],
    rejected: Float[Tensor, " pairs"],
    ref_chosen: Float[Tensor, " pairs"],
    ref_rejected: Float[Tensor, " pairs"],
    chosen_lengths: Int[Tensor, " pairs"],
    rejected_lengths: Int[Tensor, " pairs"],
    *,
    beta: float,
) -> Float[Tensor, " pairs"]:
    """`dpo` with each log-ratio divided by the number of tokens of its completion.

    A per-token log-ratio is some hundred times smaller than a summed one, so beta is larger (5).

    Gradient: -beta sigmoid(-u) (grad log pi(chosen) / |chosen| - grad log pi(rejected) / |rejected|).

    Source: Lambert et al. 2024 (Tulu 3), section 5.1; beta 5.

    Args:
        chosen: summed logprobs of the preferred completions under the policy, nats; differentiated.
        rejected: of the others; differentiated.
        ref_chosen: of the preferred under the frozen reference.
        ref_rejected: of the others under the frozen reference.
        chosen_lengths: tokens of the preferred completions; at least 1.
        rejected_lengths: of the others; at least 1.
        beta: greater than 0.
    """
    better = _per_token(implicit_rewards(chosen, ref_chosen, beta=beta), chosen_lengths)
    return bradley_terry(better, _per_token(implicit_rewards(rejected, ref_rejected, beta=beta), rejected_lengths))


def simpo(
    chosen: Float[Tensor, " pairs"],
    rejected: Float[Tensor, " pairs"],
    chosen_lengths: Int[Tensor, " pairs"],
    rejected_lengths: Int[Tensor, " pairs"],
    *,
    beta: float,
    margin: float,
) -> Float[Tensor, " pairs"]:
    """-log sigmoid(beta log pi(chosen) / |chosen| - beta log pi(rejected) / |rejected| - margin). Needs no reference.

    Gradient: -beta sigmoid(-u) (grad log pi(chosen) / |chosen| - grad log pi(rejected) / |rejected|), u the argument.

    Source: Meng et al. 2024 (SimPO), eq. 6; beta 2 to 10, margin 0.3 to 1.6.

    Args:
        chosen: summed logprobs of the preferred completions under the policy, nats; differentiated.
        rejected: of the others; differentiated.
        chosen_lengths: tokens of the preferred completions; at least 1.
        rejected_lengths: of the others; at least 1.
        beta: greater than 0.
        margin: by which the preferred should lead; at least 0.
    """
    _require_positive(beta=beta)
    if margin < 0:
        raise ValueError(f"margin must not be negative, not {margin}")
    return bradley_terry(beta * _per_token(chosen, chosen_lengths) - margin, beta * _per_token(rejected, rejected_lengths))


def ipo(
    chosen: Float[Tensor, " pairs"],
    rejected: Float[Tensor, " pairs"],
    ref_chosen: Float[Tensor, " pairs"],
    ref_rejected: Float[Tensor, " pairs"],
    *,
    tau: float,
) -> Float[Tensor, " pairs"]:
    """(h - 1 / (2 tau))^2, with h = log(policy / reference) of chosen - the same of rejected.

    Regresses the margin to a finite value, so that deterministic preferences do not drive it to infinity as in `dpo`. On summed
    logprobs, as printed; TRL's `ipo` averages over tokens.

    Gradient: 2 (h - 1 / (2 tau)) (grad log pi(chosen) - grad log pi(rejected)).

    Source: Azar et al. 2023 (IPO), eq. 17.

    Args:
        chosen: summed logprobs of the preferred completions under the policy, nats; differentiated.
        rejected: of the others; differentiated.
        ref_chosen: of the preferred under the frozen reference.
        ref_rejected: of the others under the frozen reference.
        tau: strength of the regularisation; greater than 0.
    """
    _require_positive(tau=tau)
    require_same(chosen=chosen, rejected=rejected, ref_chosen=ref_chosen, ref_rejected=ref_rejected)
    return ((chosen - ref_chosen) - (rejected - ref_rejected) - 1 / (2 * tau)).square()


def _per_token(values: Tensor, lengths: Tensor) -> Tensor:
    require_same(values=values, lengths=lengths)
    if (lengths < 1).any():
        raise ValueError("a completion of a pair must have at least one token")
    return values / lengths


def _require_positive(**constants: float) -> None:
    for name, value in constants.items():
        if value <= 0:
            raise ValueError(f"{name} must be greater than 0, not {value}")


__all__ = ["bradley_terry", "dpo", "dpo_length_normalized", "group_bradley_terry", "implicit_rewards", "ipo", "simpo"]
