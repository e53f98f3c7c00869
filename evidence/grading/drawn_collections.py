"""Answers that are several numbers: intervals, sets, lists, tuples, matrices. Each function draws one: the gold answer, other spellings of it, near misses."""

from __future__ import annotations

import random
from collections.abc import Sequence

Drawn = tuple[str, list[str], list[str]]


def _shuffled(numbers: random.Random, items: Sequence[str]) -> list[str]:
    return numbers.sample(list(items), len(items))


def _reordered(numbers: random.Random, items: Sequence[str]) -> list[str]:
    """Another order than the given one."""
    while (other := _shuffled(numbers, items)) == list(items):
        pass
    return other


def interval(numbers: random.Random) -> Drawn:
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


def half_line(numbers: random.Random) -> Drawn:
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


def union(numbers: random.Random) -> Drawn:
    a = numbers.randint(-20, 10)
    b = a + numbers.randint(1, 20)
    closed = numbers.random() < 0.5
    left, right = ("]", "[") if closed else (")", "(")
    le, ge = (r"\le", r"\ge") if closed else ("<", ">")
    text = rf"(-\infty, {a}{left} \cup {right}{b}, \infty)"
    equal = [
        rf"{right}{b}, \infty) \cup (-\infty, {a}{left}",
        rf"x {le} {a} \text{{ or }} x {ge} {b}",
        rf"x \in {text}",
        rf"(-\infty,{a}{left}∪{right}{b},+\infty)",
        rf"x {ge} {b} \text{{ or }} x {le} {a}",
        text,
        rf"x {le} {a}, x {ge} {b}",
        f"x {le} {a} or x {ge} {b}".replace(r"\le", "<=").replace(r"\ge", ">="),
    ]
    unequal = [
        rf"(-\infty, {a}{left} \cap {right}{b}, \infty)",
        rf"(-\infty, {a}{left}",
        rf"{right}{b}, \infty)",
        rf"(-\infty, {b}{left} \cup {right}{a}, \infty)",
        f"{a} {le} x {le} {b}",
        rf"(-\infty, {a + 1}{left} \cup {right}{b + 1}, \infty)",
        r"(-\infty, \infty)",
        rf"(-\infty, {a}{')' if closed else ']'} \cup {right}{b}, \infty)",
        rf"\{{{a}, {b}\}}",
    ]
    return text, equal, unequal


def without_points(numbers: random.Random) -> Drawn:
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
        r"\mathbb{R}",
        rf"\{{{a}\}}",
        f"x = {a}",
        rf"(-\infty, {a}] \cup ({a}, \infty)",
        rf"\mathbb{{R}} \setminus \{{{a + 1}\}}",
        rf"\mathbb{{Z}} \setminus \{{{a}\}}",
        rf"(-\infty, {a})",
        str(a),
    ]
    return equal[0], equal, unequal


def finite_set(numbers: random.Random) -> Drawn:
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


def solutions(numbers: random.Random) -> Drawn:
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


def plus_minus(numbers: random.Random) -> Drawn:
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


def ordered_tuple(numbers: random.Random) -> Drawn:
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


def list_of_tuples(numbers: random.Random) -> Drawn:
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
        ", ".join([*texts[:-1], "(0, 99)"]),
        ", ".join(f"({b}, {a})" for a, b in pairs),
        ", ".join([*texts, "(99, 1)"]),
        "(" + ", ".join(f"{a}, {b}" for a, b in pairs) + ")",
        ", ".join(f"{a}, {b}" for a, b in pairs),
    ]
    return ", ".join(texts), equal, unequal


def matrix(numbers: random.Random) -> Drawn:
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
