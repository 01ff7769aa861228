import numpy as np
import pytest

from qfl.security.attacks.splitting import PhotonNumberSplitting
from qfl.security.qkd.decoy import gain
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.pulses import honest_yields, send_pulses

LINK = FibreLink(length_km=25, dark_count_probability=1e-4)
N = 1_000_000


@pytest.mark.parametrize("intensity", [0.48, 0.1, 0.0])
def test_gain_is_the_closed_form(intensity):
    """Five standard errors over 10^6 pulses: false alarm below 1e-6."""
    clicks = send_pulses(LINK, intensity, pulses=N, rng=np.random.default_rng(1))
    expected = gain(LINK, intensity)
    assert abs(len(clicks.photons) / N - expected) < 5 * np.sqrt(expected / N)
    dark = LINK.dark_count_probability
    assert abs(clicks.background.sum() / N - dark) < 5 * np.sqrt(dark / N)


def test_yields_sum_to_the_gain():
    """sum_n Poisson(n; mu) Y_n = Y0 + 1 - exp(-eta mu)."""
    weights = np.exp(-0.48) * np.concatenate([[1.0], np.cumprod(0.48 / np.arange(1, 21))])
    yields = honest_yields(LINK, photons=20)
    assert float(weights @ yields) == pytest.approx(gain(LINK, 0.48), rel=1e-12)


def test_clicks_name_their_photons():
    """Vacuum pulses click by background alone; a Poisson share of the rest is single."""
    dark = send_pulses(LINK, 0.0, pulses=N, rng=np.random.default_rng(2))
    assert dark.background.all()
    assert not dark.photons.any()
    clicks = send_pulses(LINK, 0.48, pulses=N, rng=np.random.default_rng(3))
    expected = 0.48 * np.exp(-0.48) * honest_yields(LINK, photons=1)[1] / gain(LINK, 0.48)
    share = (clicks.photons == 1).mean()
    assert abs(share - expected) < 5 * np.sqrt(0.25 / len(clicks.photons))


def test_no_pulses_no_clicks():
    assert len(send_pulses(LINK, 0.48, pulses=0, rng=np.random.default_rng(4)).photons) == 0


def test_a_splitter_is_invisible_in_the_gain():
    """Five standard errors; none of the clicks she lets through is a single photon."""
    attack = PhotonNumberSplitting(0.48)
    clicks = send_pulses(LINK, 0.48, pulses=N, rng=np.random.default_rng(5), splitter=attack)
    expected = gain(LINK, 0.48)
    assert abs(len(clicks.photons) / N - expected) < 5 * np.sqrt(expected / N)
    assert not (clicks.photons[~clicks.background] == 1).any()
