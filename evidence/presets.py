"""Every on-policy preset on one small task from one start: a table, a plot, and what theory says of four comparisons.

    python evidence/presets.py [--root runs/evidence/presets] [--only grpo ...] [--seeds 0 1 2] [--train-only | --report-only]

Needs `pip install 'proctor[plots]'`. One process a cell, one at a time, one thread. A cell that is finished is read, not repeated, and an
interrupted one starts over, so it can be stopped at any time. What is done, and what is expected, was written down before the full run:

Task: a number of three digits is read, `473=`; its last digit and then its first are to be written: `34`. The start is a model of one layer
that was taught in seconds to write one to three digits of the number it reads, any of them in any order, so that about one completion in
seven is right. It has to find out which digits are wanted, and in which order, from rewards of 0 and 1. 200 tasks to learn from, 100
held out; 64 completions a step (8 tasks, 8 each), 30 steps, one learning rate for all, chosen on `grpo` and `dr_grpo` alone. Held-out
accuracy is that of two completions a task at temperature 1, the distribution that is trained. Its interval is Student's over the three seeds.

Four hypotheses. A claim about three seeds is SHOWN when each of the three agrees, REFUTED when each of them says the opposite, and OPEN
otherwise; seeds are paired. (By chance alone three seeds agree one time in eight: this is a demonstration, not a proof.)

1. Ordering (DeepSeekMath, figure 5): held-out accuracy of grpo is at least that of online_rft; that of online_rft is above that of rft.
2. The clamp of AlpacaFarm (lecture p.14: it "helps with stability", without it the KL "blows up immediately"): ppo_rlhf at beta 0.2 with
   `kl="clamped_k1"` ends with a smaller KL of a rollout (k1, unclamped, mean of the last quarter) than with `kl="k1"`; and without the clamp the
   KL of the last quarter is more than three times that with it ("blows up").
3. Clip fractions: grpo with one update a batch clips nothing in any step, exactly; with eight updates a batch (`learner.num_minibatches=8`) it
   clips some tokens in every seed (mean over steps above 0).
4. PPO's curves at beta 0.05 and 0.2 (lecture p.16; ppo_rlhf, four epochs): at both, the reward of the last quarter is above that of the first five
   steps; the KL of a rollout in the last quarter is larger at 0.05 than at 0.2; and the non-score reward, averaged over eight steps, falls and then
   comes partly back: its last value is above its lowest by at least a tenth of the fall from its first to its lowest.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from common import write_json

import proctor
from proctor.algorithms import presets
from proctor.algorithms.collection import OnPolicy
from proctor.algorithms.spec import Objective, PreferenceObjective
from proctor.core import Task
from proctor.models.load import load_policy
from proctor.models.scoring import forward_path
from proctor.training.events import Event, StepFinished

SEEDS = (0, 1, 2)
NUM_TRAIN, NUM_TEST = 200, 100
SETTINGS: dict[str, Any] = {
    "num_steps": 30,
    "prompts_per_step": 8,
    "group_size": 8,
    "max_completion_tokens": 5,
    "learning_rate": 3e-3,
    "compute_dtype": "float32",
    "device": "cpu",
    "checkpoint_every": 10_000,
    "scoring": {"in_process": True},
    "evaluation": {"num_tasks": NUM_TEST, "num_samples": 2, "temperature": 1.0},
}
CRITIC = {"critic_learning_rate": 3e-3}
OWN: dict[str, dict[str, Any]] = {
    "ppo": CRITIC,
    "ppo_rlhf": CRITIC,
    "vapo": CRITIC,
    "dapo": {"max_refills": 0},
}
"""Arguments of presets that are not their defaults: critics of this size need the policy's learning rate, and refills would be further samples."""
RLHF_STEPS = 48


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of run, for every seed."""

    name: str
    algorithm: str
    objective: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def on_policy() -> list[str]:
    """Presets whose rollouts are the policy's own at every step, the policy being what is trained, without a teacher."""
    found = []
    for name in presets.ALIASES:
        if name == "on_policy_distillation":
            continue
        objective = getattr(presets, name)(max_completion_tokens=1)
        if isinstance(objective, Objective | PreferenceObjective) and isinstance(objective.source, OnPolicy):
            found.append(name)
    return found


def rlhf(name: str, **objective: Any) -> Cell:
    return Cell(name, "ppo_rlhf", {**CRITIC, **objective}, {"num_steps": RLHF_STEPS, "learner": {"num_epochs": 4, "adam_epsilon": 1e-5}})


COMPARED = tuple(Cell(name, name, OWN.get(name, {})) for name in on_policy())
EXTRA = (
    Cell("rft", "rft"),
    Cell("grpo_8_updates", "grpo", settings={"learner": {"num_minibatches": 8}}),
    Cell("grpo_lr_0.001", "grpo", settings={"learning_rate": 1e-3}),
    Cell("grpo_lr_0.006", "grpo", settings={"learning_rate": 6e-3}),
    rlhf("rlhf_beta_0.05", beta=0.05),
    rlhf("rlhf_beta_0.2", beta=0.2),
    rlhf("rlhf_beta_0.2_clamped", beta=0.2, kl="clamped_k1"),
)
CELLS = (*COMPARED, *EXTRA)
CURVES = ("reward_mean", "clip_low_fraction", "clip_high_fraction", "kl_per_rollout", "non_score_reward", "entropy", "num_updates")


