"""Evaluation on held-out tasks: mean reward with an interval over tasks, pass@k, maj@k, and paired comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from proctor.core import FinishReason, Outcome, Rollout, RolloutGroup, Score, Task
from proctor.engines.base import Sampling
from proctor.objective.selection import best_of_n
from proctor.rollouts.groups import RolloutPlan, Workshop, refuse_unscored, scored_groups
from proctor.training.statistics import Interval, bootstrap_interval, maj_at_k, pass_at_k

_TASKS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a policy did on held-out tasks.

    Attributes:
        reward: mean reward, tasks weighing alike, with the bootstrap interval over tasks.
        per_task: mean reward of each task, in order, for paired comparisons; None where no rollout could be scored.
        avg_at: number of samples -> the fraction of them that is correct (avg@k), where k was asked for.
        pass_at: k -> pass@k (unbiased estimator over the samples of each task), where the reward says CORRECT or not.
        maj_at: k -> maj@k, where answers were extracted.
        best_at: k -> best@k, the accuracy of the one among k that a reward model likes best (unbiased estimator), where one was given.
        truncated_fraction: of completions.
        budget_fraction: of completions that were cut at a thinking budget.
        completion_tokens_mean: per completion, written by the model.
        num_errors: completions whose check failed for a reason of its own; they count nowhere.
    """

    reward: Interval
    per_task: tuple[float | None, ...]
    avg_at: Mapping[int, Interval]
    pass_at: Mapping[int, Interval]
    maj_at: Mapping[int, Interval]
    best_at: Mapping[int, Interval]
    truncated_fraction: float
    budget_fraction: float
    completion_tokens_mean: float
    num_errors: int

    def as_summary(self) -> dict[str, object]:
        """The plain form in `summary.json` and in `proctor eval --json`."""
        kinds = {"avg": self.avg_at, "pass": self.pass_at, "maj": self.maj_at, "best": self.best_at}
        spread = {f"{kind}@{k}": _plain(interval) for kind, intervals in kinds.items() for k, interval in intervals.items()}
        return {
            **_plain(self.reward),
            **spread,
            "truncated_fraction": self.truncated_fraction,
            **({"budget_fraction": self.budget_fraction} if self.budget_fraction else {}),
            "completion_tokens_mean": self.completion_tokens_mean,
            "num_errors": self.num_errors,
        }


def _plain(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high, "num_tasks": interval.num_tasks}


async def evaluate(
    tasks: Sequence[Task],
    *,
    workshop: Workshop,
    sampling: Sampling,
    num_samples: int,
    seed: int,
    ks: Sequence[int] = (),
    budgets: tuple[int, ...] = (),
    chosen_by: str = "",
) -> tuple[Evaluation, list[RolloutGroup]]:
    """Sample, score and summarise.

    Args:
        tasks: held-out.
        workshop: the policy's engine, its renderer, and the same rewards as in training, or others.
        sampling: greedy by default in training.
        num_samples: completions a task.
        seed: of sampling and of the intervals.
        ks: for pass@k, maj@k and best@k, each at most `num_samples`.
        budgets: of thinking; empty for no limit.
        chosen_by: the part of the reward, a model's score, by which best@k chooses; empty for no best@k.

    Raises:
        VerifierError: a reward function is broken, or nothing at all could be scored.
    """
    plan = RolloutPlan(num_samples, sampling, seed, purpose="evaluation", budgets=budgets)
    groups: list[RolloutGroup] = []
    for start in range(0, len(tasks), _TASKS_AT_ONCE):
        part = tasks[start : start + _TASKS_AT_ONCE]
        groups += await scored_groups(part, step=start, workshop=workshop, plan=plan)
    refuse_unscored(groups)
    return summarize_evaluation(groups, ks=ks, seed=seed, chosen_by=chosen_by), groups


