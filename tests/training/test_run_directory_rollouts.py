from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proctor.core import Completion, FinishReason, Message, Outcome, Rollout, RolloutGroup, Score, Status, Task, Turn
from proctor.errors import LearnerError
from proctor.training.manifest import Manifest
from proctor.training.rollout_table import SCHEMA, TokenValues, read_rollouts, rollout_table, write_rollouts
from proctor.training.tracking import ALIASES

DOCUMENT = Path(__file__).parents[2] / "docs" / "run-directory.md"


def completion(text: str = "4", ids: tuple[int, ...] = (5, 2)) -> Completion:
    return Completion(ids, tuple(-0.5 for _ in ids), text, FinishReason.EOS, policy_version=3)


def rollout(task: Task, index: int = 0, **changes) -> Rollout:
    fields = {"prompt_ids": (1, 2, 3), "turns": (Turn(completion()),), "scores": {"accuracy": Score.correct("4")}, "reward": 1.0} | changes
    return Rollout(task=task, index=index, **fields)


TASK = Task(id="t-1", prompt="What is 2 + 2?", answer={"value": 4, "unit": "é"}, info={"difficulty": 1}, source="arithmetic")


def written(tmp_path: Path, groups: list[RolloutGroup], **values) -> list[dict]:
    path = tmp_path / "step-000012.parquet"
    write_rollouts(path, 12, groups, **values)
    table = read_rollouts(path)
    assert table.schema.equals(SCHEMA)
    return table.to_pylist()


def test_a_rollout_comes_back_column_by_column(tmp_path: Path):
    score = Score(Outcome.CORRECT, 1.0, extracted="4", reason="equal", metrics={"length": 1.0}, extra={"note": "short"})
    group = RolloutGroup(TASK, (rollout(TASK, scores={"accuracy": score, "style": Score(None, 0.25)}, reward=1.125),))
    known = TokenValues(advantages=[0.75, 0.75], logprobs=[-0.25, -0.5], entropies=[1.0, 0.5])
    rows = written(tmp_path, [group], advantages=[[0.75]], weights={"accuracy": 1.0, "style": 0.5}, tokens=[[known]])
    assert rows == [
        {
            "step": 12,
            "task_id": "t-1",
            "source": "arithmetic",
            "group": 0,
            "index": 0,
            "status": "finished",
            "reward": 1.125,
            "advantage": 0.75,
            "prompt_text": "What is 2 + 2?",
            "text": "4",
            "answer": '{"value": 4, "unit": "é"}',
            "info": '{"difficulty": 1}',
            "finish_reason": "eos",
            "num_completion_tokens": 2,
            "num_turns": 1,
            "policy_version": 3,
            "prompt_ids": [1, 2, 3],
            "token_ids": [5, 2],
            "completion_mask": [True, True],
            "behavior_logprobs": [-0.5, -0.5],
            "scores": [
                {"name": "accuracy", "outcome": "CORRECT", "value": 1.0, "weight": 1.0, "extracted": "4", "reason": "equal"},
                {"name": "style", "outcome": None, "value": 0.25, "weight": 0.5, "extracted": None, "reason": ""},
            ],
            "metrics": [{"name": "accuracy/length", "value": 1.0}],
            "extra": [{"name": "accuracy/note", "text": "short"}],
            "policy_versions": None,
            "advantages": [0.75, 0.75],
            "logprobs": [-0.25, -0.5],
            "old_logprobs": None,
            "entropies": [1.0, 0.5],
        }
    ]


def test_errors_are_rows_without_reward(tmp_path: Path):
    failed = rollout(TASK, 1, reward=None, status=Status.ERROR, scores={"accuracy": Score.error("worker died")})
    rows = written(tmp_path, [RolloutGroup(TASK, (), (failed,)), RolloutGroup(TASK, (rollout(TASK),))], advantages=[[], [0.5]])
    assert [(row["group"], row["index"], row["status"], row["reward"], row["advantage"]) for row in rows] == [
        (0, 1, "error", None, None),
        (1, 0, "finished", 1.0, 0.5),
    ]
    assert rows[0]["scores"][0]["reason"] == "worker died"


