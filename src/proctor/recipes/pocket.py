"""Pre-train the laboratory model from scratch."""

from __future__ import annotations

from proctor.config import RunConfig
from proctor.training.pocket import pocket_pretraining


def pocket() -> RunConfig:
    """Train the `pocket` policy (0.8M parameters, characters) on worked additions for about a minute; runs that name it do so by themselves."""
    return pocket_pretraining()
