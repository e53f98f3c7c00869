"""The rollouts of one step as a Parquet table, one row each, for people and for later analysis.

Every column is described in `docs/run-directory.md`. The table is a record: training never reads it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from proctor.core import Rollout, RolloutGroup, Score
from proctor.errors import LearnerError
from proctor.training import durable

_SCORE = pa.struct(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("outcome", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("weight", pa.float64()),
        pa.field("extracted", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
_METRIC = pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("value", pa.float64())])
_EXTRA = pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("text", pa.string())])

SCHEMA = pa.schema(
    [
        pa.field("step", pa.int32(), nullable=False),
        pa.field("task_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("group", pa.int32(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reward", pa.float64()),
        pa.field("advantage", pa.float64()),
        pa.field("prompt_text", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("answer", pa.string()),
        pa.field("info", pa.string()),
        pa.field("finish_reason", pa.string(), nullable=False),
        pa.field("num_completion_tokens", pa.int32(), nullable=False),
        pa.field("num_turns", pa.int32(), nullable=False),
        pa.field("policy_version", pa.int32(), nullable=False),
        pa.field("prompt_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("token_ids", pa.list_(pa.int32()), nullable=False),
        pa.field("completion_mask", pa.list_(pa.bool_()), nullable=False),
        pa.field("behavior_logprobs", pa.list_(pa.float32()), nullable=False),
        pa.field("scores", pa.list_(_SCORE), nullable=False),
        pa.field("metrics", pa.list_(_METRIC), nullable=False),
        pa.field("extra", pa.list_(_EXTRA), nullable=False),
        pa.field("policy_versions", pa.list_(pa.int32())),
        *(pa.field(name, pa.list_(pa.float32())) for name in ("advantages", "logprobs", "old_logprobs", "entropies")),
    ]
)

GroupValues = Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class TokenValues:
    """What the learner knows of the tokens of one rollout, one value for each of its `token_ids`; None where it computed none.

    Attributes:
        advantages: credit of each token.
        logprobs: at the last pass over the rollout, nats.
        old_logprobs: at the start of the update, nats; None for a single update, whose own pass is the old one.
        entropies: of the distributions at that pass, nats.
    """

    advantages: Sequence[float] | None = None
    logprobs: Sequence[float] | None = None
    old_logprobs: Sequence[float] | None = None
    entropies: Sequence[float] | None = None

    def columns(self) -> dict[str, Sequence[float] | None]:
        return {"advantages": self.advantages, "logprobs": self.logprobs, "old_logprobs": self.old_logprobs, "entropies": self.entropies}


_NOTHING = TokenValues()


def write_rollouts(
    path: Path,
    step: int,
    groups: Sequence[RolloutGroup],
    *,
    advantages: GroupValues | None = None,
    weights: Mapping[str, float] | None = None,
    tokens: Sequence[Sequence[TokenValues]] | None = None,
) -> None:
    """Write the rollouts of a step, those that ended in ERROR included, in one atomic operation.

    Args:
        path: of the file.
        step: counted from 0.
        groups: in the order of the step.
        advantages: one a rollout, aligned with `groups[i].rollouts[j]`; None before they are known.
        weights: of each reward function, by name.
        tokens: what the learner knows of single tokens, aligned like `advantages`; None before it has seen them.

    Raises:
        OSError: it could not be written; `path` is what it was before.
        ValueError: advantages do not line up with the groups.
    """
    table = rollout_table(step, groups, advantages=advantages, weights=weights, tokens=tokens)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    durable.write_atomic(path, buffer.getvalue().to_pybytes())


def read_rollouts(path: Path) -> pa.Table:
    """Read what `write_rollouts` wrote.

    Raises:
        LearnerError: there is no such file, or it is torn.
    """
    try:
        return pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise LearnerError(f"{path} cannot be read as Parquet ({error}); restore it, or resume the run from an earlier checkpoint to write it again") from error


def rollout_table(
    step: int,
    groups: Sequence[RolloutGroup],
    *,
    advantages: GroupValues | None = None,
    weights: Mapping[str, float] | None = None,
    tokens: Sequence[Sequence[TokenValues]] | None = None,
) -> pa.Table:
    """The table that `write_rollouts` writes; same arguments.

    Raises:
        ValueError: advantages do not line up with the groups.
    """
    _check_aligned("advantages", advantages, groups)
    _check_aligned("tokens", tokens, groups)
    rows: list[dict[str, Any]] = []
    for group_index, group in enumerate(groups):
        for place, rollout in enumerate(group.rollouts):
            known = tokens[group_index][place] if tokens else _NOTHING
            trained = {"advantage": advantages[group_index][place] if advantages else None, **known.columns()}
            rows.append(_row(rollout, weights or {}) | {"step": step, "group": group_index} | trained)
        unknown = {"step": step, "group": group_index, "advantage": None, **_NOTHING.columns()}
        rows.extend(_row(rollout, weights or {}) | unknown for rollout in group.errors)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _check_aligned(name: str, values: Sequence[Sequence[Any]] | None, groups: Sequence[RolloutGroup]) -> None:
    if values is None:
        return
    given, expected = [len(group) for group in values], [len(group.rollouts) for group in groups]
    if given != expected:
        raise ValueError(f"{name} has {given} values by group, but the groups have {expected} rollouts")


def _row(rollout: Rollout, weights: Mapping[str, float]) -> dict[str, Any]:
    last = rollout.turns[-1].completion
    return {
        "task_id": _valid(rollout.task.id),
        "source": _valid(rollout.task.source),
        "index": rollout.index,
        "status": rollout.status.value,
        "reward": rollout.reward,
        "prompt_text": _valid(rollout.task.prompt_text),
        "text": _valid(rollout.text),
        "answer": None if rollout.task.answer is None else _valid(json.dumps(rollout.task.answer, ensure_ascii=False, default=str)),
        "info": _valid(json.dumps(dict(rollout.task.info), ensure_ascii=False, default=str)) if rollout.task.info else None,
        "finish_reason": last.finish_reason.value,
        "num_completion_tokens": rollout.num_completion_tokens,
        "num_turns": len(rollout.turns),
        "policy_version": last.policy_version,
        "policy_versions": versions if len(set(versions := rollout.policy_versions)) > 1 else None,
        "prompt_ids": list(rollout.prompt_ids),
        "token_ids": rollout.token_ids,
        "completion_mask": rollout.completion_mask,
        "behavior_logprobs": rollout.behavior_logprobs,
        "scores": [_score(name, score, weights.get(name)) for name, score in rollout.scores.items()],
        "metrics": [{"name": _valid(name), "value": value} for name, value in _named(rollout.scores, "metrics")],
        "extra": [{"name": _valid(name), "text": _valid(text)} for name, text in _named(rollout.scores, "extra")],
    }


def _score(name: str, score: Score, weight: float | None) -> dict[str, Any]:
    return {
        "name": _valid(name),
        "outcome": None if score.outcome is None else score.outcome.value,
        "value": score.value,
        "weight": weight,
        "extracted": None if score.extracted is None else _valid(score.extracted),
        "reason": _valid(score.reason),
    }


def _named(scores: Mapping[str, Score], kind: str) -> Iterator[tuple[str, Any]]:
    """The metrics or extras of all scores, each under `reward function/name`."""
    return ((f"{function}/{name}", value) for function, score in scores.items() for name, value in getattr(score, kind).items())


def _valid(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot carry and a model can provoke, replaced by U+FFFD."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
