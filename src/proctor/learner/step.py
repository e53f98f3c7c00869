"""The learner: annotates a batch with what needs no gradient, and takes optimizer steps on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from proctor.algorithms.collection import OnPolicy, Snapshot
from proctor.algorithms.critics import SeparateCritic, ValueHead
from proctor.algorithms.spec import AnyObjective, DistillationObjective, KLInReward, Objective, PreferenceObjective, RewardModelObjective
from proctor.core import RolloutGroup
from proctor.engines.base import rollout_seed
from proctor.errors import LearnerError
from proctor.learner.batch import TokenBatch, Unit, build_batch, micro_batches, rows_of, select, with_advantages
from proctor.learner.config import LearnerConfig, learning_rate_at
from proctor.learner.critic import CriticLearner, make_optimizer, values_behind_truncated
from proctor.learner.losses import SCORE_SQUARE, BatchLoss, DistillationLoss, PolicyForward, PolicyLoss, PreferenceLoss, RewardModelLoss, imitation_pass
from proctor.learner.parallel import Ranks, call, clip_gradients
from proctor.learner.record import TokenRecord
from proctor.learner.statistics import MismatchCheck, UpdateStatistics
from proctor.models.heads import ScalarModel, continued, scalar_copy, sequence_scores
from proctor.models.policy import Policy
from proctor.models.scoring import ForwardPath, Sequences, continuation_logprobs, forward_path
from proctor.objective.kl import adaptive_coefficient, k1
from proctor.objective.values import explained_variance


@dataclass(frozen=True, slots=True)
class LearnerPlan:
    """What the learner is told about the run.

    Attributes:
        learning_rate: at its peak.
        num_steps: of the run.
        temperature: of sampling.
        seed: of the run.
        is_truncated: sampling cannot draw some tokens, so that recorded logprobs are not those of the trained distribution.
        skips_stale: tokens that older weights wrote have an advantage of 0 (partial rollouts).
        samples_policy: the sampler reads the weights as they are trained, so that its logprobs must be the trainer's.
    """

    learning_rate: float
    num_steps: int
    temperature: float
    seed: int
    is_truncated: bool = False
    skips_stale: bool = False
    samples_policy: bool = True


class Learner:
    """Moves the weights of a policy, and of whatever else the objective trains.

    Args:
        policy: trained in place (not by a reward model's objective, which trains a copy with a scalar head).
        config: optimizer and batching.
        plan: what it needs to know of the run.
        objective: decides what is kept beside the policy: a reference, a critic, a snapshot that samples, a reward model.
        teacher: of a distillation objective.
        ranks: this process among those that train together.
    """

    def __init__(
        self, policy: Policy, config: LearnerConfig, plan: LearnerPlan, objective: AnyObjective, *, teacher: Policy | None = None, ranks: Ranks | None = None
    ) -> None:
        self.policy, self.config, self.plan, self.objective = policy, config, plan, objective
        self.ranks = ranks or Ranks()
        self.path: ForwardPath = forward_path(policy)
        self.reference = policy.frozen() if objective.needs_reference and not policy.has_adapters else None
        self.critic, self.value_head, self.reward_model = self._scalar_parts()
        self.snapshot = policy.frozen() if isinstance(objective.source, Snapshot) else None
        restarts = isinstance(objective.source, Snapshot) and objective.source.restarts_from_base
        self._base = {name: value.detach().clone() for name, value in policy.model.state_dict().items()} if restarts else None
        self.kl_coefficient = objective.penalty.beta if isinstance(objective, Objective) and isinstance(objective.penalty, KLInReward) else 0.0
        self.average = [parameter.detach().clone() for parameter in self.parameters] if config.ema_decay is not None else None
        self.optimizer = make_optimizer(self.parameters, plan.learning_rate, config)
        self.record: TokenRecord | None = None  # of the last update
        self.score_statistics = (0.0, 1.0)  # mean and standard deviation of a reward model's scores in the last update
        self._teacher = teacher
        self._teacher_path = None if teacher is None else forward_path(teacher)

    def _scalar_parts(self) -> tuple[CriticLearner | None, nn.Linear | None, ScalarModel | None]:
        objective, seed = self.objective, self.plan.seed
        if isinstance(objective, RewardModelObjective):
            begun = continued(objective.start, self.policy, self.path) if objective.start else scalar_copy(self.policy, self.path, seed=seed, is_zero=False)
            return None, None, begun
        spec = objective.critic if isinstance(objective, Objective) else None
        if isinstance(spec, SeparateCritic):
            return CriticLearner(scalar_copy(self.policy, self.path, seed=seed, is_zero=True), spec, self.config, self.ranks), None, None
        if isinstance(spec, ValueHead):
            if not self.path.has_plain_head:
                raise LearnerError("a value head needs the policy's hidden states, which this architecture's pass does not give; use the separate critic")
            head = nn.Linear(self.policy.causal_model.config.get_text_config().hidden_size, 1, bias=False, device=self.policy.device)
            nn.init.zeros_(head.weight)
            return None, head, None
        return None, None, None

    @property
    def trained(self) -> Policy:
        """What the run is about, and what it saves: the policy, or the reward model's classifier."""
        return self.policy if self.reward_model is None else self.reward_model.policy

    @property
    def behavior(self) -> Policy:
        """The policy that rollouts are sampled from."""
        return self.snapshot or self.policy

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Everything that the main optimizer moves."""
        extra = [] if self.value_head is None else list(self.value_head.parameters())
        return [*self.trained.trainable_parameters, *extra]

    @property
    def forward(self) -> PolicyForward:
        return PolicyForward(self.policy, self.path, self.plan.temperature, self.value_head)

    @property
    def loss(self) -> BatchLoss:
        """The objective's loss over the trained modules."""
        objective = self.objective
        if isinstance(objective, Objective):
            return PolicyLoss(objective, self.forward, self.reference or self.policy, self.plan.skips_stale)
        if isinstance(objective, PreferenceObjective):
            return PreferenceLoss(objective, self.forward)
        if isinstance(objective, DistillationObjective):
            if self._teacher is None or self._teacher_path is None:
                raise LearnerError("a distillation objective needs a teacher policy")
            return DistillationLoss(objective, self.forward, self._teacher, self._teacher_path)
        assert self.reward_model is not None
        return RewardModelLoss(self.reward_model)

    def begin_step(self, step: int) -> None:
        """Do what an objective does between steps: refresh the snapshot, restart from the base, replace the reference, clear Adam's moments."""
        source, every = self.objective.source, self.config.replace_reference_every
        if self.reference is not None and every and step and step % every == 0:
            self.reference.model.load_state_dict(self.policy.model.state_dict())
        if isinstance(source, Snapshot) and source.refresh_every and step and step % source.refresh_every == 0:
            assert self.snapshot is not None
            self.snapshot.model.load_state_dict(self.policy.model.state_dict())
            if self._base is not None:
                self.policy.model.load_state_dict(self._base)
                self.optimizer.state.clear()
        if isinstance(self.objective, Objective) and self.objective.resets_optimizer:
            self.optimizer.state.clear()

    def annotate(self, batch: TokenBatch) -> TokenBatch:
        """Add what the objective needs and takes no gradient: old and reference logprobs, values, KL penalties, advantages.

        Old logprobs are left out for a single update: its own pass starts from the very weights that are the old policy. Before that pass
        a penalty takes the sampler's for them, unless the sampler is another policy.
        """
        objective, everyone = self.objective, range(batch.num_rollouts)
        is_penalised_early = isinstance(objective, Objective) and isinstance(objective.penalty, KLInReward) and not self.plan.samples_policy
        if isinstance(objective, Objective) and (is_penalised_early or not self.config.is_single_update):
            batch = replace(batch, old_logprobs=self._logprobs(self.policy, batch, everyone))
        if objective.needs_ref_logprobs:
            with ExitStack() as stack:
                if self.reference is None:
                    stack.enter_context(self.policy.adapters_disabled())
                batch = replace(batch, ref_logprobs=self._logprobs(self.reference or self.policy, batch, everyone))
        if not isinstance(objective, Objective):
            return batch
        if isinstance(objective.penalty, KLInReward):
            old = batch.behavior_logprobs if batch.old_logprobs is None else batch.old_logprobs
            assert batch.ref_logprobs is not None
            batch = replace(batch, penalties=torch.where(batch.completion_mask, self.kl_coefficient * objective.penalty(old, batch.ref_logprobs), 0.0))
        if self.critic is not None:
            batch = replace(batch, values=self.critic.values(batch))
        elif self.value_head is not None:
            batch = replace(batch, values=self._values(batch))
        if objective.bootstraps_truncated:
            batch = replace(batch, bootstrap_values=self._bootstrap_values(batch))
        batch = with_advantages(batch, objective)
        if self.plan.skips_stale and batch.is_stale is not None and batch.advantages is not None:
            batch = replace(batch, advantages=torch.where(batch.is_stale, 0.0, batch.advantages))
        return batch

    def update(self, batch: TokenBatch, *, step: int) -> dict[str, float]:
        """Take the optimizer steps of one batch.

        Args:
            batch: annotated.
            step: of the run, from 0; fixes the learning rate and the shuffling of minibatches.

        Returns:
            Metrics by name.

        Raises:
            LearnerError: the gradient is not finite, or sampler and trainer disagree.
        """
        statistics, mismatch = UpdateStatistics(), MismatchCheck(is_exact=self.plan.samples_policy and self.policy.compute_dtype is torch.float32)
        self.record = TokenRecord.empty(batch)
        is_comparable = isinstance(self.objective.source, OnPolicy) and not self.plan.is_truncated
        if is_comparable and batch.old_logprobs is not None:
            mismatch.add(batch.behavior_logprobs, batch.old_logprobs, batch.fresh_mask)
        learning_rate = self._set_learning_rate(step)
        is_first, stops_early = True, False
        for epoch in range(self.config.num_epochs):
            before = statistics.total("approx_kl")
            for units in self._minibatches(batch, step, epoch):
                check = mismatch if is_first and is_comparable and batch.old_logprobs is None else None
                self._minibatch(batch, units, step, statistics, check)
                is_first = False
            if self.config.max_approx_kl is not None and _mean_since(before, statistics.total("approx_kl")) > self.config.max_approx_kl:
                stops_early = epoch + 1 < self.config.num_epochs
                break
        self._sum_over_ranks(statistics)
        scores: dict[str, float] = {}
        if self.reward_model is not None and (moments := statistics.moments("score_mean", SCORE_SQUARE)):
            self.score_statistics, scores = moments, {"score_std": moments[1]}
        stopped = {} if self.config.max_approx_kl is None else {"stopped_early": float(stops_early)}
        means = {name: value for name, value in statistics.metrics().items() if name != SCORE_SQUARE}
        return {**means, **mismatch.metrics(), **self._batch_metrics(batch), **scores, **stopped, "learning_rate": learning_rate}

    def _minibatch(self, batch: TokenBatch, units: Sequence[Unit], step: int, statistics: UpdateStatistics, check: MismatchCheck | None) -> None:
        """One update of the critic, where there is one, and one of the policy, unless the critic is still being pre-trained."""
        if self.critic is not None:
            self.critic.step(batch, rows_of(units), factor=self._schedule(step), statistics=statistics)
            if step < self.critic.spec.num_pretraining_steps:
                return
        self._optimizer_step(batch, units, statistics, check)

    def _optimizer_step(self, batch: TokenBatch, units: Sequence[Unit], statistics: UpdateStatistics, mismatch: MismatchCheck | None) -> None:
        """Accumulate the gradient of one minibatch and move the weights; a minibatch without a gradient moves nothing."""
        loss = self.loss
        learning = [unit for unit in units if loss.has_gradient(batch, unit)]
        statistics.skipped(num_skipped=len(units) - len(learning), num_rows=len(units))
        if not learning:
            return
        weights = loss.weights(batch, units)
        self.optimizer.zero_grad(set_to_none=True)
        for part, scale in self.ranks.share(self._micro_batches(batch, learning)):
            done = call(self.trained, loss.run, batch, part, weights)
            (done.loss * scale).backward()
            if not scale:
                continue
            rows = rows_of(part)
            statistics.add(done.loss, done.values, done.count, num_tokens=int(batch.completion_mask[rows].sum()))
            if self.record is not None:
                self.record.add(rows, done)
            if mismatch is not None and done.logprobs is not None:
                width = done.logprobs.shape[1]
                mismatch.add(batch.behavior_logprobs[rows, :width], done.logprobs.cpu(), batch.fresh_mask[rows, :width])
        self._imitate(batch.pretraining, statistics)
        self._move(statistics)

    def _imitate(self, sequences: Sequences | None, statistics: UpdateStatistics) -> None:
        """Add the gradient of pre-training text (ptx)."""
        weight = self.objective.pretraining_weight if isinstance(self.objective, Objective) else 0.0
        if sequences is None or not weight:
            return
        units = [[row] for row in range(len(sequences.continuations))]
        runs = micro_batches(sequences, units, max_tokens=self.config.micro_batch_tokens, is_packed=self.path.is_packed)
        for run, scale in self.ranks.share(runs):
            done = call(self.policy, lambda rows: imitation_pass(self.forward, sequences, rows, weight=weight), rows_of(run))
            (done.loss * scale).backward()
            if scale:
                statistics.add(torch.zeros(()), done.values, done.count, num_tokens=0)

    def _move(self, statistics: UpdateStatistics) -> None:
        self.ranks.average_unsharded(self.parameters)
        norm = clip_gradients(self.parameters, self.config.max_grad_norm)
        if not torch.isfinite(norm):
            raise LearnerError(
                f"the gradient norm is {norm.item()}: no weights were changed. Lower learning_rate, or run with learner compute in float32 to find the cause"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        statistics.grad_norms.append(float(norm))
        if self.average is not None and self.config.ema_decay is not None:
            with torch.no_grad():
                for average, parameter in zip(self.average, self.parameters, strict=True):
                    average.lerp_(parameter, 1 - self.config.ema_decay)

    def _batch_metrics(self, batch: TokenBatch) -> dict[str, float]:
        """What the whole batch says of the objective; steers the KL coefficient."""
        found: dict[str, float] = {}
        mask = batch.completion_mask
        if batch.values is not None and batch.returns is not None:
            found["explained_variance"] = float(explained_variance(batch.values, batch.returns, mask))
        if batch.advantages is not None:
            kept = (batch.advantages != 0).any(-1)
            found |= {"advantage_abs_mean": float(batch.advantages[mask].abs().mean()), "learning_fraction": float(kept.float().mean())}
        if batch.greedy_rewards is not None:
            found["greedy_reward_mean"] = float(batch.greedy_rewards.mean())
        if any(batch.step_rewards):
            values = [value for row in batch.step_rewards for value in row]
            found |= {"step_reward_mean": sum(values) / len(values), "num_steps_mean": len(values) / len(batch.step_rewards)}
        if batch.penalties is not None and batch.ref_logprobs is not None:
            found |= self._penalty_metrics(batch, batch.penalties, batch.ref_logprobs)
        return found

    def _penalty_metrics(self, batch: TokenBatch, penalties: Tensor, reference: Tensor) -> dict[str, float]:
        old = batch.behavior_logprobs if batch.old_logprobs is None else batch.old_logprobs
        per_rollout = float(torch.where(batch.completion_mask, k1(old, reference), 0).sum(-1).mean())
        found = {"kl_coefficient": self.kl_coefficient, "kl_per_rollout": per_rollout, "non_score_reward": -float(penalties.sum(-1).mean())}
        penalty = self.objective.penalty if isinstance(self.objective, Objective) else None
        if isinstance(penalty, KLInReward) and penalty.target is not None:
            self.kl_coefficient = adaptive_coefficient(
                self.kl_coefficient, per_rollout, target=penalty.target, horizon=penalty.horizon, num_rollouts=batch.num_rollouts
            )
        return found

    def _sum_over_ranks(self, statistics: UpdateStatistics) -> None:
        if self.ranks.size > 1:
            statistics.merge(self.ranks)

    @torch.no_grad()
    def ranking_accuracy(self, group: RolloutGroup) -> float | None:
        """The fraction of a group's pairs that the reward model orders as their rewards do; None where all earned the same."""
        assert self.reward_model is not None
        if group.is_unanimous:
            return None
        batch = build_batch([group])
        scores = sequence_scores(self.reward_model, batch.sequences).cpu()
        better = batch.rewards[:, None] > batch.rewards[None, :]
        return float((scores[:, None] > scores[None, :])[better].float().mean())

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """The moving average in the place of the weights, where one is kept: what is evaluated and saved at the end."""
        if self.average is None:
            yield
            return
        current = [parameter.detach().clone() for parameter in self.parameters]
        try:
            self._set(self.average)
            yield
        finally:
            self._set(current)

    @torch.no_grad()
    def _set(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)

    @torch.no_grad()
    def _logprobs(self, policy: Policy, batch: TokenBatch, rows: Sequence[int]) -> Tensor:
        """Logprobs of rows, [R, L], without a gradient."""

        def logprobs(sequences: Sequences) -> Tensor:
            return continuation_logprobs(policy, sequences, temperature=self.plan.temperature, path=self.path)[0]

        return self._in_parts(policy, batch, rows, logprobs)

    @torch.no_grad()
    def _values(self, batch: TokenBatch) -> Tensor:
        return torch.where(batch.completion_mask, self._in_parts(self.policy, batch, range(batch.num_rollouts), self.forward.values), 0.0)

    def _bootstrap_values(self, batch: TokenBatch) -> Tensor:
        if self.critic is not None:
            return self.critic.bootstrap_values(batch)
        return values_behind_truncated(batch, self.policy, self.forward.values, self.config, self.path)

    def _in_parts(self, policy: Policy, batch: TokenBatch, rows: Sequence[int], compute: Any) -> Tensor:
        result = torch.zeros(batch.behavior_logprobs.shape)
        for part in self._micro_batches(batch, [[row] for row in rows]):
            sequences = select(batch.sequences, rows_of(part))
            result[rows_of(part), : sequences.width] = call(policy, compute, sequences).cpu().to(result.dtype)
        return result

    def _micro_batches(self, batch: TokenBatch, units: Sequence[Unit]) -> list[list[Unit]]:
        return micro_batches(batch.sequences, units, max_tokens=self.config.micro_batch_tokens, is_packed=self.path.is_packed)

    def _minibatches(self, batch: TokenBatch, step: int, epoch: int) -> Iterator[list[Unit]]:
        """Units of each optimizer update of an epoch: shuffled, every unit once."""
        units = self.loss.units(batch)
        if self.config.num_minibatches == 1:
            yield units
            return
        draw = torch.Generator().manual_seed(rollout_seed("minibatches", self.plan.seed, step, epoch) >> 1)
        order = torch.randperm(len(units), generator=draw)
        yield from ([units[index] for index in sorted(part.tolist())] for part in order.tensor_split(self.config.num_minibatches) if len(part))

    def _schedule(self, step: int) -> float:
        """Factor of the learning rates at a step."""
        config = self.config
        return learning_rate_at(step, peak=1.0, num_steps=self.plan.num_steps, num_warmup_steps=config.num_warmup_steps, schedule=config.schedule)

    def _set_learning_rate(self, step: int) -> float:
        rate = self.plan.learning_rate * self._schedule(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate


def _mean_since(before: tuple[float, int], after: tuple[float, int]) -> float:
    count = after[1] - before[1]
    return (after[0] - before[0]) / count if count else 0.0
