"""Log-mel pictures: where a tone shows, and what does not matter."""

import numpy as np
import pytest

from qfl.data.audio import BANDS, FRAMES, log_mel

SECONDS = np.arange(4000) / 8000


@pytest.mark.parametrize("hertz", [300, 1000, 2500])
def test_a_tone_lights_the_band_around_it(hertz):
    picture = log_mel(np.sin(2 * np.pi * hertz * SECONDS))
    mel = 2595 * np.log10(1 + np.array([hertz, 4000]) / 700)
    expected = mel[0] / mel[1] * (BANDS + 1) - 1
    assert abs(picture.mean(1).argmax() - expected) <= 1


def test_loudness_and_length_do_not_change_the_picture_of_a_tone():
    tone = np.sin(2 * np.pi * 1000 * SECONDS)
    base = log_mel(tone)
    np.testing.assert_allclose(log_mel(tone[:2000]), base, atol=0.2)
    assert abs(base.mean()) < 1e-4
    assert base.std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("samples", [1, 255, 256, 300, 5000])
def test_every_length_gives_the_same_shape(samples):
    picture = log_mel(np.ones(samples))
    assert picture.shape == (BANDS, FRAMES)
    assert np.isfinite(picture).all()
