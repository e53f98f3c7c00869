"""From rows to tasks: which column is the prompt, which the answer, and what becomes of the rest.

The names that other frameworks' data sets use are recognised; what was chosen is recorded in a `ColumnMapping` and
printed, since a wrong guess trains on the wrong thing without any error. Answers are kept as they are written: whether
they can be verified is the verifiers' affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proctor.core import Message, Task
from proctor.data.config import DataConfig
from proctor.data.files import Row
from proctor.errors import ConfigError, TaskError
from proctor.plugins import unknown

CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "messages", "question", "input", "problem", "query", "instruction"),
    "answer": ("answer", "ground_truth", "solution", "label", "expected_answer", "target", "reward_model.ground_truth", "reward_spec.ground_truth"),
    "source": ("data_source", "dataset", "source", "task_name"),
    "id": ("id", "extra_info.index", "example_id", "query_id"),
    "metadata": ("metadata", "extra_info", "info", "extra_env_info"),
}
"""Role -> column names that are recognised, the first present wins. A dot reaches into a nested column."""

FINAL_ANSWER_MARKER = "\n#### "
"""What separates worked solution and final answer in the answer column of some data sets."""

_NUM_PLACES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column became what.

    Attributes:
        prompt: column of the prompt.
        answer: column of the reference answer, if any.
        source: column that names the data set a row came from, if any.
        id: column of the task's id, if any.
        metadata: column whose entries are merged into `Task.info`, if any.
        info: the columns that have no role; they are in `Task.info` unchanged.
        passed_over: role -> columns that are recognised for it but stand later in the order.
        is_answer_last_message: the answer is the assistant message that ends each conversation.
        is_answer_after_marker: the answer is what follows "####"; the whole text is in `Task.info`.
        full_answer: the key in `Task.info` under which that whole text is.
    """

    prompt: str
    answer: str | None = None
    source: str | None = None
    id: str | None = None
    metadata: str | None = None
    info: tuple[str, ...] = ()
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_answer_last_message: bool = False
    is_answer_after_marker: bool = False
    full_answer: str = "solution"

    def describe(self) -> str:
        """One line for people: `prompt <- question, answer <- answer, info <- level`."""
        parts = [f"prompt <- {self.prompt}{self._also('prompt')}", f"answer <- {self._describe_answer()}{self._also('answer')}"]
        for role, column in (("source", self.source), ("id", self.id)):
            if column is not None:
                parts.append(f"{role} <- {column}{self._also(role)}")
        info = [*self.info, *([f"entries of {self.metadata}{self._also('metadata')}"] if self.metadata else [])]
        if info:
            parts.append(f"info <- {' + '.join(info)}")
        return ", ".join(parts)

    def _describe_answer(self) -> str:
        if self.is_answer_last_message:
            return f"last assistant message of {self.prompt}"
        if self.answer is None:
            return "none"
        return f'{self.answer} (the text after "####"; all of it in info.{self.full_answer})' if self.is_answer_after_marker else self.answer

    def _also(self, role: str) -> str:
        return f" (also present: {' '.join(self.passed_over[role])})" if role in self.passed_over else ""


