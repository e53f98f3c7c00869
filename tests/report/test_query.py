"""The search language: its meaning against a naive evaluation, and that nothing typed into it becomes SQL."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import ConfigError
from proctor.report.library import Library
from proctor.report.query import FIELDS, Both, Comparison, Contains, Either, Node, Not, condition, parse


def test_the_example_of_the_documentation() -> None:
    assert parse("reward > 0.9 and length < 20") == Both(Comparison("reward", ">", 0.9), Comparison("length", "<", 20.0))
    assert condition(parse("reward > 0.9 and length < 20")).parameters == (0.9, 20.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  ", None),
        ("cat", Contains("cat")),
        ('"two words"', Contains("two words")),
        ('"a \\"quoted\\" \\\\ word"', Contains('a "quoted" \\ word')),
        ("a b", Both(Contains("a"), Contains("b"))),
        ("a or b and c", Either(Contains("a"), Both(Contains("b"), Contains("c")))),
        ("(a or b) c", Both(Either(Contains("a"), Contains("b")), Contains("c"))),
        ("not a b", Both(Not(Contains("a")), Contains("b"))),
        ("reward>=-1e-3", Comparison("reward", ">=", -0.001)),
        ("status == finished", Comparison("status", "=", "finished")),
        ("status != error OR task ~ sum", Either(Comparison("status", "!=", "error"), Comparison("task", "~", "sum"))),
        ("flag = repeated_ngrams", Comparison("flag", "=", "repeated_ngrams")),
        ("reward", Contains("reward")),
    ],
)
def test_reads(text: str, expected: Node | None) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("reward > ", "value"),
        ("reward > high", "not a number"),
        ("rewrd > 1", "fields are reward"),
        ("reward ~ 1", "allowed are = !="),
        ("(a or b", "`)`"),
        ("a )", "expected"),
        ("and", "field"),
        ("> 3", "field"),
        ('"no end', "end with a quote"),
        ("flag = nothing", "unanimous_group"),
        ("verdict = good", "wrongly_rewarded"),
        ("a" * 5000, "at most 4000"),
        ("(" * 60 + "a" + ")" * 60, "deeper than 40"),
        ("not " * 60 + "a", "deeper than 40"),
    ],
)
def test_says_what_is_wrong(text: str, part: str) -> None:
    if text == "and":  # a connective alone is read as a word: nothing stands before it
        assert parse(text) == Contains("and")
        return
    with pytest.raises(ConfigError, match=part.replace("(", r"\(").replace(")", r"\)").replace("!", r"\!")):
        parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_query_or_a_message(text: str) -> None:
    try:
        node = parse(text)
    except ConfigError as error:
        assert str(error)
        return
    compiled = condition(node, marks={"wrongly_rewarded": ["0/0/0"]})
    assert compiled.sql.count("?") == len(compiled.parameters)


_HOSTILE = ["'; DROP TABLE rollouts; --", "x' OR '1'='1", '" OR 1=1 --', "read_csv('/etc/passwd')", "); SELECT 1; (", "\\", "??", "%", "\0"]


@pytest.mark.parametrize("value", _HOSTILE)
@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.kind == "text"])
def test_values_never_become_sql(small: Library, name: str, value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    compiled = condition(parse(f'{name} ~ "{quoted}"'))
    assert compiled.parameters == (value,)
    assert value not in compiled.sql
    assert small.store.count(list(small.runs[0].files.values()), compiled) == 0


_ROWS = [
    {"reward": 1.0, "length": 4, "text": "the answer is 4", "index": 0},
    {"reward": 0.0, "length": 4, "text": "five", "index": 1},
    {"reward": None, "length": 4, "text": "", "index": 0},
    {"reward": 0.5, "length": 4, "text": "maybe 7", "index": 1},
]
_LEAVES = st.one_of(
    st.builds(Contains, st.sampled_from(["answer", "E", "7", "zebra"])),
    st.builds(
        Comparison, st.sampled_from(["reward", "length", "index"]), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from([0.0, 0.5, 1.0, 4.0])
    ),
)
_NODES = st.recursive(_LEAVES, lambda inner: st.one_of(st.builds(Not, inner), st.builds(Both, inner, inner), st.builds(Either, inner, inner)), max_leaves=6)


def _holds(node: Node, row: dict[str, Any]) -> bool | None:
    """The three-valued logic of a comparison with nothing, by hand."""
    match node:
        case Contains(text):
            return text.lower() in row["text"].lower()
        case Comparison(field, operator, value):
            given = row[field]
            if given is None:
                return None
            return {"=": given == value, "!=": given != value, "<": given < value, "<=": given <= value, ">": given > value, ">=": given >= value}[operator]  # type: ignore[operator]
        case Not(inner):
            return not _holds(inner, row)
        case Both(left, right):
            both = (_holds(left, row), _holds(right, row))
            return False if False in both else None if None in both else True
        case Either(left, right):
            either = (_holds(left, row), _holds(right, row))
            return True if True in either else None if None in either else False


@pytest.fixture(scope="module")
def searchable(tmp_path_factory: pytest.TempPathFactory):
    """The rows above in a file."""
    import pyarrow.parquet as pq

    from tests.report.tables import row, table

    path = tmp_path_factory.mktemp("query") / "rows.parquet"
    rows = [row(group=place, index=each["index"], reward=each["reward"], text=each["text"]) for place, each in enumerate(_ROWS)]
    pq.write_table(table(rows), path)
    library = Library([path])
    yield library
    library.close()


@given(_NODES)
def test_finds_what_a_naive_evaluation_finds(searchable: Library, node: Node) -> None:
    found = searchable.store.keys(list(searchable.runs[0].files.values()), condition(node), order="place", limit=10)
    assert [key.group for key in found] == [place for place, row in enumerate(_ROWS) if _holds(node, row)]
