"""Photon-number splitting: what decoys are for."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.splitting import PhotonNumberSplitting
from qfl.security.qkd.decoy import no_decoy_rate
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol, run_pulse_session

FAR = FibreLink(length_km=60)


@pytest.mark.golden
def test_multi_photon_pulses():
    """Poisson, mu = 0.48."""
    assert PhotonNumberSplitting(0.48).multi_photon == pytest.approx(0.08420058012691156, abs=1e-12)


def test_decoys_find_her_and_the_qber_does_not():
    """Ten sessions: the error rate is as always, the yield of single photons is not."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        session = run_pulse_session(
            FAR, protocol=Protocol(), rng=rng, splitter=PhotonNumberSplitting(0.48)
        )
        assert session.qber < 0.05
        assert "leave no secret bits" in session.aborted


def test_without_decoys_the_link_was_lost_anyway():
    assert no_decoy_rate(FAR, signal=0.48) == 0


def test_on_a_short_fibre_she_must_let_single_photons_pass():
    near = FibreLink(length_km=0, detector_efficiency=0.9)
    assert PhotonNumberSplitting(0.48).passed_singles(near) > 0.5
    assert PhotonNumberSplitting(0.48).passed_singles(FAR) == 0
    assert PhotonNumberSplitting(0.48).yields(near, photons=4).max() <= 1


def test_undisturbed_pulses_make_key():
    session = run_pulse_session(FAR, protocol=Protocol(), rng=np.random.default_rng(2))
    assert session.keys[0] == session.keys[1]
    assert session.secret_bits > 512


def test_a_source_without_light_cannot_be_split():
    with pytest.raises(ConfigError, match="positive"):
        PhotonNumberSplitting(0.0)
