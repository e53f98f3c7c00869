r"""Reads what the last sentence says something is: "The solution is (-2, 5)", "It is due on April 7th", "Vertex: (3, -4)".

For references that are no plain number, which the last number cannot say. One guess is read: the longest end of the sentence behind a word or a sign
that leads to a value, and that is, as a whole, an answer of the reference's kind. Sentences that begin alike say the same of several values, and
all must be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from proctor.verifiers.answers import Answer, Assignment, Difference, Domain, Interval, Items, Matrix, Numeral, Progression, Quantity, Relation, Words
from proctor.verifiers.asked import sides_of_equation
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, variables
from proctor.verifiers.expressions import parse
from proctor.verifiers.notation import Unreadable
from proctor.verifiers.patterns import any_of, one_of
from proctor.verifiers.reading import readings
from proctor.verifiers.statements import Said, sentences
from proctor.verifiers.unfinished import is_numeral

_MAX_CHARS = 400
_MAX_STARTS = 24
_MAX_SENTENCES = 20
_MAX_SIDES = 8
_MARKS_AT_END = " \t\n\r\f\v.!*✓✔✅☑∎■□"
_MARKUP = re.compile(r"(?<!\\)\$\$?|\\[()\[\]]|\*\*|`|\\displaystyle(?![a-z])|\\(?:left|right)(?![a-z])(?=[(\[\\.])")
_LEADS = """
is are was were be it's equals equal becomes become gives give gets get got giving yields find obtain has have at on to of by in until namely so thus hence
therefore then that_is where line point pair interval set curve plane circle parabola function matrix vector ratio equation length
"""
_LED = re.compile(
    rf"(?:(?:{one_of(_LEADS)}|\bi\.e\.|(?<=, )total),?(?=[ \t])|[:→⟹⇒∴]|=>|\\(?:implies|Rightarrow|Longrightarrow|to|therefore)(?![a-z])"
    r"|(?P<equals>(?<![<>:\\=])(?<![^\d)]!)=(?![=>])))[ \t]{0,3}",
    re.IGNORECASE,
)
"""What leads to a value."""
_DOUBTS = """
maybe perhaps possibly probably might could may either or nor not never cannot if suppose assume guess wrong incorrect instead than unless except unlike
unlikely doubt false half twice opposite negative reciprocal let given say verify check
"""
_HEDGED = re.compile(rf"{one_of(_DOUBTS)}|n['’]t\b", re.IGNORECASE)
_OF_SENTENCES = "is are was were so which hence thus therefore gives give giving gets get because since we it then"
_SENTENCE = re.compile(rf"{one_of(_OF_SENTENCES)}|\b(?<!in )the(?! \d)\b|\b(?-i:I)\b", re.IGNORECASE)
"""What stands in a sentence, and in no value."""
_REMARKS = "long tall wide deep high old away in_total in_all altogether total each exactly in_interval_notation in_simplest_form as_required respectively"
_REMARK = re.compile(
    rf",?\s{one_of(_REMARKS)}\Z"
    r"|\s?(?:\\approx|≈)\s?-?\d{1,20}(?:\.\d{1,20})?\Z"
    r"|,?\swhere [A-Za-z] (?:is|denotes) (?:the|an?|any)? ?(?:arbitrary |real )*(?:constant|integer)(?: of integration)?\Z",
    re.IGNORECASE,
)
_NO_PROSE = "sqrt sin cos tan cot sec csc log exp arcsin arccos arctan and all real numbers except reals integers infinity"
_WORD = re.compile(rf"(?<![A-Za-z\\])(?!{one_of(_NO_PROSE)})[A-Za-z]{{3,}}")
_TEXT = re.compile(r"\\(?:text|mathrm|mathbb|mathbf|vec|operatorname|begin|end)\s?\{[^{}]*\}")
_WITHOUT_WORDS = frozenset({"equation", "expression", "region", "items"})
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_BULLETS = re.compile(r"(:\**)[ \t]*\n{1,2}((?:[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+[^\n]{1,80}(?:\n|\Z)){2,8})\s*\Z")
_DERIVATION = any_of(
    r"\\[dt]?frac\s?\{\s?(?:d|\\partial|∂)(?:\^\d)?\s?[a-z]?\s?\}\s?\{\s?(?:d|\\partial|∂)\s?[a-z](?:\^\d)?\s?\}",
    r"(?:d|\\partial\s|∂)\s?[a-z]?\s?/\s?(?:d|\\partial\s|∂)\s?[a-z](?![A-Za-z])",
)
"""`\\frac{d}{dx}`, `dy/dx`, `∂f/∂y`."""
_NAMED = re.compile(
    r"(?:(?<![\\A-Za-z])[A-Za-z]{2,}|[,;:.])\s"
    rf"(?=(?:(?:[A-Za-zα-ω]|[A-Z]{{2}}|\\[a-z]{{2,8}})(?:'{{0,3}}|\^\{{?-1\}}?|⁻¹)(?:_\w|\([^()]{{1,8}}\))?\s?|{_DERIVATION}[^=,;:]{{0,80}})=(?!=))"
)
"""Before a name, or a derivative, that is given a value."""
_INDEXED = re.compile(r"\b([a-z])(\d{1,2})(?=\s?=)")
_NAME = re.compile(r"[A-Za-z]{1,2}'{0,3}(?:\([a-z]\))?")
_OPERATION = re.compile(rf"{_DERIVATION}|" r"\\(?:int|lim|sum|prod|[bB]igg?[lr]?)(?![a-z])|[\]|]_")
"""A side of a chain that has to be worked out, and that is not read."""
_LABEL = re.compile(r"(?:^|\s)[A-Za-z]{3,}\s?=\s*\Z")
"""A word, whose value is said: `Distance = 3\\sqrt2`."""
_OTHER_RELATION = re.compile(r"[<>≤≥≠≈∈±,;]|\\(?:[lg]eq?|[lg]t|neq?|pm|in|approx)(?![a-z])")
_SPACES = re.compile(r"\\[,;:! ]")
_WANTED: dict[str, frozenset[str]] = {
    "measure": frozenset({"measure"}),
    "expression": frozenset({"expression", "equation"}),
    "constant": frozenset({"constant", "measure", "equation"}),
    "numeral": frozenset({"numeral"}),
    "items": frozenset({"items", "matrix"}),
    "region": frozenset({"region", "items"}),
    "equation": frozenset({"equation", "expression"}),
    "matrix": frozenset({"matrix", "items"}),
    "moment": frozenset({"moment"}),
    "progression": frozenset({"progression"}),
}
"""What kind an answer may have, by the kind of the reference; a plain number is the last number, and words are looked for by themselves."""
_PARTS_OF_CHAINS = frozenset({"expression", "constant", "equation", "measure"})
"""Of these one behind an equals sign is half of an equation, unless the other half equals it."""


def kind(answer: Answer) -> str:
    """The kind of an answer: what else may be said in its place is of the same."""
    match answer:
        case Quantity(node=node, unit=unit):
            is_closed = not variables(node) - NAMED_CONSTANTS
            return "expression" if not is_closed else "measure" if unit is not None and unit.powers else "number" if is_numeral(node) else "constant"
        case Items(kind="union") | Interval() | Domain() | Difference():
            return "region"
        case Relation(signs=signs):
            return "equation" if set(signs) <= {"="} else "region"
        case Items():
            return "items"
        case Assignment(value=Quantity() | Words()):
            return "equation"
        case Assignment(value=value):
            return kind(value)
        case Matrix():
            return "matrix"
        case Numeral():
            return "numeral"
        case Progression():
            return "progression"
        case Words():
            return "words"
        case _:
            return "moment"


def is_value_of(value: str, reference: Sequence[Answer]) -> bool:
    """Whether a text is, as a whole, an answer of the reference's kind."""
    return bool(_kind_of(value) & _wanted(reference)) and not _is_prose(value)


