r"""Finds out what a prompt asks for, as far as its words say so plainly: a quantity by its formula, a unit, a base, a percentage, a subject.

Where they do not, nothing is found, and an answer is read without them. What is asked for may be repeated in an answer: where the prompt
says "find $x+y$", `x+y=41` is 41, though an equation otherwise. A unit that is asked for is what a bare number of the reference is measured in.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

from proctor.verifiers.answers import Answer, Assignment, Quantity, Relation
from proctor.verifiers.evaluation import NAMED_CONSTANTS, variables
from proctor.verifiers.expressions import parse
from proctor.verifiers.notation import Unreadable, lex, unify
from proctor.verifiers.patterns import one_of
from proctor.verifiers.quantities import base_named
from proctor.verifiers.statements import FORMULA
from proctor.verifiers.units import CURRENCIES, DEGREE, UNITS, Unit, leading_unit, lookup

_MAX_CHARS = 4000
_MAX_FORMULA_CHARS = 200
_MAX_SIDES = 12
_MAX_LEAD_CHARS = 120
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
_ADJECTIVES = (
    r"(?:(?:exact|numerical|simplified|infinite|finite|geometric|arithmetic|telescoping|indefinite|definite|improper|double|following|given|partial|fraction"
    r"|maximum|minimum|largest|smallest|greatest|least|possible|positive|integer|real|trigonometric|algebraic|total)\s{1,3}){0,4}"
)
_VALUE_OF = r"(?:values?|decomposition|expansion|factori[sz]ation|sum of the (?:\w{1,10} )?series)\s{1,3}of\s{1,3}"
_THING = r"(?:integral|limit|sum|product|expression|series|fraction|quotient|quantity|inverse|inverse function|determinant|function)\s?:?\s{1,3}"
_LEAD = (
    r"\b(?:find|evaluate|compute|calculate|determine|simplify|expand|factor(?:i[sz]e)?|express|decompose|what(?:['’]s| is| are| does))\s{1,3}"
    rf"(?:the\s{{1,3}})?{_ADJECTIVES}(?:sum of (?:the|this|all)\s{{1,3}}(?:\w{{1,10}}\s{{1,3}})?series\s{{1,3}}|{_VALUE_OF})?"
    rf"(?:(?:the|this)\s{{1,3}})?{_ADJECTIVES}(?:{_THING})?"
)
_LED = re.compile(rf"{_LEAD}$", re.IGNORECASE)
_SPOKEN = re.compile(rf"{_LEAD}([^?.,;:\n$\\]{{1,60}}?)(?=\s?[?.,;:]|\s?$| if\b| when\b| given\b)", re.IGNORECASE | re.MULTILINE)
_ENDED = re.compile(r"\s{0,3}(?:[.,?!;:)]|\Z|\n|(?:if|when|given|where|for|using|as|expressed|at|in (?:simplest|lowest|terms|the form))\b)", re.IGNORECASE)
_RANGE_OF = re.compile(
    r"\brange of (?:the )?(?:\w{1,12} )?(?:function )?(?:\$|\\\()?\s?([A-Za-z]\s?\([A-Za-z]\)|y(?=\s?=))|\brange of (?:\$|\\\()?([A-Za-z])\b(?!\s?\()",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?<![<>!:\\=])=(?!=)")
_RECORD = re.compile(r",(?!\d{3}(?!\d))|;|\\text\s?\{\s?and\s?\}|\band\b|\\q?quad")
_INEQUALITY = re.compile(r"[<>≤≥]|\\(?:le|ge|leq|geq|lt|gt|leqslant|geqslant)(?![a-z])")
_UNIT_LEAD = re.compile(
    r"\bhow many\s{1,3}(?:(?:more|fewer|total|additional|extra|full|whole|other)\s{1,3}){0,2}|\bin\s{1,3}(?![\s\d]|\$\s?\w\s?\$)"
    r"|\b(?:convert|express|change)\b(?:[^.?\n]|\.\d){1,80}?\b(?:to|into)\s{1,3}(?![\s\d])",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"how many\s{1,3}(?:(?:more|fewer|total|additional|extra|full|whole|other)\s{1,3}){0,2}", re.IGNORECASE)
_ASKING = re.compile(
    rf"(?<!based on )(?<!given )(?<!show )(?<!shows )(?:{one_of(_ASKING_WORDS)}"
    r"|(?:\A|[.?!,;:\n]\s{0,3}|\band )(?=(?:which|when|where|whose|who)\b)"
    r"|\b(?:find|give|determine)\b(?! (?:your|the|an?) (?:final |exact )?answer\b))",
    re.IGNORECASE,
)
"""Where something is asked for; not what only leads to it ("which" within a sentence), nor how the answer is to be given."""
_AREA_OR_VOLUME = re.compile(
    r"(?:find|compute|calculate|determine|give|what is|what['’]s|what was)\s{1,3}(?:(?:the|its|their|this|that|\w{1,20}['’]s)\s{1,3}){0,2}"
    r"(?:(?:total|exact|approximate|surface|lateral|curved|shaded|maximum|minimum|largest|smallest|greatest|possible|combined|new|remaining)\s{1,3}){0,3}"
    r"(area|volume)\b(?! (?:and|to|under|between)\b)",
    re.IGNORECASE,
)
_IN_UNIT_AT_END = re.compile(
    r"\bin\s{1,3}((?:square|cubic|sq|cu)\b[^,;:?!.\n]{1,30}|[a-z]{1,12}\s?(?:squared|cubed|\^\s?\{?[23]\}?|[²³]))(?=\s{0,2}(?:[?!.)]|\Z))", re.IGNORECASE
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
_PHRASE_END = re.compile(r"[,;:?!)\n]|\.(?!\s?[a-z])")
_JOINED = re.compile(r"\s?,\s?(?:and |or )?|\s(?:and|or)\s")
_MAX_UNIT_CHARS = 60
_AFTER = re.compile(r"(?:\*\*|[\s~$]|\\[,;: )\]]){0,6}(?=(?:\\(?:text|mathrm)\s?\{\s?)?(?!in\b)(?:[A-Za-z]{2,}|[A-Za-z]\s?/\s?[A-Za-z]))")
"""No single letter: "A" is no ampere there, and "in" no inch."""
_SENTENCE = re.compile(r"(?:[^.?!\n]|\.(?=\d)|(?<=\b[a-z]{2})\.(?=\s[a-z]))+[.?!\n]?", re.IGNORECASE)
_QUESTION = re.compile(
    r"\?|\b(?:find|compute|calculate|determine|convert|express|give|write|answer|evaluate|state|what)\b"
    r"|\bhow (?:many|much|far|long|fast|tall|high|deep|wide)\b",
    re.IGNORECASE,
)
_HOW_MUCH = re.compile(
    r"\b(?:how much|what (?:is|was|will be) (?:the|her|his|their|its) (?:total |final |new |sale |original )?(?:price|cost|bill|profit|change))\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"(?<![\\\d])\\?([$€£₹])\s?\d")
_HOW_OLD = re.compile(r"\bhow old\b|\bwhat (?:is|was|will be) [\w'’ ]{1,30}\b(?:current |present )?age\b", re.IGNORECASE)
_SHORTER = re.compile(r"\b(?:months?|weeks?|days?|hours?)\b", re.IGNORECASE)
_COINS = re.compile(r"\b(?:cents?|pence|penny|pennies|p)\b|¢|\d\s?c\b", re.IGNORECASE)
_BASE = re.compile(
    r"\b(?:to|into) (?:a )?base[- ]?\$?(\d{1,2}|[a-z]{3,7})\b|\b(?:to|into) (?:a )?(decimal)\b(?! (?:places?|form|point|digits?))",
    re.IGNORECASE,
)
_WRITTEN_IN = re.compile(r"\b(?:write|express|represent|convert|rewrite|give)\b[^.?\n]{0,60}\bin base[- ]?\$?(\d{1,2})\b", re.IGNORECASE)
_NAMED_BASE = re.compile(
    r"\b(?:in|to|into|as)(?: an?)? (binary|octal|hexadecimal)\b(?! (?:number |numeral )?(?:10|[01]{3}|\$))"
    r"|\b(binary|octal|hexadecimal) (?:representation|expansion|form|notation|equivalent)\b",
    re.IGNORECASE,
)
_NAMED_BASES = {"binary": 2, "octal": 8, "hexadecimal": 16}
_PERCENT = re.compile(r"\bwhat (?:percent|percentage|per cent)\b|\bhow many percent\b|\bwhat is the percent", re.IGNORECASE)
_SUM = r"(?:\d{1,9}\s?[+\u2212-]\s?\d{0,9}[a-z](?![A-Za-z(])|(?<![A-Za-z\\])[a-z]\s?[+\u2212-]\s?\d)"
_OPEN_EQUATION = re.compile(
    rf"(?:^|[.;:,!\n]|\b(?:where|with|that|have|get|gives|equation|solve|solving|from|and|so))[\s$]{{0,4}}([^.;:,=<>\n]{{0,60}}{_SUM}[^.;:,=<>\n]{{0,60}})=[\s$]{{0,3}}\Z"
)
_ANGLES = (DEGREE, UNITS["radian"])


def values_said(candidate: str, prompt: str) -> tuple[str, ...]:
    """What an answer gives for the formula that the prompt asks for: `41` of `x+y=41`; nothing where it does not begin with that formula.

    A step on the way to a number that still has variables ("= (x+y)^2 - 2xy = 58") is left out, since what the prompt says of them is not known here.
    """
    found: list[str] = []
    if renamed := _range_renamed(candidate, prompt):
        found.append(renamed)
    sides = sides_of_equation(candidate)
    if 1 < len(sides) <= _MAX_SIDES and len(candidate) <= 1000 and (spelled := _spelled(sides[0])) is not None and spelled in _formulas(prompt):
        *steps, last = sides[1:]
        steps = [step for step in steps if not _has_variables(step)] if steps and not _has_variables(last) else steps
        found.append("=".join([*steps, last]))
    if len(sides) > 2 and len(candidate) <= _MAX_FORMULA_CHARS and (value := _value_in_record(candidate, prompt)) is not None:
        found.append(value)
    return tuple(found)


def _value_in_record(candidate: str, prompt: str) -> str | None:
    """`9` of `a = 9, b = 6` where the prompt asks for $a$, and for none of the other names; None where a name comes twice."""
    sides = [sides_of_equation(part) for part in _RECORD.split(candidate)]
    names = [_spelled(side[0]) for side in sides]
    if not 1 < len(sides) <= _MAX_SIDES or any(len(side) < 2 for side in sides) or None in names or len(set(names)) < len(names):
        return None
    values = [side[-1] for name, side in zip(names, sides, strict=True) if name in _formulas(prompt)]
    return values[0] if len(values) == 1 else None


def sides_of_equation(text: str) -> list[str]:
    """A text split at the equals signs that no bracket encloses."""
    depth = start = 0
    parts: list[str] = []
    for place, char in enumerate(text):
        depth += (char in "{([") - (char in "})]")
        if char == "=" and depth == 0 and _EQUALS.match(text, place):
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _has_variables(side: str) -> bool:
    with suppress(Unreadable):
        return bool(variables(parse(side)) - NAMED_CONSTANTS)
    return False


def _spelled(formula: str) -> tuple[str, ...] | None:
    """The tokens of a formula without braces, so that `\\int_0^\\pi` is `\\int_0^{\\pi}`; None where it says nothing."""
    if len(formula) > _MAX_FORMULA_CHARS:
        return None
    with suppress(Unreadable):
        return tuple(token.text for token in lex(unify(formula.rstrip("= "))) if token.text not in "{}") or None
    return None


def asked_formulas(prompt: str) -> frozenset[str]:
    """The formulas that a prompt asks for, without their braces."""
    return frozenset(" ".join(formula) for formula in _formulas(prompt))


def names_given(answer: Answer, prompt: str) -> bool:
    """Whether an answer gives a value to what the prompt itself has a value for, while it asks for another formula: `xy=58` for $x^2+y^2$."""
    name = answer.name if isinstance(answer, Assignment) else ""
    asked = {"".join(formula) for formula in _formulas(prompt)}
    return bool(name) and bool(asked) and name not in asked and name in _named_sides(prompt)


@lru_cache(maxsize=256)
def _named_sides(prompt: str) -> frozenset[str]:
    """The sides of the equations of a prompt, without spaces."""
    formulas = [next(part for part in match.groups() if part) for match in FORMULA.finditer(prompt[-_MAX_CHARS:])]
    return frozenset(re.sub(r"[\s{}]", "", side) for formula in formulas if len(sides := sides_of_equation(formula)) > 1 for side in sides)


@lru_cache(maxsize=256)
def _formulas(prompt: str) -> frozenset[tuple[str, ...]]:
    """The formulas that a prompt asks for, each as its tokens: right after "find", "evaluate", "what is the value of", and before the end of that phrase."""
    prompt = prompt[-_MAX_CHARS:]
    written = [
        next(part for part in match.groups() if part)
        for match in FORMULA.finditer(prompt)
        if _LED.search(prompt[max(0, match.start() - _MAX_LEAD_CHARS) : match.start()]) and _ENDED.match(prompt, match.end())
    ]
    spoken = [match[1] for match in _SPOKEN.finditer(prompt)]
    return frozenset(spelled for formula in [*written, *spoken] if (spelled := _spelled(formula)) is not None)


def _range_renamed(candidate: str, prompt: str) -> str | None:
    """`1 \\le y \\le 5` for `1 \\le g(x) \\le 5` where the prompt asks for the range of g."""
    asked = _RANGE_OF.search(prompt)
    if asked is None or not _INEQUALITY.search(candidate):
        return None
    name = asked[1] or asked[2]
    call = re.compile(rf"(?<![A-Za-z\\]){name[0]}\s?(?:\\left)?\(\s?[A-Za-z]\s?(?:\\right)?\)")
    renamed, number = call.subn("y", candidate)
    return renamed if number == 1 else None


def ends_open_equation(before: str, prompt: str) -> bool:
    """Whether a number behind this text is one side of an equation whose other side is a sum with a letter that is still to be found: `(72 + x)/5 =`.

    Not where that sum is said to be something ("the perimeter is 2x + 6 = 20"), or is asked for.
    """
    found = _OPEN_EQUATION.search(before[-_MAX_FORMULA_CHARS:])
    return found is not None and _spelled(found[1]) not in _formulas(prompt)


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


def asked_base(prompt: str) -> int | None:
    """The base to which a prompt wants a number converted ("to base 7", "in binary"); None where it names none, or several.

    Of "in base 7" something is known only where a number is to be written so: it is said of numbers that are given, too.
    """
    prompt = prompt[-_MAX_CHARS:]
    bases = {10 if found[2] else base_named(found[1].lower()) for found in _BASE.finditer(prompt)}
    if (written := _WRITTEN_IN.search(prompt)) is not None and not re.search(rf"_\s?\{{?{written[1]}|base[- ]{written[1]} (?:number|numeral)", prompt):
        bases.add(int(written[1]))
    bases |= {_NAMED_BASES[(found[1] or found[2]).lower()] for found in _NAMED_BASE.finditer(prompt)}
    return bases.pop() if len(bases) == 1 else None


def asks_percentage(prompt: str) -> bool:
    """Whether what a prompt asks for is a percentage."""
    return _PERCENT.search(prompt[-_MAX_CHARS:]) is not None
