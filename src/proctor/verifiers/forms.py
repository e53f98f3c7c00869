r"""Finds out in what form a prompt wants its answer, and whether an answer that equals the reference has it: expanded, solved, a product of primes.

What has the right value in another form is the question again: `(x-2)(x-2)(x-2)` where $(x-2)^3$ is to be expanded, `3-2x \le 11` where that is to
be solved, `\frac{7}{16}` where that is to be a decimal, `0.0012` where that is to be in scientific notation, `2, 1, 3` where three numbers are to be
put in order. A form is asked for only where the prompt says so, and only where the reference has it. Lowest terms, mixed numbers and the like are
`proctor.verifiers.number_forms`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor.verifiers.answers import Answer, Assignment, Items, Quantity, Relation
from proctor.verifiers.equivalence import equivalent
from proctor.verifiers.evaluation import NAMED_CONSTANTS, equal, operators, variables
from proctor.verifiers.expressions import Apply, Node, Number, Symbol
from proctor.verifiers.notation import Unreadable, unify
from proctor.verifiers.number_forms import has_other_number_form, notation
from proctor.verifiers.patterns import one_of
from proctor.verifiers.terms import is_unsimplified
from proctor.verifiers.unfinished import given_nodes, has_other_terms
from proctor.verifiers.units import PERCENT

_MAX_CHARS = 4000
_SHARES = """
interest rate rates discount concentration margin growth inflation commission tax tip yield efficiency error humidity grade slope share portion
probability probabilities chance chances likelihood odds alcohol return markup markdown purity
"""
_SOLVE = re.compile(r"\bsolv(?:e|ing)\b|\bsolutions?\b|\bsatisf(?:y|ies)\b|\b(?:for|find|determine) (?:which|what|all|the) (?:real )?values\b", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand(?:ed)?\b|\bmultiply out\b|\bas a polynomial\b", re.IGNORECASE)
_SIMPLIFY = re.compile(r"\bsimplif(?:y|ied)\b|\bsimplest form\b|\bcombine like terms\b|\breduce\b", re.IGNORECASE)
_FACTOR = re.compile(r"\bfactor(?:i[sz]e|ed)?\b(?! (?:of|in|by)\b)", re.IGNORECASE)
_PRIMES = re.compile(r"\bprime factori[sz]ation\b|\bproduct of (?:its )?prime(?:s\b| (?:factors|numbers|powers))|\binto prime", re.IGNORECASE)
_SOLVED_FOR = re.compile(
    r"\b(?:solve\b[^?.]{0,160}?\bfor|(?:find|express|write|give)(?= [^?]{1,40} in terms of)|make)\s{1,3}(?:\$|\\\()?\s?([A-Za-z])(?:\$|\\\))?(?![A-Za-z(])",
    re.IGNORECASE,
)
_SLOPE_INTERCEPT = re.compile(r"\bslope[- ]intercept form\b|\by\s?=\s?mx", re.IGNORECASE)
_CONVERTED = re.compile(
    r"\b(?:convert|write|express|give|change|rewrite|what is)\b[^?.\n]{0,20}?(?:[^?\n]|\.(?=\d)){0,80}?\b(?:to|as|into|in)\s{1,3}(?:an? |its )?"
    r"(?:(?:simplified|terminating|repeating|common|proper|improper|exact|equivalent|simplest|reduced|lowest)[ ,]{1,2}){0,2}"
    r"(decimal|fraction|percent|mixed number|scientific notation|standard form|ratio of)",
    re.IGNORECASE,
)
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_INVERSE = frozenset({"arcsin", "arccos", "arctan"})
_LOGARITHMS = frozenset({"log", "logbase", "ln"})
_OF_LOGARITHM = re.compile(r"\\(?:log|ln|lg)(?![a-z])|\blog(?:arithms?)?\b|\bln\b", re.IGNORECASE)
_OF_ANGLE = re.compile(r"\b(?:arc)?(?:sin|cos|tan|cot|sec|csc|cosine|sine|tangent)(?:\b|(?=[\d^_]))", re.IGNORECASE)
_SCIENTIFIC = re.compile(
    r"\b(?:in|into|to|as|using|use) (?:normali[sz]ed )?(?:scientific notation|standard (?:index )?form)\b|\ba\s?(?:\\times|×)\s?10\s?\^", re.IGNORECASE
)
_TYPESETTING = re.compile(r"\\(?:left|right|text|mathrm|[,;:! ])|[\s{}$]")
_TIMES_TEN = r"(?:\\times|\\cdot|\\ast|\*|[xX]|\()\(?10(?:\^|\*\*)"
_SCIENTIFIC_NUMBER = re.compile(rf"(?<![\d.])(?:(\d+(?:\.\d*)?|\.\d+)(?:{_TIMES_TEN}|[eE](?=[-+]?\d))|10(?:\^|\*\*))")
"""A number times a power of ten, without spaces and braces; its group is that number, or nothing where the power stands alone."""
_FEW = one_of("two three four five six seven eight nine ten twelve several few")
_LISTED = rf"{one_of('write list give find state name determine compute calculate generate what_are what_is')}(?: down| out)?(?: the)?"
_SEVERAL = rf"(?:\$?\d{{1,2}}\$?|{_FEW})(?: [a-z]{{1,15}})?"
_ORDER = re.compile(
    rf"{_LISTED} (?:(?:first|next) {_SEVERAL} terms|next {_SEVERAL} numbers)\b"
    rf"|{one_of('write list give state name arrange put enter report')}[^.?!]{{0,120}}\bin order\b(?! (?:to|for|that)\b)"
    r"|\bin (?:(?:increasing|decreasing|ascending|descending|numerical) order|order (?:from|of (?:size|magnitude|increas|decreas)))"
    r"|\bfrom (?:the )?(?:least|smallest|lowest|greatest|largest|highest|biggest) to (?:the )?(?:least|smallest|lowest|greatest|largest|highest|biggest)\b",
    re.IGNORECASE,
)
_ANY_ORDER = re.compile(r"\bin (?:any|no particular|whatever) order\b|\border (?:does not|doesn['’]t) matter\b|\bregardless of (?:the )?order\b", re.IGNORECASE)
_OF_HUNDRED = re.compile(
    rf"%|\b(?:per ?cent|pct)|{one_of(_SHARES)}",
    re.IGNORECASE,
)
_PROBABILITY = re.compile(r"\b(?:probabilit(?:y|ies)|chance|likelihood)\b", re.IGNORECASE)
_INVERSE_FUNCTION = re.compile(r"\binverse|\^\s?\{?\s?-\s?1|⁻¹", re.IGNORECASE)
_RATIO = re.compile(r"\b(?:ratio|odds|proportion|scale)s?\b|\d\s?:\s?\d", re.IGNORECASE)


def has_other_form(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether an answer that equals the reference is in another form than the one that the prompt asks for, and the reference has.

    Args:
        answer: as it was read.
        reference: as it was read.
        prompt: of the task.
    """
    prompt = prompt[-_MAX_CHARS:]
    return (
        (_SOLVE.search(prompt) is not None and _is_unsolved(answer) and not _is_unsolved(reference) and not _is_distance(answer, prompt))
        or _names_another(answer, reference, prompt)
        or _is_unevaluated(answer, reference, prompt)
        or _is_unexpanded(answer, reference, prompt)
        or (_PRIMES.search(prompt) is not None and _is_of_primes(reference) and not _is_of_primes(answer))
        or _is_unconverted(answer, reference, prompt)
        or _are_odds(answer, reference, prompt)
        or _is_of_inverse(answer, reference, prompt)
        or _is_stray_percentage(answer, reference, prompt)
        or (_SIMPLIFY.search(prompt) is not None and is_unsimplified(answer, reference))
        or (asks_order(prompt) and _is_out_of_order(answer, reference))
        or has_other_number_form(answer, reference, prompt)
    )


