"""Every kind of instruction with texts that obey and texts that nearly do."""

from __future__ import annotations

from typing import Any

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.base import ScoreRequest
from proctor.verifiers.constraints import CONSTRAINTS, count_sentences
from proctor.verifiers.grading import Grader
from proctor.verifiers.instructions import InstructionVerifier, variants

ENGLISH = "This is what we know of the town and of its people."
KINDS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "keywords:existence": ({"keywords": ["moon", "light year"]}, ["A Moon is a light year away."], ["moonlight year", "moon, light", ""]),
    "keywords:frequency": ({"keyword": "sea", "frequency": 2, "relation": "at least"}, ["Sea and sea."], ["sea", "season seaside sea"]),
    "keywords:forbidden_words": ({"forbidden_words": ["bad", "c++"]}, ["A badge is good."], ["Too BAD.", "I like C++."]),
    "keywords:letter_frequency": ({"letter": "E", "let_frequency": 3, "let_relation": "less than"}, ["eel", "none"], ["eel ever"]),
    "language:response_language": ({"language": "de"}, ["Das ist nicht der Weg, den wir mit dem Auto nehmen."], [ENGLISH, "Wort", "42"]),
    "length_constraints:number_sentences": (
        {"num_sentences": 3, "relation": "less than"},
        ["One. Two?", "Dr. Who met Mr. X. He left.", "Wait... what?"],
        ["One. Two. Three.", "A! B! C! D!"],
    ),
    "length_constraints:number_paragraphs": (
        {"num_paragraphs": 2},
        ["One.\n***\nTwo.", "***\nOne.\n***\nTwo.\n***"],
        ["One.", "One.\n***\n***\nTwo.", "a***b***c"],
    ),
    "length_constraints:number_words": ({"num_words": 4, "relation": "at least"}, ["one two three four"], ["one two three", "... ... ... ..."]),
    "length_constraints:number_characters": ({"num_characters": 5, "relation": "less than"}, ["abcd"], ["abcde"]),
    "length_constraints:nth_paragraph_first_word": (
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        ["First.\n\nthen we go."],
        ["First.\n\nThenceforth.", "Then.\n\nFirst.", "First.\n\nThen.\n\nLast."],
    ),
    "detectable_content:number_placeholders": ({"num_placeholders": 2}, ["Dear [name] of [city]"], ["Dear [name]", "[][]", "[a\nb] [c]"]),
    "detectable_content:postscript": (
        {"postscript_marker": "P.P.S"},
        ["Text.\nP. P. S. More.", "Text\np.p.s: x"],
        ["Text. P.P.S", "P.S. no", "Text\nP.P.S", "Text\nP.P.S.:"],
    ),
    "detectable_format:number_bullet_lists": ({"num_bullets": 2}, ["* one\n* two", "- one\ntext\n - two"], ["* one", "* a\n* b\n- c", "**bold** a\n* b"]),
    "detectable_format:constrained_response": ({}, ["My answer is maybe.", "Well. My answer is no."], ["Maybe.", "My answer is yes. My answer is no."]),
    "detectable_format:number_highlighted_sections": ({"num_highlights": 2}, ["*a* and **b**"], ["*a*", "** ** * *", "* a\n* b"]),
    "detectable_format:multiple_sections": (
        {"section_spliter": "PART", "num_sections": 2},
        ["PART 1\nOne.\nPART 2\nTwo."],
        ["PART 1\nOne.", "PART 1 PART 2", "Part 1\nOne.\nPart 2\nTwo."],
    ),
    "detectable_format:json_format": ({}, ['{"a": [1]}', '```json\n{"a": 1}\n```'], ["{a: 1}", 'x {"a": 1}', "", "NaN", '```json\n{"a": 1}\n``` done']),
    "detectable_format:title": ({}, ["<<A title>>\nText"], ["<A title>", "<<>>", "<< >>"]),
    "combination:two_responses": (
        {},
        ["One ****** Two", "One ******\nTwo\n******", "******a******b"],
        ["One", "One ****** One", "One ******", "a ****** b ****** c", "a ****** ****** b", "****** a ******"],
    ),
    "combination:repeat_prompt": ({"prompt_to_repeat": "Say  it."}, ["say  it. It."], ["Say  it.", "It. Say  it."]),
    "startend:start_checker": ({"start_phrase": "Once"}, ["once upon", '"Once!"'], ["Onceover", "At once"]),
    "startend:end_checker": ({"end_phrase": "The End."}, ["So. the end.", '"So. The end."'], ["The End. Really", "Lathe End."]),
    "startend:quotation": ({}, ['"So it is."'], ['So "it" is.', '"', '""', '"So']),
    "change_case:capital_word_frequency": ({"capital_frequency": 2, "capital_relation": "at least"}, ["NASA and ESA"], ["NASA and Esa", "nasa"]),
    "change_case:english_capital": ({}, ["ALL OF THIS IS LOUD."], ["All of this", "DAS IST NICHT DER WEG DEN WIR MIT DEM AUTO NEHMEN", "123"]),
    "change_case:english_lowercase": ({}, ["all of this is quiet."], ["All of this is quiet.", "das ist nicht der weg den wir mit dem auto nehmen"]),
    "punctuation:no_comma": ({}, ["One and two."], ["One, two.", "一，二"]),
}


