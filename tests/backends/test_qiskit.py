import numpy as np
import pytest
from instances import k_of_n, ramp
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator

from qfl.backends import get_backend
from qfl.backends.gates import costs
from qfl.backends.qiskit import QiskitDevice
from qfl.core.errors import BackendError, CapacityError, ConfigError
from qfl.testing import check_backend


@pytest.mark.parametrize("device", [AerSimulator(seed_simulator=1), "qiskit_aer:AerSimulator"])
def test_any_device_samples_the_right_distribution(device):
    ansatz, shots = k_of_n(4, 2, "xy_parity_ring", 2), 4000
    compiled = QiskitDevice(device).compile(ansatz)
    counts = compiled.sample(ramp(2), shots, np.random.default_rng(2))
    assert counts.total == shots
    assert (counts.states.sum(1) == 2).all()
    exact = get_backend("subspace").compile(ansatz)
    states, probabilities = exact.distribution(ramp(2))
    energies = costs(ansatz)[states @ (1 << np.arange(4))]
    mean = energies @ probabilities
    error = np.sqrt(probabilities @ (energies - mean) ** 2 / shots)
    found = costs(ansatz)[counts.states @ (1 << np.arange(4))] @ counts.shots / shots
    assert abs(found - mean) < 4 * error  # fails with 6e-5 if all is well


def test_the_conformance_kit_passes():
    check_backend(QiskitDevice("qiskit_aer:AerSimulator", level=0, mean_shots=4000))


def test_many_angle_sets_travel_in_one_job():
    compiled = QiskitDevice(AerSimulator()).compile(k_of_n(3, 1, "xy_ring", 1))
    batch = np.array([ramp(1), 0 * ramp(1)])
    both = compiled.samples(batch, 500, np.random.default_rng(3))
    assert [counts.total for counts in both] == [500, 500]
    again = compiled.samples(batch, 500, np.random.default_rng(3))
    np.testing.assert_array_equal(both[0].samples(), again[0].samples())


def test_a_device_with_few_couplers_and_noise():
    device = GenericBackendV2(4, coupling_map=[(0, 1), (1, 2), (2, 3)], seed=5)
    backend = QiskitDevice(device)
    compiled = backend.compile(k_of_n(4, 2, "xy_ring", 1))
    counts = compiled.sample(ramp(1), 200, np.random.default_rng(0))
    assert counts.total == 200
    assert (counts.states.sum(1) == 2).mean() > 0.3
    assert backend.capabilities.max_qubits == 4
    assert len(compiled.calibration().qubits) == 4
    with pytest.raises(CapacityError, match="has 4 qubits, the circuit needs 5"):
        backend.compile(k_of_n(5, 2, "xy_ring", 1))


def test_a_device_that_names_no_number_of_qubits():
    backend = QiskitDevice("qiskit.providers.basic_provider:BasicSimulator")
    assert backend.capabilities.max_qubits is None
    compiled = backend.compile(k_of_n(4, 2, "xy_ring", 1))
    assert (compiled.sample(ramp(1), 50, np.random.default_rng(0)).states.sum(1) == 2).all()


def test_wrong_use_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match="qiskit:no_such_module:x names no device"):
        get_backend("qiskit:no_such_module:x").compile(k_of_n(3, 1, "xy_ring", 1))
    with pytest.raises(ConfigError, match="is dict, not a BackendV2"):
        QiskitDevice("builtins:dict").compile(k_of_n(3, 1, "xy_ring", 1))
    generic = "qiskit.providers.fake_provider:GenericBackendV2"
    with pytest.raises(ConfigError, match=f"qiskit:{generic} cannot be called without arguments"):
        get_backend(f"qiskit:{generic}").compile(k_of_n(3, 1, "xy_ring", 1))
    compiled = QiskitDevice(AerSimulator()).compile(k_of_n(3, 1, "xy_ring", 1))
    with pytest.raises(BackendError, match="only samples and knows no exact expectation"):
        compiled.expectation(ramp(1))
    with pytest.raises(BackendError, match="at least 1 shot, got 0"):
        compiled.sample(ramp(1), 0, np.random.default_rng(0))
