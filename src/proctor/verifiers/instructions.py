"""Verifies that a completion follows instructions about its form, in the manner of IFEval.

It reads form alone: a completion that obeys every instruction and says nothing is CORRECT here. Pair it with a judge of the
content, as a veto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proctor.core.task import Outcome, Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.plugins import unknown
from proctor.verifiers.constraints import CONSTRAINTS, Arguments
from proctor.verifiers.extraction import after_reasoning

Strictness = Literal["strict", "loose"]


@dataclass(frozen=True, slots=True)
class InstructionVerifier:
    """CORRECT if the completion follows every instruction of its task; the value can be the share that it follows.

    The task carries `info["instructions"] = [{"id": "keywords:existence", "arguments": {"keywords": [...]}}, ...]`, or IFEval's own
    columns `instruction_id_list` and `kwargs`. Only what follows the reasoning is read; an empty text follows nothing.

    Source: Zhou et al. 2023 (2311.07911): strict accuracy, and loose accuracy over eight variants of the response.

    Attributes:
        strictness: `strict` reads the text as it is; `loose` also without its first line, its last line, both, and without asterisks.
        partial_credit: the value is the share of instructions followed, and not 0, where some are not.
    """

    strictness: Strictness = "strict"
    partial_credit: bool = False

    def __post_init__(self) -> None:
        if self.strictness not in ("strict", "loose"):
            raise ConfigError(f"strictness must be 'strict' or 'loose', not {self.strictness!r}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion; its reason names the instructions that were not followed.

        Raises:
            TaskError: the task has no instructions, or one of them is unknown or lacks an argument.
        """
        instructions = read_instructions(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        if not text.strip():
            return Score.unparsed("an empty completion")
        versions = list(variants(text)) if self.strictness == "loose" else [text.strip()]
        failed = [name for name, arguments in instructions if not any(CONSTRAINTS[name].check(version, arguments) for version in versions)]
        metrics = {"instructions_followed": 1 - len(failed) / len(instructions)}
        if not failed:
            return Score(Outcome.CORRECT, 1.0, metrics=metrics)
        value = metrics["instructions_followed"] if self.partial_credit else 0.0
        return Score(Outcome.INCORRECT, value, None, f"not followed: {', '.join(failed)}", metrics)


def variants(text: str) -> Iterator[str]:
    """Yield the eight readings of a loose check: first line, last line, or both removed; each with and without asterisks."""
    lines = text.strip().split("\n")
    for start, end in ((0, len(lines)), (1, len(lines)), (0, len(lines) - 1), (1, len(lines) - 1)):
        reading = "\n".join(lines[start:end]).strip()
        if reading:
            yield reading
            yield reading.replace("*", "")


def read_instructions(task: Task) -> list[tuple[str, Arguments]]:
    """Return the instructions of a task with their arguments.

    Raises:
        TaskError: there are none, or one is unknown, malformed or lacks an argument.
    """
    given = task.info.get("instructions")
    if given is None and "instruction_id_list" in task.info:
        names, arguments = task.info["instruction_id_list"], task.info.get("kwargs") or [{}] * len(task.info["instruction_id_list"])
        if len(names) != len(arguments):
            raise TaskError(f"task {task.id} has {len(names)} entries in instruction_id_list but {len(arguments)} in kwargs")
        given = [{"id": name, "arguments": own or {}} for name, own in zip(names, arguments, strict=True)]
    if not isinstance(given, (list, tuple)) or not given:
        raise TaskError(f'task {task.id} has no instructions; give info["instructions"] = [{{"id": ..., "arguments": {{...}}}}, ...]')
    return [_read_instruction(task, entry) for entry in given]


def _read_instruction(task: Task, entry: Any) -> tuple[str, Arguments]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
        raise TaskError(f'task {task.id}: an instruction must be an object with "id" and "arguments", not {entry!r}')
    name, arguments = entry["id"], entry.get("arguments") or {}
    if name not in CONSTRAINTS:
        raise TaskError(f"task {task.id}: " + unknown(name, kind="instruction", allowed=CONSTRAINTS))
    if not isinstance(arguments, Mapping):
        raise TaskError(f"task {task.id}: the arguments of {name} must be an object, not {arguments!r}")
    arguments = {key: value for key, value in arguments.items() if value is not None}  # tables hold every argument's name in every row
    if name == "combination:repeat_prompt" and "prompt_to_repeat" not in arguments:
        arguments["prompt_to_repeat"] = task.prompt_text
    if name == "detectable_format:multiple_sections" and not {"section_spliter", "section_splitter"} & arguments.keys():
        arguments["section_splitter"] = "Section"
    missing = [argument for argument in CONSTRAINTS[name].required if argument not in arguments]
    if missing:
        raise TaskError(f"task {task.id}: instruction {name} needs {', '.join(missing)}; it has {', '.join(arguments) or 'no arguments'}")
    return name, arguments
