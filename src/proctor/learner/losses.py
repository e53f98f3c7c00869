"""From units of a batch to a loss with a gradient: what every kind of objective does in one micro-batch.

A loss says which rows it needs together (`units`), which of them can be left out (`has_gradient`), what each weighs in the whole
optimizer step (`weights`), and computes one micro-batch (`run`). Weights are fixed before the batch is cut, so no way of cutting
it changes the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from proctor.algorithms.losses import TokenLoss
from proctor.algorithms.spec import DistillationObjective, Objective, PreferenceObjective
from proctor.algorithms.surrogates import LossInputs
from proctor.learner.batch import TokenBatch, Unit, rows_of, select
from proctor.learner.statistics import policy_values
from proctor.models.divergence import logits_of, token_divergences
from proctor.models.heads import ScalarModel, sequence_scores, values_of_outputs
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences, logprobs_of_outputs, padded, predicting_outputs, unflatten
from proctor.objective import kl
from proctor.objective.aggregation import token_mean
from proctor.objective.diagnostics import masked_mean
from proctor.objective.preferences import group_bradley_terry
from proctor.objective.surrogates import weighted_nll
from proctor.objective.values import clipped_value_loss, squared_error


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One micro-batch.

    Attributes:
        loss: its share of the loss of the step; differentiable.
        values: metrics, each a mean over `count`.
        count: tokens, or pairs, that the means are over.
        logprobs: [R, L] of its rows, for the comparison with the sampler's and the record; None where the loss computes none.
        entropies: [R, L] of the same tokens' distributions.
    """

    loss: Tensor
    values: dict[str, Tensor]
    count: int
    logprobs: Tensor | None = None
    entropies: Tensor | None = None


