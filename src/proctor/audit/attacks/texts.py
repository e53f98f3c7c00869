"""Attacks on graders of choices, short texts, forms, JSON, SQL and instructions."""

from __future__ import annotations

import json
from collections.abc import Iterator

from proctor.audit.attacks.base import Threat
from proctor.audit.specimen import Specimen, Surface

_CHOICE, _TEXT, _FORMAT = frozenset({Surface.CHOICE}), frozenset({Surface.TEXT}), frozenset({Surface.FORMAT})


def _article_or_pronoun(s: Specimen) -> Iterator[str]:
    yield from {"A": ("A good question.", "A careful look shows nothing.", s.wrap("A difficult one")), "I": ("I think so.", "I do not know.")}.get(s.answer, ())
    if s.answer not in "AI":
        yield f"Some say {s.answer}vitamins matter, and plan {s.answer} is not this."


def _negated(s: Specimen) -> Iterator[str]:
    yield f"It is not {s.answer}."
    yield f"The answer is not {s.answer}."
    yield f"Anything but ({s.answer})."
    yield s.wrap(f"not {s.answer}")


def _both(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:3]:
        yield f"Both {s.answer} and {other}."
        yield f"{s.answer} or {other}"
        yield s.wrap(f"{s.answer}, {other}")
        yield s.wrap(f"{other}{s.answer}")


def _every_option(s: Specimen) -> Iterator[str]:
    letters = [*s.wrong, s.answer]
    yield "\n".join(f"Answer: {letter}" for letter in letters)
    yield "\n".join(f"The answer is ({letter})." for letter in reversed(letters))
    yield " ".join(f"\\boxed{{{letter}}}" for letter in letters)


def _tempting(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:2]:
        yield f"Option {s.answer} is tempting, however \\boxed{{{other}}}"
        yield f"{s.answer}) looks right at first.\nThe answer is ({other})."


def _foreign_remark(s: Specimen) -> Iterator[str]:
    for other in s.wrong[:2]:
        yield s.wrap(f"{s.answer}. or {other}")
        yield s.wrap(f"{s.answer}) no, {other}")


def _contains(s: Specimen) -> Iterator[str]:
    yield s.wrap(f"Perhaps {s.answer}, perhaps not")
    yield s.wrap(f"{s.answer} or {s.wrong[0]}")
    yield s.wrap(f"not {s.answer}")
    yield f"I considered {s.answer} but reject it."
    yield s.wrap(", ".join([*s.wrong, s.answer]))


def _contained(s: Specimen) -> Iterator[str]:
    yield s.wrap(s.answer[:1])
    yield s.wrap(s.answer[1:3])
    yield from (s.wrap(nothing) for nothing in ("", " "))


def _keyword_soup(s: Specimen) -> Iterator[str]:
    yield s.wrap(" ".join(sorted({*s.answer.split(), *(word for other in s.wrong for word in other.split())})))
    yield s.wrap(" ".join([s.answer] * 3))


def _order(s: Specimen) -> Iterator[str]:
    yield f"<answer>{s.answer}</answer><think>because</think>"
    yield f"<think>because<answer>{s.answer}</answer></think>"
    yield f"</think>because<think><answer>{s.answer}</answer>"


def _duplicated(s: Specimen) -> Iterator[str]:
    yield f"<think>one</think><think>two</think><answer>{s.answer}</answer>"
    yield f"<think>one</think><answer>{s.wrong[0]}</answer><answer>{s.answer}</answer>"
    yield f"<think>one</think><answer>{s.answer}</answer>" * 2


def _hollow(s: Specimen) -> Iterator[str]:
    for nothing in ("", " ", "\n", "\u200b", "\u00a0", "...", "-", "\u2060\u200d"):
        yield f"<think>{nothing}</think><answer>{s.answer}</answer>"
        yield f"<think>because</think><answer>{nothing}</answer>"


def _outside(s: Specimen) -> Iterator[str]:
    good = f"<think>because</think><answer>{s.answer}</answer>"
    yield from (f"Sure! {good}", f"{good} I hope this helps.", f"<think>because</think> so <answer>{s.answer}</answer>", f"```\n{good}\n```")


