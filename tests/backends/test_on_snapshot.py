"""A circuit on a snapshot: the Pauli basis gives what Aer's density matrix gives."""

import numpy as np
import pytest
from instances import k_of_n, ramp

from qfl.backends import get_backend

KINDS = {  # one snapshot for each set of native gates
    "fake_manila": "cx",
    "fake_fez": "cz",
    "fake_sherbrooke": "ecr",
    "fake_burlington": "u3",
}


@pytest.mark.parametrize("name", KINDS)
def test_the_engine_equals_aers_density_matrix(name):
    ansatz = k_of_n(4, 2, "xy_parity_ring", 1)
    ours = get_backend(f"aer:{name}").compile(ansatz)
    aers = get_backend(f"aer:{name}", method="density_matrix").compile(ansatz)
    assert KINDS[name] in ours.placed.compact.count_ops()
    batch = np.random.default_rng(3).normal(size=(2, 2, 1))
    np.testing.assert_allclose(ours.expectation(batch), aers.expectation(batch), atol=1e-10)
    states, probabilities = ours.distribution(batch[0])
    expected = aers.distribution(batch[0])
    np.testing.assert_array_equal(states, expected[0])
    np.testing.assert_allclose(probabilities, expected[1], atol=1e-10)
    np.testing.assert_allclose(ours.readouts, aers.readouts)
    assert ours.execution() == aers.execution()


def test_folded_circuits_too():
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    ours = get_backend("aer:fake_manila").compile(ansatz).folded(3)
    aers = get_backend("aer:fake_manila", method="density_matrix").compile(ansatz).folded(3)
    assert ours.expectation(ramp(1)) == pytest.approx(aers.expectation(ramp(1)), abs=1e-10)