def _wanted(reference: Sequence[Answer]) -> frozenset[str]:
    return frozenset[str]().union(*(_WANTED.get(kind(answer), ()) for answer in reference))


def _is_prose(value: str) -> bool:
    """Whether words stand in a text that no value has: a reader of names takes `The line is y` for one."""
    return _SENTENCE.search(value) is not None or bool(_kind_of(value) & _WITHOUT_WORDS and _WORD.search(_TEXT.sub(" ", value)))


def predicated(text: str, reference: Sequence[Answer]) -> Said:
    """Return what the last sentence of a text says something is; nothing where no end of it is an answer of the reference's kind.

    Args:
        text: what the model wrote after its reasoning.
        reference: the reference answer, as it can be meant.
    """
    kinds = _wanted(reference)
    *earlier, last = sentences(_in_one_line(text))
    plain = _plain(last) if kinds and len(last) <= _MAX_CHARS else ""
    if not plain or last.rstrip("* ").endswith("?"):
        return Said()
    found = _end_of(plain, kinds)
    if found is None:
        return Said()
    lead, value = found
    alike = [_plain(sentence) for sentence in earlier[-_MAX_SENTENCES:] if len(sentence) <= _MAX_CHARS]
    others = [sentence[len(lead) :] for sentence in alike if len(lead) > 3 and sentence[: len(lead)].lower() == lead.lower()]
    return Said((*others, value), lead)


