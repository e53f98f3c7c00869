"""What the experiments share: the scratch-pad additions, and one size for every run of reinforcement learning."""

from __future__ import annotations

from typing import Any

from proctor.config import RewardConfig
from proctor.lab.experiments.records import Arm
from proctor.learner.config import LearnerConfig
from proctor.recipes import scratchpad
from proctor.training.stages.records import Probe, Stage, Train

NUM_STEPS = 30
ACCURACY = (RewardConfig("equations", name="accuracy"),)
_PRETRAINING_STEPS = {"plain": 130, "bilingual": 240}
_OTHER_PRETRAINING_STEPS = 180
"""Forms that mix several ways of writing take longer: docs/notes/lab-size.md."""
LEARNER: dict[str, Any] = {"micro_batch_tokens": 8192, "num_warmup_steps": 5}


def pretrained(form: str) -> Train:
    """What the base of an experiment is made by: imitation of additions of a form, cut off while it still makes mistakes."""
    return scratchpad.pretraining(form, num_steps=_PRETRAINING_STEPS.get(form, _OTHER_PRETRAINING_STEPS))


def reinforce(base: str, algorithm: str, *, learner: dict[str, Any] | None = None, **changes: Any) -> Train:
    """A run of reinforcement learning: 64 tasks x 8 rollouts a step, learning rate 3e-4 unless an arm says otherwise.

    With 16 tasks a step most of each step is noise: docs/notes/lab-size.md.
    """
    settings: dict[str, Any] = {
        "num_steps": NUM_STEPS,
        "prompts_per_step": 64,
        "group_size": 8,
        "learning_rate": 3e-4,
        "max_completion_tokens": scratchpad.MAX_TOKENS,
        "learner": LearnerConfig(**{**LEARNER, **(learner or {})}),
        **changes,
    }
    rewards = settings.pop("rewards", ACCURACY)
    return scratchpad.reinforcement("rl", base, rewards, algorithm, **settings)


def arm(name: str, algorithm: str, **changes: Any) -> Arm:
    """An arm that is one run of reinforcement learning."""

    def stages(base: str) -> tuple[Stage, ...]:
        return (reinforce(base, algorithm, **changes),)

    return Arm(name, stages)


def accuracy(**changes: Any) -> Probe:
    """Accuracy on 500 held-out additions, sampled as in training."""
    return scratchpad.accuracy_probe(**changes)
