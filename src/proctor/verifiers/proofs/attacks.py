"""What an attack on a proof checker is: a proof body that must not be accepted, and the class of the trick.

The classes are those of threats to formal verification: A1 placeholders, A2 new axioms, A3 untrusted evaluation, A4 notations and
instances, A5 another statement under the same name, A6 kernel checks turned off, A7 trusted names shadowed, A8 side effects at
elaboration, A9 resources, A10 comments and ends of file, A11 breaking out of the checker's text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """One proof body that proves nothing.

    Attributes:
        name: in a few words.
        threat: its class, "A1" to "A11".
        proof: what the model would write.
    """

    name: str
    threat: str
    proof: str
