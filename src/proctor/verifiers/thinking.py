"""Verifies that a completion thinks when it is asked to, and only then: Qwen3's format following of the flags (2505.09388, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass

from proctor.chat.thinking import follows, mode_of
from proctor.core.task import Score, Task


@dataclass(frozen=True, slots=True)
class ModeVerifier:
    """CORRECT if the completion does what the last flag of the conversation asks for; without a flag, thinking is asked for.

    It says nothing of the answer: paid alone it teaches form without content.
    """

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion."""
        mode = mode_of(task.messages) or "think"
        if follows(mode, completion):
            return Score.correct(mode)
        return Score.incorrect(reason="nothing is thought" if mode == "think" else "thinking although /no_think asks for none")

    def gold(self, task: Task) -> str:
        """A completion that must be CORRECT."""
        mode = mode_of(task.messages) or "think"
        answer = "" if task.answer is None else str(task.answer)
        return f"<think>\nbecause\n</think>\n\n{answer}" if mode == "think" else f"<think>\n\n</think>\n\n{answer}"
