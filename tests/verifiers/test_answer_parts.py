"""The parts of the math verifier, each against values worked by hand."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from proctor.verifiers.answers import Assignment, Domain, Interval, Items, Matrix, Numeral, Quantity, Relation, Words
from proctor.verifiers.evaluation import compare, equal, exact, is_undefined, proportion, within
from proctor.verifiers.expressions import Number, parse
from proctor.verifiers.extraction import Extraction, boxes, extractions
from proctor.verifiers.moments import Date, Time, read_moment
from proctor.verifiers.notation import Unreadable, lex, unify
from proctor.verifiers.reading import readings
from proctor.verifiers.regions import same_region
from proctor.verifiers.units import UNITS, split_unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2+3*4", "14"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        (r"\frac12", "1/2"),
        (r"\frac{1}2", "1/2"),
        (r"-3\frac{5}{13}", "-44/13"),
        ("1 1/2", "3/2"),
        ("6/2*3", "9"),
        ("3!", "6"),
        (r"\binom52", "10"),
        (r"{5 \choose 2}", "10"),
        (r"{1 \over 4}", "1/4"),
        ("1.5e3", "1500"),
        (r"0.1\overline{6}", "1/6"),
        (r"0.\overline{142857}", "1/7"),
        ("8^{2/3}", "4"),
        ("(-8)^{1/3}", "-2"),
        (r"\sqrt{\frac{9}{4}}", "3/2"),
        (r"|-3|", "3"),
        (r"\lfloor -2.5 \rfloor", "-3"),
        (r"\lceil -2.5 \rceil", "-2"),
        ("3 x 10^2", "300"),
        ("½", "1/2"),
        ("2³", "8"),
        ("１２", "12"),
        (r"1{,}234", "1234"),
        (r"0{,}5", "1/2"),
    ],
)
def test_exact_values(text: str, value: str) -> None:
    assert exact(parse(text)) == Fraction(value)


@pytest.mark.parametrize(
    "text", ["1 2", "2^1 0", "(1", "1)", "{1", r"\frac{1}", "1+", "*2", "7 or 8", r"\sum k", "x y z apple", "1..2", "5 2!", r"\sqrt", "a_", ""]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("7", Quantity),
        ("7, 8", Items),
        ("[1,2)", Interval),
        ("(1,2)", Items),
        (r"\{1,2\}", Items),
        ("x=7", Assignment),
        ("x<7", Relation),
        ("2x=14", Relation),
        ("12_5", Numeral),
        (r"\mathbb{R}", Domain),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", Matrix),
        ("4:30 PM", Time),
        ("May 5", Date),
        (r"\text{isosceles}", Words),
    ],
)
def test_kinds(text: str, kind: type) -> None:
    assert isinstance(readings(text, allow_words=True)[0], kind)


def test_a_comma_between_digits_can_mean_two_things() -> None:
    number, pair = readings("100,200")
    assert number == Quantity(Number(Fraction(100200)))
    assert isinstance(pair, Items) and len(pair.members) == 2
    assert len(readings("(100,200)")) == 1  # inside brackets it separates
    assert len(readings("100, 200")) == 1


@pytest.mark.parametrize(
    ("text", "unit", "scale"),
    [
        ("5 km/h", (("meter", 1), ("second", -1)), Fraction(5, 18)),
        ("5 square feet", (("meter", 2),), Fraction("0.3048") ** 2),
        ("5 kilometers per hour", (("meter", 1), ("second", -1)), Fraction(5, 18)),
        (r"5\text{ m/s}^2", (("meter", 1), ("second", -2)), Fraction(1)),
        ("5 cents", (("dollar", 1),), Fraction(1, 100)),
        ("5°C", (("celsius", 1),), Fraction(1)),
        ("5 M", (("meter", -3), ("mole", 1)), Fraction(1000)),
        (r"5\text{ mol/L}", (("meter", -3), ("mole", 1)), Fraction(1000)),
        (r"5\,\frac{\text{km}}{\text{h}}", (("meter", 1), ("second", -1)), Fraction(5, 18)),
        (r"5\,\dfrac{\mathrm{m}}{\mathrm{s}^2}", (("meter", 1), ("second", -2)), Fraction(1)),
    ],
)
def test_units_have_dimension_and_scale(text: str, unit: tuple[tuple[str, int], ...], scale: Fraction) -> None:
    rest, found = split_unit(lex(unify(text)))
    assert [token.text for token in rest] == ["5"]
    assert found is not None
    assert (found.powers, found.scale) == (unit, scale)


@pytest.mark.parametrize("text", ["5 or 6", "5 bananas or 6", "5 maybe", "5m", "x m", "5 m maybe", "5 per", "5 cm^9"])
def test_what_is_no_unit(text: str) -> None:
    tokens = lex(unify(text))
    assert split_unit(tokens) == (tokens, None)


def test_units_multiply() -> None:
    assert UNITS["m"].times(UNITS["m"].to_the(-1)).powers == ()
    assert UNITS["L"].powers == UNITS["m"].to_the(3).powers
    assert UNITS["V"].times(UNITS["μF"]) == UNITS["μC"] and UNITS["V"].times(UNITS["A"]) == UNITS["W"] and UNITS["kW"].times(UNITS["h"]) == UNITS["kWh"]
    assert UNITS["kΩ"].times(UNITS["mA"]) == UNITS["V"] and UNITS["MPa"].scale == 10**6 and UNITS["microfarads"] == UNITS["μF"]
    assert "pm" not in UNITS and "F" not in UNITS and "henry" not in UNITS


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("4:30 p.m.", Time(16, 30, 0, True)),
        ("12:05 AM", Time(0, 5, 0, True)),
        ("12 pm", Time(12, 0, 0, True)),
        ("16:30", Time(16, 30, 0, True)),
        ("4:30", Time(4, 30, 0, False)),
        ("noon", Time(12, 0, 0, True)),
        ("25:00", None),
        ("4:75 PM", None),
        ("13:00 PM", None),
        ("July 4, 2020", Date(2020, 7, 4)),
        ("4th of July", Date(None, 7, 4)),
        ("2020-07-04", Date(2020, 7, 4)),
        ("2020-13-04", None),
        ("July 2020", Date(2020, 7, None)),
        ("Julember 4", None),
        ("4", None),
    ],
)
def test_moments(text: str, moment: Time | Date | None) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("[1,2] \\cup [2,3]", "[1,3]", True),
        ("[1,2) \\cup (2,3]", "[1,3]", False),
        ("x>1, x<3", "1<x<3", True),
        ("x<1, x>3", r"(-\infty,1)\cup(3,\infty)", True),
        ("-2x \\ge 6", r"(-\infty,-3]", True),
        (r"(\sqrt2, \pi)", r"\sqrt2 < t < \pi", True),
        (r"(\sqrt2, \pi)", r"1.4142 < t < \pi", False),
        ("(a,b)", "a<x<b", False),
        ("x<3", "y<3", False),
        ("[2,2]", "x=2", True),
    ],
)
def test_regions(left: str, right: str, same: bool) -> None:
    assert same_region(readings(left)[0], readings(right)[0]) is same


def test_differences_are_seen_however_small() -> None:
    assert equal(parse(r"\sqrt{5+2\sqrt6}"), parse(r"\sqrt2+\sqrt3"))
    assert not equal(parse(r"\sqrt{5+2\sqrt6}"), parse(r"\sqrt2+\sqrt3+e^{-3000}"))
    nearest = 2 * sum(math.comb(100, 2 * k) * 2**k for k in range(51))  # = (1 + sqrt 2)^100 + (1 - sqrt 2)^100; the second is 5e-39
    assert not equal(parse(r"(1+\sqrt2)^{100}"), Number(Fraction(nearest)))
    assert equal(parse(r"(1+\sqrt2)^{100}+(1-\sqrt2)^{100}"), Number(Fraction(nearest)))
    assert compare(parse("e^{-1000}"), Number(Fraction(0))) == 1
    assert compare(parse(r"\pi"), parse(r"\frac{355}{113}")) == -1


def test_multiples() -> None:
    assert proportion(parse("6x-8y"), parse("3x-4y")) == 1
    assert proportion(parse("6x-8y"), parse("4y-3x")) == -1
    assert proportion(parse("6x-8y"), parse("3x-5y")) == 0
    assert proportion(parse("2"), parse("4")) == 0  # constants are no equations


def test_roundings_and_undefined_values() -> None:
    assert within(parse(r"\sqrt2"), Fraction("1.41"), Fraction("0.01"))
    assert not within(parse(r"\sqrt2"), Fraction("1.41"), Fraction("0.001"))
    assert is_undefined(parse(r"\frac{1}{1-1}"))
    assert not is_undefined(parse("9^{9^{9}}"))  # too large to be computed is not undefined


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\boxed{5}", ("5",)),
        (r"\boxed{\frac{1}{2}} and \boxed{x}", (r"\frac{1}{2}", "x")),
        (r"\boxed{\boxed{5}}", (r"\boxed{5}",)),
        (r"\boxed 5", ("5",)),
        (r"\boxed{\{1,2\}}", (r"\{1,2\}",)),
        (r"\boxed{5", ()),
        (r"}}} \boxed{5}", ("5",)),
        (r"\boxed{a\boxed{b}", ()),
        (r"\boxedx", ()),
        (r"\fbox{5}", ("5",)),
    ],
)
def test_boxes(text: str, found: tuple[str, ...]) -> None:
    assert boxes(text) == found


@pytest.mark.parametrize(
    ("text", "channel", "candidates"),
    [
        ("the answer is $4$ or $5$.", "answer_is", ("$4$ or $5$",)),
        ("Final answer: she has 3 cats.", "answer_is", ("3",)),
        ("so $x=4$", "last_math", ("x=4",)),
        ("so $x=4$, hence 12 ways", "whole", ("so $x=4$, hence 12 ways",)),
        ("so $x=4$\nhence 12 ways", "last_number", ("12",)),
        ("first\n4, then 1/2.", "last_number", ("1/2",)),
        ("first\nat 9:30 AM", "last_number", ("9:30 AM",)),
        ("<answer>1</answer><answer>2</answer>", "answer_tag", ("1", "2")),
    ],
)
def test_channels(text: str, channel: str, candidates: tuple[str, ...]) -> None:
    assert next(extractions(text)) == Extraction(channel, candidates)


@pytest.mark.parametrize("text", ["first\n4 or 5", "first\nnot 5", "first\n5 or so", "either 4\nor maybe 5"])
def test_a_hedged_number_is_no_last_number(text: str) -> None:
    assert "last_number" not in [found.channel for found in extractions(text)]
