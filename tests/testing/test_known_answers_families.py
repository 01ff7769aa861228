"""Families take any valid inputs: other sizes and depths against dense oracles."""

import itertools
import json
import re
from math import comb

import networkx
import numpy as np
import pytest

from qfl.core.rng import Streams
from qfl.testing.known_answers import maxcut, parse_table, verify

TEXT = (
    "f(x) = -sum_i u_i x_i + lam*sum_{i<j} S_ij x_i x_j, u_i = 0.5+0.5*sin(1.7*(i+1)), "
    "S_ij = 0.5*(1+cos(0.9*(i+1)*(j+1))), i,j = 0..N-1, lam = 0.3, sum x = K"
)


def compute(family, **inputs):
    """Return (got, reason) of one row of a family."""
    table = [
        {
            "id": f"q.{family}.case",
            "quantity": "",
            "inputs": inputs,
            "expected": None,
            "tolerance": {"abs": 0},
            "source": "",
        }
    ]
    [verdict] = verify(parse_table(json.dumps(table), "t"))
    return verdict.got, verdict.reason


def got(family, **inputs):
    value, reason = compute(family, **inputs)
    assert value is not None, reason
    return value


def weights(n, k):
    """Return all x of weight k as rows, ascending as integers."""
    rows = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return rows[rows.sum(1) == k]


def exchange(rows, pairs):
    """Return the sum of (XX+YY)/2 over pairs on the rows."""
    place, pairs = {tuple(row): i for i, row in enumerate(rows.tolist())}, list(pairs)
    matrix = np.zeros((len(rows), len(rows)))
    for row, i in place.items():
        for a, b in pairs:
            if row[a] != row[b]:
                swapped = list(row)
                swapped[a], swapped[b] = swapped[b], swapped[a]
                matrix[i, place[tuple(swapped)]] += 1
    return matrix


def expm(matrix, beta):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.exp(-1j * beta * values)) @ vectors.conj().T


def transverse(n, costs, angles):
    """Return probabilities of QAOA with mixer X, by dense matrices."""
    flip = np.array([[0.0, 1.0], [1.0, 0.0]])
    mixer = sum(np.kron(np.kron(np.eye(2 ** (n - 1 - k)), flip), np.eye(2**k)) for k in range(n))
    psi = np.full(2**n, 2 ** (-n / 2), dtype=complex)
    for gamma, beta in zip(*angles, strict=True):
        psi = expm(mixer, beta) @ (np.exp(-1j * gamma * costs) * psi)
    return abs(psi) ** 2


def ising_costs(n, edges):
    z = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return sum(w * z[:, i] * z[:, j] for (i, j), w in edges.items())


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


@pytest.mark.parametrize("mixer", ["complete", "ring", "even_odd"])
@pytest.mark.parametrize(("n", "k", "lam"), [(6, 2, 0.3), (7, 4, 0.55)])
def test_kofn_qaoa(n, k, lam, mixer):
    i = np.arange(1, n + 1)
    linear = -(0.5 + 0.5 * np.sin(1.7 * i))
    pairs = np.triu(lam * 0.5 * (1 + np.cos(0.9 * np.outer(i, i))), 1)
    rows = weights(n, k)
    costs = rows @ linear + ((rows @ pairs) * rows).sum(1)
    path = [(a, a + 1) for a in range(n - 1)]
    factors = {
        "complete": [list(itertools.combinations(range(n), 2))],
        "ring": [[*path, (n - 1, 0)]],
        "even_odd": [[pair] for pair in (*path[0::2], *path[1::2], (n - 1, 0))],
    }[mixer]
    gamma, beta = [0.3, 0.7, 0.9], [-0.5, -0.3, -0.2]
    psi = np.full(len(rows), len(rows) ** -0.5, dtype=complex)
    for g, b in zip(gamma, beta, strict=True):
        psi *= np.exp(-1j * g * costs)
        for factor in factors:
            psi = expm(exchange(rows, factor), b) @ psi
    inputs = {"N": n, "K": k, "instance": TEXT.replace("0.3,", f"{lam},")}
    found = got("kofn_qaoa", **inputs, p=3, gamma=gamma, beta=beta, mixer=mixer)
    assert found["mean_cost"] == pytest.approx(abs(psi) ** 2 @ costs, abs=1e-12)
    assert found["p_opt"] == pytest.approx(abs(psi[np.argmin(costs)]) ** 2, abs=1e-12)
    assert found["random_feasible_mean"] == pytest.approx(costs.mean(), abs=1e-12)
    best = got("kofn_optimum", **inputs)
    assert best["value"] == found["optimum"] == pytest.approx(costs.min())
    assert best["selected"] == np.flatnonzero(rows[np.argmin(costs)]).tolist()
    assert best["gap"] == pytest.approx(np.diff(np.sort(costs))[0])


