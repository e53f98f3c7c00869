"""Regenerate the GSM8K figure: one run of `proctor train gsm8k` on the real training split, evaluated before and after.

    python evidence/gsm8k.py --train train.jsonl --test test.jsonl [--steps 60] [--root runs/evidence]

A finished run is read, an interrupted one goes on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import DOCS, curve_figure, machine, read_metrics, smooth, train, write_json

WINDOW = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", default="openai/gsm8k", help="training split: a file, or the hub's name")
    parser.add_argument("--test", default="openai/gsm8k", help="test split: a file, or the hub's name")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence"))
    options = parser.parse_args()
    run = train("gsm8k", options.root / "gsm8k", f"data.train={options.train}", f"data.test={options.test}", f"num_steps={options.steps}")
    metrics, summary = read_metrics(run), json.loads((run / "summary.json").read_text())
    rewards = [row["reward_mean"] for row in metrics]
    parts = {
        name: {key: summary[name][key] for key in ("mean", "low", "high", "num_tasks", "truncated_fraction", "completion_tokens_mean")}
        for name in ("before", "after")
    }
    write_json(
        DOCS / "results" / "gsm8k.json",
        {
            "machine": machine(run),
            "command": f"python evidence/gsm8k.py --steps {options.steps} --train {Path(options.train).name} --test {Path(options.test).name}",
            "num_steps": len(rewards),
            f"reward_first_{WINDOW}_steps": sum(rewards[:WINDOW]) / len(rewards[:WINDOW]),
            f"reward_last_{WINDOW}_steps": sum(rewards[-WINDOW:]) / len(rewards[-WINDOW:]),
            **parts,
            "gain": summary["gain"],
            "seconds_of_steps": summary["seconds_of_steps"],
            "peak_memory_gb": summary["peak_memory_bytes"] / 1e9,
        },
    )
    curves = {"each step": rewards, f"mean of {WINDOW} steps": smooth(rewards, WINDOW)}
    curve_figure(DOCS / "figures" / "gsm8k.png", curves, title="GSM8K, SmolLM2-135M, Dr. GRPO", ylabel="mean reward of 64 rollouts", fades_first=True)


if __name__ == "__main__":
    main()
