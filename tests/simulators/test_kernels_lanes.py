"""Eight angle sets side by side: where the tangent has no value, over whole turns, and alone."""

import numpy as np
import pytest

from qfl.simulators import field
from tests.simulators.fields import both_ways, instance


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("n", [8, 14])
def test_lanes_where_the_tangent_has_no_value(n, dtype):
    start, costs, angles = instance(n, 8, 3, dtype)
    angles[:, 1] = np.pi / 2 + np.outer(np.linspace(-0.05, 0.05, 8), [1, 1e-3, 0])
    angles[0, 1] = 0.3  # and one lane where it has
    one, two = both_ways(start, costs, angles, costs)
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-11 if dtype == np.complex128 else 1e-3)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("n", [3, 8, 13, 16])
def test_lanes_of_a_grid_of_betas_over_whole_turns(n, dtype):
    """A lane near a multiple of pi beside one near pi/2, which halves the layer of both."""
    start, costs, angles = instance(n, 16, 1, dtype)
    angles[:9, 1] = np.linspace(-np.pi, np.pi, 9)[:, None]
    angles[9:, 1, 0] = np.pi * np.array([3, 0.5, 1e6, -1.5, 1 + 1e-9, 0.499, 2])
    one, two = both_ways(start, costs, angles, costs)
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-11 if dtype == np.complex128 else 1e-3)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_lanes_of_any_betas_give_what_each_angle_set_gives_alone(dtype):
    rng, tolerance = np.random.default_rng(3), 1e-11 if dtype == np.complex128 else 1e-3
    for _ in range(40):
        n, depth = int(rng.integers(2, 11)), int(rng.integers(1, 7))
        start, costs, angles = instance(n, 8, depth, dtype)
        near = rng.random((8, depth)) < 0.5
        offsets = rng.choice([0, 1e-9, -1e-3, 0.04, -0.06], size=near.sum())
        angles[:, 1][near] = np.pi / 2 * rng.integers(-6, 7, size=near.sum()) + offsets
        pair, alone = np.empty((2, 2**n, 8), dtype), np.empty((2, 2**n, 1), dtype)
        means = field.run(pair[0], start, costs, angles)
        pair[1] = costs[:, None] * pair[0]
        found = field.run_back(pair, costs, angles)
        for lane in range(8):
            one = angles[lane : lane + 1]
            mean = field.run(alone[0], start, costs, one)
            alone[1] = costs[:, None] * alone[0]
            np.testing.assert_allclose(means[lane], mean[0], atol=tolerance)
            own = field.run_back(alone, costs, one)[0]
            np.testing.assert_allclose(found[lane], own, atol=tolerance)


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_steep_lanes_of_large_costs_stay_in_the_range_of_single_precision(scale):
    start = np.zeros(2**16, np.complex64)
    start[5] = 1
    costs = np.cos(np.arange(2**16))
    angles = np.zeros((8, 2, 1))
    angles[:, 1, 0] = np.linspace(1.4, 1.508, 8)
    one, two = both_ways(start, costs, angles, scale * costs)
    for mine, reference in zip(one, two, strict=True):
        atol = 1e-4 * max(1.0, np.abs(reference).max())
        np.testing.assert_allclose(mine, reference, atol=atol)