@pytest.mark.parametrize(
    ("n", "k", "height", "expected"),
    [(5, 0, 0.5, None), (5, 5, 0.5, None), (1, 1, 0.5, None), (4, 2, 0.0, 0.0)],
)
def test_kofn_optimum_has_no_gap_without_a_second_choice(n, k, height, expected):
    """All choices cost the same where utilities are equal and nothing overlaps."""
    text = TEXT.replace("+0.5*sin", f"+{height}*sin").replace("= 0.5*(1", "= 0*(1")
    assert got("kofn_optimum", N=n, K=k, instance=text)["gap"] == expected


def test_kofn_optimum_takes_either_sign():
    text = TEXT.replace("0.5+0.5*sin", "-0.2-0.7*sin").replace("(1+cos", "(1-cos")
    rows, i = weights(6, 2), np.arange(1, 7)
    pairs = np.triu(0.15 * (1 - np.cos(0.9 * np.outer(i, i))), 1)
    costs = rows @ (0.2 + 0.7 * np.sin(1.7 * i)) + ((rows @ pairs) * rows).sum(1)
    found = got("kofn_optimum", N=6, K=2, instance=text)
    assert found["value"] == pytest.approx(costs.min())
    assert found["gap"] == pytest.approx(np.diff(np.sort(costs))[0])


def test_kofn_penalty():
    n, k, price = 5, 2, 0.8
    rows = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    i = np.arange(1, n + 1)
    pairs = np.triu(0.15 * (1 + np.cos(0.9 * np.outer(i, i))), 1)
    costs = -rows @ (0.5 + 0.5 * np.sin(1.7 * i)) + ((rows @ pairs) * rows).sum(1)
    costs = costs + price * (rows.sum(1) - k) ** 2
    angles = [[0.2, 0.5], [-0.4, -0.2]]
    probabilities = transverse(n, costs, angles)
    found = got(
        "kofn_penalty",
        N=n, K=k, instance=TEXT, lam_pen=price, gamma=angles[0], beta=angles[1],
    )  # fmt: skip
    assert found["mean_H"] == pytest.approx(probabilities @ costs, abs=1e-12)
    inside = probabilities[rows.sum(1) == k].sum()
    assert found["in_constraint_prob"] == pytest.approx(inside, abs=1e-12)


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


def test_qubo_to_ising_takes_pairs_in_any_order():
    """A pair that is given twice, or the other way round, is one coupling."""
    linear, pairs = [0.3, -1.0, 0.7, 2.0], [[2, 0, 0.5], [1, 3, -0.25], [0, 2, 0.125]]
    found = got("qubo_to_ising", linear=linear, quadratic=pairs)
    for x in itertools.product([0, 1], repeat=4):
        energy = np.dot(linear, x) + sum(q * x[i] * x[j] for i, j, q in pairs)
        z = 1 - 2 * np.array(x)
        ising = found["offset"] + z @ found["h"] + sum(c * z[i] * z[j] for i, j, c in found["J"])
        assert ising == pytest.approx(energy, abs=1e-12)
    assert [pair[:2] for pair in found["J"]] == [[2, 0], [1, 3]]


def test_schedules():
    u = [0.1, 0.5, 0.6]
    assert got("schedule", u=u) == pytest.approx(
        [0.1, 1 / 3 * 0.1 + 2 / 3 * 0.5, 0.5333333333, 0.6]
    )
    found = got("schedule", u=[0.4], v=[0.3], p=3)
    at = (np.arange(3) + 0.5) * np.pi / 6
    assert found["gamma"] == pytest.approx(0.4 * np.sin(at))
    assert found["beta"] == pytest.approx(0.3 * np.cos(at))
    assert got("schedule", p=2, delta_gamma=1, delta_beta=2) == {
        "gamma": [0.5, 1.0],
        "beta": [2.0, 1.0],
    }


