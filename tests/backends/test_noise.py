from dataclasses import replace

import numpy as np
import pytest
from instances import k_of_n, ramp

from circuits.qaoa import resources
from qfl.backends import get_backend
from qfl.backends.noise import gate_count_noise
from qfl.core.errors import BackendError, ConfigError
from qfl.simulators.objectives import Cvar

ANSATZ = k_of_n(8, 3, "xy_parity_ring", 2)
ANGLES = ramp(2, 0.8, 0.5)
ERROR = 0.004


@pytest.mark.golden
@pytest.mark.parametrize(
    ("ideal", "error", "gates", "noisy"),
    [(0.887, 0.003, 180, 0.7253406076616751), (0.95, 0.001, 400, 0.8015836577030331)],
)
def test_the_one_parameter_model(ideal, error, gates, noisy):
    assert gate_count_noise(np.float64(ideal), 0.5, (1 - error) ** gates) == pytest.approx(
        noisy, abs=1e-12
    )


def test_means_gradients_and_distributions_mix_ideal_and_uniform():
    noisy = get_backend("noise:depolarising", two_qubit_error=ERROR).compile(ANSATZ)
    ideal = get_backend("subspace").compile(ANSATZ)
    kept = (1 - ERROR) ** resources(ANSATZ).two_qubit_gates
    assert 0.1 < kept < 0.9
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    costs = ANSATZ.constant + bits @ ANSATZ.linear + ((bits @ ANSATZ.quadratic) * bits).sum(1)
    random = costs.mean()
    value, gradient = noisy.value_and_gradient(ANGLES)
    exact, slope = ideal.value_and_gradient(ANGLES)
    assert value == pytest.approx(kept * exact + (1 - kept) * random, abs=1e-12)
    assert noisy.expectation(ANGLES) == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(gradient, kept * slope, atol=1e-12)
    states, probabilities = noisy.distribution(ANGLES)
    clean = ideal.distribution(ANGLES)[1]
    np.testing.assert_allclose(probabilities, kept * clean + (1 - kept) / 256, atol=1e-12)
    assert len(states) == 56
    assert 1 - probabilities.sum() == pytest.approx((1 - kept) * (1 - 56 / 256), abs=1e-12)


def test_samples_leave_the_constraint_as_often_as_the_model_says():
    """Binomial, six sigma: a false alarm in 5e8 runs."""
    shots = 5000
    noisy = get_backend("noise:depolarising", two_qubit_error=ERROR).compile(ANSATZ)
    counts = noisy.sample(ANGLES, shots, np.random.default_rng(1))
    assert counts.total == shots
    inside = noisy.distribution(ANGLES)[1].sum()
    share = counts.shots[counts.states.sum(1) == 3].sum() / shots
    assert abs(share - inside) < 6 * np.sqrt(inside * (1 - inside) / shots)


@pytest.mark.parametrize(("error", "feasible"), [(0.0, 1.0), (1.0, 56 / 256)])
def test_no_error_is_ideal_and_certain_error_is_uniform(error, feasible):
    noisy = get_backend("noise:depolarising", two_qubit_error=error).compile(ANSATZ)
    assert noisy.distribution(ANGLES)[1].sum() == pytest.approx(feasible, abs=1e-12)
    assert noisy.sample(ANGLES, 9, np.random.default_rng(0)).total == 9


def test_a_snapshot_sets_the_error_by_the_pattern_of_the_circuit_alone():
    model = get_backend("noise:depolarising", snapshot="fake_fez")
    first, second = (
        model.compile(replace(ANSATZ, linear=factor * ANSATZ.linear)) for factor in (1, 3)
    )
    assert 0.1 < first.survival == second.survival < 0.9
    assert first.execution() == second.execution()
    with pytest.raises(ConfigError, match="needs two_qubit_error or snapshot, one of them"):
        get_backend("noise:depolarising", snapshot="fake_fez", two_qubit_error=0.1)


def test_the_calibration_behind_the_error_is_on_record():
    """The qubits of the snapshot that the error comes from, and the gates that it is counted by."""
    snapshot = get_backend("noise:depolarising", snapshot="fake_manila")
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    found = snapshot.compile(ansatz).execution()
    placed = get_backend("aer:fake_manila").compile(ansatz).execution()
    assert found.calibrations == placed.calibrations
    assert found.diagnostics()["device"] == "fake_manila"
    needs = resources(ansatz)
    assert (found.qubits, found.depth) == (needs.qubits, needs.depth)
    assert found.two_qubit_gates == needs.two_qubit_gates < placed.two_qubit_gates
    given = get_backend("noise:depolarising", two_qubit_error=0.01).compile(ansatz)
    assert given.execution() is None


def test_it_wraps_any_exact_backend_with_its_options():
    options = {"precision": "single"}
    noisy = get_backend(
        "noise:depolarising", two_qubit_error=0.01, backend="statevector", backend_options=options
    )
    assert noisy.capabilities.mixers == get_backend("statevector").capabilities.mixers
    assert len(noisy.compile(ANSATZ).distribution(ANGLES)[0]) == 256


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ConfigError, match="needs two_qubit_error or snapshot, one of them"):
        get_backend("noise:depolarising")
    with pytest.raises(ConfigError, match=r"must lie in 0\.\.1, got 1\.5"):
        get_backend("noise:depolarising", two_qubit_error=1.5)
    noisy = get_backend("noise:depolarising", two_qubit_error=0.1)
    with pytest.raises(BackendError, match="only the mean cost has a gradient"):
        noisy.compile(ANSATZ).value_and_gradient(ANGLES, objective=Cvar(0.1))
    with pytest.raises(BackendError, match="'aer' is not exact; wrap 'subspace' or 'statevector'"):
        get_backend("noise:depolarising", two_qubit_error=0.1, backend="aer").compile(ANSATZ)
    with pytest.raises(BackendError, match="at least 1 shot"):
        noisy.compile(ANSATZ).sample(ANGLES, 0, np.random.default_rng(0))
