"""JSON and SQL answers: right ones, and ways to be paid without them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proctor.core.task import Outcome, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.blocks import fenced, fenced_whole, tagged
from proctor.verifiers.sql import QueryError, SqlVerifier, moving_groups, orders_rows, permuted, same_rows
from proctor.verifiers.structured import JsonVerifier, same_json

CORRECT, INCORRECT, UNPARSED = Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNPARSED
VALUE = {"name": "Ada", "age": 36, "tags": ["a", "b"], "ok": True}


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [
        ('{"age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"]}', CORRECT),
        ('{"age": 36.0, "ok": true, "name": "Ada", "tags": ["a", "b"]}', CORRECT),
        ('Here:\n```json\n{"age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"]}\n```', CORRECT),
        ('<think>{}</think><answer>{"age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"]}</answer>', CORRECT),
        ('{"age": 36, "ok": 1, "name": "Ada", "tags": ["a", "b"]}', INCORRECT),
        ('{"age": "36", "ok": true, "name": "Ada", "tags": ["a", "b"]}', INCORRECT),
        ('{"age": 36, "ok": true, "name": "Ada", "tags": ["b", "a"]}', INCORRECT),
        ('{"age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"], "more": 1}', INCORRECT),
        ('{"age": 35, "age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"]}', UNPARSED),
        ('<answer>{"age": 1}</answer><answer>{"age": 36, "ok": true, "name": "Ada", "tags": ["a", "b"]}</answer>', INCORRECT),
        ("[" * 100_000, UNPARSED),
        ('{"age": NaN}', UNPARSED),
        ('{"age": 1e999}', UNPARSED),
        ("", UNPARSED),
        ("<think>{}", UNPARSED),
    ],
)
def test_json_value(completion: str, outcome: Outcome) -> None:
    for answer in (VALUE, '{"name": "Ada", "age": 36, "tags": ["a", "b"], "ok": true}'):
        assert JsonVerifier()(completion, Task("t", "", answer)).outcome is outcome
    task = Task("t", "", VALUE)
    assert JsonVerifier()(JsonVerifier().gold(task), task).outcome is CORRECT


def test_same_json_keeps_kinds_apart() -> None:
    assert same_json(1, 1.0) and same_json([None], [None]) and same_json({}, {})
    for one, other in ((1, True), (0, False), ("1", 1), (None, False), ([], {}), ([1], [1, 2]), ({"a": 1}, {"b": 1}), (10**30 + 1, 10**30)):
        assert not same_json(one, other) and not same_json(other, one)


def test_json_schema() -> None:
    pytest.importorskip("jsonschema")
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"], "examples": [{"n": 2}]}
    task = Task("t", "", info={"schema": schema})
    verifier = JsonVerifier()
    assert verifier('{"n": 3}', task).outcome is CORRECT
    assert verifier(verifier.gold(task), task).outcome is CORRECT
    low = verifier('{"n": 0}', task)
    assert low.outcome is INCORRECT and low.reason.startswith("at n: ")
    assert verifier("{}", task).outcome is INCORRECT
    assert verifier('{"n": true}', task).outcome is INCORRECT


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("email", "x@y.org", "x"),
        ("email", "x@y", "@"),
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T23:59:59.5Z", "2024-02-30T10:00:00Z"),
        ("date-time", "2024-02-29t10:00:00+01:00", "2024-02-29 10:00"),
        ("uri", "https://x.org/a?b#c", "x.org"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "::1", "1"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
        ("regex", "a+", "a("),
    ],
)
def test_formats_of_a_schema_are_checked(name: str, right: str, wrong: str) -> None:
    pytest.importorskip("jsonschema")
    task = Task("t", "", info={"schema": {"type": "object", "properties": {"x": {"format": name}}, "required": ["x"]}})
    assert JsonVerifier()(json.dumps({"x": right}), task).outcome is CORRECT
    assert JsonVerifier()(json.dumps({"x": wrong}), task).outcome is INCORRECT
    assert JsonVerifier()('{"x": 1}', task).outcome is CORRECT  # a format speaks of texts only


def test_null_is_a_reference_like_others() -> None:
    task = Task("t", "", "null")
    assert JsonVerifier()(JsonVerifier().gold(task), task).outcome is CORRECT
    assert JsonVerifier()("{}", task).outcome is INCORRECT and JsonVerifier()("None", task).outcome is UNPARSED
    pytest.importorskip("jsonschema")
    assert JsonVerifier()("1", Task("t", "", "null", {"schema": {"type": ["null", "integer"]}})).outcome is INCORRECT


def test_numbers_that_no_float_holds_are_not_all_the_same() -> None:
    with pytest.raises(TaskError, match="too large a number"):
        JsonVerifier()("1e999", Task("t", "", "1e998"))
    assert JsonVerifier()("1e999", Task("t", "", "1e308")).outcome is UNPARSED
    assert JsonVerifier()("1e308", Task("t", "", "1E+308")).outcome is CORRECT


@pytest.mark.parametrize(
    ("answer", "info", "message"),
    [
        (None, {}, "neither"),
        (None, {"schema": {}}, "satisfied by anything"),
        (None, {"schema": {"type": "objekt"}}, "malformed"),
        (None, {"schema": "{"}, "not JSON"),
        ("{", {}, "not JSON"),
        ("Ada", {}, "needs its quotes"),
    ],
)
def test_broken_json_tasks(answer: Any, info: dict[str, Any], message: str) -> None:
    pytest.importorskip("jsonschema")
    with pytest.raises(TaskError, match=message):
        JsonVerifier()("{}", Task("t", "", answer, info))


def test_a_schema_never_fetches() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    task = Task("t", "", info={"schema": {"$ref": "http://127.0.0.1:9/schema.json", "type": "object"}})
    with pytest.raises(Exception, match="Unresolvable") as caught:
        JsonVerifier()('{"a": 1}', task)
    assert isinstance(caught.value, jsonschema.exceptions._WrappedReferencingError)


PEOPLE = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Bob', 41), (3, 'Cy', 17), (4, 'Di', NULL), (5, 'Ed', 64), (6, 'Flo', 12);
"""
COUNT = Task("count", "", "SELECT COUNT(*) FROM people WHERE age > 30;", {"database": PEOPLE})
NAMES = Task("names", "", "SELECT name, age FROM people WHERE age > 30 ORDER BY age", {"database": PEOPLE})


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_sql(engine: str) -> None:
    if engine == "duckdb":
        pytest.importorskip("duckdb")
    verifier = SqlVerifier(engine=engine)  # type: ignore[arg-type]
    for task in (COUNT, NAMES):
        assert verifier(verifier.gold(task), task).outcome is CORRECT
    for query in ("select sum(case when age >= 31 then 1 else 0 end) from people", "```sql\nSELECT COUNT(id) AS n FROM people WHERE NOT age <= 30;\n```"):
        assert verifier(query, COUNT).outcome is CORRECT, query
    for query in (
        "SELECT 3",
        "SELECT COUNT(*) FROM people",
        "SELECT name FROM people",
        "DROP TABLE people",
        "DELETE FROM people",
        "SELECT 1; SELECT COUNT(*) FROM people WHERE age > 30",
        "ATTACH '/tmp/x' AS y",
        "PRAGMA table_info(people)",
        "SELECT nonsense FROM nowhere",
        "SELECT COUNT(*) FROM people WHERE age > 30 UNION ALL SELECT 1",
        "x" * 20_000,
        "-- nothing",
    ):
        assert verifier(query, COUNT).outcome is INCORRECT, query
    for query in ("SELECT name, age FROM people WHERE age > 30 ORDER BY age DESC", "SELECT age, name FROM people WHERE age > 30 ORDER BY age"):
        assert verifier(query, NAMES).outcome is INCORRECT, query
    assert verifier("", COUNT).outcome is UNPARSED
    assert verifier("```sql\nSELECT 1\n```", COUNT).outcome is INCORRECT


