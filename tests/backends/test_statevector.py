"""All 2^n states: any circuit is run as the dense oracle runs it, and samples follow it."""

import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz, circuit
from circuits.spec import CircuitSpec, Gate
from qfl.backends.statevector import StatevectorBackend
from qfl.core.errors import BackendError, CapacityError, ConfigError

BELL = CircuitSpec(2, (Gate("h", (0,)), Gate("cx", (0, 1))), measured=(0, 1))
ANSATZ = QaoaAnsatz(0.0, -np.ones(3), np.triu(np.ones((3, 3)), 1), mixer="x", depth=1)


def test_a_bell_pair_is_read_alike_at_both_ends():
    counts = StatevectorBackend().run(BELL, shots=4000, rng=np.random.default_rng(0))
    assert {tuple(row) for row in counts.states.tolist()} == {(0, 0), (1, 1)}
    assert counts.total == 4000
    assert counts.shots.max() < 2000 + 4.5 * np.sqrt(1000)  # a false alarm in 10^5


def test_the_ansatz_and_its_circuit_have_the_same_distribution():
    angles = np.array([[0.4], [-0.3]])
    states, probabilities = StatevectorBackend().compile(ANSATZ).distribution(angles)
    spec = circuit(ANSATZ).bind(angles.ravel())
    counts = StatevectorBackend().run(spec, shots=100_000, rng=np.random.default_rng(1))
    found = dict(zip(map(tuple, counts.states.tolist()), counts.shots, strict=True))
    for state, p in zip(states.tolist(), probabilities, strict=True):
        spread = 4.5 * np.sqrt(p * (1 - p) / 100_000)
        assert found.get(tuple(state), 0) / 100_000 == pytest.approx(p, abs=spread)


def test_unbound_circuits_options_and_sizes_are_refused():
    unbound = CircuitSpec(1, (Gate("rx", (0,), 0.0, 1.0, "beta"),), ("beta",), (0,))
    with pytest.raises(BackendError):
        StatevectorBackend().run(unbound, shots=1, rng=np.random.default_rng(0))
    with pytest.raises(ConfigError, match="precision"):
        StatevectorBackend(precision="half")
    large = QaoaAnsatz(0.0, np.ones(60), np.zeros((60, 60)), mixer="x", depth=1)
    with pytest.raises(CapacityError):
        StatevectorBackend().check_size(large)
