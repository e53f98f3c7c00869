"""Measure the proof checkers: databases verified, mutants refused, attacks refused, seconds. Writes docs/results/proofs.json.

python evidence/proofs.py [--databases /usr/share/metamath/databases]

Needs the programs metamath, cadical, coqc, coqchk and bwrap, and the Metamath databases that Debian packages.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # what makes refutations with a solver is the tests'

from common import DOCS, write_json
from tests.verifiers.proofs.formulas import naive_is_refutation, refutation

from proctor.core.task import Outcome, Score, Task
from proctor.verifiers.proofs.coq.attacks import ATTACKS, GOOD, STATEMENT
from proctor.verifiers.proofs.coq.checker import coq_verifier
from proctor.verifiers.proofs.lrat import mutants as lrat_mutants
from proctor.verifiers.proofs.lrat.dimacs import Formula, format_dimacs
from proctor.verifiers.proofs.lrat.elaborate import format_lrat
from proctor.verifiers.proofs.lrat.families import extended_pigeonhole, parity, pigeonhole, random_3sat, solution
from proctor.verifiers.proofs.lrat.kernel import Step
from proctor.verifiers.proofs.lrat.reward import assignment_verifier, lrat_verifier
from proctor.verifiers.proofs.metamath import mutants as metamath_mutants
from proctor.verifiers.proofs.metamath.database import load_database, prove, statement_source, verify_file
from proctor.verifiers.proofs.metamath.program import Question, second_opinion
from proctor.verifiers.proofs.metamath.records import Theorem
from proctor.verifiers.proofs.metamath.reward import metamath_verifier

DATABASES = ("demo0.mm", "miu.mm", "big-unifier.mm", "hol.mm", "ql.mm", "iset.mm", "nf.mm", "set.mm")
MUTATED = ("ql.mm", "hol.mm", "iset.mm", "nf.mm", "set.mm")
THEOREMS_PER_DATABASE = 30
SEEDS = (0, 1)
COQ_REPEATS = 10
_REFUSED = re.compile(r'^\?Error on line .*, label "([^"]+)", type "\$p"', re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", type=Path, default=Path("/usr/share/metamath/databases"))
    folder = parser.parse_args().databases
    found = {"command": "python evidence/proofs.py", "machine": _machine(), "seeds": list(SEEDS)}
    found |= {
        "databases": [_verified(folder / name) for name in DATABASES],
        "metamath": _metamath_campaign(folder),
        "lrat": _lrat_campaign(),
        "coq": _coq_table(),
    }
    write_json(DOCS / "results" / "proofs.json", found)


def _verified(path: Path) -> dict[str, Any]:
    """Verify every proof of a database, and let the metamath program do the same."""
    start = time.perf_counter()
    verdicts = list(verify_file(path))
    seconds = time.perf_counter() - start
    command = ["metamath", "set width 9999", f"read '{path}'", "verify proof *", "exit"]
    start = time.perf_counter()
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = sorted(set(_REFUSED.findall(answer)))
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        "proofs": len(verdicts),
        "refused": [one.label for one in verdicts if one.reason],
        "refused_by_program": refused,
        "seconds": round(seconds, 2),
        "seconds_of_program": round(time.perf_counter() - start, 2),
        "most_symbols_for_one_proof": max(one.num_symbols for one in verdicts),
    }


def _metamath_campaign(folder: Path) -> dict[str, Any]:
    """Score valid proofs and mutants as rewards, and ask the metamath program about the same."""
    rows = [row for name in MUTATED for row in _metamath_rows(folder / name)]
    return _campaign([(kind, ours, theirs) for kind, ours, theirs, _ in rows], [seconds for *_, seconds in rows]) | {
        "theorems_per_database": THEOREMS_PER_DATABASE,
        "disagreements_with_program": sum(ours != theirs for _, ours, theirs, _ in rows),
    }


def _metamath_rows(path: Path) -> list[tuple[str, bool, bool, float]]:
    database = load_database(path)
    typed = set(database.floating)
    theorems = [one for one in database.theorems.values() if one.assertion.expression[0] == "|-" and typed.issuperset(one.floating)]
    questions: list[tuple[str, Question, str]] = []
    for seed in SEEDS:
        for theorem in random.Random(seed).sample(theorems, min(THEOREMS_PER_DATABASE, len(theorems))):
            needed = prove(theorem, theorem.proof, database).disjoint
            before = theorem.assertion.label
            questions.append(("valid", Question(theorem, theorem.proof, needed), before))
            for one in metamath_mutants.mutants(theorem, database, seed=seed):
                own = one.theorem.assertion.variables
                questions.append((one.kind, Question(one.theorem, one.proof, frozenset(two for two in needed if not own.issuperset(two))), before))
    theirs = second_opinion(path, [question for _, question, _ in questions])
    verify = metamath_verifier()
    rows: list[tuple[str, bool, bool, float]] = []
    for (kind, question, before), opinion in zip(questions, theirs, strict=True):
        score = verify(f"```metamath\n{question.proof}\n```", _metamath_task(path, question.theorem, before))
        rows.append((kind, _is_paid(score), opinion, score.metrics["proof_seconds"]))
    return rows


def _metamath_task(path: Path, theorem: Theorem, before: str) -> Task:
    return Task(before, "", info={"database": str(path), "before": before, "statement": statement_source(theorem)})


def _lrat_campaign() -> dict[str, Any]:
    """Score refutations that a solver found and their mutants as rewards; solutions beside them."""
    verify = lrat_verifier()
    rows: list[tuple[str, bool, bool]] = []
    seconds: list[float] = []
    for formula, steps, is_large in _refutations():
        variants = [("valid", formula, tuple(steps))]
        for seed in () if is_large else SEEDS:
            variants += [(one.kind, one.formula, one.steps) for one in lrat_mutants.mutants(formula, steps, seed=seed)]
        for kind, asked, written in variants:
            score = verify(f"```lrat\n{format_lrat(written)}\n```", Task("", "", info={"cnf": format_dimacs(asked)}))
            rows.append((kind, _is_paid(score), naive_is_refutation(asked, written)))
            seconds.append(score.metrics["proof_seconds"])
    return _campaign(rows, seconds) | {"disagreements_with_naive_checker": sum(ours != theirs for _, ours, theirs in rows)} | _solutions()


def _refutations() -> Iterable[tuple[Formula, list[Step], bool]]:
    small = [*(pigeonhole(holes) for holes in (3, 4, 5)), *(parity(size, size) for size in (5, 6, 8)), *(random_3sat(20, 120, seed) for seed in range(12))]
    for formula in small:
        yield formula, refutation(formula), False
    for holes in (3, 4, 5):
        formula, definitions = extended_pigeonhole(holes)
        yield formula, refutation(formula, definitions), False
    for formula in (pigeonhole(6), parity(16, 16), *(random_3sat(100, 500, seed) for seed in range(3))):
        yield formula, refutation(formula), True


def _solutions() -> dict[str, Any]:
    """Score solutions of random formulas, and each with one literal changed so that a clause becomes false."""
    verify = assignment_verifier()
    accepted = refused = count = 0
    for seed in range(40):
        formula = random_3sat(20, 60, seed)
        true = solution(formula.clauses)
        if true is None:
            continue
        count += 1
        task = Task("", "", info={"cnf": format_dimacs(formula)})
        lone = next(clause & true for clause in formula.clauses if len(clause & true) == 1)
        accepted += _is_paid(verify(_written(true), task))
        refused += not _is_paid(verify(_written(true - lone | {-literal for literal in lone}), task))
    return {"solutions": count, "solutions_accepted": accepted, "broken_solutions_refused": refused}


def _written(literals: frozenset[int]) -> str:
    return f"```assignment\n{' '.join(map(str, sorted(literals, key=abs)))}\n```"


def _coq_table() -> dict[str, Any]:
    verify = coq_verifier(timeout_s=20.0)
    task = Task("", "", info={"statement": STATEMENT})
    good = {name: [verify(f"```coq\n{proof}\n```", task) for _ in range(COQ_REPEATS)] for name, proof in GOOD.items()}
    attacks = {one.name: verify(f"```coq\n{one.proof}\n```", task) for one in ATTACKS}
    seconds = [score.metrics["proof_seconds"] for scores in good.values() for score in scores]
    return {
        "good": len(good),
        "good_accepted": sum(all(map(_is_paid, scores)) for scores in good.values()),
        "attacks": len(attacks),
        "attacks_accepted": [name for name, score in attacks.items() if _is_paid(score)],
        "attacks_that_compile": sum("compile" not in score.reason for score in attacks.values()),
        "seconds_median": round(statistics.median(seconds), 2),
        "seconds_range": [round(min(seconds), 2), round(max(seconds), 2)],
    }


def _campaign(rows: list[tuple[str, bool, bool]], seconds: list[float]) -> dict[str, Any]:
    """Sum up (kind, accepted, accepted by the other program): mutants that the other program accepts too are counted apart."""
    valid = [ours for kind, ours, _ in rows if kind == "valid"]
    changed = [(kind, ours, theirs) for kind, ours, theirs in rows if kind != "valid"]
    return {
        "valid": len(valid),
        "valid_accepted": sum(valid),
        "mutants": sum(not theirs for *_, theirs in changed),
        "mutants_accepted": sum(ours and not theirs for _, ours, theirs in changed),
        "still_valid_by_the_other_program": sum(theirs for *_, theirs in changed),
        "by_kind": dict(sorted(Counter(kind for kind, *_ in changed).items())),
        "seconds_median": round(statistics.median(seconds), 4),
        "seconds_max": round(max(seconds), 3),
    }


def _is_paid(score: Score) -> bool:
    return score.outcome is Outcome.CORRECT


def _machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    metamath = subprocess.run(["metamath", "exit"], capture_output=True, text=True, check=False).stdout.splitlines()[0].split("  ")[0]
    coq = subprocess.run(["coqc", "--version"], capture_output=True, text=True, check=False).stdout.splitlines()[0]
    cadical = subprocess.run(["cadical", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {metamath}, {coq}, CaDiCaL {cadical}"


if __name__ == "__main__":
    main()