def test_a_constant_that_hits_one_database_is_found_on_the_others() -> None:
    assert SqlVerifier(num_variants=0)("SELECT 3", COUNT).outcome is CORRECT
    assert SqlVerifier()("SELECT 3", COUNT).reason == "returns other rows on a reduced copy of the database"
    two = Task("t", "", COUNT.answer, {"database": [PEOPLE, PEOPLE + "INSERT INTO people VALUES (7, 'Gus', 50);"]})
    assert SqlVerifier(num_variants=0)("SELECT 3", two).outcome is INCORRECT


@pytest.mark.parametrize(
    ("query", "is_ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t GROUP BY a ORDER BY COUNT(*) DESC", True),
        ("SELECT a FROM t ORDER BY LOWER(a) -- by (name", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT ') ORDER BY a' FROM t", False),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", False),
    ],
)
def test_an_order_is_one_outside_all_brackets(query: str, is_ordered: bool) -> None:
    assert orders_rows(query) is is_ordered


@pytest.mark.parametrize(
    ("reference", "constant"),
    [("SELECT MAX(age) FROM people", "SELECT 64"), ("SELECT name FROM people WHERE age = 64", "SELECT 'Ed'"), ("SELECT COUNT(*) FROM people", "SELECT 6")],
)
def test_every_row_is_missing_from_a_copy_so_that_no_constant_is_paid(reference: str, constant: str) -> None:
    script = PEOPLE + "CREATE TABLE odd (k TEXT PRIMARY KEY, v INTEGER) WITHOUT ROWID; INSERT INTO odd VALUES ('a', 1), ('b', 2);"
    task = Task("t", "", reference, {"database": script})
    assert SqlVerifier()(f"```sql\n{reference}\n```", task).outcome is Outcome.CORRECT
    assert SqlVerifier()(f"```sql\n{constant}\n```", task).outcome is Outcome.INCORRECT