def test_key_pool_does_not_spend_what_it_does_not_have():
    found = got("key_pool", S0=0, S_max=100, rate=3, dt=10, cost=50, rounds=5)
    assert found == [["exhausted", 30], ["ok", 10], ["exhausted", 40], ["ok", 20], ["ok", 0]]


def test_toeplitz_is_the_matrix_product():
    rng = Streams(2)("bits")
    n, m = 19, 7
    x, seed = rng.integers(0, 2, n), rng.integers(0, 2, n + m - 1)
    matrix = np.array([[seed[n - 1 + i - j] for j in range(n)] for i in range(m)])
    text = ["".join(map(str, bits)) for bits in (x, seed, matrix @ x % 2)]
    assert got("toeplitz", n=n, m=m, x=text[0], seed=text[1]) == text[2]


@pytest.mark.parametrize(
    ("family", "inputs", "reason"),
    [
        ("johnson_spectrum", {"n": 4, "k": 7}, r"cannot choose 7 of 4"),
        ("johnson_spectrum", {"n": 4.5, "k": 1}, "'n' must be a whole number, got 4.5"),
        ("ring_of_disagrees", {"n": 2, "p": 1}, "'n' must be at least 3, got 2"),
        ("complete_xy_evolution", {"n": 60, "k": 30, "beta": 1}, r"C\(60, 30\) .* GiB free"),
        ("ring_dicke_overlap", {"n": 40, "k": 20}, r"C\(40, 20\) .* GiB free"),
        ("sk_nu", {"gamma": [0.1] * 18, "beta": [0.1] * 18}, "depth 17, got depth 18"),
        (
            "lr_chain5",
            dict.fromkeys(("p", "delta_gamma", "delta_beta"), 1)
            | {"n": 2, "weights": [0], "H": "sum w ZZ", "divide_by_max_weight": True},
            "all 0",
        ),
        ("maxcut_p1_general", {"graph": "C6", "n": 7, "gamma": [0], "beta": [0]}, "not n = 7"),
        ("fixed_angle_tree", {"d": 3, "p": 2, "gamma": [0.1], "beta": [0.1]}, "lists of 2 angles"),
        ("fixed_angle_tree", {"d": 3, "gamma": [0.1], "beta": [0.1], "H": "cut"}, "one of '-cut'"),
        ("fixed_angle_graph", {"graph": "bull", "d": 3, "gamma": [0], "beta": [0]}, "degree 3"),
        ("maxcut_p1_general", {"graph": "bll", "gamma": [0], "beta": [0]}, "no graph is called"),
        (
            "maxcut_p1_general",
            {"edges": [[0, 0]], "gamma": [0.1], "beta": [0.1]},
            "two different nodes",
        ),
        (
            "kofn_optimum",
            {"N": 5, "K": 2, "instance": TEXT.replace("cos", "tan")},
            "the instance must read",
        ),
        ("kofn_optimum", {"N": 5, "K": 9, "instance": TEXT}, r"choose must lie in 0\.\.5"),
        ("swap_network", {"n": 1}, "'n' must be at least 2, got 1"),
        ("cvar", {"values": [1], "probs": [1], "alpha": 0}, "alpha"),
        ("tts99", {"p_success": 2, "time_per_run": 1}, "probability must lie in"),
        ("gate_count_noise", dict.fromkeys(("r_rand", "r_ideal"), 1) | {"eps": 2}, "eps must"),
        ("zne_richardson", {"scale": [1, 1], "values": [1, 2]}, "distinct numbers"),
        ("qubo_to_ising", {"linear": [1], "quadratic": [[0, 1, 2]]}, r"two of 0\.\.0"),
        ("qubo_to_ising", {"linear": [0, 0], "quadratic": [[0.5, 1, 1]]}, r"two of 0\.\.1"),
        ("toeplitz", {"n": 2, "m": 1, "x": "12", "seed": "00"}, "consist of 0 and 1"),
    ],
)
def test_invalid_inputs_fail_clearly(family, inputs, reason):
    value, found = compute(family, **inputs)
    assert value is None
    assert re.search(reason, found), found
