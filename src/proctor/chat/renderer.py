"""Conversations to token ids. The only place where text becomes tokens: prompts, and demonstrations that others wrote.

What the model wrote is never rendered again: its ids are kept (see `core.rollout`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from proctor.core import Message
from proctor.errors import ConfigError


class Tokenizer(Protocol):
    """The part of a `transformers` tokenizer that is needed here."""

    chat_template: Any

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...

    def encode(self, text: str, **options: Any) -> Any: ...

    def decode(self, token_ids: Any, **options: Any) -> Any: ...


class Renderer:
    """Renders prompts with the tokenizer's own chat template, or as plain text for a base model that has none."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @property
    def has_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def prompt_ids(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Token ids of a conversation up to where the model starts to write.

        Raises:
            ConfigError: the model has no chat template and the conversation is more than one user message.
        """
        if self.has_template:
            conversation = [message.as_dict() for message in messages]
            return tuple(self._tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=True, return_dict=False))
        if len(messages) != 1 or messages[0].role != "user":
            raise ConfigError(
                "the model has no chat template, so it can only read plain prompts; this task is a conversation of "
                f"{len(messages)} messages. Use a chat model, or give the prompts as text and put the format into data.template"
            )
        return tuple(self._tokenizer.encode(messages[0].content))

    def completion_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a completion that somebody else wrote, its end included."""
        eos: int | None = getattr(self._tokenizer, "eos_token_id", None)
        return (*self._tokenizer.encode(text, add_special_tokens=False), *(() if eos is None else (eos,)))

    def prefix_lengths(self, token_ids: Sequence[int]) -> list[int]:
        """Characters of the decoded text after each token. Costs a decoding a token: for the short completions that steps are found in."""
        return [len(self._tokenizer.decode(list(token_ids[:end]), skip_special_tokens=True)) for end in range(1, len(token_ids) + 1)]
