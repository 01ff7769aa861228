"""One mixer layer on its own, against dense exponentials."""

from math import comb

import numpy as np
import pytest

from qfl.simulators import single_layer
from tests.simulators.dense_mixers import complete, dense_mixer, exponential, ring


@pytest.mark.parametrize(("n", "k"), [(5, 2), (6, 4), (7, 3)])
def test_mixer_matrices_are_dense_exponentials(n, k):
    for mixer, pairs in (("xy_complete", complete(n)), ("xy_ring_exact", ring(n))):
        found = single_layer.mixer_matrix(mixer, n=n, k=k, beta=0.7)
        assert found == pytest.approx(exponential(dense_mixer(n, k, pairs), 0.7), abs=1e-12)


@pytest.mark.parametrize(("n", "k", "beta"), [(6, 2, 0.5), (7, 3, -0.4), (6, 4, 1.1)])
def test_trotter_error_is_the_dense_one(n, k, beta):
    product = np.eye(comb(n, k))
    path = [(i, i + 1) for i in range(n - 1)]
    for pair in [*path[0::2], *path[1::2], (n - 1, 0)]:
        product = exponential(dense_mixer(n, k, [pair]), beta) @ product
    exact = exponential(dense_mixer(n, k, ring(n)), beta)
    error = np.linalg.norm(product - exact, ord=2)
    assert single_layer.ring_trotter_error(n=n, k=k, beta=beta) == pytest.approx(error, abs=1e-11)


def test_trotter_error_of_many_states_is_that_of_the_matrices():
    """220 and 252 states: the norm comes from products with vectors, the matrices from `mixed`."""
    for n, k, beta in [(12, 3, 0.3), (10, 5, -0.7)]:
        product, exact = (
            single_layer.mixer_matrix(mixer, n=n, k=k, beta=beta)
            for mixer in ("xy_parity_ring", "xy_ring_exact")
        )
        error = np.linalg.norm(product - exact, ord=2)
        found = single_layer.ring_trotter_error(n=n, k=k, beta=beta)
        assert found == pytest.approx(error, rel=1e-10)
    assert single_layer.ring_trotter_error(n=14, k=5, beta=0.0) == 0.0
    assert 0 < single_layer.ring_trotter_error(n=14, k=5, beta=0.3) < 1  # 2,002 states
