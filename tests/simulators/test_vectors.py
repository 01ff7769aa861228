"""Vectors of eight floats do what numpy does, in either precision, and take cosines themselves."""

import numpy as np
import pytest

from qfl.simulators.kernels import compiled, cos_sin
from qfl.simulators.vectors import back, evens, front, load, odds, spread, store


@compiled
def arithmetic(one, two, number, out):
    x, y = load(one, 3), load(two, 0)
    store(out, 1, number * x - (y + x) * number + spread(number))


@compiled
def unzipped(source, out):
    one, two = load(source, 0), load(source, 8)
    store(out, 0, evens(one, two))
    store(out, 8, odds(one, two))


@compiled
def zipped(source, out):
    x, y = load(source, 0), load(source, 8)
    store(out, 0, front(x, y))
    store(out, 8, back(x, y))


@compiled
def turned(angles, factors, out):
    cos, sin = cos_sin(load(angles, 0), load(factors, 0))
    store(out, 0, cos)
    store(out, 8, sin)


@compiled
def turned_one_by_one(angles, factors, out):
    for i in range(8):
        out[i], out[8 + i] = cos_sin(angles[i], factors[i])


@pytest.mark.parametrize("kinds", [("f8", "f8", "f8"), ("f4", "f4", "f4"), ("f4", "f8", "f4")])
def test_arithmetic_is_done_in_the_higher_precision_and_stored_in_that_of_the_array(kinds):
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=16).astype(kinds[0]), rng.normal(size=8).astype(kinds[1])
    out = np.full(10, 7.0, kinds[2])
    arithmetic(one, two, 1.5, out)
    x, y = one[3:11].astype(float), two.astype(float)
    expected = (1.5 * x - (y + x) * 1.5 + 1.5).astype(kinds[2])
    np.testing.assert_allclose(out[1:9], expected, rtol=0, atol=4 * np.finfo(kinds[2]).eps)
    assert out[0] == out[9] == 7  # what lies beside is left alone


@pytest.mark.parametrize("kind", ["f8", "f4"])
def test_complex_numbers_come_apart_and_together(kind):
    mixed, parts, again = np.arange(16.0).astype(kind), np.empty(16, kind), np.empty(16, kind)
    unzipped(mixed, parts)
    assert parts.tolist() == [*range(0, 16, 2), *range(1, 16, 2)]
    zipped(parts, again)
    assert again.tolist() == mixed.tolist()


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
