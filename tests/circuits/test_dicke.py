import numpy as np
import pytest

from circuits import dicke


@pytest.mark.parametrize("n", range(1, 9))
def test_the_state_is_uniform_on_its_weight(n, oracle):
    weight = oracle.bits_of(n).sum(1)
    for k in range(n + 1):
        uniform = (weight == k) / np.sqrt((weight == k).sum())
        assert oracle.distance(oracle.from_zero(dicke.circuit(n, k)), uniform) < 1e-13


def test_spreading_conserves_the_number_of_ones(oracle):
    weight = oracle.bits_of(5).sum(1)
    spread = dicke.preparation(range(5), 2).spread
    leak = oracle.unitary(dicke.CircuitSpec(5, spread))[weight[:, None] != weight[None, :]]
    assert np.abs(leak).max() < 1e-15


def test_size_is_linear_in_qubits_times_ones():
    for n in (6, 20, 50):
        for k in range(2, n // 2 + 1):
            steps = sum(min(k, m - 1) for m in range(2, n + 1))
            used = dicke.circuit(n, k).resources()
            assert used.two_qubit_gates == 5 * steps - 3 * (n - 1) < 5 * k * n
            assert dicke.circuit(n, n - k).resources() == used
            assert used.depth < 13 * n


def test_qubits_can_be_chosen(oracle):
    gates = dicke.preparation((3, 0, 2), 1).gates
    probabilities = np.abs(oracle.from_zero(dicke.CircuitSpec(4, gates))) ** 2
    assert np.flatnonzero(probabilities > 1e-12).tolist() == [0b0001, 0b0100, 0b1000]


@pytest.mark.parametrize("k", [-1, 4])
def test_impossible_weights_are_refused(k):
    with pytest.raises(
        ValueError, match=rf"cannot place {k} ones on 3 qubits; k must lie in 0\.\.3"
    ):
        dicke.circuit(3, k)
