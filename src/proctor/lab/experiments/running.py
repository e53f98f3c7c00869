"""Run an experiment, its seeds in turn or side by side, and judge its claims."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

import cloudpickle
import torch

from proctor.errors import LearnerError
from proctor.lab.experiments.records import Claim, Difference, Experiment, Judgement, Values, difference
from proctor.lab.experiments.seeds import SeedFound, run_seed
from proctor.training.events import Event, Listener, StepFinished, Warned
from proctor.training.manifest import num_usable_cpus


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an experiment found.

    Attributes:
        values: arm -> one mapping of numbers a seed.
        curves: arm -> one curve a seed, of the experiment's metric; none where it has no such metric.
        verdicts: claim, difference over the seeds, judgement.
        seconds: of the steps of all arms, the bases included, one after the other.
        elapsed: seconds by the clock, evaluations and probes included; None where an arm was there already, so that nobody knows.
    """

    values: Mapping[str, Sequence[Values]]
    curves: Mapping[str, Sequence[Sequence[float]]]
    verdicts: Sequence[tuple[Claim, Difference, Judgement]]
    seconds: float
    elapsed: float | None = None


def run_experiment(experiment: Experiment, *, root: Path, emit: Listener, jobs: int = 1) -> Outcome:
    """Run every arm with every seed that is not there yet, and judge.

    Args:
        experiment: what is run.
        root: where arms and bases lie.
        emit: told what happens.
        jobs: seeds at a time. Where there is more than one, each has a process of its own, its share of the cores, and a log in NAME/seed-N.log.

    Raises:
        ProctorError: an arm failed. Seeds that run beside it come to their end, no other begins, and what is finished is kept.
        LearnerError: a signal stopped an arm, or one of several processes was killed.
    """
    begun = time.monotonic()
    is_new = not any((root / experiment.name / arm.name / f"seed-{seed}").exists() for arm in experiment.arms for seed in experiment.seeds)
    if jobs > 1:
        found = _side_by_side(experiment, root=root, emit=emit, jobs=jobs)
    else:
        found = [run_seed(experiment, seed, root=root, emit=emit) for seed in experiment.seeds]
    values = {arm.name: [one.values[arm.name] for one in found] for arm in experiment.arms}
    curves = {arm.name: [one.curves[arm.name] for one in found if experiment.curve] for arm in experiment.arms}
    verdicts = [_judged(claim, values) for claim in experiment.claims]
    return Outcome(values, curves, verdicts, sum(one.seconds for one in found), time.monotonic() - begun if is_new else None)


def _judged(claim: Claim, values: Mapping[str, Sequence[Values]]) -> tuple[Claim, Difference, Judgement]:
    first = [entry[claim.metric] for entry in values[claim.arm]]
    second = [entry[claim.other_metric or claim.metric] for entry in values[claim.other]]
    found = difference(first, second)
    return claim, found, claim.judge(found)


def _side_by_side(experiment: Experiment, *, root: Path, emit: Listener, jobs: int) -> list[SeedFound]:
    """`run_seed` for every seed, in the order of the seeds: a model this small gains little from a second thread, a second seed costs none."""
    at_once = min(jobs, len(experiment.seeds))
    num_threads = max(1, num_usable_cpus() // at_once)
    logs = root / experiment.name
    logs.mkdir(parents=True, exist_ok=True)
    emit(Warned(f"{experiment.name}: {len(experiment.seeds)} seeds, {at_once} at a time, {num_threads} threads each; their steps are in {logs}/seed-*.log"))
    found: dict[int, SeedFound] = {}
    waiting = iter(experiment.seeds)
    pool = ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), initializer=_begin, initargs=(num_threads,))
    try:
        shipped = cloudpickle.dumps(experiment)  # arms are functions made on the spot

        def begin(seed: int) -> Future[SeedFound]:
            return pool.submit(_run_shipped, shipped, seed, root, logs / f"seed-{seed}.log")

        running = {begin(seed): seed for seed in islice(waiting, at_once)}  # no more than run: what is queued could not be called back
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                seed = running.pop(future)
                found[seed] = future.result()
                emit(Warned(f"{experiment.name}: seed {seed} is finished"))
                running |= {begin(further): further for further in islice(waiting, 1)}
    except BrokenProcessPool as error:
        raise LearnerError(f"a process of {experiment.name} was killed (out of memory?); see {logs}/seed-*.log; the same command goes on with it") from error
    finally:
        pool.shutdown()
    return [found[seed] for seed in experiment.seeds]


_PARENT_IS_GONE = threading.Event()


def _begin(num_threads: int) -> None:
    """In the new process: its share of the cores, and the end of the run where the process that started it is gone."""
    torch.set_num_threads(num_threads)
    threading.Thread(target=_stop_with_parent, daemon=True).start()


def _stop_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    _PARENT_IS_GONE.set()
    os.kill(os.getpid(), signal.SIGTERM)  # a run takes it between two steps and keeps its state


def _run_shipped(shipped: bytes, seed: int, root: Path, log: Path) -> SeedFound:
    experiment: Experiment = cloudpickle.loads(shipped)
    with log.open("a", buffering=1) as file:

        def note(event: Event) -> None:
            match event:
                case StepFinished(step=step, num_steps=num_steps):
                    print(f"step {step + 1}/{num_steps}", file=file)
                case Warned(message=message):
                    print(message, file=file)
                case _:
                    pass

        try:
            return run_seed(experiment, seed, root=root, emit=note)
        finally:
            if _PARENT_IS_GONE.is_set():
                os._exit(1)  # nobody reads what was found, or ends this process