def score(kind: str, arguments: dict[str, Any], text: str, **options: Any) -> Outcome | None:
    return InstructionVerifier(**options)(text, Task("t", "", info={"instructions": [{"id": kind, "arguments": arguments}]})).outcome


@pytest.mark.parametrize("kind", CONSTRAINTS)
def test_every_kind(kind: str) -> None:
    arguments, obeying, failing = KINDS[kind]
    for text in obeying:
        assert score(kind, arguments, text) is Outcome.CORRECT, text
    for text in failing:
        assert score(kind, arguments, text) in (Outcome.INCORRECT, Outcome.UNPARSED), text
    assert score(kind, arguments, f"<think>{obeying[0]}</think>") is Outcome.UNPARSED  # only what follows the reasoning counts
    assert score(kind, arguments, f"<think>{failing[0]}</think>\n{obeying[0]}") is Outcome.CORRECT


def test_the_published_kinds_are_all_there() -> None:
    assert len(CONSTRAINTS) >= 25
    groups = {name.partition(":")[0] for name in CONSTRAINTS}
    expected = {
        "keywords",
        "language",
        "length_constraints",
        "detectable_content",
        "detectable_format",
        "combination",
        "startend",
        "change_case",
        "punctuation",
    }
    assert groups == expected


def test_sentences() -> None:
    assert count_sentences("e.g. this. And that!\n\nNo stop here\n\n...") == 3
    assert count_sentences("") == count_sentences("?!... ") == 0
    assert count_sentences('He said "no." Then he left.') == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The U.S. Army has left the U.S. at 5 p.m. and not before.", 1),
        ("He lives in the U.S. She does not.", 2),
        ("We met at 5 p.m. Then we left.", 2),
        ("They met in the U.S.\n\nThey left", 2),
        ("He has a Ph.D. in law, a car, etc. and a dog. E.g. this one.", 2),
        ("The U.S.A. is large.", 1),
    ],
)
def test_a_point_within_an_abbreviation_ends_no_sentence(text: str, count: int) -> None:
    assert count_sentences(text) == count


def test_postscripts() -> None:
    for right in ("x\n**P.S.** hi", "x\nP.S.\nhi", "x\n\n*P. S.:* hi", "x\n> P.S. hi"):
        assert score("detectable_content:postscript", {"postscript_marker": "P.S."}, right) is Outcome.CORRECT, right
    for wrong in ("x\nP.S.:", "x\nP.S.\n\n---", "**P.S.**", "x P.S. hi"):
        assert score("detectable_content:postscript", {"postscript_marker": "P.S."}, wrong) is Outcome.INCORRECT, wrong


def test_a_first_word_may_have_an_apostrophe() -> None:
    arguments = {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "don't"}
    for right in ("Don't go.", "don’t", '"Don\'t!"'):
        assert score("length_constraints:nth_paragraph_first_word", arguments, right) is Outcome.CORRECT, right
    for wrong in ("Do not go.", "Don go.", "Don'tell"):
        assert score("length_constraints:nth_paragraph_first_word", arguments, wrong) is Outcome.INCORRECT, wrong


def test_an_end_phrase_is_whole_words() -> None:
    assert score("startend:end_checker", {"end_phrase": "one"}, "Not done") is Outcome.INCORRECT
    assert score("startend:end_checker", {"end_phrase": "one"}, "Not one") is Outcome.CORRECT
    assert score("startend:end_checker", {"end_phrase": "one"}, "one") is Outcome.CORRECT
    assert score("startend:end_checker", {"end_phrase": "!"}, "Done!") is Outcome.CORRECT


