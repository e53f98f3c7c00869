"""The parts that make files and models without training: traces, mixtures, means of weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from proctor.config import RewardConfig
from proctor.core import Completion, FinishReason, Rollout, RolloutGroup, Task, Turn
from proctor.data.config import DataConfig, FurtherSource
from proctor.errors import ConfigError, TaskError
from proctor.models.pocket import POCKET_UNTRAINED
from proctor.training.stages.curation import write_curated
from proctor.training.stages.merging import mean_weights
from proctor.training.stages.mixing import mixed_rows
from proctor.training.stages.records import Curate, Keep, Part, Traces
from proctor.training.stages.traces import select, write_traces

TASK = Task("sum-1", "1+2=", "3", {"difficulty": 1, "demonstration": "old"})


def group(*members: tuple[str, int, float]) -> RolloutGroup:
    """Rollouts of one task from text, number of tokens and reward; a text that ends in ~ was cut off."""
    rollouts = []
    for index, (text, length, reward) in enumerate(members):
        finish = FinishReason.LENGTH if text.endswith("~") else FinishReason.EOS
        completion = Completion((1,) * length, (0.0,) * length, text, finish, 0)
        rollouts.append(Rollout(TASK, index, (5,), (Turn(completion),), reward=reward))
    return RolloutGroup(TASK, tuple(rollouts))


def rows(kept: Keep, *members: tuple[str, int, float], **changes: int) -> list[dict]:
    stage = Traces("traces", "model", DataConfig("arithmetic"), (RewardConfig("number"),), keep=kept, **changes)  # type: ignore[arg-type]
    return list(select(group(*members), stage))


def test_correct_traces_come_in_the_order_of_sampling_without_repetition() -> None:
    members = (("wrong", 2, 0.0), ("long right", 9, 1.0), ("right", 4, 1.0), ("right", 4, 1.0), ("right but cut~", 5, 1.0), ("third", 3, 1.0))
    assert [row["demonstration"] for row in rows("correct", *members, max_per_task=2)] == ["long right", "right"]
    assert [row["demonstration"] for row in rows("correct", *members, max_per_task=9)] == ["long right", "right", "third"]
    assert rows("correct", ("wrong", 2, 0.0)) == []


def test_a_text_that_is_repeated_has_the_place_of_its_first_time() -> None:
    members = (("usual", 2, 1.0), ("rare", 2, 1.0), ("usual", 2, 1.0), ("usual", 2, 1.0))
    assert [row["demonstration"] for row in rows("correct", *members, max_per_task=1)] == ["usual"]  # a fair draw, not the rarest


def test_a_row_is_a_task_again_with_an_id_of_its_own_and_no_older_demonstration() -> None:
    (row,) = rows("correct", ("wrong", 2, 0.0), ("right", 4, 1.0))
    assert row == {"id": "sum-1/1", "prompt": "1+2=", "answer": "3", "metadata": {"difficulty": 1}, "demonstration": "right"}


def test_the_shortest_right_one_is_kept() -> None:
    assert [row["demonstration"] for row in rows("shortest", ("a", 9, 1.0), ("b", 4, 1.0), ("c", 2, 0.0))] == ["b"]


def test_pairs_prefer_the_shortest_right_one_to_longer_wrong_ones_and_to_much_longer_right_ones() -> None:
    members = (("best", 4, 1.0), ("short wrong", 3, 0.0), ("long wrong", 5, 0.0), ("a little longer", 5, 1.0), ("much longer", 6, 1.0))
    found = rows("pairs", *members, max_per_task=9)
    assert [(row["chosen"], row["rejected"]) for row in found] == [("best", "long wrong"), ("best", "much longer")]
    assert len({row["id"] for row in found}) == 2


def test_mixtures_take_every_row_once_and_put_the_prefix_before_demonstrations(tmp_path: Path) -> None:
    first = tmp_path / "first.jsonl"
    first.write_text("".join(json.dumps({"prompt": f"p{number}", "answer": "1", "demonstration": f"d{number}"}) + "\n" for number in range(5)))
    parts = [
        Part(DataConfig(str(first), test="column_addition:digits=2", template="{prompt} /think"), num_rows=3),
        Part(DataConfig("column_addition:digits=1,form=direct", max_tasks=4), prefix="<>"),
    ]
    found = mixed_rows(parts, seed=1)
    assert len(found) == 7 and len({row["id"] for row in found}) == 7
    assert sorted(row["prompt"] for row in found if row["prompt"].endswith("/think")) == ["p0 /think", "p1 /think", "p2 /think"]
    assert all(row["demonstration"] == f"<>{row['answer']}" for row in found if not row["prompt"].endswith("/think"))
    assert found == mixed_rows(parts, seed=1) != mixed_rows(parts, seed=2)


def test_comparisons_hold_the_first_right_one_against_wrong_ones_of_any_length() -> None:
    members = (("wrong", 2, 0.0), ("right", 4, 1.0), ("shorter right", 3, 1.0), ("wrong", 2, 0.0), ("longer wrong", 9, 0.0), ("cut~", 9, 0.0))
    found = rows("comparisons", *members, max_per_task=9)
    assert [(row["chosen"], row["rejected"]) for row in found] == [("right", "wrong"), ("right", "longer wrong")]
    assert len(rows("comparisons", *members, max_per_task=1)) == 1
    assert rows("comparisons", ("wrong", 2, 0.0)) == rows("comparisons", ("right", 2, 1.0)) == []


def pairs_file(path: Path, name: str, number: int) -> DataConfig:
    lines = (json.dumps({"prompt": f"{name}{at}", "answer": "1", "chosen": f"good{at}", "rejected": f"bad{at}"}) for at in range(number))
    (path / f"{name}.jsonl").write_text("\n".join(lines))
    return DataConfig(str(path / f"{name}.jsonl"), test="column_addition:digits=2")


def test_a_mixture_replays_a_share_that_its_seed_draws(tmp_path: Path) -> None:
    new, old = pairs_file(tmp_path, "new", 20), pairs_file(tmp_path, "old", 30)
    found = mixed_rows([Part(new), Part(old, share=0.1)], seed=0)
    drawn = {row["prompt"] for row in found if row["prompt"].startswith("old")}
    assert len(found) == 23 and len(drawn) == 3 and all(row["chosen"] == row["rejected"].replace("bad", "good") for row in found)
    assert found == mixed_rows([Part(new), Part(old, share=0.1)], seed=0)
    others = [{row["prompt"] for row in mixed_rows([Part(new), Part(old, share=0.1)], seed=seed) if row["prompt"].startswith("old")} for seed in (1, 2)]
    assert len({frozenset(one) for one in (drawn, *others)}) > 1
    assert len(mixed_rows([Part(new, num_rows=3), Part(old, share=0.01)], seed=0)) == 4  # never none


TWO = DataConfig(
    "column_addition:digits=1", test="column_addition:digits=1", max_tasks=5, further=(FurtherSource("judged_addition:form=worked", 1.0, max_tasks=3),)
)
"""Two sources of one stage."""


def test_every_source_of_a_stage_is_mixed_and_curated(tmp_path: Path) -> None:
    assert sorted(row["answer"] in ("yes", "no") for row in mixed_rows([Part(TWO)], seed=1)) == [False] * 5 + [True] * 3
    stage = Curate("chosen", TWO, ({"kind": "normalise"},), (RewardConfig("exact"),))
    counts = write_curated(stage, output=tmp_path / "chosen.jsonl", progress=lambda message: None)
    rows = [json.loads(line) for line in (tmp_path / "chosen.jsonl").read_text().splitlines()]
    assert counts["num_tasks"] == counts["num_rows"] == len(rows) == 8 and len({row["id"] for row in rows}) == 8
    assert sum(row["answer"] in ("yes", "no") for row in rows) == 3


def test_traces_are_sampled_of_every_source(tmp_path: Path) -> None:
    (tmp_path / "anything.py").write_text("def anything(completion):\n    return 1.0\n")
    rewards = (RewardConfig(f"{tmp_path / 'anything.py'}:anything"),)
    _, counts = write_traces(Traces("traces", POCKET_UNTRAINED, TWO, rewards, num_samples=2, max_completion_tokens=300, threshold=0.0))
    assert counts["num_tasks"] == 8


def test_a_mixture_is_of_one_kind_and_a_share_is_one(tmp_path: Path) -> None:
    pairs = Part(pairs_file(tmp_path, "new", 2))
    with pytest.raises(TaskError, match="not both"):
        mixed_rows([pairs, Part(DataConfig("column_addition:digits=1,form=direct", max_tasks=4))], seed=0)
    for share, num_rows in ((0.0, None), (1.5, None), (0.5, 3)):
        with pytest.raises(ConfigError, match="above 0 and at most 1, or num_rows"):
            Part(DataConfig("arithmetic"), num_rows=num_rows, share=share)


def test_a_mixture_needs_demonstrations() -> None:
    with pytest.raises(TaskError, match="no demonstration to mix"):
        mixed_rows([Part(DataConfig("arithmetic", max_tasks=2))], seed=0)


def test_the_mean_of_weights_is_the_weighted_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    states = [{"w": torch.randn(3, 4, generator=generator), "n": torch.tensor(7 + number)} for number in range(3)]
    mean = mean_weights(states, (0.5, 0.2, 0.3))
    naive = [[sum(weight * float(state["w"][i, j]) for weight, state in zip((0.5, 0.2, 0.3), states, strict=True)) for j in range(4)] for i in range(3)]
    torch.testing.assert_close(mean["w"], torch.tensor(naive), atol=1e-6, rtol=0)
    assert mean["n"] == 7 and mean["w"].dtype == torch.float32


def test_models_of_other_shapes_are_not_averaged() -> None:
    for other in ({"w": torch.zeros(3)}, {"v": torch.zeros(2)}, {"w": torch.zeros(2), "v": torch.zeros(1)}):
        with pytest.raises(ConfigError, match="different shapes"):
            mean_weights([{"w": torch.zeros(2)}, other], (0.5, 0.5))
