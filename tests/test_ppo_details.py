"""Every row of docs/ppo-details.md points at code that exists, or says why there is none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "ppo-details.md"
POINTER = re.compile(r"`([\w/]+\.py):([\w.]+)`")
EXPECTED = [
    *(str(number) for number in range(1, 38)),
    *(f"{letter}{number}" for letter, last in (("A", 4), ("G", 6), ("R", 3), ("P", 11), ("O", 1), ("E", 1)) for number in range(1, last + 1)),
]


def rows(text: str) -> list[list[str]]:
    """Cells of every row that describes a detail."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| #")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def pointers(text: str) -> list[tuple[str, str]]:
    return sorted(set(POINTER.findall(text)))


@cache
def defined_in(path: Path) -> frozenset[str]:
    """Names that a file defines at its top, and in its classes as Class.name."""

    def names(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from names(node.body, f"{prefix}{node.name}.")
            if isinstance(node, ast.Assign):
                yield from (prefix + target.id for target in node.targets if isinstance(target, ast.Name))

    return frozenset(names(ast.parse(path.read_text()).body))


def problem(file: str, name: str) -> str | None:
    path = ROOT / file if file.startswith("tests/") else ROOT / "src" / "proctor" / file
    if not path.is_file():
        return f"there is no file {file}"
    return None if name in defined_in(path) else f"{file} defines no {name}"


def test_every_detail_has_one_row_in_order() -> None:
    assert [row[0] for row in rows(PAGE.read_text())] == EXPECTED


@pytest.mark.parametrize("row", rows(PAGE.read_text()), ids=lambda row: row[0])
def test_every_cell_points_somewhere_or_says_why_not(row: list[str]) -> None:
    assert len(row) == 6
    _, _, control, test, language_models, learner = row
    assert all((control, test, language_models, learner))
    if POINTER.search(control) and not control.startswith(("not used", "does not apply")) and row[0] != "P6":
        assert any(file.startswith("tests/") and name.startswith("test_") for file, name in POINTER.findall(test)), "what control does has a test"
    assert POINTER.search(learner) or learner.startswith(("lm: see learner", "does not apply", "not used", "a setting", "see "))


def test_every_pointer_leads_somewhere() -> None:
    found = pointers(PAGE.read_text())
    assert len(found) > 60
    assert [what for what in (problem(*pointer) for pointer in found) if what] == []


def test_wrong_pointers_are_found() -> None:
    assert problem("objective/credit.py", "gae") is None
    assert problem("lab/control/segments.py", "Pieces.cut") is None
    assert problem("objective/credit.py", "gea") == "objective/credit.py defines no gea"
    assert problem("objective/credits.py", "gae") == "there is no file objective/credits.py"
    assert problem("tests/test_ppo_details.py", "test_wrong_pointers_are_found") is None
    assert pointers("`objective/credit.py:gae` and `other`") == [("objective/credit.py", "gae")]
