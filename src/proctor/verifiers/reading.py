r"""Reads a final answer into a typed value.

Gold answers and model answers pass through the same reader. Whole text or nothing: what is left over makes the answer
unreadable. The kinds are those of `proctor.verifiers.answers`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from proctor.verifiers.answers import Answer, Assignment, Difference, Domain, Interval, Items, Matrix, Quantity, Relation, Words
from proctor.verifiers.brackets import encloses, split, top_marks, trimmed
from proctor.verifiers.chains import has_pair, read_chain, shortened, signed
from proctor.verifiers.expressions import GREEK, Node, Symbol, parse_tokens
from proctor.verifiers.matrices import matrix_name, read_matrix
from proctor.verifiers.moments import read_moment
from proctor.verifiers.notation import Token, Unreadable, join_thousands, lex, unify
from proctor.verifiers.progressions import read_progressions
from proctor.verifiers.quantities import read_angle, read_numeral, read_ordinal, read_quantity, read_sum
from proctor.verifiers.roundings import last_of_identity, rounded
from proctor.verifiers.units import split_unit
from proctor.verifiers.wording import name_of, read_words

MAX_ITEMS = 50
_BUILDER = re.compile(r"\\\{\s?([a-wyz])(?=\s?(?:[:|¦∈]|\\(?:mid|in|colon)(?![a-z])))")
_EXCEPT = re.compile(r"(?:[a-z] (?:is |can be )?)?(?:all|any) (?:real numbers?|reals)(?: [a-z])?,? (?:except|other than|but)(?: for)? (.{1,60})", re.IGNORECASE)

_SIGNS = frozenset("=<>≤≥≠")
_NAMES_OF_DOMAINS = {
    "all real numbers": "R",
    "all reals": "R",
    "real numbers": "R",
    "all integers": "Z",
    "all positive integers": "N",
    "all positive real numbers": "R+",
}
_SYSTEMS = frozenset({"cases", "aligned", "align", "align*", "gathered", "split"})
_OF_CONDITIONS = frozenset({"if", "for", "when", "where"})
_ROUND = {"(": ")", "[": "]", "\\{": "\\}", "{": "}", "⟨": "⟩"}


def readings(text: str, *, allow_words: bool = False) -> tuple[Answer, ...]:
    """Read an answer, in the one or two ways in which it can be meant: `100,200` is a number, or two.

    Args:
        text: LaTeX or plain.
        allow_words: whether a text that is no mathematics is an answer.

    Raises:
        Unreadable: it is not, as a whole, an answer of a known type.
    """
    plain = unify(text)
    joined = join_thousands(plain)
    found: list[Answer] = []
    why: Unreadable | None = None
    for spelling in dict.fromkeys((joined, plain)):
        try:
            found.append(_read(spelling))
        except Unreadable as unreadable:
            why = unreadable
    further = (read_progressions(plain), _with_other_variable(joined), *map(last_of_identity, found))
    found += [one for one in further if one is not None]
    if allow_words and (words := read_words(plain, is_only=not found)):
        found.append(words)
    if not found:
        raise why or Unreadable("empty")
    return tuple(found)


def _with_other_variable(plain: str) -> Answer | None:
    r"""The set that is described with `x` for another letter: `\{x \mid x > 4\}` for `\{t \mid t > 4\}`; None for every other text."""
    letters = set(_BUILDER.findall(plain))
    if len(letters) != 1 or "x" in plain:
        return None
    with suppress(Unreadable):
        return _read(re.sub(rf"(?<![A-Za-z\\]){letters.pop()}(?![A-Za-z])", "x", plain))
    return None


def _read(plain: str) -> Answer:
    tokens = trimmed(lex(plain))
    shown = "".join(" " * token.is_spaced + token.text for token in tokens).strip()
    if moment := read_moment(shown):
        return moment
    if numeral := read_numeral(shown):
        return numeral
    if angle := read_angle(shown):
        return angle
    if domain := _NAMES_OF_DOMAINS.get(shown.lower()):
        return Domain(domain)
    if (exception := _EXCEPT.fullmatch(shown)) is not None:
        without = _answer(trimmed(lex(exception[1])))
        return Difference(Domain("R"), Items("set", _members(without.value if isinstance(without, Assignment) else without)))
    if ordinal := read_ordinal(shown):
        return ordinal
    return _answer(tokens)


def _answer(tokens: Sequence[Token]) -> Answer:
    """Read everything: one answer, or several."""
    if (time_sum := read_sum(tokens)) is not None:
        return time_sum
    groups = split(tokens, (";", "\\\\"))
    if len(groups) > 1 and all(len(split(group, (",", "and"))) > 1 for group in groups):
        return Items("list", tuple(_tupled(_listed(group)) for group in groups))
    return _listed(tokens)


def _listed(tokens: Sequence[Token]) -> Answer:
    parts = split(tokens, (",", ";", "\\\\", "and", "or", "&"))
    if len(parts) > MAX_ITEMS or not parts:
        raise Unreadable("too many answers, or none")
    if len(parts) == 1:
        return _one(parts[0])
    has_or = len(split(tokens, ("or",))) > 1
    members = _excluded(tuple(member for part in parts for member in _members(_one(part))))
    names = [member.name for member in members if isinstance(member, Assignment)]
    if len(names) == len(members) and len(set(names)) == len(names) and not has_or:
        return Items("record", members)
    return Items("alternatives" if has_or else "list", members)


def _excluded(members: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """`x ≠ 1, 2` means `x ≠ 1, x ≠ 2`."""
    first, *rest = members
    if isinstance(first, Relation) and first.signs == ("≠",) and all(isinstance(member, Quantity) for member in rest):
        return (first, *(Relation((first.sides[0], member.node), ("≠",)) for member in rest if isinstance(member, Quantity)))
    return members


def _tupled(answer: Answer) -> Answer:
    return Items("tuple", answer.members) if isinstance(answer, Items) and answer.kind == "list" else answer


def _members(answer: Answer) -> tuple[Answer, ...]:
    """Flatten a plus-minus, also behind a name, into the two answers that it is."""
    if isinstance(answer, Items) and answer.kind == "alternatives":
        return answer.members
    if isinstance(answer, Assignment) and isinstance(answer.value, Items) and answer.value.kind == "alternatives":
        return tuple(Assignment(answer.name, member, _defining(answer.name, member)) for member in answer.value.members)
    return (answer,)


def _defining(name: str, value: Answer) -> Relation | None:
    """The equation that gives a letter its value: of `y = \\pm 2x` there are two."""
    is_letter = len(name) == 1 and isinstance(value, Quantity) and value.unit is None
    return Relation((Symbol(name), value.node), ("=",)) if is_letter and isinstance(value, Quantity) else None


def _one(tokens: Sequence[Token]) -> Answer:
    """Read one answer that is no list."""
    tokens = trimmed(tokens)
    if not tokens:
        raise Unreadable("an empty part")
    if any(token.kind == "begin" for token in tokens):
        return _system(tokens) or _with_matrix(tokens)
    signs = tuple(token.text for token in tokens if token.kind == "mark" and token.text in _SIGNS)
    if signs == ("≠",) and has_pair(tokens):
        return Items("list", tuple(_one(signed(tokens, plus=plus)) for plus in (True, False)))
    if signs or any(token.text in ("≈", "∈") for token in tokens):
        try:
            related = _related(tokens)
        except Unreadable:
            num_letters = len({token.text for token in tokens if token.kind == "word" and len(token.text) == 1})
            if signs != ("=",) or not has_pair(tokens) or num_letters < 2:
                raise
            related = Items("alternatives", tuple(_one(signed(tokens, plus=plus)) for plus in (True, False)))  # `3x \\pm 4y = 0`
        if related is not None:
            return related
    if len(pieces := split(tokens, ("∪",))) > 1:
        return Items("union", tuple(_one(piece) for piece in pieces))
    if len(pieces := split(tokens, ("∖",))) == 2:
        return Difference(_one(pieces[0]), _one(pieces[1]))
    if has_pair(tokens) and not (tokens[0].text == "\\{" and encloses(tokens)):
        return Items("alternatives", tuple(_one(signed(tokens, plus=plus)) for plus in (True, False)))
    if grouped := _bracketed(tokens):
        return grouped
    if tokens[0].kind == "set" and len(tokens) <= 5:
        suffix = "".join(token.text for token in tokens[1:] if token.text not in "{}")
        if len(tokens) <= 2 or suffix in ("^+", "_+", "^-", "_-"):
            return Domain(tokens[0].text + suffix)
    if len(tokens) > 2 and tokens[1].text == "_" and tokens[0].kind == "number":
        numeral = read_numeral("".join(token.text for token in tokens))
        if numeral is not None:
            return numeral
    if len(tokens) == 1 and tokens[0].text == "∅":
        return Items("set", ())
    if (point := _named_point(tokens)) is not None:
        return point
    pieces = split(tokens, (":",))
    if len(pieces) > 1:
        if (moment := read_moment("".join(token.text for token in tokens))) is not None:
            return moment
        return Items("ratio", tuple(read_quantity(piece) for piece in pieces))
    return read_quantity(tokens)


def _named_point(tokens: Sequence[Token]) -> Assignment | None:
    """`P(1, -2, 4)`; None for everything else, also for `C(5, 2)`, which is a number of choices."""
    name = tokens[0].text
    is_name = tokens[0].kind == "word" and len(name) == 1 and name.isupper()
    if not is_name or len(tokens) < 6 or tokens[1].text != "(" or tokens[-1].text != ")" or not encloses(tokens[1:]):
        return None
    num_parts = len(split(tokens[2:-1], (",",)))
    value = _bracketed(tokens[1:]) if num_parts > 1 and not (name in "CP" and num_parts == 2) else None
    return None if value is None else Assignment(name, value, None)


def _related(tokens: Sequence[Token]) -> Answer | None:
    """A relation, a named value, a value with its approximation, an element of a set; None if the signs stand in brackets."""
    signs = tuple(part for part in top_marks(tokens) if part in _SIGNS or part in ("≈", "∈"))
    if not signs:
        return None
    sides = split(tokens, (*_SIGNS, "≈", "∈"))
    if len(sides) != len(signs) + 1:
        if signs == ("≈",) and sides:
            return _one(sides[0])
        raise Unreadable("a side of a relation is missing")
    if "∈" in signs:
        if signs == ("∈",) and name_of(sides[0]):
            return _one(sides[1])
        raise Unreadable("an element relation")
    if signs == ("≈",) and (name := name_of(sides[0])):
        return Assignment(name, _one(sides[1]), None)
    if signs[-1] == "≈":
        return rounded(_answer_of_chain(sides[:-1], signs[:-1]), sides[-1])
    if "≈" in signs:
        raise Unreadable("a mixed chain of relations")
    return _answer_of_chain(sides, signs)


def _answer_of_chain(sides: Sequence[Sequence[Token]], signs: tuple[str, ...]) -> Answer:
    if not signs:
        return _one(sides[0])
    if signs == ("=",):
        for left, right in ((sides[0], sides[1]), (sides[1], sides[0])):
            if name := name_of(left):
                value = _one(right)
                return _record(name, value) or Assignment(name, value, _equation(sides))
    rest, unit = split_unit(sides[-1])
    is_measured = unit is not None and set(signs) == {"="} and any(token.kind == "text" for side in sides[:-1] for token in side)
    if not is_measured or (chain := _chain(sides)) is None:
        try:
            return shortened(Relation((*(parse_tokens(side) for side in sides[:-1]), parse_tokens(rest)), signs, unit))
        except Unreadable:
            chain = _chain(sides) if set(signs) == {"="} else None
            if chain is None:
                raise
    return chain


def _chain(sides: Sequence[Sequence[Token]]) -> Answer | None:
    """One value several times, with units or a plus-minus, perhaps behind a name; None for another chain, and for one that is not true."""
    name = name_of(sides[0]) if len(sides) > 2 else None
    with suppress(Unreadable):
        value = read_chain(sides[1:] if name else sides)
        return Assignment(name, value, None) if name else value
    return None


def _record(names: str, value: Answer) -> Items | None:
    """`(x, y) = (1, 2)` says what `x = 1, y = 2` says."""
    each = names[1:-1].split(",")
    if not (names.startswith("(") and names.endswith(")") and isinstance(value, Items) and value.kind == "tuple" and 1 < len(each) == len(value.members)):
        return None
    return Items("record", tuple(Assignment(name, member, None) for name, member in zip(each, value.members, strict=True)))


def _equation(sides: Sequence[Sequence[Token]]) -> Relation | None:
    try:
        return Relation(tuple(parse_tokens(side) for side in sides), ("=",))
    except Unreadable:
        return None


def _bracketed(tokens: Sequence[Token]) -> Answer | None:
    r"""A tuple, an interval or a set, if brackets enclose everything and commas separate inside."""
    first, last = tokens[0].text, tokens[-1].text
    if first == "]" and last == "[" and len(tokens) > 2:
        return _interval(tokens[1:-1], has_low=False, has_high=False)
    if len(tokens) < 2 or tokens[0].kind != "mark" or first not in _ROUND or not encloses(tokens):
        return None
    inside = tokens[1:-1]
    if first == "\\{" or (first == "{" and len(split(inside, (",", ";"))) > 1):
        return _set(inside)
    parts = split(inside, (",", ";"))
    if len(parts) < 2:
        return _single(first, inside)
    if first == "⟨" or (first == "(" and last == ")"):
        return Items("tuple", tuple(_one(part) for part in parts))
    if len(parts) == 2 and last in ")]" and not (parts[0][0].text == "[" and parts[1][0].text == "["):
        return _interval(inside, has_low=first == "[", has_high=last == "]")
    if first == "[" and last == "]":
        members = tuple(_one(part) for part in parts)
        if all((isinstance(member, Items) and member.kind == "sequence") or isinstance(member, Interval) for member in members):
            return _matrix_of_lists(members)
        return Items("sequence", members)
    raise Unreadable("brackets of no known kind")


def _single(first: str, inside: Sequence[Token]) -> Answer | None:
    """One thing in brackets: `(E)`, `[5.0]`, a matrix or a set in parentheses."""
    if not inside:
        return Items("set", ()) if first == "{" else None
    if first in "([" and (
        inside[0].kind == "text" or (len(inside) == 1 and inside[0].kind == "number") or (first == "(" and inside[0].text in ("\\{", "(", "["))
    ):
        return _one(inside)
    return None


def _interval(inside: Sequence[Token], *, has_low: bool, has_high: bool) -> Interval:
    parts = split(inside, (",", ";"))
    if len(parts) != 2:
        raise Unreadable("an interval has two ends")
    return Interval(parse_tokens(split_unit(parts[0])[0]), parse_tokens(split_unit(parts[1])[0]), has_low, has_high)


def _set(inside: Sequence[Token]) -> Answer:
    r"""A set by its elements or, after `x \mid`, by its condition."""
    if not inside:
        return Items("set", ())
    for bar in ("¦", "|", ":"):
        parts = split(inside, (bar,))
        if len(parts) == 2 and parts[0]:
            element = split(parts[0], ("∈",))
            if not _is_variable(element[0]):
                raise Unreadable("a set of something else than its variable")
            if len(element) > 1 and [token.text for token in element[1]] != ["R"]:
                raise Unreadable("a set within another one, by a condition")
            return _answer(parts[1])
    members: list[Answer] = []
    for part in split(inside, (",", ";", "and", "or")):
        members.extend(_members(_one(part)))
    if len(members) > MAX_ITEMS:
        raise Unreadable("too many elements")
    return Items("set", tuple(members))


def _is_variable(tokens: Sequence[Token]) -> bool:
    """`x`, `x_1`, `\\theta`, or several in brackets."""
    return (
        bool(name_of(tokens))
        and all(token.kind in ("word", "number", "mark") or token.text in GREEK for token in tokens)
        and (len(tokens) == 1 or tokens[0].text == "(" or tokens[1].text == "_")
    )


def _matrix_of_lists(members: tuple[Answer, ...]) -> Answer:
    rows: list[tuple[Node, ...]] = []
    for member in members:
        if isinstance(member, Interval):
            rows.append((member.low, member.high))
        elif isinstance(member, Items):
            rows.append(tuple(entry.node for entry in member.members if isinstance(entry, Quantity)))
    if len({len(row) for row in rows}) != 1:
        raise Unreadable("rows of unequal length")
    return Matrix(tuple(rows))


def _system(tokens: Sequence[Token]) -> Answer | None:
    """Equations that stand under each other in one environment."""
    if tokens[0].text not in _SYSTEMS or tokens[-1].kind != "end" or any(token.kind == "begin" for token in tokens[1:]):
        return None
    rows = [[token for token in row if token.text != "&"] for row in split(tokens[1:-1], ("\\\\",))]
    if tokens[0].text == "cases" and any(token.text == "&" for token in tokens):
        return Items("set", tuple(_case(row) for row in split(tokens[1:-1], ("\\\\",)) if row))
    return _listed([token for row in rows for token in (Token("mark", ","), *row)])


def _case(row: Sequence[Token]) -> Items:
    r"""One row of a function by cases: `x^2, & \text{if } x \ge 0`."""
    cells = split(row, ("&",))
    if len(cells) != 2 or not all(cells):
        raise Unreadable("a case without its condition")
    value, given = (cell[:-1] if cell[-1].text in (",", ".") else cell for cell in cells)
    condition = trimmed([token for token in given if token.text.lower() not in _OF_CONDITIONS])
    texts = [token.text.lower() for token in condition]
    if texts in (["otherwise"], ["else"]):
        return Items("tuple", (read_quantity(value), Words("otherwise")))
    when = _one(condition)
    when = _defining(when.name, when.value) if isinstance(when, Assignment) else when
    if not isinstance(when, Relation | Interval | Items):
        raise Unreadable("a condition that is none")
    return Items("tuple", (read_quantity(value), when))


def _with_matrix(tokens: Sequence[Token]) -> Answer:
    signs = [index for index, token in enumerate(tokens) if token.text == "=" and token.kind == "mark"]
    begins = next(index for index, token in enumerate(tokens) if token.kind == "begin")
    if signs and signs[0] < begins and all(sign > begins for sign in signs[1:]) and (name := name_of(tokens[: signs[0]]) or matrix_name(tokens[: signs[0]])):
        value = tokens[signs[0] + 1 :]
        return Assignment(name, _system(value) or _with_matrix(value), None)
    rows, is_determinant = read_matrix(tokens)
    return Matrix(rows, is_determinant)
