"""Run a staged recipe: each stage in a directory of its own, its model evaluated, everything resumable.

DIR/stages/01-cold_start/    a run directory, a rows.jsonl, or a merged model
DIR/summary.json             what every stage's model can do; `before` and `after` the stages of reinforcement learning
DIR/metrics.jsonl            the steps of all stages, one after the other
DIR/model/                   the result
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from proctor.config import RunConfig, to_mapping
from proctor.data.config import DataConfig
from proctor.data.loaders import content_hash, load_train_and_test, load_training_tasks
from proctor.errors import ConfigError
from proctor.training import durable, run_directory
from proctor.training.config_changes import refuse_changes
from proctor.training.events import EvaluationFinished, Listener, RunFinished, StageMade, StageStarted
from proctor.training.manifest import Manifest
from proctor.training.run import RunResult, paired_gain, run_training
from proctor.training.run_directory import RunDirectory
from proctor.training.stages.curation import curation_spec, write_curated
from proctor.training.stages.merging import merge_models
from proctor.training.stages.mixing import mixed_rows
from proctor.training.stages.probing import probe_model
from proctor.training.stages.records import REFERENCE, Curate, Merge, Mix, Stage, StagedConfig, Traces, Train, as_plain, from_plain, names_of, sources
from proctor.training.stages.rows import json_lines
from proctor.training.stages.traces import write_traces

_MODEL, _ROWS = "model", "rows.jsonl"
_SHOWN_LEAKS = 3


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each stage's result lies, and what is held out."""

    root: Path
    names: tuple[str, ...]
    held_out: str

    def stage(self, name: str) -> Path:
        """The directory of a stage."""
        return self.root / "stages" / f"{self.names.index(name) + 1:02d}-{name}"

    def model(self, value: str) -> str:
        """A model's source, with the path of an earlier stage's in the place of its name."""
        return str(self.stage(value.removeprefix(REFERENCE)) / _MODEL) if value.startswith(REFERENCE) else value

    def rows(self, value: str) -> str:
        """A file's path, with that of an earlier stage's rows in the place of its name."""
        return str(self.stage(value.removeprefix(REFERENCE)) / _ROWS) if value.startswith(REFERENCE) else value

    def curation(self, stage: Curate) -> Curate:
        """A curation with paths in the place of earlier stages."""
        filters = tuple({**one, **({"files": list(map(self.rows, one["files"]))} if "files" in one else {})} for one in stage.filters)
        return replace(stage, model=self.model(stage.model), data=self.resolved(stage.data), filters=filters)

    def resolved(self, data: DataConfig) -> DataConfig:
        """Data, with the path of an earlier stage's file in the place of its name. The whole file is trained on: what is held out is the probe's."""
        if not data.train.startswith(REFERENCE):
            return data
        return replace(data, train=self.rows(data.train), test=data.test or self.held_out)


def run_staged(staged: StagedConfig, *, recipe: str, out: Path | None, resume: bool, emit: Listener) -> RunResult:
    """Run the stages that are not done yet.

    Args:
        staged: the recipe.
        recipe: its name, which also names the directory where `out` is None.
        out: run directory; None for `runs/<recipe>-<time>`, or on resume the newest of the recipe.
        resume: continue the run there; with nothing there yet, begin it.
        emit: told what happens.

    Raises:
        ProctorError: a stage does not fit or failed; the message is complete. What earlier stages made is kept.
    """
    refuse_leaks(staged)
    path = out or (run_directory.newest(recipe) if resume else None) or run_directory.new_path(recipe)
    probed = staged.probes[0].data
    places = _Places(path, tuple(names_of(staged.stages)), probed.test or probed.train)
    for stage in staged.stages:
        if isinstance(stage, Curate):
            curation_spec(places.curation(stage), output=Path(_ROWS))  # a filter that does not exist is refused before hours of training
    continues = resume and run_directory.is_run(path)
    if not continues:
        run_directory.refuse_occupied(path)
    with _open(path, staged, recipe, continues=continues) as run:
        summary: dict[str, Any] = dict(run.summary() or {"recipe": recipe, "stages": []})
        if staged.start_model and "start" not in summary:
            summary["start"] = {"model": staged.start_model, "evaluations": _evaluations(staged, staged.start_model, "start", emit, places)}
            run.write_summary(summary)
        for number, stage in enumerate(staged.stages, 1):
            if stage.name in {entry["name"] for entry in summary["stages"]}:
                continue
            emit(StageStarted(stage.name, number, len(staged.stages)))
            entry = _run_stage(staged, stage, recipe, places, emit)
            if entry is None:
                run.set_status("stopped", f"by a signal, in the stage {stage.name}")
                return RunResult(path, len(run.metrics()), False, summary)
            with run.writing("metrics.jsonl"):
                durable.write_atomic(run.metrics_path, _all_metrics(staged, places))  # before the summary, which says that the stage is done
            summary = {**summary, "stages": [*summary["stages"], entry]}
            run.write_summary(summary)
        summary = {**summary, **_conclusion(staged, summary)}
        with run.publish_model() as directory:
            shutil.copytree(places.stage(staged.final) / _MODEL, directory, dirs_exist_ok=True)
        run.write_summary(summary)
        run.set_status("finished")
        emit(RunFinished(path, summary))
        return RunResult(path, len(run.metrics()), True, summary)


