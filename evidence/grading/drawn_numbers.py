"""Answers that are one number, with a unit or in a base. Each function draws one: the gold answer, other spellings of it, near misses."""

from __future__ import annotations

import math
import random
from fractions import Fraction

Drawn = tuple[str, list[str], list[str]]


def integer(numbers: random.Random) -> Drawn:
    n = numbers.choice([numbers.randint(-99, 999), numbers.randint(1000, 10**7), numbers.randint(-(10**5), -1)])
    text, grouped = str(n), f"{n:,}"
    sign = "-" if n < 0 else ""
    equal = [f"{n}.0", f"{n}.00", grouped, grouped.replace(",", "{,}"), grouped.replace(",", r"\,"), grouped.replace(",", r",\!"), text.replace("-", "\u2212")]
    equal += [
        rf"\mathbf{{{n}}}",
        rf"\text{{{n}}}",
        f"x = {n}",
        rf"\frac{{{2 * n}}}{{2}}",
        f"{n - 7} + 7",
        rf"{n}\text{{ units}}",
        f"({n})",
        rf"\textbf{{{n}}}",
        f"n={n}",
    ]
    equal += [f"{sign}{abs(n) // 10}{abs(n) % 10}", rf"\color{{blue}}{{{n}}}", rf"\mathrm{{{n}}}", f"{n}e0", rf"{n} \times 10^0"]
    digits = str(abs(n))
    unequal = [
        str(n + 1),
        str(n - 1),
        str(n * 10),
        f"{n}.1",
        f"{n} or {n + 1}",
        f"{n}, {n + 1}",
        rf"{n} \pm 1",
        f"{n + 1} = {n}",
        rf"\{{{n}, {n + 2}\}}",
        f"{n}x",
        rf"{n}\%{n}",
    ]
    unequal += [
        f"{digits[0]} {sign or '1'}{digits[1:]}",
        f"x > {n}",
        f"[{n}, {n + 1}]",
        f"{n}i",
        rf"{n}\pi",
        rf"{n}\text{{ or }}{n + 5}",
        f"{n} + 10^{{-50}}",
        f"({n}, {n})",
        "",
        "x",
    ]
    if n != 0:
        unequal += [str(-n), f"{n}{n}" if n > 0 else str(2 * n), rf"\sqrt{{{abs(n) + 1}}}" if abs(n) > 1 else "17"]
    if len(digits) > 1 and digits != digits[::-1]:
        unequal.append(sign + digits[::-1])
    return text, equal, unequal


def fraction(numbers: random.Random) -> Drawn:
    q = Fraction(numbers.randint(1, 60), numbers.randint(2, 40))
    while q.denominator == 1:
        q = Fraction(numbers.randint(1, 60), numbers.randint(2, 40))
    negative = numbers.random() < 0.3
    sign, a, b = "-" if negative else "", q.numerator, q.denominator
    k = numbers.randint(2, 5)
    equal = [
        rf"{sign}\frac{{{a}}}{{{b}}}",
        f"{sign}{a}/{b}",
        rf"{sign}\dfrac{{{a}}}{{{b}}}",
        rf"{sign}\tfrac{{{a}}}{{{b}}}",
        rf"\frac{{{sign}{a}}}{{{b}}}",
        rf"{sign}\frac{{{k * a}}}{{{k * b}}}",
    ]
    equal += [
        f"({sign}{a})/({b})",
        rf"{sign}{a} \div {b}",
        rf"{sign}\cfrac{{{a}}}{{{b}}}",
        rf"{sign}\left(\frac{{{a}}}{{{b}}}\right)",
        rf"p = {sign}\frac{{{a}}}{{{b}}}",
        f"{sign}{k * a}/{k * b}",
    ]
    equal.append(rf"{sign}{a} \cdot {b}^{{-1}}")
    if a < 10 and b < 10:
        equal += [rf"{sign}\frac{a}{b}", rf"{sign}\frac {a} {b}", rf"{sign}\dfrac{a}{b}"]
    if q > 1:
        whole, rest = divmod(a, b)
        equal += [rf"{sign}{whole}\frac{{{rest}}}{{{b}}}", f"{sign}{whole} {rest}/{b}", rf"{sign}{whole} \frac{{{rest}}}{{{b}}}"]
    reduced = b
    for prime in (2, 5):
        while reduced % prime == 0:
            reduced //= prime
    if reduced == 1:
        decimal = f"{float(q):.12f}".rstrip("0")
        equal += [sign + decimal, sign + decimal + "0", sign + decimal.lstrip("0")]
        equal += [rf"{sign}{float(q * 100):.10f}".rstrip("0").rstrip(".") + r"\%"]
    unequal = [
        rf"\frac{{{sign}{a + 1}}}{{{b}}}",
        rf"\frac{{{sign}{a}}}{{{b + 1}}}",
        f"{'' if negative else '-'}{a}/{b}",
        f"{sign}{b}/{a}",
        f"{sign}{a}",
        f"{sign}{b}",
        f"{sign}{a}{b}",
    ]
    unequal += [
        f"{sign}{float(q):.4f}" if reduced != 1 else f"{sign}{float(q) + 0.001:.6f}",
        f"({sign}{a}, {b})",
        f"{a}/{b} or {b}/{a}",
        rf"\frac{{{sign}{a}}}{{{b}}}x",
        rf"\sqrt{{{sign}{a}/{b}}}x",
    ]
    unequal += [rf"{sign}\frac{{{a}}}{{{b}}} + \frac{{1}}{{10^{{40}}}}", f"{sign}{a}//{b}", rf"\binom{{{a}}}{{{b}}}\cdot 0"]
    return equal[0], equal, unequal


