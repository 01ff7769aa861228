"""Rates of key distribution at other links, blocks and errors, against formulas written anew."""

from math import cosh, exp, factorial, fsum, log2

import numpy as np
import pytest

from tests.testing.known_answers.computing import compute, got

LINK = {"alpha": 0.2, "e_d": 0.02, "Y0": 5e-6, "eta_bob": 0.1, "f": 1.1, "q": 0.5}


def h(x):
    return -x * log2(x) - (1 - x) * log2(1 - x)


@pytest.mark.parametrize("q", [0.5, 1.0])
@pytest.mark.parametrize("length", [0, 37.5, 120])
def test_decoy_rates(length, q):
    mu, nu, y0 = 0.55, 0.08, 5e-6
    eta = 0.1 * 10 ** (-0.2 * length / 10)
    gain = {k: y0 + 1 - exp(-eta * k) for k in (mu, nu)}
    errors = {k: y0 / 2 + 0.02 * (1 - exp(-eta * k)) for k in (mu, nu)}
    correction = gain[mu] * 1.1 * h(errors[mu] / gain[mu])
    y1, e1 = y0 + eta, (y0 / 2 + 0.02 * eta) / (y0 + eta)
    low = (mu / (mu * nu - nu**2)) * (
        gain[nu] * exp(nu) - gain[mu] * exp(mu) * nu**2 / mu**2 - (mu**2 - nu**2) / mu**2 * y0
    )
    high = (errors[nu] * exp(nu) - y0 / 2) / (low * nu)
    inputs = {**LINK, "q": q, "mu": mu, "L_km": length}
    for family, single, error, more in (
        ("gys_rate_inf", y1, e1, {}),
        ("gys_rate_vw", low, high, {"nu": nu}),
    ):
        expected = q * (single * mu * exp(-mu) * (1 - h(error)) - correction)
        assert got(family, **inputs, **more) == pytest.approx(expected, rel=1e-9)
    channel = got("gys_channel", **inputs, nu=nu)
    assert channel["Y1L"] == pytest.approx(low, rel=1e-9)
    assert channel["e1U"] == pytest.approx(high, rel=1e-9)


def test_gaussian_links_beyond_their_reach():
    inputs = {"V_A": 18.5, "T": 0.1, "xi": 0.005, "eta": 0.606, "v_el": 0.041, "beta": 0.898}
    found = got("cv_gg02", **inputs)
    assert found["K"] == pytest.approx(0.898 * found["I_AB"] - found["chi_BE"], abs=1e-12)
    assert found["K"] < 0


@pytest.mark.parametrize("loss_db", [0, 7.5, 13])
def test_the_peers_rates_are_close_to_the_best(loss_db):
    """BBM92 as a sum over photon pairs; the peer's search ends within 1e-3 of the maximum."""
    eta = 0.2 * 10 ** (-loss_db / 20)
    n = np.arange(120)
    best = 0.0
    for half in np.geomspace(0.03, 0.2, 300):
        weights = (n + 1) * half**n / (1 + half) ** (n + 2)
        seen = 1 - (1 - 1e-5) * (1 - eta) ** n
        gain = float((weights * seen**2).sum())
        correlated = eta**2 * half * (1 + half)
        correlated /= (1 + eta * half) ** 2 * (1 + (2 * eta - eta**2) * half)
        best = max(best, gain * (1 - 2 * h(0.5 - correlated / gain)))
    assert got("tno_oracle", case=f"bbm92_{loss_db}dB") == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("case", ["bb84_4", "e91_4dB", "bb84_-4dB"])
def test_cases_that_the_peer_does_not_have(case):
    assert "like bb84_4dB" in compute("tno_oracle", case=case)[1]


@pytest.mark.parametrize(
    ("alpha", "e_d", "Y0", "eta_bob", "f", "expected"),
    [
        (0.31706, 0.023957, 3.9987e-08, 0.49578, 1.13962, 87.81),
        (0.33735, 0.019836, 1.1685e-09, 0.18870, 1.07974, 94.01),
        (0.16154, 0.021479, 1.1606e-08, 0.47305, 1.04123, 190.31),
    ],
)
def test_reach_without_decoys_where_few_photons_are_best(alpha, e_d, Y0, eta_bob, f, expected):
    """The best intensity near the reach is about 1e-4; expected by a search over 60,000."""
    found = got("gys_no_decoy", alpha=alpha, e_d=e_d, Y0=Y0, eta_bob=eta_bob, f=f, q=0.5)
    assert found == pytest.approx(expected, abs=0.02)


def test_photon_numbers_split():
    """P(two or more) = 1 - e^-mu (1 + mu)."""
    for mu in (0, 0.05, 0.9):
        expected = 1 - exp(-mu) * (1 + mu)
        assert got("pns_multiphoton", mu=mu) == pytest.approx(expected, abs=1e-12)
    for mu in (1e-12, 1e-6, 0.0999, 0.1001):  # exact sum of many terms
        expected = fsum((k - 1) * (-mu) ** k / factorial(k) for k in range(2, 40))
        assert got("pns_multiphoton", mu=mu) == pytest.approx(expected, rel=1e-12, abs=0)


def test_bounds_of_lossy_channels():
    """-log2(1 - eta) = log2(e^(x/2) / (2 sinh(x/2))) at eta = e^-x, here by cosh and sinh^2."""
    x = 0.2 * 80 / 10 * np.log(10)
    sinh = np.sqrt(cosh(x / 2) ** 2 - 1)
    expected = log2(exp(x / 2) / (2 * sinh))
    assert got("plob", alpha=0.2, L_km=80) == pytest.approx(expected, rel=1e-9)
    assert got("single_repeater", alpha=0.2, L_km=160) == pytest.approx(expected, rel=1e-9)
