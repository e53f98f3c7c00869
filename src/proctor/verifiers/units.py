"""Units, currencies, the percent sign and counted things that may stand beside a number.

A closed list on purpose: an unknown word after a number makes the answer unreadable, because a hedge ("5 or 6") hides
there. A unit is a product of powers of base units and an exact scale, so that 5 cm is 50 mm and never 5 m.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from proctor.verifiers.notation import Token


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement.

    Attributes:
        powers: base unit and its power, sorted; empty for what only counts ("units", "ways").
        scale: how many base units it is.
    """

    powers: tuple[tuple[str, int], ...]
    scale: Fraction = Fraction(1)

    def to_the(self, power: int) -> Unit:
        """Return the unit raised to a power."""
        return Unit(tuple((base, exponent * power) for base, exponent in self.powers if exponent * power), self.scale**power)

    def times(self, other: Unit) -> Unit:
        """Return the product of two units."""
        powers = dict(self.powers)
        for base, exponent in other.powers:
            powers[base] = powers.get(base, 0) + exponent
        return Unit(tuple(sorted((base, exponent) for base, exponent in powers.items() if exponent)), self.scale * other.scale)


def _of(base: str, scale: str | int = 1, power: int = 1) -> Unit:
    return Unit(((base, power),), Fraction(scale))


PERCENT = _of("percent")
DEGREE = _of("degree")
COUNT = Unit(())


def _in_base_units(kilogram: int = 0, meter: int = 0, second: int = 0, *, ampere: int = 0, scale: str | int = 1) -> Unit:
    powers = {"ampere": ampere, "kilogram": kilogram, "meter": meter, "second": second}
    return Unit(tuple((base, power) for base, power in powers.items() if power), Fraction(scale))


_ENERGY = _in_base_units(1, 2, -2)

