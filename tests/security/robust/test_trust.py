"""Trust: by direction alone, at the length of the server's own update."""

import numpy as np
import pytest

from qfl.security.robust import (
    fltrust,
)


def test_nobody_trusted_leaves_the_server_alone():
    assert fltrust([[-1.0, 0.0]], server_update=[2.0, 0.0]).tolist() == [2.0, 0.0]


def test_how_long_an_update_is_counts_for_nothing():
    """Only directions are weighed, and the mean is of the length of the server's own."""
    rows = np.array([[3.0, 4.0], [3.0, -4.0]])
    found = fltrust(rows, server_update=[2.0, 0.0])
    assert found == pytest.approx([1.2, 0.0])
    assert fltrust(rows * [[1e6], [1e-6]], server_update=[2.0, 0.0]) == pytest.approx(found)


def test_who_points_away_has_no_say():
    rows = [[1.0, 0.0], [-5.0, 0.0], [0.0, 9.0]]
    assert fltrust(rows, server_update=[1.0, 0.0]).tolist() == [1.0, 0.0]
