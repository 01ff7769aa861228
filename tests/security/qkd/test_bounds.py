"""Pirandola, Laurenza, Ottaviani, Banchi 2017, and that every protocol keeps below it."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.qkd.bounds import repeaterless_bound, single_repeater_bound
from qfl.security.qkd.continuous import GaussianLink, gaussian_key
from qfl.security.qkd.decoy import decoy_rate, no_decoy_rate
from qfl.security.qkd.detectors import threshold_decoy_rate
from qfl.security.qkd.entangled import PairLink, bbm92_rate, e91_pulse_rate
from qfl.security.qkd.finite import FiniteProtocol, expected_finite_key
from qfl.security.qkd.link import FibreLink

LIM = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2), key_basis=0.85)


def fibre(length_km: float, loss_db_per_km: float = 0.2) -> FibreLink:
    return FibreLink(length_km=length_km, loss_db_per_km=loss_db_per_km)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length_km", "expected"),
    [
        (10, 1.4381405161347793),
        (50, 0.15200309344505),
        (100, 0.014499569695115079),
        (200, 0.00014427671804503523),
        (400, 1.4426950481024389e-08),
    ],
)
def test_repeaterless(length_km, expected):
    bound = repeaterless_bound(fibre(length_km).channel_transmittance)
    assert bound == pytest.approx(expected, rel=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length_km", "expected"), [(200, 0.014499569695115079), (400, 0.00014427671804503523)]
)
def test_single_repeater(length_km, expected):
    bound = single_repeater_bound(fibre(length_km).channel_transmittance)
    assert bound == pytest.approx(expected, rel=1e-9)


def test_ends_of_the_range():
    assert repeaterless_bound(0) == single_repeater_bound(0) == 0
    assert repeaterless_bound(1) == single_repeater_bound(1) == inf
    for bound in (repeaterless_bound, single_repeater_bound):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            bound(1.5)


@given(
    length_km=st.floats(0.1, 250),
    misalignment=st.floats(0, 0.05),
    background=st.floats(0, 1e-5),
    efficiency=st.floats(0.01, 1),
    signal=st.floats(0.05, 1.0),
)
@pytest.mark.property
def test_no_protocol_beats_the_bound(length_km, misalignment, background, efficiency, signal):
    link = FibreLink(
        length_km=length_km,
        misalignment=misalignment,
        dark_count_probability=background,
        detector_efficiency=efficiency,
        error_correction_efficiency=1.0,
    )
    bound = repeaterless_bound(link.channel_transmittance)
    half = replace(link, length_km=length_km / 2)
    gaussian = GaussianLink(
        modulation_variance=20 * signal,
        transmittance=link.channel_transmittance,
        excess_noise=misalignment,
        detector_efficiency=efficiency,
        reconciliation_efficiency=1.0,
    )
    assert decoy_rate(link, signal=signal, weak=None) <= bound
    assert decoy_rate(link, signal=signal, weak=signal / 5) <= bound
    assert decoy_rate(link, signal=signal, weak=None, bases=3) <= bound
    assert threshold_decoy_rate(link, signal=signal) <= bound
    assert no_decoy_rate(link, signal=signal) <= bound
    assert bbm92_rate(PairLink(half, half, pairs=signal)) <= bound
    assert e91_pulse_rate(PairLink(half, half, pairs=signal)) <= bound
    assert expected_finite_key(link, LIM, block=1e9)[1] <= bound
    assert gaussian_key(gaussian).rate <= bound * (1 + 1e-9)
