"""Our noise against Aer's own: its device model, its relaxation pass, Qiskit's schedules."""

import numpy as np
import pytest
from instances import chain, k_of_n, ramp, ratio
from qiskit import QuantumCircuit
from qiskit.circuit.library import XGate
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    PadDynamicalDecoupling,
    TimeUnitConversion,
)
from qiskit_aer import AerSimulator

from qfl.backends import get_backend, snapshots
from qfl.backends.noisy import Noise, _errors, _split, program, scheduled
from qfl.backends.targets import part
from qfl.core.errors import BackendError
from qfl.simulators.pauli import PAULIS, readings, transfer


def by_aer(compiled, gates):
    """Return what Aer reads from `gates` on the qubits of a compiled ansatz, at ramp(1)."""
    placed = compiled.placed
    (values,) = compiled.structure.angles(ramp(1).reshape(1, -1))
    named = dict(zip(compiled.structure.spec.parameters, values, strict=True))
    ready = gates.assign_parameters({p: named[p.name] for p in gates.parameters})
    ready.save_probabilities(placed.measured)
    model = snapshots.noise(compiled.situation.snapshot, placed.qubits)
    simulator = AerSimulator(method="density_matrix", noise_model=model)
    found = simulator.run(ready).result().data(0)["probabilities"]
    for k, matrix in enumerate(compiled.readouts):
        cube = found.reshape(-1, 2, 2**k)
        found = np.einsum("ij,ajb->aib", matrix, cube).reshape(-1)
    return found


def test_idle_errors_are_those_of_aers_own_pass_on_a_scheduled_circuit():
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    plain = get_backend("aer:fake_manila").compile(ansatz)
    idle = get_backend("aer:fake_manila", idle_errors=True).compile(ansatz)
    target = part(snapshots.snapshot("fake_manila").target, idle.placed.qubits)
    waiting = scheduled(idle.placed.compact, target)
    assert waiting.count_ops()["delay"] > 10
    np.testing.assert_allclose(idle.read(ramp(1)), by_aer(idle, waiting), atol=1e-10)
    np.testing.assert_allclose(plain.read(ramp(1)), by_aer(plain, plain.placed.compact), atol=1e-10)
    assert abs(idle.expectation(ramp(1)) - plain.expectation(ramp(1))) > 0.005


def test_pulses_are_where_qiskits_own_pass_puts_them():
    """Qiskit rounds gaps to whole samples of the clock, hence not to the last digit."""
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    options = {"idle_errors": True, "dynamical_decoupling": "XX"}
    ours = get_backend("aer:fake_manila", **options).compile(ansatz)
    bare = get_backend("aer:fake_manila", idle_errors=True).compile(ansatz)
    target = part(snapshots.snapshot("fake_manila").target, ours.placed.qubits)
    passes = [
        TimeUnitConversion(target=target),
        ALAPScheduleAnalysis(target=target),
        PadDynamicalDecoupling(target=target, dd_sequence=[XGate(), XGate()]),
    ]
    padded = PassManager(passes).run(ours.placed.compact)
    assert padded.count_ops()["x"] > ours.placed.compact.count_ops().get("x", 0) + 10
    expected = by_aer(ours, padded)
    np.testing.assert_allclose(ours.read(ramp(1)), expected, atol=2e-5)
    assert np.abs(bare.read(ramp(1)) - expected).max() > 5e-4


def ramsey(noise, qubits, microseconds):
    """Return P(1) of a qubit of Manila that waits between two quarter turns."""
    target = part(snapshots.snapshot("fake_manila").target, qubits)
    circuit = QuantumCircuit(len(qubits))
    for qubit in range(len(qubits)):
        circuit.sx(qubit)
        circuit.delay(round(microseconds * 1e-6 / target.dt), qubit, unit="dt")
        circuit.sx(qubit)
    pairs, after = program(circuit, target, qubits, noise).steps({})
    return readings(len(qubits), pairs, after, [0])[1], target


def test_drift_turns_a_qubit_that_waits_and_pulses_turn_it_back():
    """Ramsey fringes: (1 + cos(2 pi f t) exp(-t/T2)) / 2, gates apart; the shift is per qubit."""
    still, target = ramsey(Noise(idle_errors=True), (3,), 5.0)
    times = target.qubit_properties[0]
    assert still == pytest.approx((1 + np.exp(-5e-6 / min(times.t2, 2 * times.t1))) / 2, abs=2e-3)
    drifting = Noise(idle_errors=True, drift_hz=5e4, seed=1)
    moved, _ = ramsey(drifting, (3,), 5.0)
    same, _ = ramsey(drifting, (3, 1), 5.0)  # the same qubit of the device, another number here
    assert moved == pytest.approx(same)
    assert moved < still - 0.1
    for pulses in ("XX", "XpXm", "XY4"):
        echoed = Noise(idle_errors=True, drift_hz=5e4, seed=1, decoupling=pulses)
        back, _ = ramsey(echoed, (3,), 5.0)
        assert back == pytest.approx(still, abs=5e-3)
    short, _ = ramsey(Noise(idle_errors=True, decoupling="XY4"), (3,), 0.1)  # no room for four
    assert short == pytest.approx(ramsey(Noise(idle_errors=True), (3,), 0.1)[0])


