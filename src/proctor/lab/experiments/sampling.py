"""Which rollouts and which tasks a step learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from proctor.config import EngineConfig, RewardConfig
from proctor.data.config import Curriculum, DataConfig, FurtherSource, Priorities, ScheduleConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar, Values
from proctor.lab.experiments.rollouts import read_groups
from proctor.lab.experiments.settings import ACCURACY, NUM_STEPS, accuracy, arm, pretrained, reinforce
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.recipes import scratchpad
from proctor.training.stages.records import Curate, Stage
from proctor.verifiers.equations import equations

_NONE = {"clip_high": 0.2, "cache_fraction": 0.0, "max_refills": 0, "drops_truncated": False}
_LIMIT = 40
"""Tokens: an addition with every equation checked ends about there."""
_STEPS_OF_PARTS = 18
"""As many as six arms can have in twenty minutes: four updates of 16 groups a step, and up to four rounds of sampling."""


def _part(name: str, algorithm: str = "dapo", **objective: Any) -> Arm:
    return arm(name, algorithm, objective=objective, learner={"num_minibatches": 4}, max_completion_tokens=_LIMIT, num_steps=_STEPS_OF_PARTS)


DAPO_PARTS = Experiment(
    name="dapo_parts",
    title="What does each part of DAPO do?",
    paper="DAPO (2503.14476), table 1: 30 on AIME with GRPO; overlong filtering 36, clip-higher 38, soft punishment 41, token mean 42, dynamic sampling 50.",
    hypothesis="Clip-higher keeps entropy up; overlong handling shortens what is cut off; dynamic sampling learns most a step (and samples more for it); "
    "token mean alone changes little, since lengths hardly differ.",
    base=pretrained("long_and_short"),
    arms=(
        _part("grpo", "grpo", beta=0.0),
        _part("token mean", **_NONE),
        _part("clip-higher", **{**_NONE, "clip_high": 0.28}),
        _part("dynamic sampling", **{**_NONE, "max_refills": 3}),
        _part("overlong", **{**_NONE, "cache_fraction": 0.2, "drops_truncated": True}),
        _part("all", max_refills=3),
    ),
    claims=(
        Similar("held_out", "token mean", "grpo", 0.05),
        Greater("entropy_last", "clip-higher", "token mean"),
        Greater("truncated_fraction_last", "token mean", "overlong"),
        Greater("held_out", "dynamic sampling", "token mean"),
        Greater("held_out", "all", "grpo"),
    ),
    probes=(accuracy(),),
)

_TASKS = scratchpad.additions("plain")

CURRICULUM = Experiment(
    name="curriculum",
    title="Easy tasks first, or what fails most?",
    paper="Kimi k1.5 (2501.12599), figure 9, and lecture p.44: a curriculum from easy to hard beats uniform sampling; tasks in proportion to 1 - success.",
    hypothesis="Little: additions of two digits differ by their carries alone, and uniform sampling already mixes all three kinds in every step.",
    base=pretrained("plain"),
    arms=(
        arm("uniform", "grpo", objective={"beta": 0.0}),
        arm("curriculum", "grpo", objective={"beta": 0.0}, data=replace(_TASKS, schedule=ScheduleConfig(curriculum=Curriculum(num_steps=15, by="carries")))),
        arm("priorities", "grpo", objective={"beta": 0.0}, data=replace(_TASKS, schedule=ScheduleConfig(priorities=Priorities()))),
    ),
    claims=(Greater("held_out", "curriculum", "uniform"), Greater("held_out", "priorities", "uniform")),
    probes=(accuracy(),),
)

_POOL = scratchpad.additions("plain", max_tasks=1000)
_GRPO = {"beta": 0.0}
_STEPS_OF_THE_FILTER = 5
"""Steps that cost about as much as measuring the pool does: 8,000 completions are sampled in 16 steps, and sampling is a third of a step."""


def _filtered(base: str) -> tuple[Stage, ...]:
    measured = {"kind": "difficulty", "num_samples": 8, "max_pass_rate": 0.95}
    chosen = Curate("chosen", _POOL, (measured, {"kind": "learnable"}), ACCURACY, model=base, max_completion_tokens=scratchpad.MAX_TOKENS)
    return (chosen, reinforce(base, "grpo", objective=_GRPO, data=DataConfig("stage:chosen")))


DIFFICULTY_FILTER = Experiment(
    name="difficulty_filter",
    title="Is it worth measuring how hard tasks are, first?",
    paper="Kimi k1.5 (2501.12599), section 2.1, and Qwen3 (2505.09388), section 4.2, lecture p.41 and p.51: tasks by the model's own pass rate; what is "
    "never or always solved teaches nothing.",
    hypothesis="More groups have variance, so thirty steps teach more. Against as many more steps as the measuring costs it is a draw: the pool is "
    "measured once, by a model that soon is another one.",
    base=pretrained("plain"),
    arms=(
        arm("all tasks", "grpo", objective=_GRPO, data=_POOL),
        arm("all tasks, longer", "grpo", objective=_GRPO, data=_POOL, num_steps=NUM_STEPS + _STEPS_OF_THE_FILTER),
        Arm("filtered", _filtered),
    ),
    claims=(
        Greater("unanimous_fraction_all", "all tasks", "filtered"),
        Greater("held_out", "filtered", "all tasks"),
        Similar("held_out", "filtered", "all tasks, longer", 0.05),
    ),
    probes=(accuracy(),),
)

_WITH_VERDICTS = DataConfig(
    "column_addition:digits=2,form=tagged",
    test=scratchpad.HELD_OUT,
    max_tasks=500,
    max_test_tasks=scratchpad.NUM_HELD_OUT,
    further=(FurtherSource("judged_addition:form=either", 1.0, max_tasks=500),),
)
_MANY_VERDICTS = (FurtherSource("judged_addition:form=either", 1.0, max_tasks=4000),)
"""As many sums to be found as sums to be judged with yes or no."""
_EXACT = (RewardConfig("exact", name="accuracy"),)


def _verdicts(name: str, data: DataConfig, *before: Stage) -> Arm:
    def stages(base: str) -> tuple[Stage, ...]:
        first = tuple(replace(stage, model=base) for stage in before if isinstance(stage, Curate))
        return (*first, reinforce(base, "grpo", objective=_GRPO, rewards=_EXACT, data=data))

    return Arm(name, stages)


def _luck(run: Path) -> Values:
    """The share of what was paid that holds a false equation, or none: right for no reason that is written."""
    paid = [text for group in read_groups(run) for text, is_right in zip(group.texts, group.is_right, strict=True) if is_right]
    lucky = [not (found := equations(text)) or not all(is_true for _, is_true in found) for text in paid]
    return {"paid_by_luck": sum(lucky) / len(lucky) if lucky else float("nan")}


_GUESSED = Curate(
    "chosen", _WITH_VERDICTS, ({"kind": "guessable", "num_tries": 8, "max_completion_tokens": 4, "instruction": ""},), _EXACT, max_completion_tokens=4
)

GUESS_FILTER = Experiment(
    name="guess_filter",
    title="What do tasks that can be guessed teach?",
    paper="Kimi k1.5 (2501.12599), section 2.1: prompts whose answer is found without reasoning in one of eight tries are easy to hack, and are left out.",
    hypothesis="A verdict of yes or no is right every second time, whatever was written before it: it is paid without reasons, half of each step's rollouts "
    "teach next to nothing about adding, and the additions learn less than where the guess test has taken the verdicts out.",
    base=scratchpad.imitation(
        "pretraining", POCKET_UNTRAINED, replace(_WITH_VERDICTS, max_tasks=4000, further=_MANY_VERDICTS), num_steps=240, learning_rate=1e-3, rewards=_EXACT
    ),
    arms=(_verdicts("all tasks", _WITH_VERDICTS), _verdicts("guess test", DataConfig("stage:chosen"), _GUESSED)),
    claims=(
        Greater("paid_by_luck", "all tasks", "guess test"),
        Greater("held_out", "guess test", "all tasks"),
    ),
    probes=(accuracy(),),
    measure=_luck,
    remark="The curves are of different tasks, verdicts being paid every second time; held out are additions alone, on which the arm with the guess test "
    "spends all of its rollouts and the other half. Two other seeds were looked at before this was committed (both claims open), and nothing was "
    "changed after.",
)

PRECISION = Experiment(
    name="precision",
    title="What does it cost to sample from rounded weights, and does a correction pay it back?",
    paper="Yao et al. 2025 (truncated importance sampling; FlashRL) and IcePop: samplers of lower precision than the trainer make RL off-policy without "
    "saying so; weighing tokens by the ratio mends it.",
    hypothesis="Eight bits cost nothing: they are as near to the policy as bf16 is (0.003 nats a token). Four bits (0.12 nats, and an accuracy of 0.11 where "
    "the policy has 0.19; by a look before that is not in the repository) cost accuracy, and the correction gives part of it back.",
    base=pretrained("plain"),
    arms=(
        arm("same weights", "grpo", objective=_GRPO),
        arm("int8", "grpo", objective=_GRPO, engine=EngineConfig(precision="int8")),
        arm("int4", "grpo", objective=_GRPO, engine=EngineConfig(precision="int4")),
        arm("int4, corrected", "grpo", objective={**_GRPO, "correction": "truncated_importance"}, engine=EngineConfig(precision="int4")),
    ),
    claims=(
        Similar("held_out", "int8", "same weights", 0.05),
        Greater("held_out", "same weights", "int4"),
        Greater("held_out", "int4, corrected", "int4"),
    ),
    probes=(accuracy(),),
)

EXPERIMENTS = (DAPO_PARTS, CURRICULUM, DIFFICULTY_FILTER, GUESS_FILTER, PRECISION)
