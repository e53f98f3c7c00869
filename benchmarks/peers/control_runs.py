"""What the control peers share, each in an environment of its own without Proctor: the curve of a run, and its file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WINDOW, POINTS = 100, 100


def curve(episodes: Sequence[tuple[int, float]], num_steps: int) -> list[tuple[int, float]]:
    """(steps, mean return of the last 100 episodes so far), at about `POINTS` places."""
    points: list[tuple[int, float]] = []
    for number, (step, _) in enumerate(episodes, 1):
        if step >= (len(points) + 1) * num_steps // POINTS or number == len(episodes):
            points.append((step, round(mean([value for _, value in episodes[max(0, number - WINDOW) : number]]), 2)))
    return points


def mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def write(path: Path, found: dict[str, Any]) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=2) + "\n")
    draft.replace(path)


__all__ = ["POINTS", "WINDOW", "curve", "mean", "write"]
