"""Every preset trains: twenty steps of the pocket policy through the command line, finite numbers, changed weights, its own metric in the log."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from proctor.algorithms.presets import ALIASES
from proctor.cli.main import main

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

SMALL = ["num_steps=20", "prompts_per_step=6", "group_size=6", "evaluation.num_tasks=0", "checkpoint_every=100", "learning_rate=2e-5", "scoring.num_workers=1"]
EXTRA = {
    "on_policy_distillation": ["objective.teacher=pocket"],
    "gspo": ["learner.num_minibatches=4"],
    "kimi_k15": ["learner.num_minibatches=2"],
    "ppo_rlhf": ["learner.num_epochs=4", "learner.adam_epsilon=1e-5", "objective.kl_target=0.5", "objective.pretraining_weight=0.1"],
    "cispo": ["learner.num_minibatches=4"],
}
OWN_METRIC = {
    "rloo": "kl_coefficient",
    "remax": "greedy_reward_mean",
    "reinforce_pp": "kl_per_rollout",
    "grpo": "kl",
    "grpo_process": "step_reward_mean",
    "dapo": "dropped_groups",
    "gspo": "clip_high_fraction",
    "gspo_token": "approx_kl",
    "cispo": "clip_high_fraction",
    "vapo": "explained_variance",
    "ppo": "value_loss",
    "ppo_rlhf": "kl_coefficient",
    **dict.fromkeys(("sft", "rft", "online_rft", "raft", "rest_em", "star"), "nll"),
    **dict.fromkeys(("dpo", "dpo_length_normalized", "simpo", "ipo"), "reward_margin"),
    "reward_model": "preference_accuracy",
    "on_policy_distillation": "divergence",
}


@pytest.mark.parametrize("name", ALIASES)
def test_every_preset_trains(name: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from proctor.models.pocket import pocket_directory

    out = tmp_path / "run"
    settings = [part for text in (*SMALL, f"algorithm={name}", *EXTRA.get(name, [])) for part in ("--set", text)]
    assert main(["train", "quickstart", "--scale", "pocket", "--out", str(out), *settings]) == 0
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 20
    assert all(math.isfinite(value) for row in rows for value in row.values() if isinstance(value, float))
    assert any(OWN_METRIC.get(name, "advantage_abs_mean") in row for row in rows)
    assert sum(row["num_updates"] for row in rows) > 0
    before, after = load_file(pocket_directory(must_exist=True) / "model.safetensors"), load_file(out / "model" / "model.safetensors")
    shared = [key for key in before if key in after]
    assert shared
    assert any(not before[key].equal(after[key]) for key in shared)
