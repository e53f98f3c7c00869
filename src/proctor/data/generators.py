"""Built-in tasks with a difficulty: small spaces of problems whose answers are known exactly."""

from __future__ import annotations

import inspect
import random
import string
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from proctor.core import Task
from proctor.data.space import Problem, Space, whole_numbers, within
from proctor.data.worked import column_addition, judged_addition
from proctor.errors import ConfigError
from proctor.plugins import unknown

_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*"}


def arithmetic(digits: int = 1, operation: str = "add") -> Space:
    """Two numbers and an operation: `What is 7 + 8? Answer with a number.`

    Args:
        digits: digits of both operands, 1 to 12 (one digit: 0 to 9).
        operation: `add`, `subtract` (the result may be negative), `multiply`, or `mixed`.
    """
    if operation not in (*_SYMBOLS, "mixed"):
        raise ConfigError(unknown(operation, kind="operation of generator arithmetic", allowed=(*_SYMBOLS, "mixed")))
    operands = whole_numbers(within("digits", digits, 1, 12))
    operations = tuple(_SYMBOLS) if operation == "mixed" else (operation,)

    def build(a: int, b: int, chosen: str) -> Problem:
        result = {"add": a + b, "subtract": a - b, "multiply": a * b}[chosen]
        return Problem(f"What is {a} {_SYMBOLS[chosen]} {b}? Answer with a number.", str(result), {"digits": digits, "operation": chosen})

    return Space((operands, operands, operations), build, difficulty=digits)


def chain(terms: int = 3, digits: int = 1) -> Space:
    """The sum of several numbers: `What is 3 + 5 + 2? Answer with a number.`

    Args:
        terms: how many, 2 to 32.
        digits: digits of each, 1 to 12.
    """
    operands = whole_numbers(within("digits", digits, 1, 12))

    def build(*values: int) -> Problem:
        return Problem(f"What is {' + '.join(map(str, values))}? Answer with a number.", str(sum(values)), {"terms": terms, "digits": digits})

    return Space((operands,) * within("terms", terms, 2, 32), build, difficulty=terms * digits)


def compare(digits: int = 2) -> Space:
    """The larger of two different numbers.

    Args:
        digits: digits of both, 1 to 12.
    """
    operands = whole_numbers(within("digits", digits, 1, 12))

    def build(a: int, b: int) -> Problem:
        b += b >= a  # b was chosen from one number fewer, so that the two differ
        return Problem(f"Which number is larger, {a} or {b}? Answer with a number.", str(max(a, b)), {"digits": digits})

    return Space((operands, operands[:-1]), build, difficulty=digits)


def sort_digits(length: int = 5, form: str = "sorted") -> Space:
    """The digits of a string in ascending order.

    Args:
        length: how many digits, 2 to 64.
        form: of the demonstration: `sorted`, the answer; `random`, as many digits that have nothing to do with the task.
    """
    if form not in ("sorted", "random"):
        raise ConfigError(unknown(form, kind="form of generator sort_digits", allowed=("sorted", "random")))

    def build(*digits: str) -> Problem:
        answer = " ".join(sorted(digits))
        demonstration = answer if form == "sorted" else " ".join(random.Random("".join(digits)).choices(string.digits, k=length))
        return Problem(f"Sort the digits {' '.join(digits)} in ascending order.", answer, {"length": length, "demonstration": demonstration})

    return Space((string.digits,) * within("length", length, 2, 64), build, difficulty=length)


def count_letters(length: int = 6, letters: int = 4) -> Space:
    """How often a letter occurs in a made-up word.

    Args:
        length: letters in the word, 1 to 64.
        letters: size of the alphabet, 2 to 26; a smaller one makes larger counts.
    """
    alphabet = string.ascii_lowercase[: within("letters", letters, 2, 26)]

    def build(*chosen: str) -> Problem:
        *word, letter = chosen
        prompt = f"How many times does the letter {letter} occur in {''.join(word)}? Answer with a number."
        return Problem(prompt, str(word.count(letter)), {"length": length, "letters": letters})

    return Space((alphabet,) * (within("length", length, 1, 64) + 1), build, difficulty=length)


