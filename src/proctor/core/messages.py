"""What is said in a conversation, before it becomes tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request of the model to run a tool. `arguments` is the raw text it wrote: parsed by the tool, never evaluated."""

    name: str
    arguments: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The form that chat templates read."""
        plain: dict[str, object] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            plain["tool_calls"] = [
                {"type": "function", "id": call.id, "function": {"name": call.name, "arguments": call.arguments}} for call in self.tool_calls
            ]
        return plain
