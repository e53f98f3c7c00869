"""The trusted kernel: replays a Metamath proof and returns what it derives.

A proof is a list of steps for a stack machine; each step pushes a hypothesis, or pops the hypotheses of an assertion and
pushes its instance. Nothing is searched or guessed, and work is counted in symbols, so that a proof which saves and
doubles an expression ends at a limit instead of in the memory of the machine.

Source: Megill and Wheeler (2019), sections 4.1.3 (substitution, disjoint variables), 4.1.4 (proofs), appendix B
(compressed proofs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from enum import Enum

from proctor.verifiers.proofs.metamath.records import Assertion, Expression, Hypothesis, Pair, Theorem, pair

DEFAULT_MAX_SYMBOLS = 5_000_000
"""Symbols written and compared for one proof; no proof of the databases that Debian packages needs a twentieth of it."""


class ProofError(Exception):
    """The proof is not a proof of its statement, for the reason given. Always the proof's own fault."""


class Mark(Enum):
    """What stands in a compressed proof beside steps."""

    SAVE = "Z"


@dataclass(frozen=True, slots=True)
class Recall:
    """Push the expression that the `index`-th `Z` saved."""

    index: int


Step = Hypothesis | Assertion | Recall | Mark


@dataclass(frozen=True, slots=True)
class Derivation:
    """What a proof derives.

    Attributes:
        conclusion: the one expression that is left on the stack.
        disjoint: pairs of variables that must be disjoint for the proof to hold.
        cited: the assertions that it uses.
        num_symbols: work done.
    """

    conclusion: Expression
    disjoint: frozenset[Pair]
    cited: tuple[Assertion, ...]
    num_symbols: int


def parse_proof(tokens: Sequence[str], theorem: Theorem, find: Callable[[str], Assertion | None]) -> list[Step]:
    """Turn a proof's tokens, normal or compressed, into steps.

    Args:
        tokens: what stands between `$=` and `$.`.
        theorem: what is to be proved; its hypotheses may be used.
        find: returns the assertion of a label if the proof may use it.

    Raises:
        ProofError: an unknown label, an incomplete or malformed proof.
    """
    local = {one.label: one for one in theorem.floating} | {one.label: one for one in theorem.assertion.hypotheses}

    def step(label: str) -> Hypothesis | Assertion:
        found = local.get(label) or find(label)
        if found is None:
            raise ProofError("the proof is incomplete: it contains ?" if label == "?" else f"{label[:80]!r} is no hypothesis, axiom or earlier theorem")
        return found

    if not tokens:
        raise ProofError("the proof is empty")
    if tokens[0] != "(":
        return [step(label) for label in tokens]
    if ")" not in tokens:
        raise ProofError("the compressed proof's list of labels is not closed")
    end = tokens.index(")")
    mandatory = theorem.assertion.hypotheses
    cited = [step(label) for label in tokens[1:end]]
    if repeated := {one.label for one in mandatory}.intersection(tokens[1:end]):
        raise ProofError(f"the compressed proof lists {min(repeated)!r}, which is a mandatory hypothesis already")
    return _decompress("".join(tokens[end + 1 :]), (*mandatory, *cited))


def derive(steps: Iterable[Step], variables: Set[str], *, max_symbols: int) -> Derivation:
    """Run a proof.

    Args:
        steps: from `parse_proof`.
        variables: every symbol that is a variable.
        max_symbols: work allowed.

    Raises:
        ProofError: a step does not apply, the stack does not end with one expression, or the work exceeds its limit.
    """
    stack: list[Expression] = []
    saved: list[Expression] = []
    disjoint: set[Pair] = set()
    cited: dict[str, Assertion] = {}
    work = 0
    for step in steps:
        match step:
            case Hypothesis():
                stack.append(step.expression)
            case Recall():
                stack.append(saved[step.index])
            case Mark():
                saved.append(stack[-1])
            case Assertion():
                work += _apply(step, stack, variables, disjoint, max_symbols - work)
                cited[step.label] = step
    if len(stack) != 1:
        raise ProofError(f"the proof leaves {len(stack)} expressions; it must leave one")
    return Derivation(stack[0], frozenset(disjoint), tuple(cited.values()), work)


