"""`proctor verify`: rows of completions in, one JSON row of verdict each out, in order; everything for people on standard error."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from proctor.core.task import Outcome, Score
from proctor.errors import ConfigError
from proctor.sandbox.base import MEBIBYTE, Limits
from proctor.verifiers.cases import Case, read_cases
from proctor.verifiers.grading import Grader, Verdict, is_paid
from proctor.verifiers.names import make_verifier

ROWS_AT_ONCE = 512


def run(options: argparse.Namespace) -> int:
    """Grade a file; returns 0 when every row got a verdict, 1 when `--cases` found a disagreement."""
    timeout_s, limits = grading_limits(options)
    verifier = make_verifier(options.verifier, parse_arguments(options.arguments))
    outcomes: Counter[str] = Counter()
    table: Counter[tuple[str, str]] = Counter()
    disagreements: list[str] = []
    with (
        _open(options.file) as lines,
        Grader(verifier, name=options.verifier, num_workers=options.workers, timeout_s=timeout_s, limits=limits) as grader,
    ):
        for case, verdict in _graded(grader, read_cases(lines)):
            print(json.dumps(_row(case, verdict), allow_nan=False), flush=True)
            outcomes[_outcome(verdict.score)] += 1
            if options.cases:
                table[_expectation(case), _outcome(verdict.score)] += 1
                if not _agrees(case, verdict.score):
                    disagreements.append(_disagreement(case, verdict.score))
    print(f"{outcomes.total()} rows: {', '.join(f'{count} {name}' for name, count in outcomes.most_common()) or 'none'}", file=sys.stderr)
    if options.cases:
        print("\n".join([*_confusion(table), *disagreements[:20]]), file=sys.stderr)
        more = len(disagreements) - 20
        print(f"{len(disagreements)} of {outcomes.total()} disagree{f'; {more} more are not shown' if more > 0 else ''}", file=sys.stderr)
    return 1 if disagreements else 0


def parse_arguments(assignments: Sequence[str]) -> dict[str, Any]:
    """Read `KEY=VALUE` pairs for a verifier; a value that is JSON is taken as such, any other as text.

    Raises:
        ConfigError: one of them is no pair.
    """
    arguments: dict[str, Any] = {}
    for assignment in assignments:
        key, found, value = assignment.partition("=")
        if not found or not key.isidentifier():
            raise ConfigError(f"--argument {assignment!r} is not KEY=VALUE, as in ignore_case=true")
        try:
            arguments[key] = json.loads(value)
        except ValueError:
            arguments[key] = value
        if isinstance(arguments[key], list):
            arguments[key] = tuple(arguments[key])
    return arguments


def grading_limits(options: argparse.Namespace) -> tuple[float, Limits]:
    """Wall seconds for a completion and the limits of the workers, from --timeout, --memory-mib and --workers.

    Raises:
        ConfigError: no time, no worker, or too little memory to start an interpreter.
    """
    timeout_s = 10.0 if options.timeout is None else options.timeout
    memory_mib = 2048 if options.memory_mib is None else options.memory_mib
    if options.workers is not None and options.workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {options.workers}")
    if not timeout_s > 0 or not math.isfinite(timeout_s):
        raise ConfigError(f"--timeout must be a positive number of seconds, not {timeout_s}")
    if memory_mib < 64:
        raise ConfigError(f"--memory-mib must be at least 64, not {memory_mib}")
    return timeout_s, Limits(memory_bytes=memory_mib * MEBIBYTE)


def _open(file: str) -> Any:
    if file == "-":
        return nullcontext(sys.stdin)
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"there is no file {file!r} here ({Path.cwd()}); give a file of JSON lines, or - for standard input")
    return path.open(encoding="utf-8", errors="surrogateescape", newline="\n")


def _graded(grader: Grader, cases: Iterator[Case]) -> Iterator[tuple[Case, Verdict]]:
    """Yield each case with its verdict, in order, a few hundred being graded at a time."""
    while part := list(islice(cases, ROWS_AT_ONCE)):
        requests = [case.request for case in part if case.request is not None]
        verdicts = iter(grader.grade(requests))
        for case in part:
            yield case, next(verdicts) if case.request is not None else Verdict(Score.error(case.problem), 0.0)


def _row(case: Case, verdict: Verdict) -> dict[str, Any]:
    score = verdict.score
    return {
        "id": case.id,
        "line": case.line,
        "outcome": None if score.outcome is None else score.outcome.value,
        "value": score.value,
        "extracted": score.extracted,
        "reason": score.reason,
        "seconds": round(verdict.seconds, 6),
    }


def _outcome(score: Score) -> str:
    return "no outcome" if score.outcome is None else score.outcome.value


def _expectation(case: Case) -> str:
    return " or ".join(sorted(case.expected)) or "nothing"


def _agrees(case: Case, score: Score) -> bool:
    verdict = score.outcome or (Outcome.CORRECT if is_paid(score) else Outcome.INCORRECT)
    return verdict in case.expected


def _disagreement(case: Case, score: Score) -> str:
    name = f"line {case.line}" + ("" if case.id is None else f" (id {case.id!r})")
    return ascii_only(f"{name}: expected {_expectation(case)}, got {_outcome(score)}" + (f": {score.reason}" if score.reason else ""))


def ascii_only(text: str) -> str:
    """A text with everything escaped that could drive a terminal."""
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text)


def _confusion(table: Counter[tuple[str, str]]) -> list[str]:
    """The confusion table as lines: expectations down, verdicts across."""
    columns = sorted({got for _, got in table})
    width = max([len("expected"), *(len(expected) for expected, _ in table)])
    head = f"{'expected':<{width}}  " + "  ".join(f"{column:>10}" for column in columns)
    rows = [f"{expected:<{width}}  " + "  ".join(f"{table[expected, column]:>10}" for column in columns) for expected in sorted({e for e, _ in table})]
    return [head, *rows]
