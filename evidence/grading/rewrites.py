r"""Generates answers of every kind, each with equivalent spellings and with near misses. Seeded; knows no grader.

What is equal is so by construction: a value is drawn first and then written in several ways; a near miss is another
value, or the same value as another kind of answer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

MONTHS = "January February March April May June July August September October November December".split()
NAMES = "Alice Bob Carla Diego Evelyn Farid Grace Hugo Ines Jonas".split()


@dataclass(frozen=True, slots=True)
class Family:
    """One drawn answer.

    Attributes:
        kind: what sort of answer.
        gold: as a data set would write it.
        equal: other spellings of it.
        unequal: near misses.
    """

    kind: str
    gold: str
    equal: tuple[str, ...]
    unequal: tuple[str, ...]


def families(seed: int, num_per_kind: int) -> list[Family]:
    """Draw the same number of answers of every kind."""
    found: list[Family] = []
    for kind, draw in KINDS.items():
        numbers = random.Random(f"{seed} {kind}")
        for _ in range(num_per_kind):
            gold, equal, unequal = draw(numbers)
            found.append(Family(kind, gold, tuple(dict.fromkeys(text for text in equal if text != gold)), tuple(dict.fromkeys(unequal))))
    return found


def dressed(text: str, numbers: random.Random) -> str:
    """Put an answer into clothes that do not change it."""
    clothes: Sequence[Callable[[str], str]] = (
        lambda inner: inner,
        lambda inner: f"${inner}$",
        lambda inner: f" {inner} ",
        lambda inner: rf"\displaystyle {inner}",
        lambda inner: inner + ".",
        lambda inner: rf"{{{inner}}}" if "," not in inner and ";" not in inner else inner,
        lambda inner: (
            inner.replace("(", r"\left(").replace(")", r"\right)")
            if r"\{" not in inner and inner.count("(") == inner.count(")") and r"\left" not in inner
            else inner
        ),
        lambda inner: inner.replace(r"\frac{", r"\dfrac{"),
        lambda inner: inner.replace(r"\frac{", r"\tfrac{"),
        lambda inner: inner.replace(" + ", "+").replace(" = ", "="),
        lambda inner: inner.replace(", ", r",\ "),
    )
    return numbers.choice(clothes)(text)


def _shuffled(numbers: random.Random, items: Sequence[str]) -> list[str]:
    return numbers.sample(list(items), len(items))


def _reordered(numbers: random.Random, items: Sequence[str]) -> list[str]:
    """Another order than the given one."""
    while (other := _shuffled(numbers, items)) == list(items):
        pass
    return other


def _integer(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _fraction(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _decimal(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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
        text.replace(".", "{.}") if False else text,
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


def _scientific(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _percent(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _money(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _unit(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _compound_unit(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _angle(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _mixed(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _base(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    base = numbers.choice([2, 3, 4, 5, 6, 7, 8, 9])
    digits = "".join(str(numbers.randrange(base)) for _ in range(numbers.randint(3, 6))).lstrip("0") or "10"
    digits = digits if len(digits) > 1 else digits + "0"
    word = "zero one two three four five six seven eight nine".split()[base]
    equal = [
        f"{digits}_{{{base}}}",
        f"({digits})_{base}",
        rf"{digits}_{{\text{{{word}}}}}",
        rf"{digits}_{{({base})}}" if False else f"{digits}_{base}",
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


def _interval(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a = numbers.randint(-20, 20)
    b = a + numbers.randint(1, 30)
    left, right = numbers.choice("(["), numbers.choice(")]")
    low, high = ("<" if left == "(" else r"\le"), ("<" if right == ")" else r"\le")
    text = f"{left}{a}, {b}{right}"
    flip = {"<": ">", r"\le": r"\ge"}
    equal = [
        f"{left}{a},{b}{right}",
        rf"\left{left}{a}, {b}\right{right}",
        f"{a} {low} x {high} {b}",
        rf"x \in {text}",
        f"{b} {flip[high]} x {flip[low]} {a}",
        rf"\{{x \mid {a} {low} x {high} {b}\}}",
        f"{left}{a}.0, {b}{right}",
        f"{left}{a}; {b}{right}",
    ]
    equal += [
        f"{a} {low} x {high} {b}".replace(r"\le", "<="),
        f"{a} {low} x {high} {b}".replace(r"\le", "≤"),
        rf"x {flip[low]} {a} \text{{ and }} x {high} {b}",
        rf"\{{x : {a} {low} x {high} {b}\}}",
        rf"\{{x \in \mathbb{{R}} \mid {a} {low} x {high} {b}\}}",
    ]
    swapped = ("[" if left == "(" else "(") + text[1:]
    unequal = [
        swapped,
        text[:-1] + (")" if right == "]" else "]"),
        f"{left}{a + 1}, {b + 1}{right}",
        f"{left}{a}, {b + 1}{right}",
        rf"\{{{a}, {b}\}}",
        f"x {high} {b}",
        f"{a} {low} x",
        f"{a} {low} y",
        str(a),
        f"{a}, {b}",
        f"{left}{-b - 1}, {-a + 1}{right}",
    ]
    unequal += [
        rf"(-\infty, {b}{right}",
        rf"{left}{a}, \infty)",
        rf"{text} \cup {left}{b + 2}, {b + 3}{right}",
        text[:-1],
        f"{a} {low} x {high} {b} \\text{{ or }} x = {b + 9}",
    ]
    return text, equal, unequal


def _half_line(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a = numbers.randint(-30, 30)
    closed = numbers.random() < 0.5
    sign = r"\ge" if closed else ">"
    bracket = "[" if closed else "("
    text = f"x {sign} {a}"
    less = r"\le" if closed else "<"
    equal = [
        rf"{bracket}{a}, \infty)",
        rf"{bracket}{a}, +\infty)",
        f"{a} {less} x",
        rf"x \in {bracket}{a}, \infty)",
        text.replace(r"\ge", ">="),
        text.replace(r"\ge", "≥"),
        text.replace(r"\ge", r"\geq"),
        text.replace(r"\ge", r"\geqslant"),
        f"2x {sign} {2 * a}",
        f"-x {less} {-a}",
        f"x - {a} {sign} 0" if a >= 0 else f"x + {-a} {sign} 0",
        f"{bracket}{a}, ∞)",
    ]
    unequal = [
        f"x {less} {a}",
        f"x {'>' if closed else chr(92) + 'ge'} {a}",
        f"x {sign} {a + 1}",
        f"y {sign} {a}",
        str(a),
        f"x = {a}",
        rf"(-\infty, {a}" + ("]" if closed else ")"),
        rf"{'(' if closed else '['}{a}, \infty)",
        rf"x \ne {a}",
        f"x {sign} {-a}" if a else "x > 9",
        f"{a}",
        rf"{bracket}{a}, {a + 100})",
    ]
    return text, equal, unequal


def _union(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a = numbers.randint(-20, 10)
    b = a + numbers.randint(1, 20)
    closed = numbers.random() < 0.5
    l, r = ("]", "[") if closed else (")", "(")
    le, ge = (r"\le", r"\ge") if closed else ("<", ">")
    text = rf"(-\infty, {a}{l} \cup {r}{b}, \infty)"
    equal = [
        rf"{r}{b}, \infty) \cup (-\infty, {a}{l}",
        rf"x {le} {a} \text{{ or }} x {ge} {b}",
        rf"x \in {text}",
        rf"(-\infty,{a}{l}∪{r}{b},+\infty)",
        rf"x {ge} {b} \text{{ or }} x {le} {a}",
        text.replace(r"\cup", r"\bigcup") if False else text,
        rf"x {le} {a}, x {ge} {b}",
        f"x {le} {a} or x {ge} {b}".replace(r"\le", "<=").replace(r"\ge", ">="),
    ]
    unequal = [
        rf"(-\infty, {a}{l} \cap {r}{b}, \infty)",
        rf"(-\infty, {a}{l}",
        rf"{r}{b}, \infty)",
        rf"(-\infty, {b}{l} \cup {r}{a}, \infty)",
        f"{a} {le} x {le} {b}",
        rf"(-\infty, {a + 1}{l} \cup {r}{b + 1}, \infty)",
        rf"(-\infty, \infty)",
        rf"(-\infty, {a}{')' if closed else ']'} \cup {r}{b}, \infty)",
        rf"\{{{a}, {b}\}}",
    ]
    return text, equal, unequal


def _without_points(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a = numbers.randint(-9, 9)
    equal = [
        rf"\mathbb{{R}} \setminus \{{{a}\}}",
        rf"(-\infty, {a}) \cup ({a}, \infty)",
        rf"x \ne {a}",
        rf"x \neq {a}",
        rf"x < {a} \text{{ or }} x > {a}",
        rf"x \in \mathbb{{R}} \setminus \{{{a}\}}",
        rf"\{{x \in \mathbb{{R}} \mid x \ne {a}\}}",
        rf"ℝ∖\{{{a}\}}",
    ]
    unequal = [
        rf"\mathbb{{R}}",
        rf"\{{{a}\}}",
        f"x = {a}",
        rf"(-\infty, {a}] \cup ({a}, \infty)",
        rf"\mathbb{{R}} \setminus \{{{a + 1}\}}",
        rf"\mathbb{{Z}} \setminus \{{{a}\}}",
        rf"(-\infty, {a})",
        str(a),
    ]
    return equal[0], equal, unequal


def _set(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    members = [str(n) for n in numbers.sample(range(-30, 60), numbers.randint(2, 5))]
    text = r"\{" + ", ".join(members) + r"\}"
    turned = _reordered(numbers, members)
    equal = [
        r"\{" + ",".join(turned) + r"\}",
        r"\left\{" + ", ".join(members) + r"\right\}",
        "{" + ", ".join(turned) + "}",
        ", ".join(turned),
        r"x \in " + text,
        r"S = " + text,
        r"\lbrace " + ", ".join(members) + r" \rbrace",
        r"\{" + "; ".join(turned) + r"\}",
    ]
    unequal = [
        r"\{" + ", ".join(members[:-1]) + r"\}" if len(members) > 2 else members[0],
        r"\{" + ", ".join([*members, "61"]) + r"\}",
        "(" + ", ".join(members) + ")",
        r"\{" + ", ".join([*members[:-1], str(int(members[-1]) + 100)]) + r"\}",
        members[0],
        f"[{', '.join(members)}]" if len(members) == 2 else "(" + ",".join(turned) + ")",
    ]
    unequal += [
        r"\emptyset",
        r"\{" + "".join(member.strip("-") for member in members) + r"\}",
        r"\{" + ", ".join(str(-int(m)) if m != "0" else "99" for m in members) + r"\}" if {str(-int(m)) for m in members} != set(members) else r"\{99\}",
    ]
    return text, equal, unequal


def _solutions(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = numbers.sample(range(-12, 13), 2)
    text = f"{a}, {b}"
    equal = [
        f"{b}, {a}",
        rf"{a} \text{{ and }} {b}",
        f"{a} or {b}",
        f"x = {a}, x = {b}",
        rf"x = {b} \text{{ or }} x = {a}",
        rf"\{{{a}, {b}\}}",
        f"{a},{b}",
        f"${a}$ and ${b}$",
        rf"x \in \{{{a}, {b}\}}",
        f"{a} and {b}",
        f"{a}; {b}",
        rf"x_1 = {a}, x_2 = {b}",
        rf"{a},\quad {b}",
    ]
    unequal = [
        str(a),
        str(b),
        f"({a}, {b})",
        f"{a}, {b + 1}",
        f"{a}, {b}, {b + 50}",
        f"{a} {abs(b)}",
        f"{a} + {abs(b)}",
        f"x = {a}",
        f"[{a}, {b}]",
        rf"\{{{a}\}}",
        f"{a}{abs(b)}",
        f"{-a - 40}, {-b}",
    ]
    return text, equal, unequal


def _plus_minus(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, n = numbers.randint(1, 12), numbers.choice([2, 3, 5, 6, 7, 10])
    text = rf"{a} \pm \sqrt{{{n}}}"
    equal = [
        rf"{a} + \sqrt{{{n}}}, {a} - \sqrt{{{n}}}",
        rf"\{{{a} - \sqrt{{{n}}}, {a} + \sqrt{{{n}}}\}}",
        rf"x = {a} \pm \sqrt{{{n}}}",
        rf"{a} - \sqrt{n} \text{{ or }} {a} + \sqrt{n}" if n < 10 else rf"{a}\pm\sqrt{{{n}}}",
        rf"\frac{{{2 * a} \pm \sqrt{{{4 * n}}}}}{{2}}",
        rf"{a} ± \sqrt{{{n}}}",
        rf"{a} \mp \sqrt{{{n}}}",
        rf"x = {a} + \sqrt{{{n}}}, x = {a} - \sqrt{{{n}}}",
    ]
    unequal = [
        rf"{a} + \sqrt{{{n}}}",
        rf"{a} - \sqrt{{{n}}}",
        rf"{a} \pm \sqrt{{{n + 1}}}",
        rf"{a + 1} \pm \sqrt{{{n}}}",
        rf"\pm\sqrt{{{n}}}",
        rf"({a} + \sqrt{{{n}}}, {a} - \sqrt{{{n}}})",
        rf"{a} \pm {n}",
        rf"[{a} - \sqrt{{{n}}}, {a} + \sqrt{{{n}}}]",
    ]
    return text, equal, unequal


def _tuple(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    members = [str(numbers.randint(-20, 20)) for _ in range(numbers.randint(2, 4))]
    while len(set(members)) < len(members):
        members = [str(numbers.randint(-20, 20)) for _ in members]
    text = "(" + ", ".join(members) + ")"
    names = "(" + ", ".join("xyzw"[: len(members)]) + ")"
    turned = _reordered(numbers, members)
    equal = [
        "(" + ",".join(members) + ")",
        r"\left(" + ", ".join(members) + r"\right)",
        f"{names} = {text}",
        ", ".join(f"{name} = {member}" for name, member in zip("xyzw", members, strict=False)),
        r"(" + ",\\ ".join(members) + ")",
        "(" + ", ".join(f"{m}.0" for m in members) + ")",
        "(" + "; ".join(members) + ")",
        r"\left\langle " + ", ".join(members) + r" \right\rangle",
        r"\bigl(" + ", ".join(members) + r"\bigr)",
    ]
    unequal = [
        "(" + ", ".join(turned) + ")",
        ", ".join(members),
        r"\{" + ", ".join(members) + r"\}",
        "(" + ", ".join([*members, "0"]) + ")",
        "(" + ", ".join([*members[:-1], str(int(members[-1]) + 1)]) + ")",
        members[0],
        "[" + ", ".join(members) + "]",
        "(" + ", ".join(members) + ") or (" + ", ".join(turned) + ")",
        ", ".join(f"{name} = {member}" for name, member in zip("xyzw", turned, strict=False)),
    ]
    return text, equal, unequal


def _list_of_tuples(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    pairs = [(numbers.randint(-9, 9), numbers.randint(10, 20)) for _ in range(numbers.randint(2, 3))]
    while len(set(pairs)) < len(pairs):
        pairs = [(numbers.randint(-9, 9), numbers.randint(10, 20)) for _ in pairs]
    texts = [f"({a}, {b})" for a, b in pairs]
    turned = _reordered(numbers, texts)
    equal = [
        ", ".join(turned),
        r" \text{ and } ".join(texts),
        r"\{" + ", ".join(turned) + r"\}",
        "(x, y) = " + ", ".join(texts),
        ",".join(text.replace(" ", "") for text in texts),
        " and ".join(turned),
        "; ".join(texts),
        " or ".join(texts),
    ]
    unequal = [
        texts[0],
        ", ".join(texts[:-1] + ["(0, 99)"]),
        ", ".join(f"({b}, {a})" for a, b in pairs),
        ", ".join([*texts, "(99, 1)"]),
        "(" + ", ".join(f"{a}, {b}" for a, b in pairs) + ")",
        ", ".join(f"{a}, {b}" for a, b in pairs),
    ]
    return ", ".join(texts), equal, unequal


def _matrix(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    rows, columns = numbers.choice([(2, 2), (2, 1), (3, 1), (2, 3), (3, 3)])
    entries = [[numbers.randint(-9, 20) for _ in range(columns)] for _ in range(rows)]
    entries[0][0] = 21

    def write(values: list[list[object]] | list[list[int]], name: str = "pmatrix", row: str = r" \\ ", cell: str = " & ") -> str:
        return rf"\begin{{{name}}} " + row.join(cell.join(map(str, line)) for line in values) + rf" \end{{{name}}}"

    array = r"\left(\begin{array}{" + "c" * columns + "} " + r" \\ ".join(" & ".join(map(str, line)) for line in entries) + r" \end{array}\right)"
    doubled = [[2 * value for value in line] for line in entries]
    less = [[value - 1 for value in line] for line in entries]
    ones = [[1 for _ in line] for line in entries]
    equal = [
        write(entries, "bmatrix"),
        write(entries, row=r"\\", cell="&"),
        array,
        f"A = {write(entries)}",
        rf"\frac{{1}}{{2}} {write(doubled)}",
        write([[f"{value}.0" for value in line] for line in entries]),
        f"{write(less)} + {write(ones)}",
        write(entries, row=r"\\ ") + "",
        rf"\left[{write(entries, 'matrix')}\right]",
    ]
    wrong = [line[:] for line in entries]
    wrong[-1][-1] += 1
    unequal = [
        write(wrong),
        write(entries[:-1]) if rows > 1 else "0",
        write(entries, "vmatrix"),
        write(doubled),
        write([[-value for value in line] for line in entries]),
        str(entries[0][0]),
        write([*entries, entries[0]]),
    ]
    if columns > 1:
        unequal.append(write([line[::-1] for line in entries]) if any(line != line[::-1] for line in entries) else write(wrong))
    if rows != columns:
        unequal.append(write([list(line) for line in zip(*entries, strict=True)]))
    return write(entries), equal, unequal


def _radical(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    k, n = numbers.randint(2, 9), numbers.choice([2, 3, 5, 6, 7, 10, 11, 13])
    text = rf"{k}\sqrt{{{n}}}"
    equal = [
        rf"\sqrt{{{k * k * n}}}",
        rf"{k} \sqrt{{{n}}}",
        rf"{k}\cdot\sqrt{{{n}}}",
        f"{k}*sqrt({n})",
        f"{k}√{n}",
        rf"\frac{{{k * n}}}{{\sqrt{{{n}}}}}",
        rf"\sqrt{{{n}}} \cdot {k}",
        f"{k}sqrt({n})",
        rf"{k}\cdot {n}^{{1/2}}",
        rf"\frac{{{k * n}\sqrt{{{n}}}}}{{{n}}}",
        rf"\sqrt{{{n}}} + {k - 1}\sqrt{{{n}}}",
        rf"d = {k}\sqrt{{{n}}}",
        rf"{k}\sqrt{{{n}}}\text{{ cm}}",
        rf"{k}({n})^{{0.5}}",
    ]
    if n < 10:
        equal.append(rf"{k}\sqrt{n}")
    unequal = [
        rf"{k}\sqrt{{{n + 1}}}",
        rf"{k + 1}\sqrt{{{n}}}",
        rf"-{k}\sqrt{{{n}}}",
        f"{k}",
        f"{n}",
        rf"\sqrt{{{k * n}}}" if k > 1 else "1",
        f"{k * math.sqrt(n):.6f}",
        rf"\sqrt[{k}]{{{n}}}",
        rf"\pm {k}\sqrt{{{n}}}",
        rf"{k} + \sqrt{{{n}}}",
        rf"{k}\sqrt[3]{{{n}}}",
        rf"{k}\sqrt{{{n}}} + 10^{{-90}}",
        rf"\sqrt{{{k}}}{n}x",
    ]
    return text, equal, unequal


def _rationalised(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, n = numbers.randint(2, 9), numbers.choice([2, 3, 5, 6, 7])
    while a * a == n:
        a += 1
    d = a * a - n
    text = rf"\frac{{1}}{{{a}+\sqrt{{{n}}}}}"
    equal = [
        rf"\frac{{{a}-\sqrt{{{n}}}}}{{{d}}}",
        rf"\frac{{{a}}}{{{d}}} - \frac{{\sqrt{{{n}}}}}{{{d}}}",
        rf"({a}+\sqrt{{{n}}})^{{-1}}",
        rf"\frac{{1}}{{\sqrt{{{n}}}+{a}}}",
        f"1/({a}+sqrt({n}))",
        rf"\frac{{2}}{{{2 * a}+2\sqrt{{{n}}}}}",
    ]
    unequal = [
        rf"\frac{{{a}+\sqrt{{{n}}}}}{{{d}}}",
        rf"\frac{{1}}{{{a}}}+\sqrt{{{n}}}",
        rf"\frac{{1}}{{{a}}}+\frac{{1}}{{\sqrt{{{n}}}}}",
        rf"{a}+\sqrt{{{n}}}",
        rf"\frac{{{a}-\sqrt{{{n}}}}}{{{d + 1}}}",
        f"{1 / (a + math.sqrt(n)):.8f}",
        rf"-\frac{{{a}-\sqrt{{{n}}}}}{{{d}}}",
    ]
    return text, equal, unequal


def _closed_form(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    n = numbers.randint(2, 12)
    choices = [
        (
            rf"{n}\pi",
            [rf"\pi \cdot {n}", f"{n}*pi", f"{n}π", rf"\frac{{{2 * n}\pi}}{{2}}", rf"{n} \pi \text{{ cm}}"],
            [rf"{n + 1}\pi", f"{n * math.pi:.6f}", str(n), rf"\frac{{\pi}}{{{n}}}", rf"\pi^{n}", rf"{n} + \pi", rf"-{n}\pi"],
        ),
        (
            rf"\frac{{{2 * n + 1}\pi}}{{2}}",
            [rf"\frac{{{2 * n + 1}}}{{2}}\pi", rf"{n}\pi + \frac{{\pi}}{{2}}", f"{2 * n + 1}π/2", rf"{n}.5\pi", rf"\tfrac{{{2 * n + 1}\pi}}{{2}}"],
            [rf"\frac{{{2 * n + 3}\pi}}{{2}}", rf"\frac{{{2 * n + 1}}}{{2\pi}}", f"{(2 * n + 1) * math.pi / 2:.5f}", rf"{2 * n + 1}\pi"],
        ),
        (
            rf"\ln {n}",
            [rf"\ln({n})", rf"-\ln\frac{{1}}{{{n}}}", rf"\frac{{1}}{{2}}\ln {n * n}", rf"\ln {2 * n} - \ln 2", f"ln({n})", rf"\ln\left({n}\right)"],
            [rf"\ln {n + 1}", rf"\log_{{10}} {n}", f"{math.log(n):.6f}", rf"\ln {n} + 1", rf"e^{{{n}}}", rf"-\ln {n}"],
        ),
        (
            rf"e^{{{n}}}",
            [f"e^{n}" if n < 10 else rf"e^{{{n}}}", rf"\exp({n})", rf"\frac{{1}}{{e^{{-{n}}}}}", rf"e^{{{n - 1}}} \cdot e", rf"\mathrm{{e}}^{{{n}}}"],
            [rf"e^{{{n + 1}}}", rf"{n}e", f"{math.exp(n):.4f}", rf"e^{{-{n}}}", rf"e^{{{n}}} + 10^{{-80}}"],
        ),
        (
            rf"2^{{{n + 40}}}",
            [str(2 ** (n + 40)), rf"2 \cdot 2^{{{n + 39}}}", rf"4^{{{(n + 40) // 2}}} \cdot {2 if n % 2 else 1}", f"2**{n + 40}", f"{2 ** (n + 40):,}"],
            [str(2 ** (n + 40) + 1), rf"2^{{{n + 41}}}", rf"{n + 40}^2", f"2{n + 40}", rf"2 \cdot {n + 40}"],
        ),
        (
            rf"{n}!",
            [str(math.factorial(n)), rf"{n} \cdot {n - 1}!", rf"\frac{{{n + 1}!}}{{{n + 1}}}"],
            [str(math.factorial(n) + 1), rf"{n + 1}!", rf"({n}!)!" if n > 2 else "3", rf"{n}" if n > 2 else "5"],
        ),
        (
            rf"\binom{{{n + 4}}}{{2}}",
            [
                str(math.comb(n + 4, 2)),
                rf"\dbinom{{{n + 4}}}{{2}}",
                rf"{{{n + 4} \choose 2}}",
                rf"\frac{{{n + 4} \cdot {n + 3}}}{{2}}",
                rf"\binom{{{n + 4}}}{{{n + 2}}}",
            ],
            [rf"\binom{{{n + 5}}}{{2}}", rf"\binom{{{n + 4}}}{{3}}", rf"\frac{{{n + 4}}}{{2}}", str(math.comb(n + 4, 2) + 1)],
        ),
        (
            r"\sqrt{2}+\sqrt{3}",
            [r"\sqrt{3}+\sqrt{2}", r"\sqrt{5+2\sqrt{6}}", r"\frac{1}{\sqrt{3}-\sqrt{2}}", "√2 + √3"],
            [r"\sqrt{5}", r"\sqrt{2}-\sqrt{3}", r"\sqrt{2+3}", r"\sqrt{5+2\sqrt{7}}", "3.146264"],
        ),
        (
            rf"\log_2 {n + 1}",
            [rf"\log_{{2}}({n + 1})", rf"\frac{{\ln {n + 1}}}{{\ln 2}}", rf"\log_2({n + 1})"],
            [rf"\log_3 {n + 1}", rf"\log_2 {n + 2}", rf"\ln {n + 1}", f"{math.log2(n + 1) + 0.0001:.4f}"],
        ),
        (
            r"\frac{\sqrt{6}-\sqrt{2}}{4}",
            [r"\sin 15^\circ", r"\cos 75^\circ", r"\sin\frac{\pi}{12}", r"\frac{\sqrt{2-\sqrt{3}}}{2}", r"\frac{1}{\sqrt{6}+\sqrt{2}}"],
            [r"\cos 15^\circ", r"\sin 15", r"\frac{\sqrt{6}+\sqrt{2}}{4}", "0.2588"],
        ),
        (
            r"\frac{1+\sqrt{5}}{2}",
            [r"\frac{\sqrt{5}+1}{2}", r"\frac{1}{2}+\frac{\sqrt5}{2}", r"\frac{2}{\sqrt{5}-1}", r"2\cos 36^\circ"],
            [r"\frac{1-\sqrt{5}}{2}", r"1+\frac{\sqrt5}{2}", "1.618", r"\frac{1\pm\sqrt{5}}{2}"],
        ),
    ]
    return numbers.choice(choices)


def _complex(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = numbers.randint(-9, 9), numbers.randint(2, 9)
    text = f"{a} + {b}i" if a else f"{b}i"
    equal = [
        f"{b}i + {a}" if a >= 0 else f"{b}i - {-a}",
        f"{a}+{b}i",
        rf"{a} + {b}\mathrm{{i}}",
        f"z = {text}",
        rf"{a} + i{b}" if False else text,
        rf"-({-a} - {b}i)",
        rf"\frac{{{2 * a} + {2 * b}i}}{{2}}",
        rf"{a} + {b}\cdot i",
    ]
    unequal = [
        f"{a} - {b}i",
        f"{b} + {a}i" if a != b else "1",
        f"{a} + {b}",
        f"{-a} + {b}i" if a else f"1 + {b}i",
        f"({a}, {b})",
        str(a),
        f"{b + 1}i",
        rf"{a} \pm {b}i",
        f"{a} + {b}j x",
        f"{a + 1} + {b}i",
    ]
    return text, equal, unequal


def _polynomial(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    p, q = numbers.sample([-7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7], 2)
    while p + q == 0:
        p, q = numbers.sample([-7, -5, -3, -2, 1, 2, 3, 4, 5, 6, 7], 2)
    s, t = p + q, p * q
    text = f"x^2 {'+' if s > 0 else '-'} {abs(s)}x {'+' if t > 0 else '-'} {abs(t)}"
    linear = lambda r: f"(x {'+' if r > 0 else '-'} {abs(r)})"  # noqa: E731
    equal = [
        linear(p) + linear(q),
        linear(q) + r" \cdot " + linear(p),
        f"{t} + {s}x + x^2" if s > 0 else f"{t} - {-s}x + x^2",
        text.replace("x^2", "x^{2}"),
        text.replace(" ", ""),
        f"y = {text}",
        f"{linear(p)}*{linear(q)}",
        f"x*x + {s}*x + {t}" if s > 0 else f"x*x - {-s}*x + ({t})",
        f"P(x) = {text}",
        f"x(x + ({s})) + ({t})",
        text.replace("x^2", "x²"),
        f"{linear(p)}x + {q}{linear(p)}" if q > 0 else text,
    ]
    unequal = [
        f"x^2 {'-' if s > 0 else '+'} {abs(s)}x {'+' if t > 0 else '-'} {abs(t)}",
        linear(p) + linear(q + 1) if q != -1 else linear(p) + linear(q - 1),
        text.replace("x", "y"),
        text + " + 1",
        f"{text} = 0",
        linear(p),
        f"x^3 {text[3:]}",
        f"-({text})",
        f"{-p}, {-q}",
        text.replace("x^2", "2x^2"),
        f"{linear(p)}+{linear(q)}",
        f"{text} + 10^{{-60}}x",
    ]
    return text, equal, unequal


def _expression(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    n = numbers.randint(2, 9)
    choices = [
        (
            rf"\frac{{x}}{{x+{n}}}",
            [rf"1 - \frac{{{n}}}{{x+{n}}}", rf"\frac{{x}}{{{n}+x}}", rf"x(x+{n})^{{-1}}", f"x/(x+{n})", rf"\frac{{{n}x}}{{{n}x+{n * n}}}"],
            [rf"\frac{{x}}{{x-{n}}}", rf"\frac{{1}}{{{n}}}", f"x/x+{n}", rf"\frac{{x+{n}}}{{x}}", rf"\frac{{y}}{{y+{n}}}"],
        ),
        (
            rf"{n}a - {n - 1}b",
            [rf"-{n - 1}b + {n}a", rf"{n}(a - b) + b", rf"{n}a + (-{n - 1}b)"],
            [rf"{n}b - {n - 1}a", rf"{n}a + {n - 1}b", rf"{n}(a-b)", f"{n}a"],
        ),
        (
            rf"\sin({n}x)",
            [rf"\sin {n}x", rf"\sin\left({n}x\right)", rf"-\sin(-{n}x)", rf"\cos\left({n}x - \frac{{\pi}}{{2}}\right)", f"sin({n}x)"],
            [rf"{n}\sin x", rf"\cos({n}x)", rf"\sin^{n} x", rf"\sin x^{n}", rf"\sin({n + 1}x)"],
        ),
        (
            r"\cos^2 x",
            [r"1 - \sin^2 x", r"(\cos x)^2", r"\frac{1+\cos 2x}{2}", r"\cos(x)^2", r"\cos x \cdot \cos x"],
            [r"\cos x^2", r"1-\cos^2 x", r"\sin^2 x", r"2\cos x", r"\cos^2 y"],
        ),
        (
            rf"x^{n}y",
            [rf"yx^{n}", rf"y \cdot x^{{{n}}}", rf"x^{{{n}}} y", rf"\frac{{x^{{{n + 1}}}y}}{{x}}"],
            [rf"xy^{n}", rf"(xy)^{n}", rf"x^{{{n}y}}", rf"x^{n}+y", rf"x_{n}y"],
        ),
        (rf"2^{{n+{n}}}", [rf"2^{n} \cdot 2^n", rf"{2**n} \cdot 2^n", rf"2^{{{n}+n}}"], [rf"2^n+{n}", rf"2^{{n-{n}}}", rf"2^{{{n}n}}", rf"{n}^{{n+2}}"]),
        (
            r"\frac{n(n+1)}{2}",
            [r"\frac{n^2+n}{2}", r"\binom{n+1}{2}", r"\frac12 n(n+1)", "n(n+1)/2", r"\frac{1}{2}n^2 + \frac{1}{2}n"],
            [r"\frac{n(n-1)}{2}", r"\frac{n(n+1)}{3}", "n(n+1)", r"\binom{n}{2}", r"\sum_{k=1}^{n} k"],
        ),
        (
            rf"\sqrt{{x^2+{n}}}",
            [rf"(x^2+{n})^{{1/2}}", rf"\sqrt{{{n}+x^2}}", rf"(x^2+{n})^{{\frac12}}"],
            [rf"x+\sqrt{{{n}}}", rf"\sqrt{{x^2}}+{n}", rf"\sqrt{{x+{n}}}", rf"x^2+{n}"],
        ),
        (
            rf"e^{{-{n}t}}",
            [rf"\frac{{1}}{{e^{{{n}t}}}}", rf"(e^{{-t}})^{n}", rf"\exp(-{n}t)"],
            [rf"e^{{{n}t}}", rf"-e^{{{n}t}}", rf"e^{{-{n}}}t", rf"{n}e^{{-t}}"],
        ),
        (rf"\ln(x) + {n}", [rf"{n} + \ln x", rf"\ln x + {n}", rf"\ln(e^{n}x)"], [rf"\ln(x + {n})", rf"\ln({n}x)", rf"{n}\ln x", rf"\log_{{2}}(x) + {n}"]),
        (
            r"\frac{a+b}{c}",
            [r"\frac{a}{c}+\frac{b}{c}", "(a+b)/c", r"\frac{b+a}{c}", r"\dfrac{1}{c}(a+b)"],
            ["a+b/c", r"a+\frac{b}{c}", r"\frac{ab}{c}", r"\frac{a+b}{d}", r"\frac{c}{a+b}"],
        ),
        (
            rf"x^{{\frac{{1}}{{3}}}} + {n}",
            [rf"\sqrt[3]{{x}} + {n}", rf"{n} + x^{{1/3}}", rf"{n}+\sqrt[3]x"],
            [rf"\sqrt{{x}} + {n}", rf"\sqrt[3]{{x + {n}}}", rf"x^3 + {n}", rf"\frac{{x}}{{3}}+{n}"],
        ),
        (
            rf"|x - {n}|",
            [rf"|{n} - x|", rf"\left|x-{n}\right|", rf"\lvert x - {n}\rvert", rf"\sqrt{{(x-{n})^2}}"],
            [rf"x - {n}", rf"|x| - {n}", rf"|x + {n}|", rf"-|x-{n}|"],
        ),
        (
            rf"\lfloor x/{n} \rfloor",
            [rf"\left\lfloor \frac{{x}}{{{n}}} \right\rfloor", rf"⌊x/{n}⌋"],
            [rf"\lceil x/{n} \rceil", rf"x/{n}", rf"\lfloor x \rfloor/{n}"],
        ),
    ]
    return numbers.choice(choices)


def _equation(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, b, c = numbers.randint(2, 9), numbers.randint(1, 9), numbers.randint(1, 20)
    choices = [
        (
            f"{a}x + {b}y = {c}",
            [
                f"{2 * a}x + {2 * b}y = {2 * c}",
                f"{a}x + {b}y - {c} = 0",
                f"{c} = {a}x + {b}y",
                f"-{a}x - {b}y + {c} = 0",
                rf"y = \frac{{{c} - {a}x}}{{{b}}}",
                rf"y = -\frac{{{a}}}{{{b}}}x + \frac{{{c}}}{{{b}}}",
                f"{b}y + {a}x = {c}",
            ],
            [
                f"{a}x - {b}y = {c}",
                f"{a}x + {b}y = {c + 1}",
                f"{a}x + {b}y",
                str(c),
                f"{a + 1}x + {b}y = {c}",
                f"{a}x + {b}y > {c}",
                f"{a}x + {b}y = 0",
                f"{b + 10}x + {a}y = {c}",
            ],
        ),
        (
            f"y = {a}x + {b}",
            [f"{a}x + {b}", f"y - {a}x = {b}", f"y={a}x+{b}", f"{a}x - y + {b} = 0", f"f(x) = {a}x + {b}", f"y = {b} + {a}x", f"2y = {2 * a}x + {2 * b}"],
            [f"y = {a}x - {b}", f"y = {a + 1}x + {b}", f"x = {a}y + {b}", f"y = {a}x", f"y > {a}x + {b}", f"y = -{a}x + {b}", f"{a}"],
        ),
        (
            f"x^2 + y^2 = {a * a}",
            [rf"\frac{{x^2}}{{{a * a}}} + \frac{{y^2}}{{{a * a}}} = 1", f"y^2 + x^2 = {a * a}", f"x^2 + y^2 - {a * a} = 0", f"x^2 + y^2 = {a}^2"],
            [f"x^2 + y^2 = {a}", f"x^2 - y^2 = {a * a}", f"x^2 + y^2 = {a * a + 1}", str(a * a), f"x^2 + y^2 < {a * a}", f"(x+y)^2 = {a * a}"],
        ),
        (
            f"x = {c}",
            [str(c), f"x={c}.0", f"{c} = x", rf"x = \frac{{{2 * c}}}{{2}}", f"2x = {2 * c}"],
            [f"x = {c + 1}", f"y = {c}", f"x > {c}", f"x = {c}, {c + 1}", f"x = -{c}", rf"x \ne {c}", f"x = {c} = {c + 1}"],
        ),
    ]
    return numbers.choice(choices)


def _assignments(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = numbers.sample(range(-15, 16), 2)
    text = f"x = {a}, y = {b}"
    equal = [
        f"(x, y) = ({a}, {b})",
        f"({a}, {b})",
        f"y = {b}, x = {a}",
        rf"x = {a} \text{{ and }} y = {b}",
        f"x={a},y={b}",
        f"x = {a}; y = {b}",
        rf"x = {a},\ y = {b}",
        f"x = {a} and y = {b}",
    ]
    unequal = [
        f"x = {b}, y = {a}",
        f"({b}, {a})",
        f"x = {a}",
        f"x = {a}, y = {b + 1}",
        f"x = {a}, z = {b}",
        f"x = {a} or y = {b}",
        f"x = {a}, y = {b}, z = 0",
        rf"\{{{a}, {b}\}}",
        f"y = {a}, x = {b}",
    ]
    return text, equal, unequal


def _ratio(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    a, b = numbers.sample([2, 3, 4, 5, 7, 8, 9], 2)
    equal = [f"{a} : {b}", rf"{a}\colon {b}", f"{a}:{b}", rf"\frac{{{a}}}{{{b}}}", f"{a}/{b}", rf"AB:CD = {a}:{b}", f"${a}:{b}$"]
    unequal = [f"{b}:{a}", f"{a + 10}:{b}", f"{a}:{b}:{b}", f"{a}", f"({a}, {b})", f"{a}, {b}", f"{a}.{b}", f"{a}{b}"]
    return f"{a}:{b}", equal, unequal


def _time(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _date(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    month, day, year = numbers.randint(1, 12), numbers.randint(1, 28), numbers.randint(1900, 2040)
    name = MONTHS[month - 1]
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
        f"{MONTHS[month % 12]} {day}, {year}",
        f"{name} {year}",
        str(year),
        str(day),
        f"{name}",
        f"{name} {day}, {year} or {name} {day % 28 + 1}, {year}",
    ]
    return text, equal, unequal


def _choice(numbers: random.Random) -> tuple[str, list[str], list[str]]:
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


def _words(numbers: random.Random) -> tuple[str, list[str], list[str]]:
    name, other = numbers.sample(
        [*NAMES, "Yes", "No", "True", "False", "odd", "even", "Monday", "Tuesday", "isosceles", "parabola", "increasing", "red", "blue", "no solution"], 2
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


KINDS: dict[str, Callable[[random.Random], tuple[str, list[str], list[str]]]] = {
    "integer": _integer,
    "fraction": _fraction,
    "decimal": _decimal,
    "scientific": _scientific,
    "percent": _percent,
    "money": _money,
    "unit": _unit,
    "compound unit": _compound_unit,
    "angle": _angle,
    "mixed number": _mixed,
    "base": _base,
    "interval": _interval,
    "half line": _half_line,
    "union": _union,
    "line without points": _without_points,
    "set": _set,
    "solutions": _solutions,
    "plus-minus": _plus_minus,
    "tuple": _tuple,
    "list of tuples": _list_of_tuples,
    "matrix": _matrix,
    "radical": _radical,
    "rationalised": _rationalised,
    "closed form": _closed_form,
    "complex": _complex,
    "polynomial": _polynomial,
    "expression": _expression,
    "equation": _equation,
    "assignments": _assignments,
    "ratio": _ratio,
    "time": _time,
    "date": _date,
    "choice": _choice,
    "words": _words,
}