def _in_one_line(text: str) -> str:
    """A text whose last lines are a list under a colon, with these in one line."""
    found = _BULLETS.search(text, max(0, len(text) - _MAX_CHARS))
    if found is None:
        return text
    items = [_BULLET.sub("", line).strip() for line in found[2].strip().split("\n") if line.strip()]
    return f"{text[: found.start()]}{found[1]} {', '.join(items)}" if len(items) > 1 else text


def _plain(sentence: str) -> str:
    """A sentence without its markup, its full stop, and a remark that changes nothing."""
    plain = _INDEXED.sub(r"\1_{\2}", _MARKUP.sub("", sentence.replace("′", "'").replace("″", "''"))).rstrip(_MARKS_AT_END).lstrip()
    return _REMARK.sub("", plain).rstrip(_MARKS_AT_END)


def _end_of(sentence: str, kinds: frozenset[str]) -> tuple[str, str] | None:
    """What leads to the value in which a sentence ends, and the value."""
    for start, is_equal in _starts(sentence):
        lead, value = sentence[:start], sentence[start:].strip()
        if _HEDGED.search(lead[-80:]) or _is_prose(value):
            continue
        if (last := _last_side(value)) is not None and _is_of(last, kinds):
            return lead, last
        found = _kind_of(value) & kinds
        if found and not (is_equal and (found <= _PARTS_OF_CHAINS or "=" in value)):
            return lead, value
    return None


def _starts(sentence: str) -> Iterator[tuple[int, bool]]:
    """Where a value may begin, the longest first, and whether an equals sign stands before it."""
    yield 0, False
    places = [
        (found.end(), found["equals"] is not None and not _LABEL.search(sentence, 0, found.end())) for found in islice(_LED.finditer(sentence), _MAX_STARTS)
    ]
    names = [(found.end(), False) for found in islice(_NAMED.finditer(sentence), _MAX_STARTS)]
    yield from sorted({*places, *names})


def _kind_of(value: str) -> frozenset[str]:
    with suppress(Unreadable):
        return frozenset(map(kind, readings(value)))
    return frozenset()


def _is_of(value: str, kinds: frozenset[str]) -> bool:
    return bool(_kind_of(value) & kinds)


def _last_side(value: str) -> str | None:
    """The last side of a chain of equal expressions, `x^2-1=(x-1)(x+1)`, perhaps behind a name and another side; None for every other text."""
    *others, last = (side.strip() for side in sides_of_equation(value))
    if not 1 <= len(others) < _MAX_SIDES or _OTHER_RELATION.search(_SPACES.sub("", value)):
        return None
    others = others[1:] if len(others) > 1 and _NAME.fullmatch(others[0]) is not None else others
    others = [other for other in others if not _OPERATION.search(other)]
    with suppress(Unreadable):
        node = parse(last)
        is_open = bool(variables(node) - NAMED_CONSTANTS) or not is_numeral(node)
        return last if is_open and all(equal(parse(other), node) for other in others) else None
    return None
