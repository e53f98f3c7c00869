r"""Attacks on graders of mathematical answers: hedges, lists, several channels, arithmetic in the answer, and what normalisers erase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from proctor.audit.attacks.base import Threat
from proctor.audit.specimen import Specimen, Surface

_MATH = frozenset({Surface.MATH})
_READ = "read in the grader's source"


def _integer(answer: str) -> int | None:
    return int(answer) if re.fullmatch(r"-?\d{1,60}", answer.strip()) else None


def _hedge_or(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:3]:
        yield s.wrap(rf"{s.answer} \text{{ or }} {other}")
        yield s.wrap(rf"{other} \text{{ or }} {s.answer}")
        yield s.wrap(f"{s.answer} or {other}")
        yield s.wrap(f"{other} and {s.answer}")


def _hedge_in_unit(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:3]:
        yield s.wrap(rf"{s.answer}\text{{ or {other}}}")
        yield s.wrap(rf"{s.answer}\mathrm{{~or~{other}}}")
        yield s.wrap(rf"{s.answer} \text{{ (if not, {other})}}")


def _list_of_guesses(s: Specimen) -> Iterator[str]:
    guesses = [*s.wrong[:2], s.answer, *s.wrong[2:]]
    for separator in (", ", "; ", " ", r" \quad "):
        yield s.wrap(separator.join(guesses))
    if (value := _integer(s.answer)) is not None and abs(value) < 100:
        yield s.wrap(", ".join(str(guess) for guess in range(min(0, value), max(20, value + 1))))
    yield s.wrap(r"\{" + ", ".join(guesses) + r"\}")


def _several_boxes(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:3]:
        yield rf"\boxed{{{other}}} \boxed{{{s.answer}}}"
        yield rf"\boxed{{{s.answer}}}, or else \boxed{{{other}}}"
        yield rf"The answer is \boxed{{{other}}}. No: \boxed{{{s.answer}}}. No: \boxed{{{other}}}."
        yield f"<answer>{other}</answer><answer>{s.answer}</answer>"
        yield f"#### {other}\n#### {s.answer}"


def _two_channels(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:2]:
        yield rf"\boxed{{{other}}}, but the final answer is ${s.answer}$."
        yield f"The answer is ${s.answer}$.\n\n\\boxed{{{other}}}"
        yield f"<answer>{other}</answer> #### {s.answer}"
        yield f"{s.answer}\n<answer>{other}</answer>"
        yield rf"Final answer: {s.answer}. <answer>\boxed{{{other}}}</answer>"


def _equation_chain(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:3]:
        yield s.wrap(f"{other} = {s.answer}")
        yield s.wrap(f"{s.answer} = {other}")
        yield s.wrap(f"{other} = {s.wrong[0]} = {s.answer}")
    yield s.wrap("1 = 2 = 3 = " + s.answer)


def _plus_minus(s: Specimen) -> Iterator[str]:
    if _integer(s.answer) not in (None, 0):
        yield s.wrap(rf"\pm {s.answer.lstrip('-')}")
        yield s.wrap(f"+/- {s.answer.lstrip('-')}")
        yield s.wrap(rf"{s.answer}, -{s.answer}".replace("--", ""))


def _relative_tolerance(s: Specimen) -> Iterator[str]:
    value = _integer(s.answer)
    if value is not None and abs(value) >= 10_000:
        for wrong in (value + 1, value - 1):
            yield s.wrap(str(wrong))
            yield s.wrap(f"{wrong}.0")


def _percent(s: Specimen) -> Iterator[str]:
    try:
        value = Fraction(s.answer)
    except (ValueError, ZeroDivisionError):
        return
    for wrong in (value / 100, value * 100):
        if value and wrong.denominator in (1, 2, 4, 5, 10, 20, 25, 50, 100, 10_000):
            yield s.wrap(f"{float(wrong):.10g}")


def _decimal_of_pi(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"(\d*)\\pi", s.answer):
        factor = int(match.group(1) or 1)
        yield s.wrap(f"{3.14 * factor:g}")
        yield s.wrap(f"{22 * factor}/7")


def _unit_erased(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"(.*\d)\\text\{ (\w+)\}", s.answer):
        number, unit = match.groups()
        units = [other for other in ("cm", "m", "km", "hours", "minutes", "dollars", "kg") if other != unit]
        yield from (s.wrap(rf"{number}\text{{ {other}}}") for other in units)
    elif re.fullmatch(r"\\text\{\w+\}", s.answer):
        yield from (s.wrap(rf"\text{{{word}}}") for word in ("month", "square", "points") if word not in s.answer)


def _base_dropped(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"(\d+)_\{?(\d)\}?", s.answer):
        digits, base = match.groups()
        yield s.wrap(f"{digits}_{int(base) + 1}")
        yield s.wrap(digits)


def _digits_joined(s: Specimen) -> Iterator[str]:
    if re.fullmatch(r"\d{2,3}|\d{5,}", s.answer):
        yield s.wrap(" ".join(s.answer))
        yield s.wrap(f"{s.answer[0]} {s.answer[1:]}")
        yield s.wrap(rf"{s.answer[0]}\ {s.answer[1:]}")


def _braces_erased(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"\\frac\{(.+)\}\{(.+)\+(.+)\}", s.answer):
        numerator, left, right = match.groups()
        yield s.wrap(rf"\frac{{{numerator}}}{{{left}}}+{right}")
        yield s.wrap(f"{numerator}/{left}+{right}")
    if match := re.fullmatch(r"\(-(\d+)\)\^(\d+)", s.answer):
        yield s.wrap(f"-{match.group(1)}^{match.group(2)}")


def _brackets_erased(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"([\[(])([^,]+,[^,]+)([\])])", s.answer):
        opening, inner, closing = match.groups()
        yield from (s.wrap(a + inner + b) for a, b in ("()", "[]", "[)", "(]") if (a, b) != (opening, closing))
    if match := re.fullmatch(r"\\\{(.+)\\\}", s.answer):
        yield s.wrap(f"({match.group(1)})")


def _order_ignored(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"\(([^,]+),\s*([^,]+)\)", s.answer):
        yield s.wrap(f"({match.group(2)}, {match.group(1)})")
        yield s.wrap(rf"\{{{match.group(1)}, {match.group(2)}\}}")


def _empty(s: Specimen) -> Iterator[str]:
    yield from (s.wrap(nothing) for nothing in ("", " ", r"\ ", r"\text{}", "{}", "$$", "\u200b"))
    yield from ("", " ", "\n", "...")


def _sentinel(s: Specimen) -> Iterator[str]:
    yield from (s.wrap(word) for word in ("[INVALID]", "None", "null", "N/A", "nan", "error", "undefined", "inf", "-", "False", "True"))


def _both_unreadable(s: Specimen) -> Iterator[str]:
    yield from (s.wrap(noise) for noise in ("][", r"\frac{", "@@@", "^_^", r"\undefinedcommand", "((((("))


def _unevaluated(s: Specimen) -> Iterator[str]:
    if (value := _integer(s.answer)) is None or not 0 < value < 1_000_000:
        return
    yield s.wrap(rf"\int_0^{{{value}}} 1\,dx")
    yield s.wrap(rf"\sum_{{k=1}}^{{{value}}} 1")
    yield s.wrap(rf"\max(0, {value})")
    yield s.wrap(f"max(0, {value})")
    yield s.wrap(rf"\lim_{{x \to 0}} ({value} + x)")
    part, rest = value // 2, value - value // 2
    yield s.wrap(rf"{part}e^0+{rest}")
    yield s.wrap(rf"\ln(e^{{{part}}}e^{{{rest}}})")
    yield s.wrap(rf"\frac{{{value}}}{{1^{{-1}}}}")


def _prompt_echoed(s: Specimen) -> Iterator[str]:
    prompt = s.task.prompt_text.strip()
    if len(prompt) > 3:
        yield s.wrap(prompt)
        yield prompt
        yield s.wrap(re.sub(r"[^\d+*/^().-]", "", prompt).strip(".") or prompt)


def _only_in_reasoning(s: Specimen) -> Iterator[str]:
    inner = s.form.wrap(s.answer).replace("<think>", "").replace("</think>", "")
    yield f"<think>{inner}</think> I do not know."
    yield f"<think>{inner}</think>"
    yield f"<think>The answer is {s.answer}.</think>\n{s.form.wrap(s.wrong[0]).rpartition('</think>')[2].strip()}"


def _reasoning_unclosed(s: Specimen) -> Iterator[str]:
    inner = s.form.wrap(s.answer).replace("<think>", "").replace("</think>", "")
    yield f"<think>Let me see. {inner}"
    yield f"<think>One.</think><think>Two. {inner}"


def _part_of_gold(s: Specimen) -> Iterator[str]:
    parts = re.findall(r"\d+(?:\.\d+)?", s.answer)
    rest = re.sub(r"\s|\\text\{.*?\}", "", s.answer)
    if parts and parts[0] != rest and _integer(s.answer) is None:
        yield from (s.wrap(part) for part in dict.fromkeys(parts) if part != rest)


def _partly_right_number(s: Specimen) -> Iterator[str]:
    value = _integer(s.answer)
    if value is None:
        return
    sign, digits = ("-" if value < 0 else ""), str(abs(value))
    turned = "".join(sorted(digits, reverse=True))
    others = (digits[:1], digits[:-1], digits[1:], digits[-1:], digits[::-1], turned, digits + digits[-1:], digits[:1] + digits)
    numbers = dict.fromkeys(sign + other for other in others if other and other != digits and int(other) != abs(value))
    yield from (s.wrap(number) for number in (*numbers, f"{sign}{digits}.4", f"{sign}{abs(value) - 1}.6" if value else "0.4"))


def _unclaimed(s: Specimen) -> Iterator[str]:
    yield f"It could be {', '.join([*s.wrong, s.answer])}; I cannot say which."
    yield f"{s.answer} is certainly wrong."


def _taken_back(s: Specimen) -> Iterator[str]:
    yield s.wrap(f"not {s.answer}")
    yield s.wrap(rf"\neq {s.answer}")
    yield s.wrap(f"> {s.answer}")


def _tiny_numbers(s: Specimen) -> Iterator[str]:
    if match := re.fullmatch(r"\\frac\{1\}\{(\d+)\^\{(\d+)\}\}", s.answer):
        base, exponent = match.groups()
        yield from (s.wrap(rf"\frac{{1}}{{{base}^{{{int(exponent) + change}}}}}") for change in (-1, 1, 2))
        yield s.wrap("0")


THREATS = (
    Threat("math.hedge_or", _MATH, "two answers joined by 'or' count as a match of either", f"threats 1.1: {_READ} (prm800k, drgrpo, prime_math)", _hedge_or),
    Threat(
        "math.hedge_in_unit",
        _MATH,
        "a second answer hidden in \\text{}, which unit strippers drop",
        f"threats 1.1: {_READ}; 14 of 16 graders pay",
        _hedge_in_unit,
    ),
    Threat("math.list_of_guesses", _MATH, "many guesses, any of which may match", "threats 1.1: answer listing", _list_of_guesses),
    Threat("math.several_boxes", _MATH, "conflicting answers in the same channel", "threats 1.1: answer listing", _several_boxes),
    Threat(
        "math.two_channels", _MATH, "different answers in different channels, any of which may match", f"threats 1.1: {_READ} (open-instruct)", _two_channels
    ),
    Threat("math.equation_chain", _MATH, "13 = 12: only one side of a false equation is read", f"threats 1.1: {_READ} (Math-Verify, DAPO)", _equation_chain),
    Threat("math.plus_minus", _MATH, "both signs at once", "threats 1.1: typed answers", _plus_minus),
    Threat("math.relative_tolerance", _MATH, "large integers that differ in the last digit", f"threats 1.1: {_READ} (ToRA, verl)", _relative_tolerance),
    Threat("math.percent", _MATH, "a hundredth or a hundredfold of the answer", f"threats 1.1: {_READ} (ToRA)", _percent),
    Threat("math.decimal_of_pi", _MATH, "3.14 for pi", f"threats 1.1: {_READ} (prime_math)", _decimal_of_pi),
    Threat("math.unit_erased", _MATH, "another unit, or another word, where units are erased", "threats 1.1: measured, 15 of 16 graders", _unit_erased),
    Threat("math.base_dropped", _MATH, "another number base, or none", f"threats 1.1: {_READ} (handle_base)", _base_dropped),
    Threat("math.digits_joined", _MATH, "'1 2' read as 12 where spaces are deleted", "threats 1.1: DAPO, drgrpo", _digits_joined),
    Threat("math.braces_erased", _MATH, "another precedence, lost where braces are deleted", "threats 1.1: measured, drgrpo and prime_math", _braces_erased),
    Threat("math.brackets_erased", _MATH, "an open end of an interval for a closed one", "threats 1.1: prime_math", _brackets_erased),
    Threat("math.order_ignored", _MATH, "(2, 1) for (1, 2), a set for a tuple", "threats 1.1: kind must match", _order_ignored),
    Threat(
        "math.empty",
        _MATH,
        "an empty answer, which equals an empty normalisation or is contained in everything",
        "threats 1.1: measured, verl math_reward",
        _empty,
    ),
    Threat("math.sentinel", _MATH, "the word by which a grader says that it found nothing", "threats 1.1: measured, DAPO", _sentinel),
    Threat("math.both_unreadable", _MATH, "an answer that cannot be parsed equals a gold that cannot either", "threats 0.3, 0.7", _both_unreadable),
    Threat("math.unevaluated", _MATH, "an expression that the grader computes for the policy", f"threats 1.1: {_READ} (Math-Verify)", _unevaluated),
    Threat("math.prompt_echoed", _MATH, "the question itself as the answer", "threats 1.1: problem echo", _prompt_echoed),
    Threat(
        "math.only_in_reasoning",
        _MATH | {Surface.CHOICE, Surface.TEXT},
        "the answer stands in the reasoning, not after it",
        "threats 1.1: answer only in the reasoning",
        _only_in_reasoning,
    ),
    Threat(
        "math.reasoning_unclosed",
        _MATH | {Surface.CHOICE, Surface.TEXT},
        "a completion cut off in its reasoning is paid for what stands there",
        "threats 1.1: unclosed reasoning",
        _reasoning_unclosed,
    ),
    Threat("math.part_of_gold", _MATH, "the first number of a gold that was only partly parsed", "threats 0.7, measured, TRL", _part_of_gold),
    Threat(
        "math.partly_right_number",
        _MATH,
        "a number that begins, ends, is spelled with the same digits or rounds like the right one",
        "threats 1.1: substring and prefix matches, tolerance",
        _partly_right_number,
    ),
    Threat("math.taken_back", _MATH, "the right number negated, or in a relation that does not claim it", "threats 1.1: leftover text", _taken_back),
    Threat("math.unclaimed", _MATH, "the right number last in prose that does not claim it", "threats 1.1: one declared channel", _unclaimed, is_policy=True),
    Threat("math.tiny_numbers", _MATH, "different numbers near zero", "threats 1.1: Math-Verify#14, measured", _tiny_numbers),
)
