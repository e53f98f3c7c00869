"""The short names of Proctor's own verifiers; everything else is an import string."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proctor.errors import ConfigError
from proctor.plugins import load

ENTRY_POINT_GROUP = "proctor.verifiers"
ALIASES = {
    "math": "proctor.verifiers.mathematics:MathVerifier",
    "number": "proctor.verifiers.mathematics:number_verifier",
    "equations": "proctor.verifiers.equations:EquationsVerifier",
    "code": "proctor.verifiers.programs:ProgramVerifier",
    "exact": "proctor.verifiers.text:ExactVerifier",
    "choice": "proctor.verifiers.text:ChoiceVerifier",
    "f1": "proctor.verifiers.text:F1Verifier",
    "regex": "proctor.verifiers.text:RegexVerifier",
    "format": "proctor.verifiers.format:FormatVerifier",
    "mode": "proctor.verifiers.thinking:ModeVerifier",
    "instructions": "proctor.verifiers.instructions:InstructionVerifier",
    "json": "proctor.verifiers.structured:JsonVerifier",
    "sql": "proctor.verifiers.sql:SqlVerifier",
    "language": "proctor.verifiers.language:LanguageConsistency",
    "repetition": "proctor.verifiers.repetition:RepetitionPenalty",
    "judge": "proctor.verifiers.judge:reference_judge",
    "pairwise": "proctor.verifiers.judge:pairwise_judge",
    "gate": "proctor.verifiers.composition:Gate",
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


def make_verifier(name: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
    """Return a verifier that is ready to be called: an alias or a class is called with the arguments, a function takes none.

    Raises:
        ConfigError: the name is unknown, or the arguments do not fit.
    """
    loaded = load_verifier(name)
    if name not in ALIASES and not isinstance(loaded, type):
        if arguments:
            raise ConfigError(f"{name!r} is a function, so it takes no arguments; given: {', '.join(arguments)}")
        return loaded
    try:
        return loaded(**arguments)
    except TypeError as error:
        raise ConfigError(f"arguments of the verifier {name!r}: {error}") from error
