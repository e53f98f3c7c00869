"""Whole runs of the tiny model whose rollouts are written in parts, or around a thinking budget."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest

import proctor
from proctor.chat.thinking import EMPTY_BLOCK
from proctor.core import FinishReason
from proctor.errors import ConfigError
from proctor.models.policy import Policy
from proctor.models.tiny import byte_tokenizer
from proctor.training.events import Event, StepFinished
from proctor.training.rollout_table import read_rollouts
from proctor.training.run import run_training
from tests.training.test_run import TASKS, assert_same_run, config, early_bytes, metrics_without_times, run

PARTIAL: dict[str, Any] = {
    "deterministic": True,
    "rewards": ["tests.training.test_run:early_bytes"],
    "engine": {"stop": list(string.ascii_uppercase + string.digits + string.punctuation)},  # about a token in four ends a completion
    "rollout": {"partial_tokens": 2},
    "prompts_per_step": 3,
    "group_size": 2,
    "num_steps": 5,
    "checkpoint_every": 2,
    "learning_rate": 1e-2,
}


class Killed(BaseException):
    pass


def test_partial_rollouts_lose_nothing_train_nothing_twice_and_resume_bit_for_bit(tmp_path: Path) -> None:
    run(tmp_path / "straight", **PARTIAL)
    rows = metrics_without_times(tmp_path / "straight")
    assert max(row["in_flight_groups"] for row in rows) > 0
    assert any(row.get("staleness_max", 0) >= 1 for row in rows)
    assert all(row["sampler_mismatch_max"] < 1e-4 for row in rows if "sampler_mismatch_max" in row)
    num_trained = sum(row["num_rollouts"] for row in rows) / PARTIAL["group_size"]
    assert num_trained + rows[-1]["in_flight_groups"] == PARTIAL["prompts_per_step"] * PARTIAL["num_steps"]
    tables = [read_rollouts(tmp_path / "straight" / "rollouts" / f"step-{step:06d}.parquet").to_pylist() for step in range(5)]
    mixed = [row for table in tables for row in table if row["policy_versions"] is not None]
    assert mixed
    for row in mixed:
        assert len(row["policy_versions"]) == len(row["token_ids"])
        assert row["policy_versions"] == sorted(row["policy_versions"])
        assert row["policy_versions"][-1] == row["policy_version"] <= row["step"]
    assert (tmp_path / "straight" / "checkpoints" / "step-000004" / "in_flight.json").exists()
    for stop_at in (2, 3):
        path = tmp_path / f"stopped-{stop_at}"

        def kill(event: Event, stop_at: int = stop_at) -> None:
            if isinstance(event, StepFinished) and event.step == stop_at:
                raise Killed

        with pytest.raises(Killed):
            run_training(config(**PARTIAL), recipe="test", out=path, resume=False, emit=kill)
        run(path, resume=True, **PARTIAL)
        assert_same_run(tmp_path / "straight", path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "dapo", "objective": {}}, "samples further rollouts"),
        ({"algorithm": "reinforce", "objective": {}}, "rollout.stale_tokens=skip"),
        ({"algorithm": "sft", "objective": {}}, "takes its rollouts from demonstrations"),
    ],
)
def test_objectives_that_cannot_wait_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(tmp_path / "run", rollout={"partial_tokens": 2}, **changes)


def thinker(tiny: Policy) -> Policy:
    """The tiny policy with a template that opens a block of thinking, which random weights will not close."""
    tiny.tokenizer.chat_template = f"{tiny.tokenizer.chat_template}{{% if add_generation_prompt %}}<think>{{% endif %}}{{# until </think> #}}"
    return tiny


@pytest.mark.parametrize("partial_tokens", [0, 7])
def test_a_run_with_budgets_masks_what_was_put_in_and_sampler_and_trainer_agree(tmp_path: Path, tiny: Policy, partial_tokens: int) -> None:
    proctor.train(
        thinker(tiny),
        TASKS,
        early_bytes,
        out=tmp_path / "run",
        listener=lambda event: None,
        num_steps=2,
        prompts_per_step=2,
        group_size=4,
        max_completion_tokens=16,
        objective={"beta": 0.0},
        learning_rate=1e-3,
        thinking={"budget": [9, 12]},
        rollout={"partial_tokens": partial_tokens},
    )
    row = metrics_without_times(tmp_path / "run")[-1]
    assert row["budget_fraction"] > 0.7
    assert row["sampler_mismatch_max"] < 1e-4
    rollouts = read_rollouts(tmp_path / "run" / "rollouts" / "step-000001.parquet").to_pylist()
    cut = [one for one in rollouts if one["num_turns"] == 2]
    assert {one["completion_mask"].index(False) for one in cut} == {9, 12}
    for one in cut:
        assert "Considering the limited time" in one["text"]
        assert one["finish_reason"] in (FinishReason.LENGTH, FinishReason.EOS)
        assert one["num_completion_tokens"] == sum(one["completion_mask"]) <= 16
        assert all(value == 0 for value, own in zip(one["advantages"], one["completion_mask"], strict=True) if not own)


def test_thinking_settings_on_a_model_without_tags_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="know these tags"):
        run(tmp_path / "run", thinking={"budget": 9}, max_completion_tokens=16)
    with pytest.raises(ConfigError, match="knows no thinking modes"):
        run(tmp_path / "run", thinking={"mode": "no_think"})
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_taught_the_modes_is_saved_with_the_switch(tmp_path: Path) -> None:
    run(tmp_path / "run", thinking={"teach": True, "mode": "no_think"}, num_steps=1)
    template = (tmp_path / "run" / "model" / "chat_template.jinja").read_text()
    assert "enable_thinking" in template
    (row, *_) = read_rollouts(tmp_path / "run" / "rollouts" / "step-000000.parquet").to_pylist()
    assert byte_tokenizer().decode(row["prompt_ids"]).endswith(f" /no_think<eos><assistant>{EMPTY_BLOCK}")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["thinking"]["teach"] is True
