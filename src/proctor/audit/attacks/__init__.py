"""The library of attacks: every class of threat that Proctor knows, by surface."""

from proctor.audit.attacks import answers, hostile, judges, numerals, programs, texts
from proctor.audit.attacks.base import MAX_INSTANCES, Threat
from proctor.audit.specimen import Surface

LIBRARY: tuple[Threat, ...] = (*answers.THREATS, *numerals.THREATS, *texts.THREATS, *hostile.THREATS, *judges.THREATS, *programs.THREATS)


def threats_on(surface: Surface) -> tuple[Threat, ...]:
    """Return the classes that apply to one surface."""
    return tuple(threat for threat in LIBRARY if surface in threat.surfaces)


__all__ = ["LIBRARY", "MAX_INSTANCES", "Threat", "threats_on"]
