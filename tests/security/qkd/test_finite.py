"""Finite-key lengths at fixed settings: the published formulas, evaluated independently."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.decoy import decoy_rate
from qfl.security.qkd.finite import (
    BasisCounts,
    FiniteProtocol,
    expected_counts,
    expected_finite_key,
    finite_key,
    sampled_counts,
    single_photon_deviation,
)
from qfl.security.qkd.link import FibreLink

LIM = FiniteProtocol(intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2), key_basis=0.85)
RUSCA = FiniteProtocol(
    intensities=(0.45, 0.15), probabilities=(0.7, 0.3), key_basis=0.85, secrecy=1e-9
)


def fibre(length_km: float, afterpulse: float = 0.04) -> FibreLink:
    """Figure 1 of Lim et al. 2014: 6e-7 dark counts per detector, 4 % afterpulses."""
    return FibreLink(
        length_km=length_km,
        detector_efficiency=0.1,
        dark_count_probability=1.2e-6,
        afterpulse_probability=afterpulse,
        misalignment=0.005,
    )


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length_km", "single", "test_single", "errors", "phase", "disclosed", "length", "rate"),
    [
        (0, 6354165.247373825, 169950.70967640507, 7480.543107644691, 0.048802029977386925,
         1898459.7869863498, 2668090, 0.005602787076387373),
        (25, 6238183.674865741, 166338.82679553045, 7456.147763217248, 0.049705043809695176,
         1901143.4799942577, 2557991, 0.0017219043010266834),
        (100, 6154333.605132221, 163727.57894915776, 8204.911461744203, 0.05529401274380186,
         2019513.8633683336, 2236094, 4.808450407294717e-05),
    ],
)  # fmt: skip
def test_two_decoys(length_km, single, test_single, errors, phase, disclosed, length, rate):
    key, per_pulse = expected_finite_key(fibre(length_km), LIM, block=1e7)
    assert key.vacuum == 0
    assert key.single == pytest.approx(single, rel=1e-6)
    assert key.test_single == pytest.approx(test_single, rel=1e-6)
    assert key.test_errors == pytest.approx(errors, rel=1e-6)
    assert key.phase_error == pytest.approx(phase, rel=1e-6)
    assert key.disclosed_bits == pytest.approx(disclosed, rel=1e-6)
    assert key.length == length
    assert per_pulse == pytest.approx(rate, rel=1e-6)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length_km", "phase", "length", "rate"),
    [
        (0, 0.017560546312440088, 4925413, 0.012550985220752573),
        (100, 0.020048168380138676, 4537570, 0.0001183911228839963),
    ],
)
def test_one_decoy(length_km, phase, length, rate):
    key, per_pulse = expected_finite_key(fibre(length_km, 0.0), RUSCA, block=1e7)
    assert key.phase_error == pytest.approx(phase, rel=1e-6)
    assert key.length == length
    assert per_pulse == pytest.approx(rate, rel=1e-6)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("n", "k", "epsilon", "expected"),
    [(1e6, 1e5, 1e-10, 0.01615275791638371), (1e4, 1e4, 1e-9, 0.06545006441373165)],
)
def test_single_photon_deviation(n, k, epsilon, expected):
    assert single_photon_deviation(k, n, epsilon) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("protocol", [LIM, RUSCA])
def test_longer_blocks_give_more_and_stay_below_the_asymptotic_rate(protocol):
    link = fibre(50, 0.0)
    rates = [expected_finite_key(link, protocol, block=10.0**e)[1] for e in range(3, 13)]
    assert rates[0] == 0
    assert all(a <= b for a, b in pairwise(rates))
    biased = 2 * max(decoy_rate(link, signal=mu, weak=None) for mu in np.linspace(0.3, 0.9, 30))
    assert rates[-1] < biased


@pytest.mark.parametrize("protocol", [LIM, RUSCA])
def test_counts_without_errors_or_without_light(protocol):
    zeros = BasisCounts([0.0] * len(protocol.intensities), [0.0] * len(protocol.intensities))
    assert finite_key(zeros, zeros, protocol, disclosed_bits=0.0).length == 0
    key, test, _ = expected_counts(fibre(0), protocol, block=1e9)
    clean = replace(test, errors=zeros.errors)
    bounded = finite_key(key, clean, protocol, disclosed_bits=0.0)
    assert 0 < bounded.phase_error < 0.05


@pytest.mark.parametrize(
    "change",
    [
        {"intensities": (0.2, 0.45, 2e-4)},
        {"intensities": (0.45,)},
        {"intensities": (0.3, 0.2, 0.1)},
        {"probabilities": (0.5, 0.5)},
        {"probabilities": (0.5, 0.3, 0.3)},
        {"key_basis": 1.0},
        {"secrecy": 0.0},
    ],
)
def test_senseless_settings_are_refused(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(LIM, **change)


@pytest.mark.parametrize("protocol", [LIM, RUSCA])
def test_sampled_blocks_scatter_around_the_expected_counts(protocol):
    """Five standard errors on 2 x 3 counts and errors: false alarm below 1e-5."""
    link = fibre(50)
    key, test, pulses = expected_counts(link, protocol, block=1e6)
    drawn = sampled_counts(link, protocol, pulses=round(pulses), rng=np.random.default_rng(3))
    for expected, seen in zip((key, test), drawn, strict=True):
        for field in ("detected", "errors"):
            mean = np.array(getattr(expected, field))
            assert (np.abs(np.array(getattr(seen, field)) - mean) <= 5 * np.sqrt(mean) + 1).all()


def test_a_block_of_a_trillion_pulses():
    key, test = sampled_counts(fibre(50), LIM, pulses=10**12, rng=np.random.default_rng(4))
    disclosed = 1.16 * 0.1 * sum(key.detected)
    assert finite_key(key, test, LIM, disclosed_bits=disclosed).length > 10**7
