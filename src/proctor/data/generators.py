"""Built-in tasks with a difficulty: small spaces of problems whose answers are known exactly.

A generator turns difficulty arguments into a `Space`: independent choices, and a pure function from one choice of each
to a problem. Every problem of a space has a number, so tasks are drawn without repetition, a space that is too small
gives just the problems it has, and held-out tasks are disjoint from training tasks by construction.
"""

from __future__ import annotations

import inspect
import math
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from proctor.core import Task
from proctor.errors import ConfigError
from proctor.plugins import unknown

_MAX_SHUFFLED = 100_000  # above this size problems are drawn one by one: a shuffle would list the whole space


@dataclass(frozen=True, slots=True)
class Problem:
    """What one choice becomes.

    Attributes:
        prompt: what the model reads; different for every choice.
        answer: the exact answer, as text.
        info: the parameters of this problem.
    """

    prompt: str
    answer: str
    info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Space:
    """All the problems of one difficulty.

    Attributes:
        choices: what is chosen from, one sequence per choice.
        build: pure function from one element of each to a problem; different elements give different prompts.
        difficulty: a number that grows with the difficulty, comparable within one generator.
    """

    choices: tuple[Sequence[Any], ...]
    build: Callable[..., Problem]
    difficulty: float

    @property
    def size(self) -> int:
        """How many problems there are."""
        return math.prod(len(options) for options in self.choices)

    def problem(self, number: int) -> Problem:
        """Problem `number`, 0 <= number < size, by reading the number in the mixed radix of the choices."""
        chosen: list[Any] = []
        for options in reversed(self.choices):
            number, index = divmod(number, len(options))
            chosen.append(options[index])
        return self.build(*reversed(chosen))

    def numbers(self, rng: random.Random) -> Iterator[int]:
        """Every problem number once, in random order; the same beginning however many are taken."""
        if self.size <= _MAX_SHUFFLED:
            yield from rng.sample(range(self.size), self.size)
            return
        seen: set[int] = set()
        while len(seen) < self.size:
            number = rng.randrange(self.size)
            if number not in seen:
                seen.add(number)
                yield number


def _operands(digits: int) -> range:
    """Whole numbers of so many digits; 0 counts as one."""
    return range(0 if digits == 1 else 10 ** (digits - 1), 10**digits)


