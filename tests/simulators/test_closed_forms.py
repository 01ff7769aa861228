"""Closed forms against engines and dense matrices."""

import networkx
import numpy as np
import pytest

from qfl.core.errors import CapacityError, ConfigError
from qfl.core.rng import Streams
from qfl.problems import maxcut
from qfl.simulators import closed_forms, single_layer
from qfl.solvers import qaoa_expectation
from tests.simulators.dense_mixers import complete, dense_mixer, ring


@pytest.mark.parametrize("name", ["petersen", "bull", "house_x", "karate_club"])
def test_depth_one_is_the_engine_on_any_graph(name):
    graph = getattr(networkx, f"{name}_graph")()
    weights = networkx.to_numpy_array(graph)[:14, :14]
    weights *= 1 + np.add.outer(np.arange(len(weights)), np.arange(len(weights))) / 20
    gamma, beta = 0.37, -0.21
    cut = -qaoa_expectation(
        maxcut(weights=weights), [gamma], [beta], mixer="x", backend="statevector"
    )
    found = closed_forms.depth_one_cut(weights, gamma=gamma, beta=beta)
    assert found == pytest.approx(cut, rel=1e-12)


def test_regular_optimum_beats_random_angles():
    torus = networkx.to_numpy_array(networkx.grid_2d_graph(5, 5, periodic=True))
    best, angles = closed_forms.regular_depth_one_cut(4)
    at = closed_forms.depth_one_cut(torus, gamma=angles[0, 0], beta=angles[1, 0])
    # The torus has squares, which the formula for triangle-free graphs allows.
    assert at / 50 == pytest.approx(best, abs=1e-12)
    for gamma, beta in Streams(0)("angles").normal(size=(50, 2)):
        assert closed_forms.depth_one_cut(torus, gamma=gamma, beta=beta) / 50 <= best + 1e-12


@pytest.mark.parametrize(("n", "k"), [(1, 0), (5, 2), (6, 3), (7, 5), (8, 1)])
def test_complete_spectrum_is_the_dense_one(n, k):
    spectrum = closed_forms.complete_spectrum(n, k)
    values = np.repeat(*np.array(spectrum).T)
    dense = np.linalg.eigvalsh(dense_mixer(n, k, complete(n)))
    assert values == pytest.approx(dense[::-1], abs=1e-10)


@pytest.mark.parametrize(("n", "k"), [(3, 1), (5, 2), (6, 3), (7, 4), (8, 6), (9, 3)])
def test_ring_top_is_the_dense_one(n, k):
    values, vectors = np.linalg.eigh(dense_mixer(n, k, ring(n)))
    top = vectors[:, -1] * np.sign(vectors[0, -1])
    assert closed_forms.ring_top(n, k) == pytest.approx(values[-1], abs=1e-10)
    assert closed_forms.ring_top_state(n, k) == pytest.approx(top, abs=1e-9)
    dicke = top.sum() ** 2 / len(top)
    assert closed_forms.ring_dicke_overlap(n, k) == pytest.approx(dicke, abs=1e-10)


def test_rings_without_room_to_move():
    assert closed_forms.ring_top(6, 0) == closed_forms.ring_top(6, 6) == 0.0
    assert closed_forms.ring_top(2, 1) == 1.0
    assert closed_forms.ring_dicke_overlap(6, 6) == pytest.approx(1.0)


def test_bad_input_is_named():
    with pytest.raises(ConfigError, match=r"cannot choose 5 of 3; k must lie in 0\.\.3"):
        closed_forms.ring_top(3, 5)
    with pytest.raises(ConfigError, match="cannot choose -1 of 3"):
        single_layer.mixed([1.0], "xy_complete", n=3, k=-1, beta=0.1)
    with pytest.raises(ConfigError, match="degree >= 1, got 0"):
        closed_forms.regular_depth_one_cut(0)
    with pytest.raises(CapacityError, match=r"C\(20, 5\) = 15504 states"):
        single_layer.mixer_matrix("xy_complete", n=20, k=5, beta=0.1)
