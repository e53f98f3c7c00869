"""Tasks of the reasoning-gym package."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from proctor.data import DataConfig, load_train_and_test, num_shared_prompts
from proctor.data.procedural import generate, jsonable
from proctor.errors import ConfigError

reasoning_gym = pytest.importorskip("reasoning_gym")


def test_tasks_carry_what_scoring_needs_as_json() -> None:
    tasks = generate("chain_sum", {"min_terms": 2, "max_terms": 3}, stem="chain_sum", seed=5, num_tasks=4)
    assert tasks == generate("chain_sum", {"min_terms": 2, "max_terms": 3}, stem="chain_sum", seed=5, num_tasks=4)
    for task in tasks:
        known = json.loads(json.dumps(task.info["reasoning_gym"]))
        assert known == task.info["reasoning_gym"]
        assert (known["dataset"], known["config"]["max_terms"]) == ("chain_sum", 3)
        assert known["entry"]["question"] == task.prompt
        scorer = reasoning_gym.get_score_answer_fn(known["dataset"])
        assert (scorer(task.answer, known["entry"]), scorer("no", known["entry"])) == (1.0, 0.0)


def test_train_and_test_share_no_question_even_where_the_space_is_small() -> None:
    source = "reasoning_gym:chain_sum,min_terms=2,max_terms=2,max_digits=1"
    train, test = load_train_and_test(DataConfig(source, max_tasks=60, max_test_tasks=40), seed=0)
    assert (len(train.tasks), len(test.tasks), num_shared_prompts(train.tasks, test.tasks)) == (60, 40, 0)
    assert len({task.prompt for task in train.tasks}) == 60
    train, test = load_train_and_test(DataConfig(source, max_tasks=1000), seed=0)
    assert (len(train.tasks) + len(test.tasks), num_shared_prompts(train.tasks, test.tasks)) == (200, 0)  # 10 x 10 x two signs


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("chain_sums", {}, "unknown reasoning_gym data set 'chain_sums'. Did you mean 'chain_sum'"),
        ("chain_sum", {"min_term": 2}, "unknown argument of reasoning_gym:chain_sum 'min_term'. Did you mean 'min_terms'"),
        ("chain_sum", {"seed": 2}, "unknown argument of reasoning_gym:chain_sum 'seed'"),
        ("chain_sum", {"min_terms": 0}, r"reasoning_gym:chain_sum refuses \{'min_terms': 0\}"),
        ("chain_sum", {"min_terms": "two"}, "reasoning_gym:chain_sum refuses"),
    ],
)
def test_wrong_names_and_arguments(name: str, arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        generate(name, arguments, stem=name, seed=0, num_tasks=1)


def test_plain_values() -> None:
    value = {1: (1, 2.5, None, True), "set": {3, 1}, "other": Fraction(1, 2), "nested": [{"a": ("b",)}]}
    assert jsonable(value) == {"1": [1, 2.5, None, True], "set": [1, 3], "other": "1/2", "nested": [{"a": ["b"]}]}
