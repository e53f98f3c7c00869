"""One rollout in full: its texts in pieces, its tokens with their numbers, its turns, its scores, its siblings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proctor.errors import ConfigError
from proctor.report.query import Condition
from proctor.report.run_files import RunFiles
from proctor.report.store import TOKEN_COLUMNS, Key, Store
from proctor.report.tokens import TokenReader

TEXT_CHARACTERS = 20_000
NUM_TOKENS = 4_000

PartKind = Literal["text", "reasoning", "tool_call", "code", "answer"]
_PARTS = re.compile(
    r"<think>(?P<reasoning>.*?)(?:</think>|\Z)"
    r"|<tool_call>(?P<tool_call>.*?)(?:</tool_call>|\Z)"
    r"|```(?P<code>.*?)(?:```|\Z)"
    r"|<answer>(?P<answer>.*?)(?:</answer>|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text.

    Attributes:
        text: the characters from `offset` on.
        offset: where they begin.
        num_characters: of the whole text.
    """

    text: str
    offset: int
    num_characters: int


@dataclass(frozen=True, slots=True)
class Token:
    """One token after the prompt.

    Attributes:
        id: in the model's vocabulary.
        text: what it adds to the text; empty for a part of a character whose rest follows.
        is_own: whether the model wrote it.
        values: one for each of `Rollout.token_columns`; None where there is none.
    """

    id: int
    text: str
    is_own: bool
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a turn: plain text, or something with a mark around it."""

    kind: PartKind
    text: str


@dataclass(frozen=True, slots=True)
class TurnView:
    """What one side said: the model's parts, or the environment's observation.

    Attributes:
        is_own: whether the model wrote it.
        num_tokens: how many tokens it has.
        parts: in order.
    """

    is_own: bool
    num_tokens: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ScoreView:
    """What one verifier said; as in the rollout table."""

    name: str
    outcome: str | None
    value: float | None
    weight: float | None
    extracted: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Named:
    """A further number or text of a reward function."""

    name: str
    value: float | str | None


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Everything about one rollout.

    Attributes:
        key: which one.
        task_id, source, status, finish_reason, reward, advantage, policy_version, num_completion_tokens, num_turns: as in the table.
        prompt: what was asked.
        rendered_prompt: the tokens that the model really read, as text; empty without a tokenizer.
        text: the last completion.
        answer: the reference, as JSON.
        scores: one a verifier.
        metrics, extra: further numbers and texts.
        token_columns: names of the numbers that the tokens carry.
        tokens: from `tokens_offset` on.
        tokens_offset: first of them.
        num_tokens: after the prompt, observations included.
        turns: completions and observations; empty without a tokenizer.
        notes: what cannot be shown, and why.
    """

    key: Key
    task_id: str
    source: str
    status: str
    finish_reason: str
    reward: float | None
    advantage: float | None
    policy_version: int | None
    num_completion_tokens: int | None
    num_turns: int | None
    prompt: Excerpt
    rendered_prompt: str
    text: Excerpt
    answer: str | None
    scores: tuple[ScoreView, ...]
    metrics: tuple[Named, ...]
    extra: tuple[Named, ...]
    token_columns: tuple[str, ...]
    tokens: tuple[Token, ...]
    tokens_offset: int
    num_tokens: int
    turns: tuple[TurnView, ...]
    notes: tuple[str, ...]


def read_rollout(store: Store, run: RunFiles, key: Key, reader: TokenReader, *, tokens_offset: int = 0) -> RolloutView:
    """Look one rollout up; only its step's file is opened.

    Args:
        store: to ask.
        run: whose.
        key: which.
        reader: of the run's tokens.
        tokens_offset: where the tokens begin; at most `NUM_TOKENS` are given.

    Raises:
        ConfigError: the run has no such rollout.
    """
    file = run.file(key.step)
    first, last = tokens_offset + 1, tokens_offset + NUM_TOKENS
    per_token = ", ".join(f"{name}[{first}:{last}]" for name in TOKEN_COLUMNS)
    sql = f"""SELECT task_id, source, status, finish_reason, reward, advantage, policy_version, num_completion_tokens, num_turns,
        left(prompt_text, {TEXT_CHARACTERS}), length(prompt_text), left(text, {TEXT_CHARACTERS}), length(text), left(answer, {TEXT_CHARACTERS}), scores,
        metrics, extra, prompt_ids[1:{NUM_TOKENS}], token_ids[{first}:{last}], completion_mask[{first}:{last}], len(token_ids), {per_token}
        FROM rollouts WHERE "group" = ? AND "index" = ? LIMIT 1"""
    found = store.ask([file], sql, [key.group, key.index]) if file else []
    if not found:
        raise ConfigError(f"the run {run.name} has no rollout {key} (step/group/index)")
    return _view(key, found[0], reader, tokens_offset)