def refuse_leaks(staged: StagedConfig) -> None:
    """Refuse a recipe whose stages train on tasks that its evaluation asks, whatever template either dresses them in.

    Raises:
        ConfigError: a prompt is in both; the message shows some.
    """
    for probe in staged.probes:
        held_out = {task.messages for task in load_train_and_test(_bare(probe.data), probe.seed)[1].tasks[: probe.num_tasks]}
        for stage in staged.stages:
            for data, seed in sources(stage):
                tasks = load_training_tasks(_bare(data), seed)
                leaked = [task for task in tasks if task.messages in held_out]
                if leaked:
                    shown = "; ".join(repr(task.prompt_text[:60]) for task in leaked[:_SHOWN_LEAKS])
                    raise ConfigError(
                        f"the stage {stage.name!r} trains on {len(leaked)} of the {len(held_out)} tasks of the evaluation {probe.name!r}, "
                        f"for example {shown}. Take them out of {data.train}, or name other held-out tasks with data.test"
                    )


def _bare(data: DataConfig) -> DataConfig:
    return replace(data, template="{prompt}", system=None)


def _open(path: Path, staged: StagedConfig, recipe: str, *, continues: bool) -> RunDirectory:
    """Create the directory, or open it after a check that the recipe is the one it was begun with."""
    plain = {"recipe": recipe, **as_plain(staged)}
    record = path / "staged.json"
    if continues and record.exists():
        begun = json.loads(record.read_text())
        refuse_changes({"recipe": begun["recipe"], **as_plain(from_plain(begun))}, plain, run=path)
        return RunDirectory.open(path)
    if continues:
        raise ConfigError(f"{path} is a run of one stage, not of the staged recipe {recipe!r}; choose another --out")
    probe = staged.probes[0]
    train, test = load_train_and_test(probe.data, probe.seed)
    hashes = {"train": content_hash(train.tasks), "test": content_hash(test.tasks)}
    manifest = Manifest.collect(seeds={"run": staged.seed}, data_hashes=hashes, reward_hashes={}, opt_outs=())
    run = RunDirectory.create(path, {"recipe": recipe, **to_mapping(_result_config(staged, path))}, manifest)
    durable.write_atomic(record, (json.dumps(plain, indent=2) + "\n").encode())
    return run


def _result_config(staged: StagedConfig, path: Path) -> RunConfig:
    """How the result is asked: what `proctor eval DIR` reads."""
    probe = staged.probes[0]
    trained = next(stage for stage in reversed(staged.stages) if isinstance(stage, Train) and stage.makes_policy)
    return replace(trained.config, model=str(path / _MODEL), data=probe.data, rewards=probe.rewards, max_completion_tokens=probe.max_completion_tokens)


def _run_stage(staged: StagedConfig, stage: Stage, recipe: str, places: _Places, emit: Listener) -> dict[str, Any] | None:
    """What a stage did and what its model can do; None when a signal stopped it."""
    began = time.perf_counter()
    place = places.stage(stage.name)
    done = _train(stage, recipe, places, emit) if isinstance(stage, Train) else _make(stage, places, emit)
    if done is None:
        return None
    seconds = time.perf_counter() - began
    writes = isinstance(stage, Merge) or (isinstance(stage, Train) and stage.makes_policy)
    evaluations = _evaluations(staged, str(place / _MODEL), stage.name, emit, places) if writes else {}
    spent = {"seconds": seconds, "evaluation_seconds": time.perf_counter() - began - seconds if writes else 0.0}
    return {"name": stage.name, **done, **spent, "path": str(place.relative_to(places.root)), "evaluations": evaluations}


def _train(stage: Train, recipe: str, places: _Places, emit: Listener) -> dict[str, Any] | None:
    place = places.stage(stage.name)
    result = run_training(_resolved(stage, places), recipe=f"{recipe}-{stage.name}", out=place, resume=run_directory.is_run(place), emit=_without_end(emit))
    if not result.is_finished:
        return None
    return {"kind": "train", "algorithm": stage.config.algorithm, **{key: result.summary[key] for key in _TRAINING_KEYS}}


