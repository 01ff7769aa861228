"""Circuits under the transverse field: one angle set, eight lanes and numpy against each other."""

import numpy as np
import pytest

from tests.simulators.fields import both_ways, instance

SIZES = [(1, 1), (2, 8), (3, 3), (5, 7), (7, 8), (9, 13), (12, 8), (13, 8), (14, 5), (15, 1)]


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize(("n", "columns"), SIZES)
def test_every_group_of_columns_gives_the_states_and_overlaps_of_numpy(n, columns, dtype):
    tolerance = 1e-12 if dtype == np.complex128 else 1e-4
    start, costs, angles = instance(n, columns, 3, dtype)
    one, two = both_ways(start, costs, angles, np.cos(costs))
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=tolerance)


@pytest.mark.parametrize("columns", [1, 8])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("n", [6, 14])
def test_shallow_circuits_too(n, depth, columns):
    one, two = both_ways(*instance(n, columns, depth), np.ones(2**n))
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-12)