def test_a_reference_that_no_copy_changes_is_refused() -> None:
    with pytest.raises(TaskError, match="a constant would be paid"):
        SqlVerifier()("SELECT NULL WHERE 0", Task("t", "", "SELECT name FROM people WHERE age > 1000", {"database": PEOPLE}))


ADULTS = Task("adults", "", "SELECT name FROM people WHERE age > 30", {"database": PEOPLE})
SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, city TEXT, country TEXT);
CREATE TABLE orders (customer INTEGER REFERENCES customers (id), day INTEGER, cents INTEGER CHECK (cents > day), PRIMARY KEY (customer, day));
INSERT INTO customers VALUES (1, 'a@x', 'Rome', 'Italy'), (2, 'b@x', 'Oslo', 'Norway'), (3, 'c@x', 'Pisa', 'Italy'), (4, 'd@x', 'Rome', 'Italy'),
  (5, 'e@x', 'Oslo', 'Norway'), (6, 'f@x', 'Pisa', 'Italy'), (7, 'g@x', 'Bern', 'Swiss'), (8, 'h@x', 'Bern', 'Swiss');
INSERT INTO orders VALUES (1, 1, 50), (1, 2, 70), (2, 1, 20), (3, 9, 90), (5, 4, 10), (6, 4, 65), (7, 7, 95), (8, 1, 5);
"""


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_constants_tied_to_rows_are_found_out(engine: str) -> None:
    if engine == "duckdb":
        pytest.importorskip("duckdb")
    verifier = SqlVerifier(engine=engine)  # type: ignore[arg-type]
    for right in ("SELECT name FROM people WHERE NOT age <= 30", "SELECT p.name FROM people p JOIN people q ON p.id = q.id WHERE q.age >= 31"):
        assert verifier(right, ADULTS).outcome is CORRECT, right
    rowids = (1, 2, 5) if engine == "sqlite" else (0, 1, 4)
    for wrong in ("id IN (1, 2, 5)", "name IN ('Ada', 'Bob', 'Ed')", f"rowid IN {rowids}"):
        score = verifier(f"SELECT name FROM people WHERE {wrong}", ADULTS)
        assert score.outcome is INCORRECT and score.reason == "returns other rows on a copy of the database with permuted values", wrong
    assert SqlVerifier(num_variants=0)("SELECT name FROM people WHERE id IN (1, 2, 5)", ADULTS).outcome is CORRECT


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
@pytest.mark.parametrize(
    ("reference", "same"),
    [
        ("SELECT city, country, COUNT(*) FROM customers GROUP BY city, country", "SELECT city, MAX(country), COUNT(id) FROM customers GROUP BY city"),
        ("SELECT c.city, SUM(o.cents) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1", None),
        (
            "SELECT email FROM customers WHERE id NOT IN (SELECT customer FROM orders)",
            "SELECT email FROM customers LEFT JOIN orders ON customer = id WHERE day IS NULL",
        ),
    ],
)
def test_what_holds_between_columns_and_tables_holds_in_permuted_copies(engine: str, reference: str, same: str | None) -> None:
    if engine == "duckdb":
        pytest.importorskip("duckdb")
    script = SHOP if engine == "sqlite" else SHOP.replace(" REFERENCES customers (id)", "")  # DuckDB deletes no row that another one refers to
    task = Task("t", "", reference, {"database": script})
    assert SqlVerifier(engine=engine)(same or reference, task).outcome is CORRECT  # type: ignore[arg-type]


def test_constraints_triggers_and_computed_columns_survive_a_permuted_copy() -> None:
    script = """
    PRAGMA foreign_keys = ON;
    CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER UNIQUE, y INTEGER CHECK (y > x), z INTEGER, w INTEGER AS (z + 1));
    CREATE TABLE b (a INTEGER REFERENCES a (id) ON DELETE CASCADE, k TEXT, PRIMARY KEY (a, k)) WITHOUT ROWID;
    CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'kept'); END;
    """
    script += "".join(f"INSERT INTO a (id, x, y, z) VALUES ({i}, {i}, {i + 1}, {i * i}); INSERT INTO b VALUES ({i}, 'k{i}');" for i in range(8))
    run = SqlVerifier()._run
    before, after = (run(script, variant, "SELECT * FROM a ORDER BY id") for variant in (0, -1))
    for place in range(4):
        assert sorted(row[place] for row in before) == sorted(row[place] for row in after)
    assert [row[:2] for row in before] != [row[:2] for row in after] or [row[3] for row in before] != [row[3] for row in after]
    assert all(y > x and w == z + 1 for _, x, y, z, w in after) and [row[0] for row in after] == list(range(8))
    assert len(run(script, -1, "SELECT * FROM b")) == 8


def test_columns_that_move_together() -> None:
    rows = [(1, "Rome", "Italy", 3), (2, "Oslo", "Norway", 1), (3, "Pisa", "Italy", 2), (4, "Rome", "Italy", 1), (5, "Oslo", "Norway", 4)]
    assert moving_groups(rows, keys=[0]) == [(1, 2), (3,)]
    assert moving_groups(rows, keys=[1]) == [(0,), (3,)]
    assert moving_groups([], keys=[]) == moving_groups(rows[:1], keys=[]) == []
    assert permuted(rows, [(1, 2), (3,)], "t", -1) != permuted(rows, [(1, 2), (3,)], "t", -2) != rows


def test_a_permuted_copy_on_which_the_reference_fails_is_left_out() -> None:
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, kind TEXT, body TEXT); INSERT INTO t VALUES "
    script += ", ".join(f"({i}, 'json', '[{i}]'), ({i + 10}, 'text', 'no json {i}')" for i in range(6))
    task = Task("t", "", "SELECT id, json_extract(body, '$[0]') FROM t WHERE kind = 'json'", {"database": script})
    with pytest.raises(QueryError, match="malformed JSON"):
        SqlVerifier()._run(script, -1, str(task.answer))
    assert SqlVerifier()(str(task.answer), task).outcome is CORRECT


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [
        ("```sql\n{}\n```\nwhich gives\n```\n3\n```", CORRECT),
        ("```\n{}\n```", CORRECT),
        *((f"```{label}\n{{}}\n```", CORRECT) for label in ("mysql", "sqlite", "postgresql", "duckdb", "SQL")),
        ("```sql\n{}\n```\nor rather\n```mysql\nSELECT 1\n```", INCORRECT),
        ("```sql\nSELECT 1\n```\n```\n{}\n```", INCORRECT),
    ],
)
def test_the_query_is_the_last_fence_labelled_as_one(completion: str, outcome: Outcome) -> None:
    assert SqlVerifier()(completion.format(COUNT.answer), COUNT).outcome is outcome


def test_sqlite_is_bounded() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    assert "interrupted" in SqlVerifier(num_variants=0)(endless, COUNT).reason
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"
    assert "more than" in SqlVerifier(num_variants=0)(many, COUNT).reason
    assert SqlVerifier(num_variants=0)("SELECT hex(zeroblob(900000000))", COUNT).outcome is INCORRECT
    assert "not authorized" in SqlVerifier(num_variants=0)("SELECT load_extension('x')", COUNT).reason


def test_duckdb_reads_no_files(tmp_path: Any) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "secret.csv").write_text("a\n3\n")
    score = SqlVerifier("duckdb", num_variants=0)(f"SELECT * FROM read_csv('{tmp_path}/secret.csv')", COUNT)
    assert score.outcome is INCORRECT and "Permission" in score.reason


def test_rows() -> None:
    assert same_rows([(1, None, "a")], [(1.0, None, "a")], is_ordered=True)
    assert same_rows([(0.1 + 0.2,)], [(0.3,)], is_ordered=True)
    assert same_rows([(1,), (2,)], [(2,), (1,)], is_ordered=False) and not same_rows([(1,), (2,)], [(2,), (1,)], is_ordered=True)
    assert not same_rows([(1,), (1,), (2,)], [(1,), (2,), (2,)], is_ordered=False)
    assert not same_rows([("1",)], [(1,)], is_ordered=True) and not same_rows([(10**17 + 1,)], [(10**17,)], is_ordered=True)


@pytest.mark.parametrize(
    ("answer", "info", "message"),
    [
        ("", {"database": PEOPLE}, "no reference query"),
        ("SELECT 1", {}, "has no database"),
        ("SELECT 1", {"database": "CREATE TABL"}, "script fails"),
        ("SELECT x FROM people", {"database": PEOPLE}, "reference query of task t fails"),
    ],
)
def test_broken_sql_tasks(answer: str, info: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        SqlVerifier()("SELECT 1", Task("t", "", answer, info))
    with pytest.raises(ConfigError, match="sqlite"):
        SqlVerifier("postgres")  # type: ignore[arg-type]


def test_blocks() -> None:
    text = "a <answer> x </answer> b <answer>y<answer>z</answer> <answer>open"
    assert tagged(text, "answer") == ["x", "z"]
    assert tagged("<answer>" * 50_000, "answer") == []
    assert fenced("```sql\na\n```\n```\nb\n```\n```python\nc\n```\n```sql\nopen", ("", "sql")) == ["a", "b"]
    assert fenced_whole("```json\n{}\n```", ("json",)) == "{}"
    assert fenced_whole("```json\n1\n```\n```json\n2\n```", ("json",)).startswith("```json")
    assert fenced_whole("plain", ("json",)) == "plain"
