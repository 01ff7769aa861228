"""Rounds of key distribution on machines: none of the errors without noise, its own with it."""

import numpy as np
import pytest

from circuits.spec import CircuitSpec, Gate
from qfl.backends import get_backend
from qfl.core.errors import BackendError, ConfigError
from qfl.security.qkd.rates import chsh_value
from qfl.security.qkd.rounds import run_bb84_rounds, run_e91_rounds


@pytest.mark.parametrize("backend", ["statevector", "aer"])
@pytest.mark.parametrize("bases", [2, 3])
def test_without_noise_sifted_bits_are_equal(backend, bases):
    """Where the bases differ, half of the bits do: five standard errors over 600 rounds."""
    found = run_bb84_rounds(
        get_backend(backend), rounds=600, rng=np.random.default_rng(1), bases=bases
    )
    assert found.qber == 0
    assert abs(found.sifted.mean() - 1 / bases) < 5 * np.sqrt(0.25 / 600)
    unequal = (found.alice != found.bob)[~found.sifted]
    assert abs(unequal.mean() - 0.5) < 5 * np.sqrt(0.25 / len(unequal))


@pytest.mark.parametrize("backend", ["statevector", "aer"])
def test_without_noise_pairs_violate_as_much_as_they_can(backend):
    """Five standard errors of S over 9,000 pairs."""
    found = run_e91_rounds(get_backend(backend), rounds=9000, rng=np.random.default_rng(2))
    assert found.qber == 0
    assert abs(found.chsh - 2 * np.sqrt(2)) < 5 * 2 * np.sqrt(0.5 / 1000)


def test_depolarised_pairs_show_their_gate_error():
    """After one cx of average error e the visibility is 1 - 4 e / 3, so Q = 2 e / 3."""
    error = 0.06
    machine = get_backend("aer", two_qubit_error=error)
    found = run_e91_rounds(machine, rounds=20_000, rng=np.random.default_rng(3))
    qber, sifted = 2 * error / 3, found.sifted.sum()
    assert abs(found.qber - qber) < 5 * np.sqrt(qber * (1 - qber) / sifted)
    assert abs(found.chsh - chsh_value(qber)) < 5 * 2 * np.sqrt(0.5 / (20_000 / 9))


def test_a_device_has_its_own_error_rate():
    """The snapshot reads its best qubits wrongly 0.1 to 2 % of the time."""
    machine = get_backend("aer:fake_boston")
    sent = run_bb84_rounds(machine, rounds=20_000, rng=np.random.default_rng(4))
    assert 0.0005 < sent.qber < 0.03
    shared = run_e91_rounds(machine, rounds=20_000, rng=np.random.default_rng(4))
    assert 0.001 < shared.qber < 0.06
    assert 2.4 < shared.chsh < 2.83


def test_same_seed_same_rounds():
    first, second = (
        run_bb84_rounds(get_backend("aer"), rounds=50, rng=np.random.default_rng(5))
        for _ in range(2)
    )
    assert (first.bob == second.bob).all()


@pytest.mark.parametrize(
    "backend", ["statevector", "aer", "aer:fake_boston", "qiskit:qiskit_aer:AerSimulator"]
)
def test_column_k_reads_the_kth_measured_qubit(backend):
    spec = CircuitSpec(3, (Gate("x", (0,)), Gate("cx", (0, 2))), measured=(1, 2))
    counts = get_backend(backend).run(spec, shots=200, rng=np.random.default_rng(6))
    assert counts.total == 200
    assert counts.states[counts.shots.argmax()].tolist() == [0, 1]


@pytest.mark.parametrize("backend", ["statevector", "aer", "qiskit:qiskit_aer:AerSimulator"])
def test_what_cannot_run_is_refused(backend):
    machine, rng = get_backend(backend), np.random.default_rng(7)
    free = CircuitSpec(1, (Gate("rx", (0,), factor=1.0, parameter="t"),), ("t",), (0,))
    with pytest.raises(BackendError, match="bind the parameters"):
        machine.run(free, shots=1, rng=rng)
    with pytest.raises(BackendError, match="at least 1 shot"):
        machine.run(CircuitSpec(1, (), measured=(0,)), shots=0, rng=rng)
    with pytest.raises(ConfigError, match="at least 1"):
        run_bb84_rounds(machine, rounds=0, rng=rng)
    with pytest.raises(ConfigError, match="bases is 4"):
        run_bb84_rounds(machine, rounds=1, rng=rng, bases=4)
    with pytest.raises(BackendError, match="ansaetze only"):
        run_e91_rounds(get_backend("subspace"), rounds=1, rng=rng)
