"""The short names of Proctor's own verifiers; everything else is an import string."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proctor.plugins import load

ENTRY_POINT_GROUP = "proctor.verifiers"
ALIASES = {
    "math": "proctor.verifiers.mathematics:MathVerifier",
    "number": "proctor.verifiers.mathematics:number_verifier",
    "equations": "proctor.verifiers.equations:EquationsVerifier",
    "exact": "proctor.verifiers.text:ExactVerifier",
    "choice": "proctor.verifiers.text:ChoiceVerifier",
    "regex": "proctor.verifiers.text:RegexVerifier",
    "format": "proctor.verifiers.format:FormatVerifier",
    "metamath": "proctor.verifiers.proofs.metamath.reward:metamath_verifier",
    "lrat": "proctor.verifiers.proofs.lrat.reward:lrat_verifier",
    "assignment": "proctor.verifiers.proofs.lrat.reward:assignment_verifier",
    "coq": "proctor.verifiers.proofs.coq.checker:coq_verifier",
    "lean": "proctor.verifiers.proofs.lean.checker:lean_verifier",
    "reasoning_gym": "proctor.verifiers.reasoning_gym:ReasoningGymVerifier",
}


def load_verifier(name: str) -> Callable[..., Any]:
    """Return what a name stands for: an alias gives a factory of verifiers, an import string whatever it names.

    Raises:
        ConfigError: the name is unknown.
    """
    return load(name, kind="verifier", aliases=ALIASES, group=ENTRY_POINT_GROUP)
