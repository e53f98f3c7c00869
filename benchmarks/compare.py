"""Alternate two commands on one machine and compare the medians of what they print.

    python benchmarks/compare.py --pairs 5 --key seconds_per_step -- COMMAND A -- COMMAND B

Each command prints JSON objects, one a line (other lines are passed over); the median of `--key` (or of `seconds`) over its
objects, the first left out where there are several (the warm-up), is its figure of that pair. Printed: each pair, both medians,
and the median of the pairs' ratios B / A with its range. On a shared machine only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys


def main() -> None:
    before, commands = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--key", default="seconds")
    options = parser.parse_args(before)
    if len(commands) != 2:
        parser.error("give two commands, each behind `--`")
    pairs: list[tuple[float, float]] = []
    for number in range(options.pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)  # neither is always the first
        found = {index: measure(commands[index], options.key) for index in order}
        pairs.append((found[0], found[1]))
        print(json.dumps({"pair": number, "a": found[0], "b": found[1], "b_over_a": found[1] / found[0]}), flush=True)
    ratios = [b / a for a, b in pairs]
    medians = {"a": statistics.median(a for a, _ in pairs), "b": statistics.median(b for _, b in pairs)}
    print(json.dumps({**medians, "b_over_a": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios), "pairs": len(pairs)}))


def measure(command: list[str], key: str) -> float:
    """The figure of one run of a command."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr[-2000:]}")
    objects = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    figures = [float(found[key] if key in found else found["seconds"]) for found in objects if key in found or "seconds" in found]
    if not figures:
        raise SystemExit(f"{shlex.join(command)} printed no {key!r}")
    return statistics.median(figures[1:] or figures)


def _split(arguments: list[str]) -> tuple[list[str], list[list[str]]]:
    parts: list[list[str]] = [[]]
    for argument in arguments:
        parts.append([]) if argument == "--" else parts[-1].append(argument)
    return parts[0], parts[1:]


if __name__ == "__main__":
    main()
