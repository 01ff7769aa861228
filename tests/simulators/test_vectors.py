"""Vectors of eight floats do what numpy does, in either precision, and take cosines themselves."""

import numpy as np
import pytest

from qfl.simulators.kernels import compiled
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
