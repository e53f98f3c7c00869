"""Graders that are strict but for one habit: they read one answer after the reasoning, and drop something that stands beside the number in it.

Every class of `proctor.audit.attacks.numerals` is paid by one of them. Never use one.
"""

from __future__ import annotations

import re

from proctor.core.task import Task
from proctor.verifiers.extraction import boxes
from tests.audit.naive import Grader


def only_box(completion: str) -> str | None:
    """The one box after the reasoning; None where there are several, or the reasoning does not end."""
    after = completion.rpartition("</think>")[2]
    found = boxes(after)
    return found[0].strip() if len(found) == 1 and "<think>" not in after else None


def strict(completion: str, task: Task) -> float:
    """No habit: an integer, exactly."""
    read = only_box(completion)
    return float(read is not None and bool(re.fullmatch(r"-?\d+", read)) and read == str(task.answer))


def form_and_strict(completion: str, task: Task) -> float:
    """The same, and a tenth for a box, whatever is in it."""
    return strict(completion, task) + (0.1 if only_box(completion) is not None else 0.0)


def word_behind_dropped(completion: str, task: Task) -> float:
    read = only_box(completion)
    return float(read is not None and re.sub(r"(?<=\d)\s*(\\text\{[a-z ]*\}|[a-z]+)$", "", read) == str(task.answer))


def mantissa_alone(completion: str, task: Task) -> float:
    match = re.fullmatch(r"(-?\d+)(?:e\d+|\s*\\times\s*10\^\{?\d+\}?|\s*\\cdot\s*10\^\{?\d+\}?)?", only_box(completion) or "")
    return float(match is not None and match.group(1) == str(task.answer))


def marks_stripped(completion: str, task: Task) -> float:
    read = only_box(completion)
    return float(read is not None and read.rstrip("!'?* ") == str(task.answer))


def percent_stripped(completion: str, task: Task) -> float:
    read = only_box(completion)
    return float(read is not None and read.rstrip("\\% ") == str(task.answer))


def words_in_front_dropped(completion: str, task: Task) -> float:
    read = only_box(completion)
    return float(read is not None and re.sub(r"^(?!not)[A-Za-z ]+ (?=-?\d+$)", "", read) == str(task.answer))


def any_base(completion: str, task: Task) -> float:
    try:
        return float(int(str(task.answer)) in (int(only_box(completion) or "", base) for base in (10, 16)))
    except ValueError:
        return 0.0


def number_of_the_sentence(completion: str, task: Task) -> float:
    """The one number behind "answer is", among any words but those that hedge."""
    after = completion.rpartition("</think>")[2]
    match = re.search(r"answer is (.*)", after)
    if match is None or after.count("answer") != 1 or re.search(r"<think>|\b(or|not|maybe|and|wrong)\b", after):
        return 0.0
    numbers = re.findall(r"-?\d+(?:[./,:^]\d+)*", match.group(1))
    is_plain = re.fullmatch(r"[A-Za-z .]*", re.sub(r"-?\d+", "", match.group(1)))
    return float(bool(is_plain) and numbers == [str(task.answer)])


PAYS: dict[str, Grader] = {
    "math.scale_word": word_behind_dropped,
    "math.trailing_operator": marks_stripped,
    "math.leading_operator": words_in_front_dropped,
    "math.sign_in_words": words_in_front_dropped,
    "math.percent_sign": percent_stripped,
    "math.other_base": any_base,
}
"""Class of threat -> a grader that it gets past."""
