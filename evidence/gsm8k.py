"""Regenerate the GSM8K figure: a cold start, a choice of tasks and reinforcement learning of SmolLM2-135M on the real training split.

    python evidence/gsm8k.py --train train.jsonl --test test.jsonl [--steps 40] [--root runs/evidence/gsm8k]

A finished run is read, an interrupted one goes on. Asked plainly the model solves next to nothing (two of a hundred), and what it writes is cut off
in nine of ten cases, so there is nothing to learn from. Hence three stages:

1. cold start, as in DeepSeek-R1: supervised fine-tuning on the first rows of the split, whose solutions are reduced to their equations (`48/2=24`) and
   `#### answer`;
2. tasks by the model's own pass rate, as in Kimi k1.5: of the other rows that take one or two calculations and at most 200 characters to ask, those it
   solves in 1 to 6 of 8 attempts (`proctor curate`, filter `difficulty`). The rest teach it nothing: their groups are unanimous;
3. reinforcement learning from the final number alone on those. The same temperature in sampling and in every training pass.

Held out: 200 rows of the test split of one or two calculations, and the first 200 rows of the test split of every kind; neither is chosen by what the
model solves. Completions are greedy.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common import DOCS, curve_figure, machine, read_metrics, smooth, write_json

WINDOW = 10
NUM_COLD = 3200
NUM_ASKED = 500  # tasks whose pass rate is measured
MAX_CALCULATIONS, MAX_CHARACTERS = 2, 200
COLD_START = """model="smollm2-135m"
algorithm="sft"
rewards=["number"]
num_steps=40
prompts_per_step=32
group_size=1
max_completion_tokens=96
learning_rate=1.5e-4
checkpoint_every=16
[data]
train="{data}"
test="{test}"
[learner]
schedule="cosine"
num_warmup_steps=3
micro_batch_tokens=2048
[evaluation]
num_tasks=0
"""
REINFORCEMENT = """model="{model}"
algorithm="grpo"
rewards=["number"]
num_steps={steps}
prompts_per_step=8
group_size=16
max_completion_tokens=48
learning_rate=5e-6
temperature=0.7
checkpoint_every=10
[objective]
beta=0.0
[data]
train="{data}"
test="{test}"
[learner]
num_warmup_steps=2
micro_batch_tokens=2048
[evaluation]
num_tasks=200
"""

CHOICE = """sources=["{source}"]
output="{out}"
[verifier]
function="number"
[model]
name="{model}"
max_completion_tokens=48
[[filters]]
kind="difficulty"
num_samples=8
temperature=0.7
min_pass_rate=0.125
max_pass_rate=0.75
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True, help="training split, a JSON Lines file")
    parser.add_argument("--test", type=Path, required=True, help="test split, a JSON Lines file")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/gsm8k"))
    options = parser.parse_args()
    root: Path = options.root
    root.mkdir(parents=True, exist_ok=True)
    train, test = (read_rows(path) for path in (options.train, options.test))
    write_rows(root / "sft.jsonl", [{**row, "demonstration": equations(row["answer"])} for row in train if calculations(row)][:NUM_COLD])
    write_rows(root / "rl_easy.jsonl", list(filter(is_easy, train[NUM_COLD:]))[:NUM_ASKED])
    write_rows(root / "test_easy.jsonl", filter(is_easy, test))
    cold = run(root / "sft", COLD_START.format(data=root / "sft.jsonl", test=options.test))
    model = cold.resolve() / "model"
    chosen = choose(root, model)
    trained = run(root / "rl", REINFORCEMENT.format(model=model, steps=options.steps, data=chosen, test=root / "test_easy.jsonl"))
    report(options, cold, trained, root)


def report(options: argparse.Namespace, cold: Path, trained: Path, root: Path) -> None:
    """Evaluate on the test split of every kind, and write what was found."""
    metrics, summary = read_metrics(trained), json.loads((trained / "summary.json").read_text())
    rewards = [row["reward_mean"] for row in metrics]
    keys = ("mean", "low", "high", "num_tasks", "truncated_fraction", "completion_tokens_mean")
    every_kind = {
        name: evaluate(model, options.test) for name, model in (("before_anything", "smollm2-135m"), ("cold_start", str(cold)), ("after", str(trained)))
    }
    write_json(
        DOCS / "results" / "gsm8k.json",
        {
            "machine": machine(trained),
            "command": f"python evidence/gsm8k.py --steps {options.steps} --train {options.train.name} --test {options.test.name}",
            "num_steps": len(rewards),
            "num_tasks_asked": len(read_rows(root / "rl_easy.jsonl")),
            "num_training_tasks": len(read_rows(root / "chosen.jsonl")),
            f"reward_first_{WINDOW}_steps": sum(rewards[:WINDOW]) / len(rewards[:WINDOW]),
            f"reward_last_{WINDOW}_steps": sum(rewards[-WINDOW:]) / len(rewards[-WINDOW:]),
            "one_or_two_calculations": {name: {key: summary[name][key] for key in keys} for name in ("before", "after")},
            "gain": summary["gain"],
            "every_kind": {name: {key: values[key] for key in keys} for name, values in every_kind.items()},
            "seconds_of_steps": {"cold_start": sum(row["seconds"] for row in read_metrics(cold)), "reinforcement": summary["seconds_of_steps"]},
            "peak_memory_gb": summary["peak_memory_bytes"] / 1e9,
        },
    )
    curves = {"each step": rewards, f"mean of {WINDOW} steps": smooth(rewards, WINDOW)}
    curve_figure(
        DOCS / "figures" / "gsm8k.png", curves, title="GSM8K, SmolLM2-135M, GRPO after a cold start", ylabel="mean reward of 128 rollouts", fades_first=True
    )


def run(out: Path, config: str) -> Path:
    """Run `proctor train` on a configuration to its end, continuing what is there."""
    file = out.with_suffix(".toml")
    file.write_text(config)
    subprocess.run([sys.executable, "-m", "proctor.cli.main", "train", str(file), "--out", str(out), "--resume"], check=True)
    return out


def choose(root: Path, model: Path) -> Path:
    """The tasks that the model solves sometimes."""
    file, out = root / "choice.toml", root / "chosen.jsonl"
    file.write_text(CHOICE.format(source=root / "rl_easy.jsonl", out=out, model=model))
    subprocess.run([sys.executable, "-m", "proctor.cli.main", "curate", str(file)], check=True)
    return out


def evaluate(model: str, test: Path) -> Mapping[str, Any]:
    """Greedy accuracy on the first 200 rows of the test split."""
    command = [sys.executable, "-m", "proctor.cli.main", "eval", model, "--data", str(test), "--reward", "number", "--num-tasks", "200", "--json"]
    done = subprocess.run([*command, "--max-completion-tokens", "96"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def calculations(row: Mapping[str, Any]) -> list[str]:
    """The calculator annotations of a solution: `48/2=24`."""
    return re.findall(r"<<([^>]*)>>", row["answer"])


def is_easy(row: Mapping[str, Any]) -> bool:
    return 1 <= row["answer"].count("<<") <= MAX_CALCULATIONS and len(row["question"]) <= MAX_CHARACTERS


def equations(answer: str) -> str:
    """A solution reduced to its equations and its answer."""
    final = answer.split("####")[1].strip().replace(",", "")
    return "\n".join([*re.findall(r"<<([^>]*)>>", answer), f"#### {final}"])


if __name__ == "__main__":
    main()
