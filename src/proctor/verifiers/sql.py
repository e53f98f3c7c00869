"""Verifies SQL queries by what they return, on several databases, read-only.

A constant that happens to equal one result is no query: the reference and the candidate also run on copies of the database
from which rows were removed, every row from at least one of them, and must agree on each. Nor is a list of keys that happen to be the
right ones: they also run on copies in which the values of columns have changed places among the rows. A reference whose result
none of the copies changes would pay a constant, so its task is refused. Queries run in memory, under an authorizer that allows reading
only, with a bound on steps, rows and sizes; a run in the killable worker bounds the rest.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from proctor.core.task import Score, Task
from proctor.errors import ConfigError, TaskError
from proctor.verifiers.blocks import fenced, fenced_whole, tagged
from proctor.verifiers.extraction import after_reasoning

Engine = Literal["sqlite", "duckdb"]
Rows = list[tuple[Any, ...]]
Row = TypeVar("Row")

MAX_QUERY_CHARS = 10_000
MAX_ROWS = 10_000
MAX_STEPS = 20_000_000
_STEPS_BETWEEN_CHECKS = 10_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: MAX_QUERY_CHARS * 4,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
}
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "random", "randomblob"})
_LABELS = ("sql", "sqlite", "sqlite3", "mysql", "postgresql", "postgres", "duckdb")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/", re.DOTALL)
_ORDER = re.compile(r"[()]|\border\s+by\b", re.IGNORECASE)
NUM_PARTS = 3  # of a table's rows: each reduced copy lacks one
PERMUTED = (-1, -2)
"""Numbers of the copies with permuted values: a small table can be left by one of them as it was, hardly by two."""
MAX_FITTED_COLUMNS = 20
"""Sets of columns that are tried one by one where a constraint refuses to move them together."""


class QueryError(Exception):
    """A query was refused, failed, or went over a bound."""


@dataclass(frozen=True, slots=True)
class SqlVerifier:
    """CORRECT if the query returns what the reference query returns, on the database and on reduced and permuted copies of it.

    The task's answer is the reference query; `info["database"]` is a script of CREATE TABLE and INSERT statements, or a list of such
    scripts. The query stands in `<answer>`, else in the last code fence labelled as a query, else in the last unlabelled one, else it is the
    whole text. Rows are compared in order
    where the reference orders them, else as a multiset; names of columns do not matter.

    On a permuted copy each column has the same values in other rows. The primary key stays, and columns of which one follows from the
    other (a city and its country) move together; what follows by arithmetic (a total from price and number) comes apart, so a query that
    puts the one for the other is refused.

    Source: Zhong, Yu and Klein 2020 (2010.02840): execution on one database accepts wrong queries; several databases tell them apart.

    Attributes:
        engine: `sqlite` (in the standard library) or `duckdb` (extra `duckdb`).
        num_variants: reduced copies of each database; with fewer than three some rows are in all of them. With none there are no copies at
            all, and a constant is paid.
    """

    engine: Engine = "sqlite"
    num_variants: int = 3

    def __post_init__(self) -> None:
        if self.engine not in ("sqlite", "duckdb") or self.num_variants < 0:
            raise ConfigError(f"engine must be 'sqlite' or 'duckdb' and num_variants at least 0, not {self.engine!r} and {self.num_variants}")

    def __call__(self, completion: str, task: Task) -> Score:
        """Score one completion.

        Raises:
            TaskError: the task has no database or reference query, or they fail, or no copy changes what the reference returns.
            ConfigError: the package of the engine is missing.
        """
        gold = _gold_query(task)
        text = after_reasoning(completion)
        if text is None:
            return Score.unparsed("the reasoning is not closed by </think>")
        found = tagged(text, "answer") or fenced(text, _LABELS)[-1:] or fenced(text, ("",))[-1:] or [text]
        query = fenced_whole(found[-1], ("", *_LABELS)).rstrip(";").strip()
        if len(set(found)) > 1:
            return Score.incorrect(query[:1000], "conflicting answers")
        if not query:
            return Score.unparsed("no query found")
        is_ordered = orders_rows(gold)
        results = list(self._results(gold, task))
        if self.num_variants and all(same_rows(results[0][2], expected, is_ordered=is_ordered) for _, _, expected in results[1:]):
            raise TaskError(
                f"the reference query of task {task.id} returns the same from every copy of its database, so a constant would be paid: "
                'give info["database"] rows that its result depends on, or a second database'
            )
        for script, variant, expected in results:
            try:
                rows = self._run(script, variant, query)
            except QueryError as error:
                return Score.incorrect(query[:1000], str(error)[:300])
            if not same_rows(expected, rows, is_ordered=is_ordered):
                return Score.incorrect(query[:1000], f"returns other rows{_where(variant)}")
        return Score.correct(query[:1000])

    def gold(self, task: Task) -> str:
        """Return the completion that must be CORRECT."""
        return f"```sql\n{_gold_query(task)}\n```"

    def _databases(self, task: Task) -> Iterator[tuple[str, int]]:
        given = task.info.get("database")
        scripts = [given] if isinstance(given, str) else given
        if not isinstance(scripts, (list, tuple)) or not scripts or not all(isinstance(script, str) and script.strip() for script in scripts):
            raise TaskError(f'task {task.id} has no database: give info["database"] as a script of CREATE TABLE and INSERT statements')
        for script in scripts:
            yield from ((script, variant) for variant in (*range(self.num_variants + 1), *(PERMUTED if self.num_variants else ())))

    def _results(self, gold: str, task: Task) -> Iterator[tuple[str, int, Rows]]:
        """What the reference returns on each copy, without the permuted ones on which it fails: not every query is made for any values."""
        for script, variant in self._databases(task):
            try:
                yield script, variant, self._run(script, variant, gold)
            except QueryError as error:
                if variant not in PERMUTED:
                    raise TaskError(f"the reference query of task {task.id} fails: {error}") from error

    def _run(self, script: str, variant: int, query: str) -> Rows:
        if len(query) > MAX_QUERY_CHARS:
            raise QueryError(f"the query is longer than {MAX_QUERY_CHARS} characters")
        return _run_sqlite(script, variant, query) if self.engine == "sqlite" else _run_duckdb(script, variant, query)


def _where(variant: int) -> str:
    """On which copy of the database, in words; the number is 0 for the database itself."""
    if not variant:
        return ""
    return " on a copy of the database with permuted values" if variant in PERMUTED else " on a reduced copy of the database"


def orders_rows(query: str) -> bool:
    """Whether a query says the order of its rows: by an ORDER BY outside all brackets."""
    depth = 0
    for found in _ORDER.finditer(_QUOTED.sub(" ", query)):
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
        elif not depth:
            return True
    return False


def _gold_query(task: Task) -> str:
    query = "" if task.answer is None else str(task.answer).strip().rstrip(";").strip()
    if not query:
        raise TaskError(f"task {task.id} has no reference query")
    return query


def same_rows(expected: Rows, rows: Rows, *, is_ordered: bool) -> bool:
    """Whether two results are the same: numbers by value to nine digits, NULL equal to NULL, columns in order."""
    ours, theirs = [tuple(_plain(cell) for cell in row) for row in expected], [tuple(_plain(cell) for cell in row) for row in rows]
    return ours == theirs if is_ordered else Counter(ours) == Counter(theirs)


def _plain(cell: Any) -> Any:
    """A cell as something hashable; integers stay exact, other numbers are rounded to nine significant digits."""
    if isinstance(cell, bool) or cell is None or isinstance(cell, (str, bytes)):
        return (type(cell).__name__, cell)
    if isinstance(cell, int):
        return ("number", cell)
    try:
        rounded = float(f"{float(cell):.9g}")
    except (TypeError, ValueError, OverflowError):
        return (type(cell).__name__, repr(cell))
    return ("number", int(rounded) if rounded.is_integer() else rounded)


def _run_sqlite(script: str, variant: int, query: str) -> Rows:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        try:
            database.executescript(script)
        except sqlite3.Error as error:
            raise TaskError(f"the database script fails: {error}") from error
        if variant in PERMUTED:
            _permute_sqlite(database, variant)
        elif variant:
            _reduce_sqlite(database, variant)
        for limit, value in _LIMITS.items():
            database.setlimit(limit, value)
        steps = iter(range(MAX_STEPS // _STEPS_BETWEEN_CHECKS))
        database.set_progress_handler(lambda: next(steps, None) is None, _STEPS_BETWEEN_CHECKS)
        database.set_authorizer(_authorize)
        try:
            rows = database.execute(query).fetchmany(MAX_ROWS + 1)
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, UnicodeError) as error:
            raise QueryError(f"{type(error).__name__}: {error}") from None
    if len(rows) > MAX_ROWS:
        raise QueryError(f"more than {MAX_ROWS} rows")
    return rows


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    """Allow reading the data, and nothing else: no writing, no ATTACH, no PRAGMA, no extension."""
    if action not in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and str(second).lower() in _FORBIDDEN_FUNCTIONS):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _reduce_sqlite(database: sqlite3.Connection, variant: int) -> None:
    """Remove the rows that one variant lacks; of a table without row ids they are found by all their values."""
    for name in _tables_sqlite(database):
        try:
            keys = [(row,) for (row,) in database.execute(f"SELECT rowid FROM {name} ORDER BY rowid")]
            columns = ["rowid"]
        except sqlite3.OperationalError:
            found = database.execute(f"SELECT * FROM {name}")
            columns = [_quoted(column[0]) for column in found.description]
            keys = sorted(found.fetchall(), key=repr)
        where = " AND ".join(f"{column} IS ?" for column in columns)
        database.executemany(f"DELETE FROM {name} WHERE {where}", lacking(keys, name, variant))


def _tables_sqlite(database: sqlite3.Connection) -> list[str]:
    names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    return [_quoted(name) for (name,) in names.fetchall()]


def _permute_sqlite(database: sqlite3.Connection, variant: int) -> None:
    """Write every table anew with permuted values. Triggers and references between tables are switched off: nothing else may change."""
    database.execute("PRAGMA foreign_keys = OFF")
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {_quoted(trigger)}")
    for name in _tables_sqlite(database):
        try:
            columns = [(column, bool(key)) for _, column, _, _, _, key, hidden in database.execute(f"PRAGMA table_xinfo({name})") if not hidden]
            listed = ", ".join(_quoted(column) for column, _ in columns)
            rows = database.execute(f"SELECT {listed} FROM {name}").fetchall()
        except sqlite3.Error:
            continue
        insert = f"INSERT INTO {name} ({listed}) VALUES ({', '.join('?' * len(columns))})"
        groups = moving_groups(rows, [place for place, (_, is_key) in enumerate(columns) if is_key])[:MAX_FITTED_COLUMNS]
        if groups and not _rewritten(database, name, insert, permuted(rows, groups, name, variant)):
            fitting: list[tuple[int, ...]] = []
            for group in groups:
                if _rewritten(database, name, insert, permuted(rows, [*fitting, group], name, variant)):
                    fitting.append(group)


def _rewritten(database: sqlite3.Connection, name: str, insert: str, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Put other rows into a table; where a constraint refuses one of them, leave the table as it was and return False."""
    database.execute("BEGIN")
    try:
        database.execute(f"DELETE FROM {name}")
        database.executemany(insert, rows)
    except sqlite3.Error:
        database.execute("ROLLBACK")
        return False
    database.execute("COMMIT")
    return True


