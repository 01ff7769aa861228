"""Compiled loops: cosines to the last digit, sums as numpy has them."""

import numpy as np
import pytest

from qfl.simulators.kernels import compiled, cos_sin
from qfl.simulators.vectors import load, store


@compiled
def turned(angles, factors, out):
    cos, sin = cos_sin(load(angles, 0), load(factors, 0))
    store(out, 0, cos)
    store(out, 8, sin)


@compiled
def turned_one_by_one(angles, factors, out):
    for i in range(8):
        out[i], out[8 + i] = cos_sin(angles[i], factors[i])


@pytest.mark.parametrize("size", [1e-9, 1.0, 3.2, 1e3, 1e8])
def test_cosines_are_exact_to_the_rounding_of_the_angle(size):
    rng = np.random.default_rng(1)
    factors = rng.normal(size=8)
    tolerance = np.abs(factors).max() * (1e-15 + size * 2.0**-53)
    for _ in range(200):
        angles = size * rng.uniform(-1, 1, size=8)
        for kernel in (turned, turned_one_by_one):
            out = np.empty(16)
            kernel(angles, factors, out)
            expected = np.concatenate([factors * np.cos(angles), factors * np.sin(angles)])
            np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance)


def test_multiples_of_a_quarter_turn():
    angles = np.pi / 2 * np.arange(-4.0, 4.0)
    for kernel in (turned, turned_one_by_one):
        out = np.empty(16)
        kernel(angles, np.ones(8), out)
        np.testing.assert_allclose(out[:8], np.cos(angles), atol=1e-15)
        np.testing.assert_allclose(out[8:], np.sin(angles), atol=1e-15)
