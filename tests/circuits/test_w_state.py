"""W states: one excitation, shared equally, in a tree of rotations."""

import numpy as np
import pytest

from circuits import w_state
from circuits.spec import CircuitSpec


@pytest.mark.parametrize("n", range(1, 9))
def test_one_excitation_is_shared_equally(n, oracle):
    uniform = (oracle.bits_of(n).sum(1) == 1) / np.sqrt(n)
    assert oracle.distance(oracle.from_zero(w_state.circuit(n)), uniform) < 1e-13


@pytest.mark.parametrize("n", [2, 6, 20, 50])
def test_a_tree_of_n_has_n_minus_one_rotations_of_two_gates(n):
    assert w_state.circuit(n).resources().two_qubit_gates == 2 * (n - 1)


def test_w_states_are_prepared_in_logarithmic_depth():
    assert [w_state.circuit(2**j).resources().depth for j in range(1, 7)] == [2, 4, 6, 8, 10, 12]


def test_no_excitation_spreads_to_none(oracle):
    """Every gate conserves the number of ones: from |0...0> nothing comes."""
    vacuum = np.eye(1, 32)[0]
    spread = CircuitSpec(5, w_state.spread(range(5)))
    assert oracle.distance(oracle.from_zero(spread), vacuum) < 1e-15


def test_a_state_of_no_qubits_is_refused():
    with pytest.raises(ValueError, match="at least one qubit, got 0"):
        w_state.circuit(0)
