"""A run from its configuration to its summary: begin or resume, evaluate, train, save, and end well however it ends."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.config import RunConfig, from_mapping
from proctor.errors import AlarmError, ConfigError, LearnerError
from proctor.learner.checkpoint import restore_learner, save_trained
from proctor.rollouts.partial import restore_in_flight
from proctor.training import run_directory
from proctor.training.assembly import build_session
from proctor.training.config_changes import refuse_changes
from proctor.training.evaluate import Evaluation
from proctor.training.events import Listener, RunFinished, RunStarted, Warned
from proctor.training.pocket import needs_pocket, pocket_pretraining, publish_pocket
from proctor.training.run_directory import RunDirectory
from proctor.training.schedule_state import restore_schedule
from proctor.training.session import Given, Session, deterministic_kernels, resolved, settle
from proctor.training.statistics import paired_difference
from proctor.training.sync_loop import train_loop
from proctor.training.tracking import Tracker, check_sinks, open_sinks

_MAY_CHANGE = ("tracking", "checkpoint_every", "keep_checkpoints", "scoring.num_workers", "engine.max_rows", "audit")
_MAY_GROW = ("num_steps",)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        path: of the run directory.
        num_steps: done so far.
        is_finished: False when a signal stopped it; `--resume` continues.
        summary: what summary.json holds.
    """

    path: Path
    num_steps: int
    is_finished: bool
    summary: Mapping[str, Any]


def run_training(config: RunConfig, *, recipe: str, out: Path | None, resume: bool, emit: Listener, given: Given | None = None) -> RunResult:
    """Train.

    Args:
        config: of the run.
        recipe: its name, which also names the directory where `out` is None.
        out: run directory; None for `runs/<recipe>-<time>`, or on resume the newest of the recipe.
        resume: continue the run there; with nothing there yet, begin it.
        emit: told what happens.
        given: policy, tasks and rewards of a caller in Python.

    Raises:
        ProctorError: something does not fit or failed; the message is complete.
    """
    config = settle(config)
    if needs_pocket(config):
        _pretrain_pocket(emit)
    path = out or (run_directory.newest(recipe) if resume else None) or run_directory.new_path(recipe)
    continues = resume and run_directory.is_run(path)
    if continues:
        finished = _finished(path, config, recipe)
        if finished is not None:
            return finished
    elif not resume:
        run_directory.refuse_occupied(path)
    check_sinks(config.tracking)
    with ExitStack() as stack:
        stack.enter_context(deterministic_kernels(config.deterministic))
        session = build_session(config, given or Given(), emit)
        stack.callback(session.rewards.close)
        session.run = _open(path, session, recipe, continues=continues)
        stack.callback(session.run.close)
        stack.enter_context(_status_recorded(session.run))
        stopping = stack.enter_context(stop_on_signals())
        start, notes = _starting_point(session, recipe, resume=resume, continues=continues)
        session.tracker = Tracker(session.run, open_sinks(config.tracking, session.run, start_step=start), emit)
        stack.callback(session.tracker.close)
        emit(RunStarted(path, recipe, config.model, config.num_steps, start, (*session.notes, *notes)))
        return _completed(_run(session, start, stopping))


def _pretrain_pocket(emit: Listener) -> None:
    """Make the pocket policy in a directory of its own, which is not kept."""
    emit(Warned("the pocket policy is trained from scratch first, once, which takes about a minute"))
    with tempfile.TemporaryDirectory() as directory:
        run_training(pocket_pretraining(), recipe="pocket", out=Path(directory) / "run", resume=False, emit=emit)


def _completed(work: Coroutine[Any, Any, RunResult]) -> RunResult:
    """Run a coroutine to its end, in a thread of its own where this one already has an event loop (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _run(session: Session, start: int, is_stopping: Callable[[], bool]) -> RunResult:
    run, config = session.run, session.config
    summary = dict(run.summary() or {}) if start else {}
    if "before" not in summary and start == 0:
        before = await session.evaluate("before", step=0)
        summary = {"recipe": run.config["recipe"], "model": config.model, **({"before": _record(before)} if before else {})}
        run.write_summary(summary)
    num_steps = start if is_stopping() else await train_loop(session, start=start, is_stopping=is_stopping)
    if num_steps < config.num_steps:
        run.set_status("stopped", f"by a signal, after {num_steps} of {config.num_steps} steps")
        return RunResult(run.path, num_steps, False, summary)
    with session.learner.averaged_weights():
        after = await session.evaluate("after", step=num_steps)
        with run.publish_model() as directory:
            save_trained(session.learner, directory)
    if config == settle(pocket_pretraining()):
        publish_pocket(run.model_path)
    summary = {**summary, **(run.summary() or {}), "num_steps": num_steps, **_training_summary(run), **({"after": _record(after)} if after else {})}
    if after and "before" in summary and (gain := paired_gain(summary["before"]["per_task"], after.per_task, seed=config.seed)):
        summary["gain"] = gain
    run.write_summary(summary)
    run.set_status("finished")
    session.emit(RunFinished(run.path, summary))
    return RunResult(run.path, num_steps, True, summary)


def _record(evaluation: Evaluation) -> dict[str, Any]:
    return {**evaluation.as_summary(), "per_task": list(evaluation.per_task)}


def paired_gain(before: Sequence[float | None], after: Sequence[float | None], *, seed: int) -> dict[str, float] | None:
    """Mean difference with its interval over the tasks that could be scored both times; None where there are none."""
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    gain = paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed=seed)
    return {"mean": gain.mean, "low": gain.low, "high": gain.high, "num_tasks": gain.num_tasks}


def _training_summary(run: RunDirectory) -> dict[str, float]:
    """Reward over the first and the last three steps, the summed seconds of the steps, and this process's peak memory."""
    rows = run.metrics()
    first, last = rows[:3], rows[-3:]
    return {
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "reward_first_steps": sum(row["reward_mean"] for row in first) / len(first),
        "reward_last_steps": sum(row["reward_mean"] for row in last) / len(last),
        "seconds_of_steps": sum(row["seconds"] for row in rows),
    }


