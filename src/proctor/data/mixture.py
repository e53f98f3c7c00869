"""Which tasks are trained on at which step: a pure function of the step, so that a resumed run sees what it would have seen."""

from __future__ import annotations

import math
import random
from collections.abc import Container, Sequence

from proctor.core import Task
from proctor.data.loaders import LoadedTasks
from proctor.errors import ConfigError, TaskError


class Mixture:
    """An endless stream of tasks from one or several sources, cut into steps.

    Each source is gone through in epochs: random permutations, every task once an epoch. No task comes twice within a
    step, unless the step asks its source for more tasks than it has. With several sources the share of each source
    follows its weight: the tasks given so far stay within about one of what is due, however many steps there were.
    """

    def __init__(self, sources: Sequence[LoadedTasks], weights: Sequence[float] | None, seed: int) -> None:
        """Args:
            sources: at least one; task ids must differ between them.
            weights: one positive number a source, in any unit; None: in proportion to the number of tasks.
            seed: the permutations depend on it.

        Raises:
            ConfigError: no source, or weights that are not one positive number each.
            TaskError: a source has no tasks, or two sources share a task id.
        """
        self._shares = check_sources(sources, weights)
        self._sources = tuple(sources)
        self._seed = seed
        self._rewind(num=0)

    def take(self, step: int, num: int) -> list[Task]:
        """The tasks of one step: a function of the constructor's arguments, `step` and `num` alone.

        Calls may come in any order; ascending ones are cheap, a jump costs a few microseconds for each step it skips.

        Args:
            step: from 0.
            num: tasks a step; the promise of epochs holds for a `num` that stays the same.
        """
        if step < 0 or num < 1:
            raise ValueError(f"take(step={step}, num={num}): step must be at least 0 and num at least 1")
        if num != self._num or step < self._step:
            self._rewind(num)
        while self._step < step:
            self._advance()
        return [source.tasks[index] for source, indices in zip(self._sources, self._advance(), strict=True) for index in indices]

    def _rewind(self, num: int) -> None:
        self._step, self._num = 0, num
        self._streams = [_Epochs(len(source.tasks), f"{self._seed}/{index}") for index, source in enumerate(self._sources)]

    def _advance(self) -> list[list[int]]:
        """The indices of the present step, one list a source; then the next step is present."""
        due = [(self._step + 1) * self._num * share - stream.num_taken for share, stream in zip(self._shares, self._streams, strict=True)]
        self._step += 1
        return [stream.take(count) for stream, count in zip(self._streams, apportion(due, self._num), strict=True)]


def fair_part(tasks: Sequence[Task], num: int, *, key: str, used: Container[str]) -> list[Task]:
    """A part of what `Mixture.take` gave, which comes source by source: drawn at random, so that each source keeps its share.

    Args:
        tasks: of one call.
        num: how many are wanted, at most as many as there are.
        key: of the random numbers.
        used: ids of tasks that come only where there are too few others.
    """
    drawn = random.Random(key).sample(tasks, len(tasks))
    return sorted(drawn, key=lambda task: task.id in used)[:num]


def check_sources(sources: Sequence[LoadedTasks], weights: Sequence[float] | None) -> list[float]:
    """The share of each source; the arguments and errors are those of `Mixture`."""
    seen: dict[str, int] = {}
    for index, source in enumerate(sources):
        if not source.tasks:
            raise TaskError(f"{source.source} has no tasks")
        for task in source.tasks:
            if seen.setdefault(task.id, index) != index:
                raise TaskError(f"task id {task.id!r} is both in {sources[seen[task.id]].source} and in {source.source}; give their rows different ids")
    given = [len(source.tasks) for source in sources] if weights is None else list(weights)
    if not sources or len(given) != len(sources) or not all(math.isfinite(weight) and weight > 0 for weight in given):
        raise ConfigError(f"a mixture needs at least one source and one positive weight for each; given {len(sources)} sources, weights {given}")
    return [weight / sum(given) for weight in given]


class _Epochs:
    """Indices of one source, permutation after permutation. Only the present permutation is held."""

    def __init__(self, size: int, key: str) -> None:
        self._size, self._key = size, key
        self._epoch = 0
        self._position = 0
        self._order = self._shuffled()
        self.num_taken = 0

    def take(self, num: int) -> list[int]:
        taken: list[int] = []
        while len(taken) < num:
            if self._position == self._size:
                self._epoch, self._position = self._epoch + 1, 0
                self._order = self._shuffled()
                if num <= self._size:
                    _move_out_of_head(self._order, set(taken), num - len(taken))
            end = min(self._size, self._position + num - len(taken))
            taken += self._order[self._position : end]
            self._position = end
        self.num_taken += num
        return taken

    def _shuffled(self) -> list[int]:
        order = list(range(self._size))
        random.Random(f"{self._key}/{self._epoch}").shuffle(order)
        return order


def _move_out_of_head(order: list[int], unwanted: set[int], head: int) -> None:
    """Exchange unwanted entries among the first `head` for others, in place.

    A step that spans two epochs already holds the last tasks of the first; they must not begin the second. There are
    enough others, since `head + len(unwanted) <= len(order)`.
    """
    others = (position for position in range(head, len(order)) if order[position] not in unwanted)
    for position in range(head):
        if order[position] in unwanted:
            other = next(others)
            order[position], order[other] = order[other], order[position]


def apportion(due: Sequence[float], num: int) -> list[int]:
    """Whole numbers that add up to `num`, none negative, each as near as can be to what is due.

    Args:
        due: what each should get; adds up to `num`, single entries may be negative (they got too much before).
        num: how many there are.
    """
    counts = [max(0, math.floor(amount)) for amount in due]
    indices = range(len(due))
    while sum(counts) < num:
        counts[max(indices, key=lambda index: due[index] - counts[index])] += 1
    while sum(counts) > num:
        counts[min((index for index in indices if counts[index] > 0), key=lambda index: due[index] - counts[index])] -= 1
    return counts