def _view(key: Key, row: tuple[Any, ...], reader: TokenReader, tokens_offset: int) -> RolloutView:
    (prompt, prompt_length, text, text_length, answer, scores, metrics, extra, prompt_ids, token_ids, mask, num_tokens) = row[9:21]
    present = [(name, values) for name, values in zip(TOKEN_COLUMNS, row[21:], strict=True) if values is not None]
    columns = dict(present)
    if "logprobs" in columns and "old_logprobs" in columns:
        present.append(("log_ratio", [a - b for a, b in zip(columns["logprobs"], columns["old_logprobs"], strict=False)]))
    ids: list[int] = token_ids or []
    own = mask or [True] * len(ids)
    pieces = reader.pieces(ids)
    tokens = tuple(
        Token(token, pieces[place], own[place] if place < len(own) else True, tuple(_at(values, place) for _, values in present))
        for place, token in enumerate(ids)
    )
    return RolloutView(
        key=key,
        task_id=row[0] or "",
        source=row[1] or "",
        status=row[2] or "",
        finish_reason=row[3] or "",
        reward=row[4],
        advantage=row[5],
        policy_version=row[6],
        num_completion_tokens=row[7],
        num_turns=row[8],
        prompt=Excerpt(prompt or "", 0, prompt_length or 0),
        rendered_prompt=reader.text(prompt_ids or []),
        text=Excerpt(text or "", 0, text_length or 0),
        answer=answer,
        scores=tuple(ScoreView(**{**score, "reason": score["reason"] or ""}) for score in scores or ()),
        metrics=tuple(Named(entry["name"], entry["value"]) for entry in metrics or ()),
        extra=tuple(Named(entry["name"], (entry["text"] or "")[:TEXT_CHARACTERS]) for entry in extra or ()),
        token_columns=tuple(name for name, _ in present),
        tokens=tokens,
        tokens_offset=tokens_offset,
        num_tokens=num_tokens or 0,
        turns=_turns(ids, own, reader) if reader.is_ready and tokens_offset == 0 else (),
        notes=_notes(reader, dict(present), bool(token_ids)),
    )


def _at(values: Sequence[float | None], place: int) -> float | None:
    return values[place] if place < len(values) else None


def _notes(reader: TokenReader, columns: dict[str, Any], has_tokens: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if not has_tokens:
        notes.append("this run recorded no token ids: the text is shown without tokens")
    elif not reader.is_ready:
        notes.append(reader.reason)
    missing = [name for name, needed in (("entropy", "entropies"), ("ratio", "log_ratio")) if needed not in columns]
    if has_tokens and missing:
        notes.append(f"this run's rollout table has no {' and no '.join(missing)} for each token, so tokens cannot be coloured by it")
    return tuple(notes)


def _turns(ids: Sequence[int], own: Sequence[bool], reader: TokenReader) -> tuple[TurnView, ...]:
    """Stretches of tokens of one side, as text, cut into their parts."""
    turns: list[TurnView] = []
    start = 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or own[end] != own[start]:
            text = reader.text(ids[start:end])
            turns.append(TurnView(own[start], end - start, split_parts(text) if own[start] else (Part("text", text),)))
            start = end
    return tuple(turns)


def split_parts(text: str) -> tuple[Part, ...]:
    """A completion cut at the marks of reasoning, tool calls, code and answers; a mark that never ends reaches to the end of the text."""
    parts: list[Part] = []
    position = 0
    for match in _PARTS.finditer(text):
        if before := text[position : match.start()].strip():
            parts.append(Part("text", before))
        kind = match.lastgroup
        assert kind is not None
        parts.append(Part(kind, match[kind].strip()))  # type: ignore[arg-type]  # the groups are named after the kinds
        position = match.end()
    if rest := text[position:].strip():
        parts.append(Part("text", rest))
    return tuple(parts)


def read_text(store: Store, run: RunFiles, key: Key, column: Literal["text", "prompt_text"], offset: int) -> Excerpt:
    """The next piece of a long text, ten times as long as the first one.

    Raises:
        ConfigError: the run has no such rollout.
    """
    file = run.file(key.step)
    sql = f'SELECT substring({column}, ?, {10 * TEXT_CHARACTERS}), length({column}) FROM rollouts WHERE "group" = ? AND "index" = ? LIMIT 1'
    found = store.ask([file], sql, [offset + 1, key.group, key.index]) if file else []
    if not found:
        raise ConfigError(f"the run {run.name} has no rollout {key} (step/group/index)")
    return Excerpt(found[0][0] or "", offset, found[0][1] or 0)


def group_condition(group: int) -> Condition:
    """The rollouts of one group, within its step's file."""
    return Condition('"group" = ?', (group,))


def task_condition(task_id: str) -> Condition:
    """The rollouts of one task."""
    return Condition("task_id = ?", (task_id,))
