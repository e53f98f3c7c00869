"""The campaign itself, and that its mutants are what they say and its tests are really run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants(source, path="given.py")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a + b", ["a + b -> a - b", "a + b -> a", "a + b -> b"]),
        ("x = a <= b", ["a <= b -> a < b", "a <= b -> a > b"]),
        ("x = f(1)", ["1 -> 2", "1 -> 0"]),
        ("x = f(-1)", ["-1 -> 0", "-1 -> -2"]),
        ("x = f(0.5)", ["0.5 -> 1.0", "0.5 -> 0.0", "0.5 -> -0.5"]),
        ("x = -a", ["-a -> a"]),
        ("x = ~a", ["~a -> a"]),
        ("x = a.detach()", ["a.detach() -> a"]),
        ("x = a.clamp(min=b)", ["a.clamp(min=b) -> a", "a.clamp(min=b) -> a.clamp()", "a.clamp(min=b) -> a.clamp(max=b)"]),
        ("x = torch.where(m, a, b)", ["torch.where(m, a, b) -> a", "torch.where(m, a, b) -> b", "torch.where(m, a, b) -> torch.where(m, b, a)"]),
        ("x = a.sum(keepdim=True)", ["a.sum(keepdim=True) -> a.sum()", "a.sum -> a.mean", "True -> False"]),
        ("x = torch.maximum(a, b)", ["torch.maximum -> torch.minimum"]),
        ("x = f(a, b)", ["f(a, b) -> f(b, a)"]),
        ("x = a and b", ["a and b -> a or b", "a and b -> b", "a and b -> a"]),
        ("require_same(a=a)", ["require_same(a=a) -> pass"]),
        ("if a:\n    raise ValueError(1 + 2)", ["if a:\n    raise ValueError(1 + 2) -> if False:\n    raise ValueError(1 + 2)"]),
        ('def f(a: Float[Tensor, "1"] = 1) -> 2:\n    """Text 1."""\n    return a', []),
        ('__all__ = ["a"]\nx = f"{1}"\ny = zip(a, b, strict=True)', ["zip(a, b, strict=True) -> zip(b, a, strict=True)"]),
    ],
)
def test_every_kind_of_change_is_made_and_no_other(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


def test_a_mutant_runs_as_changed_and_says_where() -> None:
    made: list[Mutant] = list(mutants("a = 5\nx = a - 2  # less\n", path="given.py"))
    results: list[object] = []
    for mutant in made:
        namespace: dict[str, object] = {}
        exec(mutant.code, namespace)
        results.append(namespace["x"])
    assert results == [4, 2, 7, 5, 2, 2, 4]
    assert (made[2].line, made[2].content) == (2, "x = a - 2  # less")


SCRIPT = """
import sys
from pathlib import Path
from tests.mutation import campaign
from tests.mutation.mutants import mutants
campaign.warm_up()
path = campaign.ROOM / "shapes.py"
kinds = {mutant.change: campaign.outcome("shapes", mutant) for mutant in mutants(path.read_text(), path=str(path))}
last = list(mutants(path.read_text() + "\\nUNUSED = 1\\n", path=str(path)))[-1]
print(campaign.outcome("shapes", None), set(kinds.values()), last.change, campaign.outcome("shapes", last))
"""


def test_what_changes_nothing_survives_and_what_breaks_a_check_does_not() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert found == "survived {'caught'} 1 -> 0 survived"


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_no_mutant_of_the_objective_room_survives(tmp_path: Path) -> None:

    results = tmp_path / "mutation.json"
    done = subprocess.run([sys.executable, "-m", "tests.mutation.campaign", "--results", str(results)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(results.read_text())["mutants"] >= 300
