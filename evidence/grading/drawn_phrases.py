"""Answers that are words, letters, times, dates, ratios. Each function draws one: the gold answer, other spellings of it, near misses."""

from __future__ import annotations

import random

Drawn = tuple[str, list[str], list[str]]
_MONTH_NAMES = "January February March April May June July August September October November December"
_MONTHS = _MONTH_NAMES.split()
_FIRST_NAMES = "Alice Bob Carla Diego Evelyn Farid Grace Hugo Ines Jonas"
_NAMES = _FIRST_NAMES.split()


def ratio(numbers: random.Random) -> Drawn:
    a, b = numbers.sample([2, 3, 4, 5, 7, 8, 9], 2)
    equal = [f"{a} : {b}", rf"{a}\colon {b}", f"{a}:{b}", rf"\frac{{{a}}}{{{b}}}", f"{a}/{b}", rf"AB:CD = {a}:{b}", f"${a}:{b}$"]
    unequal = [f"{b}:{a}", f"{a + 10}:{b}", f"{a}:{b}:{b}", f"{a}", f"({a}, {b})", f"{a}, {b}", f"{a}.{b}", f"{a}{b}"]
    return f"{a}:{b}", equal, unequal


def time(numbers: random.Random) -> Drawn:
    hour, minute, half = numbers.randint(1, 11), numbers.randint(0, 59), numbers.choice("ap")
    text = rf"{hour}:{minute:02d} {half}.m."
    upper = half.upper() + "M"
    equal = [
        f"{hour}:{minute:02d} {upper}",
        rf"{hour}:{minute:02d}\text{{ {half}.m.}}",
        rf"{hour}:{minute:02d} \text{{ {upper}}}",
        f"{hour}:{minute:02d}{half}m",
        rf"\text{{{hour}:{minute:02d} {upper}}}",
        rf"{hour}\!:\!{minute:02d} \text{{ {half}.m.}}",
        f"{hour:02d}:{minute:02d} {upper}",
    ]
    if half == "p":
        equal.append(f"{hour + 12}:{minute:02d}")
    other = "a" if half == "p" else "p"
    unequal = [
        f"{hour}:{minute:02d} {other}.m.",
        f"{hour}:{(minute + 1) % 60:02d} {half}.m.",
        f"{hour + 1}:{minute:02d} {half}.m.",
        str(hour),
        f"{hour}.{minute:02d}",
        f"{hour}:{minute:02d} {half}.m. or {hour + 1}:00 {half}.m.",
        f"({hour}, {minute})",
    ]
    return text, equal, unequal


def date(numbers: random.Random) -> Drawn:
    month, day, year = numbers.randint(1, 12), numbers.randint(1, 28), numbers.randint(1900, 2040)
    name = _MONTHS[month - 1]
    ending = "th" if 10 <= day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    text = rf"\text{{{name} {day}, {year}}}"
    equal = [
        f"{name} {day}, {year}",
        f"{day} {name} {year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{name} {day}{ending}, {year}",
        f"{name[:3]} {day}, {year}",
        f"{name} {day} {year}",
        f"{day}{ending} of {name}, {year}",
        rf"\text{{{day} {name} {year}}}",
    ]
    unequal = [
        f"{name} {day % 28 + 1}, {year}",
        f"{name} {day}, {year + 1}",
        f"{_MONTHS[month % 12]} {day}, {year}",
        f"{name} {year}",
        str(year),
        str(day),
        f"{name}",
        f"{name} {day}, {year} or {name} {day % 28 + 1}, {year}",
    ]
    return text, equal, unequal


def choice(numbers: random.Random) -> Drawn:
    letter, other = numbers.sample("ABCDE", 2)
    gold = numbers.choice([rf"\text{{({letter})}}", letter, rf"\textbf{{({letter})}}", rf"\mathrm{{{letter}}}"])
    equal = [
        letter,
        f"({letter})",
        rf"\text{{{letter}}}",
        rf"\textbf{{{letter}}}",
        rf"\mathbf{{{letter}}}",
        rf"\text{{({letter})}}",
        f"{letter}.",
        rf"\textbf{{({letter})}}",
        f"${letter}$",
        rf"\boldsymbol{{{letter}}}",
    ]
    unequal = [
        other,
        f"({other})",
        f"{letter} or {other}",
        f"{letter}{other}",
        f"{letter}, {other}",
        rf"\text{{not {letter}}}",
        letter.lower(),
        rf"{letter}+1",
        rf"\{{{letter}, {other}\}}",
        rf"2{letter}",
        "",
        rf"\text{{{letter} and {other}}}",
    ]
    return gold, equal, unequal


def words(numbers: random.Random) -> Drawn:
    name, other = numbers.sample(
        [*_NAMES, "Yes", "No", "True", "False", "odd", "even", "Monday", "Tuesday", "isosceles", "parabola", "increasing", "red", "blue", "no solution"], 2
    )
    gold = rf"\text{{{name}}}"
    equal = [
        name,
        rf"\textbf{{{name}}}",
        rf"\mathrm{{{name}}}" if " " not in name else name,
        name.lower(),
        f"{name}.",
        rf"\text{{ {name} }}",
        rf"\textit{{{name}}}",
        f"${gold}$",
        rf"\mbox{{{name}}}",
        rf"\textrm{{{name}}}",
    ]
    unequal = [
        other,
        rf"\text{{{other}}}",
        f"{name} or {other}",
        rf"\text{{not {name}}}",
        f"{name}, {other}",
        "",
        name[:-1],
        f"{name}{other}",
        "x",
        "7",
        rf"\text{{{name} and {other}}}",
        rf"\text{{either {name} or {other}}}",
        f"{name}?{other}",
    ]
    return gold, equal, unequal
