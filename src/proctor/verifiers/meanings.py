r"""What an answer can mean beside what it says, where the reference and the prompt leave one meaning only.

- A column, or a sum of `\mathbf{i}`, `\mathbf{j}`, `\mathbf{k}`, is the vector that the reference writes as `\langle -3, 6, -3\rangle`, or as
  `(-3, 6, -3)` where the prompt is about vectors.
- `c` or `K` is the constant of integration that the reference calls `C`; `A` and `B` are `C_1` and `C_2`, in either order.
- `\lambda_1 = 5, \lambda_2 = 2` are two values in no order, where the prompt knows no `\lambda_1`.
- `202` is in base 7 where the prompt wants a number converted to base 7, and `53_{10}` is 53 where to base 10; `101_2` is what the reference writes
  as 101 where the prompt asks for a number in binary, and `B5_{16}`, `0xB5` what it writes as B5 where for one in hexadecimal.
- An empty set stands for "no solution", "isosceles triangle" for "isosceles" where the prompt speaks of a triangle.
- `\frac{\pi}{4} + n\pi` is every such number, where the reference says so.
- `[1, 3]` is a list of two where the prompt asks for eigenvalues, roots or the like, and a vector where it is about vectors.
- `\frac{5}{36} \approx 13.9\%` is what it is rounded to where the prompt asks for a rounding.
- `1 < 2 < 3` lists three numbers in the order that the prompt asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

from proctor.verifiers.answers import Answer, Assignment, Interval, Items, Matrix, Numeral, Progression, Quantity, Relation, Words
from proctor.verifiers.asked import asked_base, asks_rounding
from proctor.verifiers.evaluation import NAMED_CONSTANTS, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.forms import asks_order
from proctor.verifiers.moments import Time
from proctor.verifiers.patterns import any_of
from proctor.verifiers.progressions import as_progressions, same_progression
from proctor.verifiers.quantities import read_numeral
from proctor.verifiers.unfinished import given_nodes
from proctor.verifiers.units import PERCENT

_ANGLED = re.compile(r"\\langle|[⟨〈]")
_ABOUT_VECTORS = re.compile(
    r"\bvectors?\b|\beigenvector|\b(?:cross|dot) product|\bproject(?:ion|ed)\b|\bspan(?:s|ned)?\b|\borthogonal\b|\blinear (?:map|transformation)"
    r"|\\vec\b|\\mathbf\s?\{?\s?[a-z]|\\overrightarrow|\bgradient\b|\\nabla|∇|\)\s?(?:\\times|\\cdot|×|·)\s?\(",
    re.IGNORECASE,
)
_HAS_CONSTANTS = re.compile(
    any_of(
        r"\\int|∫|\bintegra|antiderivative|general solution|differential equation",
        r"\bsolve\b[^.?!]{0,40}?(?:[a-z]'{1,3}(?![a-z'])|d[a-z]\s?/\s?d[a-z]\b|\\frac\s?\{\s?d)",  # "Solve $y'' + 4y = 0$"
        r"\bfind all (?:\w{1,15} ){0,2}(?:functions|solutions of \$?f)\b",
    ),
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?<![A-Za-z\\])d?([A-Za-z])(?![A-Za-z])")
_INDEXED = re.compile(r"([A-Za-z]+)_(\d)")
_DIGITS = re.compile(r"(?:\\(?:text|mathrm|texttt|mathtt)\s?\{)?\s?([0-9A-Z]{1,60}|[0-9a-f]{1,60})\s?\}?")
_CONSTANT = re.compile(r"[A-DKa-ck](?:_\d)?")
_PERCENT_AT_END = re.compile(r"%[\s.$})\\]*\Z")
_NO_SOLUTION = frozenset({"no solution", "no real solution", "none", "empty set", "no such number"})
_HALF = re.compile(r"\btime in the (?:(afternoon|evening)|morning)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:eigenvalues|two (?:numbers|integers)|(?:find|what are|give|compute|determine) (?:all )?the (?:roots|zeros|solutions))\b", re.IGNORECASE
)
_ABOUT_REGIONS = re.compile(
    r"\b(?:intervals?|ranges?|domain|for which|for what|at most|at least|inequalit\w+|closed|no real|values of)\b"
    r"|[<>≤≥]|\\[lg]e(?:q|qslant)?(?![a-z])",
    re.IGNORECASE,
)
_ABOUT_ANGLES = re.compile(r"\bsolve\b|\bsolutions?\b|\\(?:sin|cos|tan|cot|sec|csc)(?![a-z])|\b(?:sin|cos|tan)\b", re.IGNORECASE)
_COMPLEX = re.compile(r"\bcomplex\b", re.IGNORECASE)
_KINDS = """
triangle quadrilateral polygon angle function series sequence number lines curve equation matrix distribution property statement integral
"""
_NOUNS = frozenset(_KINDS.split())
"""What may be said again behind a word that says its kind: "isosceles triangle"."""
_FUNCTIONAL = re.compile(r"\bfind all (?:\w{1,15} ){0,2}(?:functions|solutions of \$?f)\b", re.IGNORECASE)
_MAX_CONSTANTS = 3
_UNIT_VECTORS = ("i", "j", "k")
_ZERO, _ONE = Number(Fraction(0)), Number(Fraction(1))


def further_meanings(text: str, answer: Answer, references: Sequence[Answer], reference_text: str, prompt: str) -> Iterator[tuple[Answer, Answer]]:
    """Yield references, and what an answer means beside them.

    Args:
        text: the answer as the model wrote it.
        answer: as it was read.
        references: readings of the reference answer.
        reference_text: as it is written.
        prompt: of the task.
    """
    unordered = _without_indices(answer, prompt)
    numeral = _in_asked_base(text, prompt)
    is_about_vectors = _ABOUT_VECTORS.search(prompt) is not None
    for reference in references:
        yield from ((reference, other) for other in _of_other_kind(answer, reference, prompt))
        wanted = _vector(reference_text, reference, None, is_about_vectors=is_about_vectors)
        if isinstance(reference, Interval) and _is_pair(reference) and is_about_vectors and not _ABOUT_REGIONS.search(prompt):
            wanted = (reference.low, reference.high)  # `[4, 1]`, a gradient
        if wanted is not None and (given := _vector(text, answer, len(wanted), is_about_vectors=is_about_vectors)) is not None:
            yield _tuple(wanted), _tuple(given)
        if unordered is not None and isinstance(reference, Items) and reference.kind in ("list", "set", "alternatives"):
            yield reference, unordered
        if (
            isinstance(reference, Interval) and reference.has_low and reference.has_high and _SEVERAL.search(prompt) and not _ABOUT_REGIONS.search(prompt)
        ):  # `[1, 3]`, for a list of two
            pair = Items("list", (Quantity(reference.low), Quantity(reference.high)))
            yield from ((pair, one) for one in (answer, unordered) if one is not None)
        if numeral is not None and isinstance(reference, Numeral):
            yield reference, numeral
        if isinstance(answer, Numeral) and answer.base == 10 and isinstance(reference, Quantity) and asked_base(prompt) == 10:
            yield reference, Quantity(Number(Fraction(answer.digits)))
        if _is_written_in_asked_base(answer if numeral is None else numeral, reference_text, prompt):
            yield reference, reference
        if asks_rounding(prompt) and (rounded := _rounded(text, answer)) is not None:
            yield reference, rounded
        if _HAS_CONSTANTS.search(prompt) and (renamed := _with_constant(answer, reference, prompt)) is not None:
            yield reference, renamed
        if _HAS_CONSTANTS.search(prompt):
            yield from ((reference, one) for one in _with_constants(answer, reference, prompt))
        if isinstance(answer, Relation) and isinstance(reference, Items) and asks_order(prompt) and (answer.signs[0] in "<>") and len(set(answer.signs)) == 1:
            yield reference, Items(reference.kind, tuple(map(Quantity, answer.sides)))


def _of_other_kind(answer: Answer, reference: Answer, prompt: str) -> Iterator[Answer]:
    """What an answer means where the reference is of another kind: an empty set for no solution, a noun of the prompt."""
    match reference, answer:
        case Time(is_known_half=False), Time(hour=hour, is_known_half=True) if _asks_half(prompt) is (hour >= 12):
            yield replace(answer, hour=hour % 12 or 12, is_known_half=False)
        case (Words(text=text), Items(kind="set", members=())) | (Items(kind="set", members=()), Words(text=text)) if text in _NO_SOLUTION:
            if not ("real" in text and _COMPLEX.search(prompt)):
                yield reference
        case Words(text=text), Words(text=longer) if longer.startswith(f"{text} "):
            if longer.removeprefix(f"{text} ") in _NOUNS and re.search(rf"\b{longer.split()[-1]}", prompt, re.IGNORECASE):
                yield reference
        case ((Quantity() | Assignment()), Progression()):
            wanted = as_progressions(reference)  # `\\frac{\\pi}{4} + k\\pi`; `2n+1` is a term of a sequence
            counted = {name for node in given_nodes(reference) for name in variables(node)} - NAMED_CONSTANTS
            is_family = (_ABOUT_ANGLES.search(prompt) is not None or not prompt.strip()) and not counted & set(_LETTER.findall(prompt))
            if is_family and isinstance(wanted, Progression) and "pi" in variables(wanted.step) and same_progression(wanted, answer):
                yield reference
        case ((Progression() | Items(kind="alternatives", members=(Progression(), *_))), _):
            if (found := as_progressions(answer)) is not None:
                yield found
        case _:
            return


def _is_pair(interval: Interval) -> bool:
    """Whether an interval is written as a list of two may be."""
    return interval.has_low and interval.has_high


def _asks_half(prompt: str) -> bool | None:
    """Whether a prompt asks for a time after noon; None where it says nothing of the half of the day, or speaks of both."""
    halves = {bool(found[1]) for found in _HALF.finditer(prompt)}
    return halves.pop() if len(halves) == 1 else None


def _rounded(text: str, answer: Answer) -> Quantity | None:
    r"""The approximation with which an answer ends, `18.06 \times 10^{23} \approx 1.81 \times 10^{24}`, in percent where it is so; None where it has none."""
    match answer:
        case Assignment(value=value):
            return _rounded(text, value)
        case Quantity(unit=unit, rough=Fraction() as rough):
            is_percentage = unit is None and _PERCENT_AT_END.search(text) is not None
            return Quantity(Number(100 * rough), PERCENT) if is_percentage else Quantity(Number(rough), unit)
        case _:
            return None


def _tuple(components: Sequence[Node]) -> Items:
    return Items("tuple", tuple(map(Quantity, components)))


def _vector(text: str, answer: Answer, size: int | None, *, is_about_vectors: bool) -> tuple[Node, ...] | None:
    """The components of a vector that is written as one; None for everything else, unless vectors are asked for a pair in round brackets among it."""
    match answer:
        case Matrix(rows=rows, is_determinant=False) if len(rows) > 1 and all(len(row) == 1 for row in rows):
            return tuple(row[0] for row in rows)
        case Items(kind="tuple", members=members) if is_about_vectors or _ANGLED.search(text):
            nodes = [member.node for member in members if isinstance(member, Quantity) and member.unit is None]
            return tuple(nodes) if len(nodes) == len(members) else None
        case Quantity(node=node, unit=None, rough=None):
            return _of_unit_vectors(node, size)
        case Assignment(value=value):
            return _vector(text, value, size, is_about_vectors=is_about_vectors)
        case _:
            return None


def _of_unit_vectors(node: Node, size: int | None) -> tuple[Node, ...] | None:
    """The components of `-3i + 6j - 3k`; None unless every term has one unit vector, each another one, and there are two at least."""
    found: dict[str, Node] = {}
    for term in _terms(node):
        split = _component(term)
        if split is None or split[0] in found:
            return None
        found[split[0]] = split[1]
    if len(found) < 2 or (size is None and "j" not in found):
        return None
    names = _UNIT_VECTORS[: size or (3 if "k" in found else 2)]
    return tuple(found.get(name, _ZERO) for name in names) if set(found) <= set(names) and size in (None, len(names)) else None


def _terms(node: Node) -> Iterator[Node]:
    match node:
        case Apply("+", (left, right)):
            yield from _terms(left)
            yield from _terms(right)
        case _:
            yield node


def _component(term: Node) -> tuple[str, Node] | None:
    """The unit vector of a term, and its factor."""
    match term:
        case Apply("-", (inner,)):
            split = _component(inner)
            return None if split is None else (split[0], Apply("-", (split[1],)))
        case Symbol(name) if (letter := _letter(name)) is not None:
            return letter, _ONE
        case Apply("*", (factor, Symbol(name))) if (letter := _letter(name)) is not None:
            return None if variables(factor) & set(_UNIT_VECTORS) else (letter, factor)
        case _:
            return None


def _letter(name: str) -> str | None:
    """`i` of `i`, also under a hat or an arrow."""
    bare = next((letter for letter in _UNIT_VECTORS if name in (f"hat Symbol(name='{letter}')", f"vec Symbol(name='{letter}')")), name)
    return bare if bare in _UNIT_VECTORS else None


def _without_indices(answer: Answer, prompt: str) -> Items | None:
    """`5, 2` of `\\lambda_1 = 5, \\lambda_2 = 2`; None where the prompt has such names, so that their order means something."""
    if not isinstance(answer, Items) or answer.kind != "record":
        return None
    members = [member for member in answer.members if isinstance(member, Assignment)]
    names = [_INDEXED.fullmatch(member.name) for member in members]
    letters = {name[1] for name in names if name is not None}
    if len(members) != len(answer.members) or None in names or len(letters) != 1 or f"{letters.copy().pop()}_" in prompt:
        return None
    return Items("list", tuple(member.value for member in members))


def _is_written_in_asked_base(answer: Answer, reference_text: str, prompt: str) -> bool:
    """Whether a numeral has the base that the prompt asks for, and the digits as which the reference is written."""
    digits = _DIGITS.fullmatch(reference_text.strip("$ "))
    return isinstance(answer, Numeral) and answer.base == asked_base(prompt) != 10 and digits is not None and digits[1].upper() == answer.digits


def _in_asked_base(text: str, prompt: str) -> Numeral | None:
    found = _DIGITS.fullmatch(text.strip().strip("$. "))
    base = None if found is None else asked_base(prompt)
    return None if found is None or base is None else read_numeral(f"{found[1].upper()}_{base}")


def _with_constant(answer: Answer, reference: Answer, prompt: str) -> Answer | None:
    """An answer with the reference's constant, mostly `C`, for the one letter that neither it nor the prompt has; where the prompt has neither letter."""
    match answer, reference:
        case Assignment(), Assignment():
            value = _with_constant(answer.value, reference.value, prompt)
            return None if value is None else Assignment(answer.name, value, None)
        case Assignment(), _:
            return _with_constant(answer.value, reference, prompt)
        case _, Assignment():
            return _with_constant(answer, reference.value, prompt)
        case Quantity(), Quantity():
            given, wanted = variables(answer.node), variables(reference.node)
            known = NAMED_CONSTANTS | set(_LETTER.findall(prompt))
            allowed = set("CcKkab") if _FUNCTIONAL.search(prompt) else {"C"}
            names, constants = given - wanted - known, wanted - given - known
            if not (
                len(names) == len(constants) == 1
                and constants <= allowed
                and all(len(name) == 1 for name in names | constants)
                and given - names == wanted - constants
            ):
                return None
            return Quantity(_replaced(answer.node, {names.pop(): constants.pop()}), answer.unit)
        case _:
            return None


