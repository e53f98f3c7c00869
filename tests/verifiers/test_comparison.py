"""Outputs and values compared: what judges accept, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.errors import ConfigError
from proctor.verifiers.comparison import Comparison, same_text, same_value

LINES, TOKENS, EXACT = Comparison(), Comparison("tokens"), Comparison("exact")
CLOSE = Comparison(tolerance=1e-6)
ANY_ORDER = Comparison(ignore_order=True)


@pytest.mark.parametrize(
    ("expected", "given", "comparison", "is_same"),
    [
        ("1 2\n3\n", "1 2  \n3", LINES, True),
        ("1 2\n3", "1 2\n\n3", LINES, False),
        ("1 2\n3", "1  2\n3", LINES, False),
        ("1 2\n3", " 1 2\n3", LINES, False),
        ("1 2\n3", "1\n2   3\n\n", TOKENS, True),
        ("1 2", "12", TOKENS, False),
        ("1\n", "1", EXACT, False),
        ("", "\n \n", LINES, True),
        ("", "0", LINES, False),
        ("0.333333", "0.3333334", CLOSE, True),
        ("0.333333", "0.3334", CLOSE, False),
        ("1000000.0", "1000000.5", CLOSE, True),
        ("1000000", "1000001", CLOSE, False),
        ("123456789012345678901", "123456789012345678902", CLOSE, False),
        ("5", "5.0000000001", CLOSE, True),
        ("5.0", "nan", CLOSE, False),
        ("5.0", "inf", CLOSE, False),
        ("1e400", "1e401", CLOSE, False),
        ("yes 0.5", "no 0.5", CLOSE, False),
        ("0.5", "0.5 0.5", CLOSE, False),
        ("0.5", "٠.٥", CLOSE, False),
        ("b\na", "a\nb", ANY_ORDER, True),
        ("b\na", "a\na", ANY_ORDER, False),
        ("b a", "a b", ANY_ORDER, False),
        ("b a\nc", "c b\na", Comparison("tokens", ignore_order=True), True),
    ],
)
def test_text(expected: str, given: str, comparison: Comparison, is_same: bool) -> None:
    assert same_text(expected, given, comparison) is is_same


@pytest.mark.parametrize(
    ("expected", "given", "comparison", "is_same"),
    [
        (1, 1, LINES, True),
        (1, True, LINES, False),
        (0, False, LINES, False),
        (True, True, LINES, True),
        (None, 0, LINES, False),
        (1, 1.0, LINES, True),
        (1, "1", LINES, False),
        ("1", b"1", LINES, False),
        (10**17, float(10**17 + 1), LINES, True),
        (10**17 + 1, 10**17, CLOSE, False),
        (10**400, 1e300, CLOSE, False),
        (0.1 + 0.2, 0.3, LINES, False),
        (0.1 + 0.2, 0.3, CLOSE, True),
        (float("nan"), float("nan"), LINES, False),
        (float("inf"), float("inf"), CLOSE, True),
        ([1, [2, 3]], (1, (2, 3)), LINES, True),
        ([1, 2], [2, 1], LINES, False),
        ([1, 2], [2, 1], ANY_ORDER, True),
        ([1, 1, 2], [2, 2, 1], ANY_ORDER, False),
        ([[1], [2]], [[2], [1]], ANY_ORDER, True),
        ([[1, 2]], [[2, 1]], ANY_ORDER, False),
        ([1, True], [True, 1], ANY_ORDER, True),
        ([1, 1], [True, 1], ANY_ORDER, False),
        ([1, 2], {1, 2}, LINES, False),
        ([1, 2], frozenset({1, 2}), ANY_ORDER, True),
        ({"a": 0.5}, {"a": 0.50000001}, CLOSE, True),
        ({"a": 1}, {"a": 1, "b": 2}, LINES, False),
        ({1: "x"}, {True: "x"}, LINES, False),
        ([1], [1, 2], LINES, False),
    ],
)
def test_values(expected: Any, given: Any, comparison: Comparison, is_same: bool) -> None:
    assert same_value(expected, given, comparison) is is_same
    assert same_value(given, expected, comparison) is is_same


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15))
def test_a_value_is_itself_in_every_way(value: Any) -> None:
    for comparison in (LINES, CLOSE, ANY_ORDER):
        assert same_value(value, value, comparison)


@given(st.text())
def test_a_text_is_itself_in_every_way(text: str) -> None:
    for comparison in (LINES, TOKENS, EXACT, CLOSE, ANY_ORDER):
        assert same_text(text, text, comparison)


def test_options_that_contradict_each_other_are_refused() -> None:
    for options in ({"whitespace": "loose"}, {"tolerance": 1.0}, {"tolerance": float("nan")}, {"ignore_order": True, "tolerance": 0.1}):
        with pytest.raises(ConfigError):
            Comparison(**options)  # type: ignore[arg-type]