def test_loose_forgives_what_models_put_around() -> None:
    arguments = {"end_phrase": "The End."}
    text = "Sure, here it is:\n**The End.**\nHope it helps!"
    assert score("startend:end_checker", arguments, text) is Outcome.INCORRECT
    assert score("startend:end_checker", arguments, text, strictness="loose") is Outcome.CORRECT
    assert score("punctuation:no_comma", {}, "Sure, here:\nOne and two.", strictness="loose") is Outcome.CORRECT
    assert list(variants("a\n*b*\nc")) == ["a\n*b*\nc", "a\nb\nc", "*b*\nc", "b\nc", "a\n*b*", "a\nb", "*b*", "b"]
    assert score("punctuation:no_comma", {}, "a, b", strictness="loose") is Outcome.INCORRECT  # nothing is left when its only line goes


def test_share_and_names_of_what_failed() -> None:
    rules = [
        {"id": "punctuation:no_comma"},
        {"id": "startend:quotation"},
        {"id": "detectable_format:title", "arguments": None},
        {"id": "change_case:english_lowercase"},
    ]
    task = Task("t", "", info={"instructions": rules})
    one = InstructionVerifier()("all of this is quiet.", task)
    assert one.value == 0.0 and one.metrics["instructions_followed"] == 0.5 and one.reason == "not followed: startend:quotation, detectable_format:title"
    assert InstructionVerifier(partial_credit=True)("all of this is quiet.", task).value == 0.5


def test_published_columns_are_read() -> None:
    info = {
        "instruction_id_list": ["keywords:existence", "combination:repeat_prompt"],
        "kwargs": [{"keywords": ["blue"], "num_words": None}, {"num_words": None}],
    }
    task = Task("t", "Which colour?", info=info)
    assert InstructionVerifier()("Which colour? Blue.", task).outcome is Outcome.CORRECT
    assert InstructionVerifier()("Blue.", task).outcome is Outcome.INCORRECT


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (None, "has no instructions"),
        ([], "has no instructions"),
        ([{"id": "keywords:existense", "arguments": {}}], "Did you mean 'keywords:existence'"),
        ([{"id": "keywords:existence", "arguments": {}}], "needs keywords"),
        ([{"id": "keywords:existence", "arguments": {"keywords": "moon"}}], "must be a list of texts"),
        ([{"id": "length_constraints:number_words", "arguments": {"num_words": "ten"}}], "whole number"),
        ([{"id": "length_constraints:number_words", "arguments": {"num_words": 3, "relation": "around"}}], "'less than', 'at least'"),
        ([{"id": "language:response_language", "arguments": {"language": "xx"}}], "cannot be told"),
        (["punctuation:no_comma"], '"id" and "arguments"'),
    ],
)
def test_broken_tasks_say_so(instructions: Any, message: str) -> None:
    with pytest.raises(TaskError, match="t\\b|must|cannot") as caught:
        InstructionVerifier()("some text", Task("t", "", info={} if instructions is None else {"instructions": instructions}))
    assert message in str(caught.value)


def test_bad_strictness() -> None:
    with pytest.raises(ConfigError, match="'strict' or 'loose'"):
        InstructionVerifier(strictness="lose")  # type: ignore[arg-type]


def test_floods_do_not_cost_the_square_of_their_length() -> None:
    """Each text would take minutes with a pattern that backtracks; the worker's clock is generous beside the linear time."""
    floods = [
        "." * 100_000 + "a",
        "\n" * 100_000 + "x",
        "*" * 99_999,
        "[" * 100_000,
        "<<" * 50_000,
        "```\n" * 30_000,
        "Mr." * 40_000,
        "(\\[" * 40_000,
        "SECTION 1" * 10_000,
        "A." * 50_000 + "a",
        "U.S. " * 20_000,
        "U.S." + " " * 100_000,
        "P.P.S\n" * 20_000,
    ]
    rules = [{"id": kind, "arguments": arguments} for kind, (arguments, _, _) in KINDS.items()]
    tasks = Task("t", "", info={"instructions": rules})
    with Grader(InstructionVerifier("loose"), name="instructions", num_workers=1, timeout_s=20) as grader:
        for verdict in grader.grade([ScoreRequest(tasks, flood) for flood in floods], retry=False):
            assert verdict.fault is None and verdict.score.outcome is Outcome.INCORRECT
