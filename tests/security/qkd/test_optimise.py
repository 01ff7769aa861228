"""Figure 1 of Lim et al. 2014, optimised by two independent searches."""

import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.optimise import optimal_two_decoys


def fibre(length_km: float) -> FibreLink:
    return FibreLink(
        length_km=length_km,
        detector_efficiency=0.1,
        dark_count_probability=1.2e-6,
        afterpulse_probability=0.04,
        misalignment=0.005,
    )


@pytest.mark.golden
@pytest.mark.parametrize(
    ("block", "length_km", "expected"),
    [(1e7, 0, 0.005993), (1e7, 100, 5.157e-05), (1e7, 150, 2.635e-06), (1e9, 100, 8.801e-05)],
)
def test_best_rates(block, length_km, expected):
    _, key, rate = optimal_two_decoys(fibre(length_km), block=block)
    assert rate == pytest.approx(expected, rel=0.03)
    assert key.length > 0


@pytest.mark.golden
def test_short_blocks_reach_a_hundred_kilometres():
    """The formulas give a key from 10^4 sifted bits at 100 km and none at 130 km."""
    rates = [optimal_two_decoys(fibre(km), block=1e4)[2] for km in (0, 100)]
    assert rates == pytest.approx([2.651e-4, 1.068e-6], rel=2e-3)
    with pytest.raises(ConfigError, match="longer block"):
        optimal_two_decoys(fibre(130), block=1e4)


def test_beyond_the_reach_there_are_no_settings():
    with pytest.raises(ConfigError, match="longer block or a shorter fibre"):
        optimal_two_decoys(fibre(250), block=1e5)
