"""Filters that read one row at a time, and those that choose among rows by a column: forms of question, domains, balance."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proctor.data.curation.base import Removal, Tools, Verdicts
from proctor.data.curation.store import Frame
from proctor.data.curation.words import stable_hash, words
from proctor.errors import ConfigError, TaskError
from proctor.plugins import unknown

_OPTION = re.compile(r"(?:^|\s)\(?([A-E])\)\s|^\s*([A-E])[.:]\s", re.MULTILINE)
_POINT = re.compile(r"(?:^|\s)([A-E])[.:]\s")
_WHICH = re.compile(r"\bwhich (?:one )?of the following\b", re.IGNORECASE)
_TRUE_FALSE = re.compile(r"\b(?:true or false|yes or no|true/false|yes/no)\b", re.IGNORECASE)
_PROOF = re.compile(r"(?:^|[.!?;:,]\s|\n)\s*(?:\w+\s){0,3}?(?:prove|disprove|show that|give a proof|demonstrate that)\b", re.IGNORECASE)
_PART = re.compile(r"(?:^|[\s\n])\(?(a|b|i|ii)\)\s")
_TRUTH_VALUES = frozenset({"true", "false", "yes", "no"})


def is_multiple_choice(text: str, answer: str) -> bool:
    """Options A and B at least are offered, or the question says so and one letter is the answer."""
    options = {first or second for first, second in _OPTION.findall(text)}
    in_a_row = "ABC" in "".join(_POINT.findall(text))  # two may be points at the ends of sentences: "The line meets A. It ends at B."
    return {"A", "B"} <= options or in_a_row or bool(_WHICH.search(text) and re.fullmatch(r"\(?[A-Ea-e]\)?", answer.strip()))


def is_true_false(text: str, answer: str) -> bool:
    """The answer is one of two words, which a coin finds half of the time."""
    return answer.strip().strip(".").lower() in _TRUTH_VALUES or bool(_TRUE_FALSE.search(text))


def is_proof(text: str, answer: str) -> bool:
    """An argument is asked for, which no final answer stands for."""
    return bool(_PROOF.search(text))


def has_several_parts(text: str, answer: str) -> bool:
    """Parts (a), (b) or (i), (ii): one reference cannot say which of them is answered."""
    parts = set(_PART.findall(text))
    return {"a", "b"} <= parts or {"i", "ii"} <= parts


FORMS = {"multiple_choice": is_multiple_choice, "true_false": is_true_false, "proof": is_proof, "several_parts": has_several_parts}


@dataclass(frozen=True, slots=True)
class Forms:
    """Take out forms of question whose answer says little or cannot be checked.

    Source: Kimi Team 2025 (Kimi k1.5), section 2.1: multiple choice, true/false and proofs are excluded; Qwen Team 2025
    (Qwen3), section 4.1: questions of several parts.

    Attributes:
        drop: which of `FORMS`.
    """

    drop: tuple[str, ...] = ("multiple_choice", "true_false", "proof", "several_parts")
    kind: ClassVar[str] = "forms"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        for name in self.drop:
            if name not in FORMS:
                raise ConfigError(f"{self.kind}: " + unknown(name, kind="form", allowed=FORMS))

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        for chunk in frame.chunks("text", "answer"):
            removals: list[Removal] = []
            for row, text, answer in zip(chunk.rows, chunk.columns["text"], chunk.columns["answer"], strict=True):
                plain = "" if answer is None else str(json.loads(answer))
                found = next((name for name in self.drop if FORMS[name](text, plain)), None)
                if found is not None:
                    removals.append(Removal(int(row), found.replace("_", " ")))
            yield Verdicts(removals)


MATHEMATICS: Mapping[str, tuple[str, ...]] = {
    "geometry": ("triangle", "circle", "angle", "polygon", "rectangle", "square", "radius", "perimeter", "area", "sphere", "tangent", "perpendicular"),
    "combinatorics": ("ways", "arrangements", "permutations", "combinations", "choose", "subsets", "colorings", "committee"),
    "probability": ("probability", "dice", "die", "coin", "random", "randomly", "expected", "odds"),
    "number theory": ("divisible", "prime", "primes", "remainder", "divisor", "divisors", "integer", "integers", "modulo", "gcd", "digits", "multiple"),
    "calculus": ("derivative", "integral", "limit", "continuous", "differentiable", "series", "converges"),
    "algebra": ("equation", "equations", "polynomial", "roots", "real", "function", "solve", "inequality", "quadratic", "sequence"),
    "arithmetic": ("+", "-", "*", "/", "sum", "total", "each", "cost", "costs", "percent", "how", "many", "much"),
}
"""Words that speak for a domain of mathematics; the domain with the most of them is taken, the earlier one of two."""


@dataclass(frozen=True, slots=True)
class Domains:
    """Write each row's domain into the column `domain`; nothing is taken out.

    A row that brings the column along keeps its own. The others get the domain with the most words of theirs.

    Attributes:
        rules: domain -> words that speak for it, as `words` splits a text; empty: `MATHEMATICS`.
        otherwise: the domain of rows with none of the words.
    """

    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    otherwise: str = "other"
    kind: ClassVar[str] = "domains"
    version: ClassVar[int] = 1

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        speaks_for: dict[str, list[int]] = defaultdict(list)
        names = [*(self.rules or MATHEMATICS)]
        for index, speaking in enumerate((self.rules or MATHEMATICS).values()):
            for word in speaking:
                speaks_for[word.lower()].append(index)
        for chunk in frame.chunks("text", "info"):
            found: dict[int, str] = {}
            for row, text, info in zip(chunk.rows, chunk.columns["text"], chunk.columns["info"], strict=True):
                own = read_info(info, "domain")
                counts = Counter(index for word in words(text) for index in speaks_for.get(word, ()))
                best = names[min(counts, key=lambda index: (-counts[index], index))] if counts else self.otherwise  # called at once
                found[int(row)] = own if isinstance(own, str) else best
            yield Verdicts(added={"domain": found})


@dataclass(frozen=True, slots=True)
class Balance:
    """Thin out the values of a column that have too many rows; which rows stay depends on the seed and their ids alone.

    Attributes:
        by: `domain`, `source`, or another column that a filter has added.
        max_rows: of each value; 0: no limit.
        max_share: of what remains, of each value; 0: no limit.
    """

    by: str = "domain"
    max_rows: int = 0
    max_share: float = 0.0
    kind: ClassVar[str] = "balance"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if (self.max_rows > 0) == (self.max_share > 0) or self.max_rows < 0 or not 0 <= self.max_share < 1:
            raise ConfigError(f"{self.kind}: give either max_rows of at least 1 or max_share between 0 and 1, not {self.max_rows} and {self.max_share}")

    @property
    def files(self) -> tuple[str, ...]:
        return ()

    def run(self, frame: Frame, tools: Tools) -> Iterator[Verdicts]:
        """Needs about 100 bytes of memory a row.

        Raises:
            TaskError: there are too few different values for `max_share`.
        """
        by_value = rows_by_value(frame, self.by, seed=tools.seed)
        cap = self.max_rows or largest_cap([len(rows) for rows in by_value.values()], self.max_share)
        if not cap:
            raise TaskError(f"{self.kind}: {len(by_value)} values of {self.by!r} cannot each have at most {self.max_share:.0%} of the rows; raise max_share")
        for value, rows in by_value.items():
            yield Verdicts([Removal(row, f"too many of one {self.by}", f"{value}: {len(rows)} rows, {cap} kept") for _, row in sorted(rows)[cap:]])


def rows_by_value(frame: Frame, column: str, *, seed: int) -> dict[str, list[tuple[int, int]]]:
    """The kept rows by the value of a column, each with a random number that its id decides."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for chunk in frame.chunks(column, "id"):
        for row, value, id in zip(chunk.rows, chunk.columns[column], chunk.columns["id"], strict=True):
            found[str(value)].append((stable_hash(f"{seed}/{id}"), int(row)))
    return found


def largest_cap(counts: Sequence[int], max_share: float) -> int:
    """The most rows a value may keep so that none has more than its share of what all keep; 0 where there is no such number."""
    low, high = 0, max(counts, default=0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle <= max_share * sum(min(count, middle) for count in counts) else (low, middle - 1)
    return low


def read_info(info: str, name: str) -> Any:
    """One entry of a row's info; None where there is none. The JSON is parsed only where the name occurs in it."""
    return json.loads(info).get(name) if name in info else None
