"""The statistics of a schedule as a file of the checkpoint that they belong to."""

from __future__ import annotations

import json
from pathlib import Path

from proctor.data.schedule import Schedule
from proctor.errors import LearnerError

_NAME = "schedule.json"


def save_schedule(schedule: Schedule | None, directory: Path) -> None:
    """Write what later draws depend on; without a schedule they depend on the step alone, and nothing is written."""
    if schedule is not None:
        (directory / _NAME).write_text(json.dumps(schedule.state()) + "\n", encoding="utf-8")


def restore_schedule(schedule: Schedule | None, directory: Path) -> None:
    """Go on from what `save_schedule` wrote.

    Raises:
        LearnerError: the file is missing, torn or of other sources.
    """
    if schedule is None:
        return
    try:
        state = json.loads((directory / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LearnerError(f"{directory / _NAME} cannot be read ({error}); delete the checkpoint to resume from the one before") from error
    schedule.restore(state)
