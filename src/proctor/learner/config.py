"""How weights are moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from proctor.errors import ConfigError
from proctor.models.config import LoraConfig

Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, slots=True)
class LearnerConfig:
    """Optimizer, schedule and batching of the learner.

    Attributes:
        betas: of AdamW.
        adam_epsilon: of AdamW.
        weight_decay: of AdamW, decoupled.
        max_grad_norm: the global gradient norm is clipped there.
        schedule: of the learning rate after warm-up: constant, or linear or cosine to 0 at the last step.
        num_warmup_steps: the learning rate rises linearly over this many steps.
        num_epochs: passes over each batch of rollouts.
        num_minibatches: optimizer updates in one pass; more than one makes the later ones off-policy.
        micro_batch_tokens: tokens computed at once; bounds memory and cannot change the result.
        max_sampler_mismatch: largest difference in nats, averaged over tokens, between the sampler's logprobs and the trainer's under the same
            weights before a warning. In fp32 a single token that differs by more than 1e-4 (or that share of a logprob below -1) is an error.
        max_approx_kl: further epochs over a batch are left out once the mean KL to the old policy over one exceeds it; None never stops.
        ema_decay: keep an exponential moving average of the weights, which is evaluated and saved at the end (InstructGPT: 0.992); None keeps none.
        replace_reference_every: the reference becomes the policy as it is after so many steps (R1-Zero: 400); 0 keeps the first one.
        lora: train adapters instead of all weights.
    """

    betas: tuple[float, float] = (0.9, 0.95)
    adam_epsilon: float = 1e-8
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    schedule: Schedule = "constant"
    num_warmup_steps: int = 0
    num_epochs: int = 1
    num_minibatches: int = 1
    micro_batch_tokens: int = 2048
    max_sampler_mismatch: float = 0.1
    max_approx_kl: float | None = None
    ema_decay: float | None = None
    replace_reference_every: int = 0
    lora: LoraConfig | None = None

    def __post_init__(self) -> None:
        for name, minimum in (("num_epochs", 1), ("num_minibatches", 1), ("micro_batch_tokens", 1), ("num_warmup_steps", 0), ("replace_reference_every", 0)):
            if getattr(self, name) < minimum:
                raise ConfigError(f"learner.{name} must be at least {minimum}, not {getattr(self, name)}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"learner.betas must both be in [0, 1), not {self.betas}")
        if self.weight_decay < 0:
            raise ConfigError(f"learner.weight_decay must be at least 0, not {self.weight_decay}")
        if self.adam_epsilon <= 0:
            raise ConfigError(f"learner.adam_epsilon must be greater than 0, not {self.adam_epsilon}")
        if self.max_approx_kl is not None and not self.max_approx_kl > 0:
            raise ConfigError(f"learner.max_approx_kl must be greater than 0, not {self.max_approx_kl}; leave it out to never stop early")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ConfigError(f"learner.ema_decay must be in (0, 1), not {self.ema_decay}; leave it out to keep no average")
        if self.max_grad_norm <= 0:
            raise ConfigError(f"learner.max_grad_norm must be greater than 0, not {self.max_grad_norm}")

    @property
    def is_single_update(self) -> bool:
        """True when a batch is used for one optimizer update, so that the update is exactly on-policy."""
        return self.num_epochs == 1 and self.num_minibatches == 1


def learning_rate_at(step: int, *, peak: float, num_steps: int, num_warmup_steps: int, schedule: Schedule) -> float:
    """Learning rate of step `step`, counted from 0.

    Warm-up rises to `peak` at step `num_warmup_steps`; then the schedule falls to 0 at step `num_steps`, which is never taken.
    """
    if step < num_warmup_steps:
        return peak * (step + 1) / (num_warmup_steps + 1)
    if schedule == "constant":
        return peak
    progress = (step - num_warmup_steps) / max(1, num_steps - num_warmup_steps)
    return peak * (1 - progress) if schedule == "linear" else peak * (1 + math.cos(math.pi * progress)) / 2