class BatchLoss(Protocol):
    """What the learner needs of an objective."""

    def units(self, batch: TokenBatch) -> list[Unit]:
        """Everything that can be learned from, in the order of the batch."""
        ...

    def has_gradient(self, batch: TokenBatch, unit: Unit) -> bool:
        """False where a unit's passes can be left out because its gradient is exactly 0."""
        ...

    def weights(self, batch: TokenBatch, units: Sequence[Unit]) -> Any:
        """What rows or tokens weigh in one optimizer step over these units, as `run` takes it."""
        ...

    def run(self, batch: TokenBatch, units: Sequence[Unit], weights: Any) -> Pass:
        """Compute some of the units of the step."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PolicyForward:
    """How the trained policy computes logprobs, and values where a head of its own says them."""

    policy: Policy
    path: ForwardPath
    temperature: float
    value_head: nn.Linear | None = None

    def __call__(self, sequences: Sequences) -> tuple[Tensor, Tensor, Tensor | None]:
        """(logprobs, entropies, values), each [R, L]."""
        return self.read(self.outputs(sequences), sequences)

    def outputs(self, sequences: Sequences) -> Tensor:
        """What predicts each token: see `predicting_outputs`."""
        return predicting_outputs(self.policy, sequences, self.path)

    def read(self, outputs: Tensor, sequences: Sequences) -> tuple[Tensor, Tensor, Tensor | None]:
        """What the heads make of it, as in a call."""
        token_ids, mask = padded(sequences.continuations, self.policy.device)
        logprobs, entropies = logprobs_of_outputs(self.policy, outputs, token_ids[mask], temperature=self.temperature, path=self.path)
        values = None if self.value_head is None else unflatten(values_of_outputs(self.value_head, outputs), mask)
        return unflatten(logprobs, mask), unflatten(entropies, mask), values

    def values(self, sequences: Sequences) -> Tensor:
        """[R, L] of the value head alone."""
        assert self.value_head is not None
        _, mask = padded(sequences.continuations, self.policy.device)
        return unflatten(values_of_outputs(self.value_head, self.outputs(sequences)), mask)

    def exact_kl(self, outputs: Tensor, sequences: Sequences, reference: Policy) -> Tensor:
        """[R, L] KL(policy || reference) over the whole vocabulary, with its gradient; logits exist for one chunk of tokens at a time.

        Args:
            outputs: of the policy for `sequences`.
            sequences: the tokens.
            reference: frozen, of the same architecture; the policy itself stands for its weights without adapters.
        """
        _, mask = padded(sequences.continuations, self.policy.device)
        with torch.no_grad(), reference.adapters_disabled() if reference.has_adapters else nullcontext():
            target = predicting_outputs(reference, sequences, self.path)

        def divergence(logits: Tensor, ref_logits: Tensor) -> Tensor:
            return kl.exact(logits, ref_logits, temperature=self.temperature)

        return unflatten(token_divergences(outputs, logits_of(self.policy, self.path), target, logits_of(reference, self.path), divergence), mask)


@dataclass(frozen=True, slots=True, eq=False)
class PolicyWeights:
    """What weighs how much in one optimizer step, in the rows of the whole batch; 0 in rows that are not of the step.

    Attributes:
        surrogate: [R, L] of tokens or [R] of rollouts, as the objective aggregates.
        values: [R, L] of a shared value head's loss: the mean over the tokens of the step.
        successes: [R, L] of the imitation of successes: the mean over the tokens of the step's rollouts with a reward of at least 1.
    """

    surrogate: Tensor
    values: Tensor
    successes: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PolicyLoss:
    """The loss of an `Objective`: surrogate, KL, entropy, correction, imitation of successes, and a shared value head's loss.

    `reference` is the frozen policy, for a KL over the whole vocabulary; other terms read the batch's `ref_logprobs`. With `skips_stale`
    a sequence's ratio is that of the tokens which the present policy wrote; the advantages of the others are 0 already.
    """

    objective: Objective
    forward: PolicyForward
    reference: Policy | None = None
    skips_stale: bool = False

    def units(self, batch: TokenBatch) -> list[Unit]:
        return [[row] for row in range(batch.num_rollouts)]

    def has_gradient(self, batch: TokenBatch, unit: Unit) -> bool:
        assert batch.advantages is not None
        return not self.objective.skips_zero_advantage or bool(batch.advantages[unit].any())

    def weights(self, batch: TokenBatch, units: Sequence[Unit]) -> PolicyWeights:
        assert batch.advantages is not None
        rows = rows_of(units)
        mask = batch.completion_mask[rows]
        positive = mask & (batch.rewards[rows] >= 1)[:, None]
        found = (
            self.objective.loss.weights(mask, batch.advantages[rows], batch.group_ids[rows]),
            token_mean(mask),
            token_mean(positive) if positive.any() else torch.zeros(mask.shape),
        )
        whole = tuple(torch.zeros((batch.num_rollouts, *part.shape[1:]), dtype=part.dtype) for part in found)
        for target, part in zip(whole, found, strict=True):
            target[rows] = part
        return PolicyWeights(*whole)

    def run(self, batch: TokenBatch, units: Sequence[Unit], weights: PolicyWeights) -> Pass:
        assert batch.advantages is not None
        rows = rows_of(units)
        sequences = select(batch.sequences, rows)
        cut = _Cut(rows, sequences.width, self.forward.policy.device)
        outputs = self.forward.outputs(sequences)
        logprobs, entropies, values = self.forward.read(outputs, sequences)
        mask = cut(batch.completion_mask)
        old = logprobs.detach() if batch.old_logprobs is None else cut(batch.old_logprobs)
        behavior = cut(batch.behavior_logprobs)
        if batch.is_stale is not None:  # what older weights wrote has their distribution as its old one
            old = torch.where(cut(batch.is_stale), behavior, old)
        inputs = LossInputs(logprobs, old, behavior, cut(batch.advantages), mask)
        if self.objective.loss.kl.needs_logits:
            assert self.reference is not None
            inputs = replace(inputs, exact_kl=self.forward.exact_kl(outputs, sequences, self.reference))
        reference = None if batch.ref_logprobs is None else cut(batch.ref_logprobs)
        loss, seen = self._policy_loss(*self._without_stale(batch, inputs, cut, cut(weights.surrogate)), reference, entropies)
        if self.objective.positive_nll_weight:
            loss = loss + self.objective.positive_nll_weight * self._positive_nll(inputs, cut(weights.successes))
        if values is not None:
            loss = loss + self._value_loss(batch, values, cut, cut(weights.values), seen)
        seen |= policy_values(self.objective, inputs, entropies.detach(), reference)
        return Pass(loss, seen, int(mask.sum()), logprobs.detach(), entropies.detach())

    def _without_stale(self, batch: TokenBatch, inputs: LossInputs, cut: _Cut, weights: Tensor) -> tuple[LossInputs, Tensor]:
        """Inputs and weights of a sequence loss that leaves out what older weights wrote; those of a token loss as they are."""
        if not self.skips_stale or batch.is_stale is None or isinstance(self.objective.loss, TokenLoss):
            return inputs, weights
        fresh = inputs.mask & ~cut(batch.is_stale)
        is_fresh = fresh.any(-1)
        return replace(inputs, mask=torch.where(is_fresh[:, None], fresh, inputs.mask)), weights * is_fresh

    def _policy_loss(self, inputs: LossInputs, weights: Tensor, reference: Tensor | None, entropies: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        spec = self.objective.loss
        if not isinstance(spec, TokenLoss):
            return (spec.surrogate(inputs) * weights).sum(), {}
        per_token = spec.surrogate(inputs)
        seen: dict[str, Tensor] = {}
        correction = spec.correction(inputs)
        if correction is not None:
            per_token = per_token * correction.detach()
            seen["correction_mean"] = masked_mean(correction.detach().expand_as(per_token), inputs.mask)
        penalty = spec.kl(inputs, reference)
        if penalty is not None:
            per_token = per_token + penalty
        if spec.entropy_weight:
            per_token = per_token - spec.entropy_weight * entropies
        return torch.where(inputs.mask, per_token, 0).mul(weights).sum(), seen

    def _positive_nll(self, inputs: LossInputs, weights: Tensor) -> Tensor:
        """Mean negative log-likelihood over the tokens of the step's rollouts with a reward of at least 1 (VAPO, section 4.6)."""
        return (torch.where(inputs.mask, weighted_nll(inputs.logprobs, torch.ones_like(inputs.logprobs)), 0) * weights).sum()

    def _value_loss(self, batch: TokenBatch, values: Tensor, cut: _Cut, weights: Tensor, seen: dict[str, Tensor]) -> Tensor:
        critic, mask = self.objective.critic, cut(batch.completion_mask)
        assert critic is not None
        assert batch.values is not None
        assert batch.returns is not None
        per_token = value_loss(values, cut(batch.values), cut(batch.returns), clip=critic.clip)
        seen["value_loss"] = masked_mean(per_token.detach(), mask)
        return getattr(critic, "weight", 1.0) * torch.where(mask, per_token, 0).mul(weights).sum()


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, *, clip: float | None) -> Tensor:
    """[R, L] the critic's loss of each token, clipped around the old value where a range is given."""
    return squared_error(values, returns) if clip is None else clipped_value_loss(values, old_values, returns, clip=clip)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Rows of a batch's tensors, narrowed to the longest of them and moved to the device."""

    rows: Sequence[int]
    width: int
    device: torch.device

    def __call__(self, tensor: Tensor) -> Tensor:
        chosen = tensor[list(self.rows)]
        return (chosen[:, : self.width] if chosen.dim() > 1 else chosen).to(self.device)


