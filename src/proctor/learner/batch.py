"""Rollouts as tensors: one flat batch, prompts stored once a group, ragged continuations masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from proctor.algorithms.credit import CreditInputs
from proctor.algorithms.spec import Objective
from proctor.core import Rollout, RolloutGroup
from proctor.errors import LearnerError, boundary
from proctor.models.scoring import Sequences
from proctor.objective.advantages import terminal_rewards


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """The rollouts of one step. P prompts, R rollouts, L the longest continuation, K reward parts.

    Attributes:
        sequences: prompts and continuations (completions and observations) as token lists.
        group_ids: [R] which group a rollout belongs to.
        rewards: [R] fp64, shaping included.
        completion_mask: [R, L] True where a token is trained on: written by the model, not observed, not padding.
        behavior_logprobs: [R, L] nats, as recorded by the sampler; 0 elsewhere.
        is_truncated: [R] True where the completion hit the length limit.
        is_repeat: [R] True where an earlier rollout of the group has the same tokens.
        parts: [R, K] fp64 each reward part by itself; 0 where it does not apply.
        part_weights: K weights.
        greedy_rewards: [R] of the task's greedy rollout, where groups have one.
        step_rewards: R lists of rewards of reasoning steps; empty where no verifier scores steps.
        step_ends: R lists: the trained token (counted from 1) that ends each step.
        old_logprobs: [R, L] under the policy at the start of the update; None until annotated, and for a single on-policy
            update, whose own pass is the old one.
        ref_logprobs: [R, L] under the frozen reference; None where the objective has no term against it.
        penalties: [R, L] KL subtracted from the reward of each token, the coefficient included; None without one.
        values: [R, L] of the critic at the start of the update; None without one.
        bootstrap_values: [R] of the critic behind the last token of truncated rollouts, 0 for finished ones; None where nothing is bootstrapped.
        advantages: [R, L]; None until `with_advantages`.
        returns: [R, L] that the critic is fitted to; None without one.
        pretraining: token lists to be imitated beside the loss (ptx).
        is_stale: [R, L] True where older weights wrote the token than the newest of the batch (partial rollouts); None where none did.
    """

    sequences: Sequences
    group_ids: Tensor
    rewards: Tensor
    completion_mask: Tensor
    behavior_logprobs: Tensor
    is_truncated: Tensor
    is_repeat: Tensor
    parts: Tensor
    part_weights: tuple[float, ...] = ()
    greedy_rewards: Tensor | None = None
    step_rewards: tuple[tuple[float, ...], ...] = ()
    step_ends: tuple[tuple[int, ...], ...] = ()
    old_logprobs: Tensor | None = None
    ref_logprobs: Tensor | None = None
    penalties: Tensor | None = None
    values: Tensor | None = None
    bootstrap_values: Tensor | None = None
    advantages: Tensor | None = None
    returns: Tensor | None = None
    pretraining: Sequences | None = None
    is_stale: Tensor | None = None

    @property
    def num_rollouts(self) -> int:
        return len(self.sequences.continuations)

    @property
    def fresh_mask(self) -> Tensor:
        """[R, L] trained tokens that the newest weights wrote: where sampler and trainer must agree."""
        return self.completion_mask if self.is_stale is None else self.completion_mask & ~self.is_stale


def build_batch(groups: Sequence[RolloutGroup], weights: Mapping[str, float] | None = None) -> TokenBatch:
    """Lay the rollouts of groups side by side. Rollouts that ended in ERROR are not in `group.rollouts`, so they count nowhere.

    Args:
        groups: at least one rollout among them.
        weights: of the reward parts, by name.

    Raises:
        LearnerError: no group has a rollout.
    """
    rollouts: list[Rollout] = []
    prompts: list[tuple[int, ...]] = []
    prompt_of: list[int] = []
    group_ids: list[int] = []
    greedy: list[float | None] = []
    for number, group in enumerate(groups):
        for rollout in group.rollouts:
            if not prompts or prompts[-1] != rollout.prompt_ids:
                prompts.append(rollout.prompt_ids)
            rollouts.append(rollout)
            prompt_of.append(len(prompts) - 1)
            group_ids.append(number)
            greedy.append(None if group.greedy is None else group.greedy.reward)
    if not rollouts:
        raise LearnerError("no group has a rollout to learn from: every check of this step failed for a reason of its own")
    continuations = [rollout.token_ids for rollout in rollouts]
    width = max(len(tokens) for tokens in continuations)
    names = list(weights or {})
    return TokenBatch(
        sequences=Sequences(prompts, continuations, prompt_of),
        group_ids=torch.tensor(group_ids),
        rewards=torch.tensor([rollout.reward for rollout in rollouts], dtype=torch.float64),
        completion_mask=torch.tensor([_fill(rollout.completion_mask, width, False) for rollout in rollouts]),
        behavior_logprobs=torch.tensor([_fill(rollout.behavior_logprobs, width, 0.0) for rollout in rollouts], dtype=torch.float32),
        is_truncated=torch.tensor([rollout.is_truncated for rollout in rollouts]),
        is_repeat=torch.tensor(_repeats(group_ids, continuations)),
        parts=torch.tensor([[_part(rollout, name) for name in names] for rollout in rollouts], dtype=torch.float64).reshape(len(rollouts), len(names)),
        part_weights=tuple((weights or {}).values()),
        greedy_rewards=None if None in greedy else torch.tensor(greedy, dtype=torch.float64),
        step_rewards=tuple(rollout.step_rewards[: len(rollout.step_ends)] for rollout in rollouts),
        step_ends=tuple(rollout.step_ends for rollout in rollouts),
        is_stale=_stale(rollouts, width),
    )


def _part(rollout: Rollout, name: str) -> float:
    score = rollout.scores.get(name)
    return 0.0 if score is None or score.value is None else score.value


def _stale(rollouts: Sequence[Rollout], width: int) -> Tensor | None:
    versions = [rollout.policy_versions for rollout in rollouts]
    newest = max((version for row in versions for version in row), default=0)
    if all(version == newest for row in versions for version in row):
        return None
    return torch.tensor([_fill([version < newest for version in row], width, False) for row in versions])


def _repeats(group_ids: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[bool]:
    seen: set[tuple[int, tuple[int, ...]]] = set()
    repeats: list[bool] = []
    for key in zip(group_ids, map(tuple, continuations), strict=True):
        repeats.append(key in seen)
        seen.add(key)
    return repeats


def _fill(values: Sequence[float], width: int, empty: float) -> list[float]:
    return [*values, *[empty] * (width - len(values))]


def with_advantages(batch: TokenBatch, objective: Objective) -> TokenBatch:
    """Fix the advantage of every token, on the whole batch: 0 on tokens that are not trained on, and on truncated rollouts that are dropped.

    Computed in fp64: rewards are the user's numbers, and differences of large ones must not vanish.

    Raises:
        LearnerError: an advantage is not a finite number.
    """
    with boundary(LearnerError, f"compute advantages ({objective.name})"):
        credit = objective.advantage(_credit_inputs(batch))
    advantages = credit.advantages.float()
    finite = torch.isfinite(advantages).all(-1)
    if not finite.all():
        row = int((~finite).nonzero()[0])
        raise LearnerError(f"the advantage of rollout {row} is not finite; its reward is {float(batch.rewards[row])!r}. Bound the reward function's values")
    if objective.collection.drops_truncated:
        advantages = torch.where(batch.is_truncated[:, None], 0.0, advantages)
    return replace(batch, advantages=advantages, returns=None if credit.returns is None else credit.returns.float())


def _credit_inputs(batch: TokenBatch) -> CreditInputs:
    penalties = torch.zeros(batch.completion_mask.shape, dtype=torch.float64) if batch.penalties is None else batch.penalties.double()
    return CreditInputs(
        rewards=batch.rewards - penalties.sum(-1),
        token_rewards=terminal_rewards(batch.rewards, batch.completion_mask) - penalties,
        group_ids=batch.group_ids,
        mask=batch.completion_mask,
        is_repeat=batch.is_repeat,
        parts=batch.parts,
        part_weights=batch.part_weights,
        greedy_rewards=batch.greedy_rewards,
        step_rewards=batch.step_rewards,
        step_ends=batch.step_ends,
        values=batch.values,
        bootstrap_values=None if batch.bootstrap_values is None else batch.bootstrap_values.double(),
    )


Unit = list[int]
"""Rows that a loss needs together: one rollout, a pair, or all rollouts of a prompt."""


def micro_batches(sequences: Sequences, units: Sequence[Unit], *, max_tokens: int, is_packed: bool) -> list[list[Unit]]:
    """Cut units into runs whose computed tokens stay within a budget. A unit that alone exceeds it is a run of its own.

    Args:
        sequences: the whole batch.
        units: those to compute, in order; neighbours share prompts.
        max_tokens: budget of one run.
        is_packed: whether a prompt is computed once for its rows, or padded rows are computed in full.
    """
    runs: list[list[Unit]] = []
    for unit in units:
        if runs and num_tokens(sequences, rows_of([*runs[-1], unit]), is_packed=is_packed) <= max_tokens:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return runs


def rows_of(units: Sequence[Unit]) -> list[int]:
    """The rows of units, in order."""
    return [row for unit in units for row in unit]


def num_tokens(sequences: Sequences, rows: Sequence[int], *, is_packed: bool) -> int:
    """Tokens that are computed for some rows."""
    if is_packed:
        prompts = {sequences.prompt_of[row] for row in rows}
        return sum(len(sequences.prompts[prompt]) for prompt in prompts) + sum(len(sequences.continuations[row]) for row in rows)
    return len(rows) * max(len(sequences.prompts[sequences.prompt_of[row]]) + len(sequences.continuations[row]) for row in rows)


def select(sequences: Sequences, rows: Sequence[int]) -> Sequences:
    """The sequences of some rows, each prompt kept once."""
    used = list(dict.fromkeys(sequences.prompt_of[row] for row in rows))
    return Sequences(
        [sequences.prompts[p] for p in used], [sequences.continuations[row] for row in rows], [used.index(sequences.prompt_of[row]) for row in rows]
    )
