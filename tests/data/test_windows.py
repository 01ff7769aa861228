"""Windows: all that fit, as far apart as asked, and each a piece of its series."""

import numpy as np
import pytest

from qfl.data.windows import cut, starts


@pytest.mark.parametrize(("steps", "length", "stride"), [(10, 4, 3), (10, 10, 1), (9, 10, 2)])
def test_no_window_leaves_the_series_and_no_other_fits(steps, length, stride):
    at = starts(steps, length=length, stride=stride)
    assert at.tolist() == [s for s in range(0, steps, stride) if s + length <= steps]


def test_a_window_is_a_piece_of_its_series():
    series = np.arange(24.0).reshape(12, 2)
    at = starts(12, length=5, stride=2)
    windows = cut(series, at, 5)
    assert windows.shape == (4, 5, 2)
    for first, window in zip(at, windows, strict=True):
        assert np.array_equal(window, series[first : first + 5])
