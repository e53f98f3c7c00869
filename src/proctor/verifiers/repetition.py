"""Punishes text that repeats itself: n-grams that come again, and an ending that is one phrase over and over.

Both are penalties, values in [-1, 0] to be weighted beside a verifier of the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.core.task import Score, Task
from proctor.errors import ConfigError

MAX_WORDS = 50_000
MAX_TAIL_CHARS = 8192
_WORD = re.compile(r"\w+|[^\w\s]")


def repeated_share(words: list[str], n: int) -> float:
    """Return the share of a text's n-grams that have occurred before in it: 1 - distinct / all; 0 for fewer than n words.

    Source: Yeo et al. 2025 (2502.03373), the n-gram repetition penalty, here as a share of the whole text.
    """
    count = len(words) - n + 1
    return 1 - len({tuple(words[start : start + n]) for start in range(count)}) / count if count > 0 else 0.0


def suffix_run(text: str, *, min_repeats: int) -> int:
    """Return how many characters at the end of a text are one unit repeated at least `min_repeats` times; 0 if none are.

    The longest such run within the last `MAX_TAIL_CHARS` characters, in linear time: the prefix function of the reversed
    text gives the period of each suffix (Knuth, Morris and Pratt 1977).
    """
    tail = text[-MAX_TAIL_CHARS:][::-1]
    border = [0] * len(tail)
    longest = 0
    for end in range(1, len(tail)):
        size = border[end - 1]
        while size and tail[end] != tail[size]:
            size = border[size - 1]
        border[end] = size + (tail[end] == tail[size])
        if (end + 1) >= min_repeats * (end + 1 - border[end]):
            longest = end + 1
    return longest


def ending_run(text: str, *, min_repeats: int) -> int:
    """`suffix_run` of a text with or without the white space at its end, whichever is longer: white space can be the phrase that is repeated."""
    return max(suffix_run(text, min_repeats=min_repeats), suffix_run(text.rstrip(), min_repeats=min_repeats))


@dataclass(frozen=True, slots=True)
class RepetitionPenalty:
    """Minus the share of repeated n-grams, or -1 where the completion ends in a run of one repeated phrase.

    Attributes:
        n: words in an n-gram.
        allowed: share of repeated n-grams that costs nothing.
        min_repeats: repetitions that make a run.
        min_run_chars: shorter runs are overlooked ("haha", "000").
    """

    n: int = 20
    allowed: float = 0.1
    min_repeats: int = 4
    min_run_chars: int = 80

    def __post_init__(self) -> None:
        if self.n < 1 or self.min_repeats < 2 or not 0 <= self.allowed < 1 or self.min_run_chars < 1:
            raise ConfigError(f"a repetition penalty needs n >= 1, min_repeats >= 2, 0 <= allowed < 1 and min_run_chars >= 1, not {self!r}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion with a value in [-1, 0]; the task is not read."""
        run = ending_run(completion, min_repeats=self.min_repeats)
        if run >= self.min_run_chars:
            return Score(None, -1.0, None, f"ends in {run} characters of one repeated phrase")
        share = repeated_share(_WORD.findall(completion)[:MAX_WORDS], self.n)
        excess = max(0.0, share - self.allowed) / (1 - self.allowed)
        return Score(None, -excess, None, f"{share:.0%} of the {self.n}-grams are repeated" if excess else "")
