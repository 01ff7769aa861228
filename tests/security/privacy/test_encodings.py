"""Whatever is added up is within the norm that is priced, however fine the numbers are."""

from math import exp

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.privacy.distributed import rounded_norm
from qfl.security.privacy.encodings import BETA, ClippedGrid, NoiseShares, norm_before_rounding


@pytest.mark.parametrize("clip", [1.0, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("dimension", [14_560, 100_000])
def test_what_enters_a_sum_is_within_the_clip(clip, dimension):
    rng = np.random.default_rng(0)
    grid = ClippedGrid(clip)
    change = rng.normal(size=dimension)
    integers = grid.integers(change, weight=1, rng=rng)
    assert np.linalg.norm(integers) <= grid.steps
    wanted = change * clip / np.linalg.norm(change)
    assert np.linalg.norm(integers * grid.step - wanted) < 0.02 * clip
    assert np.abs(4 * integers).max() < 1 << grid.modulus_bits(4) - 1


def test_a_change_below_the_clip_keeps_its_mean():
    """Rounding at random is right on average; twenty standard errors of 1e5 numbers."""
    rng = np.random.default_rng(1)
    grid = ClippedGrid(1.0)
    change = np.full(100_000, 1e-3 / 3)
    rounded = grid.integers(change, weight=1, rng=rng) * grid.step
    assert abs(rounded.mean() - change.mean()) < 20 * grid.step / 2 / np.sqrt(len(change))


def test_too_many_numbers_for_the_steps_are_refused():
    with pytest.raises(ConfigError, match="take more steps"):
        ClippedGrid(1.0, steps=8).integers(np.ones(1000), weight=1, rng=np.random.default_rng(0))


@pytest.mark.parametrize(("norm", "dimension"), [(1024, 65_536), (20.0, 64), (3.0, 4), (9.0, 1)])
@pytest.mark.parametrize("beta", [exp(-0.5), 0.01])
def test_the_norm_before_rounding_undoes_that_after(norm, dimension, beta):
    before = norm_before_rounding(norm, dimension, beta=beta)
    assert rounded_norm(before, dimension, beta=beta) == pytest.approx(norm, rel=1e-12)


def test_shares_stay_within_the_norm_that_is_priced():
    shares = NoiseShares("discrete_gaussian", 0.5, 1024.0, 1024)
    change = np.random.default_rng(2).normal(size=10_000)
    integers = shares.integers(change, weight=1, rng=np.random.default_rng(3))
    assert np.linalg.norm(integers) <= rounded_norm(1024, 10_000, beta=BETA)
