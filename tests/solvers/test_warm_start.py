"""A warm start leans towards the relaxation and away from nothing else."""

import numpy as np
import pytest

from qfl.core.constraints import Unconstrained
from qfl.core.errors import ConfigError
from qfl.problems.selection import ClientSelection
from qfl.solvers import solve
from qfl.solvers.warm_start import WarmStart, start_amplitudes
from qfl.testing.solvers import check_solver
from tests.solvers.conftest import dense


def instance(seed=0):
    return ClientSelection(clients=9, choose=3).draw(np.random.default_rng(seed))


def test_it_keeps_the_promises_of_the_port():
    check_solver(WarmStart(shots=8, qaoa={"depth": 1}), [instance()])
    tilted = WarmStart(shots=99, qaoa={"depth": 1, "mixer": "x", "backend": "statevector"})
    check_solver(tilted, [dense(Unconstrained(), 6)])


def test_a_bias_of_one_half_is_the_uniform_state():
    states = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0]], np.uint8)
    amplitudes = start_amplitudes(states, np.full(3, 0.5))
    np.testing.assert_allclose(amplitudes, 3**-0.5, atol=1e-15)


@pytest.mark.parametrize("mixer", ["grover", "xy_complete", "x"])
def test_starting_near_the_relaxation_lowers_the_untrained_mean(mixer):
    backend = "statevector" if mixer == "x" else "subspace"
    ramp = {
        "schedule": "linear_ramp",
        "schedule_options": {"delta_gamma": 1e-9, "delta_beta": 1e-9},
    }
    means = [
        solve(
            instance(),
            "warm_start",
            seed=0,
            shots=1,
            bias=bias,
            qaoa={"mixer": mixer, "backend": backend, **ramp},
        ).diagnostics["expectation"]
        for bias in (0.5, 0.3, 0.1)
    ]
    assert means == sorted(means, reverse=True)


def test_the_relaxation_is_on_the_bill_and_gives_a_bound():
    decision = solve(instance(), "warm_start", seed=0, shots=4, qaoa={"schedule": "transfer"})
    assert decision.bill.evaluations > 4
    assert decision.bound <= decision.energy
    assert decision.proof == "bound"


@pytest.mark.parametrize("options", [{"bias": 0.0}, {"bias": 0.6}, {"qaoa": {"depth": 0}}])
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError):
        WarmStart(shots=4, **options)