def summarize_evaluation(groups: Sequence[RolloutGroup], *, ks: Sequence[int], seed: int, chosen_by: str = "") -> Evaluation:
    """Means and intervals of scored groups, one a task."""
    per_task = tuple(math.fsum(group.rewards) / len(group.rewards) if group.rewards else None for group in groups)
    scored = [group for group in groups if group.rollouts]
    rollouts = [rollout for group in scored for rollout in group.rollouts]
    graded = [[_without(rollout.scores, chosen_by) for rollout in group.rollouts] for group in scored]
    correct = [[is_correct(scores) for scores in members] for members in graded]
    usable = [k for k in ks if all(len(flags) >= k for flags in correct)]
    answers = [[_answer(scores) for scores in members] for members in graded]
    rng = np.random.default_rng(seed)
    num_samples = max((len(flags) for flags in correct), default=0)
    return Evaluation(
        reward=bootstrap_interval([value for value in per_task if value is not None], seed=seed),
        per_task=per_task,
        avg_at={num_samples: bootstrap_interval([sum(flags) / len(flags) for flags in correct], seed=seed)} if usable else {},
        pass_at={k: bootstrap_interval([pass_at_k(len(flags), sum(flags), k) for flags in correct], seed=seed) for k in usable},
        maj_at={k: bootstrap_interval([maj_at_k(a, c, k, rng=rng) for a, c in zip(answers, correct, strict=True)], seed=seed) for k in usable if k > 1},
        best_at={
            k: bootstrap_interval([_best_of(group, flags, k, chosen_by) for group, flags in zip(scored, correct, strict=True)], seed=seed)
            for k in usable
            if chosen_by
        },
        truncated_fraction=sum(rollout.is_truncated for rollout in rollouts) / max(1, len(rollouts)),
        budget_fraction=sum(_is_cut(rollout) for rollout in rollouts) / max(1, len(rollouts)),
        completion_tokens_mean=sum(rollout.num_completion_tokens for rollout in rollouts) / max(1, len(rollouts)),
        num_errors=sum(len(group.errors) for group in groups),
    )


def _without(scores: Mapping[str, Score], name: str) -> dict[str, Score]:
    return {part: score for part, score in scores.items() if part != name}


def _best_of(group: RolloutGroup, is_right: Sequence[bool], k: int, chosen_by: str) -> float:
    """Chance that the rollout of the highest score among k is correct."""
    proxy = torch.tensor([rollout.scores[chosen_by].value for rollout in group.rollouts], dtype=torch.float64)
    return float(best_of_n(proxy, torch.tensor(is_right, dtype=torch.float64), n=k))


def summarize_ranking(groups: Sequence[RolloutGroup], accuracies: Sequence[float | None], *, seed: int) -> Evaluation:
    """How well a reward model orders the rollouts of each task; tasks whose rollouts earned the same say nothing."""
    plain = summarize_evaluation(groups, ks=(), seed=seed)
    return replace(plain, reward=bootstrap_interval([value for value in accuracies if value is not None], seed=seed), per_task=tuple(accuracies))


def _is_cut(rollout: Rollout) -> bool:
    return any(turn.completion.finish_reason is FinishReason.BUDGET for turn in rollout.turns)


def is_correct(scores: Mapping[str, Score]) -> bool:
    """CORRECT by every verifier that gave an outcome; where none did, 1 or more from every reward function that applied (None: it did not)."""
    outcomes = [score.outcome for score in scores.values() if score.outcome is not None]
    if outcomes:
        return all(outcome is Outcome.CORRECT for outcome in outcomes)
    values = [score.value for score in scores.values() if score.value is not None]
    return bool(values) and all(value >= 1.0 for value in values)


def success_rate(group: RolloutGroup) -> float | None:
    """The share of a group's rollouts that are correct, those before a hint where there was one; None where none could be graded."""
    return sum(is_correct(rollout.scores) for rollout in group.own) / len(group.own) if group.own else None


def _answer(scores: Mapping[str, Score]) -> str | None:
    """What a completion votes for: right answers are one answer, however they are spelled; wrong ones go by their spelling."""
    extracted = next((score.extracted for score in scores.values() if score.extracted is not None), None)
    return "(correct)" if extracted is not None and is_correct(scores) else extracted
