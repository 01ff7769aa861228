import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.providers.fake_provider import GenericBackendV2

from qfl.backends.calibration import Calibration, calibration, success_probability
from qfl.backends.placement import place
from qfl.backends.snapshots import snapshot


def pair():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_a_snapshot_reports_the_qubits_used_as_its_properties_say():
    device = snapshot("fake_manila")
    placed = place(pair(), device)
    found = calibration(device, placed)
    reported = device.properties()
    assert found.device == "fake_manila"
    assert found.time == "2024-05-27T18:27:23+00:00"
    assert tuple(each.qubit for each in found.qubits) == placed.qubits
    for each in found.qubits:
        assert each.t1_seconds == pytest.approx(reported.t1(each.qubit))
        assert each.t2_seconds == pytest.approx(reported.t2(each.qubit))
        assert each.readout_error == pytest.approx(reported.readout_error(each.qubit))
    (coupler,) = found.pairs
    assert coupler.error == pytest.approx(reported.gate_error("cx", list(coupler.qubits)))
    assert coupler.duration_seconds == pytest.approx(reported.gate_length("cx", coupler.qubits))


def test_a_record_survives_the_disk_and_its_id_changes_with_it():
    device = snapshot("fake_manila")
    found = calibration(device, place(pair(), device))
    again = Calibration.from_dict(found.to_dict())
    assert again == found
    assert again.id == found.id
    other = calibration(snapshot("fake_belem"), place(pair(), snapshot("fake_belem")))
    assert other.id != found.id


def test_what_a_device_does_not_say_is_none():
    device = GenericBackendV2(2, noise_info=False, seed=0)
    found = calibration(device, place(pair(), device))
    assert found.time == ""
    assert {each.t1_seconds for each in found.qubits} == {None}
    assert {each.readout_error for each in found.qubits} == {None}


def test_success_is_the_product_over_gates():
    device = snapshot("fake_manila")
    placed = place(pair(), device)
    found = calibration(device, placed)
    two = 1 - found.pairs[0].error
    assert success_probability(device, placed) == pytest.approx(two)
    reads = np.prod([1 - each.readout_error for each in found.qubits])
    both = success_probability(device, placed, readout=True)
    assert both == pytest.approx(two * reads, rel=1e-12)
    assert success_probability(device, placed, one_qubit_gates=True) < two
