import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.privacy.noise import discrete_gaussian, skellam

N = 200_000


def chi_square(samples, probability, half_width):
    support = np.arange(-half_width, half_width + 1)
    p = probability(support)
    counts = np.array([(samples == x).sum() for x in support])
    return ((counts - N * p) ** 2 / (N * p)).sum(), len(support)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.7])
def test_discrete_gaussian(sigma):
    """Chi-square over the bulk, below k + 6 sqrt(2k): false alarm near 1e-8."""
    samples = discrete_gaussian(sigma, N, rng=np.random.default_rng(3))
    weights = np.exp(-(np.arange(-200, 201) ** 2) / (2 * sigma**2)).sum()
    found, k = chi_square(
        samples, lambda x: np.exp(-(x**2) / (2 * sigma**2)) / weights, int(2.5 * sigma) + 1
    )
    assert found < k + 6 * np.sqrt(2 * k)
    assert samples.dtype == np.int64


def test_skellam():
    """Against exp(-mu) I_x(mu), mean 0 and variance mu; 6 standard errors."""
    from scipy.special import ive

    variance = 6.0
    samples = skellam(variance, N, rng=np.random.default_rng(4))
    found, k = chi_square(samples, lambda x: ive(np.abs(x), variance), 7)
    assert found < k + 6 * np.sqrt(2 * k)
    assert abs(samples.var() - variance) < 6 * variance * np.sqrt(2.5 / N)


def test_nonsense_is_refused():
    rng = np.random.default_rng(0)
    for draw in (discrete_gaussian, skellam):
        for size in (0.0, np.inf):
            with pytest.raises(ConfigError):
                draw(size, 3, rng=rng)