def _apply(assertion: Assertion, stack: list[Expression], variables: Set[str], disjoint: set[Pair], budget: int) -> int:
    """Replace an assertion's hypotheses on the stack by its instance; return the number of symbols written and compared."""
    base = len(stack) - len(assertion.hypotheses)
    if base < 0:
        raise ProofError(f"{assertion.label} needs {len(assertion.hypotheses)} hypotheses; the stack holds {len(stack)}")
    substitution: dict[str, Expression] = {}
    work = 1
    for hypothesis, given in zip(assertion.hypotheses, stack[base:], strict=True):
        if hypothesis.is_floating:
            if given[0] != hypothesis.expression[0]:
                raise ProofError(f"{assertion.label}: {hypothesis.variable} must be a {hypothesis.expression[0]}, not a {given[0]}")
            substitution[hypothesis.variable] = given[1:]
            continue
        work += _size(hypothesis.expression, substitution)
        _spend(work, budget)
        if _substitute(hypothesis.expression, substitution) != given:
            raise ProofError(f"{assertion.label}: the hypothesis {hypothesis.label} is not matched")
    if assertion.disjoint:
        used = {name: variables & set(value) for name, value in substitution.items()}
        work += sum(map(len, substitution.values()))
        for one, other in assertion.disjoint:
            work += len(used[one]) * len(used[other])
            _spend(work, budget)
            for left in used[one]:
                if left in used[other]:
                    raise ProofError(f"{assertion.label}: {one} and {other} must be disjoint, but {left} is in both")
                disjoint.update(pair(left, right) for right in used[other])
    work += _size(assertion.expression, substitution)
    _spend(work, budget)
    del stack[base:]
    stack.append(_substitute(assertion.expression, substitution))
    return work


def _substitute(template: Expression, substitution: dict[str, Expression]) -> Expression:
    """Replace the variables of an expression, all at once."""
    written: list[str] = []
    for symbol in template:
        replacement = substitution.get(symbol)
        if replacement is None:
            written.append(symbol)
        else:
            written.extend(replacement)
    return tuple(written)


def _size(template: Expression, substitution: dict[str, Expression]) -> int:
    return sum(len(substitution[symbol]) if symbol in substitution else 1 for symbol in template)


def _spend(work: int, budget: int) -> None:
    if work > budget:
        raise ProofError("the proof writes more symbols than the limit allows")


def _decompress(letters: str, known: Sequence[Hypothesis | Assertion]) -> list[Step]:
    """Decode the letters of a compressed proof: U-Y are leading digits in base 5, A-T the last in base 20, Z saves."""
    steps: list[Step] = []
    num_saved = number = 0
    for letter in letters:
        if "A" <= letter <= "T":
            index = number * 20 + ord(letter) - ord("A")
            number = 0
            if index < len(known):
                steps.append(known[index])
            elif index < len(known) + num_saved:
                steps.append(Recall(index - len(known)))
            else:
                raise ProofError(f"the compressed proof names step {index + 1}; there are {len(known) + num_saved}")
        elif "U" <= letter <= "Y":
            number = number * 5 + ord(letter) - ord("U") + 1
            if number > len(known) + num_saved:
                raise ProofError("the compressed proof names a step that does not exist")
        elif letter == "Z":
            if number or not steps or steps[-1] is Mark.SAVE:
                raise ProofError("Z in the compressed proof does not follow a step")
            steps.append(Mark.SAVE)
            num_saved += 1
        else:
            raise ProofError("the proof is incomplete: it contains ?" if letter == "?" else f"{letter!r} is no letter of a compressed proof")
    if number:
        raise ProofError("the compressed proof ends within a number")
    return steps
