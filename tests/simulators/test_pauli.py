import numpy as np
import pytest
from scipy.stats import unitary_group

from qfl.core.errors import CapacityError
from qfl.simulators import pauli
from qfl.simulators.pauli import readings, transfer, two_terms
from tests.simulators.noisy_circuits import noisy_circuit


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_any_noisy_circuit_equals_the_density_matrix(monkeypatch, seed, plain):
    """Both ways of taking a step, against Kraus operators on the dense matrix."""
    if plain:
        monkeypatch.setattr(pauli, "_stepper", lambda: pauli.apply_plainly)
    n = 2 + seed
    steps, after, rho = noisy_circuit(seed, n, 9)
    found = readings(n, steps, after, range(n))
    np.testing.assert_allclose(found, rho.diagonal().real, atol=1e-13)
    assert found.sum() == pytest.approx(1)


def test_some_qubits_in_any_order_and_how_they_are_read():
    steps, after, rho = noisy_circuit(9, 4, 12)
    cube = rho.diagonal().real.reshape((2,) * 4)  # axes of qubits 3, 2, 1, 0
    wanted = cube.sum(axis=(1,)).transpose(1, 2, 0)  # qubit 3 low, then 0, then 1
    np.testing.assert_allclose(readings(4, steps, after, [3, 0, 1]), wanted.reshape(-1), atol=1e-13)
    wrong = np.array([[[0.9, 0.2], [0.1, 0.8]], [[1.0, 0.0], [0.0, 1.0]], [[0.7, 0.0], [0.3, 1.0]]])
    read = np.einsum("ab,cd,ef,bdf->ace", wrong[2], wrong[1], wrong[0], wanted)
    found = readings(4, steps, after, [3, 0, 1], wrong)
    np.testing.assert_allclose(found, read.reshape(-1), atol=1e-13)


def test_a_general_two_qubit_gate_is_refused():
    gate = unitary_group.rvs(4, random_state=np.random.default_rng(0))
    with pytest.raises(ValueError, match="15 terms in a row; at most two"):
        two_terms(transfer(gate))


def test_what_does_not_fit_is_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(pauli, "free_bytes", lambda: 1 << 30)
    assert pauli.most_qubits() == 13
    with pytest.raises(CapacityError, match=r"a density matrix of 20 qubits needs .*13 qubits"):
        readings(20, [], np.tile(np.eye(4), (20, 1, 1)), [0])
