"""Regenerate the quickstart figure: three seeds of `proctor train quickstart`, one plot, one table.

    python evidence/quickstart.py [--root runs/evidence]

Runs that are finished are read, runs that were interrupted go on, so it can be stopped at any time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import DOCS, curve_figure, machine, read_metrics, train, write_json

SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence"))
    root = parser.parse_args().root
    runs = [train("quickstart", root / f"quickstart-seed{seed}", f"seed={seed}") for seed in SEEDS]
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
                "seconds_of_steps": summary["seconds_of_steps"],
                "peak_memory_gb": summary["peak_memory_bytes"] / 1e9,
            }
        )
    write_json(DOCS / "results" / "quickstart.json", {"machine": machine(runs[0]), "command": "python evidence/quickstart.py", "runs": rows})
    curves = {f"seed {seed}": [row["reward_mean"] for row in read_metrics(run)] for seed, run in zip(SEEDS, runs, strict=True)}
    curve_figure(DOCS / "figures" / "quickstart.png", curves, title="One-digit addition, SmolLM2-135M, GRPO", ylabel="mean reward of 128 rollouts")


if __name__ == "__main__":
    main()
