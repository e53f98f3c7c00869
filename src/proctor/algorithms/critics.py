"""Critics as values, and the lambda that follows the length of a rollout. Plain records, free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LengthAdaptive:
    """λ = 1 − 1/(α |o|) for the policy, by rollout (VAPO)."""

    alpha: float
    kind: Literal["length_adaptive"] = "length_adaptive"


@dataclass(frozen=True, slots=True)
class ValueHead:
    """A value head on the policy's own backbone, trained in the same backward pass.

    Attributes:
        weight: of the value loss beside the policy's.
        clip: range in which a value may move in one update; None does not clip.
    """

    weight: float
    clip: float | None
    kind: Literal["value_head"] = "value_head"


@dataclass(frozen=True, slots=True)
class SeparateCritic:
    """A critic with weights and an optimizer of its own, begun as a copy of the policy's backbone with a zero head.

    Attributes:
        learning_rate: of its AdamW.
        clip: range in which a value may move in one update; None does not clip.
        num_pretraining_steps: the first steps train the critic alone (VAPO's value pre-training).
    """

    learning_rate: float
    clip: float | None
    num_pretraining_steps: int = 0
    kind: Literal["separate_critic"] = "separate_critic"


Critic = ValueHead | SeparateCritic
