"""The random floor: one blind draw, and the best of many."""

import numpy as np
import pytest

from qfl.solvers import solve
from qfl.solvers.exact import spectrum
from tests.solvers.conftest import closed_form


def test_one_draw_costs_nothing_and_is_uniform():
    """Mean of 4,000 draws within 5 standard errors: false alarm 6e-7."""
    problem = closed_form(8, 3)
    states = np.concatenate([*problem.constraint.enumerate(8)])
    energies = problem.qubo.energy(states)
    drawn = [solve(problem, "random", seed=seed) for seed in range(4000)]
    error = np.mean([d.energy for d in drawn]) - energies.mean()
    assert abs(error) < 5 * energies.std() / np.sqrt(4000)
    assert drawn[0].bill.evaluations == drawn[0].bill.shots == 0


@pytest.mark.parametrize("shots", [1, 24, 400])
def test_the_best_of_many_bills_its_shots(shots):
    decision = solve(closed_form(10, 3), "random_best", seed=1, shots=shots)
    assert decision.bill.shots == shots
    assert decision.bill.evaluations <= min(shots, 120)


def test_more_draws_on_the_same_stream_never_lose():
    problem = closed_form(10, 3)
    energies = [
        solve(problem, "random_best", seed=2, shots=shots).energy for shots in (1, 10, 100, 3000)
    ]
    assert energies[-1] == pytest.approx(spectrum(problem).optimum, abs=1e-12)
    assert energies[-1] <= min(energies)
