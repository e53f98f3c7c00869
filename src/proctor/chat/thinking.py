"""Thinking: its tags, the flags that ask for it or against it, the budget that ends it, and the data that teaches both modes.

    user: {query} /think      ->  <think>\\n{thinking}\\n</think>\\n\\n{response}
    user: {query} /no_think   ->  <think>\\n\\n</think>\\n\\n{response}

Flags stand in user or system messages, and the last one wins. Pure functions; the tags may be single tokens or several.

Source: Qwen3 technical report (2505.09388), sections 4.3 and 4.4 and table 9.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from proctor.core import Message, Task
from proctor.errors import ConfigError, TaskError

Mode = Literal["think", "no_think"]
MODES: tuple[Mode, ...] = get_args(Mode)

OPEN, CLOSE = "<think>", "</think>"
EMPTY_BLOCK = f"{OPEN}\n\n{CLOSE}\n\n"
BUDGET_SENTENCE = f"Considering the limited time by the user, I have to give the solution based on the thinking directly now.\n{CLOSE}.\n\n"
"""What is put in at the thinking budget, as published: with a period after the tag."""

_BUDGET_WORDS = BUDGET_SENTENCE.partition("\n")[0]
_FLAG = re.compile(r"(?<!\S)/(no_)?think(?!\S)")
_SWITCH = (
    "{% if add_generation_prompt and enable_thinking is defined and enable_thinking is false %}"
    "{{ '" + EMPTY_BLOCK.replace("\n", "\\n") + "' }}{% endif %}"
)  # fmt: skip


def mode_of(messages: Sequence[Message]) -> Mode | None:
    """What the last flag in the user and system messages asks for; None where there is none, which models take as thinking."""
    flags = [match for message in messages if message.role in ("user", "system") for match in _FLAG.finditer(message.content)]
    return None if not flags else "no_think" if flags[-1].group(1) else "think"


def with_flag(messages: Sequence[Message], mode: Mode) -> tuple[Message, ...]:
    """The conversation with the mode's flag at the end of its last user message, where it wins over every earlier one.

    Raises:
        TaskError: there is no user message, or a system message with another flag comes after it.
    """
    last = max((number for number, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise TaskError(f"the flag /{mode} belongs into a user message, and this conversation of {len(messages)} messages has none")
    flagged = (*messages[:last], replace(messages[last], content=f"{messages[last].content} /{mode}"), *messages[last + 1 :])
    if mode_of(flagged) != mode:
        raise TaskError(f"a system message after the last user message has another flag than /{mode}; move it to the front")
    return flagged


def block(thinking: str, response: str) -> str:
    """A completion in the fused format; with no thinking, that of the non-thinking mode."""
    return f"{OPEN}\n{thinking}\n{CLOSE}\n\n{response}" if thinking else f"{EMPTY_BLOCK}{response}"


def own_words(text: str) -> str:
    """A completion without the words that a thinking budget puts in; their tag stays."""
    return text.replace(_BUDGET_WORDS, "\n")


def thinking_in(text: str) -> str | None:
    """What a completion thought: from its `<think>`, or its beginning where the prompt opened one, to its last `</think>`; None without an end.

    What a thinking budget puts in is no thought.
    """
    before, closed, _ = own_words(text).rpartition(CLOSE)
    return before.partition(OPEN)[2].strip() if closed and OPEN in before else before.strip() if closed else None


def follows(mode: Mode, text: str) -> bool:
    """Whether a completion does what a flag asks for: something between the tags, or nothing."""
    if mode == "think":
        return bool(thinking_in(text))
    return (OPEN not in text and CLOSE not in text) or thinking_in(text) == ""


def is_thinking(prompt_tail: str, text: str) -> bool:
    """Whether a completion stands inside a block that is still open, which the prompt may have opened at its very end."""
    opened = OPEN + text if prompt_tail.rstrip().endswith(OPEN) else text
    return opened.rfind(OPEN) > opened.rfind(CLOSE)


@dataclass(frozen=True, slots=True)
class Trace:
    """How a task was answered.

    Attributes:
        task: the problem, without a flag of its own.
        thinking: what stands between the tags; empty for a non-thinking answer.
        response: what comes after them.
    """

    task: Task
    thinking: str
    response: str


def fusion_tasks(traces: Sequence[Trace], *, thinking_fraction: float | None, unflagged_fraction: float, seed: int) -> list[Task]:
    """Supervised data that teaches both modes: each task with a flag and the completion that obeys it, shuffled.

    In conversations, earlier user messages get flags at random (/think, /no_think or none), so that the last one has to be looked for.

    Args:
        traces: thinking ones (from rejection sampling) and non-thinking ones.
        thinking_fraction: of the result, as 0.5 for half and half: traces of the other kind that are too many are left out; None keeps all.
        unflagged_fraction: of the thinking ones, left without any flag: thinking is what a model does unasked.
        seed: of what is left out, of the flags and of the order.

    Returns:
        Tasks with `info["demonstration"]` and `info["thinking_mode"]`, and ids that end in the mode, and in a number where a task has several traces.

    Raises:
        ConfigError: a fraction outside [0, 1].
        TaskError: traces of one kind are missing, a trace has no response or tags of its own, or a task has a flag already.
    """
    for name, value in (("thinking_fraction", thinking_fraction), ("unflagged_fraction", unflagged_fraction)):
        if value is not None and not 0 <= value <= 1:
            raise ConfigError(f"{name} must lie between 0 and 1, not {value}")
    for trace in traces:
        _check_trace(trace)
    draw = random.Random(seed)
    chosen = _balanced(traces, thinking_fraction, draw)
    draw.shuffle(chosen)
    tasks = [_fused(trace, unflagged_fraction, draw) for trace in chosen]
    counts = Counter[str]()
    for number, task in enumerate(tasks):
        counts[task.id] += 1
        if counts[task.id] > 1:
            tasks[number] = replace(task, id=f"{task.id}-{counts[task.id]}")
    return tasks


def _check_trace(trace: Trace) -> None:
    if not trace.response.strip() or any(tag in trace.thinking + trace.response for tag in (OPEN, CLOSE)):
        raise TaskError(f"the trace of task {trace.task.id} needs a response, and no {OPEN} or {CLOSE} in its texts: the tags are put in here")
    if mode_of(trace.task.messages) is not None:
        raise TaskError(f"task {trace.task.id} has a flag /think or /no_think already; give it without one")


def _balanced(traces: Sequence[Trace], fraction: float | None, draw: random.Random) -> list[Trace]:
    thinking, plain = [trace for trace in traces if trace.thinking], [trace for trace in traces if not trace.thinking]
    if fraction is None:
        return [*thinking, *plain]
    if (fraction > 0 and not thinking) or (fraction < 1 and not plain):
        raise TaskError(f"thinking_fraction={fraction} needs traces of both kinds; given {len(thinking)} thinking and {len(plain)} non-thinking ones")
    total = min(len(thinking) / fraction if fraction else float("inf"), len(plain) / (1 - fraction) if fraction < 1 else float("inf"))
    return [*draw.sample(thinking, round(total * fraction)), *draw.sample(plain, round(total * (1 - fraction)))]


def _fused(trace: Trace, unflagged_fraction: float, draw: random.Random) -> Task:
    mode: Mode = "think" if trace.thinking else "no_think"
    messages = trace.task.messages
    if mode == "no_think" or draw.random() >= unflagged_fraction:
        last = max((number for number, message in enumerate(messages) if message.role == "user"), default=-1)
        earlier = [_at_random(message, draw) if message.role == "user" and number < last else message for number, message in enumerate(messages)]
        messages = with_flag(earlier, mode)
    info = {**trace.task.info, "demonstration": block(trace.thinking, trace.response), "thinking_mode": mode}
    return replace(trace.task, id=f"{trace.task.id}/{mode}", prompt=messages, info=info)


def _at_random(message: Message, draw: random.Random) -> Message:
    flag = draw.choice(("", " /think", " /no_think"))
    return replace(message, content=message.content + flag)


def with_switch(template: str) -> str:
    """A chat template that knows the two modes: told `enable_thinking=False`, it begins the answer with the empty block, as Qwen3's does."""
    return template if knows_modes(template) else template + _SWITCH


def knows_modes(template: Any) -> bool:
    """Whether a chat template can be told to think or not."""
    return bool(template) and "enable_thinking" in str(template)


def knows_tags(tokenizer: Any) -> bool:
    """Whether a model was made for thinking tags: its template speaks of them, or they are tokens of its vocabulary."""
    return CLOSE in str(tokenizer.chat_template or "") or CLOSE in getattr(tokenizer, "get_added_vocab", dict)()


class VisibleText:
    """Decodes tokens without special tokens, but with thinking tags: in some vocabularies they are special, and verifiers and budgets look for them."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", {})
        self._hidden = {number: token.content for number, token in added.items() if token.special and token.content in (OPEN, CLOSE)}

    def __call__(self, token_ids: Sequence[int]) -> str:
        if not self._hidden or self._hidden.keys().isdisjoint(token_ids):
            return self._plain(token_ids)
        parts: list[str] = []
        start = 0
        for place, token in enumerate(token_ids):
            if token in self._hidden:
                parts += [self._plain(token_ids[start:place]), self._hidden[token]]
                start = place + 1
        return "".join((*parts, self._plain(token_ids[start:])))

    def _plain(self, token_ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True)) if token_ids else ""