def moving_groups(rows: Sequence[tuple[Any, ...]], keys: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the columns of a table that may change places among its rows, in sets that move together.

    The primary key stays. Where equal values of one column always come with equal values of another (a city with its country), the two
    stay together: a right query may rely on that. A column without equal values says nothing about the others.
    """
    columns = [[repr(row[place]) for row in rows] for place in range(len(rows[0]) if rows else 0)]
    sizes = [len(set(column)) for column in columns]
    group = {place: min(keys) if place in keys else place for place in range(len(columns)) if sizes[place] > 1}
    for one in group:
        for other in group:
            if sizes[other] <= sizes[one] < len(rows) and group[one] != group[other] and _determines(columns[one], columns[other]):
                joined, gone = group[one], group[other]
                group.update({place: joined for place in group if group[place] == gone})
    staying = {group[key] for key in keys if key in group}
    found: dict[int, list[int]] = {}
    for place, number in group.items():
        found.setdefault(number, []).append(place)
    return [tuple(places) for number, places in found.items() if number not in staying]


def _determines(one: Sequence[Any], other: Sequence[Any]) -> bool:
    partner: dict[Any, Any] = {}
    return all(partner.setdefault(mine, theirs) == theirs for mine, theirs in zip(one, other, strict=True))


def permuted(rows: Sequence[tuple[Any, ...]], groups: Sequence[tuple[int, ...]], name: str, variant: int) -> list[tuple[Any, ...]]:
    """The rows of a table with the values of each set of columns in another order, the same one every time."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    for group in groups:
        order = list(range(len(rows)))
        random.Random(f"{name}/{variant}/{group}").shuffle(order)
        for place in group:
            columns[place] = [rows[row][place] for row in order]
    return list(zip(*columns, strict=True))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def lacking(rows: Sequence[Row], name: str, variant: int) -> list[Row]:
    """The rows of a table that a reduced copy lacks, the same ones every time: a part of a random division, so that every row is missing from one copy."""
    order, (division, part) = list(rows), divmod(variant - 1, NUM_PARTS)
    random.Random(f"{name}/{division}").shuffle(order)
    return order[part::NUM_PARTS]


def _run_duckdb(script: str, variant: int, query: str) -> Rows:
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError("the engine duckdb needs its package: pip install 'proctor[duckdb]'") from error
    settings = {"threads": 1, "memory_limit": "256MB", "max_temp_directory_size": "0KB", "enable_external_access": False}
    with closing(duckdb.connect(":memory:", config=settings)) as database:
        try:
            database.execute(script)
            names = [name for (name,) in database.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()]
            for name in names if variant else ():
                _permute_duckdb(database, name, variant) if variant in PERMUTED else _reduce_duckdb(database, name, variant)
        except duckdb.Error as error:
            raise TaskError(f"the database script fails: {error}") from error
        database.execute("SET lock_configuration = true")
        try:
            statements = database.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise QueryError("only one SELECT statement is allowed")
            rows = database.execute(statements[0]).fetchmany(MAX_ROWS + 1)
        except (duckdb.Error, RuntimeError, OverflowError, UnicodeError) as error:
            raise QueryError(f"{type(error).__name__}: {error}") from None
    if len(rows) > MAX_ROWS:
        raise QueryError(f"more than {MAX_ROWS} rows")
    return rows


def _reduce_duckdb(database: Any, name: str, variant: int) -> None:
    rows = [row for (row,) in database.execute(f"SELECT rowid FROM {_quoted(name)} ORDER BY rowid").fetchall()]
    if chosen := lacking(rows, _quoted(name), variant):
        database.execute(f"DELETE FROM {_quoted(name)} WHERE rowid IN ({', '.join(map(str, chosen))})")


def _permute_duckdb(database: Any, name: str, variant: int) -> None:
    """Change the places of a table's values inside the database, one set of columns at a time; what a constraint refuses stays where it is."""
    import duckdb

    table = _quoted(name)
    try:
        found = database.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index", [name]).fetchall()
        keys = {
            column
            for (columns,) in database.execute(
                "SELECT constraint_column_names FROM duckdb_constraints() WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'", [name]
            ).fetchall()
            for column in columns
        }
        rows = database.execute(f"SELECT rowid, {', '.join(_quoted(column) for (column,) in found)} FROM {table} ORDER BY rowid").fetchall()
    except duckdb.Error:
        return
    groups = moving_groups([row[1:] for row in rows], [place for place, (column,) in enumerate(found) if column in keys])
    for group in groups[:MAX_FITTED_COLUMNS]:
        moves = permuted([(row[0], row[0]) for row in rows], [(1,)], f"{name}/{group}", variant)
        try:
            _move_duckdb(database, table, [_quoted(found[place][0]) for place in group], moves)
        except duckdb.Error:
            continue
    database.execute("DROP TABLE IF EXISTS temp._moved")


def _move_duckdb(database: Any, table: str, columns: Sequence[str], moves: Sequence[tuple[Any, ...]]) -> None:
    """Give rows the values that others have, by (taker, giver). Over a table of its own: an update that reads what it changes may read what it wrote."""
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE _moved AS SELECT _taker, {', '.join(f'giver.{column}' for column in columns)} "
        f"FROM (SELECT unnest(?::BIGINT[]) AS _taker, unnest(?::BIGINT[]) AS _source) AS moves "
        f"JOIN (SELECT rowid AS _number, * FROM {table}) AS giver ON giver._number = moves._source",
        [[taker for taker, _ in moves], [giver for _, giver in moves]],
    )
    changes = ", ".join(f"{column} = _moved.{column}" for column in columns)
    database.execute(f"UPDATE {table} SET {changes} FROM _moved WHERE {table}.rowid = _moved._taker")
