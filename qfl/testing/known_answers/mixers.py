"""Known answers on the mixers and on the subspaces that they keep."""

from __future__ import annotations

from math import comb

import numpy as np

from circuits.swap_network import phase_network
from qfl.core.constraints import Exactly, OneHot
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.simulators import closed_forms, single_layer
from qfl.simulators.memory import require
from qfl.solvers.scale import feasible_mean
from qfl.solvers.threshold import marked_probability
from qfl.testing.known_answers.inputs import Floats, Inputs


def johnson_spectrum(given: Inputs) -> list[list[int]]:
    """Return [eigenvalue, multiplicity] of the complete XY mixer on weight k, largest first."""
    spectrum = closed_forms.complete_spectrum(given.whole("n", 1), given.whole("k"))
    return [list(pair) for pair in spectrum]


def complete_xy_evolution(given: Inputs) -> dict[str, float]:
    """Return the amplitudes to stay and to swap one variable after a complete XY layer."""
    n, k = _size(given)
    if not 0 < k < n:
        raise ConfigError(f"one variable can only be swapped if 0 < k < n, got k = {k}, n = {n}")
    require(32 * comb(n, k), what=f"C({n}, {k}) = {comb(n, k)} states", advice="take a smaller k")
    start = np.eye(1, comb(n, k)).ravel()  # variables 0..k-1: the smallest integer
    after = single_layer.mixed(start, "xy_complete", n=n, k=k, beta=given.number("beta"))
    swapped = after[k]  # variables 1..k are 0 less: k states of larger variables come before
    return {
        "stay_re": float(after[0].real),
        "stay_im": float(after[0].imag),
        "one_swap_re": float(swapped.real),
        "one_swap_im": float(swapped.imag),
    }


def ring_xy_top(given: Inputs) -> float:
    """Return the largest eigenvalue of the ring XY mixer on weight k."""
    return closed_forms.ring_top(*_size(given))


def ring_dicke_overlap(given: Inputs) -> float:
    """Return |<Dicke|top eigenvector of the ring XY mixer>|^2 on weight k."""
    return closed_forms.ring_dicke_overlap(*_size(given))


def ring_trotter_error(given: Inputs) -> float:
    """Return the spectral norm of the even-odd ring product minus the exact ring on weight k."""
    given.label("order")
    n, k = _size(given)
    return single_layer.ring_trotter_error(n=n, k=k, beta=given.number("beta"))


def grover_threshold(given: Inputs) -> list[float]:
    """Return the probability of a marked state after 1..p (4 if not given) Grover layers."""
    feasible, marked = given.whole("feasible", 1), given.whole("marked")
    depth = given.whole("p", 1) if "p" in given else 4
    return [marked_probability(feasible, marked, layers) for layers in range(1, depth + 1)]


def dicke_moments(given: Inputs) -> dict[str, float]:
    """Return <x_i>, <x_i x_j>, the feasible count and the share of all strings it is."""
    n, k = _size(given)
    if n < 2:
        raise ConfigError(f"a pair of variables needs n >= 2, got {n}")
    first, pair = np.eye(1, n).ravel(), np.zeros((n, n))
    pair[0, 1] = 1.0
    count = Exactly(k).feasible_count(n)
    return {
        "xi": _mean(first, np.zeros((n, n)), k),
        "xixj": _mean(np.zeros(n), pair, k),
        "dim": count,
        "floor": count / 2**n,
    }


def onehot_block(given: Inputs) -> float:
    """Return the probability that a client keeps its slot after one complete XY block."""
    slots = given.whole("slots", 1)
    start = np.eye(1, slots).ravel()
    after = single_layer.mixed(start, "xy_complete", n=slots, k=1, beta=given.number("beta"))
    return float(abs(after[0]) ** 2)


def onehot_dim(given: Inputs) -> dict[str, int]:
    """Return qubits, states in all and states with one slot per client."""
    clients, slots = given.whole("clients", 1), given.whole("slots", 1)
    groups = tuple(tuple(range(i * slots, (i + 1) * slots)) for i in range(clients))
    qubits = clients * slots
    return {
        "qubits": qubits,
        "full": 2**qubits,
        "subspace": OneHot(groups).feasible_count(qubits),
    }


def subspace_dim(given: Inputs) -> dict[str, float]:
    """Return the feasible count of K of N, and how much smaller than 2^N it is."""
    n = given.whole("N", 1)
    constraint = Exactly(given.whole("K"))
    constraint.check(n)
    count = constraint.feasible_count(n)
    return {"dim": count, "factor": 2**n / count}


def swap_network(given: Inputs) -> dict[str, int]:
    """Return the swap layers and pair interactions of one dense phase layer on a line."""
    n = given.whole("n", 2)
    dense, empty = np.triu(np.ones((n, n)), 1), np.zeros((n, n))
    swaps, _ = phase_network(empty, range(n), "gamma")
    gates, _ = phase_network(dense, range(n), "gamma")
    depth = [0] * n
    for gate in swaps:
        a, b = gate.qubits
        depth[a] = depth[b] = max(depth[a], depth[b]) + 1
    return {"swap_layers": max(depth), "pairs": sum(gate.parameter != "" for gate in gates)}


def _size(given: Inputs) -> tuple[int, int]:
    n, k = given.whole("n", 1), given.whole("k")
    Exactly(k).check(n)
    return n, k


def _mean(linear: Floats, quadratic: Floats, k: int) -> float:
    names = tuple(map(str, range(len(linear))))
    return feasible_mean(Problem("moment", Qubo(0.0, linear, quadratic), Exactly(k), names))