def decimal(numbers: random.Random) -> Drawn:
    places = numbers.randint(1, 4)
    n = numbers.randint(1, 10 ** (places + 2))
    while n % 10 == 0:
        n += 1
    q = Fraction(n, 10**places)
    text = f"{n / 10**places:.{places}f}"
    equal = [
        text + "0",
        rf"\frac{{{q.numerator}}}{{{q.denominator}}}",
        f"{q.numerator}/{q.denominator}",
        rf"{n} \times 10^{{-{places}}}",
        f"{n}e-{places}",
        rf"x={text}",
        rf"{text}\text{{ units}}",
    ]
    equal += [
        rf"\mathbf{{{text}}}",
        text.lstrip("0") if text.startswith("0.") else text,
        rf"{n}\cdot 10^{{-{places}}}",
        rf"\frac{{{n}}}{{10^{places}}}",
        text,
    ]
    unequal = [
        f"{n + 1}e-{places}",
        f"-{text}",
        text.replace(".", ""),
        f"{text}1",
        f"{n / 10**places + 1:.{places}f}",
        f"{text} \\pm 0.1",
        f"{text[:-1]}" if text[-2] != "." else f"{text}5",
        f"[{text}, {text}5]",
    ]
    unequal += [text.replace(".", ","), f"{text} or {n}", rf"{text}\pi", f"{n} 10^{{-{places}}}", f"{text}.1"]
    return text, equal, unequal


def scientific(numbers: random.Random) -> Drawn:
    mantissa, exponent = numbers.randint(11, 99), numbers.choice([*range(-9, 0), *range(1, 13)])
    head = f"{mantissa // 10}.{mantissa % 10}"
    value = Fraction(mantissa, 10) * Fraction(10) ** exponent
    text = rf"{head} \times 10^{{{exponent}}}"
    equal = [
        rf"{head} \cdot 10^{{{exponent}}}",
        f"{head}e{exponent}",
        f"{head}E{exponent}",
        f"{head} x 10^{exponent}" if exponent >= 0 else f"{head}e{exponent}",
        f"{head}*10^({exponent})",
    ]
    equal += [rf"{mantissa} \times 10^{{{exponent - 1}}}", f"{head}×10^{{{exponent}}}", f"{head} * 10**{exponent}" if exponent >= 0 else text]
    equal.append(f"{value.numerator}/{value.denominator}" if value.denominator > 1 else str(value.numerator))
    if value.denominator == 1:
        equal.append(f"{value.numerator:,}")
    unequal = [
        rf"{head} \times 10^{{{exponent + 1}}}",
        rf"{head} \times 10^{{{exponent - 1}}}",
        rf"-{head} \times 10^{{{exponent}}}",
        head,
        rf"{mantissa} \times 10^{{{exponent}}}",
        f"{head}, 10^{{{exponent}}}",
    ]
    unequal += [
        rf"{head}1 \times 10^{{{exponent}}}",
        rf"{head} \times 9^{{{exponent}}}" if exponent else rf"{head}\times 9",
        rf"{head} + 10^{{{exponent}}}",
        rf"({head}, {exponent})",
    ]
    return text, equal, unequal


