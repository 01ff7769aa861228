from itertools import combinations
from math import comb

import numpy as np
import pytest

from qfl.simulators.combinations import binomials, rank, unrank


@pytest.mark.parametrize(("n", "k"), [(1, 0), (1, 1), (5, 0), (6, 2), (6, 6), (9, 4)])
def test_subsets_ascend_as_integers(n, k):
    rows = unrank(n, k, np.arange(comb(n, k)))
    numbers = rows @ (1 << np.arange(n))
    assert (np.diff(numbers) > 0).all()
    assert sorted(numbers) == sorted(sum(1 << i for i in c) for c in combinations(range(n), k))
    assert np.array_equal(rank(rows), np.arange(comb(n, k)))


def test_binomials_are_exact_where_int64_holds_them():
    table = binomials(60, 30)
    assert table[60, 30] == comb(60, 30)
    assert table[7, 8] == 0