def _is_unsolved(answer: Answer) -> bool:
    """Whether inequalities in one variable are left to be solved: `3-2x \\le 11`, `|2x-1| < 7`."""
    match answer:
        case Relation() if not set(answer.signs) <= {"="}:
            open_sides = [side for side in answer.sides if variables(side) - NAMED_CONSTANTS]
            names = {name for side in open_sides for name in variables(side) - NAMED_CONSTANTS}
            return len(names) == 1 and not all(isinstance(side, Symbol) for side in open_sides)
        case Items():
            return any(map(_is_unsolved, answer.members))
        case _:
            return False


def _is_distance(answer: Answer, prompt: str) -> bool:
    """Whether an inequality says how far one letter is from zero, `|m| < 6`, where the prompt has no such bars."""
    match answer:
        case Relation(sides=(Apply("abs", (Symbol(),)), bound)):
            return not variables(bound) and not any(bar in prompt for bar in ("|", "abs", "vert"))
        case _:
            return False


def _names_another(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether the prompt wants an equation solved for one letter, and the answer is an equation that is not: for another one, or for none."""
    asked = _SOLVED_FOR.search(prompt)
    letter = asked[1] if asked is not None else "y" if _SLOPE_INTERCEPT.search(prompt) else ""
    if not letter or not isinstance(reference, Assignment) or reference.name != letter:
        return False
    match answer:
        case Assignment(name=name, value=value):
            return (len(name) == 1 and name.isalpha() and name != letter) or any(letter in variables(node) for node in given_nodes(value))
        case Relation(sides=(left, right), signs=("=",)):
            return not any(one == Symbol(letter) and letter not in variables(other) for one, other in ((left, right), (right, left)))
        case _:
            return False


def _is_unevaluated(answer: Answer, reference: Answer, prompt: str) -> bool:
    r"""Whether sines, cosines and logarithms of numbers, which the prompt asks for, are given for a value that the reference has without them.

    So `\cos 75^\circ` is no answer to what the cosine of 75 degrees is, nor `\frac{\log 128}{\log 4}` to what that logarithm is. Inverse functions are
    none for a part of pi, whatever the prompt speaks of.
    """
    given, wanted = (list(given_nodes(one)) for one in (answer, reference))
    if any(variables(node) - NAMED_CONSTANTS for node in (*given, *wanted)):
        return False
    is_part_of_pi = any("pi" in variables(node) for node in wanted)
    looked_for = (_TRIGONOMETRIC | _INVERSE) if _OF_ANGLE.search(prompt) else _INVERSE if is_part_of_pi else frozenset[str]()
    looked_for |= _LOGARITHMS if _OF_LOGARITHM.search(prompt) else frozenset()
    return any(operators(node) & looked_for for node in given) and not any(operators(node) & looked_for for node in wanted)


def _is_unexpanded(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether what is to be expanded, or to be a product, has other terms than the reference, or a product with a sum in it."""
    is_expanded = _EXPAND.search(prompt) is not None
    if not is_expanded and _FACTOR.search(prompt) is None:
        return False
    given, wanted = (list(given_nodes(one)) for one in (answer, reference))
    if not all(isinstance(one, Quantity | Assignment | Relation) for one in (answer, reference)) or not any(map(variables, given)):
        return False
    has_product = any(map(_has_product_of_sums, given)) and not any(map(_has_product_of_sums, wanted))
    has_fewer_factors = not is_expanded and sum(map(_num_factors, given)) < sum(map(_num_factors, wanted))
    return has_other_terms(answer, reference) or (is_expanded and has_product) or has_fewer_factors


def _has_product_of_sums(node: Node) -> bool:
    """Whether a sum with a variable is multiplied, or raised to a power."""
    match node:
        case Apply("*", arguments):
            return any(_is_open_sum(argument) or _has_product_of_sums(argument) for argument in arguments)
        case Apply("^", (base, exponent)):
            return _is_open_sum(base) and isinstance(exponent, Number)
        case Apply("+" | "-", arguments):
            return any(map(_has_product_of_sums, arguments))
        case _:
            return False


def _num_factors(node: Node) -> int:
    """How many factors with variables a product has, each counted as often as its power says."""
    match node:
        case Apply("*", arguments):
            return sum(map(_num_factors, arguments))
        case Apply("-", (inner,)) | Apply("/", (inner, Number())):
            return _num_factors(inner)
        case Apply("^", (base, Number(exponent))) if 0 < exponent <= 100:
            return int(exponent) * _num_factors(base)
        case _:
            return int(bool(variables(node) - NAMED_CONSTANTS))


def _is_open_sum(node: Node) -> bool:
    match node:
        case Apply("+"):
            return bool(variables(node) - NAMED_CONSTANTS)
        case Apply("-", (inner,)):
            return _is_open_sum(inner)
        case _:
            return False


def _is_of_primes(answer: Answer) -> bool:
    """Whether an answer is one product of powers of primes."""
    nodes = list(given_nodes(answer))
    return len(nodes) == 1 and all(map(_is_power_of_prime, _factors(nodes[0])))


def _factors(node: Node) -> Iterator[Node]:
    match node:
        case Apply("*", arguments):
            for argument in arguments:
                yield from _factors(argument)
        case _:
            yield node


def _is_power_of_prime(node: Node) -> bool:
    match node:
        case Apply("^", (base, Number(exponent))):
            return _is_power_of_prime(base) and exponent.denominator == 1 and isinstance(base, Number)
        case Number(value):
            return value.denominator == 1 and _is_prime(value.numerator)
        case _:
            return False


def _is_prime(number: int) -> bool:
    """Whether a number is a prime, of those so small that this is quickly said; larger ones are taken for one if no small prime divides them."""
    return number > 1 and all(number % divisor for divisor in range(2, min(number, 1001)) if divisor * divisor <= number)


def _is_unconverted(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a number that the prompt wants in other notation is in the one that it stands in there: a fraction for a decimal, a decimal for a fraction."""
    asked = _CONVERTED.search(prompt)
    if asked is None:
        return False
    given, wanted = ([notation(node) for node in given_nodes(one)] for one in (answer, reference))
    return len(given) == len(wanted) == 1 and None not in (*given, *wanted) and given != wanted and _stands_in(given[0], prompt)


def _stands_in(kind: str | None, prompt: str) -> bool:
    """Whether a number in a notation stands in the prompt."""
    pattern = {"decimal": r"\d\.\d|\d\.\\overline|(?<!\d)\.\d", "fraction": r"\d\s?/\s?\d|\\[dt]?frac"}.get(kind or "")
    return pattern is not None and re.search(pattern, prompt) is not None


def _are_odds(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a ratio is given for a probability: odds of 1:9 are a probability of one tenth."""
    is_ratio = isinstance(answer, Items) and answer.kind == "ratio" and not (isinstance(reference, Items) and reference.kind == "ratio")
    return is_ratio and _PROBABILITY.search(prompt) is not None and _RATIO.search(prompt) is None


def _is_of_inverse(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a value is given to an inverse function of which the prompt does not speak: `f^{-1}(x) = 2x` for $f(x)$."""
    names = [one.name if isinstance(one, Assignment) else "" for one in (answer, reference)]
    return "^-1" in names[0] and "^-1" not in names[1] and prompt.strip() != "" and _INVERSE_FUNCTION.search(prompt) is None


def _is_stray_percentage(answer: Answer, reference: Answer, prompt: str) -> bool:
    """Whether a percent sign stands behind the number of the reference, where nothing in the prompt is counted in hundredths: `5.5\\%` for 5.5."""
    if not isinstance(answer, Quantity) or answer.unit != PERCENT or not isinstance(reference, Quantity) or reference.unit is not None:
        return False
    return prompt.strip() != "" and _OF_HUNDRED.search(prompt) is None and equal(answer.node, reference.node)


def lacks_power_of_ten(text: str, reference_text: str, prompt: str) -> bool:
    """Whether the prompt wants scientific notation, and an answer has none, or a factor that is not between 1 and 10 where the reference has one.

    Args:
        text: of the answer.
        reference_text: of the reference answer.
        prompt: of the task.
    """
    if _SCIENTIFIC.search(prompt[-_MAX_CHARS:]) is None:
        return False
    given, wanted = map(_factors_of_powers, (re.split(r"≈|\\approx(?![a-z])", text)[0], reference_text))
    return bool(wanted) and not (any(map(_is_normal, given)) if any(map(_is_normal, wanted)) else given)


def _factors_of_powers(text: str) -> list[float]:
    """The factors before the powers of ten in a text."""
    try:
        plain = _TYPESETTING.sub("", unify(text))
    except Unreadable:
        return []
    return [float(found[1] or 1) for found in _SCIENTIFIC_NUMBER.finditer(plain)]


def _is_normal(factor: float) -> bool:
    return 1 <= factor < 10


def asks_order(prompt: str) -> bool:
    """Whether a prompt asks for several values in order: of their size, or as terms of a sequence."""
    return _ORDER.search(prompt[-_MAX_CHARS:]) is not None and _ANY_ORDER.search(prompt[-_MAX_CHARS:]) is None


def _is_out_of_order(answer: Answer, reference: Answer) -> bool:
    if (
        not (isinstance(answer, Items) and isinstance(reference, Items))
        or answer.kind == reference.kind == "record"
        or len(answer.members) != len(reference.members)
    ):
        return False
    return not all(equivalent(wanted, given) for wanted, given in zip(reference.members, answer.members, strict=True))
