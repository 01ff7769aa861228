"""The k-subsets of n elements in the order of the subspace engine, and their numbers.

Subset S has rank sum_j C(c_j, j) with elements c_1 < c_2 < ... < c_k: ascending integer index
sum_{i in S} 2^i. Only numpy may be imported here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=64)
def binomials(n: int, k: int) -> NDArray[np.int64]:
    """Return C(i, j) for i = 0..n and j = 0..k + 1, shape (n + 1, k + 2), read-only."""
    table = np.zeros((n + 1, k + 2), dtype=np.int64)
    table[:, 0] = 1
    for i in range(1, n + 1):
        table[i, 1:] = table[i - 1, 1:] + table[i - 1, :-1]
    table.setflags(write=False)
    return table


def unrank(n: int, k: int, ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the subsets with these ranks as 0/1 rows, shape (len(ranks), n).

    >>> unrank(3, 2, np.arange(3)).tolist()
    [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    """
    table, left = binomials(n, k), np.array(ranks, dtype=np.int64)
    rows = np.zeros((len(left), n), dtype=np.uint8)
    at = np.arange(len(left))
    for j in range(k, 0, -1):
        element = np.searchsorted(table[:, j], left, side="right") - 1
        rows[at, element] = 1
        left -= table[element, j]
    return rows


def rank(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the rank of each 0/1 row among the rows of its weight, shape (len(rows),).

    >>> rank(np.array([[1, 0, 1], [0, 1, 1]], dtype=np.uint8)).tolist()
    [1, 2]
    """
    position = np.cumsum(rows, axis=1, dtype=np.int64)
    n = rows.shape[1]
    table = binomials(n, int(position.max(initial=0)))
    return np.where(rows, table[np.arange(n), position], 0).sum(1)
