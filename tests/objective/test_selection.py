"""Best-of-n: the vectors, every subset enumerated, ties broken in every way, and sizes whose binomials overflow."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from proctor.objective import selection
from tests.objective.samples import same, unchecked

SCORES = st.lists(st.tuples(st.integers(-2, 2), st.floats(-5, 5)), min_size=1, max_size=6)


def test_vector_of_weights() -> None:
    """systems.md 14: N = 5, n = 2."""
    same(selection.best_of_n_weights(5, n=2), [0, 0.1, 0.2, 0.3, 0.4], atol=1e-12)


@pytest.mark.parametrize(
    ("n", "nats"), [(1, 0.0), (2, 0.1931), (4, 0.6363), (8, 1.2044), (16, 1.8351), (64, 3.1745), (256, 4.5491), (1024, 5.9324), (60_000, 10.0021)]
)
def test_vector_of_the_kl_of_best_of_n(n: int, nats: float) -> None:
    """systems.md 14."""
    assert selection.best_of_n_kl(n) == pytest.approx(nats, abs=5.1e-5)


@pytest.mark.parametrize("num_samples", range(1, 8))
def test_weights_are_binomials(num_samples: int) -> None:
    for n in range(1, num_samples + 1):
        expected = [math.comb(rank - 1, n - 1) / math.comb(num_samples, n) for rank in range(1, num_samples + 1)]
        same(selection.best_of_n_weights(num_samples, n=n), expected, atol=1e-12)


def test_weights_of_many_samples_do_not_overflow() -> None:
    weights = selection.best_of_n_weights(60_000, n=20_000)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-8)
    assert float(weights[-1]) == pytest.approx(1 / 3, abs=1e-8)


@given(SCORES, st.data())
def test_the_estimate_is_the_mean_over_all_subsets_and_all_ways_to_break_ties(rows: list[tuple[int, float]], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(rows)))
    total = 0.0
    for subset in itertools.combinations(rows, n):
        best = max(proxy for proxy, _ in subset)
        tied = [gold for proxy, gold in subset if proxy == best]
        total += sum(tied) / len(tied)
    proxy, gold = (torch.tensor([row[column] for row in rows], dtype=torch.float64) for column in (0, 1))
    same(selection.best_of_n(proxy, gold, n=n), total / math.comb(len(rows), n), atol=1e-9)


def test_best_of_all_is_the_gold_of_the_best_and_best_of_one_the_mean() -> None:
    proxy, gold = torch.tensor([0.3, 2.0, -1.0]), torch.tensor([1.0, 5.0, 9.0])
    assert float(selection.best_of_n(proxy, gold, n=3)) == pytest.approx(5.0)
    assert float(selection.best_of_n(proxy, gold, n=1)) == pytest.approx(5.0)
    assert float(selection.best_of_n(proxy, gold, n=2)) == pytest.approx((5 + 1 + 5) / 3)


def test_bad_input_is_named() -> None:
    three = torch.zeros(3)
    for n in (0, 4, -1):
        with pytest.raises(ValueError, match=f"not n={n} of 3"):
            selection.best_of_n(three, three, n=n)
    with pytest.raises(ValueError, match="needs n >= 1, not 0"):
        selection.best_of_n_kl(0)
    with pytest.raises(ValueError, match="proxy .3,., gold .2,."):
        unchecked("selection").best_of_n(three, three[:2], n=1)
    with pytest.raises(ValueError, match="not a finite number"):
        selection.best_of_n(torch.tensor([0.0, math.nan, 1.0]), three, n=1)
