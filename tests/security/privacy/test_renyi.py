from math import expm1, log1p

import pytest

from qfl.core.errors import ConfigError
from qfl.security.privacy.guarantee import Conversion
from qfl.security.privacy.renyi import epsilon_from_rdp, gaussian_rdp, sampled_gaussian_rdp


@pytest.mark.golden
@pytest.mark.parametrize(
    ("rate", "noise", "order", "expected"),
    [
        (0.01, 1, 2, 0.00017181342207464448),
        (0.01, 1, 8, 0.0008936439076060829),
        (0.01, 1, 20, 5.152453019677499),
        (0.1, 2, 2, 0.0028362282662637056),
        (0.1, 2, 8, 0.013725430103219948),
        (1e-6, 4, 2, 6.449445891785735e-14),
    ],
)
def test_sampled_gaussian(rate, noise, order, expected):
    """Mironov, Talwar, Zhang, arXiv:1908.10530, closed sum."""
    found = sampled_gaussian_rdp(order, noise_multiplier=noise, rate=rate)
    assert found == pytest.approx(expected, rel=1e-8, abs=0)


@pytest.mark.parametrize("rate", [1e-3, 1e-7, 1e-12, 1e-150])
def test_rare_clients_keep_their_digits(rate):
    """Order 2 is log(1 + q^2 (e^(1/z^2) - 1)), however small it is."""
    exact = log1p(rate**2 * expm1(1 / 16))
    found = sampled_gaussian_rdp(2, noise_multiplier=4.0, rate=rate)
    assert found == pytest.approx(exact, rel=1e-12, abs=0)


def test_without_sampling_it_is_the_gaussian():
    for order in (2, 7, 512):
        assert sampled_gaussian_rdp(order, noise_multiplier=3.0, rate=1.0) == pytest.approx(
            gaussian_rdp(order, noise_multiplier=3.0)
        )
        assert sampled_gaussian_rdp(order, noise_multiplier=3.0, rate=0.0) == 0
    near = sampled_gaussian_rdp(512, noise_multiplier=0.3, rate=1 - 1e-12)
    assert near == pytest.approx(gaussian_rdp(512, noise_multiplier=0.3), rel=1e-9)


def test_the_improved_conversion_is_never_worse():
    rdp = {float(a): 0.05 * a for a in range(2, 60)}
    classic = epsilon_from_rdp(rdp, delta=1e-5, conversion=Conversion.RDP_CLASSIC)
    assert epsilon_from_rdp(rdp, delta=1e-5) < classic


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="integer"):
        sampled_gaussian_rdp(2.5, noise_multiplier=1.0, rate=0.1)
    with pytest.raises(ConfigError, match="positive"):
        gaussian_rdp(2, noise_multiplier=0.0)
    with pytest.raises(ConfigError, match="no conversion"):
        epsilon_from_rdp({2.0: 1.0}, delta=1e-5, conversion=Conversion.PLD)
    with pytest.raises(ConfigError, match="delta"):
        epsilon_from_rdp({2.0: 1.0}, delta=0.0)
