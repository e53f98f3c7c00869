"""What a filter is: a value that says which of the rows are to go, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from proctor.core import Task
from proctor.data.curation.store import Frame
from proctor.verifiers.rewards import Rewards


@dataclass(frozen=True, slots=True)
class Removal:
    """One row that goes.

    Attributes:
        row: its number in the base.
        reason: a few words, the same for every row that goes for this reason.
        detail: what is particular to this row: the similarity, the place in another file, the verdict.
        other: the row that it repeats, where there is one.
    """

    row: int
    reason: str
    detail: str = ""
    other: int | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a filter says of some rows; rows that are not named stay as they are.

    Attributes:
        removed: the rows that go.
        added: column -> row -> value, of rows that stay or go.
        is_provisional: whether something failed that may not fail again, a verifier say: then the next run asks once more.
    """

    removed: Sequence[Removal] = ()
    added: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a model is asked.

    Attributes:
        num_samples: completions of each task.
        temperature: of sampling.
        max_completion_tokens: a completion is cut off there.
        instruction: put behind the prompt.
        purpose: keeps the random numbers of different filters apart.
    """

    num_samples: int
    temperature: float
    max_completion_tokens: int
    instruction: str
    purpose: str


class Solver(Protocol):
    """A model that tries tasks; what it says is graded by the specification's verifier."""

    identity: str
    """Changes whenever the answers could: names the weights, the verifier and the seed."""

    def num_correct(self, tasks: Sequence[Task], attempt: Attempt) -> list[tuple[int, int]]:
        """For each task: completions that are correct, and completions that could be graded."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What filters work with beside the rows.

    Attributes:
        seed: of every random choice.
        scratch: an empty directory of the filter's own, deleted afterwards.
        ledger: directory in which answers of the model are kept between runs.
        rewards: opens the verifier, by name and arguments, in its workers.
        solver: opens the model.
        progress: told what is done, now and then.
    """

    seed: int
    scratch: Path
    ledger: Path
    rewards: Callable[[str, Mapping[str, Any]], Rewards]
    solver: Callable[[], Solver]
    progress: Callable[[str], None]


class Filter(Protocol):
    """A frozen dataclass; its fields are its arguments in the specification."""

    kind: ClassVar[str]
    version: ClassVar[int]
    """Raised when the same rows and arguments give other verdicts than before, so that cached ones are not used."""

    @property
    def files(self) -> tuple[str, ...]:
        """Files whose content the verdicts depend on."""
        ...

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Judge the rows of a frame, a chunk or everything at a time."""
        ...
