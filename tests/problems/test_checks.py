"""Arrays as users hand them over: real, finite, of the right shape, or one sentence."""

import numpy as np
import pytest

from qfl.core.errors import ProblemError
from qfl.problems.checks import finite, square, symmetric, vector, whole, within


def test_what_is_right_comes_back_as_floats():
    assert vector("u", [1, 2], 2).dtype == np.float64
    assert square("s", [[1, 2], [2, 1]]).tolist() == [[1, 2], [2, 1]]
    assert whole("k", np.int64(3), 0, 3) == 3
    assert within("w", 0, 0, 1) == 0.0


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: vector("u", []), r"one-dimensional and not empty, got shape \(0,\)"),
        (lambda: vector("u", [1, 2], 3), r"of shape \(3,\), got shape \(2,\)"),
        (lambda: vector("u", [1, np.nan]), r"u\[1\] must be finite, got nan"),
        (lambda: vector("u", [1j]), "real numbers, got complex128"),
        (lambda: vector("u", [[1], [2, 3]]), "rows of one length"),
        (lambda: vector("u", ["a"]), "real numbers"),
        (lambda: symmetric("s", np.eye(2), 3), r"shape \(3, 3\), got \(2, 2\)"),
        (lambda: symmetric("s", [[0, 1], [2, 0]], 2), r"\[0, 1\] = 1 and \[1, 0\] = 2; pass"),
        (lambda: square("s", [1.0]), "square matrix"),
        (lambda: square("s", [[np.inf]]), r"s\[0, 0\] must be finite"),
        (lambda: whole("k", True, 0, 3), "whole number in 0..3, got True"),
        (lambda: whole("k", 4, 0, 3), "lie in 0..3, got 4"),
        (lambda: finite("w", [1.0]), "one number"),
        (lambda: within("w", 0.0, 0.0), "above 0, got 0"),
        (lambda: within("w", 1.5, 0.0, 1.0), "lie in 0..1, got 1.5"),
    ],
)
def test_what_is_wrong_is_named_with_the_place(check, message):
    with pytest.raises(ProblemError, match=message):
        check()
