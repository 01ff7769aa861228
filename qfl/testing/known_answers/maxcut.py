"""Known answers on MaxCut, spin glasses and linear ramps on chains."""

from __future__ import annotations

import numpy as np

from qfl.core.constraints import Unconstrained
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.core.qubo import Ising
from qfl.problems import maxcut
from qfl.simulators.closed_forms import depth_one_cut, regular_depth_one_cut
from qfl.simulators.infinite_tree import cut_fraction
from qfl.simulators.spin_glass import sk_energy
from qfl.simulators.tree_angles import best_cut_angles
from qfl.solvers import qaoa_distribution, qaoa_expectation
from qfl.solvers.exact import spectrum
from qfl.solvers.quality import approximation_ratio, effective_ratio
from qfl.solvers.scale import feasible_mean
from qfl.solvers.schedules.ramp import linear_ramp
from qfl.testing.known_answers.inputs import Floats, Inputs

_STATEVECTOR_NODES = 20


def maxcut_p1_regular(given: Inputs) -> float:
    """Return the best cut fraction at depth one on triangle-free d-regular graphs."""
    best, _ = regular_depth_one_cut(given.whole("d", 1))
    return best


def maxcut_p1_general(given: Inputs) -> float:
    """Return the expected cut of a graph at given angles; depth one has no limit on its size."""
    weights, angles = given.graph(), given.angles()
    if angles.shape[1] == 1 and len(weights) > _STATEVECTOR_NODES:
        return depth_one_cut(weights, gamma=angles[0, 0], beta=angles[1, 0])
    return _cut(weights, angles)


def fixed_angle_graph(given: Inputs) -> float:
    """Return the expected cut fraction of a graph at given angles."""
    weights = given.graph()
    _check_cost(given)
    if "d" in given and (np.count_nonzero(weights, axis=1) != given.whole("d")).any():
        raise ConfigError(f"not every node of the graph has degree {given.whole('d')}")
    return _cut(weights, given.angles()) / (weights.sum() / 2)


def ring_angles(given: Inputs) -> float:
    """Return the expected cut fraction of a cycle at given angles."""
    _check_cost(given)
    weights = _cycle(given.whole("n", 3))
    return _cut(weights, given.angles()) / len(weights)


def ring_of_disagrees(given: Inputs) -> float:
    """Return the best cut fraction of an even cycle: angles of the infinite one, on this one."""
    depth, n = given.whole("p", 1), given.whole("n", 4)
    if n % 2 or n <= 2 * depth:
        raise ConfigError(f"the cycle must be even and longer than 2 p = {2 * depth}, got n = {n}")
    angles = best_cut_angles(degree=2, depth=depth)
    if n > _STATEVECTOR_NODES:
        return cut_fraction(angles, degree=2)
    return _cut(_cycle(n), angles) / n


def fixed_angle_tree(given: Inputs) -> float:
    """Return the cut fraction on the d-regular tree at given angles."""
    _check_cost(given)
    return cut_fraction(given.angles(), degree=given.whole("d", 2))


def tree_opt_3reg(given: Inputs) -> float:
    """Return the best cut fraction on the d-regular tree."""
    degree = given.whole("d", 2) if "d" in given else 3
    return cut_fraction(best_cut_angles(degree=degree, depth=given.whole("p", 1)), degree=degree)


def sk_nu(given: Inputs) -> float:
    """Return the energy of the Sherrington-Kirkpatrick model at given angles."""
    if "H" in given:
        given.text("H", "-(1/sqrt(n)) sum J_ij Z_i Z_j")
    return sk_energy(given.angles())


def lr_chain5(given: Inputs) -> dict[str, float]:
    """Return ratios and the optimum's probability after a linear ramp on a weighted chain."""
    given.text("H", "sum w ZZ")
    n, weights = given.whole("n", 2), given.numbers("weights")
    if weights.shape != (n - 1,):
        raise ConfigError(f"a chain of {n} needs {n - 1} weights, got {weights.tolist()}")
    if "divide_by_max_weight" in given and given.flag("divide_by_max_weight"):
        weights = weights / np.abs(weights).max()
    problem = Problem(
        kind="chain",
        qubo=Ising(0.0, np.zeros(n), np.diag(weights, 1)).to_qubo(),
        constraint=Unconstrained(),
        names=tuple(map(str, range(n))),
    )
    ramp = linear_ramp(
        given.whole("p", 1),
        delta_gamma=given.number("delta_gamma"),
        delta_beta=given.number("delta_beta"),
    )
    states, probabilities = qaoa_distribution(problem, *ramp, mixer="x", backend="statevector")
    energies, found = problem.qubo.energy(states), spectrum(problem)
    yardstick = {"optimum": found.optimum, "worst": found.worst}
    ratio = approximation_ratio(float(probabilities @ energies), **yardstick)
    random = approximation_ratio(feasible_mean(problem), **yardstick)
    slack = 1e-9 * (found.worst - found.optimum)
    return {
        "r": ratio,
        "r_eff": effective_ratio(ratio, random_ratio=random),
        "p_opt": float(probabilities[energies <= found.optimum + slack].sum()),
    }


def random_cut(given: Inputs) -> float:
    """Return the mean weight of a uniformly random cut."""
    total = given.number("total_weight")
    return -feasible_mean(maxcut(weights=[[0.0, total], [total, 0.0]]))


def _cut(weights: Floats, angles: Floats) -> float:
    return -qaoa_expectation(maxcut(weights=weights), *angles, mixer="x", backend="statevector")


def _cycle(n: int) -> Floats:
    step = np.roll(np.eye(n), 1, axis=1)
    return step + step.T


def _check_cost(given: Inputs) -> None:
    if "H" in given:
        given.text("H", "-cut")
