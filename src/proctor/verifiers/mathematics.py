r"""Verifies mathematical answers: numbers, LaTeX, expressions, tuples, sets, intervals.

The completion is read through one channel (`proctor.verifiers.extraction`), parsed by our own grammar into a typed
answer, and compared exactly. No text of a model is ever evaluated as code. What it does not do: grade proofs, or
evaluate sums, integrals, limits and maxima: these are right only where the reference answer is the same one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain, product
from typing import ClassVar

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.answers import Answer, Quantity
from proctor.verifiers.asked import ends_open_equation, names_given, values_said
from proctor.verifiers.blocks import without_code, without_comments
from proctor.verifiers.choices import options_named
from proctor.verifiers.closings import without_closing
from proctor.verifiers.denials import is_denied
from proctor.verifiers.displays import in_lines
from proctor.verifiers.echoes import is_echo, is_formula_of
from proctor.verifiers.endings import last_said
from proctor.verifiers.equivalence import equivalent
from proctor.verifiers.evaluation import is_undefined
from proctor.verifiers.extraction import CHANNELS, Extraction, after_reasoning, as_one_list, boxes, extractions
from proctor.verifiers.forms import has_other_form, lacks_power_of_ten
from proctor.verifiers.meanings import further_meanings
from proctor.verifiers.measures import has_other_unit, is_followed_by_other_unit
from proctor.verifiers.notation import MAX_CHARS, Unreadable
from proctor.verifiers.numerals import SCALES
from proctor.verifiers.patterns import among
from proctor.verifiers.plain_numbers import with_plain_fractions
from proctor.verifiers.reading import readings
from proctor.verifiers.references import Gold
from proctor.verifiers.retractions import doubt_after
from proctor.verifiers.statements import FORMULA, ends_list
from proctor.verifiers.terms import is_uncombined
from proctor.verifiers.unfinished import has_other_terms, is_number, is_uncalculated, is_undivided, is_unfinished
from proctor.verifiers.units import lookup

_FALLBACKS = frozenset({"answer_is", "last_math", "whole"})  # prose: where it cannot be read, the next channel is asked
_DECLARED = ("boxed", "answer_tag", "hashes", "answer_is")
_BARE = ("boxed", "last_math")  # a unit may stand outside
_FINAL = (*_DECLARED, "last_math", "last_number")
_TERM_OF_SUM = re.compile(
    r"\s?(?:[+\u2212*/^·-]|\\cdot|\\times)\s?(?!a\s[A-Za-z])(?:[A-Za-z](?![A-Za-z])|(?:sin|cos|tan|cot|sec|csc|log|ln)(?![a-z])|\\[a-su-z]|√)"
)  # `1 + cot²x`
_SUBSTANCE = re.compile(r"[\\$=\d]")
_FORMULA = re.compile(r"[\\^_{}\"|]|\('")
_RELATION = re.compile(r"[=<>*]")
_LONG_WORD = re.compile(r"[A-Za-z]{2,}")
_ATTACHED_UNIT = re.compile(r"(?<=\d)(?=[A-DF-Za-df-zΩ])")  # no exponent of ten
_SHORT_THOUSANDS = re.compile(r"-?[1-9]\d?(?:,\d{3})+")
"""One number: what may be a list of two as well has three digits in both, as `100,200` does."""
_LABEL = re.compile(r"(?:\\[a-z]{2,8}\s?\{)?\s?\(?[A-J]\)?\s?\}?")
_LABELLED = re.compile(
    r"(?:\\(?:textbf|text|mathbf|mathrm|textrm)\s?\{\s?(\([A-J]\))\s?\}|(\([A-J]\)|[A-J][.)](?=\s)))(?:\\[ ,;:!]|\\q?quad|[~\s])*(\S.*)", re.DOTALL
)
_OPTION_IN_TEXT = re.compile(r"\A\s?\\text\s?\{\s?([A-J])\)\s?(\}\s?\S.*|[^{}]{1,200}\}\s?)\Z", re.DOTALL)
"""`\\text{B) } 3`, and an option with its text."""
_SECOND_LABEL = re.compile(r"\([A-J]\)|\b(?:or|wrong|not|incorrect)\b|\{\s?[A-J]\s?\}|\b[A-J][.)]\s", re.IGNORECASE)
_ANSWER_IS = re.compile(
    r"^(?:\\text\s?\{\s?(?:the\s)?(?:final\s)?answer(?:\s(?:is|are))?\s?:?\s?\}|(?:the\s)?(?:final\s)?answer(?:\sis|\sare|\s?:|\s?=))\s?", re.IGNORECASE
)
_MAX_END = 200
_SPECIAL = re.compile(r"(?:\s*(?:<\|\w{1,20}\|>|</s>|<eos>))+\s*$")
_COUNTED = re.compile(r"(-?\d[\d.,/]{0,20})(?:\s|(?:\\[,; ]|[\s~])?\\(?:text|mathrm|textbf)\s?\{\s?)([A-Za-z]{3,20}(?: [A-Za-z]{3,20}){0,2})\s?\}?")
_RATIO_AS_GOLD = re.compile(r"\d{1,9}\s?:\s?\d{1,9}")
_RATIO_SAID = re.compile(r"(\bratio\b(?:(?!against)[^.\n]){0,60}?\b(?:is|equals|of)\s)(\d{1,9}) to (\d{1,9})(?=[.!*$\s]*\Z)", re.IGNORECASE)
_RATIO = re.compile(r"\A(\d{1,9})\s?(?:\\text\s?\{\s?to\s?\}|to)\s?(\d{1,9})(?=[.$]?\Z)")
_NAMED = re.compile(r"(?i)\\text\s?\{\s?(quadrant|option|choice|type|class|level|grade)\s([^{}\s]{1,20})\s?\}")
_SHARE = re.compile(r"(.{1,60}?)(?:\s|\\[,; ])?\\text\s?\{\s?of (?:the|his|her|all the) ([a-z]{3,20})\s?\}")  # `\frac49\text{ of the cake}`
_COUNTED_FORMULA = re.compile(r"([^${}]{1,100}=\s?-?\d[\d.,]{0,20})\\text\{\s([A-Za-z]{3,20}(?: [A-Za-z]{3,20}){0,2})\}")  # `$40+30+4 = 74$ committees`
_TYPESETTING = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\b|\\[,;: !]|[\s~{}$*]")
_PIECE = re.compile(r"[a-z]+|\d+|[^\s\w]")
_INVERSE = re.compile(r"[A-Za-z]\s?\^\s?\{?\s?-1\s?\}?\s?\(\s?[a-z]\s?\)\s?=\s?([^=<>]{1,200})")
_POWER_SAID = re.compile(r"\s{1,3}([A-Za-z]{1,20})\s{1,3}(squared|cubed)\b", re.IGNORECASE)
_OLD = re.compile(r"(?<=years|.year) old\b")
_LED = re.compile(
    r"^\\text\s?\{[A-Za-z ]{0,40}\b(?:is|are|was|were|has|had|have|needs?|needed|took|takes|pays?|paid|earns?|earned|spent|gets?|got|sold)\s?:?\s?\}\s?"
)
_DOLLARS = re.compile(r"\$([^$]{1,200})\$\s{1,3}([A-Za-z][A-Za-z/^\d ]{0,40})")
"""Around the number of a quantity whose unit stands outside: `$3\\sqrt{14}$ m/s`."""
_TITLES = """
answer final_answer vertex center centre focus area volume perimeter domain range solution solutions slope length distance total time speed cost price
"""
_TITLE = re.compile(rf"^\\(?:text|textbf|mathrm)\s?\{{\s?(?:the )?({among(_TITLES)}):\s?\}}(?![^:]*\\text)\s?(?:\\[,;: ]|~|\s){{0,4}}", re.IGNORECASE)
_GRADIENT = re.compile(r"^(?:∇|\\nabla(?![a-z]))\s?[A-Za-z]\s?(?:\([^()]{0,40}\))?\s?=\s?")
_REMARK_OF = r"(?<=\S)(?:,|\s|\\q?quad|\\[,; ])++\(?(?:\\text\s?\{\s?(?:where|for|with)\s?\})?(?:\s|\\[,; ])*+[A-Za-z](?:_\{?\d\}?)?"
_ARBITRARY = re.compile(rf"{_REMARK_OF}(?:\s?,\s?[A-Za-z](?:_\{{?\d\}}?)?){{0,2}}\s?\\in\s?\\mathbb\s?\{{?[RC]\}}?\s*\)?\Z")
"""What a general solution says of its constants."""
_ABOUT_TERMS = re.compile(r"\b(?:sequences?|terms?)\b", re.IGNORECASE)
_COUNTING = re.compile(rf"{_REMARK_OF}\s?\\in\s?\\mathbb\s?\{{?[NZ]\}}?(?:\s?[\^_]\s?\{{?[*+\d]{{1,2}}\}}?)?\s*\)?\Z")
"""What the term of a sequence says of its index."""
_NO_NOUN_WORDS = """
and not dozen half halves third thirds quarter quarters tenths hundredths thousandths percent squared cubed factorial mod base times plus minus
"""
_NO_NOUNS = frozenset(_NO_NOUN_WORDS.split())
_WRITERS = {"boxed": "\\boxed{{{}}}", "answer_tag": "<answer>{}</answer>", "hashes": "#### {}", "answer_is": "The answer is ${}$", "last_math": "${}$"}


@dataclass(frozen=True, slots=True)
class MathVerifier:
    """CORRECT if the completion's final answer equals `task.answer`.

    Attributes:
        channels: where an answer may stand, in order of precedence; the first that has one is the only one that counts.
        tolerance: allowed relative error of rational answers, as a decimal or fraction string; "0" compares exactly.
    """

    channels: tuple[str, ...] = CHANNELS
    tolerance: str = "0"
    reads_only_answer: ClassVar[bool] = True
    """Of a task: equal answers have equal verdicts, so that curation asks once."""

    def __post_init__(self) -> None:
        if isinstance(self.channels, str):
            raise ConfigError(f"channels is a list of answer channels, not the text {self.channels!r}; write [{self.channels!r}]")
        unknown = [channel for channel in self.channels if channel not in CHANNELS]
        if unknown or not self.channels:
            raise ConfigError(f"unknown answer channel {', '.join(unknown) or '(none given)'}; allowed: {', '.join(CHANNELS)}")
        try:
            is_allowed = 0 <= Fraction(self.tolerance) < 1
        except (ValueError, ZeroDivisionError):
            is_allowed = False
        if not is_allowed:
            raise ConfigError(f'tolerance must be a number in [0, 1), as text like "0.01", not {self.tolerance!r}')

    @property
    def counts_last_number(self) -> bool:
        """Whether the answer is whatever number stands last. A completion still earns by one number alone, so an audit reports what that pays apart."""
        return self.channels == ("last_number",)

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task's own answer cannot be read.
        """
        gold = read_gold(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        text = with_plain_fractions(without_code(without_comments(text[:-_MAX_END] + _SPECIAL.sub("", text[-_MAX_END:]))))
        text = _RATIO_SAID.sub(r"\1\2:\3", text) if _wants_ratio(gold.text, task.prompt_text) else text
        for found in self._offers(text, gold, task):
            try:
                verdicts = [self._is_right(candidate, gold, task) for candidate in dict.fromkeys(_with_power(found))]
            except Unreadable as unreadable:
                if found.is_tentative or _is_prose(found):
                    continue
                return Score.unparsed(f"{found.channel}: cannot read {found.candidates[-1][:80]!r}: {unreadable}")
            shown = found.candidates[-1]
            if not all(verdicts):
                return Score.incorrect(shown, f"{found.channel}: conflicting answers" if len(verdicts) > 1 else found.channel)
            if not self.counts_last_number and is_denied(found.before):
                return Score.unparsed(f"{found.channel}: {shown[:80]!r} is denied")
            if not self.counts_last_number and found.channel == "last_number" and ends_list(found.before, found.after):
                return Score.unparsed(f"{found.channel}: {shown[:80]!r} is the last of several numbers")
            if not self.counts_last_number and found.channel == "last_number" and _TERM_OF_SUM.match(found.after):
                return Score.unparsed(f"{found.channel}: {shown[:80]!r} is part of a formula")
            if not self.counts_last_number and found.channel == "last_number" and ends_open_equation(found.before, task.prompt_text):
                return Score.unparsed(f"{found.channel}: {shown[:80]!r} is one side of an equation")
            if not self.counts_last_number and self._is_taken_back(found, gold, task):
                return Score.unparsed(f"{found.channel}: {shown[:80]!r} is taken back in what follows")
            if found.channel in _BARE and not gold.is_measured and is_followed_by_other_unit(found.after, task.prompt_text):
                return Score.incorrect(shown, f"{found.channel}: in another unit than the one asked for")
            return Score.correct(shown, found.channel)
        return Score.unparsed("no answer found")

    def _offers(self, text: str, gold: Gold, task: Task) -> Iterator[Extraction]:
        """What a completion says in its channels; before what is read off its last formula, line or number, what its end says by its form."""
        num_declared = next((place for place, channel in enumerate(self.channels) if channel not in _DECLARED), len(self.channels))
        yield from (as_one_list(found, text, gold.num_listed) for found in extractions(text, self.channels[:num_declared]))
        end = text if self.counts_last_number else without_closing(in_lines(text))
        if "answer_is" in self.channels and (ending := last_said(end, task.prompt_text, gold)) is not None:
            yield ending
        yield from extractions(end, self.channels[num_declared:])

    def _is_taken_back(self, found: Extraction, gold: Gold, task: Task) -> bool:
        """Whether a right answer is doubted in what follows it, and what comes then is none, or another one."""
        doubt = doubt_after(found.candidates[-1], found.after)
        if doubt is None:
            return False
        for said in extractions(doubt.text, _DECLARED if doubt.is_retraction else _FINAL):
            try:
                return not all(self._is_right(candidate, gold, task) for candidate in said.candidates)
            except Unreadable:
                return True
        return doubt.is_retraction

    def _is_right(self, candidate: str, gold: Gold, task: Task) -> bool:
        if len(candidate) > MAX_CHARS:
            raise Unreadable(f"longer than {MAX_CHARS} characters")
        candidate = _without_noun(_OLD.sub("", _LED.sub("", _plain(candidate))), task.prompt_text)
        candidate = _OPTION_IN_TEXT.sub(r"(\1) \2", candidate)
        candidate = candidate if r"\text" in gold.text else _without_title(candidate, task.prompt_text)
        candidate = candidate if r"\in" in gold.text else _ARBITRARY.sub("", candidate)
        candidate = candidate if r"\in" in gold.text or gold.is_region or not _ABOUT_TERMS.search(task.prompt_text) else _COUNTING.sub("", candidate)
        candidate = candidate if "nabla" in gold.text else _GRADIENT.sub("", candidate)
        if candidate.strip() == gold.text:
            return True
        if _wants_ratio(gold.text, task.prompt_text):
            candidate = _RATIO.sub(r"\1:\2", candidate.strip())
        if (options := options_named(gold.text, task.prompt_text)) and (named := options_named(candidate, task.prompt_text)):
            return named == options
        label = _label_of(candidate) if gold.label else ""
        if label and (_LABEL.fullmatch(candidate.strip()) is not None or label != gold.label):
            return label == gold.label
        candidate = _without_label(_ANSWER_IS.sub("", candidate), wants_label=_LABEL.fullmatch(gold.text) is not None)
        if _is_named(candidate, gold.text, task.prompt_text):
            return True
        rests = values_said(candidate, task.prompt_text)
        try:
            if self._agrees(candidate, gold, task):
                return True
        except Unreadable:
            if not rests:
                raise
        return any(self._agrees(rest, gold, task, is_rest=True) for rest in rests)

    def _agrees(self, candidate: str, gold: Gold, task: Task, *, is_rest: bool = False) -> bool:
        """Whether a text as it stands is the reference, as any of both can be meant; of what says what the prompt asks for, only if it is worked out."""
        answers = readings(candidate, allow_words=gold.allows_words)
        if gold.is_measured and (spaced := _ATTACHED_UNIT.sub(" ", candidate.strip())) != candidate.strip():
            with suppress(Unreadable):
                answers = (*answers, *readings(spaced))
        meant = (pair for answer in answers for pair in further_meanings(candidate, answer, gold.readings, gold.text, task.prompt_text))
        return any(
            equivalent(reference, answer, tolerance=Fraction(self.tolerance))
            and not self._is_question(candidate, answer, reference, task)
            and not (is_rest and has_other_terms(answer, reference))
            and not (has_other_unit(answer, task.prompt_text, candidate) and (not gold.is_measured or _is_quoted(candidate, task.prompt_text)))
            for reference, answer in chain(product(gold.readings, answers), meant)
        )

    def _is_question(self, candidate: str, answer: Answer, reference: Answer, task: Task) -> bool:
        """Whether what equals the reference leaves it to be worked out, or repeats how the prompt asks for it."""
        if has_other_form(answer, reference, task.prompt_text) or lacks_power_of_ten(candidate, gold_text(task), task.prompt_text):
            return True
        if task.prompt_text.strip() and (is_undivided(answer, reference) or is_uncombined(candidate, answer, reference)):
            return True  # without a question it is not known what was to be worked out
        if not is_number(reference):
            return is_uncalculated(candidate, answer, reference) or is_formula_of(answer, reference, task.prompt_text)
        return (
            names_given(answer, task.prompt_text)
            or is_unfinished(candidate, answer, is_exact=not Fraction(self.tolerance))
            or is_echo(candidate, answer, task.prompt_text)
        )

    def gold(self, task: Task) -> str:
        """Return the completion that this verifier must find CORRECT: the task's answer in the first channel.

        Raises:
            TaskError: the answer is missing or cannot be read.
        """
        read_gold(task)
        return _WRITERS.get(self.channels[0], "{}").format(gold_text(task))


def number_verifier() -> MathVerifier:
    """Return a verifier for which the last number in the completion counts, compared exactly."""
    return MathVerifier(channels=("last_number",))


def gold_text(task: Task) -> str:
    r"""Return the reference answer as text: what follows `#### ` (GSM8K), else what the only `\boxed{}` contains, else all of it.

    Raises:
        TaskError: there is none.
    """
    if isinstance(task.answer, float) and not math.isfinite(task.answer):
        raise TaskError(f"task {task.id} has {task.answer} for an answer, which is no number")
    text = "" if task.answer is None else str(task.answer)
    _, marked, final = text.rpartition("####")
    boxed = boxes(text)
    text = (final if marked else boxed[0] if len(boxed) == _num_boxes(text) == 1 else text).strip()
    if not text:
        raise TaskError(f"task {task.id} has no reference answer")
    return text


def _num_boxes(text: str) -> int:
    return text.count(r"\boxed") + text.count(r"\fbox")


def read_gold(task: Task) -> Gold:
    """Return the reference answer, parsed whole.

    Raises:
        TaskError: it cannot be read, or has no value that could be compared with another spelling of it.
    """
    written = with_plain_fractions(_plain(gold_text(task)))
    text = _without_label(written, wants_label=False)
    try:
        label = "" if text == written else _without_label(written, wants_label=True)
        return replace(_read_gold(text), label=label if f"({label})" in written and _LABEL.fullmatch(text) is None else "")
    except Unreadable as error:
        raise TaskError(f"the answer {text[-80:]!r} of task {task.id} cannot be read: {error}") from error


@lru_cache(maxsize=4096)
def _read_gold(text: str) -> Gold:
    found = readings(text, allow_words=True)
    if (labelled := _INVERSE.fullmatch(text)) is not None:  # a name as `f(x)` is one, and no power
        found = (*readings(labelled[1]), *found)
    if any(isinstance(reading, Quantity) and is_undefined(reading.node) for reading in found):
        raise Unreadable("it has no value")
    return Gold(text, found[:1] if _SHORT_THOUSANDS.fullmatch(text) else found)


def _without_label(text: str, *, wants_label: bool) -> str:
    r"""The letter, or the value, of an answer that names both: `\textbf{(C)}\ 5`."""
    found = _LABELLED.fullmatch(text.strip())
    if found is None or _SECOND_LABEL.search(found[3]):
        return text
    return (found[1] or found[2]).strip("().") if wants_label else found[3]


def _label_of(candidate: str) -> str:
    """The letter of an option that a candidate is, or that stands before its value; nothing where there is none."""
    text = candidate.strip()
    if _LABEL.fullmatch(text) is not None:
        return text[-1] if len(text) == 1 else text.rstrip("}) ")[-1]
    labelled = _without_label(text, wants_label=True)
    return labelled if labelled != text else ""


def _wants_ratio(reference: str, prompt: str) -> bool:
    """Whether a reference such as `3:5` is a ratio, for which "3 to 5" may be said, and no time."""
    return _RATIO_AS_GOLD.fullmatch(reference) is not None and re.search(r"\b(?:ratio|odds|proportion)\b", prompt, re.IGNORECASE) is not None


def _without_title(candidate: str, prompt: str) -> str:
    r"""What stands behind a title that names what the prompt asks for: `\text{Vertex: }(2,5)`."""
    found = _TITLE.match(candidate)
    is_asked = found is not None and ("answer" in found[1].lower() or re.search(rf"\b{found[1]}\b", prompt, re.IGNORECASE) is not None)
    return candidate[found.end() :] if found is not None and is_asked else candidate


def _is_named(candidate: str, reference: str, prompt: str) -> bool:
    """Whether a candidate is the reference behind a noun of the prompt: `\\text{Quadrant II}`."""
    found = _NAMED.fullmatch(candidate.strip())
    return found is not None and found[2] == reference and re.search(rf"\b{found[1]}\b", prompt, re.IGNORECASE) is not None


def _plain(text: str) -> str:
    """An answer without the dollar signs of a number that its unit follows."""
    found = _DOLLARS.fullmatch(text.strip())
    return text.strip() if found is None else rf"{found[1]}\text{{ {found[2]}}}"


def _without_noun(text: str, prompt: str) -> str:
    """The number of `65 passengers` where the prompt speaks of passengers: what is counted is no unit, and no list of nouns is complete."""
    if (share := _SHARE.fullmatch(text)) is not None:
        return share[1] if re.search(rf"\b(?:fraction|part|portion) of (?:the |his |her |all the )?{share[2]}\b", prompt, re.IGNORECASE) else text
    found = _COUNTED.fullmatch(text) or _COUNTED_FORMULA.fullmatch(text)
    if found is None:
        return text
    words = found[2].split()
    is_other = any(_is_measure(word) or word.lower() in SCALES or word.lower() in _NO_NOUNS for word in words)
    return found[1] if not is_other and re.search(rf"\b{found[2]}\b", prompt, re.IGNORECASE) else text


def _with_power(found: Extraction) -> tuple[str, ...]:
    """`50 meters squared`, of which the last number and its unit have only `50 meters`."""
    said = _POWER_SAID.match(found.after) if found.channel == "last_number" else None
    if said is None or not found.candidates[-1].endswith(f" {said[1]}"):
        return found.candidates
    return (*found.candidates[:-1], f"{found.candidates[-1]} {said[2]}")


def _is_measure(word: str) -> bool:
    unit = lookup(word)
    return unit is not None and ("thing", 1) not in unit.powers


def _is_quoted(candidate: str, prompt: str) -> bool:
    """Whether an answer stands in the prompt as it is: `72 km/h`, where it is to be converted."""
    given, asked = (_TYPESETTING.sub(" ", text).casefold() for text in (candidate, prompt))
    spaced = r"\s{0,9}".join(re.escape(piece) for piece in _PIECE.findall(given[:_MAX_END]))
    return spaced != "" and re.search(rf"(?<![\d.,]){spaced}(?![a-z\d])", asked) is not None


def _is_prose(found: Extraction) -> bool:
    """Whether what cannot be read is a sentence and no formula, so that the next channel is asked."""
    if found.channel == "whole":
        text = FORMULA.sub(" ", found.candidates[-1]).replace("\\$", "$").replace("\\%", "%")
        num_words = len(_LONG_WORD.findall(text))
        return (not _FORMULA.search(text) and not _RELATION.search(text)) or (num_words >= 2 and "\\" not in text)
    return found.channel in _FALLBACKS and not any(_SUBSTANCE.search(candidate) for candidate in found.candidates)
