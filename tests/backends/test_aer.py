from dataclasses import replace

import numpy as np
import pytest

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz
from circuits.spec import CircuitSpec, Gate
from qfl.backends.aer import Aer
from qfl.core.errors import BackendError, CapacityError, ConfigError


def k_of_n(n, k, mixer, depth):
    """Return the published selection instance and a ramp of angles."""
    i = np.arange(n)
    utility = 0.5 + 0.5 * np.sin(1.7 * (i + 1))
    overlap = 0.15 * (1 + np.cos(0.9 * np.outer(i + 1, i + 1)))
    blocks = () if mixer == "x" else ((tuple(range(n)), k),)
    return QaoaAnsatz(0.0, -utility, np.triu(overlap, 1), mixer, depth, blocks)


def ramp(depth, gamma=0.8, beta=-0.6):
    rise = np.arange(1, depth + 1) / depth
    return np.array([gamma * rise, beta * (1 + 1 / depth - rise)])


@pytest.mark.golden
@pytest.mark.parametrize("method", ["statevector", "matrix_product_state"])
def test_published_mean_cost_and_optimum_probability(method):
    compiled = Aer(method=method).compile(k_of_n(10, 3, "xy_parity_ring", 4))
    mean = compiled.expectation(ramp(4))
    assert mean == pytest.approx(-1.6842891252091214, abs=1e-8)
    if method == "statevector":
        states, probabilities = compiled.distribution(ramp(4))
        assert len(states) == 120
        assert (states.sum(1) == 3).all()
        best = compiled.ansatz.linear @ states.T
        best = best + ((states @ compiled.ansatz.quadratic) * states).sum(1)
        assert probabilities[best.argmin()] == pytest.approx(0.1094139486706537, abs=1e-10)


@pytest.mark.golden
def test_published_cut_fraction():
    linear, quadratic = np.zeros(10), np.zeros((10, 10))
    for a in range(10):
        b = (a + 1) % 10
        linear[[a, b]] -= 0.1  # -cut/10 = -(x_a + x_b - 2 x_a x_b)/10
        quadratic[min(a, b), max(a, b)] = 0.2
    compiled = Aer().compile(QaoaAnsatz(0.0, 10 * linear, 10 * quadratic, "x", 2))
    mean = compiled.expectation([[0.655871, 1.242861], [-0.62143, -0.327935]])
    assert mean == pytest.approx(-8.333333333328587, abs=1e-8)


def test_depth_zero_is_the_start_state():
    compiled = Aer().compile(k_of_n(4, 1, "xy_ring", 0))
    values = compiled.expectation(np.zeros((3, 2, 0)))
    np.testing.assert_allclose(values, [compiled.ansatz.linear.mean()] * 3)


def test_noise_strikes_after_every_two_qubit_gate_with_the_stated_error():
    # one cx in the cz basis is one error; a depolarised pair is I/4 with weight 4/3 of the error
    spec = CircuitSpec(2, (Gate("x", (0,)), Gate("cx", (0, 1))))
    ansatz = QaoaAnsatz(0.0, np.zeros(2), np.zeros((2, 2)), "x", 0)
    noisy = replace(Aer(two_qubit_error=0.03).compile(ansatz), gates=to_qiskit(spec))
    _, probabilities = noisy.distribution(np.zeros((2, 0)))
    np.testing.assert_allclose(probabilities, [0.01, 0.01, 0.01, 0.97], atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exact"}, "unknown method 'exact' of aer; allowed"),
        ({"basis": "ecr"}, "unknown basis 'ecr' of aer; allowed"),
        ({"method": "density_matrix", "two_qubit_error": 0.8}, r"must lie in 0\.\.0\.75, got 0.8"),
        (
            {"two_qubit_error": 0.01, "method": "statevector"},
            "needs method 'density_matrix', got 'statevector'",
        ),
        ({"two_qubit_error": 0.01, "snapshot": "fake_boston"}, "has its own noise"),
        ({"level": 4}, "level must be 0, 1, 2 or 3, got 4"),
        ({"method": "pauli"}, "method 'pauli' simulates snapshots only"),
        ({"twirling": True}, "twirling is part of the noise of a snapshot under method 'pauli'"),
        ({"idle_errors": True, "snapshot": "fake_fez", "method": "density_matrix"}, "got method"),
        ({"drift_hz": 1e3, "snapshot": "fake_fez"}, "set idle_errors = true too"),
        ({"drift_hz": -1.0, "snapshot": "fake_fez"}, "finite and at least 0, got -1.0"),
        ({"dynamical_decoupling": "XY4", "snapshot": "fake_fez"}, "set idle_errors = true too"),
        ({"dynamical_decoupling": "YY", "snapshot": "fake_fez"}, "unknown dynamical_decoupling"),
        (
            {"twirling": True, "fractional_gates": True, "snapshot": "fake_fez"},
            "twirling does not work with fractional gates",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Aer(**options)


def test_what_it_cannot_run_is_refused():
    with pytest.raises(BackendError, match="aer cannot run this ansatz: 'xy_complete'"):
        Aer().compile(k_of_n(5, 2, "xy_complete", 1))
    assert Aer(trotter_steps=2).compile(k_of_n(5, 2, "xy_complete", 1)).expectation(ramp(1)) < 0
    with pytest.raises(
        BackendError,
        match=r"angles must have shape \(\.\.\., 2, 1\), gammas then betas, got \(2, 2\)",
    ):
        Aer().compile(k_of_n(5, 2, "xy_ring", 1)).expectation(ramp(2))
    with pytest.raises(BackendError, match=r"one angle set of shape \(2, 1\) was expected"):
        Aer().compile(k_of_n(5, 2, "xy_ring", 1)).distribution([ramp(1)])
    with pytest.raises(BackendError, match="angles must be finite"):
        Aer().compile(k_of_n(5, 2, "xy_ring", 1)).expectation([[np.nan], [0.0]])
    with pytest.raises(CapacityError, match="on this machine, got 60; try method"):
        Aer().compile(QaoaAnsatz(0.0, np.ones(60), np.zeros((60, 60)), "x", 1))
