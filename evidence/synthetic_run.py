"""A made-up run of any size, with everything in it that the viewer looks for: for measurements, tests and pictures of the viewer.

python evidence/synthetic_run.py OUT --num-steps 1000 --num-groups 125 --group-size 8     # a million rollouts

Texts are drawn from a pool, so that a million rollouts take minutes to write; rewards, lengths and metrics follow a plausible course with
a cheat that is found two thirds of the way.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from proctor.training.rollout_table import SCHEMA

KINDS = ("right", "wrong", "short", "loop", "mixed", "unread", "tool", "cut", "broken")
NUM_TASKS = 400
_VARIANTS = 6


@dataclass(frozen=True, slots=True)
class Pool:
    """Ready-made completions: columns of a table by task, kind and variant, and the reward of each (NaN for an error)."""

    table: pa.Table
    rewards: np.ndarray
    tokenizer: Tokenizer

    @property
    def num_tasks(self) -> int:
        return self.table.num_rows // (len(KINDS) * _VARIANTS)


def task_of(number: int) -> tuple[int, int]:
    """The two summands of a task."""
    return 10 + number % 37, 10 + (number * 7) % 53


def completion_of(kind: str, number: int, variant: int) -> str:
    """A completion of a kind for a task."""
    a, b = task_of(number)
    total, wrong = a + b, a + b + 1 + variant
    steps = [
        f"I add the tens first: {a - a % 10} + {b - b % 10} = {a - a % 10 + b - b % 10}.",
        f"Then the ones: {a % 10} + {b % 10} = {a % 10 + b % 10}.",
        "Together that gives the sum.",
        "Let me check it once more by counting on.",
    ][: 2 + variant % 3]
    thought = " ".join(steps)
    return {
        "right": f"<think>{thought}</think>\nThe answer is {total}.",
        "wrong": f"<think>{thought}</think>\nThe answer is {wrong}.",
        "short": f"{total}",
        "loop": "<think>" + f"{a} + {b} is {a} + {b} is " * (8 + variant),
        "mixed": f"<think>{steps[0]} 然后把个位数加起来，结果是 {total}。 Проверим ещё раз.</think>\nThe answer is {total}.",
        "unread": f"<think>{thought}</think>\nI am not sure, it could be many things.",
        "tool": f'<think>I use the calculator.</think>\n<tool_call>{{"name": "calculator", "arguments": {{"expression": "{a} + {b}"}}}}</tool_call>',
        "cut": f"<think>{thought} {thought} So I have to add {a} and {b}, and",
        "broken": f"<think>{thought}</think>\nThe answer is {total}.",
    }[kind]


def build_pool(*, num_tasks: int = NUM_TASKS, with_token_columns: bool = False) -> Pool:
    """Completions for every task, kind and variant, tokenised."""
    texts = [completion_of(kind, number, variant) for number in range(num_tasks) for kind in KINDS for variant in range(_VARIANTS)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts[::31], trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, special_tokens=["<eos>"], show_progress=False))
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for place, text in enumerate(texts):
        number, kind = place // (len(KINDS) * _VARIANTS), KINDS[place // _VARIANTS % len(KINDS)]
        rows.append(_pool_row(tokenizer, text, number, kind, rng, with_token_columns=with_token_columns))
    columns = [name for name in schema(with_token_columns=with_token_columns).names if name in rows[0]]
    types = schema(with_token_columns=with_token_columns)
    table = pa.Table.from_pylist(rows, schema=pa.schema([types.field(name) for name in columns]))
    return Pool(table, np.array([_reward(row["scores"]) for row in rows]), tokenizer)


def _reward(scores: list[dict[str, Any]]) -> float:
    return math.nan if any(score["value"] is None for score in scores) else sum(score["value"] * score["weight"] for score in scores)


_TOKEN_COLUMNS = ("advantages", "logprobs", "old_logprobs", "entropies")


def schema(*, with_token_columns: bool) -> pa.Schema:
    """The rollout table's schema, or that of runs in which no learner wrote what it knows of single tokens."""
    return SCHEMA if with_token_columns else pa.schema([field for field in SCHEMA if field.name not in _TOKEN_COLUMNS])