def test_observations_are_masked(tmp_path: Path):
    turns = (Turn(completion("call"), observation_ids=(9, 9, 9)), Turn(completion("done", (7,))))
    (row,) = written(tmp_path, [RolloutGroup(TASK, (rollout(TASK, turns=turns),))])
    assert row["token_ids"] == [5, 2, 9, 9, 9, 7]
    assert row["completion_mask"] == [True, True, False, False, False, True]
    assert row["behavior_logprobs"] == [-0.5, -0.5, 0.0, 0.0, 0.0, -0.5]
    assert (row["num_completion_tokens"], row["num_turns"], row["text"]) == (3, 2, "done")


@pytest.mark.parametrize(
    ("text", "kept"), [("\ud800 lone", "\ufffd lone"), ("\ud83d\ude00 pair", "😀 pair"), ("nul \x00 and \x1b[31m", "nul \x00 and \x1b[31m")]
)
def test_text_that_is_not_unicode_is_written_all_the_same(tmp_path: Path, text: str, kept: str):
    task = Task(id=text, prompt=(Message("user", text),), answer=[text], source=text)
    score = Score(Outcome.INCORRECT, 0.0, extracted=text, reason=text, metrics={text: 1.0}, extra={text: text})
    (row,) = written(tmp_path, [RolloutGroup(task, (rollout(task, turns=(Turn(completion(text)),), scores={text: score}),))])
    assert row["text"] == row["prompt_text"] == row["task_id"] == row["source"] == row["scores"][0]["reason"] == row["extra"][0]["text"] == kept
    assert json.loads(row["answer"]) == [kept]


def test_an_answer_that_json_does_not_have_is_written_as_text(tmp_path: Path):
    task = Task(id="t", prompt="?", answer=Path("a"))
    (row,) = written(tmp_path, [RolloutGroup(task, (rollout(task),))])
    assert row["answer"] == '"a"'


def test_a_step_without_rollouts_is_a_table_without_rows(tmp_path: Path):
    assert written(tmp_path, []) == []


@pytest.mark.parametrize("values", [{"advantages": [[1.0]]}, {"advantages": [[1.0], [1.0, 2.0]]}])
def test_values_that_do_not_line_up_are_refused(values: dict):
    group = RolloutGroup(TASK, (rollout(TASK),))
    with pytest.raises(ValueError, match="advantages"):
        rollout_table(0, [group, group], **values)


def test_a_torn_file_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "step-000000.parquet"
    write_rollouts(path, 0, [RolloutGroup(TASK, (rollout(TASK),))])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LearnerError, match="step-000000.parquet cannot be read as Parquet"):
        read_rollouts(path)
    with pytest.raises(LearnerError, match="absent"):
        read_rollouts(tmp_path / "absent.parquet")


def table_under(heading: str) -> list[list[str]]:
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return [[row[0].strip("`"), *row[1:]] for row in rows]


def test_every_column_is_documented_with_its_type():
    def documented(field) -> str:
        plain = re.sub(r"^list<(?:item|element): (\w+).*>$", r"list<\1>", str(field.type))
        return plain.replace("<", r"\<").replace(">", r"\>") + (" or null" if field.nullable else "")

    assert [(name, kind) for name, kind, _ in table_under("Rollouts")] == [(field.name, documented(field)) for field in SCHEMA]


def test_every_manifest_key_is_documented():
    manifest = Manifest("now", {}, "here", 1)
    assert [row[0] for row in table_under("manifest.json")] == list(json.loads(manifest.to_json()))


def test_every_alias_is_documented():
    documented = {row[0]: tuple(re.findall(r"`([^`]+)`", row[2])) for row in table_under("metrics.jsonl")}
    assert {name: aliases for name, aliases in documented.items() if aliases} == dict(ALIASES)
