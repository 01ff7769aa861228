"""Optimisers stop exactly where their budget does."""

import numpy as np
import pytest

from qfl.solvers.budget import cobyla, lbfgs, spsa


class Valley:
    """Rosenbrock's valley; counts its own calls."""

    def __init__(self):
        self.calls = 0

    def value(self, x):
        self.calls += 1
        return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)

    def value_and_gradient(self, x):
        slope = 200 * (x[1] - x[0] ** 2)
        return self.value(x), np.array([-2 * (1 - x[0]) - 2 * x[0] * slope, slope])


@pytest.mark.parametrize("evaluations", [1, 2, 3, 10, 25])
def test_no_optimiser_asks_once_more(evaluations):
    start, rng = np.array([-1.2, 1.0]), np.random.default_rng(0)
    for minimise in (
        lambda f: lbfgs(f.value_and_gradient, start, evaluations=evaluations),
        lambda f: cobyla(f.value, start, evaluations=evaluations),
        lambda f: spsa(f.value, start, evaluations=evaluations, rng=rng),
    ):
        valley = Valley()
        minimise(valley)
        assert valley.calls <= evaluations


def test_the_best_point_survives_the_end_of_the_budget():
    valley, start = Valley(), np.array([-1.2, 1.0])
    lowest = [lbfgs(valley.value_and_gradient, start, evaluations=e).lowest for e in range(1, 60)]
    assert (np.diff(lowest) <= 0).all()
    assert lowest[-1] < 1e-8