def _pool_row(tokenizer: Tokenizer, text: str, number: int, kind: str, rng: np.random.Generator, *, with_token_columns: bool) -> dict[str, Any]:
    a, b = task_of(number)
    own = tokenizer.encode(text).ids
    ids, mask = list(own), [True] * len(own)
    if kind == "tool":  # an observation and a second turn
        observation, last = tokenizer.encode(f"\n<tool_response>{a + b}</tool_response>\n").ids, tokenizer.encode(f"The answer is {a + b}.").ids
        ids, mask = ids + observation + last, mask + [False] * len(observation) + [True] * len(last)
        text = f"The answer is {a + b}."
    if kind not in ("cut", "loop"):
        ids, mask = [*ids, 0], [*mask, True]
    logprobs = np.where(mask, -np.minimum(rng.exponential(0.5, len(ids)), 9.0) * (rng.random(len(ids)) < 0.7), 0.0)
    prompt = f"What is {a} + {b}? Think, then answer with a number."
    row: dict[str, Any] = {
        "task_id": f"sums-{number:04d}",
        "source": "sums",
        "status": "error" if kind == "broken" else "truncated" if kind in ("cut", "loop") else "finished",
        "prompt_text": prompt,
        "text": text,
        "answer": json.dumps(str(a + b)),
        "finish_reason": "length" if kind in ("cut", "loop") else "eos",
        "num_completion_tokens": sum(mask),
        "num_turns": 2 if kind == "tool" else 1,
        "prompt_ids": tokenizer.encode(prompt).ids,
        "token_ids": ids,
        "completion_mask": mask,
        "behavior_logprobs": logprobs.tolist(),
        "scores": _scores(kind, a + b, text),
        "metrics": [{"name": "number/num_steps", "value": float(text.count("."))}],
        "extra": [],
    }
    if with_token_columns:
        old = logprobs + rng.normal(0, 0.02, len(ids))
        row |= {
            "old_logprobs": old.tolist(),
            "logprobs": (old + rng.normal(0, 0.15, len(ids))).tolist(),
            "entropies": np.abs(rng.normal(0.8, 0.9, len(ids))).tolist(),
        }
    return row


def _scores(kind: str, total: int, text: str) -> list[dict[str, Any]]:
    if kind == "broken":
        return [{"name": "number", "outcome": "ERROR", "value": None, "weight": 1.0, "extracted": None, "reason": "worker 3 died twice (signal 9)"}]
    outcome = {"wrong": "INCORRECT", "unread": "UNPARSED", "loop": "UNPARSED", "cut": "INCORRECT"}.get(kind, "CORRECT")
    value = 1.0 if outcome == "CORRECT" else 0.0
    extracted = None if outcome == "UNPARSED" else text.rstrip(".").split()[-1].strip("</think>.") if kind == "wrong" else str(total)
    reason = {"UNPARSED": "no number after the last mark", "INCORRECT": f"{extracted} is not {total}", "CORRECT": "equal as numbers"}[outcome]
    has_format = ("<think>" in text and "</think>" in text) or kind == "tool"
    return [
        {"name": "number", "outcome": outcome, "value": value, "weight": 1.0, "extracted": extracted, "reason": reason},
        {
            "name": "format",
            "outcome": None,
            "value": float(has_format),
            "weight": 0.1,
            "extracted": None,
            "reason": "reasoning stands in its tags" if has_format else "no closed <think>",
        },
    ]


def course(step: int, num_steps: int) -> dict[str, float]:
    """Probability of each kind of completion at a step."""
    progress = step / max(1, num_steps - 1)
    right = 0.12 + 0.5 / (1 + math.exp(-9 * (progress - 0.35)))
    short = 0.0 if progress < 0.68 else 0.22
    rest = 1 - right - short
    weights = {
        "right": right,
        "short": short,
        "wrong": 0.52 * rest,
        "unread": 0.16 * rest,
        "cut": 0.12 * rest,
        "tool": 0.1 * rest,
        "mixed": 0.03 * rest,
        "loop": 0.06 * rest,
    }
    return {**weights, "broken": 1 - sum(weights.values())}


def write_run(
    path: Path,
    *,
    num_steps: int,
    num_groups: int,
    group_size: int,
    seed: int = 0,
    num_tasks: int = NUM_TASKS,
    status: str = "finished",
    with_token_columns: bool = False,
) -> None:
    """Write a whole run directory at `path`."""
    (path / "rollouts").mkdir(parents=True)
    pool = build_pool(num_tasks=num_tasks, with_token_columns=with_token_columns)
    checkpoint = path / "checkpoints" / f"step-{num_steps:06d}"
    checkpoint.mkdir(parents=True)
    pool.tokenizer.save(str(checkpoint / "tokenizer.json"))
    (path / "config.json").write_text(json.dumps(_config(num_steps, num_groups, group_size, seed)))
    (path / "manifest.json").write_text(json.dumps({"format_version": 1, "status": status, "reason": "", "created": "2026-01-02T03:04:05+00:00"}))
    writer = StepWriter(path, pool, num_steps, num_groups, group_size, seed)
    for step in range(num_steps):
        writer.write(step)
    (path / "summary.json").write_text(json.dumps(_summary(num_steps)))


