"""Ma, Fung, Lo, Phys. Rev. A 76, 012307 (2007), against its own photon-number sums and a peer."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.interception import InterceptResend
from qfl.security.qkd.entangled import (
    PairLink,
    PairProtocol,
    bbm92_rate,
    e91_pulse_rate,
    run_pair_session,
)
from qfl.security.qkd.link import FibreLink


def end(loss_db: float, *, background: float = 1e-5, misalignment: float = 0.0) -> FibreLink:
    return FibreLink(
        length_km=loss_db,
        loss_db_per_km=1.0,
        detector_efficiency=0.2,
        dark_count_probability=background,
        misalignment=misalignment,
        error_correction_efficiency=1.0,
    )


def test_gain_is_the_sum_over_photon_pairs():
    """Q = sum_n Y_n (n+1) l^n / (1+l)^(n+2) with Y_n of independent losses (eqs. 2 and 6)."""
    left, right, half = end(3.0), end(7.0, background=1e-4), 0.05
    n = np.arange(200)
    pairs = (n + 1) * half**n / (1 + half) ** (n + 2)
    clicks = [
        1 - (1 - link.dark_count_probability) * (1 - link.transmittance) ** n
        for link in (left, right)
    ]
    gain = PairLink(left, right, pairs=2 * half).coincidence_gain
    assert gain == pytest.approx(float((pairs * clicks[0] * clicks[1]).sum()), rel=1e-9)


def test_a_faint_perfect_source_errs_as_its_misalignment():
    perfect = FibreLink(
        length_km=0, detector_efficiency=1.0, dark_count_probability=0.0, misalignment=0.01
    )
    link = PairLink(perfect, perfect, pairs=1e-6)
    assert link.misalignment == pytest.approx(0.0198, abs=1e-12)
    assert link.qber == pytest.approx(0.0198, abs=1e-5)
    assert link.coincidence_gain == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.golden
def test_bbm92_against_an_independent_package():
    """tno.quantum.communication.qkd_key_rate 2.0.4, standard detector, 4 dB: 0.001092147.

    It sifts nothing (q = 1) and takes the source intensity that is best.
    """
    best = max(
        2 * bbm92_rate(PairLink(end(2.0), end(2.0), pairs=pairs))
        for pairs in np.linspace(0.001, 0.3, 3000)
    )
    assert best == pytest.approx(0.001092147, rel=1e-4)


def test_device_independence_costs_rate():
    link = PairLink(end(1.0, misalignment=0.01), end(1.0, misalignment=0.01), pairs=0.02)
    assert 0 < e91_pulse_rate(link) < bbm92_rate(link)


def test_nothing_arrives_nothing_is_secret():
    dead = FibreLink(length_km=0, detector_efficiency=0.0, dark_count_probability=0.0)
    link = PairLink(dead, dead)
    assert link.qber == 0.5
    assert bbm92_rate(link) == e91_pulse_rate(link) == 0
    with pytest.raises(ConfigError, match="positive"):
        PairLink(dead, dead, pairs=0.0)


def test_sampled_sessions_end_with_equal_keys_or_a_reason():
    rng = np.random.default_rng(1)
    arm = FibreLink(length_km=5)
    link = PairLink(arm, arm, pairs=0.02)
    for index in range(60):
        attack = InterceptResend(0.05 * (index % 6))
        session = run_pair_session(
            link, protocol=PairProtocol(sifted_bits=1500), rng=rng, eavesdropper=attack
        )
        if session.aborted:
            assert session.keys is None
        else:
            assert session.keys[0] == session.keys[1]
            assert session.secret_bits > 0
    assert session.duration_seconds == session.pulses / 1e9
    caught = run_pair_session(
        link, protocol=PairProtocol(), rng=rng, eavesdropper=InterceptResend()
    )
    assert "QBER" in caught.aborted


def test_sampled_qber_is_the_closed_form():
    """40 sessions sample 12,000 bits; five standard errors: false alarm below 1e-6."""
    rng = np.random.default_rng(2)
    arm = FibreLink(length_km=5)
    link = PairLink(arm, arm, pairs=0.02)
    sessions = [run_pair_session(link, protocol=PairProtocol(), rng=rng) for _ in range(40)]
    sampled = sum(s.sampled_bits for s in sessions)
    seen = sum(s.qber * s.sampled_bits for s in sessions)
    assert abs(seen / sampled - link.qber) < 5 * np.sqrt(link.qber * (1 - link.qber) / sampled)


def test_a_dark_pair_link_runs_no_session():
    dead = FibreLink(length_km=0, detector_efficiency=0.0, dark_count_probability=0.0)
    with pytest.raises(ConfigError, match="both ends"):
        run_pair_session(
            PairLink(dead, dead), protocol=PairProtocol(), rng=np.random.default_rng(0)
        )
