"""Bounds from published values: how often they are wrong, and against what they protect."""

from dataclasses import replace
from math import floor, log2, sqrt

import numpy as np
import pytest

from qfl.security.qkd.continuous import GaussianLink, gaussian_key
from qfl.security.qkd.estimation import Estimate, least_entropy, secret_length

LINK = GaussianLink(modulation_variance=8.0, transmittance=0.8, excess_noise=0.02)
GAIN = sqrt(LINK.transmittance * LINK.detector_efficiency)
NOISE = 1 + LINK.electronic_noise + GAIN**2 * LINK.excess_noise


def pairs(n, rng):
    x = rng.normal(0, sqrt(LINK.modulation_variance), n)
    return x, GAIN * x + rng.normal(0, sqrt(NOISE), n)


def test_bounds_fail_as_often_as_they_may():
    """Each of three bounds with probability .02, over 3,000 samples: 5 standard errors."""
    rng, wrong = np.random.default_rng(0), np.zeros(3)
    for _ in range(3000):
        found = Estimate.of(*pairs(400, rng), risk=0.06)
        wrong += [found.least_gain > GAIN, found.most_gain < GAIN, found.most_noise < NOISE]
    # The gain's bounds assume the largest noise, so they fail a little less often than they may.
    assert (wrong / 3000 < 0.02 + 5 * sqrt(0.02 * 0.98 / 3000)).all()
    assert abs(wrong[2] / 3000 - 0.02) < 5 * sqrt(0.02 * 0.98 / 3000)
    assert (wrong[:2] > 0).all()


def test_much_data_shows_the_link():
    found = Estimate.of(*pairs(1_000_000, np.random.default_rng(1)), risk=1e-10)
    assert found.gain == pytest.approx(GAIN, rel=1e-3)
    assert found.excess_noise(LINK) == pytest.approx(0.02, abs=0.01)
    assert found.information(8.0) == pytest.approx(gaussian_key(LINK).mutual_information, abs=2e-3)
    exact = gaussian_key(LINK).holevo
    assert exact < found.worst_holevo(LINK) < exact + 0.06


@pytest.mark.parametrize("transmittance", [1.0, 0.5, 0.01])
def test_the_worst_holevo_covers_every_link_within_the_bounds(transmittance):
    """Where less gain tells the eavesdropper more, and where it tells her less."""
    link = replace(LINK, transmittance=transmittance)
    gain = sqrt(transmittance * link.detector_efficiency)
    found = Estimate(gain, 1.02, 0.97 * gain, 1.03 * gain, 1.03)
    worst = found.worst_holevo(link)
    for other in np.linspace(found.least_gain, found.most_gain, 41):
        for noise in np.linspace(1.01, 1.03, 11):
            here = replace(
                link,
                transmittance=min(1.0, other**2 / link.detector_efficiency),
                excess_noise=(noise - 1.01) / other**2,
            )
            assert gaussian_key(here).holevo <= worst + 1e-9


def test_the_entropy_is_bounded_from_below():
    """2,000 draws of 50,000 from a skewed distribution at a risk of 1e-3: never wrong."""
    rng = np.random.default_rng(2)
    share = np.array([0.07, 0.06, 0.0625, 0.0575] * 4)
    exact = -float((share * np.log2(share)).sum())
    bounds = [least_entropy(rng.multinomial(50_000, share), risk=1e-3) for _ in range(2000)]
    assert max(bounds) < exact
    assert min(bounds) > exact - 0.2
    assert least_entropy(np.full(16, 10**9), risk=1e-10) == pytest.approx(4, abs=1e-5)


def test_the_length_by_hand():
    """n = 10^6, 16 intervals, e = 2e-11."""
    smoothing = 4 * log2(6) * sqrt(10**6 * log2(2 / 4e-22))
    kept = 10**6 * (3.99 - 0.6) - smoothing - 3_000_000 - 2 * log2(1 / 4e-11)
    found = secret_length(
        10**6, intervals=16, entropy=3.99, holevo=0.6, disclosed=3_000_000, risk=2e-11
    )
    assert found == floor(kept) // 8 * 8 > 290_000
    nothing = secret_length(
        1000, intervals=16, entropy=3.99, holevo=0.6, disclosed=3000, risk=2e-11
    )
    assert nothing == 0
