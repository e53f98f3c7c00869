"""Every experiment of the lab from its base to its figure, with a few steps in the place of many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proctor.config import RewardConfig, RunConfig
from proctor.lab.experiments import EXPERIMENTS
from proctor.lab.experiments.gallery import write, write_gallery
from proctor.lab.experiments.records import Arm, Experiment
from proctor.lab.experiments.running import run_experiment
from proctor.recipes import scratchpad
from proctor.training.stages.records import Curate, Mix, Stage, Traces, Train

NUM_STEPS, WINDOW = 3, 12  # of a stage; of one whose rewards are looked at in a window
ODD = """def odd(completion):
    return float(len(completion) % 2)
"""


def paid(config: RunConfig, rewards: Path) -> tuple[RewardConfig, ...]:
    """Rewards of an untrained model that writes nonsense: for an odd number of characters, so that groups have variance."""
    if config.algorithm == "grpo_process":
        return config.rewards
    return tuple(replace(part, function=f"{rewards}:odd", arguments={}) if part.function == "equations" else part for part in config.rewards)


def small(stage: Stage, rewards: Path) -> Stage:
    """The same stage on few tasks, with few steps."""
    if isinstance(stage, Train):
        steps = NUM_STEPS if len(stage.config.rewards) == 1 else WINDOW
        data = replace(stage.config.data, max_tasks=32, max_test_tasks=4)
        config = replace(stage.config, num_steps=min(steps, stage.config.num_steps), data=data, prompts_per_step=2)
        return replace(stage, config=replace(config, group_size=min(4, config.group_size), rewards=paid(config, rewards)))
    if isinstance(stage, Traces):
        return replace(stage, data=replace(stage.data, max_tasks=8), threshold=scratchpad.ANYTHING, max_completion_tokens=200)
    if isinstance(stage, Curate):  # more tasks than other stages have used, and none that an untrained model must have solved
        return replace(stage, data=replace(stage.data, max_tasks=16), filters=tuple(one for one in stage.filters if one["kind"] != "learnable"))
    return replace(stage, parts=tuple(replace(part, data=replace(part.data, max_tasks=8)) for part in stage.parts)) if isinstance(stage, Mix) else stage


def shrunk(experiment: Experiment, rewards: Path) -> Experiment:
    def arm(original: Arm) -> Arm:
        return Arm(original.name, lambda base: tuple(small(stage, rewards) for stage in original.stages(base)))

    base = small(experiment.base, rewards)
    assert isinstance(base, Train)
    return replace(
        experiment,
        base=base,
        arms=tuple(map(arm, experiment.arms)),
        probes=tuple(replace(probe, num_tasks=4, data=replace(probe.data, max_test_tasks=4)) for probe in experiment.probes),
        seeds=(0, 1),
    )


@pytest.mark.full
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_runs_from_its_base_to_its_figure(name: str, tmp_path: Path) -> None:
    rewards = tmp_path / "rewards.py"
    rewards.write_text(ODD)
    experiment = shrunk(EXPERIMENTS[name], rewards)
    outcome = run_experiment(experiment, root=tmp_path / "runs", emit=lambda event: None)
    assert [claim for claim, _, _ in outcome.verdicts] == list(experiment.claims)
    plain = write(experiment, outcome, docs=tmp_path, machine="a machine")
    write_gallery({name: experiment}, tmp_path)
    assert (tmp_path / f"figures/lab/{name}.png").stat().st_size > 1000
    page = (tmp_path / "lab.md").read_text()
    assert all(entry["claim"] in page for entry in plain["verdicts"])
