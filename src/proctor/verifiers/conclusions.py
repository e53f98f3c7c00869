r"""Reads the last sentence of a completion for the value that it ends in: of a chain of equations the last side.

`S = a/(1-r) = 9 \cdot 3 = 27` says 27, `P(\text{sum}=9) = \frac{4}{36} = \frac19` a ninth, `x \equiv -11 \equiv 15 \pmod{26}` 15. Sides that can be
worked out must agree with the last one, which must be worked out itself; of the others nothing is known. What begins the chain is a name, a
quantity (a limit, a probability, a calculation), or what the prompt asks for: `2x = 8` is an equation, and does not say that something is 8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import pairwise

from proctor.verifiers.answers import Quantity
from proctor.verifiers.asked import asked_formulas, asks_rounding
from proctor.verifiers.calculations import comes_to
from proctor.verifiers.evaluation import NAMED_CONSTANTS, Unsettled, equal, exact, variables, within
from proctor.verifiers.expressions import Apply, Node, Number, Symbol, parse
from proctor.verifiers.measures import asked_units
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.patterns import among, any_of, one_of
from proctor.verifiers.remarks import LIMIT, closed_quantity, same_measure, without_remark
from proctor.verifiers.statements import FORMULA, OTHER_VALUE, Said, ends_list, last_formula, last_number, sentences
from proctor.verifiers.unfinished import is_numeral, is_unfinished
from proctor.verifiers.units import PERCENT

_MAX_TAIL_CHARS = 2000
_MAX_CHARS = 400
_MAX_SIDES = 12
_MAX_VALUE_CHARS = 80
_MARKS_AT_END = re.compile(r"[\s.!*✓✔✅☑∎■□]+\Z")
_DELIMITERS = re.compile(r"(?<!\\)\$|\\[()\[\]]|\*\*|\\displaystyle(?![a-z])|\\(?:left|right)(?![a-z])|\\[,;:!]")
_PRODUCT = re.compile(r"(?<![A-Za-z\\{])[a-z]{2,3}(?![A-Za-z}])")
_FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "gcd", "lcm", "max", "min", "mod", "lim", "det", "km", "cm", "mm", "kg"})
_THAT_IS = re.compile(r"\bi\.\s?e\.(?!,)")
_SIGN = re.compile(
    any_of(
        r"(?<![<>:\\=])(?<![^\d)]!)=(?![=>])",  # `=`, also of `3! = 6`; no `<=`, `:=`, `!=`, `=>`
        r"≡|\\equiv(?![a-z])",
        r"≈|\\approx(?![a-z])",
        r"→|->|\\(?:to|rightarrow)(?![a-z])",
    )
)
_OTHER_SIGN = re.compile(r"[<>≤≥≠±∈?]|\\(?:[lg]eq?|[lg]t|neq?|pm|in|mid|cup|leqslant|geqslant)(?![a-z])|(?<![\d)])!=")
_KINDS = {"=": "=", "≡": "≡", "\\equiv": "≡", "≈": "≈", "\\approx": "≈"}
_CONNECTIVE = re.compile(
    any_of(
        r"(?:^|[\s,;:])(?:and\s)?"  # ", and therefore "
        + any_of(
            r"so(?: that)?",
            among("hence thus then therefore consequently"),
            r"which (?:gives|means|is)",
            "giving",
            r"i\.e\.,",
            r"we (?:get|have|find|obtain)",
        )
        + r"\b[,:]?\s",
        r"\\(?:implies|Rightarrow|therefore|Longrightarrow)(?![a-z])",
        r"[⇒⟹∴]|=>",
    ),
    re.IGNORECASE,
)
_COMMA = re.compile(r"[,;]\s|\sand\s(?=[^=]{1,80}=)|\\q?quad(?![a-z])")
_JOINED = re.compile(r"\b(?:and|or|nor|versus|vs)\b|\\l(?:or|and)(?![a-z])")
_MODULUS = re.compile(r"\(?\s?(?:\\pmod|\\bmod|\\mod|\bmod(?:ulo)?)\s?\{?\s?(\d{1,9})\s?\}?\s?\)?\s*\Z")
_DEGREES = re.compile(r"\^\s?\{?\s?\\circ\s?\}?|\^?\\degree|°")
_NOUN = re.compile(r"(?<=[\d})])\s+[a-z]{2,20}(?:\s[a-z]{2,20})?\Z")
_SHORT_WORDS = "is are be of so at in to we as by it an on"
_LONG_WORD = rf"(?!{among('abc xyz pqr def mnp')}(?![a-z]))[A-Za-z][a-z’']{{2,}}"
_WORD = re.compile(rf"(?<![A-Za-z\\]){any_of(among(_SHORT_WORDS), _LONG_WORD)}(?![A-Za-z])")
"""No product of letters, as `xyz` is one."""
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|operatorname)\s?\{([^{}]{0,60})\}")
_SUPPOSED = re.compile(r"\b(?:let|suppose|assum\w{1,3}|guess\w{0,3}|say|imagine|pretend|would)\b", re.IGNORECASE)
_IS = re.compile(r"\b(?:is|are|equals|be|was)\s*\Z")
_ABOUT_EQUATIONS = re.compile(rf"\b{among('equation relation condition constraint identity system line circle curve function requirement')}s?\b", re.IGNORECASE)
_ARROW = re.compile(r"→|->")
_UNIT_OF_FACTOR = re.compile(r"(?<=\d)\s?[A-Za-z]{1,5}(?=\s?[×*·])")
_BOUND = re.compile(
    any_of(
        rf"^{among('det lcm gcd LCM GCD HCF GCF')}\b",  # `gcd(12, 18)`
        r"\\(?:int|lim|sum|prod|binom|dbinom|tbinom|gcd|det|max|min|Pr|mathbb\s?\{?[EP])(?![a-z])",  # `\int_0^1`, `\mathbb{E}`
        r"[∫∑∏]",
        r"\blim\b",
        r"\][_^]|\|_",  # `[x^2]_0^1`, `f|_2`
    )
)
"""What has a value though letters stand in it."""
_CALL = re.compile(r"(?<![A-Za-z\\])\\?[A-Za-z](?:_\w|_\{\w{1,4}\}|'{1,2}|\^\{?-1\}?)?\s?[(\[][^()\[\]]{0,80}[)\]]")
_INDEX = r"_\{?\w{1,6}\}?|[₀-₉]{1,3}"
_LETTERS = any_of(
    r"[A-Za-z]",
    r"[A-Z]{2,3}",
    rf"{among('angle triangle overline alpha theta mu sigma Delta lambda varphi phi')}(?:\s|\{{)?[A-Z]{{0,3}}\}}?",  # `angle ABC`, `overline{AB`
)
_NAME = re.compile(
    any_of(
        rf"\|?\\?{_LETTERS}(?:{_INDEX})?'{{0,2}}\|?",  # `x`, `AB`, `\theta`, `a_{10}`, `y''`, `|A|`
        rf"{among('LCM GCD HCF GCF lcm gcd det')}\s?\([^()=]{{1,60}}\)",  # `gcd(12, 18)`
        r"[0-9A-F]{1,20}(?:_\{?\d{1,2}\}?|[₀-₉]{1,2})",  # `1011_2`, of another base
        r"\\?[dt]?frac\{d\s?[a-z]?\}\{d\s?[a-z]\}",  # `\frac{dy}{dx}`
        r"d\s?[a-z]\s?/\s?d\s?[a-z]",  # `dy/dx`
    )
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_CUT_OFF = re.compile(r"(-?\d{1,9}\.\d{2,30})\s?(?:…|\.\.\.|\\[lc]?dots)")
_DECIMAL_BASE = re.compile(r"(?<=\d)(?:_\{?10\}?|₁₀)\Z")
_LEADING_NUMBER = re.compile(r"[$€£]?\d[\d,]*(?:\.\d+)?")
_DECIMALS = re.compile(r"\.(\d{1,30})")
_AFTER_LETTER = "is are and or be was such so if when where for in to by as has denotes represents equals satisfies can must will"
_ARTICLE = re.compile(rf"(?<![A-Za-z\\$])[Aa] (?!{one_of(_AFTER_LETTER)})(?=[A-Za-z]{{2}})")
_LINK = re.compile(r"\W{0,3}(?:(?:and|so|then|hence|thus|therefore|using|now|finally)\b\W{0,3}){0,2}", re.IGNORECASE)
_DIGIT_BY_DIGIT = re.compile(r"\d(?:\s?[+×*·]\s?\d){1,30}")
_HUNDRED = Number(Fraction(100))


def concluded(text: str, prompt: str) -> Said:
    """Return the value in which the last sentence of a text ends; nothing where it does not end in one so that it is plain which.

    Args:
        text: what the model wrote after its reasoning.
        prompt: of the task; what it asks for may begin a chain, and is not left out as a remark.
    """
    tail = _THAT_IS.sub("i.e.,", _MARKS_AT_END.sub("", text[-_MAX_TAIL_CHARS:]))
    sentence = sentences(tail)[-1].strip()
    if not sentence or len(sentence) > _MAX_CHARS:
        return Said()
    spaced = FORMULA.sub(lambda found: _PRODUCT.sub(_with_spaces, found.group()), sentence)
    plain = _MARKS_AT_END.sub("", _DELIMITERS.sub("", spaced)).strip()
    kept = without_remark(plain, prompt, lambda quantity: quantity.unit in asked_units(prompt))
    if (found := _end_of_chain(kept, prompt)) is not None:
        return Said() if kept == plain and _is_formula_with_name(spaced) else found
    found = last_number(kept) if kept != plain else Said()
    return Said() if ends_list(found.before, found.after) else found


def _is_formula_with_name(sentence: str) -> bool:
    """Whether a sentence ends in a formula that gives a name its value, which is read as the last formula."""
    *_, formula = [None, *FORMULA.finditer(sentence)]
    joined = last_formula(sentence)
    if formula is None or joined is None or joined.start != formula.start() or re.search(r"\w", sentence[formula.end() :]):
        return False
    sides, signs = _chain(next(part for part in formula.groups() if part))
    return signs == ["="] and _NAME.fullmatch(sides[0].strip()) is not None


def _with_spaces(letters: re.Match[str]) -> str:
    """`x y` for `xy`, which in a formula is no word."""
    return letters.group() if letters.group() in _FUNCTIONS else " ".join(letters.group())


def _end_of_chain(sentence: str, prompt: str) -> Said | None:
    """The last side of the chain of equations in which a sentence ends, where that is what the sentence says."""
    sentence = sentence if LIMIT.search(prompt) else _ARROW.sub("⇒", sentence)
    clause = sentence[max((found.end() for found in _CONNECTIVE.finditer(sentence)), default=0) :]
    *earlier, last = _split(clause, _COMMA)[0]
    sides, signs = _chain(last)
    is_rounded = asks_rounding(prompt)
    rough = f" \\approx {sides[-1].strip()}" if len(sides) > 2 and signs[-1] == "≈" and not is_rounded else ""
    sides, signs = (sides[:-1], signs[:-1]) if rough else (sides, signs)
    is_chain = 1 < len(sides) <= _MAX_SIDES and all(side.strip() for side in sides[1:]) and not _OTHER_SIGN.search(_CALL.sub(" ", last))
    is_named = len(sides) == 2 and _NAME.fullmatch(_without_lead(sides[0])[1]) is not None  # `P ≈ 4.92 atm`, of which nothing exact is said
    if not is_chain or _SUPPOSED.search(sides[0]) or ("≈" in signs and not (is_rounded or is_named)) or any(_JOINED.search(side) for side in sides[1:]):
        return None
    lead, formula = _without_lead(sides[0])
    first = _UNIT_OF_FACTOR.sub("", formula)
    value = _value(sides[-1])
    if value is None or OTHER_VALUE.search(lead) or not _agree([formula if _is_measured(value) else first, *sides[1:-1]], signs, sides[-1], value):
        return None
    calculated = [comes_to(side, value, sides[-1]) for side in (formula, *sides[1:-1])]
    if False in calculated:
        return None
    if not _follows(earlier, first, value, is_worked_out=len(sides) > 2):
        return None
    sought = [formula for formula in asked_formulas(prompt) if len(formula) == 1 and formula != first]
    if any(_has_letter(side, letter) for side in (*sides[:-1], *earlier) for letter in sought):
        return None  # `P = 3x = 12`, where x is to be found
    is_worked_out = _LINK.fullmatch(lead) is not None and _is_worked_out(first, sides[1:-1], value, prompt)
    if not (calculated[0] or is_worked_out or _may_begin(lead, first, signs, prompt)):
        return None
    text, before = _DECIMAL_BASE.sub("", _MODULUS.sub("", sides[-1]).strip()), _chain(sentence)[0][0]
    if closed_quantity(text) is not None:
        return Said((text + rough,), before)
    counted = last_number(text)  # what a noun follows
    return Said(counted.candidates, before, counted.after) if counted.candidates else None


def _split(text: str, separator: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """The parts of a text between what separates outside all brackets, and the separators."""
    parts: list[str] = []
    separators: list[str] = []
    start = depth = place = 0
    for found in separator.finditer(text):
        depth += sum((char in "([{") - (char in ")]}") for char in text[place : found.start()])
        place = found.start()
        if depth <= 0:
            parts.append(text[start : found.start()])
            separators.append(found.group())
            start = place = found.end()
            depth = 0
    return [*parts, text[start:]], separators


def _chain(text: str) -> tuple[list[str], list[str]]:
    """The sides of a chain, and the signs between them."""
    sides, signs = _split(text, _SIGN)
    return sides, [_KINDS.get(sign, "→") for sign in signs]


def _value(side: str) -> Quantity | None:
    """What a last side says, if it is a number and worked out; a noun may follow it."""
    text = _DECIMAL_BASE.sub("", _MODULUS.sub("", side).strip())
    if len(text) > _MAX_VALUE_CHARS:
        return None
    quantity = closed_quantity(text) or closed_quantity(_NOUN.sub("", text))
    return None if quantity is None or is_unfinished(text, quantity, is_exact=True) else quantity


def _without_lead(side: str) -> tuple[str, str]:
    """The words that lead to a formula, and the formula: `the mean is`, `1/p`."""
    plain = _TEXT.sub(r" \1 ", side)
    ends = [found.end() for found in _WORD.finditer(plain) if found.group() not in _FUNCTIONS]
    end = next((end for end in reversed(ends) if plain.count("(", 0, end) <= plain.count(")", 0, end)), 0)
    return plain[:end], plain[end:].strip(" :")


def _agree(others: Sequence[str], signs: Sequence[str], last: str, value: Quantity) -> bool:
    """Whether the sides that can be worked out agree with the last one: are equal to it, or congruent, or rounded to it."""
    if "≡" in signs:
        modulus, number = _MODULUS.search(last), _integer(value)
        known = [known for side in others if (known := _integer(closed_quantity(side))) is not None]
        return modulus is not None and number is not None and int(modulus[1]) > 1 and all((one - number) % int(modulus[1]) == 0 for one in known)
    known = [known for side in others if (known := closed_quantity(_DEGREES.sub("", side))) is not None]
    if "≈" in signs:
        decimals = _DECIMALS.search(last)
        return all(_rounds_to(one, value, Fraction(1, 2 * 10 ** (len(decimals[1]) if decimals else 0))) for one in known)
    return all(_agrees(one, other) for one, other in pairwise([*known, value]))


def _integer(quantity: Quantity | None) -> int | None:
    with suppress(Unsettled):
        if quantity is not None and (number := exact(quantity.node)).denominator == 1:
            return number.numerator
    return None


def _agrees(one: Quantity, other: Quantity) -> bool:
    """Whether two sides that follow each other are equal; a unit may come in, as in `6 \\cdot 50000 = 300000` cm, and a percentage may become its value."""
    if _is_measured(one) and _is_measured(other):
        return same_measure(one, other)
    if equal(one.node, other.node):
        return True
    rate, plain = (one, other) if one.unit == PERCENT else (other, one)
    return rate.unit == PERCENT and plain.unit is None and equal(Apply("/", (rate.node, _HUNDRED)), plain.node)


def _rounds_to(one: Quantity, value: Quantity, allowed: Fraction) -> bool:
    if _is_measured(one) and _is_measured(value):
        return same_measure(one, value)
    with suppress(Unsettled):
        return within(one.node, exact(value.node), allowed)
    return equal(one.node, value.node)


def _is_measured(quantity: Quantity) -> bool:
    return quantity.unit is not None and bool(quantity.unit.powers)


def _is_worked_out(first: str, middle: Sequence[str], value: Quantity, prompt: str) -> bool:
    """Whether a formula comes to a value: numbers stand for its letters on the next side (`n(n-3)/2 = 8 \\cdot 5/2 = 20`), or it is that for all of them."""
    node = _parsed(first)
    if node is None or isinstance(node, Symbol):
        return False
    letters = variables(node) - NAMED_CONSTANTS
    if value.unit is None and letters and equal(node, value.node):
        return True
    calculated = [known for side in middle if (known := closed_quantity(side)) is not None and not is_numeral(known.node)]
    return bool(calculated) and not any(_has_letter(prompt, letter) for letter in letters)


def _follows(earlier: Sequence[str], first: str, value: Quantity, *, is_worked_out: bool) -> bool:
    """Whether what is said before the last comma leaves the last equation alone: words, or equations of which one has the same name, and no other value.

    One that is worked out (`A = \\sqrt{21 \\cdot 336} = 84`) may follow names with other values (`s = 21`).
    """
    chains = [_chain(part)[0] for part in earlier]
    named = [(_without_lead(sides[0])[1], sides[-1].strip()) for sides in chains if len(sides) > 1]
    if not named:
        return all(_WORD.search(part) for part in earlier)
    if all(closed_quantity(side) is None for _, side in named):  # `y' = 2x + 3, y'(1) = 5`
        return True
    if all(_stands_in(side, first) for _, side in named):  # `g(2) = 4, f(4) = 17`
        return True
    if closed_quantity(first) is not None and all(closed_quantity(name) is not None for name, _ in named):
        formulas = [*(name for name, _ in named), first]  # `40/8 = 5, 5 \cdot 5 = 25`: what was worked out is used
        return all(any(map(partial(_is_used, side), formulas[place:])) for place, (_, side) in enumerate(named, 1))
    is_solved = len(first) == 1 and any(_has_letter(name, first) for name, _ in named)  # `2x = 8, x = 4`
    is_solved = is_solved or any(first != name and first in name for name, _ in named)  # `2\\angle B = 130, \\angle B = 65`
    return (is_solved or is_worked_out or any(name == first for name, _ in named)) and all(_may_be(side, value) for name, side in named if name == first)


def _is_used(side: str, formula: str) -> bool:
    """Whether the number that a side says is one of a formula's, or its digits are all of them: `1024` in `1 + 0 + 2 + 4`."""
    is_taken_apart = _DIGIT_BY_DIGIT.fullmatch(formula.strip()) is not None and "".join(re.findall(r"\d", formula)) == side.strip()
    return is_taken_apart or _stands_in(side, formula)


