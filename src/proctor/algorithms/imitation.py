"""Presets that imitate: supervised fine-tuning and the expert-iteration family, preferences, reward models, distillation.

SFT, RFT, online RFT, RAFT, ReST-EM and STaR are one loss and differ in who writes the rollouts and which are kept (Shao et al. 2024,
section 5.2: data source, reward, gradient coefficient).
"""

from __future__ import annotations

from typing import Literal

from proctor.algorithms.collection import Collection, Demonstrations, OnPolicy, Snapshot, Source
from proctor.algorithms.credit import KeepBest, KeepCorrect
from proctor.algorithms.losses import Aggregation, SequenceMean, TokenLoss, TokenMean
from proctor.algorithms.spec import (
    DPO,
    IPO,
    DistillationObjective,
    DPOLengthNormalized,
    ForwardKL,
    GeneralizedJS,
    Objective,
    PairLoss,
    PreferenceObjective,
    ReverseKL,
    RewardModelObjective,
    SimPO,
)
from proctor.algorithms.surrogates import WeightedNLL

SourceName = Literal["on_policy", "demonstrations"]


def sft(*, max_completion_tokens: int) -> Objective:
    """Supervised fine-tuning on demonstrations: those of the data set (`demonstration`, or `chosen` of a pair), or what the verifier declares right.

    Demonstrations have reward 1, rejected completions of pairs 0: those are not imitated.
    """
    return Objective("sft", KeepCorrect(1.0), _imitate(TokenMean()), source=Demonstrations())


def rft(*, max_completion_tokens: int, threshold: float = 1.0, drops_repeats: bool = True) -> Objective:
    """RFT, rejection-sampling fine-tuning (Yuan et al. 2023): the first policy writes, right and distinct rollouts are imitated.

    Published: 100 samples a question, distinct lists of equations. Here distinct means distinct token sequences within a group.

    Args:
        max_completion_tokens: of the run; not used here.
        threshold: least reward of a rollout that is kept.
        drops_repeats: keep a completion once in its group.
    """
    return Objective("rft", KeepCorrect(threshold, drops_repeats), _imitate(TokenMean()), source=Snapshot(refresh_every=0))


def online_rft(*, max_completion_tokens: int, threshold: float = 1.0) -> Objective:
    """Online RFT (Shao et al. 2024, table 10): as RFT, but the policy being trained writes. It is REINFORCE with reward 0 or 1 and no baseline."""
    return Objective("online_rft", KeepCorrect(threshold), _imitate(SequenceMean()), source=OnPolicy())


def raft(*, max_completion_tokens: int, threshold: float | None = None) -> Objective:
    """RAFT (Dong et al. 2023): imitate the best of each group, or with a threshold every rollout that reaches it."""
    kept = KeepBest() if threshold is None else KeepCorrect(threshold)
    return Objective("raft", kept, _imitate(TokenMean()), source=OnPolicy())


def rest_em(*, max_completion_tokens: int, threshold: float = 1.0, refresh_every: int = 10) -> Objective:
    """ReST-EM (Singh et al. 2023): rounds of sampling from a frozen policy and imitation of what is right, each begun from the base model.

    Args:
        max_completion_tokens: of the run; not used here.
        threshold: least reward of a rollout that is kept.
        refresh_every: steps of a round.
    """
    source = Snapshot(refresh_every, restarts_from_base=True)
    return Objective("rest_em", KeepCorrect(threshold), _imitate(TokenMean()), source=source)


def star(*, max_completion_tokens: int, threshold: float = 1.0, refresh_every: int = 10) -> Objective:
    """STaR (Zelikman et al. 2022): as ReST-EM, and a task that nobody solved is tried again with its answer as a hint (rationalisation).

    The hint stands in the prompt of sampling only: training sees the task's own prompt.
    """
    source = Snapshot(refresh_every, restarts_from_base=True)
    return Objective("star", KeepCorrect(threshold), _imitate(TokenMean()), source=source, collection=Collection(rationalises=True))


