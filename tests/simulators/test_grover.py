from math import comb, log

import numpy as np
import pytest
from dense_oracle import random_ansatz

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import ProblemError
from qfl.simulators import evolution
from qfl.simulators.grover import Spectrum
from qfl.simulators.objectives import Mean
from qfl.simulators.subspace import Subspace


@pytest.mark.golden
@pytest.mark.parametrize(
    ("feasible", "marked", "expected"),
    [  # sin^2((2p + 1) asin sqrt(t/M)), p = 1..4
        (56, 3, [0.4157252186588921, 0.8462447752424584, 0.9958820906854591, 0.7432477101132147]),
        (15, 1, [0.49807407407407395, 0.9313988477366255, 0.9352421018747142, 0.5057776634797542]),
    ],
)
def test_threshold_search_follows_the_grover_recursion(feasible, marked, expected):
    engine = Spectrum([0.0, 1.0], [feasible - marked, marked])
    for depth, success in enumerate(expected, start=1):
        found = evolution.probabilities(engine, np.full((1, 2, depth), np.pi))
        assert found[1, 0] == pytest.approx(success, abs=1e-10)


def test_equal_costs_merged_give_the_same_values_and_gradients():
    rng = np.random.default_rng(1)
    linear = rng.integers(-2, 3, size=9).astype(float)
    ansatz = QaoaAnsatz(0.0, linear, np.zeros((9, 9)), "grover", 3, ((tuple(range(9)), 4),))
    full = Subspace(ansatz)
    merged = Spectrum.of(full.table)
    assert len(merged.table) < full.dimension / 4
    angles = rng.normal(size=(5, 2, 3))
    for one, two in zip(
        *(
            evolution.values_and_gradients(engine, angles, Mean().prepare(engine.table))
            for engine in (full, merged)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, atol=1e-11)


def test_any_number_of_states_costs_nothing():
    engine = Spectrum([0.0, 1.0], [1e60, 1e57])  # 200 variables or more
    found = evolution.probabilities(engine, np.full((1, 2, 24), np.pi))
    assert found[1, 0] == pytest.approx(np.sin(49 * np.arcsin(np.sqrt(1 / 1001))) ** 2, abs=1e-10)


@pytest.mark.parametrize("n", [1025, 1100, 2000])
def test_counts_beyond_the_range_of_floats_are_taken(n):
    """One marked state of C(n, n/2): the angle of Grover search is its tiny amplitude."""
    states = comb(n, n // 2)
    engine = Spectrum([0.0, 1.0], [states - 1, 1])
    found = evolution.evolve(engine, np.full((1, 2, 2), np.pi))
    tiny = np.exp(-(log(states) / 2))
    assert abs(found[1, 0]) == pytest.approx(5 * tiny, rel=1e-10)
    half = Spectrum([0.0, 1.0], [states, states])
    assert evolution.probabilities(half, np.zeros((1, 2, 1)))[1, 0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "counts", "message"),
    [
        ([1.0, 2.0], [1], "one count each"),
        ([], [], "one count each"),
        ([1.0, np.nan], [1, 1], "must be finite"),
        ([1.0, 2.0], [1, 0], "counts finite and > 0"),
    ],
)
def test_a_spectrum_needs_finite_costs_with_positive_counts(values, counts, message):
    with pytest.raises(ProblemError, match=message):
        Spectrum(values, counts)


def test_subspace_mean_under_the_grover_mixer_depends_on_costs_only():
    rng = np.random.default_rng(4)
    engine = Subspace(random_ansatz(rng, "grover", 2, ((tuple(range(7)), 3),)))
    merged = Spectrum.of(rng.permutation(engine.table))
    angles = rng.normal(size=(1, 2, 2))
    one, two = (evolution.values(e, angles, Mean().prepare(e.table)) for e in (engine, merged))
    assert one[0] == pytest.approx(two[0], abs=1e-12)