def tasks() -> tuple[list[Task], list[Task]]:
    """To learn from, and held out: the same for every cell."""
    numbers = [f"{a}{b}{c}" for a in range(1, 10) for b in range(1, 10) for c in range(1, 10)]
    random.Random(0).shuffle(numbers)
    made = [Task(number, f"{number}=", number[2] + number[0]) for number in numbers]
    return made[:NUM_TRAIN], made[NUM_TRAIN : NUM_TRAIN + NUM_TEST]


def teach(path: Path) -> None:
    """Write the model that every cell starts from: digits of what it reads, without a plan."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from proctor.models.pocket import CHARACTERS, SPECIAL_TOKENS, character_tokenizer

    tokenizer = character_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(CHARACTERS) + len(SPECIAL_TOKENS),
        hidden_size=32,
        intermediate_size=96,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        bos_token_id=None,
        pad_token_id=tokenizer.convert_tokens_to_ids("<pad>"),
        eos_token_id=tokenizer.convert_tokens_to_ids("<eos>"),
    )
    model, draw, peak, num_steps = LlamaForCausalLM(config), random.Random(1), 5e-3, 300
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95))
    numbers = [task.prompt_text for task in tasks()[0]]
    for step in range(num_steps):
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1, (step + 1) / 10) * (1 - step / num_steps)
        rows, labels = zip(*(_demonstration(tokenizer, draw.choice(numbers), draw) for _ in range(128)), strict=True)
        optimizer.zero_grad()
        model(input_ids=torch.tensor(rows), labels=torch.tensor(labels)).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def _demonstration(tokenizer: Any, prompt: str, draw: random.Random) -> tuple[list[int], list[int]]:
    """Ids and labels of a prompt with one to three of its digits, padded to three."""
    written = "".join(draw.choice(prompt[:3]) for _ in range(draw.choices((1, 2, 3), (15, 70, 15))[0]))
    read, answer = tokenizer.encode(f"<user>{prompt}<assistant>"), tokenizer.encode(f"{written}<eos>")
    padding = 3 - len(written)
    return [*read, *answer, *[tokenizer.pad_token_id] * padding], [*[-100] * len(read), *answer, *[-100] * padding]


def run(cell: Cell, seed: int, root: Path) -> None:
    """One cell in this process: train, and write what came out."""
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []

    def listen(event: Event) -> None:
        if isinstance(event, StepFinished):
            rows.append(dict(event.metrics))

    out = root / "runs" / f"{cell.name}-seed{seed}"
    shutil.rmtree(out, ignore_errors=True)
    train, test = tasks()
    began = time.process_time()
    settings = {**SETTINGS, **cell.settings, "seed": seed, "algorithm": cell.algorithm, "objective": dict(cell.objective)}
    result = proctor.train(str(root / "start"), train, "equations", test=test, out=out, listener=listen, **settings)
    record = {
        "cell": cell.name,
        "seed": seed,
        "cpu_s": round(time.process_time() - began, 2),
        "before": result.summary["before"]["mean"],
        "after": result.summary["after"]["mean"],
        "num_completions": sum(int(row["num_rollouts"]) for row in rows),
        "machine": _machine(),
        "curves": {name: [round(float(row[name]), 6) for row in rows] for name in CURVES if all(name in row for row in rows)},
    }
    write_json(_path(root, cell, seed), record)
    shutil.rmtree(out)


def _path(root: Path, cell: Cell, seed: int) -> Path:
    return root / "cells" / f"{cell.name}-seed{seed}.json"


def _machine() -> str:
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0] if models else 'unknown processor'}, {os.cpu_count()} cores, torch {torch.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("runs/evidence/presets"))
    parser.add_argument("--only", nargs="+", choices=[cell.name for cell in CELLS], help="train only these cells")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--train-only", action="store_true", help="do not write the page and the figures")
    part.add_argument("--report-only", action="store_true", help="write the page and the figures from the cells that are there")
    arguments = parser.parse_args()
    if not arguments.report_only:
        train_all([cell for cell in CELLS if arguments.only is None or cell.name in arguments.only], arguments.seeds, arguments.root)
    if not arguments.train_only:
        from presets_report import report

        report(arguments.root)


def train_all(cells: Sequence[Cell], seeds: Sequence[int], root: Path) -> None:
    """Every cell that is not there yet, seed by seed, each in a process of its own, forked so that torch is loaded once."""
    torch.set_num_threads(1)
    context = multiprocessing.get_context("fork")

    def forked(function: Callable[..., None], *given: Any) -> None:
        process = context.Process(target=function, args=given)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{function.__name__}{given} ended with exit status {process.exitcode}")

    if not (root / "start" / "config.json").is_file():
        forked(teach, root / "start")
    warm_up(root / "start")
    for seed in seeds:
        for cell in cells:
            if not _path(root, cell, seed).exists():
                forked(run, cell, seed, root)


def warm_up(start: Path) -> None:
    """Load what every cell loads at first use: seconds, longer than some cells train."""
    forward_path(load_policy(str(start), device="cpu", compute_dtype="float32"))
    for name in ("proctor.training.run", "proctor.verifiers.equations", "transformers.models.llama.modeling_llama", "pyarrow.parquet"):
        importlib.import_module(name)


def read(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of every cell that has any, by name and in the order of the seeds."""
    found = {cell.name: [path for seed in SEEDS if (path := _path(root, cell, seed)).exists()] for cell in CELLS}
    return {name: [json.loads(path.read_text()) for path in paths] for name, paths in found.items() if paths}


if __name__ == "__main__":
    main()
