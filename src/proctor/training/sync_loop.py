"""The synchronous training loop: sample, score, learn, publish, log, in that order, one step after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from torch import Tensor

from proctor.audit.tripwires import Alarm
from proctor.core import RolloutGroup
from proctor.errors import AlarmError
from proctor.learner.batch import TokenBatch, build_batch
from proctor.learner.checkpoint import save_learner
from proctor.learner.record import TokenRecord
from proctor.rollouts.groups import Collected
from proctor.rollouts.partial import save_in_flight
from proctor.rollouts.summary import summarize
from proctor.training.events import CheckpointSaved, Phase, PhaseName, StepFinished, Warned
from proctor.training.rollout_table import TokenValues, write_rollouts
from proctor.training.schedule_state import save_schedule
from proctor.training.session import Session
from proctor.training.watch import canary_metrics


class PhaseClock:
    """Seconds spent in each phase of a step, told to the listener as they begin."""

    def __init__(self, emit: Callable[[Phase], None]) -> None:
        self._emit = emit
        self.seconds: dict[str, float] = {}
        self._current: tuple[str, float] | None = None
        self._began = perf_counter()

    def __call__(self, phase: PhaseName) -> None:
        self._close()
        self._current = (phase, perf_counter())
        self._emit(Phase(phase))

    def _close(self) -> None:
        if self._current is not None:
            name, began = self._current
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - began

    def metrics(self) -> dict[str, float]:
        """`seconds` since the clock was made and `seconds_<phase>`."""
        self._close()
        self._current = None
        return {"seconds": perf_counter() - self._began, **{f"seconds_{name}": value for name, value in self.seconds.items()}}


async def train_loop(session: Session, *, start: int, is_stopping: Callable[[], bool]) -> int:
    """Run steps `start` to the last one.

    Args:
        session: everything that a run is made of.
        start: first step; the weights are those after `start` steps.
        is_stopping: asked after each step; when True the state is saved and the loop ends.

    Returns:
        The number of steps done so far in the whole run.

    Raises:
        AlarmError: an alarm was to end the run; the state is saved.
    """
    config, learner = session.config, session.learner
    for step in range(start, config.num_steps):
        clock = PhaseClock(session.emit)
        learner.begin_step(step)
        canaries = await session.collect_canaries(step, clock)
        faults = session.faults()  # what canaries brought about is not held against the step
        collected = replace(await session.collect(step, clock), canaries=canaries)
        clock("training")
        batch = learner.annotate(replace(build_batch(collected.groups, session.rewards.weights), pretraining=session.pretraining(step)))
        stats = learner.update(batch, step=step)  # the only line that touches gradients
        session.set_version(step + 1)
        new_faults = {name: float(count - faults[name]) for name, count in session.faults().items()}
        metrics = summarize(collected.groups) | dict(collected.metrics) | canary_metrics(canaries) | stats | new_faults | clock.metrics()
        record_step(session, step, collected, batch, metrics)
        alarm = sound_alarms(session, step, metrics, canaries)
        is_last, stops = step + 1 == config.num_steps, is_stopping() or alarm is not None
        if config.evaluation.every and (step + 1) % config.evaluation.every == 0 and not is_last:
            await evaluate_during(session, step + 1)
        if (step + 1) % config.checkpoint_every == 0 or is_last or stops:
            save_checkpoint(session, step + 1)
        if alarm is not None:
            raise AlarmError(
                f"step {step}: {alarm.message}. Stopped after {step + 1} steps, as configured; the state is saved: --resume --out {session.run.path}"
            )
        if stops:
            return step + 1
    return config.num_steps


def sound_alarms(session: Session, step: int, metrics: dict[str, float], canaries: Sequence[RolloutGroup]) -> Alarm | None:
    """Warn of what the audit found in a step; return the first alarm that is to end the run."""
    raised = session.watch.look(metrics, canaries)
    for alarm in raised:
        if alarm.action == "warn":
            session.emit(Warned(f"step {step}: {alarm.message}"))
    return next((alarm for alarm in raised if alarm.action == "stop"), None)


async def evaluate_during(session: Session, step: int) -> None:
    """Evaluate after `step` steps and add it to summary.json, before the checkpoint that would let a resume skip it."""
    evaluation = await session.evaluate(f"step {step}", step=step)
    if evaluation is not None:
        summary = session.run.summary() or {}
        session.run.write_summary({**summary, "during": {**summary.get("during", {}), str(step): evaluation.as_summary()}})


def record_step(session: Session, step: int, collected: Collected, batch: TokenBatch, metrics: dict[str, float]) -> None:
    """Write the rollouts, then the metrics: a step whose metrics are on the disk has its rollouts there too."""
    with session.run.writing(f"rollouts of step {step}"):
        untrained = [*collected.dropped, *collected.canaries]
        advantages = [*_by_group(batch, collected.groups), *([None] * len(group.rollouts) for group in untrained)]
        everything = [*collected.groups, *untrained]
        values = [*token_values(batch, session.learner.record, collected.groups), *([TokenValues()] * len(group.rollouts) for group in untrained)]
        write_rollouts(session.run.rollouts_path(step), step, everything, advantages=advantages, weights=session.rewards.weights, tokens=values)
    if session.plan.collection.max_refills:
        metrics["dropped_groups"] = float(len(collected.dropped))
    if session.schedule is not None:
        metrics |= session.schedule.metrics(step, [group.task for group in (*collected.groups, *collected.dropped)])
    metrics["tokens_per_s"] = metrics["num_rollouts"] * metrics["completion_tokens_mean"] / metrics["seconds"]
    session.tracker.log(step, metrics)
    session.emit(StepFinished(step, session.config.num_steps, metrics))
    for message in session.warnings(step, metrics):
        session.emit(Warned(message))


def token_values(batch: TokenBatch, record: TokenRecord | None, groups: Sequence[RolloutGroup]) -> list[list[TokenValues]]:
    """What the learner knows of every token, nested as the groups are; rollouts whose passes were left out have advantages alone."""

    def row(tensor: Tensor | None, index: int, *, is_there: bool = True) -> list[float] | None:
        return tensor[index, : len(batch.sequences.continuations[index])].tolist() if tensor is not None and is_there else None

    def values(index: int) -> TokenValues:
        computed = record is not None and bool(record.is_computed[index])
        return TokenValues(
            row(batch.advantages, index),
            row(record.logprobs if record else None, index, is_there=computed),
            row(batch.old_logprobs, index),
            row(record.entropies if record else None, index, is_there=computed),
        )

    flat = iter(range(batch.num_rollouts))
    return [[values(next(flat)) for _ in group.rollouts] for group in groups]


def _by_group(batch: TokenBatch, groups: Sequence[RolloutGroup]) -> list[list[float | None]]:
    """Each rollout's advantage, nested as the groups are: that of its first trained token, which all share where nothing finer gives credit.

    None for objectives that know no advantages.
    """
    if batch.advantages is None:
        return [[None] * len(group.rollouts) for group in groups]
    first = batch.completion_mask.float().argmax(-1, keepdim=True)
    flat = iter(batch.advantages.gather(1, first)[:, 0].tolist())
    return [[next(flat) for _ in group.rollouts] for group in groups]


def save_checkpoint(session: Session, step: int) -> None:
    """Publish the state after `step` steps and drop old ones."""
    session.emit(Phase("saving"))
    with session.run.checkpoint(step) as directory:
        save_learner(session.learner, directory)
        save_schedule(session.schedule, directory)
        save_in_flight(session.in_flight, directory)
    session.run.prune(session.config.keep_checkpoints)
    session.emit(CheckpointSaved(step, session.run.checkpoint_path(step)))
