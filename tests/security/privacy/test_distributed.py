from math import exp

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.masking import Cohort, Dropouts, kem_pair_keys, masked_sum
from qfl.security.masking.quantise import word_of
from qfl.security.privacy import DistributedNoise
from qfl.security.privacy.distributed import (
    discrete_gaussian_rdp,
    rounded_norm,
    skellam_rdp,
    sum_distance,
)
from qfl.security.privacy.renyi import gaussian_rdp


def noise(**changes):
    options = {"clip": 1.0, "dimension": 50, "clients": 10, "granularity": 0.01, "sigma": 20.0}
    return DistributedNoise(**{**options, **changes})


@pytest.mark.golden
@pytest.mark.parametrize(
    ("norm", "dimension", "expected"),
    [(100, 65_536, 163.1318485152424), (50, 4096, 60.049979184009715)],
)
def test_norm_after_rounding(norm, dimension, expected):
    """Kairouz, Liu, Steinke, arXiv:2102.06387; beta = e^-0.5."""
    assert rounded_norm(norm, dimension, beta=exp(-0.5)) == pytest.approx(expected, abs=1e-6)
    assert rounded_norm(norm, dimension, beta=0) == norm + dimension**0.5


@pytest.mark.golden
@pytest.mark.parametrize(
    ("sigma", "expected"), [(0.5, 9.701158454121376), (1, 0.000547788699060149)]
)
def test_distance_of_sums(sigma, expected):
    """arXiv:2102.06387, n = 100."""
    assert sum_distance(100, sigma=sigma) == pytest.approx(expected, rel=1e-8)
    assert sum_distance(1, sigma=sigma) == 0


@pytest.mark.golden
@pytest.mark.parametrize(
    ("order", "norm", "norm1", "variance", "expected"),
    [(8, 10, 100, 400, 1.00328125), (4, 5, 40, 100, 0.510375)],
)
def test_skellam(order, norm, norm1, variance, expected):
    """Agarwal, Kairouz, Liu, arXiv:2110.04995."""
    found = skellam_rdp(order, norm=norm, norm1=norm1, variance=variance)
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.golden
def test_discrete_gaussian_costs_what_the_gaussian_does():
    """Order 8, n = 100, s = 2, D2 = 10, d = 1024: 1.0 to the tau term."""
    found = discrete_gaussian_rdp(8, shares=100, sigma=2.0, norm=10, dimension=1024)
    assert found == pytest.approx(gaussian_rdp(8, noise_multiplier=2.0), abs=1e-9)


def test_missing_noise_is_paid_for():
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    prices = [noise(dropouts=d).guarantee(rounds=5, delta=1e-5).epsilon for d in (0, 3, 9)]
    assert prices == sorted(prices)
    assert prices[0] < prices[1] < prices[2]
    assert noise(dropouts=3).guarantee(rounds=5, delta=1e-5).dropouts == 3


def test_skellam_costs_a_little_more_than_the_discrete_gaussian():
    for order in (2, 16):
        gaussian = noise(sigma=100.0).sum_noise
        other = noise(sigma=100.0, kind="skellam").sum_noise
        assert gaussian.rdp(order) < other.rdp(order) < 1.2 * gaussian.rdp(order)


@pytest.mark.parametrize("beta", [0.0, exp(-0.5)])
def test_integers_stay_within_the_norm(beta):
    """Without noise to speak of, 200 random updates, clipped or not."""
    rng = np.random.default_rng(0)
    quiet = noise(sigma=1e-3, beta=beta, granularity=0.3)
    for _ in range(200):
        assert np.linalg.norm(quiet.perturb(rng.normal(0, 1, 50), rng=rng)) <= quiet.norm


@pytest.mark.parametrize("kind", ["discrete_gaussian", "skellam"])
def test_a_masked_sum_with_dropouts_carries_the_promised_noise(kind):
    """3,000 coordinates of a zero sum of 8 of 10 shares: 5 standard errors of the deviation."""
    rng = np.random.default_rng(1)
    mechanism = noise(kind=kind, dimension=3000, dropouts=2)
    bits = mechanism.modulus_bits()
    cohort = Cohort.complete([f"c{i}" for i in range(10)], threshold=7, modulus_bits=bits)
    values = {
        name: (mechanism.perturb(np.zeros(3000), rng=rng) % (1 << bits)).astype(word_of(bits))
        for name in cohort.clients
    }
    gone = Dropouts(before_upload=frozenset(["c1", "c5"]))
    keys = kem_pair_keys(cohort.edges)
    total = masked_sum(values, cohort, pair_keys=keys, dropouts=gone).total.astype(np.int64)
    centred = np.where(total >= 1 << bits - 1, total - (1 << bits), total)
    found = mechanism.values(centred).std()
    expected = np.sqrt(8) * 20 * 0.01
    assert abs(found - expected) < 5 * expected / np.sqrt(2 * 3000)


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "laplace"},
        {"sigma": 0.0},
        {"granularity": -1.0},
        {"dropouts": 10},
        {"beta": 1.0},
        {"dimension": 0},
    ],
)
def test_nonsense_is_refused(options):
    with pytest.raises(ConfigError):
        noise(**options)


def test_closed_forms_refuse_nonsense():
    with pytest.raises(ConfigError, match="shares"):
        sum_distance(0, sigma=1.0)
    with pytest.raises(ConfigError, match="order"):
        skellam_rdp(1, norm=1, norm1=1, variance=1)
