"""The lab: published claims as small experiments with seeds, intervals and verdicts that may be negative."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.lab.experiments import imitation, lengths, supervision
from proctor.lab.experiments.records import Experiment

EXPERIMENTS: Mapping[str, Experiment] = {experiment.name: experiment for room in (supervision, lengths, imitation) for experiment in room.EXPERIMENTS}
"""Every experiment by the name that `proctor lab` takes."""
