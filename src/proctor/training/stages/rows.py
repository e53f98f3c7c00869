"""Tasks as rows of a JSON Lines file, from which the loaders make the same tasks again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from proctor.core import Task


def task_row(task: Task, *, id: str, without: Collection[str] = ()) -> dict[str, Any]:
    """The columns of a task.

    Args:
        task: that is written.
        id: of the row; a task may become several.
        without: keys of its `info` that are left out.
    """
    prompt: Any = [message.as_dict() for message in task.messages] if len(task.messages) > 1 else task.prompt_text
    info = {key: value for key, value in task.info.items() if key not in without}
    source = {"source": task.source} if task.source else {}
    return {"id": id, "prompt": prompt, "answer": task.answer, **source, "metadata": info}


def json_lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