def read_column(values: Mapping[str, Any], name: str) -> Any:
    """The value of a column, or of an entry inside it (`"reward_model.ground_truth"`); None where there is none."""
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def detect_columns(rows: Sequence[Row], explicit: Mapping[str, str], *, name: str) -> ColumnMapping:
    """Decide which column plays which role.

    Args:
        rows: all rows; a column counts as present if any row has it.
        explicit: the user's own mapping (`DataConfig.columns`).
        name: the source, for messages.

    Raises:
        ConfigError: a column that the user named is not there.
        TaskError: there is no prompt column.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row.values))
    chosen: dict[str, str | None] = {}
    passed_over: dict[str, tuple[str, ...]] = {}
    for role, candidates in CANDIDATES.items():
        if role in explicit:
            chosen[role] = _explicit_column(rows, columns, role, explicit[role], name=name)
            continue
        present = [column for column in candidates if column not in explicit.values() and _is_present(rows, columns, column)]
        chosen[role] = present[0] if present else None
        if len(present) > 1:
            passed_over[role] = tuple(present[1:])
    prompt, answer = chosen["prompt"], chosen["answer"]
    if prompt is None:
        raise TaskError(
            f"{name} has no prompt column. Its columns: {', '.join(columns)}. Recognised: {', '.join(CANDIDATES['prompt'])}. "
            "Say which one it is with --set data.columns.prompt=NAME"
        )
    roots = {column if column in columns else column.split(".")[0] for column in chosen.values() if column is not None}
    is_last = answer is None and "answer" not in explicit and any(_ends_with_assistant(read_column(row.values, prompt)) for row in rows)
    return ColumnMapping(
        prompt,
        answer,
        chosen["source"],
        chosen["id"],
        chosen["metadata"],
        info=tuple(column for column in columns if column not in roots),
        passed_over=passed_over,
        is_answer_last_message=is_last,
        is_answer_after_marker=answer is not None and all(_has_final_answer(read_column(row.values, answer)) for row in rows),
        full_answer="full_answer" if "solution" in columns else "solution",
    )


def _is_present(rows: Iterable[Row], columns: Sequence[str], name: str) -> bool:
    return name in columns or ("." in name and any(read_column(row.values, name) is not None for row in rows))


def _explicit_column(rows: Sequence[Row], columns: Sequence[str], role: str, column: str, *, name: str) -> str | None:
    if not column:
        return None
    if not _is_present(rows, columns, column):
        raise ConfigError(f"data.columns.{role} = {column!r}: " + unknown(column, kind=f"column of {name}", allowed=columns))
    return column


def _ends_with_assistant(prompt: Any) -> bool:
    return isinstance(prompt, list) and bool(prompt) and isinstance(prompt[-1], Mapping) and prompt[-1].get("role") == "assistant"


def _has_final_answer(answer: Any) -> bool:
    """True for a text with exactly one marker, followed by one non-empty line."""
    if not isinstance(answer, str) or answer.count(FINAL_ANSWER_MARKER) != 1:
        return False
    final = answer.partition(FINAL_ANSWER_MARKER)[2].strip()
    return bool(final) and "\n" not in final


def build_tasks(rows: Sequence[Row], mapping: ColumnMapping, config: DataConfig, *, name: str, stem: str) -> tuple[Task, ...]:
    """Turn rows into tasks.

    `Task.info` holds every column but the prompt's and those named like a field of `Task`: a reward function finds
    `ground_truth` under its own name. The entries of the metadata column are added, and never replace a column.

    Args:
        rows: all rows.
        mapping: which column is what.
        config: template and system message.
        name: the source, for messages.
        stem: beginning of the ids of tasks that bring none, and their `Task.source`.

    Raises:
        TaskError: an empty or malformed prompt, missing answers (counted, the first places named), an id that occurs twice.
    """
    tasks = tuple(build_task(row, index, mapping, config, stem=stem) for index, row in enumerate(rows))
    if mapping.answer is not None or mapping.is_answer_last_message:
        missing = [row.place for row, task in zip(rows, tasks, strict=True) if is_missing(task.answer)]
        if missing:
            shown = ", ".join(missing[:_NUM_PLACES_SHOWN]) + (", ..." if len(missing) > _NUM_PLACES_SHOWN else "")
            raise TaskError(
                f"{len(missing)} of {len(rows)} rows of {name} have no answer ({mapping.answer or 'last assistant message'}): {shown}. "
                "Remove them, name another column with --set data.columns.answer=NAME, or none with --set data.columns.answer="
            )
    seen: dict[str, str] = {}
    for row, task in zip(rows, tasks, strict=True):
        if task.id in seen:
            raise TaskError(f"{row.place}: id {task.id!r} is already that of {seen[task.id]}; ids must be unique (no id column: --set data.columns.id=)")
        seen[task.id] = row.place
    return tasks


def is_missing(answer: Any) -> bool:
    """Whether there is no answer: none at all, no number, or a text without characters."""
    return answer is None or (isinstance(answer, float) and answer != answer) or (isinstance(answer, str) and not answer.strip())


def build_task(row: Row, index: int, mapping: ColumnMapping, config: DataConfig, *, stem: str) -> Task:
    """Turn one row into a task; whether an answer is there, and whether its id is its own, is for the caller to say.

    Raises:
        TaskError: an empty or malformed prompt.
    """
    known = {mapping.prompt, *(role for role in ("answer", "id", "source") if getattr(mapping, role) == role)}
    info = {column: value for column, value in row.values.items() if column not in known}
    metadata = read_column(row.values, mapping.metadata) if mapping.metadata else None
    if isinstance(metadata, Mapping):
        info = {**{str(key): value for key, value in metadata.items()}, **info}
    prompt, last_message = _read_prompt(read_column(row.values, mapping.prompt), mapping.prompt, place=row.place)
    answer = read_column(row.values, mapping.answer) if mapping.answer else None
    if last_message is not None:
        info["reference_completion"] = last_message
        answer = last_message if mapping.is_answer_last_message else answer
    if mapping.is_answer_after_marker and isinstance(answer, str):
        info[mapping.full_answer] = answer
        answer = answer.partition(FINAL_ANSWER_MARKER)[2].strip()
    identity = read_column(row.values, mapping.id) if mapping.id else None
    source = read_column(row.values, mapping.source) if mapping.source else None
    return Task(
        id=f"{stem}-{index}" if identity is None else str(identity),
        prompt=dress(prompt, config),
        answer=answer,
        info=info,
        source=source if isinstance(source, str) and source else stem,
    )


def _read_prompt(value: Any, column: str, *, place: str) -> tuple[str | tuple[Message, ...], str | None]:
    """The prompt, and the assistant message that ended it, which must not be shown to the model."""
    if isinstance(value, str) and value.strip():
        return value, None
    if value is None or value in ("", []) or isinstance(value, str):
        raise TaskError(f"{place}: the prompt (column {column!r}) is empty; remove the row, or name another column with --set data.columns.prompt=NAME")
    if not isinstance(value, list):
        raise TaskError(f"{place}: the prompt (column {column!r}) must be text or a list of messages; it is a {type(value).__name__}")
    messages = tuple(_read_message(message, place=f"{place}: message {number} of {column!r}") for number, message in enumerate(value, start=1))
    last_message = messages[-1].content if messages[-1].role == "assistant" else None
    kept = messages if last_message is None else messages[:-1]
    if not any(message.content.strip() for message in kept if message.role == "user"):
        raise TaskError(f"{place}: the conversation in column {column!r} has no user message with text before the model's turn")
    return kept, last_message


def _read_message(message: Any, *, place: str) -> Message:
    if not isinstance(message, Mapping) or "role" not in message or "content" not in message:
        raise TaskError(f'{place} must be an object {{"role": ..., "content": ...}}')
    role, content = message["role"], message["content"]
    if role not in ("system", "user", "assistant", "tool"):
        raise TaskError(f"{place} " + unknown(str(role), kind="role", allowed=("system", "user", "assistant", "tool")))
    if not isinstance(content, str):
        raise TaskError(f"{place}: content must be text; it is a {type(content).__name__} (images and content parts are not supported)")
    if message.get("tool_calls"):
        raise TaskError(f"{place}: tool_calls in a prompt are not supported; write the call out as text, or remove the message")
    return Message(role, content)


def dress(prompt: str | tuple[Message, ...], config: DataConfig) -> str | tuple[Message, ...]:
    """Put the template around a prompt and the system message before it."""
    if isinstance(prompt, str):
        text = config.template.replace("{prompt}", prompt)
        return text if config.system is None else (Message("system", config.system), Message("user", text))
    last_user = max(index for index, message in enumerate(prompt) if message.role == "user")
    wrapped = [Message("user", config.template.replace("{prompt}", message.content)) if index == last_user else message for index, message in enumerate(prompt)]
    if config.system is not None:
        wrapped = [Message("system", config.system), *(message for message in wrapped if message.role != "system")]
    return tuple(wrapped)
