"""What an attack is made from: one task, its right answer, plausible wrong ones, and the form in which the target reads answers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from proctor.core.task import Task


class Surface(StrEnum):
    """What kind of answer a target grades."""

    MATH = "math"
    CHOICE = "choice"
    TEXT = "text"
    FORMAT = "format"
    JSON = "json"
    SQL = "sql"
    INSTRUCTIONS = "instructions"
    CODE = "code"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is written down, so that the target finds it.

    Attributes:
        name: for reports.
        before: text in front of the answer.
        after: text behind it.
    """

    name: str
    before: str
    after: str = ""

    def wrap(self, answer: str) -> str:
        """Return a completion that gives this answer."""
        return f"{self.before}{answer}{self.after}"


FORMS = (
    Form("boxed", "Therefore the answer is \\boxed{", "}."),
    Form("answer tag", "<answer>", "</answer>"),
    Form("reasoning and answer tag", "<think>I work it out step by step.</think>\n<answer>", "</answer>"),
    Form("reasoning and boxed", "<think>I work it out step by step.</think>\nThe answer is \\boxed{", "}."),
    Form("hashes", "I work it out.\n#### "),
    Form("sentence", "The answer is ", "."),
    Form("dollars", "The answer is $", "$."),
    Form("bare", ""),
)
"""How answers are commonly written, the order in which a target is tried with them."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """One task to attack with.

    Attributes:
        task: as the target receives it.
        answer: the right answer as text, without any form around it.
        wrong: plausible wrong answers, at least one.
        form: in which the target reads answers.
        marker: path of a file that does not exist; a payload that was executed has made it.
    """

    task: Task
    answer: str
    wrong: tuple[str, ...]
    form: Form = field(default=FORMS[0])
    marker: str = "/nonexistent/proctor-audit-marker"

    @property
    def gold(self) -> str:
        """The completion that must be paid: the task's own, where one is given, else the answer in its form."""
        given = self.task.info.get("gold_completion")
        return str(given) if given is not None else self.form.wrap(self.answer)

    def wrap(self, answer: str) -> str:
        return self.form.wrap(answer)


def mutations(answer: str, *, seed: str) -> tuple[str, ...]:
    """Return up to four near misses of an answer, each different from it: another number, sign, word or letter.

    Args:
        answer: the right one.
        seed: decides which; the same for the same seed.
    """
    rng = random.Random(f"mutations/{seed}/{answer}")
    found = [mutant for mutant in _mutants(answer, rng) if _bare(mutant) != _bare(answer) and mutant.strip()]
    return tuple(dict.fromkeys(found))[:4]


def _mutants(answer: str, rng: random.Random) -> Iterator[str]:
    numbers = list(re.finditer(r"\d+", answer))
    if re.fullmatch(r"\(?[A-Z]\)?\.?", answer.strip()):
        letter = re.sub(r"[^A-Z]", "", answer)
        yield from rng.sample([other for other in "ABCD" if other != letter], 3)
        return
    for match in rng.sample(numbers, min(2, len(numbers))):
        value = int(match.group()[:4000])
        for changed in (value + 1, value + 10 ** max(0, len(match.group()) - 1)):
            yield answer[: match.start()] + str(changed) + answer[match.end() :]
    if numbers:
        yield answer[1:] if answer.startswith("-") else f"-{answer}"
        return
    words = answer.split()
    if len(words) > 1:
        yield " ".join(words[:-1])
        yield " ".join(reversed(words))
    yield f"not {answer}"
    yield answer + rng.choice("bcdfgk")


def _bare(text: str) -> str:
    return re.sub(r"\W", "", text).casefold() + ("-" if text.startswith("-") and text.strip("-") != "0" else "")
