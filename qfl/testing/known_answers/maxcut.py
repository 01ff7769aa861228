"""Known answers on MaxCut, spin glasses and linear ramps on chains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qfl.core.constraints import Unconstrained
from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.core.qubo import Ising
from qfl.problems import maxcut
from qfl.simulators.closed_forms import depth_one_cut, regular_depth_one_cut
from qfl.simulators.cycle import best_cycle_angles, cycle_cut
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

Integers = NDArray[np.int64]


def maxcut_p1_regular(given: Inputs) -> float:
    """Return the best cut fraction at depth one on triangle-free d-regular graphs."""
    best, _ = regular_depth_one_cut(given.whole("d", 1))
    return best


def maxcut_p1_general(given: Inputs) -> float:
    """Return the expected cut of a graph at given angles."""
    return _cut(given.graph(), given.angles())


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
    nodes, angles = given.whole("n", 3), given.angles()
    if nodes > _STATEVECTOR_NODES:
        return cycle_cut(angles, nodes=nodes)
    return _cut(_cycle(nodes), angles) / nodes


def ring_of_disagrees(given: Inputs) -> float:
    """Return the best cut fraction of a cycle."""
    depth, nodes = given.whole("p", 1), given.whole("n", 3)
    angles = best_cycle_angles(nodes=nodes, depth=depth)
    if nodes > _STATEVECTOR_NODES:
        return cycle_cut(angles, nodes=nodes)
    return _cut(_cycle(nodes), angles) / nodes


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
        largest = float(np.abs(weights).max())
        if largest == 0:
            raise ConfigError("weights that are all 0 cannot be divided by the largest of them")
        weights = weights / largest
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
    """Return the expected cut; of large graphs edge by edge, from what an edge sees in p steps."""
    if len(weights) > _STATEVECTOR_NODES:
        if angles.shape[1] == 1:
            return depth_one_cut(weights, gamma=angles[0, 0], beta=angles[1, 0])
        edges = np.argwhere(np.triu(weights, 1))
        cones = [_cone(weights, edge, angles.shape[1]) for edge in edges]
        if max(map(len, cones), default=0) <= _STATEVECTOR_NODES:
            return sum(
                weights[tuple(edge)] * _edge_cut(weights[np.ix_(cone, cone)], angles)
                for edge, cone in zip(edges, cones, strict=True)
            )
    return -qaoa_expectation(maxcut(weights=weights), *angles, mixer="x", backend="statevector")


def _cone(weights: Floats, edge: Integers, steps: int) -> Integers:
    """Return the nodes within `steps` of an edge, its own two first."""
    seen = np.zeros(len(weights), dtype=bool)
    seen[edge] = True
    for _ in range(steps):
        seen |= (weights[seen] != 0).any(0)
    seen[edge] = False
    return np.concatenate([edge, np.flatnonzero(seen)])


def _edge_cut(weights: Floats, angles: Floats) -> float:
    """Return the probability that the edge of nodes 0 and 1 is cut."""
    problem = maxcut(weights=weights)
    states, mass = qaoa_distribution(problem, *angles, mixer="x", backend="statevector")
    return float(mass[states[:, 0] != states[:, 1]].sum())


def _cycle(n: int) -> Floats:
    step = np.roll(np.eye(n), 1, axis=1)
    return step + step.T


def _check_cost(given: Inputs) -> None:
    if "H" in given:
        given.text("H", "-cut")
