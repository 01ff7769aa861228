"""One row of a family computed, and dense oracles to compare it with."""

import json

import numpy as np

from qfl.testing.known_answers import parse_table, verify

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


def row(family="r_eff", inputs=None, expected=0.6, tolerance=None):
    return {
        "id": f"q.{family}.case",
        "quantity": "effective ratio",
        "inputs": {"r": 0.8, "r_random": 0.5} if inputs is None else inputs,
        "expected": expected,
        "tolerance": tolerance or {"abs": 1e-12},
        "source": "definition",
    }


def verdict(**changes):
    [found] = verify(parse_table(json.dumps([row(**changes)]), "t.json"))
    return found