def dpo(*, max_completion_tokens: int, beta: float = 0.1, source: SourceName = "on_policy") -> PreferenceObjective:
    """DPO (Rafailov et al. 2023, eq. 7) on summed logprobs; with rollouts of the policy it is iterated DPO (rejection sampling + DPO).

    Args:
        max_completion_tokens: of the run; not used here.
        beta: strength of the implicit KL.
        source: pairs of the policy's own rollouts, or the data set's (`chosen` and `rejected` columns).
    """
    return _preference("dpo", DPO(beta), source)


def dpo_length_normalized(*, max_completion_tokens: int, beta: float = 5.0, source: SourceName = "on_policy") -> PreferenceObjective:
    """DPO with log-ratios divided by length (Lambert et al. 2024, Tulu 3; beta 5)."""
    return _preference("dpo_length_normalized", DPOLengthNormalized(beta), source)


def simpo(*, max_completion_tokens: int, beta: float = 2.0, margin: float = 1.0, source: SourceName = "on_policy") -> PreferenceObjective:
    """SimPO (Meng et al. 2024): mean logprobs, a margin, no reference."""
    return _preference("simpo", SimPO(beta, margin), source)


def ipo(*, max_completion_tokens: int, tau: float = 0.1, source: SourceName = "on_policy") -> PreferenceObjective:
    """IPO (Azar et al. 2023, eq. 17): a squared loss with a finite optimum."""
    return _preference("ipo", IPO(tau), source)


def reward_model(*, max_completion_tokens: int, source: SourceName = "on_policy", start: str = "") -> RewardModelObjective:
    """A reward model by Bradley-Terry (Ouyang et al. 2022, eq. 1): all pairs of one prompt are one element, the scalar is read at the last token.

    The run's model directory holds a sequence classifier with one label; another run takes it as the reward `reward_model`.

    Args:
        max_completion_tokens: of the run; not used here.
        source: who writes the completions that are compared.
        start: a reward model to go on from, its run or model directory, as between iterations of DeepSeekMath (algorithm 1); empty begins with the
            policy's backbone and a new head.
    """
    return RewardModelObjective("reward_model", _source(source), start)


def on_policy_distillation(
    *,
    max_completion_tokens: int,
    teacher: str = "",
    divergence: Literal["reverse_kl", "forward_kl", "generalized_js"] = "reverse_kl",
    js_weight: float = 0.5,
) -> DistillationObjective:
    """On-policy logit distillation (Agarwal et al. 2024, GKD; Qwen3, section 4.5): the student writes, the teacher's distribution is the target.

    Qwen3 does not say which divergence; reverse KL over the whole vocabulary is taken here.

    Args:
        max_completion_tokens: of the run; not used here.
        teacher: what `load_policy` takes: a model with the student's vocabulary.
        divergence: between student and teacher at each token.
        js_weight: of the teacher in the generalised Jensen-Shannon divergence.
    """
    if not teacher:
        raise ValueError("on_policy_distillation needs a teacher; add --set objective.teacher=MODEL, a model with the student's vocabulary")
    kinds = {"reverse_kl": ReverseKL(), "forward_kl": ForwardKL(), "generalized_js": GeneralizedJS(js_weight)}
    if divergence not in kinds:
        raise ValueError(f"divergence must be one of {', '.join(kinds)}, not {divergence!r}")
    return DistillationObjective("on_policy_distillation", teacher, kinds[divergence])


def _imitate(aggregation: Aggregation) -> TokenLoss:
    return TokenLoss(WeightedNLL(), aggregation, kept_only=True)


def _source(name: SourceName) -> Source:
    if name not in ("on_policy", "demonstrations"):
        raise ValueError(f"source must be on_policy or demonstrations, not {name!r}")
    return OnPolicy() if name == "on_policy" else Demonstrations()


def _preference(name: str, loss: PairLoss, source: SourceName) -> PreferenceObjective:
    return PreferenceObjective(name, loss, _source(source))