def percent(numbers: random.Random) -> Drawn:
    p = numbers.choice([numbers.randint(2, 99), numbers.randint(11, 999) / 10])
    text = rf"{p}\%"
    q = Fraction(str(p)) / 100
    equal = [
        f"{p}%",
        f"{p} %",
        f"{p} percent",
        rf"{p} \text{{ percent}}",
        str(p),
        f"{q.numerator}/{q.denominator}",
        rf"\frac{{{q.numerator}}}{{{q.denominator}}}",
        f"{p}\\,\\%",
        rf"{p}\text{{\%}}",
        f"{p} pct",
    ]
    equal.append(f"{float(q):.10f}".rstrip("0"))
    unequal = [
        rf"{p + 1}\%",
        rf"-{p}\%",
        rf"{p}0\%" if isinstance(p, int) else rf"{p}5\%",
        str(p * 100),
        f"{p / 1000:.8f}",
        rf"{p}\% \text{{ or }} {p + 1}\%",
        rf"{p}^\circ",
        rf"{p / 100:.6f}\%",
        rf"{p}\text{{ cm}}",
    ]
    return text, equal, unequal


def money(numbers: random.Random) -> Drawn:
    cents = numbers.choice([100 * numbers.randint(2, 9999), numbers.randint(101, 99999)])
    dollars = f"{cents // 100}.{cents % 100:02d}" if cents % 100 else str(cents // 100)
    grouped = f"{cents // 100:,}" + (f".{cents % 100:02d}" if cents % 100 else "")
    equal = [
        f"${dollars}",
        rf"\${dollars}",
        f"{dollars} dollars",
        rf"{dollars}\text{{ dollars}}",
        dollars,
        rf"\${grouped}",
        f"${grouped}",
        f"{dollars} USD",
        f"US${dollars}",
        rf"\$ {dollars}",
        f"{cents} cents",
    ]
    if not cents % 100:
        equal += [f"${dollars}.00", f"{dollars}.00"]
    unequal = [
        rf"\${cents // 100 + 1}",
        rf"{dollars}\text{{ cents}}",
        f"€{dollars}",
        f"-${dollars}",
        f"{dollars} euros",
        f"{cents}00",
        f"${dollars} or ${cents}",
        rf"{dollars}\%",
        f"£{dollars}",
    ]
    if cents % 100 == 0:
        unequal.append(f"{cents} dollars")
    return rf"\${dollars}", equal, unequal


def unit(numbers: random.Random) -> Drawn:
    n = numbers.randint(2, 90)
    short, long, smaller, factor, wrong = numbers.choice(
        [
            ("cm", "centimeters", "mm", 10, "m"),
            ("m", "meters", "cm", 100, "km"),
            ("km", "kilometers", "m", 1000, "miles"),
            ("kg", "kilograms", "g", 1000, "cm"),
            ("hours", "hours", "minutes", 60, "days"),
            ("ft", "feet", "inches", 12, "yards"),
            ("L", "liters", "mL", 1000, "kg"),
            ("minutes", "minutes", "seconds", 60, "hours"),
        ]
    )
    equal = [
        str(n),
        rf"{n} \text{{ {long}}}",
        f"{n} {long}",
        rf"{n}\,\text{{{short}}}",
        rf"{n}\ \mathrm{{{short}}}",
        rf"{n}\text{{ {short}.}}",
        rf"{n * factor}\text{{ {smaller}}}",
        rf"x = {n}\text{{ {short}}}",
        rf"{n}.0\text{{ {short}}}",
    ]
    unequal = [
        rf"{n}\text{{ {wrong}}}",
        rf"{n + 1}\text{{ {short}}}",
        rf"{n}\text{{ {smaller}}}",
        rf"{n}\text{{ {short}}}^2",
        rf"-{n}\text{{ {short}}}",
        rf"{n * factor}\text{{ {short}}}",
        rf"{n}\text{{ {short} or {n + 1}}}",
    ]
    unequal += [rf"{n}\%", f"${n}", rf"{n}\text{{ {short}}}^3"]
    return rf"{n}\text{{ {short}}}", equal, unequal


def compound_unit(numbers: random.Random) -> Drawn:
    n = numbers.randint(2, 90)
    gold, same, other = numbers.choice(
        [
            (
                r"\text{ cm}^2",
                [r"\text{ cm}^{2}", r"\text{ square centimeters}", r"\mathrm{~cm}^2", " cm^2", " sq cm", " cm²"],
                [r"\text{ cm}", r"\text{ m}^2", r"\text{ cm}^3"],
            ),
            (r"\text{ m/s}", [r"\,\mathrm{m/s}", " meters per second", r"\text{ m}/\text{s}", " m/s"], [r"\text{ km/h}", r"\text{ m}", r"\text{ s}"]),
            (
                r"\text{ cubic feet}",
                [r"\text{ ft}^3", " cubic feet", " ft^3", r"\text{ cu ft}"],
                [r"\text{ feet}", r"\text{ square feet}", r"\text{ cubic inches}"],
            ),
            (r"\text{ miles per hour}", [" mph", r"\text{ mph}", " miles per hour", r"\text{ mi/h}"], [r"\text{ miles}", r"\text{ km/h}", r"\text{ hours}"]),
            (r"\text{ square units}", [r"\text{ units}^2", "", r"\text{ square units}"], [r"\text{ or more}", r"x"]),
        ]
    )
    return f"{n}{gold}", [str(n), *(f"{n}{unit}" for unit in same)], [f"{n + 1}{gold}", *(f"{n}{unit}" for unit in other), f"{n}{gold} or {n + 1}{gold}"]


def angle(numbers: random.Random) -> Drawn:
    n = numbers.randint(1, 179)
    equal = [
        rf"{n}^{{\circ}}",
        f"{n}°",
        f"{n} degrees",
        rf"{n}\text{{ degrees}}",
        str(n),
        rf"{n}\degree",
        rf"{n}^\circ",
        rf"\theta = {n}^\circ",
        rf"\angle ABC = {n}^\circ",
        f"{n}.0°",
    ]
    unequal = [
        rf"{n + 1}^\circ",
        rf"-{n}^\circ",
        rf"{n}\%",
        rf"{n}\text{{ radians}}",
        rf"{180 - n}^\circ" if n != 90 else "80",
        rf"{n}^2",
        rf"{n}\pi",
        rf"{n}^\circ \text{{ or }} {180 - n}^\circ",
        f"{n}°, {n + 1}°",
    ]
    return rf"{n}^\circ", equal, unequal


def mixed(numbers: random.Random) -> Drawn:
    whole, b = numbers.randint(1, 40), numbers.randint(2, 12)
    a = numbers.choice([k for k in range(1, b) if math.gcd(k, b) == 1])
    top = whole * b + a
    equal = [
        rf"\frac{{{top}}}{{{b}}}",
        f"{top}/{b}",
        f"{whole} {a}/{b}",
        rf"{whole} \frac{{{a}}}{{{b}}}",
        rf"{whole}\dfrac{{{a}}}{{{b}}}",
        rf"{whole}+\frac{{{a}}}{{{b}}}",
        rf"{whole}\,\frac{{{a}}}{{{b}}}",
        rf"x = {whole}\frac{{{a}}}{{{b}}}",
    ]
    if b in (2, 4, 5, 8, 10):
        equal.append(f"{top / b:.6f}".rstrip("0"))
    unequal = [
        rf"{whole + 1}\frac{{{a}}}{{{b}}}",
        rf"\frac{{{whole * a}}}{{{b}}}" if whole * a != top else "0",
        rf"-{whole}\frac{{{a}}}{{{b}}}",
        rf"\frac{{{a}}}{{{b}}}",
        str(whole),
        f"{whole}, {a}/{b}",
        rf"\frac{{{whole}{a}}}{{{b}}}" if whole * 10 + a != top or a > 9 else "0",
    ]
    unequal += [rf"{whole} \cdot \frac{{{a}}}{{{b}}}", f"{whole} or {a}/{b}", rf"{whole}-\frac{{{a}}}{{{b}}}"]
    return rf"{whole}\frac{{{a}}}{{{b}}}", equal, unequal


def base(numbers: random.Random) -> Drawn:
    base = numbers.choice([2, 3, 4, 5, 6, 7, 8, 9])
    digits = "".join(str(numbers.randrange(base)) for _ in range(numbers.randint(3, 6))).lstrip("0") or "10"
    digits = digits if len(digits) > 1 else digits + "0"
    word = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"][base]
    equal = [
        f"{digits}_{{{base}}}",
        f"({digits})_{base}",
        rf"{digits}_{{\text{{{word}}}}}",
        f"{digits}_{base}",
        f"${digits}_{{{base}}}$",
        f"x = {digits}_{base}",
    ]
    other = digits[:-1] + str((int(digits[-1]) + 1) % base)
    unequal = [
        f"{other}_{base}",
        f"{digits}_{base + 1}",
        digits,
        f"{digits}0_{base}",
        f"{digits}_{{{base}0}}",
        str(int(digits, base) + 1),
        f"-{digits}_{base}",
        f"{digits}_{base} or {other}_{base}",
        f"{digits}^{base}",
    ]
    return f"{digits}_{base}", equal, unequal
