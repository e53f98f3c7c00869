"""Every rule: a rollout that it must flag, and one like it that it must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from proctor.report.library import Library
from proctor.report.query import condition, parse
from proctor.report.rules import ROLLOUT_RULES, STEP_RULES, length_explosions, reward_jumps
from proctor.report.survey import RunSurvey, StepSurvey, survey_whole
from proctor.report.suspicions import suspicions
from tests.report.tables import row, score, table


def _flagged(tmp_path: Path, name: str, rows: list[dict[str, Any]]) -> list[int]:
    """Indices of the rows that a rule flags; rows are numbered as they come, in groups of their own unless they say otherwise."""
    path = tmp_path / "rows.parquet"
    pq.write_table(table([{**each, "index": place} for place, each in enumerate(rows)]), path)
    library = Library([path])
    try:
        return [key.index for key in library.store.keys(list(library.runs[0].files.values()), condition(parse(f"flag = {name}")), order="place", limit=100)]
    finally:
        library.close()


def test_high_reward_and_very_short(tmp_path: Path) -> None:
    # median of 8, 8, 8, 1, 1 tokens is 8; a quarter of it is 2; rewards from 0 to 1: the top tenth begins at 0.9
    lengths_and_rewards = [(8, 1.0), (8, 0.0), (8, 0.0), (1, 1.0), (1, 0.5)]
    rows = [row(token_ids=list(range(length)), reward=reward) for length, reward in lengths_and_rewards]
    assert _flagged(tmp_path, "short_and_rewarded", rows) == [3]


def test_high_reward_is_relative_to_its_own_step(tmp_path: Path) -> None:
    rows = [
        row(step=0, token_ids=[1] * 8, reward=10.0),
        row(step=0, token_ids=[1] * 8, reward=0.0),
        row(step=1, token_ids=[1], reward=1.0),
        row(step=1, token_ids=[1] * 9, reward=0.0),
        row(step=1, token_ids=[1] * 9, reward=0.0),
    ]
    assert _flagged(tmp_path, "short_and_rewarded", rows) == [2]


def test_rewarded_though_cut_off(tmp_path: Path) -> None:
    rows = [row(status="truncated", reward=1.0), row(status="truncated", reward=0.0), row(status="finished", reward=1.0)]
    assert _flagged(tmp_path, "rewarded_truncated", rows) == [0]


def test_repeated_ngrams(tmp_path: Path) -> None:
    half = list(range(100, 112)) + list(range(100, 112))  # 21 4-grams, of which 9 came before: 12 distinct are more than half
    rows = [row(token_ids=[7, 8] * 15), row(token_ids=list(range(30))), row(token_ids=[7, 8] * 11), row(token_ids=half)]
    assert _flagged(tmp_path, "repeated_ngrams", rows) == [0]


def test_a_loop_after_the_part_that_is_looked_at_is_not_seen(tmp_path: Path) -> None:
    assert _flagged(tmp_path, "repeated_ngrams", [row(token_ids=list(range(1024)) + [5, 6] * 600)]) == []


def test_answer_in_the_prompt(tmp_path: Path) -> None:
    prompt = "Is it 42 or 7? Say."
    rows = [
        row(prompt_text=prompt, extracted="42"),
        row(prompt_text=prompt, extracted="4"),  # stands inside 42 only
        row(prompt_text=prompt, extracted="7"),  # a mark follows it
        row(prompt_text=prompt, extracted="42", outcome="INCORRECT"),
        row(prompt_text=prompt, extracted=" "),
        row(prompt_text=prompt, extracted=None),
    ]
    assert _flagged(tmp_path, "answer_in_prompt", rows) == [0, 2]


def test_verifiers_disagree(tmp_path: Path) -> None:
    said = [("CORRECT", "INCORRECT"), ("CORRECT", "UNPARSED"), ("CORRECT", None), ("CORRECT", "CORRECT"), ("INCORRECT", "UNPARSED")]
    rows = [row(scores=[score("a", first), score("b", second)]) for first, second in said]
    assert _flagged(tmp_path, "verifiers_disagree", rows) == [0, 1]


def test_verifier_error_and_its_kinds(tmp_path: Path) -> None:
    rows = [
        row(status="error", reward=None, outcome="ERROR", reason="worker 3 died"),
        row(status="error", reward=None, outcome="ERROR", reason="worker 12 died"),
        row(status="error", reward=None, outcome="ERROR", reason="endpoint down"),
        row(),
    ]
    assert _flagged(tmp_path, "verifier_error", rows) == [0, 1, 2]
    library = Library([tmp_path / "rows.parquet"])
    survey = survey_whole(library.store, library.runs[0])
    library.close()
    found = next(each for each in suspicions(survey) if each.name == "verifier_error")
    assert dict(found.kinds) == {"number: worker # died": 2, "number: endpoint down": 1}


def test_language_mixing(tmp_path: Path) -> None:
    rows = [
        row(text="первое слово"),
        row(text="the answer 是 four"),
        row(text="the angle α is four"),  # Greek is mathematics
        row(prompt_text="Что это?", text="это ответ"),
        row(text="naïve café"),
        row(prompt_text="2 + 2", text="and so four"),  # the prompt has no script at all, the completion has Latin: a word of another script
    ]
    assert _flagged(tmp_path, "language_mixing", rows) == [0, 1, 5]


def test_unanimous_group(tmp_path: Path) -> None:
    rewards = [(0, 1.0), (0, 1.0), (1, 1.0), (1, 0.0), (2, 1.0), (3, None), (3, 0.0), (3, 0.0)]
    rows = [row(group=group, reward=reward) for group, reward in rewards]
    assert sorted(_flagged(tmp_path, "unanimous_group", rows)) == [0, 1, 5, 6, 7]


def test_reward_jumps_by_hand() -> None:
    steady = [0.10, 0.12, 0.11, 0.13, 0.12, 0.14, 0.13]  # median change 0.02 or 0.01; five of them are at most 0.1
    assert reward_jumps(list(range(8)), [*steady, 0.6]) == [7]
    assert reward_jumps(list(range(8)), [*steady, 0.17]) == []
    assert reward_jumps(list(range(8)), [*steady, None]) == []
    assert reward_jumps([0, 1], [0.0, 1.0]) == []  # too early to tell


def test_a_constant_reward_never_jumps() -> None:
    assert reward_jumps(list(range(30)), [0.5] * 30) == []


def test_length_explosions_by_hand() -> None:
    assert length_explosions(list(range(6)), [100, 110, 100, 104, 155, 160]) == []  # 1.5 x 103.5 = 155.25, then 1.5 x 113.8
    assert length_explosions(list(range(5)), [100, 110, 100, 104, 156]) == [4]
    assert length_explosions(list(range(3)), [1, 50, 500]) == []


def test_suspicions_of_steps_name_the_steps() -> None:
    def step(number: int, reward: float) -> StepSurvey:
        return StepSurvey(number, 8, reward, None, 10.0, None, None, 0.0, {}, {})

    survey = RunSurvey(steps={number: step(number, reward) for number, reward in enumerate([0.1, 0.12, 0.1, 0.12, 0.1, 0.12, 0.9])})
    found = {each.name: each for each in suspicions(survey)}
    assert found["reward_jump"].steps == ((6, 8),)
    assert found["length_explosion"].num_found == 0
    assert found["unanimous_group"].num_seen == 0  # no rollout was looked at for it


@pytest.mark.parametrize("name", [*ROLLOUT_RULES, *STEP_RULES])
def test_every_rule_is_documented(name: str) -> None:
    assert f"`{name}`" in (Path(__file__).parents[2] / "docs" / "viewer.md").read_text()


def test_the_cheat_of_the_made_up_run_is_found(library: Library) -> None:
    survey = survey_whole(library.store, library.runs[0])
    found = {each.name: each for each in suspicions(survey)}
    assert {step for step, _ in found["short_and_rewarded"].steps} <= set(range(16, 24)) and found["short_and_rewarded"].num_found > 0
    assert sum(each.num_rollouts for each in survey.ordered()) == 24 * 16
