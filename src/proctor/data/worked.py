"""Additions worked out in writing, with demonstrations: what a model of a million parameters learns from nothing in a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from proctor.data.space import Problem, Space, whole_numbers, within
from proctor.errors import ConfigError
from proctor.plugins import unknown

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

    The column `carries` says how many columns carry, which is what makes an addition hard.
    """
    operands = whole_numbers(within("digits", digits, 1, 12))
    if form not in _FORMS and form not in _MIXTURES:
        raise ConfigError(unknown(form, kind="form of generator column_addition", allowed=(*_FORMS, *_MIXTURES)))
    forms = _MIXTURES.get(form, (form,))

    def build(a: int, b: int) -> Problem:
        chosen = forms[(a * 31 + b * 17) % 101 % len(forms)]  # by the problem alone, so that a task's demonstration is always the same
        demonstration = _FORMS[chosen](list(_columns(a, b)), str(a + b))
        return Problem(f"{a}+{b}=", str(a + b), {"digits": digits, "carries": _num_carries(a, b), "demonstration": demonstration})

    return Space((operands, operands), build, difficulty=digits)


_JUDGED_FORMS = {"direct": ("direct",), "worked": ("worked",), "either": ("direct", "worked")}
_WRONG_BY = (1, -1, 10, -10)


def judged_addition(digits: int = 2, form: str = "worked") -> Space:
    """Whether a sum is right: `47+85=133?`, to be answered with yes or no; half of the sums are wrong, by 1 or by 10.

    Args:
        digits: digits of both operands, 2 to 12.
        form: of the demonstration: `direct`, the verdict alone; `worked`, the addition in columns in `<think>` and the verdict in `<answer>`;
            `either`, half of each.
    """
    if form not in _JUDGED_FORMS:
        raise ConfigError(unknown(form, kind="form of generator judged_addition", allowed=tuple(_JUDGED_FORMS)))
    forms = _JUDGED_FORMS[form]
    numbers = whole_numbers(within("digits", digits, 2, 12))

    def build(a: int, b: int) -> Problem:
        is_right = (a * 31 + b * 17) % 97 % 2 == 0  # by the problem alone, and by nothing that shows in its digits
        shown = a + b if is_right else a + b + _WRONG_BY[(a * 7 + b * 13) % 89 % len(_WRONG_BY)]
        verdict = "yes" if is_right else "no"
        worked = f"<think>{';'.join((*_columns(a, b), str(a + b)))}</think><answer>{verdict}</answer>"
        shows_work = forms[(a * 13 + b * 29) % 101 % len(forms)] == "worked"
        return Problem(f"{a}+{b}={shown}?", verdict, {"digits": digits, "demonstration": worked if shows_work else verdict})

    return Space((numbers, numbers), build, difficulty=digits)


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


def _num_carries(a: int, b: int) -> int:
    """Columns of an addition that carry."""
    return sum(len(step.split("=")[1]) > 1 for step in _columns(a, b))
