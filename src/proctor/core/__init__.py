"""The records that pass between rooms. Nothing here computes, reads files, or knows about models."""

from proctor.core.messages import Message, ToolCall
from proctor.core.rollout import Completion, FinishReason, Rollout, RolloutGroup, Segment, Status, Turn
from proctor.core.task import Outcome, Score, StepScore, Task, Verifier

__all__ = [
    "Completion",
    "FinishReason",
    "Message",
    "Outcome",
    "Rollout",
    "RolloutGroup",
    "Score",
    "Segment",
    "Status",
    "StepScore",
    "Task",
    "ToolCall",
    "Turn",
    "Verifier",
]
