"""Metamath proofs as a reward, and tasks cut from a database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from proctor.core.task import Task
from proctor.errors import ConfigError
from proctor.verifiers.proofs.base import ProofReport, ProofVerifier, optional_text, required_text
from proctor.verifiers.proofs.metamath.database import Database, database_of, load_database, prove, state, statement_source
from proctor.verifiers.proofs.metamath.kernel import DEFAULT_MAX_SYMBOLS, ProofError
from proctor.verifiers.proofs.metamath.records import Theorem

MAX_WALL_S = 120.0
"""A worker reads a database once; the largest takes ten seconds of a quiet processor."""
PROMPT = """Prove this theorem of the Metamath database {name}:

{statement}

You may use every axiom and theorem that stands before it. Answer with the proof alone (what stands between $= and $.), normal or compressed, in a block:
```metamath
...
```"""


@dataclass(frozen=True, slots=True)
class MetamathChecker:
    """Checks a proof of `info["statement"]` from `info["database"]`.

    A task's `info` holds: `database`, the path of a `.mm` file, or `database_source`, its text; `statement`, Metamath source
    of the theorem with its `$d` and `$e` and the proof `?`; `before`, the label of the assertion in whose place it
    stands (only what precedes that may be used), or nothing for the end of the database.

    Its report names the `$a` statements that the proof cites itself; what the cited theorems rest on is the database's.

    Attributes:
        max_symbols: symbols written and compared for one proof.
    """

    max_symbols: int = DEFAULT_MAX_SYMBOLS

    @property
    def languages(self) -> tuple[str, ...]:
        return ("metamath", "mm")

    @property
    def max_wall_s(self) -> float:
        return MAX_WALL_S

    def require_statement(self, task: Task) -> None:
        """Read the database and the statement.

        Raises:
            TaskError: either is malformed.
        """
        goal_of(task)

    def check(self, proof: str, task: Task) -> ProofReport:
        """Check one proof.

        Raises:
            TaskError: the database or the statement is malformed.
        """
        start = time.perf_counter()
        theorem, database = goal_of(task)
        try:
            derivation = prove(theorem, proof, database, max_symbols=self.max_symbols)
        except ProofError as error:
            return ProofReport(False, str(error), (), time.perf_counter() - start)
        axioms = tuple(sorted(one.label for one in derivation.cited if one.is_axiom))
        return ProofReport(True, "", axioms, time.perf_counter() - start)


def metamath_verifier(max_symbols: int = DEFAULT_MAX_SYMBOLS) -> ProofVerifier:
    """Return the verifier of Metamath proofs."""
    return ProofVerifier(MetamathChecker(max_symbols))


def goal_of(task: Task) -> tuple[Theorem, Database]:
    """Return what a task asks to prove, and from what.

    Raises:
        TaskError: the database or the statement is malformed.
    """
    source = optional_text(task.info, "database_source")
    database = database_of(source) if source else load_database(required_text(task, "database"))
    return state(required_text(task, "statement"), database, optional_text(task.info, "before")), database


def tasks_from_database(path: str | Path, labels: Iterable[str] | None = None) -> Iterator[Task]:
    """Cut theorems out of a database: each is to be proved from what stands before it.

    Args:
        path: the `.mm` file.
        labels: which theorems; None for every one of typecode `|-` that has a proof.

    Yields:
        Tasks whose answer is the database's own proof.

    Raises:
        TaskError: the database is malformed.
        ConfigError: a label is no theorem of it.
    """
    database = load_database(path)
    for label in database.theorems if labels is None else labels:
        theorem = database.theorems.get(label)
        if theorem is None:
            raise ConfigError(f"{str(path)!r} has no theorem {label!r}")
        has_proof = "?" not in theorem.proof
        if labels is None and (theorem.assertion.expression[0] != "|-" or not has_proof):
            continue
        statement = statement_source(theorem)
        prompt = PROMPT.format(name=Path(path).name, statement=statement)
        info = {"database": str(path), "before": label, "statement": statement}
        yield Task(f"{Path(path).stem}-{label}", prompt, theorem.proof if has_proof else None, info, source=Path(path).stem)


__all__ = ["MetamathChecker", "goal_of", "metamath_verifier", "tasks_from_database"]
