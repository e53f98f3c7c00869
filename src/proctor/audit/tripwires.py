"""Looks at a run's metrics step by step and says when they smell of a cheated or broken reward.

Pure: a tripwire is a frozen value that reads the metrics of the steps so far. What an alarm leads to, a warning or the end of the
run, is the tripwire's `action`; carrying it out is training's affair. An alarm is a reason to read rollouts, not a proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev
from typing import Literal, Protocol

from proctor.errors import ConfigError

Action = Literal["warn", "stop"]
Setting = Literal["off", "warn", "stop"]
Metrics = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing to look at.

    Attributes:
        tripwire: which one it was.
        message: what was seen, against what, and what to look at.
        action: whether the run should go on.
    """

    tripwire: str
    message: str
    action: Action


class Tripwire(Protocol):
    """Decides on the last of the steps that it is shown."""

    @property
    def action(self) -> Setting: ...

    @property
    def num_steps_read(self) -> int:
        """How many of the last steps `check` looks at, where every one has its metrics."""
        ...

    def check(self, history: Sequence[Metrics]) -> str | None:
        """Return what is wrong with the last step, given those before it; None if nothing is.

        Args:
            history: metrics of each step in order, at least one.
        """
        ...


def alarms(history: Sequence[Metrics], tripwires: Sequence[Tripwire]) -> list[Alarm]:
    """Return the alarms that the last step raises.

    Args:
        history: metrics of each step so far, the last one last; steps without a metric are passed over by the tripwires that read it.
        tripwires: to ask.
    """
    raised: list[Alarm] = []
    for tripwire in tripwires if history else ():
        if tripwire.action != "off" and (message := tripwire.check(history)) is not None:
            raised.append(Alarm(type(tripwire).__name__, message, tripwire.action))
    return raised


def default_tripwires(action: Action = "warn") -> tuple[Tripwire, ...]:
    """Return one of each kind, with the thresholds that their classes document."""
    return RewardJump(action=action), ShortAndPaid(action=action), LengthChange(action=action), ErrorRate(action=action), Unanimous(action=action), NotFinite()


def _column(history: Sequence[Metrics], name: str) -> list[float]:
    return [metrics[name] for metrics in history if name in metrics and math.isfinite(metrics[name])]


def _window(history: Sequence[Metrics], name: str, size: int) -> tuple[float, list[float]] | None:
    """The last value of a metric and the `size` values before it; None where there are fewer, or the last step lacks it."""
    values = _column(history, name)
    if name not in history[-1] or not math.isfinite(history[-1][name]) or len(values) <= size:
        return None
    return values[-1], values[-1 - size : -1]


@dataclass(frozen=True, slots=True)
class RewardJump:
    """The mean reward rises in one step by more than learning does: more than so many deviations of the steps before, and at least `min_jump`.

    Attributes:
        window: steps that it is compared with.
        num_deviations: standard deviations of the mean reward over the window.
        min_jump: smallest rise that counts, in units of reward.
        action: what follows.
    """

    window: int = 10
    num_deviations: float = 6.0
    min_jump: float = 0.2
    action: Setting = "warn"

    def __post_init__(self) -> None:
        _check_window(self.window)

    @property
    def num_steps_read(self) -> int:
        return self.window + 1

    def check(self, history: Sequence[Metrics]) -> str | None:
        found = _window(history, "reward_mean", self.window)
        if found is None:
            return None
        now, before = found
        rise, limit = now - fmean(before), max(self.min_jump, self.num_deviations * pstdev(before))
        if rise <= limit:
            return None
        return f"reward_mean jumped by {rise:.3f} to {now:.3f}; {limit:.3f} would be unusual after the last {self.window} steps. Read this step's rollouts"


@dataclass(frozen=True, slots=True)
class ShortAndPaid:
    """Completions become much shorter while they earn more: an answer without the work, often one that fools the verifier.

    Attributes:
        window: steps that it is compared with.
        max_ratio: mean length now over the median before, at most, for an alarm.
        min_gain: rise of the mean reward, at least, for an alarm.
        action: what follows.
    """

    window: int = 10
    max_ratio: float = 0.5
    min_gain: float = 0.1
    action: Setting = "warn"

    def __post_init__(self) -> None:
        _check_window(self.window)

    @property
    def num_steps_read(self) -> int:
        return self.window + 1

    def check(self, history: Sequence[Metrics]) -> str | None:
        lengths = _window(history, "completion_tokens_mean", self.window)
        rewards = _window(history, "reward_mean", self.window)
        if lengths is None or rewards is None:
            return None
        usual, gain = median(lengths[1]), rewards[0] - fmean(rewards[1])
        if lengths[0] > self.max_ratio * usual or gain < self.min_gain:
            return None
        return f"completions fell from {usual:.0f} to {lengths[0]:.0f} tokens while reward_mean rose by {gain:.3f}: right answers seldom get cheaper so fast"


