"""The seam that every proof checker fits: the statement is in the task, the proof in the completion.

The model writes the proof and nothing else; the checker attaches it to the statement that the task gives. Whether the
right statement was proved is decided by a kernel that compares statements (or types), never by looking for words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from proctor.core.task import Score, Task
from proctor.errors import SandboxError, TaskError
from proctor.verifiers.extraction import after_reasoning

MAX_PROOF_CHARS = 1_000_000
MAX_SHOWN_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What a checker says of one proof.

    Attributes:
        accepted: the kernel accepted it as a proof of the task's statement from allowed axioms.
        reason: why not, in a few words; empty if it was accepted.
        axioms: the axioms that the proof rests on, as far as the checker knows them (see each checker).
        seconds: wall time.
    """

    accepted: bool
    reason: str
    axioms: tuple[str, ...]
    seconds: float


class ProofChecker(Protocol):
    """Checks proofs of one kind. Stateless and picklable."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Names after the three backquotes that open a block with such a proof."""
        ...

    @property
    def max_wall_s(self) -> float:
        """Seconds that one check may take, with what it has to read or compile first."""
        ...

    def require_statement(self, task: Task) -> None:
        """See that a task states something that could be proved, without any proof.

        Raises:
            TaskError: its statement is malformed.
            SandboxError: as for `check`.
        """
        ...

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one proof of a task's statement.

        Raises:
            TaskError: the task's statement is malformed.
            SandboxError: the checker's own programs failed for a reason that the proof cannot have caused.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProofVerifier:
    """CORRECT if the last fenced block of a completion is a proof of the task's statement.

    Any accepted proof is a proof, so several attempts in one completion gain nothing but the last one's chance.

    Attributes:
        checker: the kernel and what surrounds it.
    """

    checker: ProofChecker

    @property
    def max_wall_s(self) -> float:
        """Seconds that one call may take; a reward's workers allow at least this."""
        return self.checker.max_wall_s

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion. A checker that fails by itself is an ERROR, never a verdict.

        Raises:
            TaskError: the task's statement is malformed.
        """
        proof = extract_proof(completion, self.checker.languages)
        if proof is None:
            return Score.unparsed(f"no closed block of {' or '.join(self.checker.languages)} after the reasoning, of at most {MAX_PROOF_CHARS} characters")
        try:
            report = self.checker.check(proof, task)
        except SandboxError as error:
            return Score.error(str(error))
        shown = proof[:MAX_SHOWN_CHARS]
        score = Score.correct(shown) if report.accepted else Score.incorrect(shown, report.reason)
        return Score(score.outcome, score.value, shown, score.reason, {"proof_seconds": report.seconds}, {"axioms": ", ".join(report.axioms)})

    def gold(self, task: Task) -> str | None:
        """Return the completion that must be CORRECT; None where the task has no reference proof.

        Raises:
            TaskError: there is none, and the statement is malformed as well.
        """
        if task.answer is None:
            self.checker.require_statement(task)
            return None
        return f"```{self.checker.languages[0]}\n{task.answer}\n```"


def extract_proof(completion: str, languages: tuple[str, ...]) -> str | None:
    """Return the last closed fenced block of one of the languages; without any, the last block that names no language.

    Args:
        completion: what the model wrote; only what follows its reasoning is read.
        languages: allowed names after the opening backquotes, in small letters.

    Returns:
        The block's text; None if there is no such block, or it is too long.
    """
    text = after_reasoning(completion)
    named: str | None = None
    bare: str | None = None
    opened: str | None = None
    lines: list[str] = []
    for line in (text or "").splitlines():
        mark = line.strip()
        if opened is None:
            if mark.startswith("```") and "`" not in mark[3:]:
                opened, lines = mark[3:].strip().lower(), []
        elif mark == "```":
            if opened in languages:
                named = "\n".join(lines)
            elif not opened:
                bare = "\n".join(lines)
            opened = None
        else:
            lines.append(line)
    found = bare if named is None else named
    return found if found is not None and len(found) <= MAX_PROOF_CHARS else None


def required_text(task: Task, key: str) -> str:
    """Return a text that a task's `info` must have.

    Raises:
        TaskError: it is missing, empty or no text.
    """
    value = task.info.get(key)
    if not isinstance(value, str) or not value.strip():
        raise TaskError(f"task {task.id} needs info[{key!r}], a text; it has {'no such key' if value is None else repr(value)[:80]}")
    return value


def optional_text(info: Mapping[str, object], key: str) -> str:
    """Return a text that a task's `info` may have, empty where it has none.

    Raises:
        TaskError: it is no text.
    """
    value = info.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TaskError(f"info[{key!r}] must be a text, not {type(value).__name__}")
    return value