_SPELLINGS: Mapping[str, Unit] = {
    "% percent percentage pct": PERCENT,
    "° degree degrees deg": DEGREE,
    "rad radian radians": _of("radian"),
    "unit units": COUNT,
    "$ dollar dollars usd buck bucks": _of("dollar"),
    "cent cents ¢": _of("dollar", "1/100"),
    "€ euro euros eur": _of("euro"),
    "£ gbp": _of("sterling"),
    "pence penny": _of("sterling", "1/100"),
    "₹ rupee rupees rs inr": _of("rupee"),
    "yuan rmb cny": _of("yuan"),
    "¥ yen jpy": _of("yen"),
    "m meter meters metre metres": _of("meter"),
    "km kilometer kilometers kilometre kilometres kms": _of("meter", 1000),
    "dm decimeter decimeters": _of("meter", "1/10"),
    "cm centimeter centimeters centimetre centimetres cms": _of("meter", "1/100"),
    "mm millimeter millimeters millimetre millimetres": _of("meter", "1/1000"),
    "nm nanometer nanometers": _of("meter", "1/1000000000"),
    "in inch inches": _of("meter", "0.0254"),
    "ft foot feet": _of("meter", "0.3048"),
    "yd yard yards": _of("meter", "0.9144"),
    "mi mile miles": _of("meter", "1609.344"),
    "s sec secs second seconds": _of("second"),
    "ms millisecond milliseconds": _of("second", "1/1000"),
    "min mins minute minutes": _of("second", 60),
    "h hr hrs hour hours": _of("second", 3600),
    "day days": _of("second", 86400),
    "week weeks": _of("second", 604800),
    "month months": _of("month"),
    "yr yrs year years": _of("month", 12),
    "g gram grams": _of("kilogram", "1/1000"),
    "kg kilogram kilograms kgs": _of("kilogram"),
    "mg milligram milligrams": _of("kilogram", "1/1000000"),
    "ton tons tonne tonnes": _of("kilogram", 1000),
    "lb lbs pound pounds": _of("kilogram", "0.45359237"),
    "oz ounce ounces": _of("kilogram", "0.028349523125"),
    "L l liter liters litre litres": _of("meter", "1/1000", 3),
    "mL ml milliliter milliliters millilitre millilitres": _of("meter", "1/1000000", 3),
    "gal gallon gallons": _of("meter", "0.003785411784", 3),
    "quart quarts": _of("meter", "0.000946352946", 3),
    "cup cups": _of("cup"),
    "M": Unit((("meter", -3), ("mole", 1)), Fraction(1000)),  # moles a litre
    "mph": Unit((("meter", 1), ("second", -1)), Fraction("1609.344") / 3600),
    "kph": Unit((("meter", 1), ("second", -1)), Fraction(1000, 3600)),
    "K kelvin kelvins": _of("kelvin"),
    "kwh": _in_base_units(1, 2, -2, scale=3600 * 1000),
    "erg ergs": Unit(_ENERGY.powers, Fraction(1, 10**7)),
    "eV": _of("electronvolt"),
    "keV": _of("electronvolt", 1000),
    "MeV": _of("electronvolt", 10**6),
    "GeV": _of("electronvolt", 10**9),
    "atm": _of("atmosphere"),
    "pc parsec parsecs": _of("parsec"),
    "AU": _of("astronomical unit"),
    "bit bits": _of("bit"),
    "byte bytes": _of("bit", 8),
    "revolution revolutions rev": _of("revolution"),
    "rpm": Unit((("revolution", 1), ("second", -1)), Fraction(1, 60)),
    "decade decades": _of("month", 120),
    "century centuries": _of("month", 1200),
    "ha hectare hectares": _of("meter", 10000, 2),
    "fl": _of("fluid"),
    "acre acres": _of("acre"),
}
_FARAD = _in_base_units(-1, -2, 4, ampere=2)
_METRIC: Mapping[str, tuple[Unit, str]] = {
    "m meter meters metre metres": (_of("meter"), "μ"),
    "s second seconds": (_of("second"), "n μ"),
    "g gram grams": (_of("kilogram", "1/1000"), "n μ"),
    "L liter liters litre litres": (_of("meter", "1/1000", 3), "μ c d"),
    "mol mole moles": (_of("mole"), "n μ m k"),
    "N newton newtons": (_in_base_units(1, 1, -2), "m k M"),
    "J joule joules": (_ENERGY, "n μ m k M G"),
    "Wh": (_in_base_units(1, 2, -2, scale=3600), "m k M G T"),
    "W watt watts": (_in_base_units(1, 2, -3), "n μ m k M G"),
    "Pa pascal pascals": (_in_base_units(1, -1, -2), "h k M G"),
    "Hz hertz": (_in_base_units(second=-1), "k M G"),
    "A ampere amperes amp amps": (_in_base_units(ampere=1), "n μ m k"),
    "Ah": (_in_base_units(second=1, ampere=1, scale=3600), "m"),
    "C coulomb coulombs": (_in_base_units(second=1, ampere=1), "p n μ m"),
    "V volt volts": (_in_base_units(1, 2, -3, ampere=-1), "μ m k M"),
    "Ω ohm ohms Omega": (_in_base_units(1, 2, -3, ampere=-2), "μ m k M"),
    "farad farads": (_FARAD, ""),
    "T tesla teslas": (_in_base_units(1, 0, -2, ampere=-1), "n μ m"),
    "Wb": (_in_base_units(1, 2, -2, ampere=-1), "m"),
}
"""SI units that take prefixes: the symbol, the names, and the prefixes that are in use and mean nothing else (`pm` is a time of day)."""
_PREFIXED_ONLY: Mapping[str, tuple[Unit, str]] = {"F": (_FARAD, "p n μ m"), "H": (_in_base_units(1, 2, -2, ampere=-2), "n μ m")}
"""Symbols that are read with a prefix only, since alone they are other things: `F` is a degree, or a force."""
_METRIC_PREFIXES = {
    "p": ("pico", Fraction(1, 10**12)),
    "n": ("nano", Fraction(1, 10**9)),
    "μ": ("micro", Fraction(1, 10**6)),
    "m": ("milli", Fraction(1, 1000)),
    "c": ("centi", Fraction(1, 100)),
    "d": ("deci", Fraction(1, 10)),
    "h": ("hecto", Fraction(100)),
    "k": ("kilo", Fraction(1000)),
    "M": ("mega", Fraction(10**6)),
    "G": ("giga", Fraction(10**9)),
    "T": ("tera", Fraction(10**12)),
}
_COUNTED = """
apple bag ball banana bead bird board bolt book bottle box boy brick bucket bus button cake can candy car card cat chair chicken
chocolate class coin cookie cow crayon cube cupcake customer desk digit dog door duck edge egg element employee envelope face factor fan fish flower
frog fruit game girl goal goat guest hat horse house integer item jar lap leaf lemon letter marble match member message mouse movie muffin
number nut orange outcome page pair pancake paper park part path pen pencil penguin permutation photo picture pie piece pizza plant
plate player point potato pound prize problem question rabbit rabbits room root rose round row sandwich scarf score seat sheep shell shirt shoe shot
side sister slice slot snack sock solution song spoon square stamp star step sticker stone stop story stranger stripe student subset sweet table tail
taxi teacher team term test ticket tile time toy tree triangle trip truck turn unicorn vertex vertices vote walk watermelon way window
word worker zero
"""


_IRREGULAR = ("person people persons", "child children kid kids", "man men", "woman women")


