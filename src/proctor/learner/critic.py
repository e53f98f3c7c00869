"""A critic with weights and an optimizer of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from proctor.algorithms.critics import SeparateCritic
from proctor.learner.batch import TokenBatch, micro_batches, rows_of, select
from proctor.learner.config import LearnerConfig
from proctor.learner.losses import value_loss
from proctor.learner.parallel import Ranks, call, clip_gradients
from proctor.learner.statistics import UpdateStatistics
from proctor.models.heads import ScalarModel, behind_last, token_values
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences
from proctor.objective.aggregation import token_mean
from proctor.objective.diagnostics import masked_mean


class CriticLearner:
    """Fits values to returns.

    Args:
        model: backbone and head.
        spec: learning rate and clip.
        config: batching, betas and clipping of gradients, shared with the policy.
        ranks: this process among those that train together.
    """

    def __init__(self, model: ScalarModel, spec: SeparateCritic, config: LearnerConfig, ranks: Ranks) -> None:
        self.model, self.spec, self.config, self.ranks = model, spec, config, ranks
        self.optimizer = make_optimizer(self.parameters, spec.learning_rate, config)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        return list(self.model.policy.model.parameters())

    @torch.no_grad()
    def values(self, batch: TokenBatch) -> Tensor:
        """[R, L] of every rollout, without a gradient."""
        result = torch.zeros(batch.completion_mask.shape)
        for part in self._parts(batch, range(batch.num_rollouts)):
            sequences = select(batch.sequences, part)
            result[part, : sequences.width] = call(self.model.policy, token_values, self.model, sequences).cpu().to(result.dtype)
        return torch.where(batch.completion_mask, result, 0.0)

    def bootstrap_values(self, batch: TokenBatch) -> Tensor:
        """[R] behind the last token of truncated rollouts, 0 for finished ones."""
        return values_behind_truncated(batch, self.model.policy, lambda longer: token_values(self.model, longer), self.config, self.model.path)

    def step(self, batch: TokenBatch, rows: Sequence[int], *, factor: float, statistics: UpdateStatistics) -> None:
        """One optimizer step on the mean over tokens of the value loss.

        Args:
            batch: with values and returns.
            rows: of the minibatch.
            factor: of the learning rate, by the schedule.
            statistics: told the loss.
        """
        assert batch.values is not None
        assert batch.returns is not None
        weights = torch.zeros(batch.completion_mask.shape)
        weights[list(rows)] = token_mean(batch.completion_mask[list(rows)])
        for group in self.optimizer.param_groups:
            group["lr"] = self.spec.learning_rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        for part, scale in self.ranks.share(self._parts(batch, rows)):
            sequences = select(batch.sequences, part)
            values = call(self.model.policy, token_values, self.model, sequences)
            old, returns, mask, weight = (
                tensor[part, : sequences.width].to(values.device) for tensor in (batch.values, batch.returns, batch.completion_mask, weights)
            )
            per_token = value_loss(values, old, returns, clip=self.spec.clip)
            (torch.where(mask, per_token, 0).mul(weight).sum() * scale).backward()
            if scale:
                statistics.add(torch.zeros(()), {"value_loss": masked_mean(per_token.detach(), mask)}, int(mask.sum()), num_tokens=0)
        self.ranks.average_unsharded(self.parameters)
        clip_gradients(self.parameters, self.config.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _parts(self, batch: TokenBatch, rows: Sequence[int]) -> list[list[int]]:
        units = [[row] for row in rows]
        runs = micro_batches(batch.sequences, units, max_tokens=self.config.micro_batch_tokens, is_packed=self.model.path.is_packed)
        return [rows_of(run) for run in runs]


@torch.no_grad()
def values_behind_truncated(batch: TokenBatch, policy: Policy, values: Callable[[Sequences], Tensor], config: LearnerConfig, path: ForwardPath) -> Tensor:
    """[R] value of the state in which a truncated rollout was cut; 0 for finished ones, whose episodes are over.

    Args:
        batch: whose `is_truncated` says which.
        policy: what computes the values.
        values: [R, L] before each token of some sequences.
        config: its `micro_batch_tokens` bounds memory.
        path: of the passes.
    """
    result = torch.zeros(batch.num_rollouts)
    units = [[row] for row in batch.is_truncated.nonzero()[:, 0].tolist()]
    for run in micro_batches(batch.sequences, units, max_tokens=config.micro_batch_tokens, is_packed=path.is_packed):
        result[rows_of(run)] = call(policy, behind_last, values, select(batch.sequences, rows_of(run))).cpu().to(result.dtype)
    return result


def make_optimizer(parameters: Sequence[torch.nn.Parameter], learning_rate: float, config: LearnerConfig) -> torch.optim.AdamW:
    """AdamW as configured."""
    return torch.optim.AdamW(list(parameters), lr=learning_rate, betas=config.betas, eps=config.adam_epsilon, weight_decay=config.weight_decay, fused=True)
