"""What a task's own answer is, as the mathematics verifier compares with it."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.verifiers.answers import Answer, Items, Quantity, Words
from proctor.verifiers.evaluation import NAMED_CONSTANTS, variables
from proctor.verifiers.regions import is_region

_EMPTY = Items("set", ())
"""`\\emptyset`, for which "no solution" may be said."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A reference answer: as written, and as it can be meant.

    Attributes:
        text: as it is written, without the letter of its option.
        readings: as it can be meant.
        label: the letter of its option, where it has one beside its value.
    """

    text: str
    readings: tuple[Answer, ...]
    label: str = ""

    @property
    def allows_words(self) -> bool:
        """Whether a text that is no mathematics can be right."""
        return any(isinstance(reading, Words) or reading == _EMPTY for reading in self.readings)

    @property
    def is_quantity(self) -> bool:
        """Whether it is one value."""
        return any(isinstance(reading, Quantity) and not variables(reading.node) - NAMED_CONSTANTS for reading in self.readings)

    @property
    def num_listed(self) -> int:
        """How many values it lists in any order, all without a name, variables and units; 0 where it is something else."""
        lists = [reading.members for reading in self.readings if isinstance(reading, Items) and reading.kind in ("list", "alternatives", "set")]
        return max((len(members) for members in lists if all(map(_is_value, members))), default=0)

    @property
    def is_region(self) -> bool:
        """Whether it is a set of numbers."""
        return any(map(is_region, self.readings))

    @property
    def is_measured(self) -> bool:
        """Whether it has a unit, so that `5m` can be meant as `5 m`."""
        return any(isinstance(reading, Quantity) and reading.unit is not None for reading in self.readings)


def _is_value(answer: Answer) -> bool:
    return isinstance(answer, Quantity) and answer.unit is None and not variables(answer.node) - NAMED_CONSTANTS
