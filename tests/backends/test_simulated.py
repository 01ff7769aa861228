"""One circuit on one of Aer's simulators: methods, batches, columns."""

import numpy as np
import pytest
from instances import k_of_n, ramp

from circuits.qaoa import QaoaAnsatz
from qfl.backends.aer import METHODS, Aer
from qfl.backends.gates import NATIVE_MIXERS
from qfl.core.errors import BackendError


@pytest.mark.parametrize("mixer", NATIVE_MIXERS)
def test_the_methods_agree(mixer):
    ansatz = k_of_n(4, 2, mixer, 2)
    methods = [method for method in METHODS if method != "pauli"]  # for snapshots only
    values = [Aer(method=method).compile(ansatz).expectation(ramp(2)) for method in methods]
    np.testing.assert_allclose(values, values[0], atol=1e-8)


def test_a_batch_is_one_job_with_the_same_values():
    compiled = Aer().compile(k_of_n(5, 2, "xy_ring", 2))
    batch = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    values = compiled.expectation(batch)
    assert values.shape == (2, 3)
    single = [[compiled.expectation(angles) for angles in row] for row in batch]
    np.testing.assert_allclose(values, single, atol=1e-12)
    assert compiled.expectation(batch[0, 0]).shape == ()


def test_samples_follow_the_distribution_and_the_seed():
    compiled = Aer().compile(k_of_n(5, 2, "grover", 1))
    angles, shots = ramp(1), 4000
    counts = compiled.sample(angles, shots, np.random.default_rng(1))
    again = compiled.sample(angles, shots, np.random.default_rng(1))
    np.testing.assert_array_equal(counts.samples(), again.samples())
    assert counts.total == shots
    states, probabilities = compiled.distribution(angles)
    seen = {tuple(state): n for state, n in zip(counts.states, counts.shots, strict=True)}
    observed = np.array([seen.get(tuple(state), 0) for state in states])
    chi_square = ((observed - shots * probabilities) ** 2 / (shots * probabilities)).sum()
    assert chi_square < 33.72  # 9 degrees of freedom: exceeded by a fair sampler with 1e-4
    with pytest.raises(BackendError, match="at least 1 shot, got 0"):
        compiled.sample(angles, 0, np.random.default_rng(1))


def test_variable_k_is_column_k():
    cost = (0.0, np.array([-9.0, 0.0, 0.0]), np.zeros((3, 3)))
    ansatz = QaoaAnsatz(*cost, "x", 1)
    # from |+>, phase exp(i g x_0) and a quarter turn leave x_0 = 1 at g = pi/2
    compiled = Aer().compile(ansatz)
    angles = [[np.pi / 18], [-np.pi / 4]]
    states, probabilities = compiled.distribution(angles)
    assert probabilities @ states == pytest.approx([1.0, 0.5, 0.5])
    drawn = compiled.sample(angles, 50, np.random.default_rng(0)).samples()
    assert drawn[:, 0].all()
    assert not drawn[:, 1:].all()
