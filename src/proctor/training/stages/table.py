"""What a staged run found, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def stage_table(summary: Mapping[str, Any]) -> Sequence[tuple[str, str, float, float, float]]:
    """Stage, probe, mean and interval of every evaluation, in order."""
    entries = [*([{"name": "start", **summary["start"]}] if "start" in summary else []), *summary["stages"]]
    return [
        (entry["name"], probe, values["mean"], values["low"], values["high"]) for entry in entries for probe, values in entry.get("evaluations", {}).items()
    ]
