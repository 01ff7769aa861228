"""A choice knows its figures of merit."""

from dataclasses import replace

import numpy as np
import pytest

from qfl.core.choice import Choice
from qfl.problems import draw
from qfl.solvers import solve
from qfl.solvers.exact import spectrum

PROBLEM = draw("client_selection", seed=5, clients=7, choose=3)


def chosen(name, **options):
    return Choice.of(solve(PROBLEM, name, seed=0, **options), spectrum(PROBLEM))


def test_the_ratio_spans_the_enumerated_range():
    best = chosen("exact")
    assert best.figures() == {
        "approximation_ratio": 1.0,
        "optimum_hit": 1.0,
        "feasible": 1.0,
        "uniform_probability": 1 / 35,
    }
    worst = replace(best, energy=best.worst)
    assert (worst.figures()["approximation_ratio"], worst.is_optimum) == (0.0, False)
    assert not replace(best, feasible=False).is_optimum
    assert replace(best, optimum=None, states=None).figures() == {"feasible": 1.0}


@pytest.mark.parametrize(("name", "options"), [("random", {}), ("random_best", {"shots": 5})])
def test_one_uniform_sample_is_known_by_enumeration(name, options):
    figures = chosen(name, **options).figures()
    energies = PROBLEM.qubo.energy(np.concatenate(list(PROBLEM.constraint.enumerate(7))))
    mean = (energies.max() - energies.mean()) / np.ptp(energies)
    assert figures["sample_ratio"] == pytest.approx(mean, abs=1e-12)
    assert figures["optimum_probability"] == figures["uniform_probability"] == 1 / 35
    assert figures["in_constraint_probability"] == 1.0


def test_one_sample_of_a_penalised_circuit_counts_if_it_is_feasible():
    options = {"shots": 8, "depth": 1, "schedule": "transfer"}
    kept = chosen("qaoa", **options).figures()
    assert kept["in_constraint_probability"] == pytest.approx(1.0, abs=1e-12)
    assert kept["uniform_probability"] < kept["optimum_probability"] < 1.0
    priced = chosen("qaoa", mixer="x", backend="statevector", **options).figures()
    assert 0.0 < priced["in_constraint_probability"] < 1.0
    assert 0.0 < priced["sample_ratio"] < 1.0
