"""Verifies the form of a completion alone: reasoning and answer in their tags, once each, in order.

Meant as a gate or a small bonus beside a verifier of the answer: paid alone, it teaches form without content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proctor.core.task import Score, Task
from proctor.errors import ConfigError

_TAG = re.compile(r"<(/?)([A-Za-z_]\w*)>")


@dataclass(frozen=True, slots=True)
class FormatVerifier:
    """CORRECT if the completion is exactly `<think>...</think><answer>...</answer>`, neither empty, nothing outside.

    Attributes:
        tags: names of the sections, in order.
    """

    tags: tuple[str, ...] = ("think", "answer")

    def __post_init__(self) -> None:
        if not self.tags or len(set(self.tags)) < len(self.tags) or not all(re.fullmatch(r"[A-Za-z_]\w*", tag) for tag in self.tags):
            raise ConfigError(f"tags must be one or more distinct names, not {self.tags!r}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion; the task is not read."""
        wanted = [mark for tag in self.tags for mark in (("", tag), ("/", tag))]
        marks = [match for match in _TAG.finditer(completion) if match.group(2) in self.tags]
        if [(mark.group(1), mark.group(2)) for mark in marks] != wanted:
            return Score.incorrect(reason="the tags do not stand once each, in order")
        cuts = [0, *(cut for mark in marks for cut in mark.span()), len(completion)]
        between = [completion[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True)]
        if any(between[::2]):
            return Score.incorrect(reason="text outside the tags")
        return Score.correct(between[-2]) if all(between[1::2]) else Score.incorrect(reason="an empty section")
