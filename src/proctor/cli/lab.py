"""`proctor lab`."""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from proctor.errors import ConfigError
from proctor.lab.experiments import EXPERIMENTS
from proctor.lab.experiments.records import Experiment
from proctor.plugins import unknown


def run(options: argparse.Namespace) -> int:
    """List the experiments, or run one or all and write what they found."""
    if options.all == (options.name is not None):
        if options.all:
            raise ConfigError(f"give a name or --all, not both: {options.name}")
        _list()
        return 0
    if options.jobs < 1:
        raise ConfigError(f"--jobs needs a whole number of at least 1, not {options.jobs}")
    for experiment in _chosen(options):
        _one(experiment, options)
    return 0


def _chosen(options: argparse.Namespace) -> list[Experiment]:
    if options.all:
        found = list(EXPERIMENTS.values())
    elif options.name in EXPERIMENTS:
        found = [EXPERIMENTS[options.name]]
    else:
        raise ConfigError(unknown(options.name, kind="experiment", allowed=EXPERIMENTS))
    if options.seeds is None:
        return found
    try:
        seeds = tuple(int(part) for part in options.seeds.split(","))
    except ValueError:
        raise ConfigError(f"--seeds needs whole numbers with commas between them, as in 0,1,2; not {options.seeds!r}") from None
    if not 2 <= len(set(seeds)) == len(seeds) <= 10 or min(seeds) < 0:
        raise ConfigError(f"--seeds needs 2 to 10 different numbers of at least 0, not {options.seeds!r}: a verdict is over seeds")
    return [replace(experiment, seeds=seeds) for experiment in found]


def _one(experiment: Experiment, options: argparse.Namespace) -> None:
    from proctor.cli.progress import ProgressView
    from proctor.lab.experiments.gallery import write, write_gallery
    from proctor.lab.experiments.running import run_experiment

    view = ProgressView()
    try:
        outcome = run_experiment(experiment, root=Path(options.root), emit=view, jobs=options.jobs)
    finally:
        view.close()
    docs = Path(options.docs)
    write(experiment, outcome, docs=docs, machine=_machine(min(options.jobs, len(experiment.seeds))))
    write_gallery(EXPERIMENTS, docs)
    print(f"{experiment.name}: {experiment.title}")
    for claim, found, judgement in outcome.verdicts:
        print(f"  {judgement:<10} {claim}: {found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]")
    print(f"  {outcome.seconds / 60:.1f} minutes of steps; figure, numbers and gallery are in {docs}")


def _machine(jobs: int) -> str:
    """Processor, cores, and how the seeds shared them, in a few words."""
    path = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith("model name")] if path.exists() else []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores{f', {jobs} seeds at a time' if jobs > 1 else ''}"


def _list() -> None:
    table = Table("experiment", "question", "arms", "minutes", box=None, pad_edge=False)
    for experiment in EXPERIMENTS.values():
        table.add_row(experiment.name, experiment.title, str(len(experiment.arms)), f"at most {experiment.minutes}")
    Console().print(table)
