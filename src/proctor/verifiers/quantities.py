"""Reads quantities: expressions with units and currencies, numerals in a base, numbers in words, sums such as 2 h 30 min."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from proctor.verifiers.answers import Numeral, Quantity
from proctor.verifiers.expressions import Apply, Node, Number, Symbol, parse_tokens
from proctor.verifiers.notation import Token, Unreadable
from proctor.verifiers.numerals import SCALES, number_in_words
from proctor.verifiers.units import CURRENCIES, DEGREE, Unit, split_unit

_BASE = re.compile(r"\(? ?([0-9][0-9A-Za-z]*) ?\)? ?_ ?\{?\s?\(?([0-9]{1,2}|[a-z]{3,7})\)?\s?\}?")
_BASE_SAID = re.compile(r"([0-9][0-9A-Za-z]*),? ?(?:\( ?)?(?:in )?base[- ]([0-9]{1,2}|[a-z]{3,7})(?: ?\))?", re.IGNORECASE)
_PREFIXED = re.compile(r"0[xX]([0-9A-Fa-f]{1,60})(?: ?_ ?\{? ?16 ?\}?)?")
_HEXADECIMAL = re.compile(
    r"\(? ?([A-F][0-9A-F]{1,59}|[a-f]{1,9}[0-9][0-9a-f]{0,50}) ?\)?(?: ?_ ?\{? ?\(?(?:16|sixteen)\)? ?\}?|,? ?\(? ?(?:in )?base[- ](?:16|sixteen) ?\)?)"
)
"""`B5_{16}`, `FF_{16}`: with letters in front, what is a numeral by its base alone; one letter with an index is a name."""
_BASE_WORDS = dict(
    zip(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "sixteen"],
        (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16),
        strict=True,
    )
)
_ORDINAL = re.compile(r"(\d{1,9}) ?\^? ?\{? ?(?:st|nd|rd|th) ?\}?")
_ANGLE = re.compile(r"(\d{1,4}) ?° ?(\d{1,2}(?:\.\d{1,9})?) ?'(?: ?(\d{1,2}(?:\.\d{1,9})?) ?(?:''|' '|\"))?")
_OF_ANGLES = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})


def read_numeral(shown: str) -> Numeral | None:
    """Return the numeral in a base, as in `204_5`, "204 (base 5)" and `0xB5`; None if the text is none."""
    if (hexadecimal := _PREFIXED.fullmatch(shown) or _HEXADECIMAL.fullmatch(shown)) is not None:
        return Numeral(hexadecimal[1].upper().lstrip("0") or "0", 16)
    match = _BASE.fullmatch(shown) or _BASE_SAID.fullmatch(shown)
    if match is None:
        return None
    digits, base = match.groups()
    number = base_named(base)
    if number is None or not 2 <= number <= 36 or not all(char.isdigit() or number > 10 for char in digits) or any(int(char, 36) >= number for char in digits):
        return None
    return Numeral(digits.upper().lstrip("0") or "0", number)


def base_named(name: str) -> int | None:
    """Return the base that digits or a word name; None if they name none."""
    return int(name) if name.isdigit() else _BASE_WORDS.get(name)


def read_ordinal(shown: str) -> Quantity | None:
    """Return the number in `21st`; None if the text is no ordinal."""
    match = _ORDINAL.fullmatch(shown)
    return Quantity(Number(Fraction(int(match.group(1))))) if match else None


def read_angle(shown: str) -> Quantity | None:
    """Return the angle in `22° 30'` or `22° 30' 15''`; None if the text is none."""
    match = _ANGLE.fullmatch(shown)
    if match is None or Fraction(match[2]) >= 60 or Fraction(match[3] or 0) >= 60:
        return None
    return Quantity(Number(Fraction(match[1]) + Fraction(match[2]) / 60 + Fraction(match[3] or 0) / 3600), DEGREE)


def read_sum(tokens: Sequence[Token]) -> Quantity | None:
    """`2 hours and 30 minutes`, `5 ft 6 in`: quantities of one dimension, from large to small."""
    if len(tokens) < 4 or tokens[0].kind != "number" or not any(token.kind == "number" for token in tokens[2:]):
        return None
    parts: list[tuple[Number, Unit]] = []
    start = 0
    while start < len(tokens):
        start += bool(parts) and tokens[start].text in ("and", ",")
        end = start + 1
        while end < len(tokens) and tokens[end].kind != "number" and tokens[end].text not in ("and", ","):
            end += 1
        rest, unit = split_unit(tokens[start:end])
        if unit is None or not unit.powers or len(rest) != 1 or rest[0].kind != "number":
            return None
        node = parse_tokens(rest)
        if not isinstance(node, Number) or (parts and (unit.powers != parts[0][1].powers or node.value * unit.scale >= parts[-1][1].scale)):
            return None  # also where it would fill the larger unit: `12 dollars and 3400 cents` is left to be added
        parts.append((node, unit))
        start = end
    total = sum((number.value * unit.scale for number, unit in parts), Fraction(0))
    return Quantity(Number(total / parts[0][1].scale), parts[0][1]) if len(parts) > 1 else None


def read_quantity(tokens: Sequence[Token]) -> Quantity:
    """Read an expression with its unit.

    Raises:
        Unreadable: it is something else.
    """
    if (quotient := _quotient(tokens)) is not None:
        return quotient
    tokens, currency = _currency(tokens)
    rest, unit = split_unit(tokens)
    if currency is not None and unit is not None and len(rest) > 1 and rest[-1].text in ("per", "/"):
        rest, unit, currency = rest[:-1], currency.times(unit.to_the(-1)), None
    if unit == DEGREE and any(token.text in _OF_ANGLES for token in rest):
        rest, unit = tokens, None
    if currency is not None and unit not in (None, currency):
        raise Unreadable("a currency and another unit")
    unit = unit or currency
    scale = SCALES.get(rest[-1].text.lower()) if len(rest) > 1 and rest[-1].kind in ("word", "text") else None
    rest = rest if scale is None else rest[:-1]
    if (infinite := _infinity(rest)) is not None:
        return Quantity(infinite, unit)
    number = number_in_words(rest)
    node = parse_tokens(rest) if number is None else Number(Fraction(number))
    return Quantity(node if scale is None else Apply("*", (node, Number(Fraction(scale)))), unit)


def _infinity(tokens: Sequence[Token]) -> Node | None:
    """`positive infinity`, `negative infinity`; None for every other text."""
    match [token.text.lower() for token in tokens]:
        case ["positive" | "plus" | "+", "infinity"]:
            return Symbol("oo")
        case ["negative" | "minus", "infinity"]:
            return Apply("-", (Symbol("oo"),))
        case _:
            return None


def _quotient(tokens: Sequence[Token]) -> Quantity | None:
    r"""`\frac{240\text{ mi}}{4\text{ h}}`: two quantities with units that are written out; None for every other text."""
    if len(tokens) < 8 or tokens[0].text != "frac" or tokens[0].kind != "command" or tokens[1].text != "{":
        return None
    groups = _groups(tokens[1:])
    if len(groups) != 2 or not all(any(token.kind == "text" for token in group) for group in groups):
        return None
    top, bottom = map(read_quantity, groups)
    if top.unit is None or bottom.unit is None:
        return None
    return Quantity(Apply("/", (top.node, bottom.node)), top.unit.times(bottom.unit.to_the(-1)))


def _groups(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """What stands in the braces of which all tokens consist; nothing where one stands outside."""
    found: list[Sequence[Token]] = []
    depth = start = 0
    for index, token in enumerate(tokens):
        if depth == 0 and (token.text != "{" or token.kind != "mark"):
            return []
        start = index + 1 if depth == 0 else start
        depth += (token.kind == "mark") * ((token.text == "{") - (token.text == "}"))
        if depth == 0:
            found.append(tokens[start:index])
    return found if depth == 0 else []


def signed_decimal(node: Node) -> Fraction | None:
    """Return the value of a numeral that may have a minus sign; None for every other expression."""
    if isinstance(node, Apply) and node.operator == "-":
        value = signed_decimal(node.arguments[0])
        return None if value is None else -value
    return node.value if isinstance(node, Number) else None


def _currency(tokens: Sequence[Token]) -> tuple[Sequence[Token], Unit | None]:
    r"""Take a leading `$`, `-$`, `US$` or `Rs` off."""
    if len(tokens) > 1 and tokens[0].text in ("US", "USD", "Rs", "EUR") and tokens[0].kind in ("word", "text"):
        after = tokens[2:] if tokens[1].text in ("$", ".") else tokens[1:]
        unit = CURRENCIES["₹"] if tokens[0].text == "Rs" else CURRENCIES["€"] if tokens[0].text == "EUR" else CURRENCIES["$"]
        return (after, unit) if after and after[0].kind == "number" else (tokens, None)
    sign = len(tokens) > 1 and tokens[0].text in ("-", "+")
    head = tokens[sign] if len(tokens) > sign else None
    if head is not None and head.kind == "mark" and head.text in CURRENCIES and len(tokens) > sign + 1:
        return [*tokens[:sign], *tokens[sign + 1 :]], CURRENCIES[head.text]
    return tokens, None