def test_twirling_is_the_average_over_all_pauli_frames():
    target = part(snapshots.snapshot("fake_fez").target, (0, 1))
    plain, twirled = _errors(target, False), _errors(target, True)
    frames = [transfer(np.kron(high, low)) for high in PAULIS for low in PAULIS]
    for key, error in plain.items():
        if len(key[1]) == 2:
            mean = sum(frame @ error @ frame for frame in frames) / 16
            np.testing.assert_allclose(twirled[key], mean, atol=1e-12)
            assert np.abs(error - mean).max() > 1e-5  # relaxation is no Pauli channel
        else:
            np.testing.assert_array_equal(twirled[key], error)
    compiled = get_backend("aer:fake_manila", twirling=True).compile(chain(3, 1))
    plainly = get_backend("aer:fake_manila").compile(chain(3, 1))
    wrong = compiled.readouts[:, 1, 0]
    np.testing.assert_allclose(wrong, compiled.readouts[:, 0, 1])
    np.testing.assert_allclose(wrong, (plainly.readouts[:, 1, 0] + plainly.readouts[:, 0, 1]) / 2)
    assert compiled.expectation(ramp(1)) != pytest.approx(plainly.expectation(ramp(1)), abs=1e-4)
    assert compiled.execution().mitigation == ("twirling",)


def test_decoupling_needs_a_pulse():
    options = {"idle_errors": True, "dynamical_decoupling": "XX"}
    compiled = get_backend("aer:fake_burlington", **options).compile(k_of_n(3, 1, "xy_ring", 1))
    with pytest.raises(BackendError, match=r"has no gate 'x' to decouple with"):
        compiled.expectation(ramp(1))


def test_fractional_gates_save_pair_gates_on_a_snapshot():
    """One rzz where two cz were: better, as it is taken to be as good as one of them."""
    plain = get_backend("aer:fake_fez").compile(chain(6, 2))
    fractional = get_backend("aer:fake_fez", fractional_gates=True).compile(chain(6, 2))
    assert plain.placed.two_qubit_gates == 2 * fractional.placed.two_qubit_gates == 20
    assert fractional.execution().mitigation == ("fractional_gates",)
    ideal = ratio(chain(6, 2), get_backend("aer").compile(chain(6, 2)).expectation(ramp(2)))
    found = [ratio(chain(6, 2), each.expectation(ramp(2))) for each in (plain, fractional)]
    assert found[0] < found[1] < ideal


def test_a_layout_blind_to_errors_meets_worse_pairs():
    ansatz = k_of_n(6, 2, "xy_parity_ring", 1)
    aware = get_backend("aer:fake_marrakesh").compile(ansatz)
    blind = get_backend("aer:fake_marrakesh", noise_aware=False).compile(ansatz)
    better, worse = (
        np.mean([pair["error"] for pair in each.execution().calibrations[0]["pairs"]])
        for each in (aware, blind)
    )
    assert better < worse


def test_a_cost_that_is_not_packed_is_deeper():
    ansatz = k_of_n(5, 2, "x", 1)
    packed, listed = (
        get_backend("aer:fake_fez", packed=each).compile(ansatz) for each in (True, False)
    )
    assert packed.placed.depth < listed.placed.depth


@pytest.mark.parametrize(
    "options",
    [
        {"fractional_gates": True},
        {"noise_aware": False},
        {"packed": False},
        {"line": True},
        {"idle_errors": True, "drift_hz": 1e4, "dynamical_decoupling": "XY4"},
        {"twirling": True},
    ],
)
def test_every_switch_leaves_the_circuit_alone(options):
    """What is read stays close to the ideal distribution: switches change noise, not meaning."""
    ansatz = k_of_n(4, 2, "xy_trotter", 1)
    ideal = np.zeros(16)
    states, probabilities = get_backend("subspace").compile(ansatz).distribution(ramp(1))
    ideal[states @ (1, 2, 4, 8)] = probabilities
    plain = get_backend("aer:fake_boston").compile(ansatz).read(ramp(1))
    found = get_backend("aer:fake_boston", **options).compile(ansatz).read(ramp(1))
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - plain).max() > 1e-6  # it does something
    assert np.abs(found - ideal).sum() / 2 < 0.15


def test_noise_of_another_form_is_refused():
    swap = transfer(np.eye(4)[[0, 2, 1, 3]])
    with pytest.raises(BackendError, match="'cz' is not depolarising and relaxation"):
        _split(swap, "cz")
