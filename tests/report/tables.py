"""Rollout tables by hand."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from proctor.training.rollout_table import SCHEMA


def row(*, text: str = "4", outcome: str | None = "CORRECT", extracted: str | None = None, reason: str = "", **values: Any) -> dict[str, Any]:
    """A row with everything that is not given as plain as can be."""
    ids = values.pop("token_ids", list(range(1, 5)))
    return {
        "step": 0,
        "task_id": "sum-1",
        "source": "sums",
        "group": 0,
        "index": 0,
        "status": "finished",
        "reward": 1.0,
        "advantage": 0.0,
        "prompt_text": "What is 2 + 2?",
        "text": text,
        "answer": json.dumps("4"),
        "info": None,
        "finish_reason": "eos",
        "num_completion_tokens": len(ids),
        "num_turns": 1,
        "policy_version": 0,
        "prompt_ids": [1, 2],
        "token_ids": ids,
        "completion_mask": [True] * len(ids),
        "behavior_logprobs": [-0.5] * len(ids),
        "scores": values.pop("scores", [score("number", outcome, extracted=extracted, reason=reason)]),
        "metrics": [],
        "extra": [],
    } | values


def score(name: str, outcome: str | None, *, extracted: str | None = None, reason: str = "") -> dict[str, Any]:
    """What one verifier said."""
    value = None if outcome == "ERROR" else float(outcome == "CORRECT")
    return {"name": name, "outcome": outcome, "value": value, "weight": 1.0, "extracted": extracted, "reason": reason}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)
