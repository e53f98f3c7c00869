"""Proctor: reinforcement learning from verifiable rewards for language models.

    import proctor
    policy = proctor.load_policy("smollm2-135m")
    proctor.train(policy, tasks="arithmetic", reward=my_reward)

Names are imported when first used, so that `import proctor` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from proctor.api import train
    from proctor.core import Completion, Message, Outcome, Rollout, RolloutGroup, Score, Task
    from proctor.errors import ProctorError
    from proctor.models.load import load_policy

_HOME = {
    "Completion": "proctor.core",
    "Message": "proctor.core",
    "Outcome": "proctor.core",
    "ProctorError": "proctor.errors",
    "Rollout": "proctor.core",
    "RolloutGroup": "proctor.core",
    "Score": "proctor.core",
    "Task": "proctor.core",
    "load_policy": "proctor.models.load",
    "train": "proctor.api",
}

__all__ = ["Completion", "Message", "Outcome", "ProctorError", "Rollout", "RolloutGroup", "Score", "Task", "load_policy", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'proctor' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
