"""Regenerate the GSM8K figure: one run of `proctor train gsm8k` on the real training split, evaluated before and after.

    python evidence/gsm8k.py --train train.jsonl --test test.jsonl [--steps 40] [--root runs/evidence]

A finished run is read, an interrupted one goes on. Asked plainly, a 135M model writes until it is cut off, so every question stands
behind two worked examples (made up here, in neither split), as turns of the same conversation: completions are then short, and cheap.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common import DOCS, curve_figure, machine, read_metrics, smooth, train, write_json

WINDOW = 10
EXAMPLES = (
    ("Tom has 3 boxes with 4 pens each. He gives away 5 pens. How many pens does he have left?", "3 * 4 = 12. 12 - 5 = 7. #### 7"),
    ("A book costs $12. Anna buys 2 books and pays with $50. How much change does she get?", "12 * 2 = 24. 50 - 24 = 26. #### 26"),
)
SETTINGS = ("temperature=0.6", "max_completion_tokens=48", "group_size=16", "learning_rate=1e-5", "checkpoint_every=2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training split, a JSON Lines file")
    parser.add_argument("--test", type=Path, required=True, help="test split, a JSON Lines file")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence"))
    options = parser.parse_args()
    train_file, test_file = (with_examples(source, options.root / "gsm8k-data" / source.name) for source in (options.train, options.test))
    run = train("gsm8k", options.root / "gsm8k", f"data.train={train_file}", f"data.test={test_file}", f"num_steps={options.steps}", *SETTINGS)
    metrics, summary = read_metrics(run), json.loads((run / "summary.json").read_text())
    if "after" not in summary:
        raise SystemExit(f"the run was stopped after {len(metrics)} of {options.steps} steps, so there is no figure yet; the same command goes on with it")
    rewards = [row["reward_mean"] for row in metrics]
    parts = {
        name: {key: summary[name][key] for key in ("mean", "low", "high", "num_tasks", "truncated_fraction", "completion_tokens_mean")}
        for name in ("before", "after")
    }
    write_json(
        DOCS / "results" / "gsm8k.json",
        {
            "machine": machine(run),
            "command": f"python evidence/gsm8k.py --steps {options.steps} --train {options.train.name} --test {options.test.name}",
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
    curve_figure(DOCS / "figures" / "gsm8k.png", curves, title="GSM8K, SmolLM2-135M, Dr. GRPO", ylabel="mean reward of 128 rollouts", fades_first=True)


def with_examples(source: Path, target: Path) -> Path:
    """Write the tasks of `source` as conversations that begin with the examples; returns `target`."""
    shown = [{"role": role, "content": text} for pair in EXAMPLES for role, text in zip(("user", "assistant"), pair, strict=True)]
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    tasks = [{"prompt": [*shown, {"role": "user", "content": row["question"]}], "answer": row["answer"]} for row in rows]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(task) + "\n" for task in tasks))
    return target


if __name__ == "__main__":
    main()
