import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.likeness import psnr, ssim


def test_psnr_is_ten_decibels_per_tenth_of_the_error():
    truth = np.zeros((8, 8))
    assert psnr(truth + 0.1, truth) == pytest.approx(20)
    assert psnr(truth + 0.01, truth) == pytest.approx(40)
    assert psnr(truth, truth) == np.inf


@pytest.mark.golden
def test_ssim_by_its_definition():
    """Wang et al. 2004, equation 13, on one window of unbiased moments; a flat pair has only
    the luminance term."""
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 7, 7))
    c1, c2 = 1e-4, 9e-4
    cov = np.cov(x.ravel(), y.ravel())
    top = (2 * x.mean() * y.mean() + c1) * (2 * cov[0, 1] + c2)
    bottom = (x.mean() ** 2 + y.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2)
    assert ssim(x, y) == pytest.approx(top / bottom, abs=1e-12)
    flat = ssim(np.full((8, 8), 0.2), np.full((8, 8), 0.6))
    assert flat == pytest.approx((2 * 0.12 + c1) / (0.04 + 0.36 + c1), abs=1e-12)


def test_ssim_is_one_for_equals_symmetric_and_falls_with_noise():
    rng = np.random.default_rng(1)
    truth = rng.random((8, 8))
    assert ssim(truth, truth) == pytest.approx(1)
    found = [ssim(truth + s * rng.normal(0, 1, (8, 8)), truth) for s in (0.05, 0.2, 1.0)]
    assert 1 > found[0] > found[1] > found[2]
    other = rng.random((8, 8))
    assert ssim(other, truth) == pytest.approx(ssim(truth, other))


@pytest.mark.parametrize("call", [lambda: psnr([1.0], [1.0, 2.0]), lambda: ssim([[1]], [[1]])])
def test_nonsense_is_refused(call):
    with pytest.raises(ConfigError):
        call()
