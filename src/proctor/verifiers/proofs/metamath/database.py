"""A Metamath database in memory, and what can be done with a whole one: look up, verify, state a new theorem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from proctor.errors import TaskError
from proctor.verifiers.proofs.metamath.kernel import DEFAULT_MAX_SYMBOLS, Derivation, ProofError, derive, parse_proof
from proctor.verifiers.proofs.metamath.reader import Reader, Scope
from proctor.verifiers.proofs.metamath.records import Assertion, Hypothesis, Theorem
from proctor.verifiers.proofs.metamath.tokens import file_tokens, text_tokens

NUM_KEPT_DATABASES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Database:
    """Everything that a database declares. Its own proofs are kept, but not verified: `verify_file` does that.

    Attributes:
        assertions: axioms and theorems by label, in order.
        theorems: the `$p` among them, with their scopes and proofs.
        constants: every `$c`.
        variables: every `$v`, whether in scope at the end or not.
        floating: the `$f` in scope at the end.
    """

    assertions: dict[str, Assertion]
    theorems: dict[str, Theorem]
    constants: frozenset[str]
    variables: frozenset[str]
    floating: tuple[Hypothesis, ...]


def read_database(tokens: Iterator[str]) -> Database:
    """Read a whole database.

    Raises:
        TaskError: it is malformed.
    """
    reader = Reader(tokens)
    assertions: dict[str, Assertion] = {}
    theorems: dict[str, Theorem] = {}
    for found in reader:
        assertion = found.assertion if isinstance(found, Theorem) else found
        assertions[assertion.label] = assertion
        if isinstance(found, Theorem):
            theorems[assertion.label] = found
    return Database(assertions, theorems, frozenset(reader.scope.constants), frozenset(reader.scope.variables), reader.scope.floating)


def load_database(path: str | Path) -> Database:
    """Return the database of a file; the last few are kept in memory, and read again if the file changed.

    Raises:
        TaskError: it cannot be read, or is malformed.
    """
    try:
        state = Path(path).stat()
    except OSError as error:
        raise TaskError(f"the Metamath database {str(path)!r} cannot be read: {error.strerror}") from error
    return _load(str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=NUM_KEPT_DATABASES)
def _load(path: str, mtime_ns: int, size: int) -> Database:
    return read_database(file_tokens(Path(path)))


@lru_cache(maxsize=NUM_KEPT_DATABASES)
def database_of(source: str) -> Database:
    """Return the database of a text.

    Raises:
        TaskError: it is malformed.
    """
    return read_database(text_tokens(source))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one theorem of a database: `reason` is empty if its proof holds."""

    label: str
    reason: str
    num_symbols: int


def verify_file(path: Path, *, max_symbols: int = DEFAULT_MAX_SYMBOLS) -> Iterator[Verdict]:
    """Verify the proofs of a database one after another, while it is read.

    Args:
        path: the database.
        max_symbols: work allowed for one proof.

    Yields:
        A verdict for each `$p`, in order.

    Raises:
        TaskError: the database is malformed at the place that was reached.
    """
    return verify(file_tokens(path), max_symbols=max_symbols)


def verify(tokens: Iterator[str], *, max_symbols: int = DEFAULT_MAX_SYMBOLS) -> Iterator[Verdict]:
    """Verify the proofs of a database from its tokens. See `verify_file`."""
    reader = Reader(tokens)
    known: dict[str, Assertion] = {}
    for found in reader:
        if isinstance(found, Assertion):
            known[found.label] = found
            continue
        label = found.assertion.label
        try:
            derivation = derive(parse_proof(found.proof.split(), found, known.get), reader.scope.variables, max_symbols=max_symbols)
            _require_conclusion(derivation, found)
            if missing := derivation.disjoint - found.disjoint:
                raise ProofError(f"the condition that {' and '.join(min(missing))} are disjoint is missing")
        except ProofError as error:
            yield Verdict(label, str(error), 0)
        else:
            yield Verdict(label, "", derivation.num_symbols)
        known[label] = found.assertion


def prove(theorem: Theorem, proof: str, database: Database, *, max_symbols: int = DEFAULT_MAX_SYMBOLS) -> Derivation:
    """Check a proof of a theorem from what stands before it in a database.

    Conditions on the statement's own variables must be the theorem's. Conditions on further variables, which only the
    proof uses, are granted: they are no part of what is stated, since such a variable can always be chosen afresh.

    Raises:
        ProofError: the proof does not prove the theorem.
    """

    def find(label: str) -> Assertion | None:
        found = database.assertions.get(label)
        return found if found is not None and found.order < theorem.assertion.order else None

    variables = database.variables | {one.variable for one in theorem.floating}
    derivation = derive(parse_proof(proof.split(), theorem, find), variables, max_symbols=max_symbols)
    _require_conclusion(derivation, theorem)
    own = theorem.assertion.variables
    if missing := {two for two in derivation.disjoint if own.issuperset(two)} - theorem.assertion.disjoint:
        raise ProofError(f"the proof needs {' and '.join(min(missing))} to be disjoint, which the theorem does not say")
    return derivation


def _require_conclusion(derivation: Derivation, theorem: Theorem) -> None:
    if derivation.conclusion != theorem.assertion.expression:
        raise ProofError(f"it proves another statement: {' '.join(derivation.conclusion[:40])}")


def state(source: str, database: Database, before: str = "") -> Theorem:
    """Read the statement of a theorem as if it stood in a database.

    Args:
        source: Metamath source: `$d`, `$e` and one `$p` whose proof is `?`, in a block or not.
        database: what it builds on.
        before: label of the assertion in whose place it stands; empty for the end.

    Raises:
        TaskError: the source is no statement, or there is no such label.
    """
    if before and before not in database.assertions:
        raise TaskError(f"the Metamath database has no {before!r}")
    place = database.theorems.get(before)
    order = database.assertions[before].order if before else len(database.assertions)
    scope = Scope()
    scope.constants = set(database.constants)
    scope.variables = set(database.variables)
    scope.labels = {label for label, one in database.assertions.items() if one.order < order}
    for one in place.floating if place else database.floating:
        scope.active.add(one.variable)
        scope.labels.add(one.label)
        scope.add(one)
    found = list(Reader(text_tokens(source), scope, num_before=order))
    if len(found) != 1 or not isinstance(found[0], Theorem) or found[0].proof != "?":
        raise TaskError("a statement in Metamath is one $p whose proof is ?, with its $e and $d")
    return found[0]


def statement_source(theorem: Theorem) -> str:
    """Write a theorem without its proof, so that `state` reads it back: conditions, hypotheses, `$p` with the proof `?`."""
    own = theorem.assertion
    lines = [f"  $d {one} {other} $." for one, other in sorted(own.disjoint)]
    lines += [f"  {one.label} $e {' '.join(one.expression)} $." for one in own.hypotheses if not one.is_floating]
    lines.append(f"  {own.label} $p {' '.join(own.expression)} $= ? $.")
    return "\n".join(["${", *lines, "$}"])
