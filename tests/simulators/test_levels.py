"""Costs are counted as if every state were listed, and states are drawn uniformly by their cost."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import CapacityError
from qfl.simulators.hypercube import Hypercube
from qfl.simulators.levels import Levels
from qfl.simulators.subspace import Subspace

BLOCKS = {
    "none": (),
    "one": (((0, 1, 2, 3, 4, 5, 6), 3),),
    "mixed": (((2, 0, 4), 1), ((1, 3, 5, 6), 3)),
    "nothing moves": (((0, 1), 0), ((2, 3, 4, 5), 4), ((6,), 1)),
}


def whole_costs(blocks, seed, n=7, share=1.0):
    """Small whole coefficients, so that many states share a cost."""
    rng = np.random.default_rng(seed)
    couplings = rng.integers(-1, 2, (n, n)) * (rng.random((n, n)) < share)
    linear, quadratic = rng.integers(-1, 2, n).astype(float), np.triu(couplings, 1).astype(float)
    return QaoaAnsatz(0.5, linear, quadratic, "grover", 1, blocks)


def table(ansatz):
    return (Subspace if ansatz.blocks else Hypercube)(ansatz).table


@pytest.mark.property
@settings(deadline=None, max_examples=40)
@given(
    blocks=st.sampled_from(sorted(BLOCKS)),
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.3, 1]),
)
def test_counts_are_those_of_the_listed_states(blocks, seed, share):
    ansatz = whole_costs(BLOCKS[blocks], seed, share=share)
    values, counts = np.unique(table(ansatz), return_counts=True)
    found = Levels(ansatz)
    np.testing.assert_allclose(found.values, values, atol=1e-9)
    assert found.counts == counts.tolist()


def test_costs_without_any_pattern_are_counted_one_by_one():
    rng = np.random.default_rng(3)
    quadratic = np.triu(rng.normal(size=(7, 7)), 1)
    ansatz = QaoaAnsatz(0.25, rng.normal(size=7), quadratic, "grover", 1, BLOCKS["mixed"])
    found = Levels(ansatz)
    np.testing.assert_allclose(found.values, np.sort(table(ansatz)), atol=1e-12)
    assert found.counts == [1] * 12


def test_counts_of_many_variables_are_exact_whole_numbers():
    """One edge among 1100 nodes of which half are chosen; and the cuts of a path of 100."""
    pair = QaoaAnsatz(
        0.0, np.zeros(1100), np.eye(1100, k=1099), "grover", 1, ((tuple(range(1100)), 550),)
    )
    both = comb(1098, 548)
    assert Levels(pair).counts == [comb(1100, 550) - both, both]
    degrees = np.r_[1.0, np.full(98, 2.0), 1.0]
    found = Levels(QaoaAnsatz(0.0, -degrees, 2 * np.eye(100, k=1), "grover", 1))
    assert found.values.tolist() == list(range(-99, 1))
    assert found.counts == [2 * comb(99, cut) for cut in range(99, -1, -1)]


@pytest.mark.parametrize("blocks", ["none", "one", "mixed"])
def test_states_are_drawn_uniformly_among_those_of_their_cost(blocks):
    """Chi-square at the 1 - 1e-9 quantile."""
    ansatz = whole_costs(BLOCKS[blocks], 5)
    found, rng = Levels(ansatz), np.random.default_rng(0)
    for level, count in enumerate(found.counts):
        drawn = found.draw(np.full(200 * count, level), rng)
        assert (found.of(drawn) == level).all()
        seen = np.unique(drawn, axis=0, return_counts=True)[1]
        assert len(seen) == count
        if count > 1:
            statistic = float(((seen - 200) ** 2 / 200).sum())
            assert statistic < chi2.ppf(1 - 1e-9, count - 1)


def test_too_much_to_tell_apart_is_refused():
    ansatz = whole_costs(((tuple(range(30)), 15),), 0, n=30)
    with pytest.raises(CapacityError, match=r"of 30 variables more than 1,000 beginnings .* raise"):
        Levels(ansatz, limit=1000)
