"""Verifies the form of a completion alone: reasoning and answer in their tags, once each, in order, with something in them.

Meant as a gate (`proctor.verifiers.composition.Gate`) before a verifier of the answer: paid alone, it teaches form without content.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from proctor.core.task import Score, Task
from proctor.errors import ConfigError

_MARK = re.compile(r"<\s{0,9}(/?)\s{0,9}([A-Za-z_]\w{0,63})\s{0,9}(/?)\s{0,9}>")
TEMPLATES = ("reasoning process here", "answer here")
"""What stands between the tags in the prompts that ask for them (DeepSeek-R1's): copying it is no content."""
_FILLER = frozenset(".…?!,;:-–—_·*~" + "\u2800\u3164\u115f\u1160\uffa0")  # the last are letters that show nothing


@dataclass(frozen=True, slots=True)
class FormatVerifier:
    """CORRECT if the completion is exactly `<think>...</think><answer>...</answer>`, neither empty, nothing outside.

    A state machine over the tags: each opens and closes once, in order, and nothing that looks like one of them (another case,
    spaces in it) stands anywhere else. White space, invisible characters, dots and dashes, and the words of
    the prompt's own template are no content.

    Attributes:
        tags: names of the sections, in order; the last is the answer.
    """

    tags: tuple[str, ...] = ("think", "answer")

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", tuple(self.tags))
        if not self.tags or len(set(self.tags)) < len(self.tags) or not all(re.fullmatch(r"[A-Za-z_]\w*", tag) for tag in self.tags):
            raise ConfigError(f"tags must be one or more distinct names, not {self.tags!r}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion; the task is not read."""
        expected = [mark for tag in self.tags for mark in (f"<{tag}>", f"</{tag}>")]
        names = {tag.casefold() for tag in self.tags}
        state = position = 0
        sections: list[str] = []
        for mark in _MARK.finditer(completion):
            if mark.group(2).casefold() not in names:
                continue
            if state == len(expected) or mark.group() != expected[state]:
                wanted = expected[state] if state < len(expected) else "the end"
                return Score.incorrect(reason=f"{mark.group()[:40]!r} where {wanted} belongs")
            between = completion[position : mark.start()]
            if state % 2 == 0 and between.strip():
                return Score.incorrect(reason="text outside the tags")
            if state % 2 == 1:
                if not has_content(between):
                    return Score.incorrect(reason=f"nothing in <{self.tags[state // 2]}>")
                sections.append(between.strip())
            position = mark.end()
            state += 1
        if state < len(expected):
            return Score.incorrect(reason=f"{expected[state]} is missing")
        if completion[position:].strip():
            return Score.incorrect(reason="text outside the tags")
        return Score.correct(sections[-1])

    def gold(self, task: Task) -> str:
        """Return a completion that must be CORRECT, with the task's answer where it has one."""
        answer = str(task.answer) if task.answer is not None and has_content(str(task.answer)) else "0"
        return "".join(f"<{tag}>{answer if tag == self.tags[-1] else 'because'}</{tag}>" for tag in self.tags)


def has_content(text: str) -> bool:
    """Whether a text says anything: something visible beside dots and dashes, and not the template that asked for it."""
    if text.strip(" \n\t.!").casefold() in TEMPLATES:
        return False
    return any(character not in _FILLER and unicodedata.category(character)[0] not in "ZC" for character in text)
