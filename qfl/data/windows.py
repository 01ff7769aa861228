"""Windows of time series, made in memory."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def starts(steps: int, *, length: int, stride: int) -> NDArray[np.intp]:
    """Return where windows of `length` begin that fit into `steps`, `stride` apart.

    >>> starts(10, length=4, stride=3).tolist()
    [0, 3, 6]
    """
    return np.arange(0, steps - length + 1, stride, dtype=np.intp)


def cut(values: NDArray[Number], at: NDArray[np.intp], length: int) -> NDArray[Number]:
    """Return the windows (n, length, ...) of `values` that begin at `at`.

    >>> cut(np.arange(5.0), np.array([0, 2]), 3).tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """
    return values[at[:, None] + np.arange(length)]
