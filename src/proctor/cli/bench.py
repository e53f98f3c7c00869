"""`proctor bench`: how fast this machine samples, trains and starts, as text or JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from proctor.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from proctor.cli.bench_work import BenchPlan

WHAT = {
    "sample": "sample completions of a fixed length",
    "train": "one optimizer update on such completions",
    "step": "a whole GRPO step, from tasks to published weights",
    "tails": "sample completions whose lengths have a heavy tail, finished rows leaving and waiting rows entering, against padded batches",
    "startup": "from the start of a process to its first sampled token",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb; the defaults are the work that `docs/benchmarks.md` compares."""
    parser.add_argument("what", metavar="WHAT", choices=sorted(WHAT), help="; ".join(f"{name}: {meaning}" for name, meaning in WHAT.items()))
    parser.add_argument("--model", default="smollm2-135m", metavar="MODEL", help="what `model` may be in a configuration (default: %(default)s)")
    parser.add_argument("--data", default="arithmetic", metavar="SOURCE", help="tasks: a generator, a file, or a hub data set (default: %(default)s)")
    parser.add_argument("--prompts", type=int, default=8, metavar="N", help="prompts a step (default: %(default)s)")
    parser.add_argument("--group-size", type=int, default=8, metavar="N", help="completions a prompt (default: %(default)s)")
    parser.add_argument(
        "--new-tokens",
        type=int,
        default=64,
        metavar="N",
        help="tokens of every completion, exactly: EOS does not end one; their mean for tails (default: %(default)s)",
    )
    parser.add_argument("--steps", type=int, default=3, metavar="N", help="timed passes, after one warm-up; medians are printed (default: %(default)s)")
    parser.add_argument("--micro-batch-tokens", type=int, default=2048, metavar="N", help="of the learner (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--paced", action="store_true", help="wait for a line on standard input before each pass and print its seconds (benchmarks/compare.py)")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    if options.paced:
        return _in_turns(options)
    report = _startup(options) if options.what == "startup" else _measure(options)
    print(json.dumps(report) if options.json else "\n".join(f"{name:<20} {_shown(value)}" for name, value in report.items()))
    return 0


def _measure(options: argparse.Namespace) -> dict[str, object]:
    from proctor.cli import bench_tails, bench_work

    measures = {"sample": bench_work.bench_sample, "train": bench_work.bench_train, "step": bench_work.bench_step, "tails": bench_tails.bench_tails}
    return dataclasses.asdict(measures[options.what](_plan(options)))


def _in_turns(options: argparse.Namespace) -> int:
    """One pass for each line that is read, until there are no more."""
    from proctor.cli import bench_work

    if options.what not in ("sample", "step"):
        raise ConfigError(f"--paced goes with sample and step, not with {options.what}")
    plan = _plan(options)
    bench = bench_work.Bench(plan)
    print(json.dumps({"ready": 1}), flush=True)
    for step, _ in enumerate(sys.stdin):
        began, cpu_began = perf_counter(), process_time()
        groups = bench.sample(step)
        sampled, cpu_sampled = perf_counter(), process_time()
        if options.what == "step":
            bench.train(groups, step)
        ended, cpu_ended = perf_counter(), process_time()
        found = {
            "seconds": ended - began,
            "seconds_per_token": (ended - began) / (plan.num_rollouts * plan.new_tokens),
            "seconds_sampling": sampled - began,
            "seconds_training": ended - sampled,
            "cpu_seconds": cpu_ended - cpu_began,
            "cpu_seconds_training": cpu_ended - cpu_sampled,
            "peak_bytes": bench_work.peak_bytes(),
        }
        print(json.dumps({"peer": "proctor", **found}), flush=True)
    return 0


def _plan(options: argparse.Namespace) -> BenchPlan:
    from proctor.cli.bench_work import BenchPlan

    return BenchPlan(options.model, options.data, options.prompts, options.group_size, options.new_tokens, options.steps, options.micro_batch_tokens)


def _startup(options: argparse.Namespace) -> dict[str, object]:
    """Median seconds of fresh processes that load the model and draw one token; the first one, which may fill caches, is not counted."""
    if options.steps < 1:
        raise ConfigError(f"--steps must be at least 1, not {options.steps}")
    command = [sys.executable, "-m", "proctor.cli.main", "sample", options.model, "--prompt", "Hello", "--max-completion-tokens", "1"]
    seconds: list[float] = []
    for _ in range(options.steps + 1):
        began = perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise EngineError(f"a process that samples one token from {options.model!r} failed: {done.stderr.strip()[-500:]}")
        seconds.append(perf_counter() - began)
    return {"seconds_to_first_token": statistics.median(seconds[1:]), "processes": options.steps}


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
