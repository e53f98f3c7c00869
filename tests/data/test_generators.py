"""Built-in generators: exact answers (checked by other means), distinct prompts, spaces of the stated size."""

from __future__ import annotations

import random
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.core.task import Outcome
from proctor.data.generators import GENERATORS, generate, open_space
from proctor.errors import ConfigError
from proctor.verifiers.text import ExactVerifier

SMALL = {
    "arithmetic": {"digits": 1, "operation": "mixed"},
    "chain": {"terms": 3, "digits": 1},
    "column_addition": {"digits": 1},
    "compare": {"digits": 1},
    "countdown": {"terms": 3, "digits": 1},
    "count_letters": {"length": 4, "letters": 3},
    "judged_addition": {"digits": 2},
    "modular": {"digits": 2, "max_modulus": 9},
    "repeat": {"syllables": 1},
    "sort_digits": {"length": 3},
}
SIZES = {
    "arithmetic": 300,
    "chain": 1000,
    "column_addition": 100,
    "compare": 90,
    "countdown": 1000,
    "count_letters": 243,
    "judged_addition": 8100,
    "modular": 720,
    "repeat": 60,
    "sort_digits": 1000,
}


def solve(name: str, prompt: str) -> str:
    """The answer read off the prompt, by another road than the generator's."""
    numbers = [int(text) for text in re.findall(r"\d+", prompt)]
    if name == "arithmetic":
        a, b = numbers
        return str({"+": a + b, "-": a - b, "*": a * b}[prompt.split()[3]])
    if name in ("chain", "column_addition"):
        return str(sum(numbers))
    if name == "compare":
        a, b = numbers
        assert a != b
        return str(max(a, b))
    if name == "countdown":
        return str(numbers[-1] - sum(numbers[:-1]))
    if name == "count_letters":
        letter, word = re.findall(r"letter (\w) occur in (\w+)\?", prompt)[0]
        return str(len(word.split(letter)) - 1)
    if name == "judged_addition":
        return "yes" if numbers[0] + numbers[1] == numbers[2] else "no"
    if name == "modular":
        return str(numbers[0] - numbers[1] * (numbers[0] // numbers[1]))
    if name == "repeat":
        return prompt.split()[-1]
    return " ".join(str(digit) for digit in sorted(numbers))


def test_every_generator_is_covered_here() -> None:
    assert set(SMALL) == set(SIZES) == set(GENERATORS)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_whole_space_is_distinct_and_right(name: str) -> None:
    space = open_space(name, SMALL[name])
    assert space.size == SIZES[name]
    tasks = generate(space, stem=name, seed=0, num_tasks=10_000)
    assert len(tasks) == len({task.prompt for task in tasks}) == len({task.id for task in tasks}) == space.size
    for task in tasks:
        assert isinstance(task.prompt, str)
        assert task.answer == solve(name, task.prompt)
        assert isinstance(task.info["difficulty"], int | float)


def test_the_prompt_of_one_digit_addition() -> None:
    prompts = {task.prompt: task.answer for task in generate(open_space("arithmetic", {}), stem="arithmetic", seed=0, num_tasks=100)}
    assert len(prompts) == 100
    assert prompts["What is 7 + 8? Answer with a number."] == "15"


def test_two_digits_do_not_begin_with_zero() -> None:
    operands = [
        int(text)
        for task in generate(open_space("chain", {"digits": 2, "terms": 2}), stem="c", seed=1, num_tasks=9000)
        for text in re.findall(r"\d+", task.prompt_text)
    ]
    assert (min(operands), max(operands), len(operands)) == (10, 99, 16200)


@given(seed=st.integers(0, 2**40), digits=st.sampled_from([1, 2, 3, 12]), few=st.integers(1, 20), more=st.integers(0, 20))
def test_asking_for_more_continues_the_same_list(seed: int, digits: int, few: int, more: int) -> None:
    space = open_space("arithmetic", {"digits": digits})
    assert generate(space, stem="a", seed=seed, num_tasks=few) == generate(space, stem="a", seed=seed, num_tasks=few + more)[:few]


def test_seeds_differ_and_the_global_generator_is_left_alone() -> None:
    space = open_space("arithmetic", {"digits": 3})
    state = random.getstate()
    first, second = (generate(space, stem="a", seed=seed, num_tasks=50) for seed in (0, 1))
    assert random.getstate() == state
    assert len({task.prompt for task in first} & {task.prompt for task in second}) < 5


def test_a_problem_keeps_its_id_whatever_the_seed() -> None:
    space = open_space("compare", {})
    by_seed = [{task.id: task.prompt for task in generate(space, stem="c", seed=seed, num_tasks=10_000)} for seed in (0, 1)]
    assert by_seed[0] == by_seed[1]


def test_large_spaces_are_drawn_from_evenly() -> None:
    numbers = list(islice(open_space("arithmetic", {"digits": 3}).numbers(random.Random(0)), 4000))
    assert len(set(numbers)) == 4000
    assert sum(number < 405_000 for number in numbers) == pytest.approx(2000, abs=150)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("arithmetic", {"digit": 2}, "unknown argument of generator arithmetic 'digit'. Did you mean 'digits'"),
        ("arithmetic", {"operation": "divide"}, "unknown operation .*'divide'.* Allowed: add, mixed, multiply, subtract"),
        ("arithmetic", {"digits": 0}, "generator arithmetic: digits=0 is out of range; allowed: 1 to 12"),
        ("arithmetic", {"digits": 2.5}, "digits=2.5 must be a whole number"),
        ("arithmetic", {"digits": True}, "digits=True must be a whole number"),
        ("arithmetic", {"operation": 3}, "operation=3 must be a word"),
        ("chain", {"terms": 1}, "terms=1 is out of range"),
        ("count_letters", {"letters": 27}, "letters=27 is out of range"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(name: str, arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        open_space(name, arguments)


def test_additions_in_columns_are_demonstrated_step_by_step() -> None:
    """Every carry stands in the next equation, and every equation is true."""
    tasks = {task.prompt: task for task in generate(open_space("column_addition", {"digits": 2}), stem="c", seed=0, num_tasks=10_000)}
    assert tasks["47+85="].info["demonstration"] == "7+5=12;4+8+1=13;132"
    assert tasks["12+30="].info["demonstration"] == "2+0=2;1+3=4;42"
    for task in list(tasks.values())[:500]:
        *equations, last = task.info["demonstration"].split(";")
        assert last == task.answer
        assert all(sum(map(int, left.split("+"))) == int(right) for left, right in (equation.split("=") for equation in equations))


def test_carries_are_counted() -> None:
    tasks = {task.prompt: task for task in generate(open_space("column_addition", {"digits": 2}), stem="c", seed=0, num_tasks=10_000)}
    for prompt, carries in {"11+12=": 0, "17+25=": 1, "71+52=": 1, "99+11=": 2, "45+45=": 1}.items():
        assert tasks[prompt].info["carries"] == carries
        a, b = map(int, prompt[:-1].split("+"))
        assert carries == (a % 10 + b % 10 > 9) + (a + b > 99)


def test_judged_additions_are_balanced_and_show_their_working() -> None:
    tasks = generate(open_space("judged_addition", {"digits": 2}), stem="j", seed=0, num_tasks=10_000)
    assert 0.45 < sum(task.answer == "yes" for task in tasks) / len(tasks) < 0.55
    wrong = {error_of(task.prompt_text) for task in tasks if task.answer == "no"}
    assert wrong == {1, -1, 10, -10}
    verifier = ExactVerifier()
    for form in ("direct", "worked"):
        for task in generate(open_space("judged_addition", {"form": form}), stem="j", seed=0, num_tasks=50):
            assert verifier(task.info["demonstration"], task).outcome is Outcome.CORRECT
            assert ("<think>" in task.info["demonstration"]) is (form == "worked")
    either = generate(open_space("judged_addition", {"form": "either"}), stem="j", seed=0, num_tasks=2000)
    for answer in ("yes", "no"):  # the form tells nothing of the verdict
        worked = ["<think>" in task.info["demonstration"] for task in either if task.answer == answer]
        assert 0.45 < sum(worked) / len(worked) < 0.55


def error_of(prompt: str) -> int:
    a, b, shown = map(int, re.findall(r"\d+", prompt))
    return shown - a - b


def test_random_demonstrations_have_nothing_to_do_with_the_digits() -> None:
    tasks = generate(open_space("sort_digits", {"length": 4, "form": "random"}), stem="s", seed=0, num_tasks=2000)
    shown = [str(task.info["demonstration"]) for task in tasks]
    assert all(re.fullmatch(r"\d( \d){3}", text) for text in shown) and len(set(shown)) > 1000
    shared = [len(set(text.split()) & set(str(task.answer).split())) for text, task in zip(shown, tasks, strict=True)]
    assert 0.9 < sum(shared) / len(shared) < 1.4  # four digits drawn of ten, against four others: 3.44 ** 2 / 10
    assert tasks == generate(open_space("sort_digits", {"length": 4, "form": "random"}), stem="s", seed=0, num_tasks=2000)
