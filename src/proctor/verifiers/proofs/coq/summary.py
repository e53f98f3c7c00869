"""Reads what Coq's tools say of a development's foundations. Whatever is not understood counts against the proof.

`coqc` ends with status 0 on axioms, `Admitted`, and with its checks for guardedness, positivity and universes turned off, and so does
`coqchk`: only the context summary of `coqchk -o` tells. With `-norec` it lists as axioms also what modules of the
standard library keep abstract, so which of the library's axioms a theorem rests on is read from `Print Assumptions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TITLE = re.compile(r"\* ([^:]+):(.*)")
THEORY = "Theory"
AXIOMS = "Axioms"
SECTIONS = (
    THEORY,
    AXIOMS,
    "Constants/Inductives relying on type-in-type",
    "Constants/Inductives relying on unsafe (co)fixpoints",
    "Inductives whose positivity is assumed",
)
_NAME = re.compile(r"[^\s:]+")


@dataclass(frozen=True, slots=True)
class Summary:
    """The context summary of `coqchk -o`.

    Attributes:
        axioms: full names of what has no body, candidates' and library's.
        objections: why the context cannot be trusted whatever its axioms are; empty if it can.
    """

    axioms: tuple[str, ...]
    objections: tuple[str, ...]


def read_summary(text: str) -> Summary:
    """Read the output of `coqchk -o`."""
    entries: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.partition("CONTEXT SUMMARY")[2].splitlines():
        if title := _TITLE.match(line):
            if title.group(1) in entries:
                return Summary((), (f"coqchk's summary has {title.group(1)!r} twice",))
            current = entries[title.group(1)] = [word for word in (title.group(2).strip(),) if word]
        elif line.strip() and line.strip("=") and current is not None:
            current.append(line.strip())
    if tuple(entries) != SECTIONS:
        return Summary((), (f"coqchk's summary is not understood: {', '.join(entries) or 'empty'}",))
    objections = [f"{name}: {', '.join(found)[:200]}" for name, found in entries.items() if name not in (THEORY, AXIOMS) and found != ["<none>"]]
    if entries[THEORY] != ["Set is predicative"]:
        objections.insert(0, f"the theory is changed: {' '.join(entries[THEORY])}")
    axioms = entries[AXIOMS]
    return Summary(() if axioms == ["<none>"] else tuple(axioms), tuple(objections))


def read_assumptions(text: str) -> tuple[str, ...] | None:
    """Read the output of `Print Assumptions`: the names at the beginnings of its lines, none where it is closed; None if it is neither."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines == ["Closed under the global context"]:
        return ()
    if not lines or lines[0] != "Axioms:":
        return None
    names = [_NAME.match(line) for line in lines[1:] if not line[0].isspace()]
    return tuple(name.group() for name in names if name) if names and all(names) else None


def foundations(summary: Summary, assumptions: tuple[str, ...], allowed: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """Judge what a theorem rests on.

    Args:
        summary: of the modules, from `coqchk`.
        assumptions: of the theorem, from `Print Assumptions`, names as short as Coq prints them.
        allowed: full names of axioms.

    Returns:
        The axioms by full name, and an objection, empty if there is none.
    """
    if summary.objections:
        return (), "; ".join(summary.objections)
    if own := [name for name in summary.axioms if not name.startswith("Coq.") and name not in allowed]:
        return tuple(own), f"it adds axioms: {', '.join(own)[:200]}"
    used: list[str] = []
    for short in assumptions:
        matches = [name for name in summary.axioms if name == short or name.endswith("." + short)]
        if not matches or not allowed.issuperset(matches):
            return tuple(matches) or (short,), f"it rests on {short}, which is not among the allowed axioms"
        used += matches
    return tuple(sorted(set(used))), ""
