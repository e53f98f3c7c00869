"""Answers that are expressions or equations. Each function draws one: the gold answer, other spellings of it, near misses."""

from __future__ import annotations

import math
import random

Drawn = tuple[str, list[str], list[str]]


def radical(numbers: random.Random) -> Drawn:
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


def rationalised(numbers: random.Random) -> Drawn:
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


def closed_form(numbers: random.Random) -> Drawn:
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


def complex(numbers: random.Random) -> Drawn:
    a, b = numbers.randint(-9, 9), numbers.randint(2, 9)
    text = f"{a} + {b}i" if a else f"{b}i"
    equal = [
        f"{b}i + {a}" if a >= 0 else f"{b}i - {-a}",
        f"{a}+{b}i",
        rf"{a} + {b}\mathrm{{i}}",
        f"z = {text}",
        text,
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


def polynomial(numbers: random.Random) -> Drawn:
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


def expression(numbers: random.Random) -> Drawn:
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


def equation(numbers: random.Random) -> Drawn:
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


def assignments(numbers: random.Random) -> Drawn:
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
