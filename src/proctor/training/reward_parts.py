"""The reward that a configuration names, in its workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proctor.config import RewardConfig, ScoringConfig
from proctor.errors import ConfigError
from proctor.plugins import load
from proctor.sandbox.base import Limits
from proctor.training.reward_model import REWARD_MODEL, RewardModelScorer
from proctor.verifiers.base import RewardPart, ScorerPart
from proctor.verifiers.names import ALIASES, ENTRY_POINT_GROUP
from proctor.verifiers.rewards import Rewards, as_part


def open_rewards(parts: Sequence[RewardConfig | RewardPart], scoring: ScoringConfig) -> Rewards:
    """The reward that a configuration names, or that a caller hands over, in its workers.

    Raises:
        ConfigError: there is none, a name is unknown, or a function cannot be sent to a worker.
    """
    if not parts:
        raise ConfigError('the configuration names no reward. Add for example --set rewards=number, or [[rewards]] with function = "math" to the file')
    scorers = [_scorer(part) for part in parts if isinstance(part, RewardConfig) and part.function == REWARD_MODEL]
    loaded = load_functions(parts)
    limits = Limits(memory_bytes=scoring.max_memory_bytes)
    return Rewards(loaded, num_workers=scoring.num_workers, timeout_s=scoring.timeout_s, in_process=scoring.in_process, limits=limits, scorers=scorers)


def load_functions(parts: Sequence[RewardConfig | RewardPart]) -> list[RewardPart]:
    """The verifiers and functions among the parts of a reward, loaded; reward models are left out.

    Raises:
        ConfigError: a name is unknown, or its arguments are wrong.
    """
    return [part if isinstance(part, RewardPart) else _load_reward(part) for part in parts if getattr(part, "function", None) != REWARD_MODEL]


def _scorer(entry: RewardConfig) -> ScorerPart:
    try:
        scorer = RewardModelScorer(**entry.arguments)
    except TypeError:
        raise ConfigError(f'the reward {REWARD_MODEL!r} needs arguments = {{path = "runs/..."}}: the run that trained it') from None
    return ScorerPart(entry.name or REWARD_MODEL, scorer, entry.weight)


def _load_reward(entry: RewardConfig) -> RewardPart:
    loaded = load(entry.function, kind="reward", aliases=ALIASES, group=ENTRY_POINT_GROUP)
    return as_part(_instance(loaded, entry), name=entry.name or entry.function.rpartition(":")[2], weight=entry.weight)


def _instance(loaded: Any, entry: RewardConfig) -> Any:
    """What an alias or a class makes of the arguments; a function as it is."""
    if entry.function not in ALIASES and not isinstance(loaded, type):
        if entry.arguments:
            raise ConfigError(
                f"the reward {entry.function!r} is a function, so it takes no arguments from the configuration; given: {', '.join(entry.arguments)}"
            )
        return loaded
    try:
        return loaded(**entry.arguments)
    except TypeError as error:
        raise ConfigError(f"arguments of the reward {entry.function!r}: {error}") from error
