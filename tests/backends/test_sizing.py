from dataclasses import replace

import numpy as np
from instances import chain, k_of_n

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.sizing import size
from qfl.backends.snapshots import snapshot
from qfl.backends.stored import snapshot_names


def test_the_public_chain_on_its_snapshot_needs_no_account():
    found = size("ibm:ibm_boston", {}, chain())
    simulated = size("aer:fake_boston", {}, chain())
    assert 0.05 < simulated.simulation_seconds < 1
    assert found == replace(simulated, simulation_seconds=0.0)
    assert (found.qubits, found.two_qubit_gates, found.depth) == (10, 180, 40)
    assert found.source == "fake_boston"
    assert 1e-6 < found.circuit_seconds < 100e-6


def test_an_exact_backend_is_sized_without_routing():
    found = size("subspace", {}, k_of_n(6, 2, "xy_complete", 1))
    assert found.source == ""
    assert found.two_qubit_gates > 0


def test_a_machine_without_a_snapshot_is_asked_itself(cloud):
    assert "fake_loopback" not in snapshot_names()
    found = size("ibm:ibm_loopback", {}, k_of_n(4, 2, "xy_ring", 1))
    assert found.source == "ibm_loopback"
    assert found.qubits <= snapshot("fake_manila").num_qubits
    assert "POST /jobs" not in cloud.log


def test_any_qiskit_device_is_sized_as_it_is_compiled():
    name, ansatz = "qiskit:qiskit_ibm_runtime.fake_provider:FakeFez", k_of_n(6, 2, "xy_ring", 1)
    found, placed = size(name, {}, ansatz), get_backend(name).compile(ansatz).placed
    assert (found.two_qubit_gates, found.depth) == (placed.two_qubit_gates, placed.depth)
    assert found.two_qubit_gates > size("subspace", {}, ansatz).two_qubit_gates  # routed
    assert found.circuit_seconds > 1e-6
    assert size("qiskit:qiskit_aer:AerSimulator", {}, ansatz).circuit_seconds == 0.0  # unknown


def test_what_the_memory_of_an_exact_backend_does_not_hold_is_said():
    choose_20_of_60 = QaoaAnsatz(
        0.0, np.ones(60), np.zeros((60, 60)), "xy_ring", 1, ((tuple(range(60)), 20),)
    )
    assert "4191844505805495 states needs" in size("subspace", {}, choose_20_of_60).refusal
    wide = {"two_qubit_error": 0.01, "backend": "statevector"}
    for name, options in (("statevector", {}), ("noise:depolarising", wide)):
        found = size(name, options, choose_20_of_60)
        assert found.refusal.startswith("the state of 60 qubits needs")
        assert found.two_qubit_gates > 0
    assert size("subspace", {}, k_of_n(6, 2, "xy_ring", 1)).refusal == ""


def test_a_missing_folder_of_recorded_counts_is_said(tmp_path):
    ansatz, folder = k_of_n(4, 2, "xy_ring", 1), tmp_path / "counts"
    assert f"no recorded counts in {folder}" in size(f"recorded:{folder}", {}, ansatz).refusal
    folder.mkdir()
    assert size(f"recorded:{folder}", {}, ansatz).refusal == ""


def test_what_cannot_run_is_still_sized():
    dense = k_of_n(17, 3, "xy_parity_ring", 1)
    found = size("aer:fake_fez", {}, dense)
    assert (found.qubits, found.source) == (17, "fake_fez")
    assert "holds" in found.refusal
    assert found.simulation_seconds == 0
    assert size("aer:fake_fez", {"method": "statevector"}, dense).refusal == ""
    small = size("aer:fake_manila", {"line": True}, k_of_n(6, 2, "x", 1))
    assert small.refusal.startswith("fake_manila has 5 qubits, the circuit needs 6")
    assert small.two_qubit_gates == 30  # before it is placed
    wrong = size("pennylane:lightning.qubit", {}, k_of_n(5, 2, "xy_complete", 1))
    assert wrong.refusal.startswith("pennylane:lightning.qubit does not run mixer 'xy_complete'")
