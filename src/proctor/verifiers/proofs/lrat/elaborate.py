"""Turns a solver's DRAT proof into LRAT: finds for every clause the hints by unit propagation.

Not trusted: whatever comes out is checked by the kernel like any other proof. It serves to make reference proofs with
solvers that write DRAT only.

Source: Wetzler, Heule, Hunt, "DRAT-trim" (SAT 2014); hints as in Cruz-Filipe et al. (CADE 2017), section 4. As there, deletions of clauses that are
the reason of a top-level unit are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set

from proctor.verifiers.proofs.lrat.dimacs import Clause, Formula
from proctor.verifiers.proofs.lrat.kernel import Addition, Deletion, ProofError, Step


def elaborate(formula: Formula, drat: str) -> list[Step]:
    """Return an LRAT proof with the same clauses as a DRAT proof in text form, up to the empty clause.

    Raises:
        ProofError: a clause is neither RUP nor RAT on its first literal, or the empty clause is missing.
    """
    trail = _Trail()
    for number, clause in enumerate(formula.clauses, 1):
        trail.insert(number, tuple(clause))
    ids: dict[Clause, list[int]] = defaultdict(list)
    for number, clause in enumerate(formula.clauses, 1):
        ids[clause].append(number)
    steps: list[Step] = []
    last = len(formula.clauses)
    for is_deletion, literals in _lemmas(drat):
        key = frozenset(literals)
        if is_deletion:
            known = ids.get(key)
            if known and not trail.is_reason(known[-1]):
                trail.remove(known[-1])
                steps.append(Deletion((known.pop(),)))
            continue
        last += 1
        steps.append(Addition(last, literals, trail.hints(literals)))
        if not literals:
            return steps
        trail.insert(last, literals)
        ids[key].append(last)
    steps.append(Addition(last + 1, (), trail.hints(())))
    return steps


def format_lrat(steps: Sequence[Step]) -> str:
    """Write steps in the text form of LRAT."""
    lines: list[str] = []
    last = 1
    for step in steps:
        if isinstance(step, Deletion):
            lines.append(" ".join(map(str, (last, "d", *step.ids, 0))))
        else:
            last = step.id
            lines.append(" ".join(map(str, (step.id, *step.literals, 0, *step.hints, 0))))
    return "\n".join(lines)


def _lemmas(drat: str) -> Iterator[tuple[bool, tuple[int, ...]]]:
    for line in drat.splitlines():
        words = line.split()
        if words and words[0] != "c":
            is_deletion = words[0] == "d"
            yield is_deletion, tuple(int(word) for word in words[is_deletion:-1])


class _Trail:
    """Clauses with two watched literals each, and the literals that follow from them."""

    def __init__(self) -> None:
        self._clauses: dict[int, list[int]] = {}
        self._watches: dict[int, list[int]] = defaultdict(list)
        self._reasons: dict[int, int] = {}  # true literal -> clause that made it so; 0 for an assumption
        self._order: list[int] = []
        self._conflict: int | None = None  # at the top level

    def insert(self, number: int, literals: Sequence[int]) -> None:
        clause = sorted(set(literals), key=lambda literal: -literal in self._reasons)  # literals that are not false first
        self._clauses[number] = clause
        for literal in clause[:2]:
            self._watches[literal].append(number)
        if self._conflict is None:
            start = len(self._order)
            if not clause or -clause[0] in self._reasons:
                self._conflict = number
            elif (len(clause) == 1 or -clause[1] in self._reasons) and clause[0] not in self._reasons:
                self._assign(clause[0], number)
                self._conflict = self._propagate(start)

    def remove(self, number: int) -> None:
        del self._clauses[number]

    def is_reason(self, number: int) -> bool:
        return any(self._reasons.get(literal) == number for literal in self._clauses[number])

    def hints(self, literals: Sequence[int]) -> tuple[int, ...]:
        """Return hints that justify a clause.

        Raises:
            ProofError: there are none.
        """
        top = len(self._order)
        assumed = {-literal for literal in literals}
        conflict = self._assume(assumed)
        try:
            if conflict is not None:
                return self._chain(conflict, assumed)
            if not literals:
                raise ProofError("unit propagation does not refute the formula")
            return self._resolution_hints(literals[0], assumed)
        finally:
            self._undo(top)

    def _resolution_hints(self, pivot: int, assumed: Set[int]) -> tuple[int, ...]:
        base = len(self._order)
        groups: list[int] = []
        shared: set[int] = set()
        for number, clause in list(self._clauses.items()):
            if -pivot not in clause:
                continue
            also = {-literal for literal in clause if literal != -pivot}
            conflict = self._assume(also)
            if conflict is None:
                raise ProofError(f"a clause is neither RUP nor RAT on {pivot}: clause {number} is in the way")
            before = {self._reasons[literal] for literal in self._order[:base]}
            chain = self._chain(conflict, assumed | also)
            shared.update(before.intersection(chain[:-1]))
            groups += [-number, *(one for one in chain[:-1] if one not in before), *chain[-1:]]
            self._undo(base)
        ordered = [self._reasons[literal] for literal in self._order if self._reasons[literal] in shared]
        return (*ordered, *groups)

    def _assume(self, literals: Set[int]) -> int | None:
        """Take literals to be true; return the clause that is thereby false, 0 if they contradict each other, None if neither."""
        if any(-literal in literals for literal in literals):
            return 0
        if against := literals & {-literal for literal in self._order}:
            first = next(literal for literal in self._order if -literal in against)  # an earlier hint would be false already
            return self._reasons[first]
        if self._conflict is not None:
            return self._conflict
        start = len(self._order)
        for literal in literals - self._reasons.keys():
            self._assign(literal, 0)
        return self._propagate(start)

    def _assign(self, literal: int, reason: int) -> None:
        self._reasons[literal] = reason
        self._order.append(literal)

    def _undo(self, length: int) -> None:
        for literal in self._order[length:]:
            del self._reasons[literal]
        del self._order[length:]

    def _propagate(self, start: int) -> int | None:
        position = start
        while position < len(self._order):
            false = -self._order[position]
            position += 1
            watching, self._watches[false] = self._watches[false], []
            for index, number in enumerate(watching):
                clause = self._clauses.get(number)
                if clause is None:
                    continue
                if self._moves_on(clause, false, number):
                    continue
                self._watches[false].append(number)
                if clause[0] in self._reasons:
                    continue
                if -clause[0] in self._reasons:
                    self._watches[false] += watching[index + 1 :]
                    return number
                self._assign(clause[0], number)
        return None

    def _moves_on(self, clause: list[int], false: int, number: int) -> bool:
        """Put the false literal second, and watch another that is not false instead, if there is one."""
        if len(clause) == 1:
            return False
        if clause[0] == false:
            clause[0], clause[1] = clause[1], clause[0]
        if clause[0] in self._reasons:
            return False
        for place in range(2, len(clause)):
            if -clause[place] not in self._reasons:
                clause[1], clause[place] = clause[place], clause[1]
                self._watches[clause[1]].append(number)
                return True
        return False

    def _chain(self, conflict: int, assumed: Set[int]) -> tuple[int, ...]:
        """Return the clauses that lead from assumptions to a false clause, in the order in which they became unit."""
        if not conflict:
            return ()
        needed = {-literal for literal in self._clauses[conflict]}
        chain: list[int] = []
        for literal in reversed(self._order):
            reason = self._reasons[literal]
            if literal in needed and literal not in assumed and reason != conflict:
                chain.append(reason)
                needed |= {-other for other in self._clauses[reason] if other != literal}
        return (*reversed(chain), conflict)
