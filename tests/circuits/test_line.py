import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from circuits.line import xy_line_circuit
from circuits.lowering.qiskit import to_qiskit
from circuits.qaoa import QaoaAnsatz, circuit


def dense(n, k, depth=2, mixer="xy_trotter", seed=0):
    rng = np.random.default_rng(seed)
    order = tuple(int(q) for q in rng.permutation(n))
    quadratic = np.triu(rng.normal(size=(n, n)), 1)
    return QaoaAnsatz(0.5, rng.normal(size=n), quadratic, mixer, depth, ((order, k),))


def read(spec, angles):
    """The distribution over the variables, variable k as bit k."""
    ready = to_qiskit(spec.bind(angles)).remove_final_measurements(inplace=False)
    return Statevector(ready).probabilities(list(spec.measured))


@pytest.mark.parametrize(("n", "k"), [(2, 1), (3, 1), (4, 2), (5, 2), (6, 4), (7, 3)])
def test_the_line_gives_the_distribution_of_the_circuit(n, k):
    ansatz = dense(n, k, seed=n)
    angles = np.random.default_rng(1).normal(size=4)
    np.testing.assert_allclose(
        read(xy_line_circuit(ansatz), angles), read(circuit(ansatz), angles), atol=1e-10
    )


def test_the_layers_join_neighbours_and_cost_three_cx_per_pair():
    ansatz = dense(8, 3, depth=1)
    start = len(xy_line_circuit(dense(8, 3, depth=0)).gates)
    layer = xy_line_circuit(ansatz).gates[start:]
    pairs = [gate.qubits for gate in layer if len(gate.qubits) == 2]
    assert all(abs(a - b) == 1 for a, b in pairs)
    assert len(pairs) == 2 * 3 * 28
    assert all(gate.name == "cx" for gate in layer if len(gate.qubits) == 2)


def test_a_layer_ends_where_it_began_without_couplings_too():
    ansatz = QaoaAnsatz(0.0, np.ones(5), np.zeros((5, 5)), "xy_trotter", 1, ((tuple(range(5)), 2),))
    assert xy_line_circuit(ansatz).measured == tuple(range(5))
    angles = np.array([0.4, -0.7])
    np.testing.assert_allclose(
        read(xy_line_circuit(ansatz), angles), read(circuit(ansatz), angles), atol=1e-10
    )


def test_what_has_no_line_is_refused():
    with pytest.raises(ValueError, match="only mixer 'xy_trotter' on one block"):
        xy_line_circuit(dense(4, 2, mixer="xy_ring"))