def _plurals(noun: str) -> tuple[str, ...]:
    ends = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}es" if noun.endswith(("s", "x", "ch", "sh", "o")) else f"{noun}s"
    return noun, ends, f"{noun[:-1]}ves" if noun.endswith("f") else ends


def _metric() -> dict[str, Unit]:
    """SI units with and without their prefixes: by symbols (`kPa`, `μC`), and by names (`kilopascals`, `microcoulombs`)."""
    found: dict[str, Unit] = {}
    for spellings, (unit, prefixes) in _METRIC.items():
        found |= dict.fromkeys(spellings.split(), unit)
        symbols = [spelling for spelling in spellings.split() if len(spelling) <= 3 and spelling not in ("ohm", "amp")]
        names = [spelling for spelling in spellings.split() if spelling not in symbols and spelling != "Omega"]
        found |= {prefix + symbol: _times(unit, prefix) for prefix in prefixes.split() for symbol in symbols}
        found |= {_METRIC_PREFIXES[prefix][0] + name: _times(unit, prefix) for prefix in _METRIC_PREFIXES for name in names}
    for symbol, (unit, prefixes) in _PREFIXED_ONLY.items():
        found |= {prefix + symbol: _times(unit, prefix) for prefix in prefixes.split()}
    return found


def _times(unit: Unit, prefix: str) -> Unit:
    return Unit(unit.powers, unit.scale * _METRIC_PREFIXES[prefix][1])


UNITS: Mapping[str, Unit] = {
    **_metric(),
    **{plural: Unit((("thing", 1), (noun, 1))) for noun in _COUNTED.split() for plural in _plurals(noun)},
    **{spelling: Unit((("thing", 1), (spellings.split()[0], 1))) for spellings in _IRREGULAR for spelling in spellings.split()},
    **{spelling: unit for spellings, unit in _SPELLINGS.items() for spelling in spellings.split()},
}
CURRENCIES = {"$": UNITS["$"], "€": UNITS["€"], "£": UNITS["£"], "₹": UNITS["₹"], "¥": UNITS["¥"]}
_PREFIXES = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_SUFFIXES = {"squared": 2, "cubed": 3}
_DIGITS = frozenset("1234")
_MAX_UNIT_TOKENS = 12
_POWER_OF_TEN = re.compile(r"(?<!\d)10\^\{[-+]?\d{1,3}\}\Z")
_LIKE_PRODUCTS = frozenset(spelling for spelling in _metric() if re.fullmatch("[pnmkMG][A-Z]", spelling)) - {"kJ", "kW", "mL"}
"""What is as often a product of two letters: `\\frac{1}{2}kA^2`, `2mV`."""
_MICRO = frozenset({"C", "F", "A", "V", "W", "J", "L", "H", "T", "Ω", "Pa", "Hz", "mol"})
"""What is a unit also behind a `\\mu` that is no text: `\\mu m` and `\\mu N` are products as often."""
_TEMPERATURES = {"c": _of("celsius"), "celsius": _of("celsius"), "f": _of("fahrenheit"), "fahrenheit": _of("fahrenheit")}


def lookup(word: str) -> Unit | None:
    """Return the unit that a word or sign stands for; None if it is none."""
    return UNITS.get(word) or (UNITS.get(word.lower()) if len(word) > 1 and not (len(word) == 2 and word[0] == "M") else None)  # 1 Mm is no millimetre


def split_unit(tokens: Sequence[Token]) -> tuple[Sequence[Token], Unit | None]:
    """Split the longest trailing unit off a quantity.

    A single letter is a unit only inside a text or after a space, as in `5 m`; `5m` is a product, and so is `5mV`.

    Returns:
        The tokens before it, and the unit; None if there is none.
    """
    joined = _joined(tokens)
    for start in range(1, len(joined)):
        token = joined[start]
        is_word = token.kind in ("word", "text") or (token.kind == "mark" and token.text in "%°$€£¢₹¥") or _is_ohm(joined, start)
        is_whole = sum((part.text == "{") - (part.text == "}") for part in joined[:start]) == 0
        if is_word and is_whole and (lookup(token.text) or token.text.lower() in _PREFIXES) and _may_follow(joined[:start], token):
            unit = _read(joined[start:])
            if unit is not None:
                return joined[:start], unit
    return tokens, None


