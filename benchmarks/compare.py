"""Alternate commands on one machine, pass by pass, and compare the medians of what they print.

    python benchmarks/compare.py --passes 5 --key seconds -- COMMAND A -- COMMAND B [-- COMMAND C]

Each command takes `--paced`: it loads what it needs, then waits for a line on standard input before each pass and prints one JSON
object with the figure after it (other lines are passed over). All are loaded at once and take turns, so that whatever
else the machine does meets each of them alike; only one works at a time. The first pass of each is its warm-up. Printed: each round, the
medians, and for every command but the first the median of the rounds' ratios to the first, with their range. On a shared machine only the
ratios mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any


class Paced:
    """One command that waits for its turn."""

    def __init__(self, command: list[str], key: str, environment: Mapping[str, str]) -> None:
        self.command, self.key = command, key
        self._process = subprocess.Popen([*command, "--paced"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})

    def wait_until_ready(self) -> None:
        """Its start-up is over: it has printed an object with `ready`."""
        self._next("ready")

    def turn(self) -> float:
        """Let it do one pass; returns the figure."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._next(self.key))

    def _next(self, key: str) -> float:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{") and _is_json(line) and key in (found := json.loads(line)):
                return found[key]
        raise SystemExit(f"{shlex.join(self.command)} ended with code {self._process.wait()} and printed no {key!r}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def compare(commands: Sequence[Sequence[str]], *, num_passes: int, key: str = "seconds", environments: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """Let commands take turns.

    Args:
        commands: at least two; each takes `--paced`.
        num_passes: counted, after one warm-up of each.
        key: of the figure in what they print.
        environments: what to add to the environment of each; empty adds nothing.

    Returns:
        The rounds, and for each command its median and its ratios to the first one.
    """
    competitors: list[Paced] = []
    rounds: list[list[float]] = []
    try:
        for command, extra in zip(commands, environments or [{}] * len(commands), strict=True):
            competitors.append(Paced(list(command), key, extra))
            competitors[-1].wait_until_ready()
        for number in range(num_passes + 1):
            order = range(len(competitors)) if number % 2 else reversed(range(len(competitors)))  # none is always the first
            found = {index: competitors[index].turn() for index in order}
            figures = [found[index] for index in range(len(competitors))]
            print(json.dumps({"round": number, "is_warm_up": not number, "figures": figures}), flush=True)
            rounds.append(figures)
    finally:
        for competitor in competitors:
            competitor.stop()
    return {
        "key": key,
        "warm_up": rounds[0],
        "rounds": rounds[1:],
        "commands": [_summary(command, rounds[1:], index) for index, command in enumerate(commands)],
    }


def _summary(command: Sequence[str], rounds: Sequence[Sequence[float]], index: int) -> dict[str, Any]:
    ratios = [figures[index] / figures[0] for figures in rounds]
    return {
        "command": shlex.join(command),
        "median": statistics.median(figures[index] for figures in rounds),
        "ratio_to_first": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
    }


def main() -> None:
    before, commands = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--key", default="seconds")
    options = parser.parse_args(before)
    if len(commands) < 2:
        parser.error("give at least two commands, each behind `--`")
    for found in compare(commands, num_passes=options.passes, key=options.key)["commands"]:
        print(json.dumps(found))


def _split(arguments: list[str]) -> tuple[list[str], list[list[str]]]:
    parts: list[list[str]] = [[]]
    for argument in arguments:
        parts.append([]) if argument == "--" else parts[-1].append(argument)
    return parts[0], parts[1:]


if __name__ == "__main__":
    main()
