"""Mixers and the subspaces that they keep, against dense matrices."""

import itertools
from math import comb

import numpy as np
import pytest

from tests.testing.known_answers.computing import exchange, expm, got, weights


@pytest.mark.parametrize(("n", "k"), [(5, 2), (6, 4), (7, 3), (4, 3)])
def test_complete_xy_evolution(n, k):
    rows, beta = weights(n, k), 0.43
    column = expm(exchange(rows, itertools.combinations(range(n), 2)), beta)[:, 0]
    swapped = np.flatnonzero((rows[:, 1 : k + 1] == 1).all(1))[0]
    found = got("complete_xy_evolution", n=n, k=k, beta=beta)
    assert found["stay_re"] + 1j * found["stay_im"] == pytest.approx(column[0], abs=1e-12)
    assert found["one_swap_re"] + 1j * found["one_swap_im"] == pytest.approx(
        column[swapped], abs=1e-12
    )


@pytest.mark.parametrize(("n", "k"), [(5, 3), (6, 6), (7, 2), (4, 0)])
def test_moments_and_spectra(n, k):
    rows = weights(n, k)
    moments = got("dicke_moments", n=n, k=k)
    assert moments["xi"] == pytest.approx(rows[:, 0].mean())
    assert moments["xixj"] == pytest.approx((rows[:, 0] * rows[:, 1]).mean(), abs=1e-15)
    assert (moments["dim"], moments["floor"]) == (len(rows), len(rows) / 2**n)
    dense = np.linalg.eigvalsh(exchange(rows, itertools.combinations(range(n), 2)))[::-1]
    values = np.repeat(*np.array(got("johnson_spectrum", n=n, k=k)).T)
    assert values == pytest.approx(dense, abs=1e-10)
    ring = np.linalg.eigvalsh(exchange(rows, [(i, (i + 1) % n) for i in range(n)]))
    assert got("ring_xy_top", n=n, k=k) == pytest.approx(ring[-1], abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_swap_networks(n):
    found = got("swap_network", n=n)
    assert found == {"swap_layers": max(0, n - 2), "pairs": comb(n, 2)}


def test_grover_threshold_is_the_two_level_recursion():
    marked, feasible = 5, 33
    state = np.full(feasible, feasible**-0.5)
    found = []
    for _ in range(4):
        state[:marked] *= -1
        state = 2 * state.mean() - state
        found.append((state[:marked] ** 2).sum())
    assert got("grover_threshold", feasible=feasible, marked=marked) == pytest.approx(found)
    assert got("grover_threshold", feasible=feasible, marked=marked, p=2) == pytest.approx(
        found[:2]
    )
