import numpy as np
import pytest
from instances import chain, k_of_n, ramp, ratio

from qfl.backends import get_backend
from qfl.backends.gates import costs
from qfl.backends.mitigated.extrapolation import extrapolated
from qfl.backends.placement import fold
from qfl.core.errors import BackendError, ConfigError

GATES = {"two_qubit_error": 0.01}


@pytest.mark.parametrize(("scales", "degree"), [((1, 3), 1), ((1, 3, 5), 2), ((1, 2, 3, 5), 3)])
def test_richardson_is_exact_for_polynomials_of_its_degree(scales, degree):
    coefficients = np.random.default_rng(degree).normal(size=degree + 1)
    values = np.polynomial.polynomial.polyval(np.array(scales, float), coefficients)
    assert extrapolated(scales, values) == pytest.approx(coefficients[0])


def test_the_other_fits_are_exact_for_their_own_kind():
    scales = np.array([1.0, 3.0, 5.0])
    assert extrapolated(scales, 2 - 0.3 * scales, fit="linear") == pytest.approx(2)
    decay = 0.5 - 0.4 * np.exp(-0.2 * scales)
    assert extrapolated(scales, decay, fit="exponential", limit=0.5) == pytest.approx(0.1)
    batch = np.stack([2 - 0.3 * scales, 1 + scales], axis=1)
    np.testing.assert_allclose(extrapolated(scales, batch, fit="linear"), [2, 1])


def test_folding_keeps_the_unitary_and_multiplies_two_qubit_gates():
    compiled = get_backend("aer:fake_manila", method="density_matrix").compile(chain(4, 2))
    gates = compiled.placed.compact
    folded = fold(gates, 3)
    assert folded.num_nonlocal_gates() == 3 * gates.num_nonlocal_gates()
    ideal = get_backend("aer").compile(k_of_n(3, 1, "xy_ring", 1))
    values = [each.expectation(ramp(1)) for each in (ideal, ideal.folded(5))]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    with pytest.raises(ConfigError, match="must be odd and at least 1, got 2"):
        fold(gates, 2)


@pytest.mark.parametrize("fit", ["richardson", "linear", "exponential"])
def test_it_brings_a_snapshot_closer_to_the_ideal(fit):
    ansatz = chain(5, 4)
    ideal = ratio(ansatz, get_backend("aer").compile(ansatz).expectation(ramp(4)))
    raw = ratio(ansatz, get_backend("aer:fake_manila").compile(ansatz).expectation(ramp(4)))
    wrapped = get_backend("mitigation:zero_noise", backend="aer:fake_manila", fit=fit)
    compiled = wrapped.compile(ansatz)
    found = ratio(ansatz, compiled.expectation(ramp(4)))
    assert abs(found - ideal) < 0.75 * abs(raw - ideal)
    with pytest.raises(BackendError, match="never for samples"):
        compiled.sample(ramp(4), 10, np.random.default_rng(0))


def zero_noise(backend, options, **more):
    return get_backend("mitigation:zero_noise", backend=backend, backend_options=options, **more)


def test_gate_count_noise_is_an_exponential_and_disappears():
    ansatz, options = k_of_n(5, 2, "xy_ring", 2), {"two_qubit_error": 0.004}
    ideal = get_backend("subspace").compile(ansatz).expectation(ramp(2))
    raw = get_backend("noise:depolarising", **options).compile(ansatz).expectation(ramp(2))
    mitigated = zero_noise("noise:depolarising", options, fit="exponential").compile(ansatz)
    assert abs(raw - ideal) > 0.01
    assert mitigated.expectation(ramp(2)) == pytest.approx(ideal, abs=1e-10)


@pytest.mark.parametrize("wrapper", ["mitigation:readout", "mitigation:post_selection"])
def test_another_mitigation_inside_acts_at_every_scale(wrapper):
    ansatz = k_of_n(4, 2, "xy_ring", 1)
    options = {"backend": "aer:fake_manila"}
    mitigated = zero_noise(wrapper, options).compile(ansatz)
    inner = get_backend(wrapper, **options).compile(ansatz)
    at = [inner.folded(scale).expectation(ramp(1)) for scale in (1, 3, 5)]
    found = mitigated.expectation(ramp(1))
    assert found == pytest.approx(extrapolated((1, 3, 5), at))
    ideal = get_backend("subspace").compile(ansatz).expectation(ramp(1))
    alone = zero_noise("aer:fake_manila", {}).compile(ansatz).expectation(ramp(1))
    assert abs(found - ideal) < abs(at[0] - ideal)
    assert abs(found - ideal) < abs(alone - ideal)  # wrong readings do not grow with the scale
    assert mitigated.execution().mitigation == (wrapper.removeprefix("mitigation:"), "zero_noise")


@pytest.mark.parametrize("inside", ["", "mitigation:readout"])
def test_a_device_that_estimates_means_is_extrapolated(inside):
    """FakeManila's own simulator against ours: within 6 standard errors of the weighted means."""
    ansatz, shots = k_of_n(3, 1, "xy_ring", 1), 20_000
    device = "qiskit:qiskit_ibm_runtime.fake_provider:FakeManilaV2"
    options = {"mean_shots": shots}
    snapshot = {"backend": "aer:fake_manila"}
    if inside:
        device, options = inside, {"backend": device, "backend_options": options}
        exact = zero_noise(inside, snapshot, fit="linear", scales=(1, 3))
    else:
        exact = zero_noise("aer:fake_manila", {}, fit="linear", scales=(1, 3))
    found = zero_noise(device, options, fit="linear", scales=(1, 3)).compile(ansatz)
    raw, noisier = found.at_scales
    placed = (raw.inner if inside else raw).placed, (noisier.inner if inside else noisier).placed
    counts = [each.circuit.num_nonlocal_gates() for each in placed]
    assert counts[1] == 3 * counts[0] > 0
    spread = np.ptp(costs(ansatz)) / 2 * (1.1 if inside else 1.0)  # an inverse widens it a little
    error = np.sqrt(1.5**2 + 0.5**2) * spread / np.sqrt(shots)
    mean = exact.compile(ansatz).expectation(ramp(1))
    assert abs(found.expectation(ramp(1)) - mean) < 6 * error


def test_wrong_scales_fits_and_backends_are_refused():
    for scales in ((1,), (1, 2), (3, 1), (1, 1), (-1, 1), (1.0, 3.0)):
        with pytest.raises(ConfigError, match="two or more ascending odd numbers"):
            get_backend("mitigation:zero_noise", backend="aer", scales=scales)
    with pytest.raises(ConfigError, match=r"unknown fit 'cubic'; allowed: .*'exponential'"):
        get_backend("mitigation:zero_noise", backend="aer", fit="cubic")
    ansatz = k_of_n(3, 1, "grover", 1)
    for backend, options in (
        ("subspace", {}),
        ("mitigation:post_selection", {"backend": "subspace"}),
        ("mitigation:zero_noise", {"backend": "noise:depolarising", "backend_options": GATES}),
    ):
        with pytest.raises(BackendError, match="does not fold its circuits; wrap 'aer'"):
            zero_noise(backend, options).compile(ansatz)
    with pytest.raises(BackendError, match="only samples and knows no exact expectation"):
        zero_noise("qiskit:qiskit_aer:AerSimulator", {}).compile(ansatz).expectation(ramp(1))
