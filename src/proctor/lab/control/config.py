"""How an agent is trained: one dataclass, and the published values for discrete and for continuous actions."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Normalization:
    """Running normalisation of observations and rewards.

    Attributes:
        clip_observations: normalised observations are kept in [-clip, clip].
        clip_rewards: scaled rewards are kept in [-clip, clip].
    """

    clip_observations: float
    clip_rewards: float

    def __post_init__(self) -> None:
        _require_positive(self, ("clip_observations", "clip_rewards"))


@dataclass(frozen=True, slots=True)
class ControlConfig:
    """PPO for control. Numbers in brackets: details of Huang et al. 2022.

    Attributes:
        num_envs: environments stepped side by side [1].
        segment_steps: steps of each between two updates [1].
        num_epochs: passes over a segment.
        num_minibatches: optimizer updates in one pass [6].
        learning_rate: at the start; falls linearly to 0 [4].
        adam_epsilon: of Adam [3].
        gamma: discount a step.
        gae_lambda: of the advantage estimate [5].
        clip: ratio kept in [1 - clip, 1 + clip] [8].
        value_clip: a value moves at most so far from the old one; None for the plain squared error [9].
        value_coefficient: weight of the value loss [10].
        entropy_coefficient: weight of the entropy bonus [10].
        max_grad_norm: the global gradient norm is clipped there [11].
        max_approx_kl: a segment's remaining epochs are left out once KL(old || policy) exceeds it; None for never.
        num_hidden: width of both hidden layers of both networks [26].
        normalization: of observations and rewards; None leaves both as they are [28-31].
        time_limit_is_end: nothing follows where the time limit cuts an episode, as in CleanRL and openai/baselines; otherwise the value of its
            last observation stands for the rest (Pardo et al. 2018).
    """

    num_envs: int
    segment_steps: int
    num_epochs: int
    num_minibatches: int
    learning_rate: float
    adam_epsilon: float
    gamma: float
    gae_lambda: float
    clip: float
    value_clip: float | None
    value_coefficient: float
    entropy_coefficient: float
    max_grad_norm: float
    max_approx_kl: float | None
    num_hidden: int
    normalization: Normalization | None
    time_limit_is_end: bool = False

    def __post_init__(self) -> None:
        for name in ("num_envs", "segment_steps", "num_epochs", "num_minibatches", "num_hidden"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.num_minibatches > self.segment_size:
            raise ConfigError(f"num_minibatches must be at most num_envs * segment_steps = {self.segment_size}, not {self.num_minibatches}")
        _require_positive(self, ("learning_rate", "adam_epsilon", "max_grad_norm"))
        for name in ("gamma", "gae_lambda"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be in [0, 1], not {getattr(self, name)}")
        if not 0 < self.clip < 1:
            raise ConfigError(f"clip must be greater than 0 and less than 1, not {self.clip}")
        for name in ("value_coefficient", "entropy_coefficient"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, not {getattr(self, name)}")
        _require_positive(self, [name for name in ("value_clip", "max_approx_kl") if getattr(self, name) is not None])

    @property
    def segment_size(self) -> int:
        """Transitions of one segment over all environments."""
        return self.num_envs * self.segment_steps


def discrete() -> ControlConfig:
    """The values of CleanRL's `ppo.py`, for classic control; 500,000 steps there."""
    return ControlConfig(
        num_envs=4,
        segment_steps=128,
        num_epochs=4,
        num_minibatches=4,
        learning_rate=2.5e-4,
        adam_epsilon=1e-5,
        gamma=0.99,
        gae_lambda=0.95,
        clip=0.2,
        value_clip=0.2,
        value_coefficient=0.5,
        entropy_coefficient=0.01,
        max_grad_norm=0.5,
        max_approx_kl=None,
        num_hidden=64,
        normalization=None,
    )


def continuous() -> ControlConfig:
    """The values of CleanRL's `ppo_continuous_action.py`, for MuJoCo; 1,000,000 steps there."""
    return ControlConfig(
        num_envs=1,
        segment_steps=2048,
        num_epochs=10,
        num_minibatches=32,
        learning_rate=3e-4,
        adam_epsilon=1e-5,
        gamma=0.99,
        gae_lambda=0.95,
        clip=0.2,
        value_clip=0.2,
        value_coefficient=0.5,
        entropy_coefficient=0.0,
        max_grad_norm=0.5,
        max_approx_kl=None,
        num_hidden=64,
        normalization=Normalization(clip_observations=10.0, clip_rewards=10.0),
    )


def _require_positive(config: ControlConfig | Normalization, names: tuple[str, ...] | list[str]) -> None:
    for name in names:
        if not getattr(config, name) > 0:
            raise ConfigError(f"{name} must be greater than 0, not {getattr(config, name)}")
