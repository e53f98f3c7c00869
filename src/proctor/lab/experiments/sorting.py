"""The exercise of lecture 17: sorting three digits, by rewards of which one can be had without sorting."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from proctor.config import RewardConfig
from proctor.core.task import Task
from proctor.data.config import DataConfig
from proctor.lab.experiments.records import Experiment, Greater, Similar, Values
from proctor.lab.experiments.rollouts import last_groups
from proctor.lab.experiments.settings import accuracy, arm
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.recipes import scratchpad

_LENGTH = 3


def positions(completion: str, task: Task) -> float:
    """Share of the places that hold the right digit."""
    wanted, written = str(task.answer).split(), completion.split()
    return sum(a == b for a, b in zip(wanted, written, strict=False)) / len(wanted)


def inclusion_and_order(completion: str, task: Task) -> float:
    """Digits of the task that occur, and neighbours in order, of 2n - 1. It can be cheated: one digit of the task, repeated, is paid n of them."""
    wanted, written = str(task.answer).split(), completion.split()[: len(str(task.answer).split())]
    included = sum(digit in written for digit in wanted)
    ordered = sum(left <= right for left, right in pairwise(written))
    return (included + ordered) / (2 * len(wanted) - 1)


def _is_constant(text: str) -> bool:
    digits = text.split()
    return len(digits) == _LENGTH and len(set(digits)) == 1


def _shares(run: Path) -> Values:
    """In the last ten steps: completions that repeat one digit, and neighbours that are equal."""
    texts = [text for group in last_groups(run) for text in group.texts]
    return {"constant": sum(map(_is_constant, texts)) / len(texts), "repeats": sum(map(_equal_neighbours, texts)) / len(texts)}


def _equal_neighbours(text: str) -> float:
    digits: Sequence[str] = text.split()
    return sum(left == right for left, right in pairwise(digits)) / max(1, len(digits) - 1)


_DATA = DataConfig(f"sort_digits:length={_LENGTH},form=random", test=f"sort_digits:length={_LENGTH}", max_tasks=700, max_test_tasks=300)
_EXACT = (RewardConfig("exact"),)
_ORDERED = (RewardConfig("proctor.lab.experiments.sorting:inclusion_and_order", name="order"),)
_PLACED = (RewardConfig("proctor.lab.experiments.sorting:positions", name="places"),)
_COMMON = {"data": _DATA, "max_completion_tokens": 8, "num_steps": 60}

SORTING = Experiment(
    name="sorting",
    title="Sorting three digits: does the baseline help, and is the loophole found?",
    paper="Lecture 17: reward 2.33 to 2.67 (of 5) with raw rewards, 3.33 with centred or normalised ones. A constant answer is paid 3 of 5.",
    hypothesis="Centred rewards learn faster than raw ones, normalised like centred. The order reward ends with many repeated digits; the one that counts "
    "places does not, and solves more.",
    base=scratchpad.imitation("pretraining", POCKET_UNTRAINED, _DATA, num_steps=60, learning_rate=1e-3, rewards=_EXACT),
    arms=(
        arm("raw", "reinforce", rewards=_ORDERED, **_COMMON),
        arm("centred", "dr_grpo", rewards=_ORDERED, **_COMMON),
        arm("normalised", "grpo", objective={"beta": 0.0}, rewards=_ORDERED, **_COMMON),
        arm("normalised, places", "grpo", objective={"beta": 0.0}, rewards=_PLACED, **_COMMON),
    ),
    claims=(
        Greater("reward_mean_last", "centred", "raw"),
        Similar("reward_mean_last", "normalised", "centred", 0.05),
        Greater("repeats", "normalised", "normalised, places"),
        Greater("held_out", "normalised, places", "normalised"),
    ),
    probes=(accuracy(data=_DATA, rewards=_EXACT, max_completion_tokens=8, num_tasks=300),),
    measure=_shares,
)

EXPERIMENTS = (SORTING,)
