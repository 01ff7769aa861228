"""What is left of a picture behind masks, sums and noise: the rows, and what they may claim."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.federation.attacks.inversion import Search
from qfl.federation.attacks.leaks import Likeness, inversion_rows, mask_update


@pytest.fixture(scope="module")
def rows():
    found = inversion_rows(Streams(0), trials=8, search=Search(steps=150))
    return {(row.attack, row.defence.split()[0]): row for row in found}


def test_in_the_open_both_attacks_work(rows):
    assert len(rows) == 8
    for (attack, _), row in rows.items():
        assert row.without.low > row.blind
        assert row.without.value > (100 if attack.endswith("analytic") else 18)
        assert "SSIM" in row.remark


@pytest.mark.parametrize("defence", ["masking:", "local"])
@pytest.mark.parametrize("attack", ["analytic", "optimised"])
def test_masks_and_noise_leave_less_than_the_mean_picture(rows, attack, defence):
    row = rows[f"gradient inversion, {attack}", defence]
    assert row.verdict == "stopped"
    assert row.defended.high < row.blind


@pytest.mark.parametrize("defence", ["a", "two"])
def test_mixing_eight_pictures_alone_does_not_stop_a_search(rows, defence):
    """Secure aggregation hides updates, not what their sum says; nor does local training. PSNR
    falls for both, and the formula is left with a mixture."""
    row = rows["gradient inversion, optimised", defence]
    assert row.defended.value < row.without.low
    assert rows["gradient inversion, analytic", defence].defended.value < row.blind + 2


def test_one_masked_vector_is_uniform():
    """64,000 entries uniform on [-8, 8): mean 0 and variance 64/3 within five standard errors."""
    rng = np.random.default_rng(0)
    seen = mask_update(np.full(64_000, 0.5), rng=rng)
    assert abs(seen.mean()) < 5 * 8 / np.sqrt(3 * 64_000)
    assert abs(seen.var() - 64 / 3) < 5 * 64 * np.sqrt(4 / 45 / 64_000)


def test_likeness_averages_over_the_samples_of_an_attack():
    truth = np.random.default_rng(1).random((2, 3, 8, 8))
    same = Likeness.of(truth, truth)
    assert same.decibels.tolist() == [120.0, 120.0]
    assert same.structure == pytest.approx(1.0)


def test_trials_are_even():
    with pytest.raises(ConfigError, match="even numbers"):
        inversion_rows(Streams(0), trials=7)
