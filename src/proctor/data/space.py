"""Spaces of problems: independent choices, and a pure function from one choice of each to a problem.

Every problem of a space has a number, so tasks are drawn without repetition, a space that is too small gives just the problems it
has, and held-out tasks are disjoint from training tasks by construction.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proctor.errors import ConfigError

_MAX_SHUFFLED = 100_000  # above this size problems are drawn one by one: a shuffle would list the whole space


@dataclass(frozen=True, slots=True)
class Problem:
    """What one choice becomes.

    Attributes:
        prompt: what the model reads; different for every choice.
        answer: the exact answer, as text.
        info: the parameters of this problem.
    """

    prompt: str
    answer: str
    info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """All the problems of one difficulty.

    Attributes:
        choices: what is chosen from, one sequence per choice.
        build: pure function from one element of each to a problem; different elements give different prompts.
        difficulty: a number that grows with the difficulty, comparable within one generator.
    """

    choices: tuple[Sequence[Any], ...]
    build: Callable[..., Problem]
    difficulty: float

    @property
    def size(self) -> int:
        """How many problems there are."""
        return math.prod(len(options) for options in self.choices)

    def problem(self, number: int) -> Problem:
        """Problem `number`, 0 <= number < size, by reading the number in the mixed radix of the choices."""
        chosen: list[Any] = []
        for options in reversed(self.choices):
            number, index = divmod(number, len(options))
            chosen.append(options[index])
        return self.build(*reversed(chosen))

    def numbers(self, rng: random.Random) -> Iterator[int]:
        """Every problem number once, in random order; the same beginning however many are taken."""
        if self.size <= _MAX_SHUFFLED:
            yield from rng.sample(range(self.size), self.size)
            return
        seen: set[int] = set()
        while len(seen) < self.size:
            number = rng.randrange(self.size)
            if number not in seen:
                seen.add(number)
                yield number


def whole_numbers(digits: int) -> range:
    """Whole numbers of so many digits; 0 counts as one."""
    return range(0 if digits == 1 else 10 ** (digits - 1), 10**digits)


def within(name: str, value: int, low: int, high: int) -> int:
    """The value of an argument, if it is in its range.

    Raises:
        ConfigError: it is not.
    """
    if not low <= value <= high:
        raise ConfigError(f"{name}={value} is out of range; allowed: {low} to {high}")
    return value