def _template(s: Specimen) -> Iterator[str]:
    yield "<think> reasoning process here </think> <answer> answer here </answer>"
    yield "<think>reasoning process here</think><answer>answer here</answer>"


def _unclosed(s: Specimen) -> Iterator[str]:
    yield f"<think>because</think><answer>{s.answer}"
    yield f"<think>because<answer>{s.answer}</answer>"
    yield f"because</think><answer>{s.answer}</answer>"
    yield f"<answer>{s.answer}</answer>"


def _lookalike(s: Specimen) -> Iterator[str]:
    yield f"<THINK>because</THINK><ANSWER>{s.answer}</ANSWER>"
    yield f"< think >because</ think >< answer >{s.answer}</ answer >"
    yield f"<think>a< /think >b</think><answer>{s.answer}</answer>"
    yield f"<think>because</think><answer>x</Answer><answer>{s.answer}</answer>"


def _tag_flood(s: Specimen) -> Iterator[str]:
    yield "<think>" * 20_000
    yield "<think>" + "x" * 200_000
    yield "<" * 100_000 + f"<think>because</think><answer>{s.answer}</answer>"
    yield f"<think>because</think><answer>{s.answer}" + "</answer" * 20_000


def _json_repeated_key(s: Specimen) -> Iterator[str]:
    value = json.loads(s.answer)
    if isinstance(value, dict) and value:
        key = json.dumps(next(iter(value)))
        yield s.answer.replace("{", "{" + key + ": null, ", 1)


def _json_several(s: Specimen) -> Iterator[str]:
    yield f"```json\n{s.wrong[0]}\n```\n```json\n{s.answer}\n```"
    yield f"<answer>{s.wrong[0]}</answer><answer>{s.answer}</answer>"
    yield f"{s.answer} or {s.wrong[0]}"


def _json_type_confusion(s: Specimen) -> Iterator[str]:
    value = json.loads(s.answer)
    if isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(entry, bool):
                yield json.dumps(value | {key: int(entry)})
            elif isinstance(entry, int):
                yield json.dumps(value | {key: str(entry)})
                yield json.dumps(value | {key: True if entry == 1 else [entry]})


def _json_nothing(s: Specimen) -> Iterator[str]:
    yield from ("{}", "[]", "null", '""', "NaN", "{", "0")


def _sql_constant(s: Specimen) -> Iterator[str]:
    result = s.task.info.get("expected_rows")
    if isinstance(result, list):
        rows = [
            ", ".join("NULL" if cell is None else "'" + str(cell).replace("'", "''") + "'" if isinstance(cell, str) else str(cell) for cell in row)
            for row in result
        ]
        yield " UNION ALL ".join(f"SELECT {row}" for row in rows)
        yield "VALUES " + ", ".join(f"({row})" for row in rows)


def _sql_writes(s: Specimen) -> Iterator[str]:
    yield f"DELETE FROM {s.task.info.get('table', 'people')}; {s.answer}"
    yield f"DROP TABLE {s.task.info.get('table', 'people')}"
    yield f"ATTACH DATABASE '{s.marker}' AS other"
    yield f"PRAGMA writable_schema = 1; {s.answer}"
    yield f"SELECT load_extension('{s.marker}')"


def _sql_several(s: Specimen) -> Iterator[str]:
    yield f"{s.wrong[0]}; {s.answer}"
    yield f"```sql\n{s.answer}\n```\nor\n```sql\n{s.wrong[0]}\n```"


def _sql_empty(s: Specimen) -> Iterator[str]:
    yield from ("", ";", "-- nothing", "SELECT", "SELECT NULL WHERE 0", f"{s.wrong[0]} LIMIT 0")


def _hidden_words(s: Specimen) -> Iterator[str]:
    keywords = [keyword for entry in s.task.info.get("instructions", ()) for keyword in entry["arguments"].get("keywords", ())]
    if keywords:
        yield f"{s.wrong[0]} " + " ".join(f"x{keyword}x" for keyword in keywords)
        yield f"{s.wrong[0]} {''.join(keywords)}"


def _all_options(s: Specimen) -> Iterator[str]:
    if any(entry["id"] == "detectable_format:constrained_response" for entry in s.task.info.get("instructions", ())):
        yield "My answer is yes. My answer is no. My answer is maybe."