def _joined(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens with a prefix and a unit of which one is a Greek letter as one: `\\mu C` behind a number, `k\\Omega`."""
    if not any(token.kind == "command" and token.text in ("mu", "Omega") for token in tokens):
        return tokens
    found: list[Token] = []
    for token in tokens:
        before = found[-1] if found else None
        shown = "Ω" if token.kind == "command" and token.text == "Omega" else token.text
        if before is None or token.kind not in ("word", "text", "command"):
            found.append(token)
        elif before.kind == "command" and before.text == "mu" and _is_micro(token, shown, found[-2] if len(found) > 1 else None):
            found[-1] = Token("text", f"μ{shown}", before.is_spaced)
        elif shown == "Ω" and before.kind in ("word", "text") and before.text in ("k", "M", "m") and len(found) > 1 and found[-2].kind == "number":
            found[-1] = Token("text", f"{before.text}Ω", before.is_spaced)
        else:
            found.append(token)
    return found


def _is_micro(token: Token, shown: str, before: Token | None) -> bool:
    """Whether what stands behind a `\\mu` is a unit of which it is the millionth part."""
    is_unit = f"μ{shown}" in UNITS and (token.kind == "text" or shown in _MICRO)
    return is_unit and (before is None or before.kind in ("number", "text") or before.text in ("}", "/"))


def leading_unit(tokens: Sequence[Token]) -> Unit | None:
    """Return the longest unit with which a text begins; None if it begins with none."""
    tokens = _joined(tokens)
    sizes = range(min(len(tokens), _MAX_UNIT_TOKENS), 0, -1)
    return next((unit for size in sizes if (unit := _read(tokens[:size])) is not None), None)


def _is_ohm(tokens: Sequence[Token], place: int) -> bool:
    return tokens[place].kind == "command" and tokens[place].text == "Omega" and tokens[place - 1].kind == "number"


def _may_follow(quantity: Sequence[Token], token: Token) -> bool:
    before = quantity[-1]
    if token.kind == "word" and (len(token.text) == 1 or token.text in _LIKE_PRODUCTS):
        is_number = before.kind == "number" or _POWER_OF_TEN.search("".join(part.text for part in quantity[-6:])) is not None
        return token.is_spaced and is_number
    if token.text == "in":
        return before.kind == "number" or token.kind == "text"
    return not (before.kind == "mark" and before.text in "+-*/^(=_")


def _read(tokens: Sequence[Token]) -> Unit | None:
    """Read all tokens as one unit: `m/s^2`, `square feet`, `kilometers per hour`, `million dollars`."""
    unit, position, sign, power = COUNT, 0, 1, 1
    num_factors = 0
    is_open = False
    while position < len(tokens):
        word = tokens[position].text
        if word.lower() in _PREFIXES and position + 1 < len(tokens):
            power, position = _PREFIXES[word.lower()], position + 1 + (tokens[position + 1].text == ".")
            continue
        if word in ("/", "per") and num_factors:
            sign, position = -1, position + 1
            continue
        if word in ("(", ")") and num_factors:
            if (word == "(") is is_open or (word == "(" and tokens[position - 1].text not in ("/", "per", "*")):
                return None
            is_open, sign, position = word == "(", sign if word == "(" else 1, position + 1
            continue
        if (word in ("*", ".", "{", "}") and num_factors) or _is_hyphen(tokens, position):
            position += 1
            continue
        is_word = tokens[position].kind in ("word", "text") or tokens[position].text == "Omega"
        factor = lookup(word) if is_word or word in CURRENCIES or word in "%°¢" else None
        if factor is None:
            return None
        position += 1
        if factor == DEGREE and position < len(tokens) and tokens[position].text.lower() in _TEMPERATURES:
            factor, position = _TEMPERATURES[tokens[position].text.lower()], position + 1
        raised, position = _exponent(tokens, position)
        unit = unit.times(factor.to_the(sign * power * raised))
        power, num_factors = 1, num_factors + 1
    return unit if num_factors and power == 1 and not is_open and tokens[-1].text not in ("/", "per", "*", "(") else None


def _is_hyphen(tokens: Sequence[Token], position: int) -> bool:
    """Whether a dash joins two units that are written out: `kilowatt-hours`, and not `3 m - h`."""
    around = tokens[max(0, position - 1) : position + 2]
    return len(around) == 3 and around[1].text == "-" and all(len(one.text) > 3 and lookup(one.text) is not None for one in around[::2])


def _exponent(tokens: Sequence[Token], position: int) -> tuple[int, int]:
    """The power written after a unit, and where reading goes on."""
    texts = [token.text for token in tokens[position : position + 5]]
    if texts[:1] and texts[0] in _SUFFIXES:
        return _SUFFIXES[texts[0]], position + 1
    if texts[:1] != ["^"]:
        return 1, position
    match texts[1:]:
        case ["{", "-", digit, "}", *_] if digit in _DIGITS:
            return -int(digit), position + 5
        case ["{", digit, "}", *_] if digit in _DIGITS:
            return int(digit), position + 4
        case ["-", digit, *_] if digit in _DIGITS:
            return -int(digit), position + 3
        case [digit, *_] if digit in _DIGITS:
            return int(digit), position + 2
        case _:
            return 1, position