def best_and_worst(batch: TokenBatch) -> list[Unit]:
    """For each group whose rewards differ, the row of the best rollout and that of the worst (the first of equals)."""
    pairs: list[Unit] = []
    for group in batch.group_ids.unique().tolist():
        rows = (batch.group_ids == group).nonzero()[:, 0]
        best, worst = rows[batch.rewards[rows].argmax()], rows[batch.rewards[rows].argmin()]
        if batch.rewards[best] > batch.rewards[worst]:
            pairs.append([int(best), int(worst)])
    return pairs


@dataclass(frozen=True, slots=True, eq=False)
class PreferenceLoss:
    """DPO and its relatives: mean over the pairs of the step."""

    objective: PreferenceObjective
    forward: PolicyForward

    def units(self, batch: TokenBatch) -> list[Unit]:
        return best_and_worst(batch)

    def has_gradient(self, batch: TokenBatch, unit: Unit) -> bool:
        return True

    def weights(self, batch: TokenBatch, units: Sequence[Unit]) -> Tensor:
        return torch.full((), 1 / len(units))

    def run(self, batch: TokenBatch, units: Sequence[Unit], weights: Tensor) -> Pass:
        rows = rows_of(units)
        sequences = select(batch.sequences, rows)
        cut = _Cut(rows, sequences.width, self.forward.policy.device)
        logprobs, entropies, _ = self.forward(sequences)
        mask = cut(batch.completion_mask)
        summed = torch.where(mask, logprobs, 0).sum(-1)
        reference = torch.zeros_like(summed) if batch.ref_logprobs is None else torch.where(mask, cut(batch.ref_logprobs), 0).sum(-1)
        lengths = mask.sum(-1)
        per_pair = self.objective.loss(summed[::2], summed[1::2], reference[::2], reference[1::2], (lengths[::2], lengths[1::2]))
        margin = (summed - reference).detach()
        seen = {
            "preference_accuracy": (margin[::2] > margin[1::2]).float().mean(),
            "reward_margin": (margin[::2] - margin[1::2]).mean(),
            "chosen_logprobs": summed.detach()[::2].mean(),
            "rejected_logprobs": summed.detach()[1::2].mean(),
            "entropy": masked_mean(entropies.detach(), mask),
        }
        return Pass(per_pair.sum() * weights.to(per_pair.device), seen, len(units), logprobs.detach(), entropies.detach())


