"""Choosing K of N, against dense matrices and enumeration."""

import itertools

import numpy as np
import pytest

from tests.testing.known_answers.computing import TEXT, exchange, expm, got, transverse, weights


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