def _make(stage: Traces | Curate | Mix | Merge, places: _Places, emit: Listener) -> dict[str, Any]:
    """Write what a stage makes without training: whole or not at all, so that a killed one is done again."""
    place = places.stage(stage.name)
    place.mkdir(parents=True, exist_ok=True)
    if isinstance(stage, Merge):
        with durable.publish_directory(place / _MODEL) as directory:
            merge_models([places.model(source) for source in stage.models], stage.weights, directory)
        return {"kind": "merge", "models": list(stage.models), "weights": list(stage.weights)}
    if isinstance(stage, Curate):
        curated = write_curated(places.curation(stage), output=place / _ROWS, progress=lambda text: None)
        removed = ", ".join(f"{kind} {count}" for kind, count in curated["removed"].items())
        emit(StageMade(stage.name, f"{curated['num_rows']} tasks kept of {curated['num_tasks']}; taken out: {removed or 'none'}"))
        return {"kind": "curate", **curated}
    if isinstance(stage, Traces):
        rows, counts = write_traces(replace(stage, model=places.model(stage.model), data=places.resolved(stage.data)))
        emit(StageMade(stage.name, f"{counts['num_rows']} rows kept of {counts['num_samples']} completions ({counts['pass_rate']:.1%} right)"))
    else:
        rows = mixed_rows([replace(part, data=places.resolved(part.data)) for part in stage.parts], seed=stage.seed)
        counts = {"num_rows": len(rows)}
    durable.write_atomic(place / _ROWS, json_lines(rows))
    return {"kind": "traces" if isinstance(stage, Traces) else "mix", **counts}


_TRAINING_KEYS = ("num_steps", "reward_first_steps", "reward_last_steps", "seconds_of_steps", "peak_memory_bytes")


def _resolved(stage: Train, places: _Places) -> RunConfig:
    """The stage's configuration with paths for references, and without an evaluation of its own."""
    config = stage.config

    def located(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: places.model(value) if isinstance(value, str) else value for name, value in values.items()}

    return replace(
        config,
        model=places.model(config.model),
        data=places.resolved(config.data),
        rewards=tuple(replace(reward, arguments=located(reward.arguments)) for reward in config.rewards),
        objective=located(config.objective),
        evaluation=replace(config.evaluation, num_tasks=0),
    )


def _evaluations(staged: StagedConfig, model: str, name: str, emit: Listener, places: _Places) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for probe in staged.probes:
        chooser = places.model(probe.reward_model)
        is_there = not probe.reward_model.startswith(REFERENCE) or Path(chooser).is_dir()
        evaluation = probe_model(model, replace(probe, reward_model=chooser if is_there else ""))
        interval = evaluation.reward
        label = name if len(staged.probes) == 1 else f"{name}, {probe.name}"
        emit(EvaluationFinished(label, interval.mean, interval.low, interval.high, interval.num_tasks, 0))
        found[probe.name] = {**evaluation.as_summary(), "per_task": list(evaluation.per_task)}
    return found


def _conclusion(staged: StagedConfig, summary: Mapping[str, Any]) -> dict[str, Any]:
    """`before` and `after` reinforcement learning, their paired difference, and the control, all of the first probe."""
    headline = staged.probes[0].name
    by_name = {entry["name"]: entry for entry in summary["stages"]}

    def of(model: str) -> Any:
        entry = by_name[model.removeprefix(REFERENCE)] if model.startswith(REFERENCE) else summary["start"]
        return entry["evaluations"][headline]

    trained = [entry for entry in summary["stages"] if entry["kind"] == "train"]
    found: dict[str, Any] = {
        "num_steps": sum(entry["num_steps"] for entry in trained),
        "seconds_of_steps": sum(entry["seconds_of_steps"] for entry in trained),
        "peak_memory_bytes": max(entry["peak_memory_bytes"] for entry in trained),
    }
    if staged.rl_stages:
        first, last = staged.rl_stages[0], staged.rl_stages[-1]
        before, after = of(first.config.model), of(REFERENCE + last.name)
        found |= {"before": before, "after": after}
        if gain := paired_gain(before["per_task"], after["per_task"], seed=staged.seed):
            found["gain"] = gain
    if staged.control:
        control = of(REFERENCE + staged.control)
        found["control"] = {
            "stage": staged.control,
            "seconds_of_steps": by_name[staged.control]["seconds_of_steps"],
            "rl_seconds_of_steps": sum(by_name[stage.name]["seconds_of_steps"] for stage in staged.rl_stages),
            **control,
        }
    return found


def _all_metrics(staged: StagedConfig, places: _Places) -> bytes:
    """The metrics of the training stages so far, their steps counted on."""
    rows: list[dict[str, Any]] = []
    for stage in staged.stages:
        place = places.stage(stage.name)
        if isinstance(stage, Train) and run_directory.is_run(place):
            begin = len(rows)
            rows += [{**row, "step": begin + row["step"], "stage": stage.name} for row in RunDirectory.inspect(place).metrics()]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _without_end(emit: Listener) -> Listener:
    """A listener that is not told of the end of a stage's run: the recipe goes on."""

    def listen(event: Any) -> None:
        if not isinstance(event, RunFinished):
            emit(event)

    return listen
