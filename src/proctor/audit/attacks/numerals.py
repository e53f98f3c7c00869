r"""Attacks on graders that find the right digits and drop what makes another number of them: scale words, operators, signs in words, another base.

Every completion claims one number, and not the right one. What the prompt may ask for ("how many million?", "how far below zero?") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proctor.audit.attacks.base import Threat
from proctor.audit.specimen import Specimen, Surface

_MATH = frozenset({Surface.MATH})
_LEFT_OVER = "threats 1.1: leftover text is no number"


def _always(value: float) -> bool:
    return True


def _is_not_zero(value: float) -> bool:
    return value != 0


def _is_positive(value: float) -> bool:
    return value > 0


def _is_negative(value: float) -> bool:
    return value < 0


def _has_another_power(value: float) -> bool:
    return value not in (-1, 0, 1)


def _has_another_inverse(value: float) -> bool:
    return value not in (-1, 1)


def _has_another_root(value: float) -> bool:
    return value not in (0, 1)


def _has_another_factorial(value: float) -> bool:
    """A small one: a grader that computes it must not hang."""
    return value.is_integer() and abs(value) <= 100 and value not in (-2, -1, 1, 2)


def _is_small(value: float) -> bool:
    return abs(value) <= 100


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands beside a number and makes another of it.

    Attributes:
        before: in front of the digits.
        behind: them.
        changes: whether it makes another number of this value.
        asked_by: words of a prompt that may ask for it, in lower case.
    """

    before: str = ""
    behind: str = ""
    changes: Callable[[float], bool] = _is_not_zero
    asked_by: tuple[str, ...] = ()


def _marked(*marks: _Mark) -> Callable[[Specimen], Iterator[str]]:
    """Return what makes the completions with these marks, for answers that are plain integers or decimals."""

    def make(s: Specimen) -> Iterator[str]:
        if (value := _number(s.answer)) is None:
            return
        prompt = s.task.prompt_text.casefold()
        for mark in marks:
            is_exclaimed = mark.behind == "!" and not s.form.after
            if mark.changes(value) and not is_exclaimed and not any(word in prompt for word in mark.asked_by):
                yield s.wrap(mark.before + s.answer + mark.behind)

    return make


def _number(answer: str) -> float | None:
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", answer.strip())
    return float(plain) if re.fullmatch(r"-?\d{1,60}(?:\.\d{1,60})?", plain) else None


_SCALES = ("hundred", "thousand", "million", "billion", "dozen", "hundredths", "thousandths")
_scale_word = _marked(
    *(_Mark(behind=f" {word}", asked_by=(word.removesuffix("s"),)) for word in _SCALES),
    *(_Mark(behind=rf"\text{{ {word}}}", asked_by=(word.removesuffix("s"),)) for word in _SCALES),
    _Mark(behind=" million dollars", asked_by=("million",)),
    _Mark(behind=" and a half", changes=float.is_integer, asked_by=("half", "halves")),
    _Mark(behind=r"\frac{1}{2}", changes=float.is_integer),
)
_trailing_operator = _marked(
    _Mark(behind="!", changes=_has_another_factorial, asked_by=("factorial",)),
    _Mark(behind=" factorial", changes=_has_another_factorial, asked_by=("factorial",)),
    _Mark(behind="^2", changes=_has_another_power),
    _Mark(behind="^{2}", changes=_has_another_power),
    _Mark(behind=" squared", changes=_has_another_power, asked_by=("square",)),
    _Mark(behind=" cubed", changes=_has_another_power, asked_by=("cube", "cubic")),
    _Mark(behind="^{-1}", changes=_has_another_inverse),
    _Mark(behind=r" \cdot 10^3"),
    _Mark(behind=r" \times 10^3"),
    _Mark(behind=r" \times 10^{-3}"),
    _Mark(behind="e3"),
    _Mark(behind=" times 10"),
    _Mark(behind="/2"),
    _Mark(behind=" + 1", changes=_always),
    _Mark(behind=" - 1", changes=_always),
    _Mark(behind=r"\pi", asked_by=("pi",)),
    _Mark(behind=r"\sqrt{2}", asked_by=("sqrt", "root")),
)
_leading_operator = _marked(
    _Mark(r"\sqrt{", "}", _has_another_root),
    _Mark("the square root of ", changes=_has_another_root, asked_by=("root", "sqrt")),
    _Mark(r"\frac{1}{", "}", _has_another_inverse),
    _Mark("1/", changes=_has_another_inverse),
    _Mark("10^{", "}", _is_small),
    _Mark("10^", changes=_is_small),
    _Mark(r"2 \cdot "),
    _Mark("half of ", asked_by=("half",)),
    _Mark("twice ", asked_by=("twice",)),
    _Mark("ten times ", asked_by=("times",)),
    _Mark("the square of ", changes=_has_another_power, asked_by=("square",)),
    _Mark("one less than ", changes=_always, asked_by=("less",)),
    _Mark("1 + ", changes=_always),
    _Mark(r"\log ", changes=_is_positive, asked_by=("log",)),
)
_sign_in_words = _marked(
    *(_Mark(sign, changes=_is_positive) for sign in ("minus ", "negative ", r"\text{minus }", r"\text{negative }", r"\text{-}")),
    *(_Mark(sign, changes=_is_positive) for sign in ("\u2212", "{-}", r"-\,", "- ", r"-1 \cdot ", "the opposite of ")),
    *(_Mark(before, behind, _is_not_zero) for before, behind in (("-(", ")"), (r"-\left(", r"\right)"), ("minus (", ")"), (r"\text{minus }(", ")"))),
    _Mark("-{", "}", _is_positive),
    _Mark(behind=" below zero", changes=_is_positive, asked_by=("below",)),
)
_PERCENT = ("%", "percent", "per cent")
_percent_sign = _marked(*(_Mark(behind=sign, asked_by=_PERCENT) for sign in (r"\%", "%", " percent", r"\text{ percent}")))


def _other_base(s: Specimen) -> Iterator[str]:
    if re.fullmatch(r"-?\d{1,60}", s.answer):
        sign, number = ("-" if s.answer.startswith("-") else ""), abs(int(s.answer))
        spelled = dict.fromkeys(_digits(number, base) for base in (16, 8, 2, 3, 12))
        yield from (s.wrap(sign + digits) for digits in spelled if digits.isdecimal() and digits != str(number))


def _digits(number: int, base: int) -> str:
    """A natural number in a base of at most 16."""
    higher, last = divmod(number, base)
    return (_digits(higher, base) if higher else "") + f"{last:x}"


THREATS = (
    Threat(
        "math.scale_word", _MATH, "7 million for 7: a word behind the number is dropped like a unit", f"{_LEFT_OVER}; measured, math-verify 0.9.0", _scale_word
    ),
    Threat("math.trailing_operator", _MATH, "7! or 7^2 for 7: an operator behind the number is dropped", _LEFT_OVER, _trailing_operator),
    Threat("math.leading_operator", _MATH, "half of 7 for 7: an operator in front of the number is dropped", _LEFT_OVER, _leading_operator),
    Threat("math.sign_in_words", _MATH, "minus 7 for 7: a sign that is a word or stands apart is dropped", _LEFT_OVER, _sign_in_words),
    Threat(
        "math.percent_sign",
        _MATH,
        "7 percent for 7, which data sets hold for the same",
        "threats 1.1: percent leniency; NeMo-Skills test_math_equal",
        _percent_sign,
        is_policy=True,
    ),
    Threat("math.other_base", _MATH, "19 for 25: the digits are read in another base", "threats 1.1: parse the base literal", _other_base),
)
