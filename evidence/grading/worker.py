"""Grades rows read from standard input with one grader, one JSON line in, one out. Runs in a process that may be killed.

    python -m evidence.grading.worker NAME

The first line out says whether the grader can be imported, and its version.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Grader = Callable[[str, str], bool]


def proctor() -> tuple[Grader, str]:
    from proctor.core.task import Outcome, Task
    from proctor.verifiers.mathematics import MathVerifier

    verifier = MathVerifier()
    return lambda gold, completion: verifier(completion, Task("t", "", gold)).outcome is Outcome.CORRECT, version("proctor")


def math_verify() -> tuple[Grader, str]:
    from math_verify import parse, verify

    return lambda gold, completion: bool(verify(parse(_as_formula(gold)), parse(completion))), version("math-verify")


def trl() -> tuple[Grader, str]:
    from trl.rewards import accuracy_reward

    def grade(gold: str, completion: str) -> bool:
        return accuracy_reward([[{"role": "assistant", "content": completion}]], [_as_formula(gold)])[0] == 1.0

    return grade, f"{version('trl')} on math-verify {version('math-verify')}"


def inspect_ai() -> tuple[Grader, str]:
    from inspect_ai.scorer import _math as scorer  # the two functions that its worker process runs

    def grade(gold: str, completion: str) -> bool:
        targets, error = scorer._parse_targets_worker((gold,))
        if error is not None:
            raise ValueError(error)
        return scorer._score_answer_worker(completion, targets).status == "correct"

    return grade, version("inspect-ai")


def verl_math_reward() -> tuple[Grader, str]:
    module = _module_of("verl", "utils/reward_score/math_reward.py")
    return lambda gold, completion: module.compute_score(completion, gold) == 1.0, version("verl")


def verl_math_dapo() -> tuple[Grader, str]:
    module = _module_of("verl", "utils/reward_score/math_dapo.py")

    def grade(gold: str, completion: str) -> bool:
        box = completion.removeprefix(r"\boxed{").removesuffix("}")
        return bool(module.compute_score(completion if box == completion else f"Answer: {box}", gold)["acc"])

    return grade, version("verl")


GRADERS: dict[str, Callable[[], tuple[Grader, str]]] = {
    "Proctor": proctor,
    "math-verify": math_verify,
    "TRL accuracy_reward": trl,
    "inspect-ai math": inspect_ai,
    "verl math_reward": verl_math_reward,
    "verl math_dapo": verl_math_dapo,
}


def _as_formula(gold: str) -> str:
    """The gold answer as math-verify wants it: a formula between dollar signs, unless it says so itself."""
    return gold if "$" in gold or r"\boxed" in gold else f"${gold}$"


def _module_of(package: str, path: str) -> Any:
    """Load one file of a package without importing the package."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ImportError(f"{package} is not installed")
    spec = importlib.util.spec_from_file_location("graded", Path(found.submodule_search_locations[0]) / path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a grader prints does not end up among the verdicts
    try:
        grade, found = GRADERS[sys.argv[1]]()
        grade("2", r"\boxed{3}")
    except Exception as error:
        print(json.dumps({"unavailable": f"{type(error).__name__}: {error}"}), file=channel, flush=True)
        return
    print(json.dumps({"version": found}), file=channel, flush=True)
    for line in sys.stdin:
        row = json.loads(line)
        start = time.process_time()
        try:
            reply: dict[str, Any] = {"paid": grade(row["gold"], row["completion"])}
        except BaseException as error:
            reply = {"raised": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(reply | {"seconds": time.process_time() - start}), file=channel, flush=True)


if __name__ == "__main__":
    main()
