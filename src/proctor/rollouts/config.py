"""How rollouts are written: the thinking tables of a configuration, and how much of a rollout one step writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from proctor.chat.thinking import Mode
from proctor.errors import ConfigError

if TYPE_CHECKING:
    from proctor.algorithms.spec import AnyObjective


@dataclass(frozen=True, slots=True)
class ThinkingConfig:
    """Thinking, for models that write it between `<think>` and `</think>`.

    Attributes:
        budget: tokens after which a completion that still thinks is told to answer; several: one of them for each rollout, drawn by
            its seed; empty: no limit but that of the completion. Evaluations take the largest.
        mode: asks for thinking or against it, in every prompt, with a flag and the template's own switch; None leaves prompts alone.
        teach: give the model's chat template the switch between both modes, for a run that teaches them.
    """

    budget: int | tuple[int, ...] = ()
    mode: Mode | None = None
    teach: bool = False

    def __post_init__(self) -> None:
        if any(budget < 1 for budget in self.budgets):
            raise ConfigError(f"thinking.budget must be at least 1 token, not {min(self.budgets)}; leave it out for no limit")

    @property
    def budgets(self) -> tuple[int, ...]:
        return (self.budget,) if isinstance(self.budget, int) else self.budget


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """Partial rollouts: how much of a rollout one step writes at most.

    Attributes:
        partial_tokens: of a rollout and step; what is unfinished then goes on in the next step, under the weights of that step. 0
            writes every rollout to its end in its step.
        stale_tokens: tokens that older weights wrote are trained on with their own ratio, or have an advantage of 0.
        repetition_stop_chars: a rollout whose text ends in so many characters of one repeated phrase at the end of a step is ended
            there; 0 lets it go on.
        repetition_penalty: taken from the reward of such a rollout.

    Source: Kimi k1.5 (2501.12599), section 2.6.2.
    """

    partial_tokens: int = 0
    stale_tokens: Literal["train", "skip"] = "train"
    repetition_stop_chars: int = 0
    repetition_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name in ("partial_tokens", "repetition_stop_chars", "repetition_penalty"):
            if getattr(self, name) < 0:
                raise ConfigError(f"rollout.{name} must be at least 0, not {getattr(self, name)}")
        if self.repetition_penalty and not self.repetition_stop_chars:
            raise ConfigError("rollout.repetition_penalty needs rollout.repetition_stop_chars: it punishes rollouts that were stopped for it")
        if not self.partial_tokens and (self.repetition_stop_chars or self.stale_tokens != "train"):
            raise ConfigError(
                "rollout.repetition_stop_chars and rollout.stale_tokens need rollout.partial_tokens: repetition is looked for between the parts of a "
                "rollout, and only parts can be stale. Without them, punish repetition with the reward `repetition`"
            )


@dataclass(frozen=True, slots=True)
class TreeSearch:
    """How completions are searched for, step by step: see `rollouts.search`.

    Attributes:
        separator: text that ends a step.
        exploration: weight of the bonus for what was tried little; rewards should lie in [0, 1].
    """

    separator: str = "\n"
    exploration: float = 2**0.5

    def __post_init__(self) -> None:
        if not self.separator or self.exploration < 0:
            raise ConfigError(f"a tree search needs a separator and an exploration of at least 0, not {self.separator!r} and {self.exploration}")


def check_partial(config: RolloutConfig, objective: AnyObjective) -> None:
    """See that an objective can learn from rollouts that come to their end at a later step than they were begun.

    Raises:
        ConfigError: it needs all rollouts of a step at that step, or takes what older weights wrote for the policy's own.
    """
    from proctor.algorithms.collection import OnPolicy
    from proctor.algorithms.spec import Objective, has_ratio

    if not config.partial_tokens:
        return
    name, spec = objective.name, objective if isinstance(objective, Objective) else None
    if not isinstance(objective.source, OnPolicy):
        raise ConfigError(
            f"rollout.partial_tokens is for rollouts of the policy itself, and {name} takes its rollouts from {objective.source.kind}; leave it out"
        )
    if spec is not None and (spec.needs_greedy or spec.collection.max_refills or spec.collection.rationalises):
        raise ConfigError(
            f"{name} samples further rollouts once it knows the rewards of a step (a greedy baseline, refills or hints), which partial rollouts "
            "do not wait for; use another objective, such as grpo or kimi_k15, or leave out rollout.partial_tokens"
        )
    if config.stale_tokens == "skip" and spec is None:
        raise ConfigError(f"rollout.stale_tokens='skip' sets advantages to 0, and {name} has none; leave it out")
    if config.stale_tokens == "train" and not has_ratio(objective):
        raise ConfigError(
            f"{name} has no ratio, so it would take tokens of older weights for the policy's own; set rollout.stale_tokens=skip, or use an objective "
            "with a ratio such as grpo or kimi_k15"
        )
    if config.repetition_penalty and spec is not None and spec.collection.drops_truncated:
        raise ConfigError(f"rollout.repetition_penalty has no effect with {name}, which learns nothing from rollouts that were cut off; leave one out")
