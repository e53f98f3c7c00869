r"""Reads a final answer into a typed value: a quantity, a tuple, a list, a set, an interval, a relation, a matrix, words.

The type is part of the answer: a list offered where one number is asked for is wrong, not "contains it". Gold answers
and model answers pass through the same reader. Whole text or nothing: what is left over makes the answer unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from proctor.verifiers.expressions import Apply, Node, Number, Symbol, Unreadable, parse
from proctor.verifiers.units import split_unit

MAX_ITEMS = 50
MAX_WORDS = 6


@dataclass(frozen=True, slots=True)
class Quantity:
    """An expression, with its unit if one is written ("percent" among them)."""

    node: Node
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral in a stated base, compared digit by digit."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Items:
    """Several answers. Tuples and ratios are ordered; lists, sets and unions are not."""

    kind: Literal["tuple", "ratio", "list", "set", "union"]
    members: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; whether each end belongs to it."""

    low: Node
    high: Node
    has_low: bool
    has_high: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides joined by `=`, `<`, `<=`, `>`, `>=`, `!=`."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries."""

    rows: tuple[tuple[Answer, ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A short text, compared as such."""

    text: str


Answer = Quantity | Numeral | Items | Interval | Relation | Matrix | Words

_REPLACED = [
    (re.compile(r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|limits)(?![a-zA-Z])\s*"), ""),
    (re.compile(r"\\left(?=[\[({|\\])|\\right(?=[\])}|\\])"), ""),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\dbinom|\\tbinom"), r"\\binom"),
    (re.compile(r"(?<=\d)\{,\}\s*(?=\d{3})|(?<=\d),\\[!,]\s*(?=\d{3}(?!\d))|(?<=\d)\\[,!]\s*(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<!\\)\\(?:quad(?=[^a-zA-Z]|$)|qquad(?=[^a-zA-Z]|$)|[,;:!> \n])|~"), " "),
    (re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|\\degree(?![a-zA-Z])"), "°"),
    (re.compile(r"\\(?:leq|le)(?![a-zA-Z])|<=|≤|⩽|\\leqslant"), "≤"),
    (re.compile(r"\\(?:geq|ge)(?![a-zA-Z])|>=|≥|⩾|\\geqslant"), "≥"),
    (re.compile(r"\\lt(?![a-zA-Z])"), "<"),
    (re.compile(r"\\gt(?![a-zA-Z])"), ">"),
    (re.compile(r"\\(?:neq|ne)(?![a-zA-Z])"), "≠"),
    (re.compile(r"\\approx(?![a-zA-Z])"), "≈"),
    (re.compile(r"\\in(?![a-zA-Z])"), "∈"),
    (re.compile(r"\\cup(?![a-zA-Z])"), "∪"),
    (re.compile(r"\\pm(?![a-zA-Z])"), "±"),
    (re.compile(r"\\(?:operatorname|mathbf|boldsymbol|mathrm|mathit|bf)\s*\{([A-Za-z]?|[-\d.,]+)\}|\\(?:text|textbf)\s*\{([-\d.,]+)\}"), r"\1\2"),
    (re.compile(r"\\color\{[a-z]+\}"), ""),
]
_CHARACTERS = str.maketrans({"\u2212": "-", "\u2013": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "√": r"\sqrt "})
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_SEPARATORS = re.compile(r"\\(?:text|mbox|textrm)\s*\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname)\s*\{([^{}\\]*)\}")
_MATRIX = re.compile(r"\\begin\{([pbvV]?)matrix\}(.*)\\end\{\1matrix\}", re.DOTALL)
_BASE = re.compile(r"([0-9A-Fa-f]+)_\{?\s*(?:\\text\{)?(\d{1,2})\}?\}?")
_SIGN = re.compile(r"[=<>≤≥≠≈∈]")
_SINGLE_LETTER = re.compile(r"^\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s*\{\s*\(?([A-Za-z])\)?\s*\}$")
_WORDS = re.compile(r"[A-Za-z0-9][\w :'.\-]*")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}


def read(text: str, *, allow_words: bool) -> Answer:
    """Read an answer.

    Args:
        text: LaTeX or plain.
        allow_words: whether a short text without mathematics is an answer.

    Raises:
        Unreadable: it is not, as a whole, an answer of a known type.
    """
    plain = _clean(text)
    if not plain or len(plain) > 1000:
        raise Unreadable("empty" if not plain else "longer than 1000 characters")
    try:
        return _answer(plain)
    except Unreadable:
        if allow_words and (words := _words(text)):
            return Words(words)
        raise


def _words(text: str) -> str | None:
    """The text without its LaTeX wrapping, if it is a few plain words; lower case unless it is one letter."""
    bare = " ".join(_TEXT.sub(r"\1", text.replace("$", "")).split()).strip("()., ")
    if not _WORDS.fullmatch(bare) or len(bare.split()) > MAX_WORDS or not any(char.isalpha() for char in bare):
        return None
    return bare if len(bare) == 1 else bare.lower()


def _clean(text: str) -> str:
    """Unify notation without ever deleting what groups: braces and brackets stay."""
    plain = text.strip().translate(_CHARACTERS)
    plain = re.sub(r"\\\$", "\x00", plain)  # an escaped dollar is money, a bare one is a delimiter unless it stands alone
    is_money = plain.count("$") == 1 and plain.lstrip("-+ ").startswith("$")
    plain = plain if is_money else plain.replace("$", "")
    plain = plain.replace("\x00", "$").replace(r"\%", "%")
    plain = re.sub(r"^\\[(\[](.*)\\[)\]]\.?$", r"\1", plain, flags=re.DOTALL)
    if r"\begin" not in plain:
        plain = re.sub(r"\\\\(?=[a-zA-Z])", r"\\", plain)  # a file that was escaped twice
    plain = _SINGLE_LETTER.sub(r"\1", plain)
    for pattern, replacement in _REPLACED:
        plain = pattern.sub(replacement, plain)
    plain = plain.strip().rstrip(".,;").strip()
    return _grouped_digits(plain)


def _grouped_digits(plain: str) -> str:
    """Join `1,234`, except inside brackets, where a comma separates."""
    depth = 0
    pieces: list[str] = []
    start = 0
    for match in _THOUSANDS.finditer(plain):
        depth += sum((char in "([") - (char in ")]") for char in plain[start : match.start()])
        pieces += [plain[start : match.start()], match.group().replace(",", "") if depth == 0 else match.group()]
        start = match.end()
    return "".join([*pieces, plain[start:]])


def _answer(plain: str) -> Answer:
    parts = _split(_SEPARATORS.sub(",", plain), ",;")
    parts = [part for part in parts if part]
    if len(parts) > MAX_ITEMS or not parts:
        raise Unreadable("too many answers, or none")
    if len(parts) > 1:
        members = tuple(member for part in parts for member in _members(_one(part)))
        return Items("list", members)
    return _one(parts[0])


def _members(answer: Answer) -> tuple[Answer, ...]:
    return answer.members if isinstance(answer, Items) and answer.kind == "list" else (answer,)


def _one(plain: str) -> Answer:
    """Read one answer that is no list."""
    if match := _MATRIX.fullmatch(plain):
        return Matrix(tuple(tuple(_one(cell.strip()) for cell in row.split("&")) for row in match.group(2).split(r"\\") if row.strip()))
    if match := _BASE.fullmatch(plain):
        return Numeral(match.group(1).upper(), int(match.group(2)))
    pieces = _split(plain, "∪")
    if len(pieces) > 1:
        return Items("union", tuple(_one(piece) for piece in pieces))
    if _SIGN.search(plain):
        return _related(plain)
    if "±" in plain:
        return Items("list", (_one(plain.replace("±", "+")), _one(plain.replace("±", "-"))))
    if grouped := _bracketed(plain):
        return grouped
    pieces = _split(plain, ":")
    if len(pieces) > 1:
        return Items("ratio", tuple(_one(piece) for piece in pieces))
    return _quantity(plain)


def _related(plain: str) -> Answer:
    """A relation; `x \\in S` is S, and a value followed by its approximation is the value."""
    signs = tuple(_SIGN.findall(plain))
    sides = [side.strip() for side in _SIGN.split(plain)]
    if signs == ("∈",):
        if isinstance(parse(sides[0]), Symbol):
            return _one(sides[1])
        raise Unreadable("an element relation")
    if signs == ("≈",):
        exact, rough = _one(sides[0]), _one(sides[1])
        if isinstance(exact, Quantity) and isinstance(rough, Quantity) and _is_rounding(exact.node, rough.node, sides[1]):
            return exact
        raise Unreadable("an approximation of something else")
    if "≈" in signs or "∈" in signs:
        raise Unreadable("a mixed chain of relations")
    if signs == ("=",) and _is_name_text(sides[0]):
        value = _one(sides[1])
        if not isinstance(value, Quantity):
            return value
    if len(signs) == 1 and signs[0] == "=" and "±" not in plain:
        values = [_quantity(side) for side in sides]
        return Relation(tuple(value.node for value in values), signs)
    if "±" in plain:
        raise Unreadable("plus-minus within a relation")
    return Relation(tuple(parse(side) for side in sides), signs)


def _is_name_text(side: str) -> bool:
    """A variable, or a tuple of variables as in (x, y) = (1, 2)."""
    return re.fullmatch(r"\(?\s*[A-Za-z](?:_\{?\w+\}?)?(?:\s*,\s*[A-Za-z](?:_\{?\w+\}?)?)*\s*\)?", side) is not None


def _is_rounding(exact: Node, rough: Node, written: str) -> bool:
    from proctor.verifiers.evaluation import within

    decimals = len(written.partition(".")[2])
    return isinstance(rough, Number) and within(exact, rough.value, decimals)


def _bracketed(plain: str) -> Answer | None:
    r"""A tuple, an interval or a set, if brackets enclose everything and commas separate inside."""
    if plain.startswith(r"\{") and plain.endswith(r"\}"):
        return Items("set", tuple(member for part in _split(plain[2:-2], ",;") for member in _members(_one(part))))
    if len(plain) < 2 or plain[0] not in "([{" or plain[-1] not in ")]}" or not _encloses(plain):
        return None
    parts = _split(plain[1:-1], ",;")
    if len(parts) < 2:
        return _one(parts[0]) if plain[0] == "(" and plain[-1] == ")" and parts[0].startswith((r"\begin", r"\text")) else None
    if plain[0] + plain[-1] == "{}":
        return Items("set", tuple(member for part in parts for member in _members(_one(part))))
    if plain[0] == "(" and plain[-1] == ")":
        return Items("tuple", tuple(_one(part) for part in parts))
    if len(parts) == 2:
        return Interval(parse(parts[0]), parse(parts[1]), plain[0] == "[", plain[-1] == "]")
    raise Unreadable("brackets of no known kind")


def _encloses(plain: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for index, char in enumerate(plain):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return index == len(plain) - 1
    return False


def _quantity(plain: str) -> Quantity:
    rest, unit = split_unit(plain)
    if unit is not None:
        again, inner = split_unit(rest)
        if inner == "degree" or (inner in ("dollar", "euro") and unit == inner):
            rest = again
    rest = re.sub(r"\\text\{\s*\}", "", rest)
    return Quantity(parse(rest), unit)


def _split(text: str, separators: str) -> list[str]:
    """Split at separators outside every bracket."""
    parts: list[str] = []
    depth = start = 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0 and char in separators:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def is_name(node: Node) -> bool:
    """Whether a side of a relation only names what the other side is: `x`, `f(x)`, `AB`."""
    if isinstance(node, Symbol):
        return node.name not in ("pi", "e", "i", "oo")
    return isinstance(node, Apply) and node.operator == "*" and all(is_name(argument) for argument in node.arguments)
