import numpy as np
import pytest

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.pennylane import PennyLane
from qfl.core.errors import BackendError, ConfigError, UnknownNameError

ANGLES = np.array([[0.8], [-0.6]])
DEVICES = ("lightning.qubit", "default.qubit", "default.mixed")


def k_of_n(n, k, mixer, depth):
    """Return the published selection instance."""
    i = np.arange(n)
    utility = 0.5 + 0.5 * np.sin(1.7 * (i + 1))
    overlap = 0.15 * (1 + np.cos(0.9 * np.outer(i + 1, i + 1)))
    blocks = () if mixer == "x" else ((tuple(range(n)), k),)
    return QaoaAnsatz(0.25, -utility, np.triu(overlap, 1), mixer, depth, blocks)


class Squares:
    """An objective that is not linear in the probabilities: sum_s c_s p_s^2."""

    def prepare(self, costs):
        return lambda p: (costs @ p**2, 2 * costs[:, None] * p)


@pytest.mark.golden
@pytest.mark.parametrize("device", DEVICES[:2])
def test_published_mean_cost(device):
    compiled = PennyLane(device).compile(k_of_n(10, 3, "xy_parity_ring", 4))
    rise = np.arange(1, 5) / 4
    mean = compiled.expectation([0.8 * rise, -0.6 * (1.25 - rise)])
    assert mean == pytest.approx(0.25 - 1.6842891252091214, abs=1e-10)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mixer", ["x", "grover"])
@pytest.mark.parametrize("objective", [None, Squares()])
def test_gradients_agree_with_central_differences(device, mixer, objective):
    compiled = PennyLane(device).compile(k_of_n(3, 1, mixer, 1))
    angles = np.random.default_rng(3).normal(size=(2, 2, 1))
    values, gradients = compiled.value_and_gradient(angles, objective=objective)
    if objective is None:
        np.testing.assert_allclose(values, compiled.expectation(angles), atol=1e-12)
    for row in range(2):
        shift = np.zeros_like(angles)
        shift[:, row] = 1e-5
        above, _ = compiled.value_and_gradient(angles + shift, objective=objective)
        below, _ = compiled.value_and_gradient(angles - shift, objective=objective)
        np.testing.assert_allclose(gradients[:, row, 0], (above - below) / 2e-5, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_samples_keep_the_weight_and_follow_the_seed(device):
    compiled = PennyLane(device).compile(k_of_n(4, 1, "xy_ring", 1))
    angles, shots = [[0.9], [-0.5]], 2000
    counts = compiled.sample(angles, shots, np.random.default_rng(1))
    again = compiled.sample(angles, shots, np.random.default_rng(1))
    np.testing.assert_array_equal(counts.samples(), again.samples())
    assert (counts.states.sum(1) == 1).all()
    states, probabilities = compiled.distribution(angles)
    assert probabilities.sum() == pytest.approx(1)
    # each column is binomial; 4.5 sigma on 4 columns: false alarm below 3e-5
    wanted = probabilities @ states
    sigma = np.sqrt(wanted * (1 - wanted) / shots)
    assert (np.abs(counts.shots @ counts.states / shots - wanted) < 4.5 * sigma).all()
    with pytest.raises(BackendError, match="at least 1 shot, got 0"):
        compiled.sample(angles, 0, np.random.default_rng(1))


@pytest.mark.parametrize("device", [*DEVICES, "default.tensor"])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_variable_without_a_gate_keeps_its_place(device, depth):
    """Devices may number anew the wires that gates use: variable 0 stays 0, one other is 1."""
    linear, quadratic = np.array([0.0, 1.0, -1.0, 0.5]), np.zeros((4, 4))
    quadratic[1, 2] = 0.7
    blocks = (((0,), 0), ((1, 2, 3), 1))
    ansatz = QaoaAnsatz(0.0, linear, quadratic, "xy_ring", depth, blocks)
    angles = ANGLES[:, :depth]
    compiled, exact = (
        each.compile(ansatz) for each in (PennyLane(device), get_backend("subspace"))
    )
    found, truth = (
        dict(zip(map(bytes, states), probabilities, strict=True))
        for states, probabilities in (each.distribution(angles) for each in (compiled, exact))
    )
    assert found == pytest.approx(truth, abs=1e-10)
    assert compiled.expectation(angles) == pytest.approx(exact.expectation(angles), abs=1e-10)
    sampled = compiled.sample(angles, 200, np.random.default_rng(2)).states
    assert set(map(bytes, sampled)) <= set(truth)


def test_depth_zero_has_no_gradient():
    compiled = PennyLane().compile(k_of_n(3, 1, "xy_ring", 0))
    value, gradient = compiled.value_and_gradient(np.zeros((2, 0)))
    assert value == pytest.approx(compiled.ansatz.linear.mean() + 0.25)
    assert gradient.shape == (2, 0)


def test_what_it_cannot_run_is_refused():
    with pytest.raises(
        UnknownNameError, match=r"'lightning\.qbit' \(did you mean 'lightning\.qubit'"
    ):
        PennyLane("lightning.qbit")
    with pytest.raises(BackendError, match=r"pennylane:default\.gaussian cannot run this: Gate"):
        PennyLane("default.gaussian").compile(k_of_n(3, 1, "xy_ring", 1)).expectation(ANGLES)
    unseeded = PennyLane("default.gaussian").compile(k_of_n(3, 1, "xy_ring", 1))
    with pytest.raises(BackendError, match=r"gaussian is not available: .* argument 'seed'"):
        unseeded.sample(ANGLES, 10, np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"null\.qubit runs no gate, so its numbers mean nothing"):
        PennyLane("null.qubit")
    with pytest.raises(BackendError, match=r"pennylane:lightning\.qubit cannot run this ansatz"):
        PennyLane().compile(k_of_n(5, 2, "xy_complete", 1))
