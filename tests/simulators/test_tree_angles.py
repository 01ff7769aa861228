"""Angles of infinite trees: trained, and those of the table."""

import numpy as np
import pytest

from qfl.simulators.closed_forms import regular_depth_one_cut
from qfl.simulators.infinite_tree import cut_fraction
from qfl.simulators.tree_angles import best_cut_angles, trained


@pytest.mark.parametrize("degree", [2, 3, 6])
def test_training_finds_the_closed_form_at_depth_one(degree):
    best, angles = regular_depth_one_cut(degree)
    found = best_cut_angles(degree=degree, depth=1)
    assert cut_fraction(found, degree=degree) == pytest.approx(best, abs=1e-12)
    assert found == pytest.approx(angles, abs=1e-5)


def test_the_table_holds_maxima(monkeypatch):
    for depth in (2, 4, 6):
        table = best_cut_angles(degree=3, depth=depth)
        better = trained(table + 0.01, degree=3)
        assert cut_fraction(better, degree=3) == pytest.approx(
            cut_fraction(table, degree=3), abs=1e-9
        )
    values = [cut_fraction(best_cut_angles(degree=3, depth=p), degree=3) for p in range(1, 10)]
    assert (np.diff(values) > 0).all()


def test_rings_reach_the_known_optimum():
    for depth in (1, 2, 3, 4):
        angles = best_cut_angles(degree=2, depth=depth)
        optimum = (2 * depth + 1) / (2 * depth + 2)
        assert cut_fraction(angles, degree=2) == pytest.approx(optimum, abs=1e-10)