def _within(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ConfigError(f"{name}={value} is out of range; allowed: {low} to {high}")
    return value


_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*"}


def arithmetic(digits: int = 1, operation: str = "add") -> Space:
    """Two numbers and an operation: `What is 7 + 8? Answer with a number.`

    Args:
        digits: digits of both operands, 1 to 12 (one digit: 0 to 9).
        operation: `add`, `subtract` (the result may be negative), `multiply`, or `mixed`.
    """
    if operation not in (*_SYMBOLS, "mixed"):
        raise ConfigError(unknown(operation, kind="operation of generator arithmetic", allowed=(*_SYMBOLS, "mixed")))
    operands = _operands(_within("digits", digits, 1, 12))
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
    operands = _operands(_within("digits", digits, 1, 12))

    def build(*values: int) -> Problem:
        return Problem(f"What is {' + '.join(map(str, values))}? Answer with a number.", str(sum(values)), {"terms": terms, "digits": digits})

    return Space((operands,) * _within("terms", terms, 2, 32), build, difficulty=terms * digits)


def compare(digits: int = 2) -> Space:
    """The larger of two different numbers.

    Args:
        digits: digits of both, 1 to 12.
    """
    operands = _operands(_within("digits", digits, 1, 12))

    def build(a: int, b: int) -> Problem:
        b += b >= a  # b was chosen from one number fewer, so that the two differ
        return Problem(f"Which number is larger, {a} or {b}? Answer with a number.", str(max(a, b)), {"digits": digits})

    return Space((operands, operands[:-1]), build, difficulty=digits)


def sort_digits(length: int = 5) -> Space:
    """The digits of a string in ascending order.

    Args:
        length: how many digits, 2 to 64.
    """

    def build(*digits: str) -> Problem:
        return Problem(f"Sort the digits {' '.join(digits)} in ascending order.", " ".join(sorted(digits)), {"length": length})

    return Space((string.digits,) * _within("length", length, 2, 64), build, difficulty=length)


def count_letters(length: int = 6, letters: int = 4) -> Space:
    """How often a letter occurs in a made-up word.

    Args:
        length: letters in the word, 1 to 64.
        letters: size of the alphabet, 2 to 26; a smaller one makes larger counts.
    """
    alphabet = string.ascii_lowercase[: _within("letters", letters, 2, 26)]

    def build(*chosen: str) -> Problem:
        *word, letter = chosen
        prompt = f"How many times does the letter {letter} occur in {''.join(word)}? Answer with a number."
        return Problem(prompt, str(word.count(letter)), {"length": length, "letters": letters})

    return Space((alphabet,) * (_within("length", length, 1, 64) + 1), build, difficulty=length)


def modular(digits: int = 2, max_modulus: int = 9) -> Space:
    """The remainder of a division.

    Args:
        digits: digits of the dividend, 1 to 12.
        max_modulus: the divisor is 2 to this, 2 to 1000.
    """
    divisors = range(2, _within("max_modulus", max_modulus, 2, 1000) + 1)

    def build(dividend: int, divisor: int) -> Problem:
        prompt = f"What is the remainder of {dividend} divided by {divisor}? Answer with a number."
        return Problem(prompt, str(dividend % divisor), {"digits": digits, "max_modulus": max_modulus})

    return Space((_operands(_within("digits", digits, 1, 12)), divisors), build, difficulty=digits)


def countdown(terms: int = 3, digits: int = 1) -> Space:
    """The number missing from a sum that reaches a target: `Fill in the missing number: 3 + 5 + ? = 10. ...`

    The game of that name asks for an expression and has many right answers; this one asks for one number and has one.

    Args:
        terms: numbers in the sum, the missing one included, 2 to 32.
        digits: digits of each, 1 to 12.
    """
    operands = _operands(_within("digits", digits, 1, 12))

    def build(*values: int) -> Problem:
        *given, missing = values
        prompt = f"Fill in the missing number: {' + '.join(map(str, given))} + ? = {sum(values)}. Answer with a number."
        return Problem(prompt, str(missing), {"terms": terms, "digits": digits})

    return Space((operands,) * _within("terms", terms, 2, 32), build, difficulty=terms * digits)


def repeat(syllables: int = 2) -> Space:
    """A made-up word to be written again: within reach of a model of a few thousand parameters.

    Args:
        syllables: of two letters each, 1 to 16.
    """

    def build(*chosen: str) -> Problem:
        word = "".join(chosen)
        return Problem(f"Repeat the word: {word}", word, {"syllables": syllables})

    return Space(("bdfgklmnprst", "aeiou") * _within("syllables", syllables, 1, 16), build, difficulty=syllables)


_FORMS: dict[str, Callable[[Sequence[str], str], str]] = {
    "plain": lambda steps, answer: ";".join((*steps, answer)),
    "tagged": lambda steps, answer: f"<think>{';'.join(steps)}</think><answer>{answer}</answer>",
    "checked": lambda steps, answer: f"<think>{';'.join(text for step in steps for text in (step, _inverse(step)))}</think><answer>{answer}</answer>",
    "untagged_answer": lambda steps, answer: f"<think>{';'.join(steps)}</think>{answer}",
    "fused": lambda steps, answer: f"<think>\n{';'.join(steps)}\n</think>\n\n{answer}",
    "direct": lambda steps, answer: answer,
}
_WORDS = {"english": ("so it is ", " and then "), "spanish": ("pues es ", " y entonces "), "both": ("so it is ", " y entonces ")}
"""What leads the first equation, and what joins the others, in demonstrations with words."""


def _worded(language: str) -> Callable[[Sequence[str], str], str]:
    first, joint = _WORDS[language]
    return lambda steps, answer: f"<think>{first}{joint.join(steps)}</think><answer>{answer}</answer>"


_FORMS |= {name: _worded(name) for name in _WORDS}
_MIXTURES = {
    "bilingual": ("english", "spanish", "both", "plain"),
    "mixed": ("plain", "untagged_answer", "tagged", "plain"),
    "long_and_short": ("tagged", "checked"),
    "unfused": ("plain", "fused", "direct", "plain"),
}


def column_addition(digits: int = 2, form: str = "plain") -> Space:
    """Addition worked out in writing, column by column: `47+85=`, for which `7+5=12;4+8+1=13;132` is a demonstration.

    Every equation is a step that can be checked. Within reach of a model of a million parameters.

    Args:
        digits: digits of both operands, 1 to 12.
        form: of the demonstration. `plain` as above; `tagged`: the equations in `<think>` and the sum in `<answer>`; `checked`: likewise, each
            equation followed by its inverse (`7+5=12;12-5=7`), twice as long; `untagged_answer`: the sum without its tag; `direct`: the sum
            alone; `fused`: as Qwen3 writes it, tags in lines of their own and the bare sum; `mixed`: a quarter tagged, a quarter without the answer's tag, half
            plain; `long_and_short`: half checked, half tagged; `english`, `spanish` and `both`: tagged, with words between the equations;
            `bilingual`: a quarter of each of these, a quarter plain; `unfused`: a quarter fused, a quarter direct, half plain.
    """
    operands = _operands(_within("digits", digits, 1, 12))
    if form not in _FORMS and form not in _MIXTURES:
        raise ConfigError(unknown(form, kind="form of generator column_addition", allowed=(*_FORMS, *_MIXTURES)))
    forms = _MIXTURES.get(form, (form,))

    def build(a: int, b: int) -> Problem:
        chosen = forms[(a * 31 + b * 17) % 101 % len(forms)]  # by the problem alone, so that a task's demonstration is always the same
        demonstration = _FORMS[chosen](list(_columns(a, b)), str(a + b))
        return Problem(f"{a}+{b}=", str(a + b), {"digits": digits, "demonstration": demonstration})

    return Space((operands, operands), build, difficulty=digits)


def _inverse(step: str) -> str:
    """`7+5=12` taken back: `12-5=7`; a carry is taken back last."""
    left, total = step.split("=")
    first, *others = left.split("+")
    return f"{total}-{'-'.join(others)}={first}"


def _columns(a: int, b: int) -> Iterator[str]:
    """The equations of an addition in columns, from the right, each carry as a third number."""
    carry = 0
    for x, y in zip(reversed(str(a)), reversed(str(b)), strict=True):
        total = int(x) + int(y) + carry
        yield f"{x}+{y}{'+1' if carry else ''}={total}"
        carry = total // 10


GENERATORS: Mapping[str, Callable[..., Space]] = {
    generator.__name__: generator for generator in (arithmetic, chain, column_addition, compare, countdown, count_letters, modular, repeat, sort_digits)
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
