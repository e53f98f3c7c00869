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

Every number here comes from a command in this repository; `python evidence/report.py` writes this page from `docs/results/*.json`.
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

GSM8K = """\
## GSM8K, SmolLM2-135M

`{command}` on {machine}, one seed. Cold start: 1,024 solutions of the training split, reduced to their
equations, are imitated. Then {num_steps} steps of GRPO, 8 tasks x 16 completions a step at temperature 0.5, on {num_training_tasks} other training rows that
take one or two calculations; the final number alone is rewarded.

{table}

![mean reward by step](figures/gsm8k.png)

During reinforcement learning {verdict}. What else was tried, and what a model of this size can and cannot do: [notes](notes/gsm8k-first-look.md).
"""


def main() -> None:
    sections = [HEAD, _quickstart(DOCS / "results" / "quickstart.json"), _gsm8k(DOCS / "results" / "gsm8k.json")]
    (DOCS / "results.md").write_text("\n".join(section for section in sections if section))


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def _quickstart(path: Path) -> str:
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
    return QUICKSTART.format(command=found["command"], machine=found["machine"], table="\n".join(lines))


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
    rows += ["", f"Paired difference on rows of one or two calculations: {gain['mean']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]."]
    rows += [
        f"Step seconds, summed, beside other work: {seconds['cold_start']:.0f} of the cold start, {seconds['reinforcement']:.0f} of reinforcement learning."
    ]
    direction = "rises" if last > first else "falls"
    verdict = f"the mean reward of ten steps {direction} from {first:.3f} to {last:.3f}"
    return GSM8K.format(**{key: found[key] for key in ("command", "machine", "num_steps", "num_training_tasks")}, table="\n".join(rows), verdict=verdict)


_STAGES = {
    ("every_kind", "before_anything"): "before anything",
    ("every_kind", "cold_start"): "after the cold start",
    ("every_kind", "after"): "after RL",
    ("one_or_two_calculations", "before"): "after the cold start",
    ("one_or_two_calculations", "after"): "after RL",
}


if __name__ == "__main__":
    main()
