"""Two threshold detectors against every way they can click, and against an independent package."""

from itertools import product

import numpy as np
import pytest

from qfl.security.qkd.decoy import decoy_rate, error_gain, gain, single_photons
from qfl.security.qkd.detectors import (
    detected_error_gain,
    detected_gain,
    detected_single_photons,
    threshold_decoy_rate,
)
from qfl.security.qkd.link import FibreLink

NOISY = FibreLink(length_km=10, dark_count_probability=0.19, misalignment=0.1)
"""Either detector stays dark with probability 0.9."""


def clicks(right: float, wrong: float) -> tuple[float, float]:
    """Return P(any click) and P(read wrongly) if either detector clicks independently."""
    any_click = misread = 0.0
    for r, w in product((0, 1), repeat=2):
        chance = (right if r else 1 - right) * (wrong if w else 1 - wrong)
        any_click += chance * (r or w)
        misread += chance * (w if r != w else 0.5 * r)
    return any_click, misread


@pytest.mark.parametrize("intensity", [0.0, 0.3, 2.0])
def test_coherent_pulses_split_into_independent_ones(intensity):
    arriving = NOISY.transmittance * intensity
    right, wrong = (1 - 0.9 * np.exp(-arriving * share) for share in (0.9, 0.1))
    expected = clicks(right, wrong)
    assert detected_gain(NOISY, intensity) == pytest.approx(expected[0], abs=1e-12)
    assert detected_error_gain(NOISY, intensity) == pytest.approx(expected[1], abs=1e-12)


def test_a_single_photon_makes_at_most_one_detector_click():
    eta = NOISY.transmittance
    ways = {(1.0, 0.1): eta * 0.9, (0.1, 1.0): eta * 0.1, (0.1, 0.1): 1 - eta}
    expected = sum(chance * np.array(clicks(*way)) for way, chance in ways.items())
    single = detected_single_photons(NOISY)
    assert single.detection_yield == pytest.approx(expected[0], abs=1e-12)
    assert single.error == pytest.approx(expected[1] / expected[0], abs=1e-12)


def test_the_printed_approximations_are_parts_in_ten_thousand_away():
    link = FibreLink(length_km=50, dark_count_probability=1e-5)
    assert gain(link, 0.5) == pytest.approx(detected_gain(link, 0.5), rel=1e-4)
    assert error_gain(link, 0.5) == pytest.approx(detected_error_gain(link, 0.5), rel=1e-3)
    assert single_photons(link).error == pytest.approx(detected_single_photons(link).error, 1e-3)
    halved = threshold_decoy_rate(link, signal=0.5) / 2
    assert decoy_rate(link, signal=0.5, weak=None) == pytest.approx(halved, rel=1e-2)


def test_nothing_arrives_nothing_is_secret():
    dead = FibreLink(length_km=0, detector_efficiency=0.0, dark_count_probability=0.0)
    assert threshold_decoy_rate(dead, signal=0.5) == 0
    assert detected_single_photons(dead).error == 0.5
    assert threshold_decoy_rate(FibreLink(length_km=400), signal=0.5) < 0


@pytest.mark.golden
@pytest.mark.parametrize(("loss_db", "expected"), [(4, 0.01846015), (20, 0.0003986553)])
def test_an_independent_package(loss_db, expected):
    """tno.quantum.communication.qkd_key_rate 2.0.4, "standard" detector, best intensity."""
    link = FibreLink(
        length_km=loss_db,
        loss_db_per_km=1.0,
        dark_count_probability=1 - (1 - 1e-5) ** 2,
        misalignment=0.015,
        error_correction_efficiency=1.0,
    )
    best = max(threshold_decoy_rate(link, signal=mu) for mu in np.linspace(0.5, 0.9, 401))
    assert best == pytest.approx(expected, rel=1e-6)
