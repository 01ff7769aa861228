from itertools import pairwise

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.privacy import CentralGaussian, LocalGaussian
from qfl.security.privacy.gaussian import gaussian_delta, gaussian_epsilon, gaussian_sigma


@pytest.mark.golden
@pytest.mark.parametrize(("sigma", "expected"), [(1, 4.377178095681234), (5, 0.7255217508577971)])
def test_exact_epsilon(sigma, expected):
    """Balle and Wang, ICML 2018; delta 1e-5."""
    assert gaussian_epsilon(sigma=sigma, delta=1e-5) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("epsilon", [0.01, 1.0, 30.0, 2000.0])
def test_sigma_and_epsilon_are_inverse(epsilon):
    sigma = gaussian_sigma(epsilon=epsilon, delta=1e-6, sensitivity=2.0)
    found = gaussian_epsilon(sigma=sigma, delta=1e-6, sensitivity=2.0)
    assert found == pytest.approx(epsilon, rel=1e-6)


def test_delta_falls_with_epsilon_and_noise():
    deltas = [gaussian_delta(e, sigma=1.0) for e in np.linspace(0, 60, 40)]
    assert all(a >= b >= 0 for a, b in pairwise(deltas))
    assert gaussian_delta(1.0, sigma=2.0) < gaussian_delta(1.0, sigma=1.0)


def test_delta_is_the_hockey_stick_of_two_normals():
    """Integrated numerically: max(0, p - e^eps q) for means 1 and 0."""
    x = np.linspace(-40, 40, 400_001)
    sigma, epsilon = 1.3, 0.7
    p, q = (
        np.exp(-((x - mean) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma for mean in (1, 0)
    )
    expected = np.maximum(0, p - np.exp(epsilon) * q).sum() * (x[1] - x[0])
    assert gaussian_delta(epsilon, sigma=sigma) == pytest.approx(expected, abs=1e-7)


def test_central_noise_and_fixed_denominator():
    """Mean and deviation over 20,000 coordinates: 5 standard errors."""
    mechanism = CentralGaussian(clip=2.0, noise_multiplier=1.5, expected_clients=10)
    assert mechanism.noise == pytest.approx(0.3)
    n = 20_000
    update = np.full(n, 10.0)
    released = mechanism.release([update] * 4, dimension=n, rng=np.random.default_rng(0))
    signal = 4 * 2.0 / np.sqrt(n) / 10
    assert abs(released.mean() - signal) < 5 * 0.3 / np.sqrt(n)
    assert abs(released.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * n)


def test_no_client_still_releases_noise():
    mechanism = CentralGaussian(clip=1.0, noise_multiplier=1.0, expected_clients=5)
    assert mechanism.release([], dimension=3, rng=np.random.default_rng(0)).all()


def test_local_noise_covers_a_replaced_update():
    local = LocalGaussian(clip=1.5, epsilon=2.0, delta=1e-5)
    assert gaussian_delta(2.0, sigma=local.noise, sensitivity=3.0) == pytest.approx(1e-5, rel=1e-6)
    assert "replace one client" in str(local.guarantee())
    sent = local.privatise(np.zeros(20_000), rng=np.random.default_rng(1))
    assert abs(sent.std() - local.noise) < 5 * local.noise / 200


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="positive"):
        CentralGaussian(clip=0.0, noise_multiplier=1.0, expected_clients=5)
    with pytest.raises(ConfigError, match="delta"):
        gaussian_epsilon(sigma=1.0, delta=0.0)
    with pytest.raises(ConfigError, match="sigma"):
        gaussian_delta(1.0, sigma=0.0)