def _stands_in(side: str, formula: str) -> bool:
    """Whether the number with which a side begins is one of a formula's."""
    number = _LEADING_NUMBER.match(side.strip())
    return number is not None and re.search(rf"(?<![\d.]){re.escape(number.group())}(?![\d]|\.\d)", formula) is not None


def _may_be(side: str, value: Quantity) -> bool:
    """Whether a side can be a value: it cannot be worked out, or is it; a decimal that is cut off begins like it."""
    if (cut := _CUT_OFF.fullmatch(side)) is not None:
        return within(value.node, Fraction(cut[1]), Fraction(1, 10 ** len(cut[1].partition(".")[2])))
    known = closed_quantity(side)
    return known is None or equal(known.node, value.node)


def _may_begin(lead: str, first: str, signs: Sequence[str], prompt: str) -> bool:
    """Whether what begins a chain is something whose value the chain says, and no equation in a letter that is still to be found."""
    asked = asked_formulas(prompt)
    if "→" in signs and not LIMIT.search(prompt):
        return False
    if not first:
        return bool(lead)
    if any("".join(first.split()) == "".join(formula.split()) for formula in asked):
        return True
    if _NAME.fullmatch(first):
        return not (asked and _has_letter(prompt, first))
    if closed_quantity(first) is not None or _BOUND.search(first):
        return True
    letters = re.findall(r"[A-Za-z]", _COMMAND.sub(" ", _CALL.sub(_without_call, first)))
    if not letters or "→" in signs:
        return True
    node = _parsed(first)
    if node is not None and any(equal(node, wanted) for formula in asked if (wanted := _parsed(formula)) is not None):
        return True
    return not any(_has_letter(prompt, letter) for letter in letters) and _IS.search(lead) is not None and not _ABOUT_EQUATIONS.search(lead)


def _without_call(call: re.Match[str]) -> str:
    """Nothing for `P(A)`, `C(5,2)` and `f(3)`; `f(x)` as it stands, since that has a letter to be found."""
    return call.group() if call.group().lstrip("\\")[0].islower() and re.search(r"[(\[].*[A-Za-z]", call.group()) else " "


def _has_letter(prompt: str, letter: str) -> bool:
    return re.search(rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])", _ARTICLE.sub("", prompt)) is not None


def _parsed(formula: str) -> Node | None:
    with suppress(Unreadable):
        return parse(formula)
    return None
