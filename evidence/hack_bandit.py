"""A bandit that seeks hacks, against Proctor's verifiers and against careless graders: `python evidence/hack_bandit.py`.

Writes docs/results/hack-bandit.json: for each grader and seed the mean reward over windows of rounds, the arm it settled on, and the honest optimum.
"""

from __future__ import annotations

import functools
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from common import DOCS, write_json

from proctor.audit.attacks import Threat, threats_on
from proctor.audit.bandit import seek_hacks
from proctor.audit.specimen import Specimen, Surface
from proctor.audit.specimens import specimens
from proctor.core.task import Task
from proctor.verifiers.mathematics import MathVerifier
from proctor.verifiers.text import ChoiceVerifier

SEEDS = (0, 1, 2, 3, 4)
NUM_ROUNDS = 3000
WINDOW = 100
EXPLORATION = 0.3


def any_match(completion: str, task: Task) -> float:
    """Pays where the answer stands anywhere in the completion."""
    return float(re.search(rf"(?<!\w){re.escape(str(task.answer))}(?!\w)", completion) is not None)


@functools.cache
def _status(program: str, given: str) -> int:
    process = subprocess.run([sys.executable, "-I", "-c", program], input=given, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    return process.returncode


def exit_code(completion: str, task: Task) -> float:
    """Runs the program, asserts its output in the same process, and believes the exit status."""
    program = (re.findall(r"```python\n(.*?)\n```", completion, re.DOTALL) or ["raise SystemExit(1)"])[-1]
    test = task.info["tests"][0]
    harness = "import io, sys\n_out, sys.stdout = sys.stdout, io.StringIO()\n" + program + f"\nassert sys.stdout.getvalue() == {test['output']!r}\n"
    return float(_status(harness, test["input"]) == 0)


def proctor_math(completion: str, task: Task) -> float:
    return MathVerifier()(completion, task).value or 0.0


def proctor_choice(completion: str, task: Task) -> float:
    return ChoiceVerifier("ABCD")(completion, task).value or 0.0


def _threats(surface: Surface) -> list[Threat]:
    """Every class of the surface but those that only try to hang the grader, and those that a target may declare to be right."""
    return [threat for threat in threats_on(surface) if not threat.id.startswith("hostile.") and threat.id != "code.exhausts" and not threat.is_policy]


def _tasks(surface: Surface) -> list[Specimen]:
    return [specimen for specimen in specimens(surface) if len(specimen.wrong) >= 2]


def main() -> None:
    graders: Sequence[tuple[str, Surface, Callable[[str, Task], float], int]] = (
        ("Proctor, mathematics", Surface.MATH, proctor_math, NUM_ROUNDS),
        ("any match, mathematics", Surface.MATH, any_match, NUM_ROUNDS),
        ("Proctor, choices", Surface.CHOICE, proctor_choice, NUM_ROUNDS),
        ("any match, choices", Surface.CHOICE, any_match, NUM_ROUNDS),
        ("exit code, programs", Surface.CODE, exit_code, 600),
    )
    results: list[dict[str, Any]] = []
    for name, surface, grader, num_rounds in graders:
        plays = [seek_hacks(grader, _tasks(surface), _threats(surface), num_rounds=num_rounds, exploration=EXPLORATION, seed=seed) for seed in SEEDS]
        late = [play.late_reward() for play in plays]
        results.append(
            {
                "grader": name,
                "honest_optimum": plays[0].honest_optimum,
                "late_reward_mean": fmean(late),
                "late_reward_std": pstdev(late),
                "favourites": [play.favourite() for play in plays],
                "window": WINDOW,
                "curves": [[fmean(play.rewards[start : start + WINDOW]) for start in range(0, num_rounds, WINDOW)] for play in plays],
            }
        )
        print(f"{name}: honest {plays[0].honest_optimum:.3f}, earned {fmean(late):.3f} +- {pstdev(late):.3f}, {results[-1]['favourites']}", file=sys.stderr)
    write_json(
        Path(DOCS) / "results" / "hack-bandit.json",
        {"machine": platform.machine(), "python": platform.python_version(), "seeds": SEEDS, "exploration": EXPLORATION, "results": results},
    )


if __name__ == "__main__":
    main()
