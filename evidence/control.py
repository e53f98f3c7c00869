"""PPO on control tasks against published returns: every environment and seed, one table, one figure.

    python evidence/control.py [--root runs/evidence/control] [--only CartPole-v1] [--train-only]

Needs `pip install 'proctor[control,plots]'`. One process, one thread; a finished run is read, not repeated, and an interrupted one starts
over, so it can be stopped at any time. Beside each finished run stands what it learned so far in a file that ends in `.partial.json`.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from common import write_json

from proctor.lab.control import ControlConfig, Progress, continuous, discrete, gymnasium_maker, train

SEEDS = (1, 2, 3)
WINDOW = 100  # episodes
POINTS = 100  # of a curve
PARTIAL_EVERY = 50  # segments


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One task, how it is trained, and what CleanRL published for it (mean and standard deviation over three seeds)."""

    environment: str
    config: ControlConfig
    num_steps: int
    published_mean: float
    published_std: float


BENCHMARKS = (
    Benchmark("CartPole-v1", discrete(), 500_000, 490.04, 6.12),
    Benchmark("Acrobot-v1", discrete(), 500_000, -86.36, 1.32),
    Benchmark("Walker2d-v4", continuous(), 1_000_000, 2287.95, 572.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/control"))
    parser.add_argument("--only", choices=[benchmark.environment for benchmark in BENCHMARKS], help="train only this environment")
    parser.add_argument("--train-only", action="store_true", help="do not write the table and the figure")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # networks this small lose by more threads
    for benchmark in BENCHMARKS:
        if arguments.only in (None, benchmark.environment):
            for seed in SEEDS:
                run(benchmark, seed, arguments.root)
    if not arguments.train_only:
        report(arguments.root)


def run(benchmark: Benchmark, seed: int, root: Path) -> None:
    """Train one agent, unless its file is there."""
    path = root / f"{benchmark.environment}-seed{seed}.json"
    partial = path.with_suffix(".partial.json")
    if path.exists():
        return
    started_s, cpu_s = time.perf_counter(), time.process_time()
    history: list[Progress] = []
    for progress in train(gymnasium_maker(benchmark.environment), benchmark.config, seed=seed, num_steps=benchmark.num_steps):
        history.append(progress)
        if len(history) % PARTIAL_EVERY == 0:
            write_json(partial, _record(benchmark, seed, history, time.perf_counter() - started_s, time.process_time() - cpu_s))
    write_json(path, _record(benchmark, seed, history, time.perf_counter() - started_s, time.process_time() - cpu_s))
    partial.unlink(missing_ok=True)


def _record(benchmark: Benchmark, seed: int, history: Sequence[Progress], wall_s: float, cpu_s: float) -> dict[str, Any]:
    returns = [value for progress in history for value in progress.episode_returns]
    return {
        "environment": benchmark.environment,
        "seed": seed,
        "num_steps": history[-1].num_steps,
        "num_episodes": len(returns),
        "last_100_mean": _mean(returns[-WINDOW:]),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "machine": _machine(),
        "versions": {name: version(name) for name in ("torch", "numpy", "gymnasium", "mujoco")},
        "curve": _curve(benchmark, history),
        "final_update": {
            name: float(f"{getattr(history[-1].statistics, name):.4g}")
            for name in ("explained_variance", "entropy", "approx_kl", "clip_low_fraction", "clip_high_fraction", "value_loss", "grad_norm")
        },
    }


def _curve(benchmark: Benchmark, history: Sequence[Progress]) -> list[tuple[int, float]]:
    """(steps, mean return of the last 100 episodes so far), at about `POINTS` places of the whole run."""
    points: list[tuple[int, float]] = []
    returns: list[float] = []
    for progress in history:
        returns.extend(progress.episode_returns)
        if (returns and progress.num_steps >= (len(points) + 1) * benchmark.num_steps // POINTS) or progress is history[-1]:
            points.append((progress.num_steps, round(_mean(returns[-WINDOW:]), 2)))
    return points


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores"


def report(root: Path) -> None:
    raise NotImplementedError


if __name__ == "__main__":
    main()
