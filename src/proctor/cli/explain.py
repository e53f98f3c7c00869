"""`proctor explain`."""

from __future__ import annotations

from proctor.algorithms.explain import explain, explain_difference
from proctor.errors import ConfigError


def run(preset: str, other: str | None) -> int:
    """Print what a preset computes, or what another does otherwise."""
    try:
        print(explain(preset) if other is None else explain_difference(preset, other))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return 0
