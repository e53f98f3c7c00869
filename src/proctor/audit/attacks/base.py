"""What one class of threat is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from proctor.audit.specimen import Specimen, Surface

MAX_INSTANCES = 20
"""At most so many instances of a class are counted on one task: variants of one hack are one hack."""


@dataclass(frozen=True, slots=True)
class Threat:
    """One way to be paid without being right.

    Attributes:
        id: `surface.name`.
        surfaces: where it applies.
        description: what it does and which carelessness pays for it.
        source: where it is documented.
        make: its instances for one task; none where the task offers no hold.
        is_policy: whether being paid is a fault depends on what the target declares (a verifier of the last number pays for a last number):
            reported apart.
    """

    id: str
    surfaces: frozenset[Surface]
    description: str
    source: str
    make: Callable[[Specimen], Iterable[str]]
    is_policy: bool = False

    def instances(self, specimen: Specimen) -> list[str]:
        """Return its completions for one task, distinct, without the gold completion itself."""
        distinct = dict.fromkeys(completion for completion in self.make(specimen) if completion != specimen.gold)
        return list(islice(distinct, MAX_INSTANCES))
