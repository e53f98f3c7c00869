"""A second opinion: the `metamath` program judges a batch of theorems.

It ends with status 0 whatever it finds, and says nothing of proofs that hold, so its words are read: it must have
read the whole file without an error, and must have refused the sentinel that stands after the last theorem.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from proctor.errors import SandboxError
from proctor.verifiers.proofs.metamath.records import Hypothesis, Pair, Theorem

PREFIX = "pj."
TIMEOUT_S = 300.0
_REFUSED = re.compile(r'^\?Error on line .*, label "pj\.(\d+)", type "\$p"', re.MULTILINE)
_UNPROVED = re.compile(r"were not proved:([^\n]*(?:\n  [^\n]*)*)")


@dataclass(frozen=True, slots=True)
class Question:
    """A theorem with a proof to be judged.

    Attributes:
        theorem: its variables must be typed at the end of the database.
        proof: the proof's tokens, joined by spaces.
        disjoint: further conditions, on variables that only the proof uses: the program wants them written down.
    """

    theorem: Theorem
    proof: str
    disjoint: frozenset[Pair] = frozenset()


def second_opinion(database: Path, questions: Sequence[Question]) -> list[bool]:
    """Ask the `metamath` program whether proofs hold at the end of a database.

    Raises:
        SandboxError: the program is missing, or its answer is not understood.
    """
    sentinel = len(questions)
    with tempfile.TemporaryDirectory(prefix="proctor-metamath-") as name:
        with Path(name, "all.mm").open("wb") as file:
            file.write(database.read_bytes() + b"\n")
            for number, question in enumerate(questions):
                file.write(_source(number, question).encode())
            file.write(_source(sentinel, Question(questions[0].theorem, "no-such-label")).encode())
        command = ["metamath", "set width 9999", "read all.mm", f"verify proof {PREFIX}*", "exit"]
        try:
            answer = subprocess.run(command, cwd=name, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise SandboxError(f"the metamath program failed: {error}") from error
    read, _, verified = answer.partition("MM> verify proof")
    if "No errors were found." not in read:
        raise SandboxError(f"the metamath program did not read the file: {read[-600:]}")
    refused = {int(number) for number in _REFUSED.findall(verified)}
    refused |= {int(number) for block in _UNPROVED.findall(verified) for number in re.findall(r"pj\.(\d+)", block)}
    if sentinel not in refused:
        raise SandboxError(f"the metamath program did not come to the end: {verified[-600:]}")
    return [number not in refused for number in range(len(questions))]


def _source(number: int, question: Question) -> str:
    """Write a theorem under labels of its own: those of the database are taken."""
    own = question.theorem.assertion
    essential = [one for one in own.hypotheses if not one.is_floating]
    names = {one.label: f"{PREFIX}{number}.{place}" for place, one in enumerate(essential)}
    lines = ["${", *_conditions(own.disjoint | question.disjoint), *_hypotheses(essential, names)]
    proof = " ".join(names.get(token, token) for token in question.proof.split())
    return "\n".join([*lines, f"  {PREFIX}{number} $p {' '.join(own.expression)} $= {proof} $.", "$}", ""])


def _conditions(disjoint: Set[Pair]) -> list[str]:
    return [f"  $d {one} {other} $." for one, other in sorted(disjoint)]


def _hypotheses(essential: Sequence[Hypothesis], names: dict[str, str]) -> list[str]:
    return [f"  {names[one.label]} $e {' '.join(one.expression)} $." for one in essential]