@dataclass(frozen=True, slots=True, eq=False)
class RewardModelLoss:
    """Bradley-Terry over all pairs of a prompt as one element; mean over prompts."""

    model: ScalarModel

    def units(self, batch: TokenBatch) -> list[Unit]:
        groups = [(batch.group_ids == group).nonzero()[:, 0].tolist() for group in batch.group_ids.unique().tolist()]
        return [rows for rows in groups if len(set(batch.rewards[rows].tolist())) > 1]

    def has_gradient(self, batch: TokenBatch, unit: Unit) -> bool:
        return True

    def weights(self, batch: TokenBatch, units: Sequence[Unit]) -> Tensor:
        return torch.full((), 1 / len(units))

    def run(self, batch: TokenBatch, units: Sequence[Unit], weights: Tensor) -> Pass:
        rows = rows_of(units)
        scores = sequence_scores(self.model, select(batch.sequences, rows))
        rewards = batch.rewards[rows].to(device=scores.device, dtype=scores.dtype)
        loss, start = scores.sum() * 0, 0
        right, total, squares, pairs = 0.0, 0.0, 0.0, 0
        for unit in units:
            own = slice(start, start + len(unit))
            loss = loss + group_bradley_terry(scores[own], _ranks(rewards[own]))
            said, better = scores.detach()[own], rewards[own, None] > rewards[None, own]
            num_pairs = int(better.sum())
            right += float((said[:, None] > said[None, :])[better].sum())
            total += num_pairs * float(said.mean())
            squares += num_pairs * float(said.square().mean())
            pairs += num_pairs
            start += len(unit)
        # Moments, each prompt weighing as it does in `count`: however the batch is cut, they are those of the whole batch.
        seen = {"preference_accuracy": torch.tensor(right / pairs), "score_mean": torch.tensor(total / pairs), SCORE_SQUARE: torch.tensor(squares / pairs)}
        return Pass(loss * weights.to(scores.device), seen, pairs)


SCORE_SQUARE = "score_square_mean"
"""The second moment of a reward model's scores, beside `score_mean`."""


def _ranks(rewards: Tensor) -> Tensor:
    """0 for the best; equal rewards share a rank."""
    return torch.unique(-rewards, return_inverse=True)[1]


@dataclass(frozen=True, slots=True, eq=False)
class DistillationLoss:
    """A divergence to the teacher's distribution at each trained token; mean over tokens."""

    objective: DistillationObjective
    forward: PolicyForward
    teacher: Policy
    teacher_path: ForwardPath

    def units(self, batch: TokenBatch) -> list[Unit]:
        return [[row] for row in range(batch.num_rollouts)]

    def has_gradient(self, batch: TokenBatch, unit: Unit) -> bool:
        return True

    def weights(self, batch: TokenBatch, units: Sequence[Unit]) -> Tensor:
        rows = rows_of(units)
        whole = torch.zeros(batch.completion_mask.shape)
        whole[rows] = token_mean(batch.completion_mask[rows])
        return whole

    def run(self, batch: TokenBatch, units: Sequence[Unit], weights: Tensor) -> Pass:
        rows = rows_of(units)
        sequences = select(batch.sequences, rows)
        policy = self.forward.policy
        cut = _Cut(rows, sequences.width, policy.device)
        token_ids, present = padded(sequences.continuations, policy.device)
        outputs = predicting_outputs(policy, sequences, self.forward.path)
        with torch.no_grad():
            target = predicting_outputs(self.teacher, sequences, self.teacher_path)
            logprobs, entropies = logprobs_of_outputs(policy, outputs, token_ids[present], temperature=self.forward.temperature, path=self.forward.path)
        to_logits, teacher_to_logits = logits_of(policy, self.forward.path), logits_of(self.teacher, self.teacher_path)
        flat = token_divergences(outputs, to_logits, target, teacher_to_logits, self._divergence)
        per_token, mask = unflatten(flat, present), cut(batch.completion_mask)
        seen = {"divergence": masked_mean(per_token.detach(), mask), "entropy": masked_mean(unflatten(entropies, present), mask)}
        return Pass(torch.where(mask, per_token, 0).mul(cut(weights)).sum(), seen, int(mask.sum()), unflatten(logprobs, present), unflatten(entropies, present))

    def _divergence(self, student: Tensor, teacher: Tensor) -> Tensor:
        width = min(student.shape[-1], teacher.shape[-1])  # of one vocabulary, but one of them may be padded to a rounder number
        student, teacher = student[..., :width], teacher[..., :width]
        return self.objective.divergence(student, teacher, self.forward.temperature)


def imitation_pass(forward: PolicyForward, sequences: Sequences, rows: Sequence[int], *, weight: float) -> Pass:
    """`weight` times the mean negative log-likelihood of the continuations of all `sequences`: the share of some rows (ptx)."""
    logprobs, _, _ = forward(select(sequences, rows))
    total = sum(len(tokens) for tokens in sequences.continuations)
    loss = -logprobs.sum() * (weight / total)
    count = sum(len(sequences.continuations[row]) for row in rows)
    return Pass(loss, {"pretraining_loss": -logprobs.detach().sum() / count}, count)
