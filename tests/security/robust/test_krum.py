"""Krum: the update in the densest company, by enumeration; ties fall the same way in any order."""

import itertools

import numpy as np
import pytest

from qfl.security.robust.krum import bulyan, krum, krum_scores, multi_krum


def cloud(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 3))


@pytest.mark.parametrize(("n", "f"), [(5, 1), (7, 2), (9, 1)])
def test_a_score_is_the_cheapest_company_that_an_update_can_find(n, f):
    rows = cloud(n)
    for index, score in enumerate(krum_scores(rows, corrupted=f)):
        others = [((rows[i] - rows[index]) ** 2).sum() for i in range(n) if i != index]
        companies = itertools.combinations(others, n - f - 2)
        assert score == pytest.approx(min(sum(company) for company in companies))


def test_of_equal_scores_the_smallest_update_wins_in_any_order():
    rows = np.array([[0.0], [0.0], [1.0], [1.0], [5.0]])
    orders = itertools.permutations(range(5))
    assert {krum(rows[list(order)], corrupted=1).item() for order in orders} == {0.0}


def test_keeping_one_is_krum_and_keeping_all_is_the_mean():
    rows = cloud(7)
    assert multi_krum(rows, corrupted=1, keep=1).tolist() == krum(rows, corrupted=1).tolist()
    assert multi_krum(rows, corrupted=1, keep=7) == pytest.approx(rows.mean(axis=0))


def test_one_coordinate_that_krum_would_let_through_does_not_move_bulyan():
    """El Mhamdi et al. 2018: in many dimensions a small distance hides one large coordinate."""
    rows = 0.01 * np.random.default_rng(1).normal(size=(11, 400))
    rows[0] = rows.mean(axis=0)
    rows[0, 7] += 0.2
    assert abs(bulyan(rows, corrupted=2)[7]) < 0.02
