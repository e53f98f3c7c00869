"""Rollouts as tensors: one flat batch, prompts stored once a group, ragged continuations masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from proctor.algorithms.spec import Objective
from proctor.core import Rollout, RolloutGroup
from proctor.errors import LearnerError, boundary
from proctor.models.scoring import Sequences


@dataclass(frozen=True, slots=True, eq=False)
class TokenBatch:
    """The rollouts of one step. P prompts, R rollouts, L the longest continuation.

    Attributes:
        sequences: prompts and continuations (completions and observations) as token lists.
        group_ids: [R] which group a rollout belongs to.
        rewards: [R] fp64.
        completion_mask: [R, L] True where a token is trained on: written by the model, not observed, not padding.
        behavior_logprobs: [R, L] nats, as recorded by the sampler; 0 elsewhere.
        old_logprobs: [R, L] under the policy at the start of the update; None until annotated, and for a single on-policy
            update, whose own pass is the old one.
        ref_logprobs: [R, L] under the frozen reference; None where the objective has no term against it.
        advantages: [R, L]; None until `with_advantages`.
    """

    sequences: Sequences
    group_ids: Tensor
    rewards: Tensor
    completion_mask: Tensor
    behavior_logprobs: Tensor
    old_logprobs: Tensor | None = None
    ref_logprobs: Tensor | None = None
    advantages: Tensor | None = None

    @property
    def num_rollouts(self) -> int:
        return len(self.sequences.continuations)


def build_batch(groups: Sequence[RolloutGroup]) -> TokenBatch:
    """Lay the rollouts of groups side by side. Rollouts that ended in ERROR are not in `group.rollouts`, so they count nowhere."""
    rollouts: list[Rollout] = []
    prompts: list[tuple[int, ...]] = []
    prompt_of: list[int] = []
    group_ids: list[int] = []
    for number, group in enumerate(groups):
        for rollout in group.rollouts:
            if not prompts or prompts[-1] != rollout.prompt_ids:
                prompts.append(rollout.prompt_ids)
            rollouts.append(rollout)
            prompt_of.append(len(prompts) - 1)
            group_ids.append(number)
    continuations = [rollout.token_ids for rollout in rollouts]
    width = max(len(tokens) for tokens in continuations)
    return TokenBatch(
        sequences=Sequences(prompts, continuations, prompt_of),
        group_ids=torch.tensor(group_ids),
        rewards=torch.tensor([rollout.reward for rollout in rollouts], dtype=torch.float64),
        completion_mask=torch.tensor([_fill(rollout.completion_mask, width, False) for rollout in rollouts]),
        behavior_logprobs=torch.tensor([_fill(rollout.behavior_logprobs, width, 0.0) for rollout in rollouts], dtype=torch.float32),
    )


def _fill(values: Sequence[float], width: int, empty: float) -> list[float]:
    return [*values, *[empty] * (width - len(values))]


def with_advantages(batch: TokenBatch, objective: Objective) -> TokenBatch:
    """Fix the advantage of every token, on the whole batch: the rollout's on the tokens it wrote, 0 elsewhere.

    Computed in fp64: rewards are the user's numbers, and differences of large ones must not vanish.

    Raises:
        LearnerError: an advantage is not a finite number.
    """
    with boundary(LearnerError, f"compute advantages ({objective.name})"):
        per_rollout = objective.advantage(batch.rewards, batch.group_ids).float()
    if not torch.isfinite(per_rollout).all():
        row = int((~torch.isfinite(per_rollout)).nonzero()[0])
        raise LearnerError(f"the advantage of rollout {row} is not finite; its reward is {float(batch.rewards[row])!r}. Bound the reward function's values")
    return replace(batch, advantages=torch.where(batch.completion_mask, per_rollout[:, None], 0.0))


def micro_batches(sequences: Sequences, rows: Sequence[int], *, max_tokens: int, is_packed: bool) -> list[list[int]]:
    """Cut rows into runs whose computed tokens stay within a budget. One row that alone exceeds it is a run of its own.

    Args:
        sequences: the whole batch.
        rows: those to compute, in order; neighbours share prompts.
        max_tokens: budget of one run.
        is_packed: whether a prompt is computed once for its rows, or padded rows are computed in full.
    """
    runs: list[list[int]] = []
    for row in rows:
        if runs and _num_tokens(sequences, [*runs[-1], row], is_packed=is_packed) <= max_tokens:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _num_tokens(sequences: Sequences, rows: Sequence[int], *, is_packed: bool) -> int:
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
