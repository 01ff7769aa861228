import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz, circuit, line_circuit
from circuits.spec import CircuitSpec, Gate
from circuits.swap_network import brickwork, packed_pairs, phase_network


def permuted(state, qubits):
    """Return the state whose qubit k is qubit `qubits[k]` of `state`."""
    n = len(qubits)
    axes = [n - 1 - qubits[n - 1 - axis] for axis in range(n)]
    return state.reshape((2,) * n).transpose(axes).reshape(-1)


@pytest.mark.parametrize("n", range(1, 13))
def test_every_pair_meets_once_in_n_rounds_of_neighbours(n):
    rounds = brickwork(n)
    assert len(rounds) == n
    assert sorted(pair for pairs in rounds for pair in pairs) == [
        (a, b) for a in range(n) for b in range(a + 1, n)
    ]
    for pairs in rounds:
        assert len({qubit for pair in pairs for qubit in pair}) == 2 * len(pairs)


@pytest.mark.golden
@pytest.mark.parametrize(("n", "swap_layers", "pairs"), [(5, 3, 10), (8, 6, 28), (14, 12, 91)])
def test_published_size_of_the_network(n, swap_layers, pairs):
    gates, line = phase_network(np.triu(np.ones((n, n)), 1), range(n), "gamma")
    spec = CircuitSpec(n, gates, ("gamma",))
    assert sum(gate.parameter == "gamma" for gate in gates) == pairs
    two_qubit_rounds = spec.resources(basis="fractional").depth
    assert two_qubit_rounds == 3 * swap_layers + 2  # 3 CX per swap, 1 rzz in the other two rounds
    unswapped = n // 2 + (n - 1) // 2 if n % 2 else n - 1
    assert spec.resources().two_qubit_gates == 3 * pairs - unswapped
    assert sorted(line) == list(range(n))


@pytest.mark.parametrize("n", range(2, 8))
def test_the_network_is_the_phase_layer_and_a_permutation(n, oracle):
    rng = np.random.default_rng(n)
    couplings = np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.8), 1)
    start = tuple(int(k) for k in rng.permutation(n))
    gates, end = phase_network(couplings, start, "gamma")
    network = CircuitSpec(n, gates, ("gamma",)).bind([0.7])
    plain = tuple(
        Gate("rzz", (a, b), 1.4 * couplings[a, b]) for a in range(n) for b in range(a + 1, n)
    )
    state = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    on_line = oracle.apply(network, permuted(state, start))
    wanted = permuted(oracle.apply(CircuitSpec(n, plain), state), end)
    assert oracle.distance(on_line, wanted) < 1e-12
    assert all(abs(g.qubits[0] - g.qubits[-1]) <= 1 for g in gates)


@pytest.mark.parametrize("n", [1, 2, 5, 8, 10])
def test_qaoa_on_a_line_measures_the_same(n, oracle):
    rng = np.random.default_rng(n)
    ansatz = oracle.random_ansatz("x", n, rng, depth=3)
    angles = rng.normal(size=6)
    on_line = line_circuit(ansatz)
    state = permuted(oracle.from_zero(on_line.bind(angles)), on_line.measured)
    assert oracle.distance(state, oracle.from_zero(circuit(ansatz).bind(angles))) < 1e-12
    assert all(abs(g.qubits[0] - g.qubits[-1]) <= 1 for g in on_line.gates)


def test_other_mixers_are_not_laid_out_on_a_line():
    ansatz = QaoaAnsatz(0.0, np.ones(3), np.zeros((3, 3)), "xy_ring", 1, (((0, 1, 2), 1),))
    with pytest.raises(ValueError, match="only mixer 'x'"):
        line_circuit(ansatz)


def test_packing_takes_the_same_pairs_in_fewer_layers():
    rng = np.random.default_rng(0)
    couplings = np.triu(rng.normal(size=(7, 7)) * (rng.random((7, 7)) < 0.6), 1)
    pairs = packed_pairs(couplings)
    assert sorted(pairs) == [tuple(pair) for pair in np.argwhere(couplings).tolist()]
    ansatz = QaoaAnsatz(0.0, np.ones(7), couplings, "x", 1)
    packed, listed = (circuit(ansatz, packed=each) for each in (True, False))
    assert packed.resources().two_qubit_gates == listed.resources().two_qubit_gates
    assert packed.resources().depth < listed.resources().depth
    assert sorted(map(str, packed.gates)) == sorted(map(str, listed.gates))
