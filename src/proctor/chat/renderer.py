"""Conversations to token ids. The only place where text becomes tokens: prompts, and demonstrations that others wrote.

What the model wrote is never rendered again: its ids are kept (see `core.rollout`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from proctor.chat.thinking import CLOSE, OPEN, Mode, VisibleText, knows_modes, knows_tags, with_flag, with_switch
from proctor.core import Message
from proctor.errors import ConfigError

_QUIET: dict[str, Any] = {"verbose": False}
"""For the tokenizer: a prompt longer than the context is counted and left out where tasks are prepared, and said there."""


class Tokenizer(Protocol):
    """The part of a `transformers` tokenizer that is needed here."""

    chat_template: Any

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...

    def encode(self, text: str, **options: Any) -> Any: ...

    def decode(self, token_ids: Any, **options: Any) -> Any: ...


class Renderer:
    """Renders prompts with the tokenizer's own chat template, or as plain text for a base model that has none.

    Args:
        tokenizer: of the model.
        mode: asks for thinking, or against it, with a flag in every prompt and the template's own switch; None leaves prompts as they are.

    Raises:
        ConfigError: the model's template knows no modes.
    """

    def __init__(self, tokenizer: Tokenizer, mode: Mode | None = None) -> None:
        self._tokenizer = tokenizer
        self.mode: Mode | None = mode
        self.text = VisibleText(tokenizer)
        if mode is not None and not knows_modes(tokenizer.chat_template):
            raise ConfigError(
                f"thinking mode {mode!r} was asked for, but the model's chat template knows no thinking modes (it has no `enable_thinking`). "
                "Use a model that was trained with both, or teach one: supervised training with thinking.teach=true"
            )

    @property
    def has_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def prompt_ids(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Token ids of a conversation up to where the model starts to write.

        Raises:
            ConfigError: the model has no chat template and the conversation is more than one user message.
            TaskError: a mode was asked for, and the conversation has no place for its flag.
        """
        if self.has_template:
            options: dict[str, Any] = {"tokenizer_kwargs": _QUIET}
            if self.mode is not None:
                messages = with_flag(messages, self.mode)
                options["enable_thinking"] = self.mode == "think"
            conversation = [message.as_dict() for message in messages]
            return tuple(self._tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=True, return_dict=False, **options))
        if len(messages) != 1 or messages[0].role != "user":
            raise ConfigError(
                "the model has no chat template, so it can only read plain prompts; this task is a conversation of "
                f"{len(messages)} messages. Use a chat model, or give the prompts as text and put the format into data.template"
            )
        return tuple(self._tokenizer.encode(messages[0].content, **_QUIET))

    def completion_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a completion that somebody else wrote, its end included."""
        eos: int | None = getattr(self._tokenizer, "eos_token_id", None)
        return (*self.inserted_ids(text), *(() if eos is None else (eos,)))

    def inserted_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of text that is put into a message, without anything before or after it."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False, **_QUIET))

    def prefix_lengths(self, token_ids: Sequence[int]) -> list[int]:
        """Characters of the decoded text after each token. Costs a decoding a token: for the short completions that steps are found in."""
        return [len(self.text(token_ids[:end])) for end in range(1, len(token_ids) + 1)]

    def check_budgets(self, budgets: Sequence[int], prompts: Sequence[Sequence[Message]], *, max_completion_tokens: int) -> None:
        """See that thinking budgets can mean something.

        Raises:
            ConfigError: a budget leaves no room for a thought or for an answer, or neither the model nor any prompt speaks of thinking tags.
        """
        num_open = len(self.inserted_ids(OPEN))
        for budget in budgets:
            if not num_open < budget < max_completion_tokens:
                raise ConfigError(
                    f"a thinking budget of {budget} tokens leaves no room: it must be more than the {num_open} tokens of {OPEN} and "
                    f"less than max_completion_tokens={max_completion_tokens}, which counts the thinking and the answer"
                )
        mentioned = any(CLOSE in message.content for messages in prompts for message in messages)
        if budgets and not (knows_tags(self._tokenizer) or mentioned):
            raise ConfigError(
                f"a thinking budget needs a model that thinks between {OPEN} and {CLOSE}, and neither this model's template and vocabulary nor the prompts "
                "know these tags. Use a thinking model, ask for the tags in data.template, or teach them: supervised training with thinking.teach=true"
            )


def teach_modes(tokenizer: Tokenizer) -> None:
    """Give a model's chat template the switch between thinking and not thinking; what is saved with the model then has it.

    Raises:
        ConfigError: there is no template.
    """
    if not tokenizer.chat_template:
        raise ConfigError("thinking.teach=true gives the chat template a switch between the modes, and this model has no chat template; use a chat model")
    tokenizer.chat_template = with_switch(str(tokenizer.chat_template))
