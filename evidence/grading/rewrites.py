r"""Generates answers of every kind, each with equivalent spellings and with near misses. Seeded; knows no grader.

What is equal is so by construction: a value is drawn first and then written in several ways; a near miss is another
value, or the same value as another kind of answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidence.grading import drawn_collections, drawn_formulas, drawn_numbers, drawn_phrases


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


KINDS: dict[str, Callable[[random.Random], drawn_numbers.Drawn]] = {
    "integer": drawn_numbers.integer,
    "fraction": drawn_numbers.fraction,
    "decimal": drawn_numbers.decimal,
    "scientific": drawn_numbers.scientific,
    "percent": drawn_numbers.percent,
    "money": drawn_numbers.money,
    "unit": drawn_numbers.unit,
    "compound unit": drawn_numbers.compound_unit,
    "angle": drawn_numbers.angle,
    "mixed number": drawn_numbers.mixed,
    "base": drawn_numbers.base,
    "interval": drawn_collections.interval,
    "half line": drawn_collections.half_line,
    "union": drawn_collections.union,
    "line without points": drawn_collections.without_points,
    "set": drawn_collections.finite_set,
    "solutions": drawn_collections.solutions,
    "plus-minus": drawn_collections.plus_minus,
    "tuple": drawn_collections.ordered_tuple,
    "list of tuples": drawn_collections.list_of_tuples,
    "matrix": drawn_collections.matrix,
    "radical": drawn_formulas.radical,
    "rationalised": drawn_formulas.rationalised,
    "closed form": drawn_formulas.closed_form,
    "complex": drawn_formulas.complex,
    "polynomial": drawn_formulas.polynomial,
    "expression": drawn_formulas.expression,
    "equation": drawn_formulas.equation,
    "assignments": drawn_formulas.assignments,
    "ratio": drawn_phrases.ratio,
    "time": drawn_phrases.time,
    "date": drawn_phrases.date,
    "choice": drawn_phrases.choice,
    "words": drawn_phrases.words,
}