def _with_constants(answer: Answer, reference: Answer, prompt: str) -> Iterator[Answer]:
    """An answer with its arbitrary constants renamed to those of the reference, in every order; none of them, nor of those, is a letter of the prompt."""
    match answer, reference:
        case Assignment(), Assignment():
            yield from (Assignment(answer.name, value, None) for value in _with_constants(answer.value, reference.value, prompt))
        case Assignment(), _:
            yield from _with_constants(answer.value, reference, prompt)
        case _, Assignment():
            yield from _with_constants(answer, reference.value, prompt)
        case Quantity(), Quantity():
            letters = set(_LETTER.findall(prompt))
            given, wanted = (_constants(one.node, letters) for one in (answer, reference))
            is_alike = variables(answer.node) - set(given) == variables(reference.node) - set(wanted)
            if is_alike and 1 < len(given) == len(wanted) <= _MAX_CONSTANTS:
                yield from (Quantity(_replaced(answer.node, dict(zip(given, names, strict=True))), answer.unit) for names in permutations(wanted))
        case _:
            return


def _constants(node: Node, letters: set[str]) -> list[str]:
    return sorted(name for name in variables(node) if _CONSTANT.fullmatch(name) and name[0] not in letters)


def _replaced(node: Node, names: Mapping[str, str]) -> Node:
    """An expression with other names for some of its variables, all at once."""
    match node:
        case Apply(operator, arguments):
            return Apply(operator, tuple(_replaced(argument, names) for argument in arguments))
        case Symbol(name):
            return Symbol(names.get(name, name))
        case _:
            return node
