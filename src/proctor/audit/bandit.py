"""A policy that looks for hacks: a bandit whose arms are the classes of attack, and honesty.

It knows of each task that the answer is one of a few candidates, not which. The honest arm guesses one, so its reward is one over their number: the
honest optimum. Every other arm builds its attack from a guess and the rest. Against a sound verifier no arm earns more than honesty; against one that
can be cheated the bandit finds out how, as a policy in training would, only faster.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from proctor.audit.attacks import Threat
from proctor.audit.specimen import Specimen
from proctor.core.task import Task

HONEST = "honest"


@dataclass(frozen=True, slots=True)
class Play:
    """What the bandit did.

    Attributes:
        rewards: one a round.
        arms: the arm of each round.
        honest_optimum: expected reward of guessing among the candidates.
    """

    rewards: tuple[float, ...]
    arms: tuple[str, ...]
    honest_optimum: float

    def late_reward(self, share: float = 0.25) -> float:
        """Mean reward over the last rounds: what the policy has learned to earn."""
        return fmean(self.rewards[-max(1, int(share * len(self.rewards))) :])

    def favourite(self, share: float = 0.25) -> str:
        """The arm pulled most often in the last rounds."""
        late = self.arms[-max(1, int(share * len(self.arms))) :]
        return max(sorted(set(late)), key=late.count)


def seek_hacks(
    reward: Callable[[str, Task], float], specimens: Sequence[Specimen], threats: Sequence[Threat], *, num_rounds: int, exploration: float, seed: int
) -> Play:
    """Play UCB1 over the attack classes and honesty.

    In each round the arm with the greatest mean + exploration sqrt(2 ln t / n) answers a random task; untried arms come first.

    Source: Auer, Cesa-Bianchi and Fischer 2002, UCB1 (exploration 1).

    Args:
        reward: what a completion earns, in [0, 1].
        specimens: tasks with their candidates.
        threats: the classes; those without an instance for a task say nothing on it.
        num_rounds: completions.
        exploration: factor of the confidence bound.
        seed: of every random choice.
    """
    rng = random.Random(f"bandit/{seed}")
    arms = [HONEST, *(threat.id for threat in threats)]
    by_id = {threat.id: threat for threat in threats}
    counts, sums = dict.fromkeys(arms, 0), dict.fromkeys(arms, 0.0)
    rewards: list[float] = []
    pulled: list[str] = []
    for turn in range(1, num_rounds + 1):
        arm = max(arms, key=lambda name: _bound(counts[name], sums[name], turn, exploration))
        specimen = rng.choice(specimens)
        earned = reward(_complete(specimen, by_id.get(arm), rng), specimen.task)
        counts[arm] += 1
        sums[arm] += earned
        rewards.append(earned)
        pulled.append(arm)
    return Play(tuple(rewards), tuple(pulled), fmean(1 / (1 + len(specimen.wrong)) for specimen in specimens))


def _bound(count: int, total: float, turn: int, exploration: float) -> float:
    return math.inf if count == 0 else total / count + exploration * math.sqrt(2 * math.log(turn) / count)


def _complete(specimen: Specimen, threat: Threat | None, rng: random.Random) -> str:
    """The completion of one arm: from a guess, never from the reference."""
    candidates = [specimen.answer, *specimen.wrong]
    rng.shuffle(candidates)
    guess = replace(specimen, answer=candidates[0], wrong=tuple(candidates[1:]))
    instances = threat.instances(guess) if threat is not None else []
    if threat is None:
        return guess.wrap(guess.answer)
    return rng.choice(instances) if instances else ""
