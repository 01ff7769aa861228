import numpy as np
import pytest
from instances import k_of_n, ramp

from qfl.backends import get_backend, snapshots
from qfl.backends.gates import tensored
from qfl.backends.mitigated.readout import closest_distribution, mitigated
from qfl.core.counts import Counts
from qfl.core.errors import BackendError

ANSATZ = k_of_n(4, 2, "xy_ring", 1)


def wrong_readings(n, rng):
    given_0, given_1 = rng.uniform(0.01, 0.2, size=(2, n))
    return np.array([[1 - given_0, given_1], [given_0, 1 - given_1]]).transpose(2, 0, 1)


def test_the_tensored_product_is_the_kronecker_product():
    rng = np.random.default_rng(0)
    matrices, vector = rng.random((3, 2, 2)), rng.random(8)
    whole = np.kron(matrices[2], np.kron(matrices[1], matrices[0]))
    np.testing.assert_allclose(tensored(matrices, vector), whole @ vector, atol=1e-14)


def test_the_closest_distribution_is_one_and_nearest():
    rng = np.random.default_rng(1)
    values = rng.normal(size=6)
    values += (1 - values.sum()) / 6
    found = closest_distribution(values)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    others = rng.dirichlet(np.ones(6), size=2000)
    assert (((others - values) ** 2).sum(1) >= ((found - values) ** 2).sum()).all()
    right = rng.dirichlet(np.ones(6))
    np.testing.assert_allclose(closest_distribution(right), right, atol=1e-14)


def test_many_samples_come_back_as_they_were():
    rng = np.random.default_rng(2)
    matrices = wrong_readings(3, rng)
    before = rng.dirichlet(np.ones(8))
    shots = rng.multinomial(10**6, tensored(matrices, before))
    states = (np.arange(8)[:, None] >> np.arange(3)) & 1
    counts = mitigated(Counts.of(states, shots), np.linalg.inv(matrices))
    assert counts.total == 10**6
    after = np.zeros(8)
    after[counts.states @ (1, 2, 4)] = counts.shots / 10**6
    np.testing.assert_allclose(after, before, atol=0.01)  # 10 standard errors of any entry


def test_on_a_snapshot_the_mean_is_that_before_reading():
    noisy = get_backend("aer:fake_manila").compile(ANSATZ)
    mitigation = get_backend("mitigation:readout", backend="aer:fake_manila").compile(ANSATZ)
    aers = get_backend("aer:fake_manila", method="density_matrix").compile(ANSATZ)
    (before,) = aers._run(aers._listed, ramp(1).reshape(1, -1), "probabilities")  # not read yet
    exact = before @ aers._costs
    assert mitigation.expectation(ramp(1)) == pytest.approx(exact, abs=1e-10)
    assert abs(noisy.expectation(ramp(1)) - exact) > 0.01  # reading does matter
    assert mitigation.expectation(np.array([ramp(1)] * 2)).shape == (2,)
    counts = mitigation.sample(ramp(1), 500, np.random.default_rng(0))
    raw = noisy.sample(ramp(1), 500, np.random.default_rng(0))
    assert counts.total == 500
    feasible = [each.shots[each.states.sum(1) == 2].sum() for each in (counts, raw)]
    assert feasible[0] > feasible[1]


def test_a_qiskit_device_reads_as_its_calibration_says():
    name = "qiskit:qiskit_ibm_runtime.fake_provider:FakeManilaV2"
    noisy = get_backend(name).compile(ANSATZ)
    where = [noisy.placed.qubits[place] for place in noisy.placed.measured]
    known = snapshots.readouts("fake_manila", tuple(where))
    np.testing.assert_allclose(noisy.readouts, known)
    mitigation = get_backend("mitigation:readout", backend=name).compile(ANSATZ)
    feasible = [
        each.sample(ramp(1), 4000, np.random.default_rng(0)) for each in (mitigation, noisy)
    ]
    shares = [each.shots[each.states.sum(1) == 2].sum() / each.total for each in feasible]
    assert shares[0] > shares[1] + 0.03  # the same samples: what differs is the reading


@pytest.mark.parametrize("backend", ["subspace", "qiskit:qiskit_aer:AerSimulator"])
def test_a_backend_that_does_not_say_how_it_reads_is_refused(backend):
    with pytest.raises(BackendError, match="does not say how it reads its qubits; wrap a snapshot"):
        get_backend("mitigation:readout", backend=backend).compile(ANSATZ)