def modular(digits: int = 2, max_modulus: int = 9) -> Space:
    """The remainder of a division.

    Args:
        digits: digits of the dividend, 1 to 12.
        max_modulus: the divisor is 2 to this, 2 to 1000.
    """
    divisors = range(2, within("max_modulus", max_modulus, 2, 1000) + 1)

    def build(dividend: int, divisor: int) -> Problem:
        prompt = f"What is the remainder of {dividend} divided by {divisor}? Answer with a number."
        return Problem(prompt, str(dividend % divisor), {"digits": digits, "max_modulus": max_modulus})

    return Space((whole_numbers(within("digits", digits, 1, 12)), divisors), build, difficulty=digits)


def countdown(terms: int = 3, digits: int = 1) -> Space:
    """The number missing from a sum that reaches a target: `Fill in the missing number: 3 + 5 + ? = 10. ...`

    The game of that name asks for an expression and has many right answers; this one asks for one number and has one.

    Args:
        terms: numbers in the sum, the missing one included, 2 to 32.
        digits: digits of each, 1 to 12.
    """
    operands = whole_numbers(within("digits", digits, 1, 12))

    def build(*values: int) -> Problem:
        *given, missing = values
        prompt = f"Fill in the missing number: {' + '.join(map(str, given))} + ? = {sum(values)}. Answer with a number."
        return Problem(prompt, str(missing), {"terms": terms, "digits": digits})

    return Space((operands,) * within("terms", terms, 2, 32), build, difficulty=terms * digits)


def repeat(syllables: int = 2) -> Space:
    """A made-up word to be written again: within reach of a model of a few thousand parameters.

    Args:
        syllables: of two letters each, 1 to 16.
    """

    def build(*chosen: str) -> Problem:
        word = "".join(chosen)
        return Problem(f"Repeat the word: {word}", word, {"syllables": syllables})

    return Space(("bdfgklmnprst", "aeiou") * within("syllables", syllables, 1, 16), build, difficulty=syllables)


GENERATORS: Mapping[str, Callable[..., Space]] = {
    generator.__name__: generator
    for generator in (arithmetic, chain, column_addition, compare, countdown, count_letters, judged_addition, modular, repeat, sort_digits)
}
"""The built-in generators by name; their parameters are their difficulty arguments."""


def default_arguments(name: str) -> dict[str, Any]:
    """The difficulty arguments of a built-in generator with their defaults."""
    return {argument: parameter.default for argument, parameter in inspect.signature(GENERATORS[name]).parameters.items()}


def open_space(name: str, arguments: Mapping[str, Any]) -> Space:
    """The space of a built-in generator.

    Args:
        name: a key of `GENERATORS`.
        arguments: difficulty arguments by name.

    Raises:
        ConfigError: an argument is unknown, of the wrong type, or out of range.
    """
    defaults = default_arguments(name)
    for argument, value in arguments.items():
        if argument not in defaults:
            raise ConfigError(unknown(argument, kind=f"argument of generator {name}", allowed=defaults))
        expected = type(defaults[argument])
        if type(value) is not expected:
            raise ConfigError(f"generator {name}: {argument}={value!r} must be {'a whole number' if expected is int else 'a word'}")
    try:
        return GENERATORS[name](**arguments)
    except ConfigError as error:
        raise ConfigError(f"generator {name}: {error}") from error


def generate(space: Space, *, stem: str, seed: int, num_tasks: int) -> tuple[Task, ...]:
    """Different tasks of a space, in random order; fewer than asked for where the space has no more.

    Args:
        space: what to draw from.
        stem: beginning of the ids, and `Task.source`. The id ends in the problem's number: a problem keeps it whatever the seed.
        seed: the order depends on it and on `stem` alone: asking for more continues the same list.
        num_tasks: how many at most.
    """
    numbers = islice(space.numbers(random.Random(f"{stem}/{seed}")), num_tasks)
    return tuple(_as_task(stem, number, space) for number in numbers)


def _as_task(stem: str, number: int, space: Space) -> Task:
    problem = space.problem(number)
    return Task(f"{stem}-{number}", problem.prompt, problem.answer, {"difficulty": space.difficulty, **problem.info}, stem)
