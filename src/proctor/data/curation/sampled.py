"""Filters that ask a model: how often it solves a task, and whether it can guess the answer. And those that choose by what it said.

What the model said of a task is kept between runs (`Ledger`), so that a killed curation goes on where it was, and one with
more rows samples the new ones alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from proctor.core import Task
from proctor.data.curation.base import Attempt, Removal, Solver, Tools, Verdicts
from proctor.data.curation.forms import rows_by_value
from proctor.data.curation.store import BASE_SCHEMA, Frame
from proctor.data.loaders import content_hash
from proctor.errors import ConfigError

_TASKS_AT_ONCE = 64
_Z95 = 1.959963984540054
WITHOUT_REASONING = "\nGive only the final answer, without any reasoning."


def wilson(num_correct: int, num_samples: int, z: float = _Z95) -> tuple[float, float]:
    """The Wilson score interval of a rate: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).

    Unlike the normal interval it has a width at 0 and at 1: none of 10 says "below 0.28", not "0".

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Args:
        num_correct: successes.
        num_samples: tries, at least 1.
        z: quantile of the normal distribution; 1.96 for 95 %.
    """
    rate, inflated = num_correct / num_samples, z * z / num_samples
    centre, half = rate + inflated / 2, z * math.sqrt(rate * (1 - rate) / num_samples + inflated / (4 * num_samples))
    return max(0.0, (centre - half) / (1 + inflated)), min(1.0, (centre + half) / (1 + inflated))


class Ledger:
    """What a model said of tasks before: an append-only file, one for each model and way of asking.

    Where a completion could not be graded, a verifier's failure say, the counts are not written down: the next run asks again.
    """

    def __init__(self, directory: Path, solver: Solver, attempt: Attempt) -> None:
        name = content_hash([Task(solver.identity, "", info=asdict(attempt))])
        self._path = directory / f"{name[:32]}.jsonl"
        self._known: dict[str, tuple[int, int]] = {}
        directory.mkdir(parents=True, exist_ok=True)
        text = self._path.read_text("utf-8") if self._path.exists() else ""
        for line in text.splitlines():
            try:
                key, num_correct, num_graded = json.loads(line)
            except ValueError:  # the last line of a killed run
                continue
            if num_graded == attempt.num_samples:
                self._known[key] = (num_correct, num_graded)
        if text and not text.endswith("\n"):
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def ask(self, solver: Solver, attempt: Attempt, tasks: Sequence[Task]) -> list[tuple[int, int]]:
        """Correct and graded completions of each task, sampled where they are not known yet."""
        keys = [content_hash([task]) for task in tasks]
        new = {key: task for key, task in zip(keys, tasks, strict=True) if key not in self._known}
        if new:
            found = dict(zip(new, solver.num_correct(list(new.values()), attempt), strict=True))
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps([key, *counts]) + "\n" for key, counts in found.items() if counts[1] == attempt.num_samples)
            self._known |= found
        return [self._known[key] for key in keys]


def _asked(frame: Frame, tools: Tools, attempt: Attempt) -> Iterator[tuple[list[int], list[tuple[int, int]]]]:
    """Rows and what the model said of them, a few tasks at a time."""
    solver = tools.solver()
    ledger = Ledger(tools.ledger, solver, attempt)
    num_done = 0
    for chunk in frame.chunks(*BASE_SCHEMA.names):
        tasks = chunk.tasks()
        for start in range(0, len(tasks), _TASKS_AT_ONCE):
            part = tasks[start : start + _TASKS_AT_ONCE]
            yield chunk.rows[start : start + _TASKS_AT_ONCE].tolist(), ledger.ask(solver, attempt, part)
            num_done += len(part)
            tools.progress(f"{attempt.purpose}: {num_done} of {frame.num_rows} tasks")


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Measure how often the model solves each task, and take out those outside the wanted range.

    Adds `pass_rate` and its 95 % Wilson interval, `pass_rate_low` and `pass_rate_high`. The range is applied to the rate.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.1: ten answers at a high temperature; the pass rate is the difficulty.

    Attributes:
        num_samples: completions of each task.
        temperature: of sampling.
        min_pass_rate: rows below it go.
        max_pass_rate: rows above it go; 0.9 takes out what is always solved.
        max_completion_tokens: 0: that of the model table.
    """

    num_samples: int = 10
    temperature: float = 1.0
    min_pass_rate: float = 0.0
    max_pass_rate: float = 1.0
    max_completion_tokens: int = 0
    kind: ClassVar[str] = "difficulty"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.num_samples < 1 or not self.temperature > 0 or self.max_completion_tokens < 0:
            raise ConfigError(f"{self.kind}: num_samples must be at least 1, temperature greater than 0 and max_completion_tokens not negative; given {self!r}")
        if not 0 <= self.min_pass_rate <= self.max_pass_rate <= 1:
            raise ConfigError(f"{self.kind}: 0 <= min_pass_rate <= max_pass_rate <= 1 must hold, not {self.min_pass_rate} and {self.max_pass_rate}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        attempt = Attempt(self.num_samples, self.temperature, self.max_completion_tokens, "", self.kind)
        for rows, counts in _asked(frame, tools, attempt):
            removals: list[Removal] = []
            added: dict[str, dict[int, float]] = {"pass_rate": {}, "pass_rate_low": {}, "pass_rate_high": {}}
            for row, (num_correct, num_graded) in zip(rows, counts, strict=True):
                if not num_graded:
                    removals.append(Removal(row, "no completion could be graded"))
                    continue
                rate = num_correct / num_graded
                added["pass_rate"][row] = rate
                added["pass_rate_low"][row], added["pass_rate_high"][row] = wilson(num_correct, num_graded)
                if not self.min_pass_rate <= rate <= self.max_pass_rate:
                    removals.append(Removal(row, "too easy" if rate > self.max_pass_rate else "too hard", f"solved {num_correct} of {num_graded} times"))
            yield Verdicts(removals, added, is_provisional=any(tried < self.num_samples for _, tried in counts))


@dataclass(frozen=True, slots=True)
class Guessable:
    """Take out tasks that the model solves without reasoning in any of a few tries: a guess would be paid in training.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.1: eight tries without chain of thought. It is not the difficulty filter:
    a task may be hard to reason about and easy to guess.

    Attributes:
        num_tries: completions of each task.
        temperature: of sampling.
        max_completion_tokens: room for an answer and for nothing else.
        instruction: put behind the prompt.
    """

    num_tries: int = 8
    temperature: float = 1.0
    max_completion_tokens: int = 16
    instruction: str = WITHOUT_REASONING
    kind: ClassVar[str] = "guessable"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.num_tries < 1 or not self.temperature > 0 or self.max_completion_tokens < 1:
            raise ConfigError(f"{self.kind}: num_tries and max_completion_tokens must be at least 1 and temperature greater than 0; given {self!r}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        attempt = Attempt(self.num_tries, self.temperature, self.max_completion_tokens, self.instruction, self.kind)
        for rows, counts in _asked(frame, tools, attempt):
            yield Verdicts(
                [
                    Removal(row, "guessed", f"right {right} of {tried} times without reasoning") if right else Removal(row, "no completion could be graded")
                    for row, (right, tried) in zip(rows, counts, strict=True)
                    if right or not tried
                ],
                is_provisional=any(tried < self.num_tries for _, tried in counts),
            )


@dataclass(frozen=True, slots=True)
class Learnable:
    """Take out tasks that the model never solved. Needs `difficulty` before it. Source: Qwen3, section 4.2, condition 2."""

    kind: ClassVar[str] = "learnable"
    version: ClassVar[int] = 1

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        for chunk in frame.chunks("pass_rate"):
            yield Verdicts([Removal(int(row), "never solved") for row, rate in zip(chunk.rows, chunk.columns["pass_rate"], strict=True) if not rate])


@dataclass(frozen=True, slots=True)
class Hardest:
    """Keep the tasks with the lowest pass rate, as evenly as can be over the values of a column. Needs `difficulty` before it.

    The values take turns, each giving its hardest remaining task, so that a rare domain is used up before a common one
    gets more than its share. Among equals the seed and the id decide.

    Source: Qwen3, section 4.2, conditions 3 and 4 (as challenging as possible, broad); 3,995 pairs.

    Attributes:
        num_rows: to keep.
        by: `domain`, `source`, or another column that a filter has added.
    """

    num_rows: int = 3995
    by: str = "domain"
    kind: ClassVar[str] = "hardest"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.num_rows < 1:
            raise ConfigError(f"{self.kind}: num_rows must be at least 1, not {self.num_rows}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Needs about 200 bytes of memory a row."""
        rates = {int(row): rate for chunk in frame.chunks("pass_rate") for row, rate in zip(chunk.rows, chunk.columns["pass_rate"], strict=True)}
        ranked = [sorted(rows, key=lambda entry: (rates[entry[1]], *entry)) for rows in rows_by_value(frame, self.by, seed=tools.seed).values()]
        turns = sorted((place, tie, row) for rows in ranked for place, (tie, row) in enumerate(rows))
        yield Verdicts([Removal(row, "others are harder", f"solved {rates[row]:.0%} of the time") for _, _, row in turns[self.num_rows :]])
