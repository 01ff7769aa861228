"""Ma, Qi, Zhao, Lo, Phys. Rev. A 72, 012326 (2005), with the parameters of the GYS experiment.

The paper prints the reach as 142.05 km (infinite decoys) and 140.55 km (vacuum + weak), mu as
0.48, and deviations of 3.5 % and 16.8 % at 40 km; the further digits are the same formulas
evaluated again.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.qkd.decoy import (
    Gains,
    Intensities,
    decoy_rate,
    decoy_reach_km,
    expected_gains,
    no_decoy_rate,
    no_decoy_reach_km,
    no_decoy_signal,
    optimal_signal,
    single_photon_bounds,
    single_photons,
)
from qfl.security.qkd.link import FibreLink

GYS = FibreLink(
    length_km=0,
    loss_db_per_km=0.21,
    detector_efficiency=0.045,
    dark_count_probability=1.7e-6,
    misalignment=0.033,
    error_correction_efficiency=1.22,
)


def gys(length_km: float) -> FibreLink:
    return replace(GYS, length_km=length_km)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("weak", "expected"),
    [(None, 142.014519810696), (0.05, 140.6194000234358), (0.02, 141.4697921171633)],
)
def test_reach(weak, expected):
    assert decoy_reach_km(GYS, signal=0.48, weak=weak) == pytest.approx(expected, abs=1e-3)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length_km", "infinite", "vacuum_weak"),
    [
        (0, 0.0025545880815313784, 0.0024142454663880508),
        (50, 0.00022259611792148918, 0.00020962499420812625),
        (100, 1.7184444763934947e-05, 1.602004526821325e-05),
        (130, 1.9557366505173173e-06, 1.678803407347447e-06),
        (140, 2.464667072075685e-07, 7.377906324336951e-08),
    ],
)
def test_rates(length_km, infinite, vacuum_weak):
    link = gys(length_km)
    assert decoy_rate(link, signal=0.48, weak=None) == pytest.approx(infinite, rel=1e-7)
    assert decoy_rate(link, signal=0.48, weak=0.05) == pytest.approx(vacuum_weak, rel=1e-7)


@pytest.mark.golden
def test_channel_at_50_km():
    intensities = Intensities(0.48, 0.05)
    gains = expected_gains(gys(50), intensities)
    true = single_photons(gys(50))
    bound = single_photon_bounds(gains, intensities)
    assert gains.signal == pytest.approx(0.0019249502059680568, rel=1e-7)
    assert gains.qber == pytest.approx(0.03341242625265587, rel=1e-7)
    assert true.detection_yield == pytest.approx(0.004012329221601855, rel=1e-7)
    assert true.error == pytest.approx(0.0331978651192743, rel=1e-7)
    assert bound.detection_yield == pytest.approx(0.003954806598634917, rel=1e-7)
    assert bound.error == pytest.approx(0.03539849258327798, rel=1e-7)


@pytest.mark.golden
def test_deviation_at_40_km():
    intensities = Intensities(0.48, 0.12)
    true = single_photons(gys(40))
    bound = single_photon_bounds(expected_gains(gys(40), intensities), intensities)
    below = 100 * (1 - bound.detection_yield / true.detection_yield)
    above = 100 * (bound.error / true.error - 1)
    assert below == pytest.approx(3.510257072147416, abs=0.002)
    assert above == pytest.approx(16.7794799798471, abs=0.002)


@pytest.mark.golden
@pytest.mark.parametrize(("f", "expected"), [(1.22, 0.4789227491279087), (1.1, 0.5135988395411493)])
def test_optimal_signal(f, expected):
    link = replace(GYS, error_correction_efficiency=f)
    assert optimal_signal(link) == pytest.approx(expected, abs=1e-6)


@pytest.mark.golden
def test_reach_without_decoys():
    """Evaluated again as 40.207 km with the intensity optimised at every distance."""
    assert no_decoy_reach_km(GYS) == pytest.approx(40.207, abs=2e-3)


@given(
    length_km=st.floats(0, 150),
    misalignment=st.floats(0, 0.05),
    background=st.floats(1e-10, 1e-5),
    factor=st.floats(-3, 3),
)
@pytest.mark.property
def test_no_intensity_beats_the_best_without_decoys(length_km, misalignment, background, factor):
    link = FibreLink(
        length_km=length_km, misalignment=misalignment, dark_count_probability=background
    )
    best = no_decoy_signal(link)
    other = min(1.0, best * 10**factor)
    most = no_decoy_rate(link, signal=best)
    assert no_decoy_rate(link, signal=other) <= most * (1 + 1e-9)


@given(
    length_km=st.floats(0, 200),
    misalignment=st.floats(0, 0.1),
    background=st.floats(0, 1e-4),
    signal=st.floats(0.1, 1.0),
    ratio=st.floats(0.02, 0.9),
)
@pytest.mark.property
def test_bounds_hold_on_every_undisturbed_link(length_km, misalignment, background, signal, ratio):
    link = FibreLink(
        length_km=length_km, misalignment=misalignment, dark_count_probability=background
    )
    intensities = Intensities(signal, ratio * signal)
    true = single_photons(link)
    bound = single_photon_bounds(expected_gains(link, intensities), intensities)
    slack = 1e-9 * max(1.0, 1 / ratio**2)
    assert bound.detection_yield <= true.detection_yield * (1 + slack) + 1e-12
    assert bound.error >= true.error - slack or bound.error == 0.5
    infinite = decoy_rate(link, signal=signal, weak=None)
    assert decoy_rate(link, signal=signal, weak=intensities.weak) <= infinite * (1 + slack) + 1e-12


def test_impossible_gains_never_bound_the_error_by_zero():
    intensities = Intensities(0.48, 0.1)
    no_single_photon = Gains(0.01, 0.0, 1e-3, 1e-4, 1e-5)
    no_weak_error = Gains(0.01, 0.002, 1e-5, 1e-4, 0.0)
    assert single_photon_bounds(no_single_photon, intensities).detection_yield == 0
    assert single_photon_bounds(no_single_photon, intensities).error == 0.5
    assert single_photon_bounds(no_weak_error, intensities).error == 0.5


def test_decoy_must_be_weaker_than_signal():
    with pytest.raises(ConfigError, match="weak < signal"):
        Intensities(signal=0.1, weak=0.1)


def test_a_noisy_link_has_no_key_and_no_reach():
    noisy = FibreLink(length_km=10, misalignment=0.2)
    assert decoy_rate(noisy, signal=0.48, weak=0.1) == 0
    assert decoy_reach_km(noisy, signal=0.48, weak=0.1) == 0
    assert no_decoy_rate(noisy, signal=0.48) == 0


def test_three_bases_sift_less_and_reach_farther():
    """At the same error rate a third of the photons sift, and pay less each."""
    short, long = (replace(GYS, length_km=km) for km in (10, 141))
    two, three = (decoy_rate(short, signal=0.48, weak=None, bases=b) for b in (2, 3))
    assert three < two < 1.5 * three
    assert decoy_rate(long, signal=0.48, weak=None, bases=3) > decoy_rate(
        long, signal=0.48, weak=None
    )
    reaches = [decoy_reach_km(GYS, signal=0.48, weak=None, bases=b) for b in (2, 3)]
    assert reaches[0] < reaches[1]
    with pytest.raises(ConfigError, match="bases is 4"):
        decoy_rate(GYS, signal=0.48, weak=None, bases=4)
