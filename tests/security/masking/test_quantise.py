from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import ConfigError
from qfl.security.masking import Grid
from qfl.security.masking.quantise import word_of


@pytest.mark.golden
@pytest.mark.parametrize(
    ("grid", "bits", "step", "error", "variance"),
    [
        (Grid(clip=8.0, levels=65_536, clients=10), 20, 2**-12, 0.00244140625, 2**-26),
        (
            Grid(clip=2.0, levels=4096, clients=100, max_weight=4),
            21,
            2**-10,
            0.09765625,
            2.384185791015625e-07,
        ),
    ],
)
def test_numbers_of_a_grid(grid, bits, step, error, variance):
    """2^b >= n w q, 2c/q, 2nc/q and (2c/q)^2/4."""
    assert (grid.modulus_bits, grid.step) == (bits, step)
    assert grid.error_bound() == pytest.approx(error, abs=1e-12)
    assert grid.variance_bound == pytest.approx(variance, abs=1e-12)


@pytest.mark.parametrize(
    ("levels", "clients", "weight"), list(product([2, 3, 4, 8], [1, 2, 4, 5], [1, 2, 4]))
)
def test_no_sum_wraps_around(levels, clients, weight):
    """Every sum that can occur, the tight ones (n w q a power of two) included."""
    grid = Grid(clip=1.0, levels=levels, clients=clients, max_weight=weight)
    rng = np.random.default_rng(0)
    ends = grid.quantise([-9.0, 9.0], rng=rng, weight=weight)
    for sums in np.arange(clients * ends[0], clients * ends[1] + 1):
        assert grid.centred(grid.residues(np.array([sums])))[0] == sums
    assert ends[1] - ends[0] == weight * (levels - 1)


@given(
    values=st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=8),
    levels=st.integers(2, 2**20),
    weight=st.integers(1, 7),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.property
def test_error_of_one_value(values, levels, weight, seed):
    """|decoded - weight x clipped| <= weight x step."""
    grid = Grid(clip=2.0, levels=levels, clients=3, max_weight=7)
    steps = grid.quantise(values, rng=np.random.default_rng(seed), weight=weight)
    found = grid.values(grid.centred(grid.residues(steps)))
    wanted = weight * np.clip(values, -2, 2)
    assert np.abs(found - wanted).max() <= grid.error_bound(weight) + 1e-12


def test_rounding_is_unbiased():
    """Mean of 40,000 roundings: 5 standard errors, false alarm below 1e-6 per value."""
    grid = Grid(clip=1.0, levels=10, clients=1)
    values = np.array([-0.95, -0.1, 0.033, 0.5, 0.79])
    n = 40_000
    rng = np.random.default_rng(1)
    steps = grid.values(grid.quantise(np.tile(values, (n, 1)), rng=rng))
    assert (np.abs(steps.mean(axis=0) - values) < 5 * np.sqrt(grid.variance_bound / n)).all()
    assert (steps.var(axis=0) <= grid.variance_bound * 1.01).all()


def test_what_may_not_vanish_in_a_sum_is_refused():
    grid = Grid(clip=1.0, levels=16, clients=2, max_weight=3)
    rng = np.random.default_rng(0)
    for values, weight in (([np.nan], 1), ([np.inf], 1), ([0.0], 0), ([0.0], 4)):
        with pytest.raises(ConfigError):
            grid.quantise(values, rng=rng, weight=weight)


@pytest.mark.parametrize(
    "options",
    [{"clip": 0.0}, {"levels": 1}, {"clients": 0}, {"max_weight": 0}, {"levels": 2**62}],
)
def test_bad_grids(options):
    with pytest.raises(ConfigError):
        Grid(**{"clip": 1.0, "levels": 4, "clients": 4, **options})


def test_words():
    assert [word_of(bits).itemsize for bits in (1, 16, 17, 32, 33, 64)] == [2, 2, 4, 4, 8, 8]
    with pytest.raises(ConfigError, match="1 to 64"):
        word_of(65)
