"""What travels by value, and what is refused by name."""

from __future__ import annotations

import functools
import importlib.util
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proctor.errors import ConfigError
from proctor.sandbox.shipping import ship

LOCK = threading.Lock()
FACTOR = 3


def scaled(value: Any) -> Any:
    return FACTOR * value


def uses_helper(value: int) -> int:
    return scaled(value) + 1


def uses_lock(value: int) -> int:
    with LOCK:
        return value


def uses_lock_through_helper(value: int) -> int:
    return uses_lock(value)


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held

    def __call__(self, value: int) -> int:
        return value


def closing_over(captured: Any) -> Callable[[int], Any]:
    def inner(value: int) -> Any:
        return captured, value

    return inner


def _open_file() -> Iterator[Any]:
    with Path(__file__).open() as file:
        yield file


@pytest.fixture
def open_file() -> Iterator[Any]:
    yield from _open_file()


def run_elsewhere(shipped: bytes, argument: int) -> str:
    """Load and call in an interpreter that cannot import this module."""
    program = "import sys, pickle; sys.path[:] = eval(sys.argv[1]); print(pickle.loads(sys.stdin.buffer.read())(int(sys.argv[2])))"
    path = [entry for entry in sys.path if "site-packages" in entry or not Path(__file__).is_relative_to(entry or ".")]
    done = subprocess.run([sys.executable, "-I", "-c", program, repr(path), str(argument)], input=shipped, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_functions_of_local_modules_travel_with_what_they_use() -> None:
    assert run_elsewhere(ship(uses_helper, name="f"), 5) == "16"
    assert run_elsewhere(ship(functools.partial(closing_over([1, 2])), name="f"), 5) == "([1, 2], 5)"


def test_registration_by_value_is_undone() -> None:
    ship(uses_helper, name="f")
    assert pickle.loads(__import__("cloudpickle").dumps(uses_helper)) is uses_helper


def test_a_module_loaded_from_a_file_travels(tmp_path: Path) -> None:
    source = tmp_path / "my_rewards.py"
    source.write_text("import math\nBASE = 10\ndef helper(x):\n    return math.floor(x) + BASE\ndef reward(x):\n    return helper(x)\n")
    spec = importlib.util.spec_from_file_location("my_rewards", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["my_rewards"] = module
    try:
        spec.loader.exec_module(module)
        assert run_elsewhere(ship(module.reward, name="reward"), 5) == "15"
    finally:
        del sys.modules["my_rewards"]


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (uses_lock, "the global 'LOCK' (_thread.lock)"),
        (uses_lock_through_helper, "the global 'LOCK' (_thread.lock) through the global 'uses_lock'"),
        (closing_over(threading.Lock()), "the closure variable 'captured' (_thread.lock)"),
        (closing_over(number for number in [1]), "the closure variable 'captured' (generator)"),
        (Holder(threading.Lock()), "the attribute 'held' (_thread.lock)"),
        (Holder({"deep": [threading.Lock()]}), "the element '0' (_thread.lock) through the entry 'deep'"),
        (functools.partial(scaled, value=threading.Lock()), "the partial's argument 'value' (_thread.lock)"),
    ],
)
def test_what_cannot_travel_is_named(function: Callable[..., Any], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ship(function, name="reward 'mine'")
    assert named in str(caught.value)
    assert "reward 'mine'" in str(caught.value) and "inside the function" in str(caught.value) and "in_process=True" in str(caught.value)


def test_open_files_and_sockets_are_refused(open_file: Any) -> None:
    def by_default(value: int, log: Any = open_file) -> Any:
        return log, value

    with pytest.raises(ConfigError, match="the default of 'log' \\(_io.TextIOWrapper\\)"):
        ship(by_default, name="f")
    with socket.socket() as connection, pytest.raises(ConfigError, match="'captured' \\(socket.socket\\)"):
        ship(closing_over(connection), name="f")
