import numpy as np
import pytest
from instances import k_of_n, ramp
from qiskit.quantum_info import Statevector

from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import circuit
from qfl.backends import get_backend
from qfl.backends.placement import Layout, place
from qfl.backends.snapshots import snapshot
from qfl.core.errors import BackendError, CapacityError


def probabilities(ready, measured):
    return Statevector(ready).probabilities(list(measured))


@pytest.mark.parametrize("device", ["fake_manila", "fake_fractional", "fake_burlington"])
@pytest.mark.parametrize("mixer", ["x", "xy_parity_ring"])
def test_routing_changes_nothing_but_the_place_of_the_variables(device, mixer):
    spec = circuit(k_of_n(4, 2, mixer, 2)).bind(ramp(2).ravel())
    ready = to_qiskit(spec)
    placed = place(ready, snapshot(device))
    bare = ready.remove_final_measurements(inplace=False)
    np.testing.assert_allclose(
        probabilities(placed.compact, placed.measured),
        probabilities(bare, range(4)),
        atol=1e-10,
    )
    assert placed.compact.num_qubits == len(placed.qubits) <= 5
    assert placed.two_qubit_gates >= spec.resources(basis="fractional").two_qubit_gates
    assert placed.depth <= placed.two_qubit_gates


def test_free_parameters_stay_free_and_the_seed_decides():
    ready = to_qiskit(circuit(k_of_n(4, 2, "xy_ring", 1)))
    first, again = (place(ready, snapshot("fake_manila"), Layout(seed=3)) for _ in range(2))
    assert {p.name for p in first.circuit.parameters} == {"gamma_1", "beta_1"}
    assert first.circuit == again.circuit
    counted = sum(n for (name, _), n in first.operations.items() if name == "measure")
    assert counted == 4


def test_too_many_qubits_are_refused():
    ready = to_qiskit(circuit(k_of_n(6, 2, "x", 1)))
    with pytest.raises(CapacityError, match="fake_manila has 5 qubits, the circuit needs 6"):
        place(ready, snapshot("fake_manila"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("aer:fake_kyoto", {}),
        ("noise:depolarising", {"snapshot": "fake_kyoto"}),
        ("qiskit:qiskit_ibm_runtime.fake_provider:FakeKyoto", {}),
    ],
)
def test_a_device_whose_couplers_are_all_dead_is_refused(name, options):
    """All 144 of Kyoto are stored with error 1."""
    ansatz = k_of_n(3, 1, "xy_ring", 1)
    with pytest.raises(
        BackendError, match=r"fake_kyoto uses a gate of reported error 1, .* \d+ and \d+: its"
    ):
        get_backend(name, **options).compile(ansatz)


def test_who_does_not_look_at_errors_gets_them():
    ansatz = k_of_n(3, 1, "xy_ring", 1)
    compiled = get_backend("aer:fake_kyoto", noise_aware=False).compile(ansatz)
    assert compiled.distribution(ramp(1))[1].sum() == pytest.approx(3 / 8, abs=0.05)  # uniform bits


@pytest.mark.parametrize("name", ["fake_torino", "fake_marrakesh", "fake_boston"])
def test_dead_couplers_of_a_device_are_avoided(name):
    """They have some, with error 1; dense costs of ten clients need half a dozen swaps a layer."""
    dead = {where for where, each in snapshot(name).target["cz"].items() if each.error == 1}
    placed = get_backend(f"aer:{name}").compile(k_of_n(10, 4, "xy_ring", 1)).placed
    assert dead
    assert not dead & {where for _, where in placed.operations}


@pytest.mark.parametrize("mixer", ["x", "xy_trotter"])
def test_the_network_gives_the_same_distribution_on_a_device(mixer):
    ansatz = k_of_n(5, 2, mixer, 1)
    found = []
    for line in (False, True):
        compiled = get_backend("aer:fake_manila", line=line).compile(ansatz)
        (values,) = compiled.structure.angles(np.array([[0.6, -0.3]]))
        named = dict(zip(compiled.structure.spec.parameters, values, strict=True))
        gates, measured = compiled.placed.compact, compiled.placed.measured
        bound = gates.assign_parameters({p: named[p.name] for p in gates.parameters})
        found.append(probabilities(bound, measured))
    np.testing.assert_allclose(*found, atol=1e-10)


def test_on_a_large_device_the_network_is_smaller_and_shallower():
    """Dense cost and mixer of ten clients with their Dicke state, on 156 qubits of degree 3."""
    ansatz = k_of_n(10, 4, "xy_trotter", 1)
    router, network = (
        get_backend("aer:fake_boston", line=line).compile(ansatz).placed for line in (False, True)
    )
    assert network.two_qubit_gates < router.two_qubit_gates
    assert network.depth < 0.8 * router.depth
