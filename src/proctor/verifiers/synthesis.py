"""Makes hidden tests for a programming problem that has none: inputs from generators, outputs by majority of accepted solutions.

Everything runs in the sandbox. Kimi k1.5 made 50 inputs for each problem, took 10 accepted solutions, kept an input where at
least 7 agree, and a problem where at least 9 pass all that is kept. Right where accepted solutions are right for
independent reasons; solutions that share a mistake agree on it, and a problem with several right outputs loses its tests.

Source: Kimi Team, "Kimi k1.5" (2025), section 2.3.1, "Test case generation for coding".
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from proctor.errors import SandboxError, TaskError
from proctor.sandbox.base import ExecLimits, ExecStatus, PythonCall, Sandbox, Session
from proctor.verifiers.comparison import Comparison, same_text
from proctor.verifiers.languages import prelude_for
from proctor.verifiers.program_tests import StdinTest

NUM_SOLUTIONS = 10


@dataclass(frozen=True, slots=True)
class SynthesizedTest:
    """An input on which enough solutions agree.

    Attributes:
        test: the input, and the output that most solutions write.
        num_agreeing: how many of them.
    """

    test: StdinTest
    num_agreeing: int


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What came of a problem.

    Attributes:
        tests: those kept, in the order of generation, without repeated inputs.
        num_generated: distinct inputs that the generators made.
        num_failed: calls of generators that made none.
        num_passing: solutions, of those asked, that pass all kept tests.
        is_kept: whether enough pass, and there is a test at all.
    """

    tests: tuple[SynthesizedTest, ...]
    num_generated: int
    num_failed: int
    num_passing: int
    is_kept: bool

    def as_info(self) -> list[dict[str, str]]:
        """The tests as `task.info["tests"]` holds them."""
        return [{"input": kept.test.stdin, "output": kept.test.expected} for kept in self.tests]


def synthesize_tests(
    generators: Sequence[str],
    solutions: Sequence[str],
    sandbox: Sandbox,
    *,
    num_tests: int = 50,
    min_agreeing: int = 7,
    min_passing: int = 9,
    seed: int = 0,
    limits: ExecLimits | None = None,
) -> Synthesis:
    """Make tests for one problem.

    Args:
        generators: Python programs that read a seed, one integer, and print one input; used in turn.
        solutions: at least 10 Python programs that were accepted elsewhere; 10 of them are drawn.
        sandbox: where all of them run.
        num_tests: how many inputs to ask for.
        min_agreeing: of 10 solutions, how many must write the same output.
        min_passing: of 10 solutions, how many must pass all kept tests.
        seed: of the draw and of the generators' seeds.
        limits: for each run.

    Raises:
        TaskError: no generator, or fewer than 10 solutions.
        SandboxError: the sandbox failed.
    """
    if not generators or len(solutions) < NUM_SOLUTIONS:
        raise TaskError(f"test synthesis needs a generator and at least {NUM_SOLUTIONS} accepted solutions; given: {len(generators)} and {len(solutions)}")
    draw = random.Random(seed)
    chosen = draw.sample(list(solutions), NUM_SOLUTIONS)
    bounds = limits or ExecLimits()
    with sandbox.session() as session:
        made = [_output(session, generators[index % len(generators)], f"{draw.getrandbits(31)}\n", bounds) for index in range(num_tests)]
    inputs = list(dict.fromkeys(text for text in made if text is not None))
    outputs: list[list[str | None]] = []
    for solution in chosen:
        with sandbox.session() as session:
            outputs.append([_output(session, solution, text, bounds) for text in inputs])
    kept: list[SynthesizedTest] = []
    for index, text in enumerate(inputs):
        answers = Counter(_canonical(column[index]) for column in outputs if column[index] is not None)
        expected, num_agreeing = answers.most_common(1)[0] if answers else ("", 0)
        if num_agreeing >= min_agreeing:
            kept.append(SynthesizedTest(StdinTest(text, expected), num_agreeing))
    position = {text: index for index, text in enumerate(inputs)}
    num_passing = sum(all(_agrees(column[position[one.test.stdin]], one.test.expected) for one in kept) for column in outputs)
    return Synthesis(tuple(kept), len(inputs), made.count(None), num_passing, bool(kept) and num_passing >= min_passing)


def _output(session: Session, source: str, stdin: str, limits: ExecLimits) -> str | None:
    """Return what a program writes; None if it fails."""
    result = session.run(PythonCall(source, stdin=stdin.encode(), prelude=prelude_for(source)), limits)
    if result.status is ExecStatus.UNAVAILABLE:
        raise SandboxError(result.reason)
    if result.status is not ExecStatus.EXITED or result.exit_code != 0:
        return None
    return result.stdout.decode("utf-8", "replace")


def _canonical(output: str | None) -> str:
    return "\n".join(line.rstrip() for line in (output or "").rstrip().split("\n"))


def _agrees(output: str | None, expected: str) -> bool:
    return output is not None and same_text(expected, output, Comparison())
