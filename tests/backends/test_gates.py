import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.gates import NATIVE_MIXERS, allowed, bits, costs
from qfl.core.qubo import Qubo

BLOCKS = (((4, 0, 2), 1), ((1, 5, 3), 2))


def random_ansatz(mixer, depth=2):
    rng = np.random.default_rng(11)
    quadratic = np.triu(rng.normal(size=(6, 6)), 1)
    blocks = () if mixer == "x" else BLOCKS
    return QaoaAnsatz(0.7, rng.normal(size=6), quadratic, mixer, depth, blocks)


def test_costs_are_those_of_the_objective():
    ansatz = random_ansatz("x")
    energy = Qubo(ansatz.constant, ansatz.linear, ansatz.quadratic).energy
    np.testing.assert_allclose(costs(ansatz), energy(bits(np.arange(64), 6)), atol=1e-13)


def test_allowed_states_keep_every_block():
    states = bits(allowed(random_ansatz("xy_ring")), 6)
    assert len(states) == 9
    assert (states[:, [4, 0, 2]].sum(1) == 1).all()
    assert (states[:, [1, 5, 3]].sum(1) == 2).all()
    assert len(allowed(random_ansatz("x"))) == 64


@pytest.mark.parametrize("backend", ["aer", "pennylane:lightning.qubit"])
@pytest.mark.parametrize("mixer", [*NATIVE_MIXERS, "xy_complete"])
def test_gates_agree_with_our_exact_engines(backend, mixer):
    ansatz = random_ansatz(mixer)  # complete mixing is exact here: one 1 or one 0 per block
    angles = np.random.default_rng(12).normal(size=(3, 2, 2))
    engine = "statevector" if mixer == "x" else "subspace"
    exact, gates = (get_backend(name).compile(ansatz) for name in (engine, backend))
    np.testing.assert_allclose(gates.expectation(angles), exact.expectation(angles), atol=1e-10)
    tables = []
    for compiled in (exact, gates):
        states, probabilities = compiled.distribution(angles[0])
        tables.append(probabilities[np.lexsort(states.T)])
    np.testing.assert_allclose(*tables, atol=1e-12)


@pytest.mark.parametrize("mixer", ["x", "xy_ring"])
def test_gradients_agree_across_backends(mixer):
    ansatz = random_ansatz(mixer)
    angles = np.random.default_rng(13).normal(size=(2, 2, 2))
    engine = "statevector" if mixer == "x" else "subspace"
    exact, gates = (
        get_backend(name).compile(ansatz).value_and_gradient(angles)
        for name in (engine, "pennylane:lightning.qubit")
    )
    np.testing.assert_allclose(gates[0], exact[0], atol=1e-10)
    np.testing.assert_allclose(gates[1], exact[1], atol=1e-10)