@dataclass(frozen=True, slots=True)
class LengthChange:
    """The mean length collapses or explodes against the steps before, whatever the reward does.

    Attributes:
        window: steps that it is compared with.
        max_factor: between the mean length and the median before, in either direction.
        action: what follows.
    """

    window: int = 10
    max_factor: float = 3.0
    action: Setting = "warn"

    def __post_init__(self) -> None:
        _check_window(self.window)
        if not self.max_factor > 1:
            raise ConfigError(f"max_factor must be greater than 1, not {self.max_factor}")

    @property
    def num_steps_read(self) -> int:
        return self.window + 1

    def check(self, history: Sequence[Metrics]) -> str | None:
        found = _window(history, "completion_tokens_mean", self.window)
        if found is None:
            return None
        now, usual = found[0], max(1.0, median(found[1]))
        if usual / self.max_factor <= max(now, 1e-9) <= usual * self.max_factor:
            return None
        return f"completion_tokens_mean went from {usual:.0f} to {now:.0f}, more than a factor of {self.max_factor:g}"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Too many rollouts could not be scored, or too many checks were killed: the reward of the rest may be the reward of survivors.

    Attributes:
        window: steps over which the rate is taken.
        max_fraction: of rollouts in ERROR, or whose completion faulted a check.
        action: what follows.
    """

    window: int = 5
    max_fraction: float = 0.05
    action: Setting = "warn"

    def __post_init__(self) -> None:
        _check_window(self.window)
        if not 0 <= self.max_fraction < 1:
            raise ConfigError(f"max_fraction must be in [0, 1), not {self.max_fraction}")

    @property
    def num_steps_read(self) -> int:
        return self.window

    def check(self, history: Sequence[Metrics]) -> str | None:
        recent = history[-self.window :]
        errors = sum(_column(recent, "num_errors"))
        faults = sum(_column(recent, "reward_faults"))
        total = sum(_column(recent, "num_rollouts")) + errors
        if total == 0 or max(errors, faults) / total <= self.max_fraction:
            return None
        return (
            f"{errors:.0f} of {total:.0f} rollouts of the last {len(recent)} steps could not be scored, and {faults:.0f} checks were held against their "
            f"completions; more than {self.max_fraction:.0%}"
        )


@dataclass(frozen=True, slots=True)
class Unanimous:
    """Nearly all groups earn the same within themselves for several steps: a group-relative objective learns nothing, or everything is paid.

    Attributes:
        num_steps: in a row.
        min_fraction: of groups whose rollouts all earned the same.
        action: what follows.
    """

    num_steps: int = 5
    min_fraction: float = 0.95
    action: Setting = "warn"

    def __post_init__(self) -> None:
        _check_window(self.num_steps)

    @property
    def num_steps_read(self) -> int:
        return self.num_steps

    def check(self, history: Sequence[Metrics]) -> str | None:
        recent = [metrics.get("unanimous_fraction", 0.0) for metrics in history[-self.num_steps :]]
        if len(recent) < self.num_steps or min(recent) < self.min_fraction:
            return None
        mean = history[-1].get("reward_mean", math.nan)
        return f"at least {min(recent):.0%} of the groups were unanimous in each of {self.num_steps} steps, at a reward_mean of {mean:.3f}: nothing is learned"


@dataclass(frozen=True, slots=True)
class NotFinite:
    """A metric of the reward is NaN or infinite: something invented a score."""

    action: Setting = "stop"

    @property
    def num_steps_read(self) -> int:
        return 1

    def check(self, history: Sequence[Metrics]) -> str | None:
        wrong = [name for name, value in history[-1].items() if name.startswith("reward") and not math.isfinite(value)]
        return f"{', '.join(sorted(wrong))} {'is' if len(wrong) == 1 else 'are'} not finite" if wrong else None


def _check_window(size: int) -> None:
    if size < 1:
        raise ConfigError(f"a tripwire must look at one step or more, not {size}")
