"""Regenerate the quickstart figure: three seeds of `proctor train quickstart`, one plot, one table.

    python evidence/quickstart.py [--scale 135m|pocket] [--root runs/evidence]

Runs that are finished are read, runs that were interrupted go on, so it can be stopped at any time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import DOCS, curve_figure, machine, read_metrics, train, write_json

SEEDS = (0, 1, 2)
STEMS = {"135m": "quickstart", "pocket": "quickstart-pocket"}
TITLES = {"135m": "One-digit addition, SmolLM2-135M, GRPO", "pocket": "Two-digit addition in writing, pocket policy, GRPO"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=STEMS, default="135m")
    parser.add_argument("--root", type=Path, default=Path("runs/evidence"))
    arguments = parser.parse_args()
    stem = STEMS[arguments.scale]
    runs = [train("quickstart", arguments.root / f"{stem}-seed{seed}", f"seed={seed}", scale=arguments.scale) for seed in SEEDS]
    rows = []
    for seed, run in zip(SEEDS, runs, strict=True):
        metrics, summary = read_metrics(run), json.loads((run / "summary.json").read_text())
        rows.append(
            {
                "seed": seed,
                "reward_first_step": metrics[0]["reward_mean"],
                "reward_last_three_steps": sum(row["reward_mean"] for row in metrics[-3:]) / 3,
                "held_out_before": summary["before"]["mean"],
                "held_out_after": {key: summary["after"][key] for key in ("mean", "low", "high", "num_tasks")},
                "gain": summary["gain"],
                "seconds_of_steps": summary["seconds_of_steps"],
                "peak_memory_gb": summary["peak_memory_bytes"] / 1e9,
            }
        )
    command = "python evidence/quickstart.py" + (f" --scale {arguments.scale}" if arguments.scale != "135m" else "")
    write_json(DOCS / "results" / f"{stem}.json", {"machine": machine(runs[0]), "command": command, "runs": rows})
    curves = {f"seed {seed}": [row["reward_mean"] for row in read_metrics(run)] for seed, run in zip(SEEDS, runs, strict=True)}
    config = json.loads((runs[0] / "config.json").read_text())
    rollouts = config["prompts_per_step"] * config["group_size"]
    curve_figure(DOCS / "figures" / f"{stem}.png", curves, title=TITLES[arguments.scale], ylabel=f"mean reward of {rollouts} rollouts")


if __name__ == "__main__":
    main()
