import numpy as np
import pytest
from instances import chain, k_of_n, ramp, ratio

from qfl.backends import get_backend
from qfl.backends.mitigated.extrapolation import extrapolated
from qfl.backends.placement import fold
from qfl.core.errors import BackendError, ConfigError


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


def test_wrong_scales_and_backends_are_refused():
    for scales in ((1,), (1, 2), (3, 1), (1, 1)):
        with pytest.raises(ConfigError, match="two or more ascending odd numbers"):
            get_backend("mitigation:zero_noise", backend="aer", scales=scales)
    with pytest.raises(BackendError, match="subspace does not fold its circuits"):
        get_backend("mitigation:zero_noise", backend="subspace").compile(k_of_n(3, 1, "grover", 1))