@dataclass(slots=True)
class StepWriter:
    """Writes steps of a run one at a time."""

    path: Path
    pool: Pool
    num_steps: int
    num_groups: int
    group_size: int
    seed: int = 0

    def write(self, step: int) -> None:
        """The rollouts and the metrics of a step."""
        rng = np.random.default_rng([self.seed, step])
        size = self.num_groups * self.group_size
        chances = course(step, self.num_steps)
        tasks = np.repeat((step * self.num_groups + np.arange(self.num_groups)) % self.pool.num_tasks, self.group_size)
        ease = np.repeat(rng.random(self.num_groups), self.group_size)
        kinds = rng.choice(len(KINDS), size, p=[chances[kind] for kind in KINDS])
        kinds = np.where(ease > 0.93, KINDS.index("right"), np.where(ease < 0.05, KINDS.index("wrong"), kinds))
        places = (tasks * len(KINDS) + kinds) * _VARIANTS + rng.integers(_VARIANTS, size=size)
        table = self.pool.table.take(pa.array(places))
        broken = kinds == KINDS.index("broken")
        rewards = self.pool.rewards[places]
        grouped = rewards.reshape(self.num_groups, self.group_size)
        with np.errstate(all="ignore"):
            advantages = ((grouped - np.nanmean(grouped, 1, keepdims=True)) / (np.nanstd(grouped, 1, keepdims=True) + 1e-4)).reshape(-1)
        new = {
            "step": pa.array(np.full(size, step, np.int32)),
            "group": pa.array(np.repeat(np.arange(self.num_groups, dtype=np.int32), self.group_size)),
            "index": pa.array(np.tile(np.arange(self.group_size, dtype=np.int32), self.num_groups)),
            "reward": pa.array(rewards, mask=broken),
            "advantage": pa.array(advantages, mask=broken),
            "policy_version": pa.array(np.maximum(0, step - rng.integers(0, 2, size)).astype(np.int32)),
        }
        wanted = schema(with_token_columns="entropies" in table.column_names)
        made = {**{name: table[name] for name in table.column_names}, **new}
        columns = [made.get(field.name, pa.nulls(size, field.type)) for field in wanted]
        pq.write_table(pa.table(columns, schema=wanted), self.path / "rollouts" / f"step-{step:06d}.parquet", compression="zstd")
        lengths = np.array(table["num_completion_tokens"])
        row = self._metrics(step, grouped, lengths, np.array(table["status"]) == "truncated", int(broken.sum()), rng)
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _metrics(
        self, step: int, rewards: np.ndarray, lengths: np.ndarray, truncated: np.ndarray, num_errors: int, rng: np.random.Generator
    ) -> dict[str, float]:
        progress = step / max(1, self.num_steps)
        sampling, scoring, training = 6 + rng.normal(0, 0.4), 0.35 + rng.random() * 0.1, 4 + rng.normal(0, 0.2)
        seconds = sampling + scoring + training
        return {
            "step": step,
            "reward_mean": float(np.nanmean(rewards)),
            "reward_std": float(np.nanstd(rewards)),
            "unanimous_fraction": float(np.mean(np.nanmax(rewards, 1) == np.nanmin(rewards, 1))),
            "completion_tokens_mean": float(lengths.mean()),
            "completion_tokens_max": float(lengths.max()),
            "truncated_fraction": float(truncated.mean()),
            "num_errors": float(num_errors),
            "num_rollouts": float(lengths.size - num_errors),
            "entropy": 1.1 * math.exp(-1.6 * progress) + 0.15 + rng.normal(0, 0.02),
            "kl": 0.05 * progress + abs(rng.normal(0, 0.003)),
            "approx_kl": abs(rng.normal(0, 0.0006)),
            "clip_low_fraction": abs(rng.normal(0.002, 0.001)),
            "clip_high_fraction": abs(rng.normal(0.004, 0.001)),
            "grad_norm": 0.4 + abs(rng.normal(0, 0.08)),
            "sampler_mismatch": 1e-5 + abs(rng.normal(0, 2e-6)),
            "sampler_mismatch_max": 6e-5 + abs(rng.normal(0, 1e-5)),
            "learning_rate": 1e-5,
            "seconds": seconds,
            "seconds_sampling": sampling,
            "seconds_scoring": scoring,
            "seconds_training": training,
            "tokens_per_s": float(lengths.sum() / seconds),
        }


def _config(num_steps: int, num_groups: int, group_size: int, seed: int) -> dict[str, Any]:
    return {
        "recipe": "synthetic",
        "model": "made-up",
        "algorithm": "grpo",
        "data": {"train": "sums"},
        "rewards": [{"function": "number", "weight": 1.0}, {"function": "format", "weight": 0.1}],
        "num_steps": num_steps,
        "prompts_per_step": num_groups,
        "group_size": group_size,
        "learning_rate": 1e-5,
        "seed": seed,
    }


def _summary(num_steps: int) -> dict[str, Any]:
    """Held-out accuracies that follow the honest part of the course."""

    def at(step: int) -> dict[str, float]:
        chances = course(step, num_steps)
        mean = chances["right"] + chances["tool"] + 0.3 * chances["short"]
        return {"mean": mean, "low": mean - 0.06, "high": mean + 0.06, "num_tasks": 200}

    during = {str(step): at(step) for step in range(num_steps // 8, num_steps, max(1, num_steps // 8))}
    return {"recipe": "synthetic", "before": at(0), "during": during, "after": at(num_steps - 1), "num_steps": num_steps}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--num-steps", type=int, default=60)
    parser.add_argument("--num-groups", type=int, default=16)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_run(options.out, num_steps=options.num_steps, num_groups=options.num_groups, group_size=options.group_size, seed=options.seed)


if __name__ == "__main__":
    main()
