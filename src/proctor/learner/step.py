"""The learner: annotates a batch with logprobs that need no gradient, and takes optimizer steps on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from proctor.algorithms.spec import Objective
from proctor.engines.base import rollout_seed
from proctor.errors import LearnerError
from proctor.learner.batch import TokenBatch, micro_batches, select
from proctor.learner.config import LearnerConfig, learning_rate_at
from proctor.learner.statistics import MismatchCheck, UpdateStatistics
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, continuation_logprobs, forward_path


@dataclass(frozen=True, slots=True)
class LearnerPlan:
    """What the learner is told about the run.

    Attributes:
        learning_rate: at its peak.
        num_steps: of the run.
        temperature: of sampling.
        seed: of the run.
    """

    learning_rate: float
    num_steps: int
    temperature: float
    seed: int


class Learner:
    """Moves the weights of a policy.

    Args:
        policy: trained in place.
        config: optimizer and batching.
        plan: what it needs to know of the run.
        needs_reference: keep a frozen copy of the policy as it is now (with adapters, the frozen weights serve and nothing is copied).
    """

    def __init__(self, policy: Policy, config: LearnerConfig, plan: LearnerPlan, *, needs_reference: bool = False) -> None:
        self.policy, self.config, self.plan = policy, config, plan
        self.path: ForwardPath = forward_path(policy)
        self.reference = _frozen_copy(policy) if needs_reference and not policy.has_adapters else None
        self.optimizer = torch.optim.AdamW(
            policy.trainable_parameters,
            lr=plan.learning_rate,
            betas=config.betas,
            eps=config.adam_epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def annotate(self, batch: TokenBatch, objective: Objective) -> TokenBatch:
        """Add the logprobs that the objective needs and that take no gradient.

        Old logprobs are left out for a single update: its own pass starts from the very weights that are the old policy.
        """
        everyone = range(batch.num_rollouts)
        if not self.config.is_single_update:
            batch = replace(batch, old_logprobs=self._logprobs(self.policy, batch, everyone))
        if objective.kl.needs_reference:
            with ExitStack() as stack:
                if self.reference is None:
                    stack.enter_context(self.policy.adapters_disabled())
                batch = replace(batch, ref_logprobs=self._logprobs(self.reference or self.policy, batch, everyone))
        return batch

    def update(self, batch: TokenBatch, objective: Objective, *, step: int) -> dict[str, float]:
        """Take the optimizer steps of one batch.

        Args:
            batch: annotated and with advantages.
            objective: what to optimise.
            step: of the run, from 0; fixes the learning rate and the shuffling of minibatches.

        Returns:
            Metrics by name.

        Raises:
            LearnerError: the gradient is not finite, or sampler and trainer disagree.
        """
        statistics = UpdateStatistics()
        mismatch = MismatchCheck(self.policy.compute_dtype)
        if batch.old_logprobs is not None:
            mismatch.add(batch.behavior_logprobs, batch.old_logprobs, batch.completion_mask)
        learning_rate = self._set_learning_rate(step)
        for number, rows in enumerate(self._minibatches(batch, step)):
            check = mismatch if number == 0 and batch.old_logprobs is None else None
            self._optimizer_step(batch, rows, objective, statistics, check)
        return {**statistics.metrics(), **mismatch.metrics(), "learning_rate": learning_rate}

    def _optimizer_step(
        self, batch: TokenBatch, rows: Sequence[int], objective: Objective, statistics: UpdateStatistics, mismatch: MismatchCheck | None
    ) -> None:
        """Accumulate the gradient of one minibatch and move the weights; a minibatch without a gradient moves nothing."""
        assert batch.advantages is not None
        weights = torch.zeros(batch.completion_mask.shape)
        weights[list(rows)] = objective.aggregation(batch.completion_mask[list(rows)])
        learning = [row for row in rows if not objective.skips_zero_advantage or bool(batch.advantages[row].any())]
        statistics.skipped(num_skipped=len(rows) - len(learning), num_rows=len(rows))
        if not learning:
            return
        self.optimizer.zero_grad(set_to_none=True)
        for part in self._micro_batches(batch, learning):
            self._backward(batch, part, objective, weights, statistics, mismatch)
        norm = torch.nn.utils.clip_grad_norm_(self.policy.trainable_parameters, self.config.max_grad_norm)
        if not torch.isfinite(norm):
            raise LearnerError(
                f"the gradient norm is {norm.item()}: no weights were changed. Lower learning_rate, or run with learner compute in float32 to find the cause"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        statistics.grad_norms.append(float(norm))

    def _backward(
        self, batch: TokenBatch, rows: Sequence[int], objective: Objective, weights: Tensor, statistics: UpdateStatistics, mismatch: MismatchCheck | None
    ) -> None:
        assert batch.advantages is not None
        device = self.policy.device
        sequences = select(batch.sequences, rows)

        def cut(tensor: Tensor) -> Tensor:
            return tensor[list(rows), : sequences.width].to(device)

        logprobs, entropies = continuation_logprobs(self.policy, sequences, temperature=self.plan.temperature, path=self.path)
        mask, advantages, weight = cut(batch.completion_mask), cut(batch.advantages), cut(weights)
        old = logprobs.detach() if batch.old_logprobs is None else cut(batch.old_logprobs)
        reference = None if batch.ref_logprobs is None else cut(batch.ref_logprobs)
        per_token = objective.surrogate(logprobs, old, advantages)
        penalty = objective.kl(logprobs, reference)
        loss = torch.where(mask, per_token if penalty is None else per_token + penalty, 0).mul(weight).sum()
        loss.backward()
        if mismatch is not None:
            mismatch.add(cut(batch.behavior_logprobs), logprobs.detach(), mask)
        statistics.add(loss.detach(), objective, logprobs.detach(), old, reference, advantages, entropies.detach(), mask)

    @torch.no_grad()
    def _logprobs(self, policy: Policy, batch: TokenBatch, rows: Sequence[int]) -> Tensor:
        """Logprobs of rows, [R, L], without a gradient."""
        result = torch.zeros(batch.behavior_logprobs.shape)
        for part in self._micro_batches(batch, rows):
            sequences = select(batch.sequences, part)
            logprobs, _ = continuation_logprobs(policy, sequences, temperature=self.plan.temperature, path=self.path)
            result[part, : sequences.width] = logprobs.cpu()
        return result

    def _micro_batches(self, batch: TokenBatch, rows: Sequence[int]) -> list[list[int]]:
        return micro_batches(batch.sequences, rows, max_tokens=self.config.micro_batch_tokens, is_packed=self.path.is_packed)

    def _minibatches(self, batch: TokenBatch, step: int) -> Iterator[list[int]]:
        """Rows of each optimizer update: shuffled by whole epochs, every rollout once an epoch."""
        for epoch in range(self.config.num_epochs):
            if self.config.num_minibatches == 1:
                yield list(range(batch.num_rollouts))
                continue
            draw = torch.Generator().manual_seed(rollout_seed("minibatches", self.plan.seed, step, epoch) >> 1)
            order = torch.randperm(batch.num_rollouts, generator=draw)
            yield from (sorted(part.tolist()) for part in order.tensor_split(self.config.num_minibatches) if len(part))

    def _set_learning_rate(self, step: int) -> float:
        rate = learning_rate_at(
            step, peak=self.plan.learning_rate, num_steps=self.plan.num_steps, num_warmup_steps=self.config.num_warmup_steps, schedule=self.config.schedule
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate


def _frozen_copy(policy: Policy) -> Policy:
    model = copy.deepcopy(policy.model)
    model.requires_grad_(False)
    return replace(policy, model=model)
