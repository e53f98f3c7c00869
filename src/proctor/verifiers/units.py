"""Units, currencies and the percent sign that may stand beside a number.

A short list on purpose: an unknown word after a number makes the answer unreadable, because a hedge ("5 or 6") hides
there. Units are compared by name, never converted.
"""

from __future__ import annotations

import re

_NAMES = {
    "": "unit units point points people persons students children apples items times ways way pieces piece",
    "degree": "degree degrees deg °",
    "dollar": "dollar dollars usd bucks $",
    "cent": "cent cents ¢",
    "euro": "euro euros eur €",
    "pound sterling": "£ gbp",
    "meter": "m meter meters metre metres",
    "centimeter": "cm centimeter centimeters centimetre centimetres",
    "millimeter": "mm millimeter millimeters millimetre millimetres",
    "kilometer": "km kilometer kilometers kilometre kilometres",
    "inch": "in inch inches",
    "foot": "ft foot feet",
    "yard": "yd yard yards",
    "mile": "mi mile miles",
    "second": "s sec secs second seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "yr year years",
    "gram": "g gram grams",
    "kilogram": "kg kilogram kilograms",
    "pound": "lb lbs pound pounds",
    "ounce": "oz ounce ounces",
    "liter": "l liter liters litre litres",
    "milliliter": "ml milliliter milliliters",
    "gallon": "gal gallon gallons",
    "mph": "mph",
    "percent": "% percent percentage pct",
    "radian": "rad radian radians",
    "square unit": "sq",
}
_UNIT_OF = {spelling: unit for unit, spellings in _NAMES.items() for spelling in spellings.split()}
_BARE = sorted((spelling for spelling in _UNIT_OF if len(spelling) > 1 or not spelling.isalpha()), key=len, reverse=True)
_TRAILING_BARE = re.compile(r"(?<=[\d)}\s.])\s*(" + "|".join(map(re.escape, _BARE)) + r")\s*(\^\s*\{?[23]\}?|²|³)?\s*$", re.IGNORECASE)
_TRAILING_TEXT = re.compile(
    r"(?<=.)\\(?:text|textbf|textrm|mathrm|mbox|rm|operatorname)\s*\{\s*((?:square |cubic |sq\.? |cu\.? )?)([A-Za-z]+)\.?\s*(\^\{?[23]\}?)?\s*\}"
    r"\s*(\^\s*\{?[23]\}?|²|³)?\s*$"
)
_POWERS = {"square": "2", "sq": "2", "cubic": "3", "cu": "3"}


def split_unit(text: str) -> tuple[str, str | None]:
    """Split a trailing or leading unit off a quantity.

    Returns:
        The rest, and the unit's name with its power ("centimeter^2"); an empty name for a counted thing, None for none.
    """
    if text[:1] in "$€£" and len(text) > 1:
        return text[1:].strip(), _UNIT_OF[text[0]]
    if re.match(r"[-+]\s*[$€£]", text):
        sign, _, rest = text.partition(next(char for char in text if char in "$€£"))
        return sign + rest, "dollar"
    if match := _TRAILING_TEXT.search(text):
        unit = _UNIT_OF.get(match.group(2).lower())
        if unit is not None and text[: match.start()].strip():
            adjective = _POWERS.get(match.group(1).strip(" ."), "")
            return text[: match.start()].strip(), _with_power(unit, adjective or match.group(3) or match.group(4) or "")
    if (match := _TRAILING_BARE.search(text)) and text[: match.start()].strip():
        return text[: match.start()].strip(), _with_power(_UNIT_OF[match.group(1).lower()], match.group(2) or "")
    return text, None


def _with_power(unit: str, power: str) -> str:
    digits = power.replace("²", "2").replace("³", "3").strip("^{} ")
    return f"{unit}^{digits}" if unit and digits else unit
