"""Lodewyck et al., Phys. Rev. A 76, 042305 (2007): printed 365, 316 and 12.3 kb/s at 350 kHz."""

from dataclasses import replace

import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.continuous import GaussianLink, gaussian_key

LODEWYCK = GaussianLink(
    modulation_variance=18.5,
    transmittance=0.302,
    excess_noise=0.005,
    detector_efficiency=0.606,
    electronic_noise=0.041,
    reconciliation_efficiency=0.898,
)
SHORT = GaussianLink(
    modulation_variance=10.0,
    transmittance=0.6,
    excess_noise=0.01,
    detector_efficiency=0.6,
    electronic_noise=0.05,
    reconciliation_efficiency=0.95,
)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("link", "information", "holevo", "rate"),
    [
        (LODEWYCK, 1.04364964873327, 0.9020432945614703, 0.03515409000100622),
        (SHORT, 1.071509979285717, 0.7434801798440476, 0.2744543004773836),
    ],
)
def test_published_and_recomputed(link, information, holevo, rate):
    key = gaussian_key(link)
    assert key.mutual_information == pytest.approx(information, abs=1e-6)
    assert key.holevo == pytest.approx(holevo, abs=1e-6)
    assert key.rate == pytest.approx(rate, abs=1e-6)


@pytest.mark.golden
def test_printed_rates_of_the_experiment():
    """Printed to three digits, with measured parameters that are printed to two or three."""
    key = gaussian_key(LODEWYCK)
    assert 350 * key.mutual_information == pytest.approx(365, rel=0.005)
    assert 350 * key.holevo == pytest.approx(316, rel=0.005)
    assert 350 * key.rate == pytest.approx(12.3, rel=0.01)


def test_without_modulation_there_is_nothing_to_know():
    key = gaussian_key(replace(LODEWYCK, modulation_variance=0.0, excess_noise=0.0))
    assert key.mutual_information == pytest.approx(0, abs=1e-12)
    assert key.rate == pytest.approx(0, abs=1e-7)


def test_noise_kills_the_key():
    assert gaussian_key(replace(LODEWYCK, excess_noise=0.2)).rate == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("transmittance", 0.0),
        ("detector_efficiency", 1.2),
        ("excess_noise", -0.1),
        ("reconciliation_efficiency", 1.1),
    ],
)
def test_impossible_links_are_refused_by_name(option, value):
    with pytest.raises(ConfigError, match=option):
        replace(LODEWYCK, **{option: value})
