"""Imitation before, after and instead of reinforcement learning; and the rewards of DeepSeek-R1."""

from __future__ import annotations

from pathlib import Path

from proctor.config import RewardConfig
from proctor.lab.experiments.records import Arm, Experiment, Greater, Similar, Values
from proctor.lab.experiments.settings import ACCURACY, accuracy, pretrained, reinforce
from proctor.recipes import scratchpad
from proctor.training.run_directory import RunDirectory
from proctor.training.stages.records import Stage

FORMAT = RewardConfig("format")
ENGLISH = RewardConfig("language", arguments={"language": "en"})
_GRPO = {"beta": 0.001}


def _reinforced(name: str, *rewards: RewardConfig, begins_with: str = "") -> Arm:
    """Reinforcement from the base, or after sixteen steps of imitating a form."""

    def stages(base: str) -> tuple[Stage, ...]:
        rl = reinforce(base, "grpo", rewards=(*ACCURACY, *rewards), objective=_GRPO)
        if not begins_with:
            return (rl,)
        warm = reinforce("stage:cold_start", "grpo", rewards=(*ACCURACY, *rewards), objective=_GRPO)
        return (scratchpad.imitation("cold_start", base, scratchpad.additions(begins_with, max_tasks=512), num_steps=16), warm)

    return Arm(name, stages)


def _steps_to(run: Path) -> Values:
    """The first step at which format and accuracy are half-way from where they began to where they ended."""
    rows = [row for row in RunDirectory.inspect(run).metrics() if row["stage"] == "rl"]

    def half_way(name: str) -> float:
        values = [row.get(name, 0.0) for row in rows]
        begin, end = sum(values[:3]) / 3, sum(values[-3:]) / 3
        return float(next((step for step, value in enumerate(values) if value >= (begin + end) / 2), len(values)))

    return {"format_half_way": half_way("reward/format"), "accuracy_half_way": half_way("reward/accuracy")}


FORMAT_THEN_ACCURACY = Experiment(
    name="format_then_accuracy",
    title="Which comes first, the format or the answer?",
    paper="DeepSeek-R1 (2501.12948), section 2.2, and lecture p.28: accuracy and format alone; the format is learned first.",
    hypothesis="The format is half-way long before the accuracy; without its reward it is not learned.",
    base=pretrained("mixed"),
    arms=(_reinforced("accuracy and format", FORMAT), _reinforced("accuracy")),
    claims=(
        Greater("accuracy_half_way", "accuracy and format", "accuracy and format", other_metric="format_half_way"),
        Greater("format", "accuracy and format", "accuracy"),
        Similar("held_out", "accuracy and format", "accuracy", 0.05),
    ),
    probes=(accuracy(), accuracy(name="format", rewards=(FORMAT,))),
    curve="reward/accuracy",
    remark="Half-way is the first single step that gets there. Noise makes it early, the more so the smaller the gain: the rule is biased against the claim.",
    measure=_steps_to,
)

LANGUAGE_CONSISTENCY = Experiment(
    name="language_consistency",
    title="What does one language cost?",
    paper="DeepSeek-R1, section 2.3.2, and lecture p.34: the language reward keeps one language at a slight loss of performance.",
    hypothesis="With the reward the chain of thought is English at the end; accuracy is lower by five points at the most. The reward's weight is 1, as "
    "in the paper; a quarter of the base's demonstrations mixes both languages within a sentence.",
    base=pretrained("bilingual"),
    arms=(_reinforced("with the reward", FORMAT, ENGLISH), _reinforced("without", FORMAT)),
    claims=(Greater("english", "with the reward", "without"), Similar("held_out", "with the reward", "without", 0.05)),
    probes=(
        accuracy(),
        accuracy(name="english", rewards=(ENGLISH,)),
    ),
)

COLD_START = Experiment(
    name="cold_start",
    title="What does a cold start buy?",
    paper="DeepSeek-R1, section 2.3.1, and lecture p.32: a few thousand traces first make the model readable and RL faster.",
    hypothesis="The format is there from the first step of RL, and so is the accuracy: both are learned faster than after as many steps of imitating the "
    "base's own mixture. The accuracy at the end is the same.",
    base=pretrained("bilingual"),
    arms=(_reinforced("cold start", FORMAT, begins_with="english"), _reinforced("more of the same", FORMAT, begins_with="bilingual")),
    claims=(
        Greater("reward/format_all", "cold start", "more of the same"),
        Greater("reward/accuracy_all", "cold start", "more of the same"),
        Similar("held_out", "cold start", "more of the same", 0.05),
    ),
    probes=(accuracy(), accuracy(name="format", rewards=(FORMAT,))),
)


def _imitated(number: int) -> Arm:
    def stages(base: str) -> tuple[Stage, ...]:
        return (scratchpad.imitation("sft", base, scratchpad.additions("plain", max_tasks=number), num_steps=60),)

    return Arm(f"{number} traces", stages)


NUMBER_OF_TRACES = Experiment(
    name="number_of_traces",
    title="How many traces does imitation need?",
    paper="Lecture p.33 (s1 against R1's distillation): a thousand traces go a long way, 800,000 go further.",
    hypothesis="More different traces are better at the same number of steps; 64 are soon learned by heart.",
    base=pretrained("plain"),
    arms=tuple(_imitated(number) for number in (64, 512, 4000)),
    claims=(Greater("held_out", "512 traces", "64 traces"), Greater("held_out", "4000 traces", "512 traces")),
    probes=(accuracy(),),
    curve="nll",
    remark="The base has imitated all of these traces before, so what is seen is how soon few of them are learned by heart at the cost of the others.",
)

EXPERIMENTS = (FORMAT_THEN_ACCURACY, LANGUAGE_CONSISTENCY, COLD_START, NUMBER_OF_TRACES)
