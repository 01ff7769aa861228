"""Known answers on choosing K of N with the closed-form instance of the literature table."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from qfl.core.errors import ConfigError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems import client_selection
from qfl.solvers import penalised, qaoa_distribution
from qfl.solvers.exact import spectrum
from qfl.solvers.scale import feasible_mean
from qfl.testing.known_answers.inputs import Inputs

_MIXERS = {
    "complete": "xy_complete",
    "ring": "xy_ring_exact",
    "even_odd": "xy_parity_ring",
    "grover": "grover",
}
_TEMPLATE = (
    "f(x) = -sum_i u_i x_i + lam*sum_{i<j} S_ij x_i x_j, u_i = #±#*sin(#*(i+1)), "
    "S_ij = #*(1±cos(#*(i+1)*(j+1))), i,j = 0..N-1, lam = #"
)
_NUMBER = r"(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
_INSTANCE = re.compile(
    re.escape(_TEMPLATE).replace(r"\#", _NUMBER).replace("±", "([+-])") + r"(?:, sum x = K)?"
)


def kofn_qaoa(given: Inputs) -> dict[str, float]:
    """Return mean cost, probability of the optimum, optimum and random mean of a K-of-N QAOA."""
    problem, angles = _problem(given), given.angles()
    mixer = _MIXERS[given.text("mixer", *_MIXERS)]
    found = spectrum(problem)  # first: it refuses what is too large to list
    states, probabilities = qaoa_distribution(problem, *angles, mixer=mixer)
    energies = problem.qubo.energy(states)
    slack = 1e-9 * max(1e-300, found.worst - found.optimum)
    return {
        "mean_cost": float(probabilities @ energies),
        "p_opt": float(probabilities[energies <= found.optimum + slack].sum()),
        "optimum": found.optimum,
        "random_feasible_mean": feasible_mean(problem),
    }


def kofn_optimum(given: Inputs) -> dict[str, Any]:
    """Return the optimum, its variables and the gap to the second best choice.

    The gap is 0 if two choices reach the optimum, and null if there is no second choice.
    """
    found = spectrum(_problem(given))
    gap = 0.0 if found.optimal_states > 1 else found.gap
    return {
        "value": found.optimum,
        "selected": np.flatnonzero(found.x).tolist(),
        "gap": gap if found.states > 1 else None,
    }


def kofn_penalty(given: Inputs) -> dict[str, float]:
    """Return the mean of the penalised cost and how likely K variables are 1, under mixer X."""
    problem, angles = _problem(given), given.angles()
    if "penalty" in given:
        given.text("penalty", "lam_pen*(sum x - K)^2")
    priced = penalised(problem, penalty=given.number("lam_pen"))
    states, probabilities = qaoa_distribution(priced, *angles, mixer="x", backend="statevector")
    return {
        "mean_H": float(probabilities @ priced.qubo.energy(states)),
        "in_constraint_prob": float(probabilities[problem.is_feasible(states)].sum()),
    }


def qubo_to_ising(given: Inputs) -> dict[str, Any]:
    """Return offset, fields and couplings of linear and quadratic coefficients."""
    linear, pairs = given.numbers("linear"), given.numbers("quadratic")
    n = len(linear)
    if pairs.size and (pairs.ndim != 2 or pairs.shape[1] != 3):
        raise ConfigError(f"quadratic must hold [i, j, value], got {pairs.tolist()}")
    named = pairs.reshape(-1, 3)[:, :2]
    places = named.astype(int)
    if (
        (places != named).any()
        or ((places < 0) | (places >= n)).any()
        or (places[:, 0] == places[:, 1]).any()
    ):
        raise ConfigError(f"quadratic must couple two of 0..{n - 1}, got {named.tolist()}")
    matrix = np.diag(linear)
    np.add.at(matrix, tuple(places.T), pairs.reshape(-1, 3)[:, 2])
    constant = given.number("constant") if "constant" in given else 0.0
    ising = Qubo.from_matrix(matrix, constant=constant).to_ising()
    both = ising.couplings + ising.couplings.T
    order: dict[frozenset[int], list[int]] = {}
    for pair in places.tolist():
        order.setdefault(frozenset(pair), pair)
    return {
        "offset": ising.offset,
        "h": ising.fields.tolist(),
        "J": [[i, j, float(both[i, j])] for i, j in order.values()],
    }


def _problem(given: Inputs) -> Problem:
    """Return the instance that the text of a row describes, whatever its numbers."""
    text = given.text("instance")
    match = _INSTANCE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"the instance must read {_TEMPLATE!r}, # a number and ± a sign, got {text!r}"
        )
    shift, up, height, pace, overlap, over, phase, weight = match.groups()
    i = np.arange(1, given.whole("N", 1) + 1)
    return client_selection(
        utility=float(shift) + float(up + "1") * float(height) * np.sin(float(pace) * i),
        redundancy=float(overlap) * (1 + float(over + "1") * np.cos(float(phase) * np.outer(i, i))),
        choose=given.whole("K"),
        redundancy_weight=float(weight),
    )
