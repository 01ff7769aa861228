"""Prices of mechanisms against compositions of exact Gaussians that are computed here."""

from math import exp, sqrt

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from qfl.security.privacy.mechanisms import Central, Local

DELTA = 1e-5


def exact_epsilon(shift):
    """Balle and Wang, ICML 2018, theorem 8: two normals of variance 1 that far apart."""

    def excess(epsilon):
        far = norm.cdf(-shift / 2 - epsilon / shift)
        return norm.cdf(shift / 2 - epsilon / shift) - exp(epsilon) * far - DELTA

    return brentq(excess, 0, 500)


@pytest.mark.parametrize(
    ("z", "clients", "releases"),
    [(1.0, 16, 6), (0.5, 8, 6), (1.0, 100, 20), (2.0, 10, 10), (1.0, 20, 1)],
)
def test_an_adaptive_clip_pays_for_its_count(z, clients, releases):
    """A client above the bound whose changes become zero moves the sum by S, the count by 1."""
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    mechanism = Central(noise_multiplier=z, quantile=0.5, delta=DELTA)
    on_sum = mechanism.server_noise(bound=3.0, clients=clients) / 3.0
    on_count = mechanism.adaptive(clients).count_noise
    exact = exact_epsilon(sqrt(releases * (on_sum**-2 + on_count**-2)))
    found = mechanism.price(releases, dimension=100, clients=clients).guarantee
    assert found.adjacency.value == "replace one client's changes by zero"
    assert exact * (1 - 1e-9) <= found.epsilon <= exact * 1.001


@pytest.mark.parametrize(("z", "releases"), [(1.0, 6), (0.5, 6), (0.25, 6), (3.0, 40)])
def test_fixed_clips_cost_what_gaussians_cost(z, releases):
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    for mechanism, shift in (
        (Central(noise_multiplier=z, delta=DELTA), sqrt(releases) / z),
        (Local(noise_multiplier=z, delta=DELTA), 2 * sqrt(releases) / z),
    ):
        found = mechanism.price(releases, dimension=9, clients=9).guarantee.epsilon
        exact = exact_epsilon(shift)
        assert exact * (1 - 1e-9) <= found <= exact * 1.001