def _finished(path: Path, config: RunConfig, recipe: str) -> RunResult | None:
    """The result of a run that has nothing left to do; nothing is changed."""
    run = RunDirectory.inspect(path)
    refuse_changes(_begun_with(run), resolved(config, recipe), run=path, may_change=_MAY_CHANGE, may_grow=_MAY_GROW)
    if run.manifest.status != "finished" or config.num_steps > run.config["num_steps"]:
        return None
    return RunResult(path, run.config["num_steps"], True, run.summary() or {})


def _begun_with(run: RunDirectory) -> dict[str, Any]:
    """The configuration of a run; a key that an older Proctor did not know has its default."""
    values = run.config
    recipe = values.pop("recipe")
    return resolved(from_mapping(values), recipe)


def _open(path: Path, session: Session, recipe: str, *, continues: bool) -> RunDirectory:
    if continues:
        return RunDirectory.open(path)
    return RunDirectory.create(path, resolved(session.config, recipe), session.manifest())


def _starting_point(session: Session, recipe: str, *, resume: bool, continues: bool) -> tuple[int, tuple[str, ...]]:
    """Restore the newest whole checkpoint; returns the first step and what to tell the user.

    Raises:
        ConfigError: the tasks are not those that the run was begun with, or fewer steps are asked for than are done.
    """
    if not resume:
        return 0, ()
    if not continues:
        return 0, (f"--resume: there is no run at {session.run.path} yet: starting at step 0",)
    point = session.run.resume_point()
    notes = (*point.notes, *_differences(session))
    if point.step > session.config.num_steps:
        raise ConfigError(
            f"{session.run.path} has done {point.step} steps already; num_steps={session.config.num_steps} would undo some. Set num_steps to at least that"
        )
    if point.checkpoint is not None:
        restore_learner(session.learner, point.checkpoint.path)
        restore_schedule(session.schedule, point.checkpoint.path)
        session.in_flight = restore_in_flight(point.checkpoint.path, session.train.tasks)
        session.set_version(point.step)
    session.run.write_config(resolved(session.config, recipe))
    session.run.record_resume(point.step)
    session.run.rewind(point.step)
    session.watch.remember(session.run.metrics())
    return point.step, notes


def _differences(session: Session) -> Iterator[str]:
    """Refuse other tasks than the run was begun with, and say what else differs in a way that matters."""
    before, now = session.run.manifest, session.manifest()
    changed = [name for name, digest in before.data_hashes.items() if now.data_hashes.get(name) != digest]
    if changed:
        raise ConfigError(
            f"the {' and '.join(changed)} tasks are not those that {session.run.path} was begun with; restore the data, or begin a new run with another --out"
        )
    for name, digest in before.reward_hashes.items():
        if now.reward_hashes.get(name) != digest:
            yield f"the source of the reward {name!r} has changed since the run was begun"
    if session.config.num_steps != session.run.config["num_steps"] and session.config.learner.schedule != "constant":
        yield "num_steps has changed: from here on the learning rate follows the longer schedule, unlike that of a run begun with this length"


@contextmanager
def _status_recorded(run: RunDirectory) -> Iterator[None]:
    """Write why a run failed, or was stopped by an alarm, into its manifest before the error goes on."""
    try:
        yield
    except AlarmError as error:
        run.set_status("stopped", str(error))
        raise
    except BaseException as error:
        with suppress(LearnerError):  # a full disk refuses this note as well; the error that goes on says so
            run.set_status("failed", f"{type(error).__name__}: {error}")
        raise


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Let SIGINT and SIGTERM end the run after the step in progress; a second one ends it at once.

    Yields:
        A function that says whether to stop. Outside the main thread no handler can be set, and it always says no.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def stop(number: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