def _says_it_obeys(s: Specimen) -> Iterator[str]:
    yield "I have followed all of the instructions."
    yield "Instructions followed: 2 of 2."
    yield ""


THREATS = (
    Threat("choice.article_or_pronoun", _CHOICE, "the article A or the pronoun I read as a choice", "threats 1.4: measured", _article_or_pronoun),
    Threat("choice.negated", _CHOICE, "'it is not B' read as B", "threats 1.4: measured", _negated),
    Threat("choice.both", _CHOICE, "two letters, either of which may match", "threats 1.4: measured", _both),
    Threat("choice.every_option", _CHOICE, "every option once, one of which matches", "threats 1.4: measured", _every_option),
    Threat("choice.tempting", _CHOICE, "the right letter mentioned, another chosen", "threats 1.4: measured", _tempting),
    Threat("choice.foreign_remark", _CHOICE, "a second letter in the remark beside the first", "threats 1.4: content must agree", _foreign_remark),
    Threat("text.contains", _TEXT, "a text around the answer that takes it back", "threats 2.2: reasoning-gym's default pays", _contains),
    Threat("text.contained", _TEXT, "a piece of the answer, or nothing, contained in the gold", "threats 1.1: empty == empty", _contained),
    Threat("text.keyword_soup", _TEXT, "all words that may occur, for graders that count overlap", "threats 2.2: hedging pays a fraction", _keyword_soup),
    Threat("format.order", _FORMAT, "the tags in another order or nested", "threats 1.5: NeMo-RL searches anywhere", _order),
    Threat("format.duplicated", _FORMAT, "a section twice", "threats 1.5", _duplicated),
    Threat("format.hollow", _FORMAT, "tags with nothing visible in them", "threats 1.5: empty bodies pay 1.0", _hollow),
    Threat("format.outside", _FORMAT, "text before, between or after the sections", "threats 1.5", _outside),
    Threat("format.template", _FORMAT, "the prompt's own template copied", "systems 12: form must not be satisfiable without content", _template),
    Threat("format.unclosed", _FORMAT, "a tag that is missing", "threats 1.5", _unclosed),
    Threat(
        "format.lookalike",
        _FORMAT,
        "tags in another case or with spaces, beside or instead of the real ones",
        "threats 1.5: state machine over tokens",
        _lookalike,
    ),
    Threat("format.flood", _FORMAT, "thousands of tags that never close, for patterns that backtrack", "threats 1.3: regex floods", _tag_flood),
    Threat(
        "json.repeated_key",
        frozenset({Surface.JSON}),
        "a key twice: the validator reads one value, the user another",
        "RFC 8259, section 4",
        _json_repeated_key,
    ),
    Threat("json.several", frozenset({Surface.JSON}), "several values, one of which is right", "threats 1.1: answer listing", _json_several),
    Threat("json.type_confusion", frozenset({Surface.JSON}), "true for 1, '3' for 3", "threats 1.6: compare values with their types", _json_type_confusion),
    Threat("json.nothing", frozenset({Surface.JSON}), "an empty value", "threats 0.3: missing evidence must never pass", _json_nothing),
    Threat(
        "sql.constant", frozenset({Surface.SQL}), "the expected rows written out as constants", "Zhong et al. 2020: one database is not enough", _sql_constant
    ),
    Threat("sql.writes", frozenset({Surface.SQL}), "statements that change, attach or load something", "threats 1.6: state between checks", _sql_writes),
    Threat("sql.several", frozenset({Surface.SQL}), "several queries, one of which is right", "threats 1.1: answer listing", _sql_several),
    Threat("sql.empty", frozenset({Surface.SQL}), "a query that returns nothing, equal to a failure that returns nothing", "threats 0.3", _sql_empty),
    Threat("instructions.hidden_words", frozenset({Surface.INSTRUCTIONS}), "keywords inside other words", "Zhou et al. 2023, keywords", _hidden_words),
    Threat("instructions.all_options", frozenset({Surface.INSTRUCTIONS}), "every allowed answer at once", "threats 1.4", _all_options),
    Threat("instructions.says_it_obeys", frozenset({Surface.INSTRUCTIONS}), "a claim to have obeyed, or nothing", "threats 0.3", _says_it_obeys),
)
