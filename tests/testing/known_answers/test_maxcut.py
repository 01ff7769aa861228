"""MaxCut and linear ramps on other graphs and depths, against dense matrices."""

import networkx
import numpy as np
import pytest

from qfl.testing.known_answers import maxcut
from tests.testing.known_answers.computing import got, ising_costs, transverse


@pytest.mark.parametrize("divide", [False, True])
def test_linear_ramp_on_a_chain(divide):
    n, p, weight = 4, 3, [0.2, -0.5, 0.3]
    scale = 0.5 if divide else 1.0
    costs = ising_costs(n, {(i, i + 1): w / scale for i, w in enumerate(weight)})
    ramp = [[0.7 * k / p for k in (1, 2, 3)], [-0.4 * (p + 1 - k) / p for k in (1, 2, 3)]]
    probabilities = transverse(n, costs, ramp)
    found = got(
        "lr_chain5",
        n=n, weights=weight, p=p, delta_gamma=0.7, delta_beta=0.4, H="sum w ZZ",
        divide_by_max_weight=divide,
    )  # fmt: skip
    ratio = (costs.max() - probabilities @ costs) / np.ptp(costs)
    random = costs.max() / np.ptp(costs)
    assert found["r"] == pytest.approx(ratio, abs=1e-12)
    assert found["r_eff"] == pytest.approx((ratio - random) / (1 - random), abs=1e-12)
    best = np.isclose(costs, costs.min())
    assert found["p_opt"] == pytest.approx(probabilities[best].sum(), abs=1e-12)


@pytest.mark.parametrize("name", ["K4", "C7", "Q3", "K3,3", "bull", "petersen"])
def test_maxcut_by_name_and_by_edges(name):
    graphs = {
        "K4": networkx.complete_graph(4),
        "C7": networkx.cycle_graph(7),
        "Q3": networkx.hypercube_graph(3),
        "K3,3": networkx.complete_bipartite_graph(3, 3),
        "bull": networkx.bull_graph(),
        "petersen": networkx.petersen_graph(),
    }
    graph = networkx.convert_node_labels_to_integers(graphs[name])
    costs = ising_costs(len(graph), dict.fromkeys(graph.edges, 0.5)) - graph.size() / 2
    angles = {"gamma": [0.4, 0.8], "beta": [-0.5, -0.2]}
    if len(graph) <= 8:
        cut = -transverse(len(graph), costs, angles.values()) @ costs
        assert got("maxcut_p1_general", graph=name, **angles) == pytest.approx(cut, abs=1e-11)
    by_edges = got("maxcut_p1_general", edges=[list(edge) for edge in graph.edges], **angles)
    by_name = got("maxcut_p1_general", graph=name, **angles)
    assert by_edges == pytest.approx(by_name, abs=1e-11)
    share = got("fixed_angle_graph", graph=name, H="-cut", **angles)
    assert share == pytest.approx(by_name / graph.size(), abs=1e-12)


def test_cubic_graphs_in_lcf_notation():
    angles = {"gamma": [0.4], "beta": [-0.2], "d": 3}
    by_code = got("fixed_angle_graph", graph="heawood", lcf="[5,-5]^7", **angles)
    assert by_code == pytest.approx(got("fixed_angle_graph", graph="heawood", **angles))


def test_maxcut_with_weights_and_beyond_the_state_vector():
    edges, weight = [[0, 1], [1, 2], [0, 2], [2, 3]], [0.5, -1.0, 2.0, 0.3]
    pairs = {tuple(edge): w for edge, w in zip(edges, weight, strict=True)}
    costs = ising_costs(4, {edge: w / 2 for edge, w in pairs.items()}) - sum(weight) / 2
    cut = -transverse(4, costs, [[0.6], [-0.3]]) @ costs
    found = got("maxcut_p1_general", edges=edges, weights=weight, gamma=[0.6], beta=[-0.3])
    assert found == pytest.approx(cut, abs=1e-12)
    ring = got("maxcut_p1_general", graph="C40", gamma=[0.6], beta=[-0.3])
    assert ring == pytest.approx(
        40 * got("fixed_angle_tree", d=2, gamma=[0.6], beta=[-0.3]), abs=1e-11
    )


@pytest.mark.parametrize(("n", "p"), [(4, 1), (10, 3), (12, 2), (30, 4), (34, 16), (7, 2)])
def test_ring_of_disagrees(n, p):
    assert got("ring_of_disagrees", n=n, p=p) == pytest.approx((2 * p + 1) / (2 * p + 2), abs=1e-8)


def test_large_graphs_are_cut_edge_by_edge(monkeypatch):
    angles = {"gamma": [0.4, 0.7], "beta": [-0.5, -0.25]}
    whole = got("fixed_angle_graph", graph="dodecahedral", **angles)
    monkeypatch.setattr(maxcut, "_STATEVECTOR_NODES", 19)
    by_edges = got("fixed_angle_graph", graph="dodecahedral", **angles)
    assert by_edges == pytest.approx(whole, abs=1e-12)
    ring = got("ring_angles", n=50, **angles)
    assert got("fixed_angle_graph", graph="C24", n=24, **angles) == pytest.approx(ring, abs=1e-12)
