"""Circuits under the transverse field: one angle set, eight lanes and numpy against each other."""

import numpy as np
import pytest

from qfl.simulators import field
from qfl.simulators.arrays import on_host
from qfl.simulators.kernels_flips import BUNDLE


def instance(n, columns, depth, dtype=np.complex128, scale=1.0):
    rng = np.random.default_rng(n)
    start = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    start = (start / np.linalg.norm(start)).astype(dtype)
    return start, rng.normal(size=2**n), scale * rng.normal(size=(columns, 2, depth))


def both_ways(start, costs, angles, factors):
    """Return final states, means, and overlaps after a weight, by the kernels and by numpy."""
    found = []
    for run, back in (
        (field.run, field.run_back),
        (on_host().field, on_host().field_back),
    ):
        pair = np.empty((2, len(start), len(angles)), start.dtype)
        means = run(pair[0], start, costs, angles)
        states = pair[0].copy()
        pair[1] = factors[:, None] * pair[0]
        found.append((states, means, back(pair, costs, angles)))
    return found


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


def test_states_of_three_groups_of_qubits():
    groups = field._groups(4 * BUNDLE, 2)
    assert groups[:, :2].tolist() == [[1, BUNDLE], [2, BUNDLE], [2, 2 * BUNDLE]]
    steps = field._steps_back(3, len(groups))
    # every layer meets the three groups once, as an end or a beginning, and turns back once
    for layer in range(3):
        assert sorted(step[0] for step in steps for part in (1, 3) if step[part] == layer) == [
            0,
            1,
            2,
        ]
        assert sum(step[2] == layer for step in steps) == 1
    assert len(steps) == 7  # not nine: the last group of a layer is the first of the next


def test_three_groups_of_qubits_give_the_states_and_overlaps_of_numpy(monkeypatch):
    monkeypatch.setattr("qfl.simulators.field.ROWS", 4)
    given = instance(18, 1, 2)
    one, two = both_ways(*given, np.cos(given[1]))
    for mine, reference in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, reference, atol=1e-12)
