"""The page of objectives names every public function of the room, and nothing else; every docstring says what it must."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "objectives.md").read_text()
MODULES = sorted(path.stem for path in (ROOT / "src" / "proctor" / "objective").glob("*.py"))
INTERNAL = {"__init__", "shapes", "groups"}


def public() -> dict[str, tuple[str, Callable[..., object]]]:
    """Name, module and function of everything the room offers."""
    found: dict[str, tuple[str, Callable[..., object]]] = {}
    for name in sorted(set(MODULES) - INTERNAL):
        module = importlib.import_module(f"proctor.objective.{name}")
        for function_name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and not function_name.startswith("_"):
                found[function_name] = (name, function)
    return found


def test_the_page_has_a_row_for_every_function_and_no_other() -> None:
    tables = PAGE.partition("## Cost")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", tables, re.MULTILINE)) == set(public())


@pytest.mark.parametrize("name", public())
def test_docstrings_say_what_it_computes_and_its_gradient(name: str) -> None:
    module, function = public()[name]
    text = inspect.getdoc(function) or ""
    assert text, name
    if module in {"surrogates", "sequence_surrogates"}:
        assert "Gradient: " in text
        assert "Source: " in text
    if module == "kl" and name != "adaptive_coefficient":
        assert re.search(r"\*loss\*|the loss only", text)
        assert "reward" in text


@pytest.mark.parametrize("name", MODULES)
def test_modules_stay_short_and_say_why_they_exist(name: str) -> None:
    source = (ROOT / "src" / "proctor" / "objective" / f"{name}.py").read_text()
    assert source.startswith('"""')
    assert source.count("\n") < 400
