"""The lab: published claims as small experiments with seeds, intervals and verdicts that may be negative."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.lab.experiments import behaviour, imitation, lengths, optimizing, sampling, sorting, supervision, teachers, thinking
from proctor.lab.experiments.records import Experiment

_ROOMS = (supervision, optimizing, lengths, imitation, teachers, behaviour, sampling, thinking, sorting)

EXPERIMENTS: Mapping[str, Experiment] = {experiment.name: experiment for room in _ROOMS for experiment in room.EXPERIMENTS}
"""Every experiment by the name that `proctor lab` takes."""
