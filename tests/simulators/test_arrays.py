"""The array form: index tables are what they say."""

from math import comb

import numpy as np

from qfl.simulators.arrays import added, on_host, removed


def test_lift_is_the_transpose_of_lower_and_their_product_counts_common_subsets():
    n, k, use = 7, 3, on_host()
    lower = use.lower(np.eye(comb(n, k))[None], n, k)[0]  # (smaller, subsets)
    lift = np.zeros((1, comb(n, k), comb(n, k - 1)))
    use.lift(np.eye(comb(n, k - 1))[None], lift, n, k)
    assert np.array_equal(lift[0], lower.T)
    assert (lower.T @ lower).diagonal().tolist() == [k] * comb(n, k)
    assert removed(n, k).shape == (k, comb(n, k))
    assert added(n, k).shape == (n - k + 1, comb(n, k - 1))
