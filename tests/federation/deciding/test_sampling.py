"""A panel and a pool: drawn by lots of their own, the same for everybody who asks alike."""

from dataclasses import replace

import numpy as np
import pytest
import small
from scipy.stats import chi2

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.deciding.sampling import some, stated
from qfl.federation.deciding.selection import MOST_CANDIDATES, SelectionWeights


def drawn(numbers, most, seed=0):
    return some(numbers, most=most, rng=Streams(seed)("panel"))


def test_nobody_is_drawn_where_all_have_a_place():
    assert drawn((4, 7, 9), 3) == drawn((4, 7, 9), 50) == (0, 1, 2)


def test_places_are_distinct_in_order_and_as_many_as_asked():
    places = drawn(tuple(range(1000)), 60)
    assert len(set(places)) == 60
    assert list(places) == sorted(places)
    assert places == drawn(tuple(range(1000)), 60)
    assert places != drawn(tuple(range(1000)), 60, seed=1)


def test_who_leaves_changes_nobody_elses_lot():
    """A smaller panel is part of a larger one; of those who stay, the drawn ones stay drawn."""
    numbers = tuple(range(200))
    panel = drawn(numbers, 20)
    assert set(drawn(numbers, 10)) <= set(panel)
    gone = panel[3]
    left = tuple(n for n in numbers[:-1] if n != gone)  # the last leaves too
    after = {left[place] for place in drawn(left, 20)}
    assert set(panel) - {gone, 199} <= after


def test_everybody_is_drawn_equally_often():
    """False alarm at 1e-6 by the chi-squared law of 30 counts."""
    counts, rng, rounds = np.zeros(30), np.random.default_rng(5), 3000
    for _ in range(rounds):
        counts[list(some(tuple(range(30)), most=10, rng=rng))] += 1
    expected = rounds / 3
    # draws without replacement vary less than independent ones: 29 / 20 undoes that
    statistic = ((counts - expected) ** 2 / expected).sum() * 29 / 20
    assert chi2.ppf(1e-6, 29) < statistic < chi2.isf(1e-6, 29)


def test_what_is_sampled_is_stated():
    members = replace(small.population(6), facts={"size_gini": 0.5})
    assert stated(members, 6, 200) == {"size_gini": 0.5}
    assert stated(members, 5, 6) == {"size_gini": 0.5, "clients": 6, "evaluated_clients": 5}
    assert stated(members, 6, 5) == {"size_gini": 0.5, "clients": 6, "candidates": 5}


def test_pools_that_no_matrix_of_pairs_can_hold_are_refused():
    SelectionWeights(candidates=MOST_CANDIDATES)
    for pool in (0, 10_000):
        with pytest.raises(ConfigError, match="pair"):
            SelectionWeights(candidates=pool)
