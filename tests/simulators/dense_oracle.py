"""QAOA by dense matrices on the allowed states, in the words of the definition."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from circuits.mixers import edges
from circuits.qaoa import SUMS, QaoaAnsatz


def random_ansatz(rng, mixer, depth, blocks, initial=None, order=None) -> QaoaAnsatz:
    n = sum(len(variables) for variables, _ in blocks)
    linear, quadratic = rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1)
    return QaoaAnsatz(rng.normal(), linear, quadratic, mixer, depth, blocks, initial, order=order)


def random_order(rng, mixer, blocks):
    """Return the pairs of a product mixer in a random order, as variables, ends swapped or not."""
    own = [(v[a], v[b]) for v, _ in blocks for a, b in edges(mixer, len(v))]
    return tuple(
        own[i][::-1] if rng.random() < 0.5 else own[i] for i in rng.permutation(len(own)).tolist()
    )


def allowed_states(ansatz: QaoaAnsatz) -> NDArray[np.int64]:
    every = (np.arange(2**ansatz.n)[:, None] >> np.arange(ansatz.n)) & 1
    keep = np.ones(len(every), dtype=bool)
    for variables, ones in ansatz.blocks:
        keep &= every[:, list(variables)].sum(1) == ones
    return every[keep]


def cost(ansatz: QaoaAnsatz, states: NDArray[np.int64]) -> NDArray[np.float64]:
    return ansatz.constant + states @ ansatz.linear + ((states @ ansatz.quadratic) * states).sum(1)


def exchange(states: NDArray[np.int64], a: int, b: int) -> NDArray[np.float64]:
    """Return (XX + YY)/2 on variables a and b."""
    place = {tuple(state): i for i, state in enumerate(states.tolist())}
    matrix = np.zeros((len(states), len(states)))
    for state in states.tolist():
        if state[a] != state[b]:
            other = list(state)
            other[a], other[b] = state[b], state[a]
            matrix[place[tuple(other)], place[tuple(state)]] = 1
    return matrix


def generators(ansatz, states, start) -> Iterator[NDArray[np.complex128]]:
    """Yield the matrices whose exponentials, in this order, are one mixer layer."""
    if ansatz.mixer == "grover":
        yield np.outer(start, start.conj())
        return
    pairs = [
        (variables[a], variables[b])
        for variables, _ in ansatz.blocks
        for a, b in edges(ansatz.mixer, len(variables))
    ]
    if ansatz.order is not None:
        pairs = list(ansatz.order)
    matrices = [exchange(states, a, b) for a, b in pairs]
    if ansatz.mixer in SUMS:
        yield sum(matrices, np.zeros((len(states), len(states))))
    else:
        yield from matrices


def final_state(ansatz, angles, start=None) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Return the allowed states, by ascending integer, and their amplitudes."""
    states = allowed_states(ansatz)
    if start is None:
        start = np.full(len(states), len(states) ** -0.5, dtype=complex)
    psi, matrices = start, list(generators(ansatz, states, start))
    for gamma, beta in np.asarray(angles).T:
        psi = np.exp(-1j * gamma * cost(ansatz, states)) * psi
        for matrix in matrices:
            psi = expm(-1j * beta * matrix) @ psi
    return states, psi
