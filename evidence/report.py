"""Write docs/results.md from the figures that the other scripts left in docs/results/.

python evidence/report.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from common import DOCS

HEAD = """\
# Results

`python evidence/report.py` writes this page. Every number in its tables comes from a command in this repository and stands in `docs/results/*.json`, but for
the last section's, which were noted by hand; what a recipe or a script sets is said in words.
Intervals are 95 %, over tasks. Machines of this kind are shared and noisy: identical runs differ by tens of per cent in time.
"""

QUICKSTART = """\
## Quickstart: one-digit addition, SmolLM2-135M

`{command}` on {machine}.

"What is 7 + 8? Answer with a number."; the last number of the completion counts. GRPO without a KL term, 8 tasks x 16 completions a step, full fine-tuning
in fp32, learning rate 1e-5. 75 of the 100 additions are trained on, 25 are held out. The model samples at temperature 1 in training; the held-out
column is greedy, which is why it starts higher.

{table}

![mean reward by step](figures/quickstart.png)
"""

POCKET = """\
## The same on a model of 0.8M parameters, from nothing

`{command}` on {machine}; beside other work, so the seconds are too many.

`47+85=`, worked out in writing. The policy `pocket` is pre-trained on worked additions until a third of what it samples is right; then GRPO, 64 tasks x
8 completions a step, learning rate 3e-4. Held out are 200 other additions, four completions each at temperature 1: what the policy does, not what its
mode does.

{table}

![mean reward by step](figures/quickstart-pocket.png)
"""

GSM8K = """\
## GSM8K, SmolLM2-135M

`{command}` on {machine} (AMX bf16: fp32 masters and bf16 products; reinforcement learning on one of two virtual cores, beside the tests), one seed.
Cold start: 1,280 solutions of the training split, reduced to their equations, are imitated in 40 steps. Then the model is asked {num_tasks_asked} other
training rows of one or two calculations, 8 times each at temperature 0.7; the {num_training_tasks} that it solves in 1 to 6 of 8 attempts (0.19 of the
time on average) are what it learns from: {num_steps} steps of GRPO, 8 tasks x 16 completions, learning rate 5e-6, the final number alone rewarded.

{table}

{verdict} {gain}

![mean reward by step](figures/gsm8k.png)

What a 135M model can do here: learn a format, stop, and get better at questions that it sometimes solves. What it cannot: solve more than one in twenty
of the test split. An earlier run without the choice of tasks and at four times the learning rate got worse, 0.140 to 0.045:
[notes](notes/gsm8k-first-look.md).
"""

CLONE = """\
## A fresh clone

AMD EPYC without bf16, 2 virtual cores of a shared host, one training run of one thread beside it all the time; Python 3.11, package index and wheels
near, once each:

| command in a fresh clone | wall clock | what it is |
|---|---|---|
| `make test` | 12 min 22 s | environment, installation, 4,302 tests (634 s of it) |
| `make demo STEPS=2` | 5 min 0 s | in the same environment, weights converted first; two steps (114 s), evaluation before and after |

The core without extras is 48 packages with CPU torch, Proctor itself among them: `pip install --dry-run --report core.json -c
constraints/development.txt .`; the goal was at most 60.
"""


def main() -> None:
    results = DOCS / "results"
    sections = [
        HEAD,
        _quickstart(results / "quickstart.json", QUICKSTART),
        _quickstart(results / "quickstart-pocket.json", POCKET),
        _gsm8k(results / "gsm8k.json"),
        CLONE,
    ]
    (DOCS / "results.md").write_text("\n".join(section for section in sections if section))


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def _quickstart(path: Path, template: str) -> str:
    found = _read(path)
    if found is None:
        return ""
    lines = [
        "| seed | reward, first step | reward, last three steps | held out, before | held out, after | step seconds, summed | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in found["runs"]:
        after = run["held_out_after"]
        lines.append(
            f"| {run['seed']} | {run['reward_first_step']:.3f} | {run['reward_last_three_steps']:.3f} | {run['held_out_before']:.2f} "
            f"| {after['mean']:.2f} [{after['low']:.2f}, {after['high']:.2f}] | {run['seconds_of_steps']:.0f} | {run['peak_memory_gb']:.2f} GB |"
        )
    return template.format(command=found["command"], machine=found["machine"], table="\n".join(lines))


def _gsm8k(path: Path) -> str:
    found = _read(path)
    if found is None:
        return ""
    rows = ["| greedy accuracy on 200 test rows | | tokens | truncated |", "|---|---|---|---|"]
    for kind, label in (("every_kind", "of every kind"), ("one_or_two_calculations", "of one or two calculations")):
        for name, part in found[kind].items():
            interval = f"{part['mean']:.3f} [{part['low']:.3f}, {part['high']:.3f}]"
            stage = _STAGES[kind, name]
            rows.append(f"| {label}, {stage} | {interval} | {part['completion_tokens_mean']:.0f} | {part['truncated_fraction']:.0%} |")
    gain, seconds = found["gain"], found["seconds_of_steps"]
    first, last = found["reward_first_10_steps"], found["reward_last_10_steps"]
    direction = "rises" if last > first else "falls"
    verdict = f"The mean reward of ten steps {direction} from {first:.3f} to {last:.3f}, on the tasks it trains on, each seen three or four times."
    shown = "a gain" if gain["low"] > 0 else "a loss" if gain["high"] < 0 else "**no difference is shown**"
    held_out = (
        f"Held out, the paired difference on rows of one or two calculations is {gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]: {shown}. "
        f"Step seconds, summed: {seconds['cold_start']:.0f} of the cold start, {seconds['reinforcement']:.0f} of reinforcement learning. "
        f"Peak memory {found['peak_memory_gb']:.1f} GB."
    )
    names = ("command", "machine", "num_steps", "num_training_tasks", "num_tasks_asked")
    return GSM8K.format(**{key: found[key] for key in names}, table="\n".join(rows), verdict=verdict, gain=held_out)


_STAGES = {
    ("every_kind", "before_anything"): "before anything",
    ("every_kind", "cold_start"): "after the cold start",
    ("every_kind", "after"): "after RL",
    ("one_or_two_calculations", "before"): "after the cold start",
    ("one_or_two_calculations", "after"): "after RL",
}


if __name__ == "__main__":
    main()
