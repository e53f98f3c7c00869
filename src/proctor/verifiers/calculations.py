r"""Works out what is calculated with units: `60 W × 5 h` is 0.3 kWh, `72 km/h × (1000 m / 3600 s)` 20 m/s, and `20 N / 4 kg` 5 m/s².

Units are symbols of the expression, so that what comes out has the right dimension, or is something else.
"""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction

from proctor.verifiers.answers import Quantity
from proctor.verifiers.evaluation import Unsettled, equal, exact
from proctor.verifiers.expressions import Apply, Node, Number, parse
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.remarks import closed_quantity
from proctor.verifiers.units import UNITS, Unit

_MAX_CHARS = 200
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|operatorname)\s?\{([^{}]{0,60})\}")
_SPACES = re.compile(r"(?:\\[,;:! ]|~|\s)+")
_RAISED = r"(?:[²³]|\^\s?\{?\s?-?\d\s?\}?)?"
_ONE_UNIT = rf"[A-Za-z°μµΩ]{{1,16}}{_RAISED}"
_FACTOR = re.compile(rf"(?<![\w.,^])(\d{{1,30}}(?:\.\d{{1,30}})?)\s?({_ONE_UNIT}(?:\s?[/·*]\s?{_ONE_UNIT}){{0,3}})(?![A-Za-z])")
_BASES = {base: place for place, base in enumerate(sorted({base for unit in UNITS.values() for base, _ in unit.powers} | {"celsius", "fahrenheit"}))}
_GROUPED = re.compile(r"(?<=\d),(?=\d{3})")
_DECIMALS = re.compile(r"\.(\d{1,30})")


def comes_to(text: str, value: Quantity, shown: str) -> bool | None:
    """Whether a calculation with units comes to a value, or is rounded to it; None where a text is no such calculation.

    So it does, too, where only its numbers do: `72 km/h × (1000 m / 3600 s)` leaves out that the factor is for each kilometer and hour.

    Args:
        text: the calculation.
        value: with a unit.
        shown: the value as it is written, to so many decimals.
    """
    if value.unit is None or not value.unit.powers or len(text) > _MAX_CHARS:
        return None
    plain = _GROUPED.sub("", _SPACES.sub(" ", _TEXT.sub(r" \1 ", text)))
    if _FACTOR.search(plain) is None:
        return None
    with suppress(Unreadable, Unsettled):
        measured, number = parse(_symbolic(plain, has_units=True)), exact(parse(_symbolic(plain, has_units=False)))
        if exact(parse(_FACTOR.sub(r"\1", plain))) == exact(value.node):
            return True
        wanted = exact(value.node) * value.unit.scale
        is_alike = equal(measured, Apply("*", (_of_bases(value.unit), Number(number))))
        decimals = _DECIMALS.search(shown)
        return is_alike and abs(number - wanted) <= Fraction(1, 2 * 10 ** len(decimals[1])) * value.unit.scale if decimals else is_alike and number == wanted
    return None


def _symbolic(text: str, *, has_units: bool) -> str:
    """A calculation with a product of symbols for every unit, or with the number of base units that it is alone."""

    def factor(found: re.Match[str]) -> str:
        quantity = closed_quantity(f"{found[1]} {found[2]}")
        if quantity is None or quantity.unit is None:
            raise Unreadable("no unit")
        number = exact(quantity.node) * quantity.unit.scale
        return f"({number.numerator}/{number.denominator}{_spelled(quantity.unit) if has_units else ''})"

    return _FACTOR.sub(factor, text)


def _spelled(unit: Unit) -> str:
    return "".join(f"*u_{{{_BASES[base]}}}^{{{power}}}" for base, power in unit.powers)


def _of_bases(unit: Unit) -> Node:
    return parse(f"1{_spelled(unit)}")
