"""dwave-samplers behind the port: the same objective, the same bit order."""

import itertools

import numpy as np
import pytest

from qfl.core.constraints import Exactly, Unconstrained
from qfl.core.errors import UnknownNameError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.solvers import SOLVERS, solve
from qfl.solvers.exact import spectrum
from tests.solvers.conftest import closed_form, dense

if not SOLVERS.rows["dwave"].installed:
    pytest.skip("needs the extra 'dwave'", allow_module_level=True)

from qfl.solvers.dwave import Dwave, quadratic_model
from qfl.testing.solvers import check_solver


def test_it_keeps_the_promises_of_the_port():
    check_solver(Dwave(reads=20), [dense(Unconstrained(), 6), closed_form(7, 3)])
    for sampler in ("descent", "tabu"):
        check_solver(Dwave(reads=20, sampler=sampler), [dense(Exactly(2), 5)])


def test_the_model_has_our_energies_on_all_states():
    qubo = dense(Unconstrained(), 12).qubo  # twelve: label order 0, 1, 10, 11, 2 must not matter
    states = np.array(list(itertools.product((0, 1), repeat=12)), dtype=np.int8)[::37]
    model = quadratic_model(qubo)
    energies = model.energies((states, list(range(12))))
    np.testing.assert_allclose(energies, qubo.energy(states), atol=1e-9)


def test_long_annealing_finds_the_optimum():
    problem = closed_form(12, 4)
    decision = solve(problem, "dwave", seed=0, reads=50, sweeps=500)
    assert decision.energy == pytest.approx(spectrum(problem).optimum, abs=1e-9)
    assert decision.bill.evaluations >= 50 * 500 * 12
    assert decision.diagnostics["penalty_rule"] == "largest_flip"


def test_tabu_search_finds_the_optimum_and_repeats():
    problem = closed_form(12, 4)
    one, two = (
        solve(problem, "dwave", seed=3, reads=5, sweeps=50, sampler="tabu") for _ in range(2)
    )
    assert one.energy == pytest.approx(spectrum(problem).optimum, abs=1e-9)
    assert one.x.tolist() == two.x.tolist()
    assert one.bill.evaluations >= 5 * 50 * 12


def test_descent_is_billed_by_its_steps():
    bill = solve(closed_form(12, 4), "dwave", seed=0, reads=10, sampler="descent").bill
    assert bill.evaluations > 10 * 12  # from random states it takes more than no step


def test_an_unknown_sampler_is_refused():
    with pytest.raises(UnknownNameError, match="annealing, descent, tabu"):
        Dwave(reads=1, sampler="tabuu")


def test_costs_of_nothing_need_no_temperature():
    problem = Problem("flat", Qubo(0.0, np.zeros(2), np.zeros((2, 2))), Unconstrained(), ("a", "b"))
    assert solve(problem, "dwave", seed=0, reads=3).energy == 0
