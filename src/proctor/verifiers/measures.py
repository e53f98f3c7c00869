r"""Finds out in what a prompt wants its answer measured, and whether an answer is measured in something else.

A prompt names a unit ("how many minutes", "in miles per hour"), a number of things, an area, a volume; where its words do not say so plainly,
nothing is found. A unit that is asked for is what a bare number of the reference is measured in.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

from proctor.verifiers.answers import Answer, Assignment, Quantity, Relation
from proctor.verifiers.notation import Unreadable, lex, unify
from proctor.verifiers.patterns import among, any_of, one_of
from proctor.verifiers.statements import FORMULA
from proctor.verifiers.units import CURRENCIES, DEGREE, UNITS, Unit, leading_unit, lookup

_MAX_CHARS = 4000
_MAX_UNIT_CHARS = 60
_ASKING_WORDS = """
how_many how_much how_long how_far how_fast how_old how_tall how_high how_deep how_wide how_big how_large how_often
what compute calculate evaluate solve convert estimate prove show
"""
_AFTER_NOUN = """
of do does did are is was were will can could would should must has have had in on at by for from to with without there that which who he she it they we you
remain need needs fit than per each every between among
"""
_FURTHER_UNITS = """
atmosphere atmospheres pints pint teaspoons tablespoons penny pennies nickels dimes quarters pesos francs rand rubles won kilos hundred thousand million billion
"""
_PHYSICAL_BASES = "meter second month kilogram degree radian percent dollar euro sterling rupee yuan yen celsius fahrenheit"
_SPACE = r"\s{1,3}"
_COUNT = rf"how many{_SPACE}(?:{among('more fewer total additional extra full whole other')}{_SPACE}){{0,2}}"  # "how many more "
_UNIT_LEAD = re.compile(
    any_of(
        rf"\b{_COUNT}",
        rf"\bin{_SPACE}(?![\s\d]|\$\s?\w\s?\$)",  # "in minutes"; no "in 5", "in $x$"
        rf"\b(?:convert|express|change)\b(?:[^.?\n]|\.\d){{1,80}}?\b(?:to|into){_SPACE}(?![\s\d])",  # "convert 2.5 hours to minutes"
    ),
    re.IGNORECASE,
)
_HOW_MANY = re.compile(_COUNT, re.IGNORECASE)
_ASKING = re.compile(
    r"(?<!based on )(?<!given )(?<!show )(?<!shows )"
    + any_of(
        one_of(_ASKING_WORDS),
        r"(?:\A|[.?!,;:\n]\s{0,3}|\band )(?=(?:which|when|where|whose|who)\b)",  # ", which"
        r"\b(?:find|give|determine)\b(?! (?:your|the|an?) (?:final |exact )?answer\b)",
    ),
    re.IGNORECASE,
)
"""Where something is asked for; not what only leads to it ("which" within a sentence), nor how the answer is to be given."""
_SIZES = """
total exact approximate surface lateral curved shaded maximum minimum largest smallest greatest possible combined new remaining
"""
_FIND = any_of(among("find compute calculate determine give what_is"), r"what['’]s", "what was")
_OWNER = any_of(among("the its their this that"), r"\w{1,20}['’]s")
_AREA_OR_VOLUME = re.compile(  # "find the total surface area", "what is the cone's volume"
    rf"{_FIND}{_SPACE}(?:{_OWNER}{_SPACE}){{0,2}}(?:{among(_SIZES)}{_SPACE}){{0,3}}"
    r"(area|volume)\b(?! (?:and|to|under|between)\b)",
    re.IGNORECASE,
)
_IN_UNIT_AT_END = re.compile(
    rf"\bin{_SPACE}"
    r"((?:square|cubic|sq|cu)\b[^,;:?!.\n]{1,30}"  # "in square feet?"
    r"|[a-z]{1,12}\s?(?:squared|cubed|\^\s?\{?[23]\}?|[²³]))"  # "in cm^2."
    r"(?=\s{0,2}(?:[?!.)]|\Z))",
    re.IGNORECASE,
)
_PER = re.compile(r"\s(?:per|each|every|an?)\s|\s?/\s?")
_EACH = re.compile(r"\b(?:per|each|every|an?|one)\s{1,3}([a-z]{2,12})\b", re.IGNORECASE)
_RATE_GIVEN = re.compile(r"\d\s{0,3}(?:[a-z]{1,15}\s{1,3}){0,3}(?:(?:per|each|every|an?)\s{1,3}|/\s?)[a-z]{1,12}\b", re.IGNORECASE)
_SHORT = re.compile(r"(?<![A-Za-z])([A-Za-z]{1,2})\s?[}$.]{0,3}\s?\Z")
_WORD = re.compile(r"[A-Za-z]+")
_NOUN_END = re.compile(rf"[^A-Za-z' -]|{one_of(_AFTER_NOUN)}", re.IGNORECASE)
_LONG_UNITS = (
    *(spelling for spelling, unit in UNITS.items() if len(spelling) > 3 and not any(base == "thing" for base, _ in unit.powers)),
    *_FURTHER_UNITS.split(),
)
_SAME_NAMES = ({"degree", "celsius", "fahrenheit", "kelvin"}, {"kilogram", "sterling"}, {"degree", "radian"})
_PHYSICAL = frozenset(_PHYSICAL_BASES.split())
_PHRASE_END = re.compile(r"[,;:?!)\n]|\.(?!\s?[a-z])|(?<=[a-z])(?<!\bsq)(?<!\bcu)(?<!square)(?<!cubic)(?<!per)\s{1,3}in(?=\s\d)")
"""Behind a word "in" is no inch: `km in 5 days`."""
_JOINED = re.compile(r"\s?,\s?(?:and |or )?|\s(?:and|or)\s")
_AFTER = re.compile(r"(?:\*\*|[\s~$]|\\[,;: )\]]){0,6}(?=(?:\\(?:text|mathrm)\s?\{\s?)?(?!in\b)(?:[A-Za-z]{2,}|[A-Za-z]\s?/\s?[A-Za-z]))")
"""No single letter: "A" is no ampere there, and "in" no inch."""
_SENTENCE = re.compile(r"(?:[^.?!\n]|\.(?=\d)|(?<=\b[a-z]{2})\.(?=\s[a-z]))+[.?!\n]?", re.IGNORECASE)
_QUESTION = re.compile(
    any_of(
        r"\?",
        one_of("find compute calculate determine convert express give write answer evaluate state what"),
        rf"\bhow {among('many much far long fast tall high deep wide')}\b",
    ),
    re.IGNORECASE,
)
_HOW_MUCH = re.compile(
    r"\b(?:how much|what (?:is|was|will be)"  # "what is the total price"
    rf" {among('the her his their its')} (?:{among('total final new sale original')} )?{among('price cost bill profit change')})\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"(?<![\\\d])\\?([$€£₹])\s?\d")
_HOW_OLD = re.compile(r"\bhow old\b|\bwhat (?:is|was|will be) [\w'’ ]{1,30}\b(?:current |present )?age\b", re.IGNORECASE)
_SHORTER = re.compile(r"\b(?:months?|weeks?|days?|hours?)\b", re.IGNORECASE)
_COINS = re.compile(r"\b(?:cents?|pence|penny|pennies|p)\b|¢|\d\s?c\b", re.IGNORECASE)
_ANGLES = (DEGREE, UNITS["radian"])


def has_other_unit(answer: Answer, prompt: str, text: str = "") -> bool:
    """Whether an answer is measured in another unit than the prompt asks for: minutes for hours, centimeters for square ones, degrees for sides.

    Args:
        answer: as it was read.
        prompt: of the task.
        text: of the answer, where it is known: one letter may be short for another word than the unit that it was read as.
    """
    return _is_other(_unit(answer), prompt, text)


def is_followed_by_other_unit(after: str, prompt: str) -> bool:
    """Whether what follows a number outside its box or formula is such a unit: `\\boxed{135}` hours."""
    found = _AFTER.match(after)
    return found is not None and _is_other(_unit_at_start(after[found.end() : found.end() + _MAX_UNIT_CHARS]), prompt)


def _is_other(unit: Unit | None, prompt: str, text: str = "") -> bool:
    if unit is None or not unit.powers:
        return False
    alike = [asked for asked in asked_units(prompt) if asked.powers == unit.powers or (asked in _ANGLES and unit in _ANGLES)]
    return unit not in alike if alike else _is_of_other_kind(unit, prompt[-_MAX_CHARS:], text)


def _is_of_other_kind(unit: Unit, prompt: str, text: str) -> bool:
    """Whether a unit measures something else than what the last question of a prompt plainly asks for: a unit, a number of things, an area, a volume."""
    bases = {base for base, _ in unit.powers}
    if "thing" in bases:
        return False
    question = _last_question(prompt)
    if (power := _asked_power(question)) is not None and bases == {"meter"}:
        return unit.powers != (("meter", power),)
    counted = _HOW_MANY.match(question)
    if counted is None or _is_short_for(text, question[counted.end() : counted.end() + _MAX_UNIT_CHARS]):
        return False
    asked = _units_at_start(question[counted.end() : counted.end() + _MAX_UNIT_CHARS])
    if asked:
        return not any(_is_kin(unit, one) or _is_rate_of(unit, one, question) for one in (*asked, *asked_units(prompt)))
    return _counts_things(question[counted.end() :]) and bases <= _PHYSICAL and any(power > 0 for _, power in unit.powers)


@lru_cache(maxsize=256)
def _last_question(prompt: str) -> str:
    """A prompt from the last place on where something is asked for; nothing where that is nowhere."""
    starts = [found.start() for found in _ASKING.finditer(prompt)]
    return prompt[starts[-1] :] if starts else ""


def _asked_power(question: str) -> int | None:
    """2 where a question asks for an area, or in square units; 3 where for a volume, or in cubic ones."""
    if found := _AREA_OR_VOLUME.match(question):
        return 3 if found[1].lower() == "volume" else 2
    powers = {
        unit.powers[0][1]
        for found in _IN_UNIT_AT_END.finditer(question)
        for unit in _units_at_start(found[1])
        if {"meter"} == {base for base, _ in unit.powers}
    }
    return powers.pop() if len(powers) == 1 and powers <= {2, 3} else None


def _units_at_start(phrase: str) -> list[Unit]:
    """The units with which a phrase begins, of a rate also what it is a rate of: minutes of "minutes per month"; none where things are counted."""
    found = [unit for part in (phrase, _PER.split(phrase, maxsplit=1)[0]) if (unit := _unit_at_start(part)) is not None and unit.powers]
    return [] if any(base == "thing" for unit in found for base, _ in unit.powers) else found


def _is_kin(unit: Unit, asked: Unit) -> bool:
    """Whether two units measure one thing, as far as their names go: degrees an angle or a temperature, pounds a weight or a price."""
    one, other = (tuple(power for power in each.powers if power[0] != "fluid") for each in (unit, asked))
    bases = {base for base, _ in (*one, *other)}
    return one == other or (len(one) == len(other) == 1 and any(bases <= kinds for kinds in _SAME_NAMES))


def _is_rate_of(unit: Unit, asked: Unit, question: str) -> bool:
    """Whether a unit is the asked one for each of what the question has behind "each", "per" or "a": miles per day where it is how many miles a day."""
    rest = asked.times(unit.to_the(-1))
    each = {per for found in _EACH.finditer(_RATE_GIVEN.sub(" ", question)) if (per := _unit_at_start(found[1])) is not None}
    return rest in each


def _is_short_for(text: str, phrase: str) -> bool:
    """Whether an answer ends with a letter, or two, with which the words asked for begin: `25 m` for minutes, `25 C` for degrees Celsius."""
    found = _SHORT.search(text)
    if found is None or (unit := lookup(found[1])) is None:
        return False
    asked = {base for one in _units_at_start(phrase) for base, _ in one.powers}
    initials = {word[0].lower() for word in phrase.split()[:2]}
    return found[1][0].lower() in initials and not asked & {base for base, _ in unit.powers}


def _counts_things(phrase: str) -> bool:
    """Whether what is counted is no unit, nor has one among its words: sides, and not "hours", "paid vacation days", "kilowatts"."""
    words = [word.lower() for word in _WORD.findall(_NOUN_END.split(phrase, maxsplit=1)[0])]
    return 0 < len(words) <= 4 and not any(_sounds_like_unit(word) for word in words)


def _sounds_like_unit(word: str) -> bool:
    unit = lookup(word)
    return word.endswith(_LONG_UNITS) if unit is None else not any(base == "thing" for base, _ in unit.powers)


def _unit(answer: Answer) -> Unit | None:
    match answer:
        case Quantity() | Relation():
            return answer.unit
        case Assignment():
            return _unit(answer.value)
        case _:
            return None


@lru_cache(maxsize=256)
def asked_units(prompt: str) -> frozenset[Unit]:
    """The units that the questions of a prompt name: "how many minutes", "in miles per hour", dollars where all prices are in dollars, years of age."""
    prompt = prompt[-_MAX_CHARS:]
    found: set[Unit] = set()
    for sentence in _SENTENCE.finditer(prompt):
        if not _QUESTION.search(sentence.group()):
            continue
        for lead in _UNIT_LEAD.finditer(sentence.group()):
            for phrase in _JOINED.split(sentence.group()[lead.end() : lead.end() + _MAX_UNIT_CHARS]):
                units = _units_at_start(phrase)
                if not units:
                    break
                found.update(units)
    prices = set(_PRICE.findall(FORMULA.sub(" ", prompt)))
    if len(prices) == 1 and _HOW_MUCH.search(prompt) and not _COINS.search(prompt):
        found.add(CURRENCIES[prices.pop()])
    if _HOW_OLD.search(prompt) and not _SHORTER.search(prompt):
        found.add(UNITS["year"])
    return frozenset(found)


def _unit_at_start(text: str) -> Unit | None:
    with suppress(Unreadable):
        return leading_unit(lex(unify(_PHRASE_END.split(text.replace("$", " "), maxsplit=1)[0])))
    return None
