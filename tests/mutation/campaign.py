"""Run the tests of the objective room on every mutant of its modules and count the survivors.

    python -m tests.mutation.campaign                      all modules
    python -m tests.mutation.campaign credit kl            some
    python -m tests.mutation.campaign --results FILE.json  and write the counts

Each mutant lives in a forked process of its own, which loads the changed module in place of the real one and calls the test functions
of that module directly, until one fails. Only a module's own tests count: what another's would catch by chance is not proved by them.
Exit status 1 when a mutant survives, when a listed one is not there any more, or when the tests fail without any change.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import json
import os
import platform
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

# Loaded once, before any fork.
import hypothesis
import pytest
import torch
from hypothesis import strategies as st

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "src" / "proctor" / "objective"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
OWN_TESTS = {"groups": ("test_shapes", "test_advantages")}
TIMEOUT_S = 60
CAUGHT, SURVIVED, HUNG = "caught", "survived", "hung"


class _Replacing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from code that is given."""

    def __init__(self, name: str, code: CodeType) -> None:
        self._name, self._code = name, code

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def warm_up() -> None:
    """Let what the tests load at first use be loaded before any fork: a second of imports that each mutant would pay."""
    torch.testing.assert_close(torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))

    @hypothesis.given(st.lists(st.floats(0, 1)))
    def example(values: list[float]) -> None:
        assert len(values) >= 0

    example()


def modules() -> list[str]:
    """The modules of the room."""
    return sorted(path.stem for path in ROOM.glob("*.py") if path.stem != "__init__")


def outcome(module: str, mutant: Mutant | None) -> str:
    """Run the tests in a fork; without a mutant, of the room as it is."""
    child = os.fork()
    if child == 0:
        signal.alarm(TIMEOUT_S)  # a loop without end dies by the signal
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        os._exit(0 if _passes(module, mutant) else 1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return HUNG
    return SURVIVED if os.WEXITSTATUS(status) == 0 else CAUGHT


def _passes(module: str, mutant: Mutant | None) -> bool:
    if mutant is not None:
        sys.meta_path.insert(0, _Replacing(f"proctor.objective.{module}", mutant.code))
    try:
        for name in OWN_TESTS.get(module, (f"test_{module}",)):
            for call in calls(importlib.import_module(f"tests.objective.{name}")):
                call()
    except BaseException:  # whatever a broken module raises, pytest's failures among them, it is caught
        return False
    return True


def calls(module: ModuleType) -> Iterator[Callable[[], Any]]:
    """The tests of a module with their parameters, those with generated examples last."""
    tests = [function for name, function in vars(module).items() if name.startswith("test_") and inspect.isfunction(function)]
    for function in sorted(tests, key=lambda test: hasattr(test, "hypothesis")):
        marks: Sequence[pytest.Mark] = getattr(function, "pytestmark", [])
        for settings in itertools.product(*(_settings(mark) for mark in marks if mark.name == "parametrize")):
            arguments = {name: value for setting in settings for name, value in setting.items()}
            yield lambda test=function, with_=arguments: test(**with_)


def _settings(mark: pytest.Mark) -> list[dict[str, Any]]:
    names, values = mark.args
    if isinstance(names, str):
        return [{names: value} for value in values]
    return [dict(zip(names, value, strict=True)) for value in values]


def listed() -> set[tuple[str, str, str]]:
    """Mutants said to be equivalent: module, line and change."""
    entries = tomllib.loads(EQUIVALENT.read_text())["mutant"]
    if any(not entry["reason"].strip() for entry in entries):
        raise ValueError(f"every mutant in {EQUIVALENT.name} needs a reason")
    return {(entry["module"], entry["line"], entry["change"]) for entry in entries}


def campaign(names: Sequence[str]) -> dict[str, Any]:
    """Try every mutant of the modules and print what survives; counts by module."""
    start, equivalent, found = sum(os.times()[:4]), listed(), set[tuple[str, str, str]]()
    by_module: dict[str, Counter[str]] = {}
    for name in names:
        counts = by_module[name] = Counter()
        path, since = ROOM / f"{name}.py", sum(os.times()[:4])
        if outcome(name, None) != SURVIVED:
            raise RuntimeError(f"the tests of {name} fail without any change; run pytest tests/objective first")
        for mutant in mutants(path.read_text(), path=str(path)):
            key = (name, mutant.content, mutant.change)
            if key in equivalent:
                found.add(key)
                counts["equivalent"] += 1
                continue
            result = outcome(name, mutant)
            counts[result] += 1
            if result == SURVIVED:
                print(f"SURVIVED {path.relative_to(ROOT)}:{mutant.line}\n    {mutant.content}\n    {mutant.change}", flush=True)
        print(f"{name}: {', '.join(f'{number} {kind}' for kind, number in sorted(counts.items()))}; {sum(os.times()[:4]) - since:.0f} CPU s", flush=True)
    stale = {key for key in equivalent - found if key[0] in names}
    for module, line, change in sorted(stale):
        print(f"LISTED BUT NOT THERE {module}: {line} | {change}")
    total = sum(by_module.values(), Counter[str]())
    return {
        "mutants": total.total(),
        **{kind: total[kind] for kind in (CAUGHT, HUNG, SURVIVED, "equivalent")},
        "listed_but_not_there": len(stale),
        "by_module": {name: dict(counts) for name, counts in by_module.items()},
        "cpu_seconds": round(sum(os.times()[:4]) - start),
        "machine": f"{platform.machine()}, one core, python {platform.python_version()}, torch {torch.__version__}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing of the objective room.")
    parser.add_argument("modules", nargs="*", help=f"among {', '.join(modules())}; all by default")
    parser.add_argument("--results", type=Path, help="file for the counts")
    arguments = parser.parse_args()
    unknown = set(arguments.modules) - set(modules())
    if unknown:
        parser.error(f"no module {', '.join(sorted(unknown))}; there are {', '.join(modules())}")
    torch.set_num_threads(1)
    hypothesis.settings.register_profile(
        "mutation", deadline=None, derandomize=True, database=None, max_examples=15, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
    )
    hypothesis.settings.load_profile("mutation")
    warm_up()
    results = campaign(arguments.modules or modules())
    kinds = ", ".join(f"{results[kind]} {kind}" for kind in (CAUGHT, HUNG, SURVIVED, "equivalent"))
    print(f"{results['mutants']} mutants: {kinds}; {results['cpu_seconds']} CPU s")
    if arguments.results:
        arguments.results.write_text(json.dumps(results, indent=2) + "\n")
    return 1 if results[SURVIVED] or results["listed_but_not_there"] else 0


if __name__ == "__main__":
    sys.exit(main())
