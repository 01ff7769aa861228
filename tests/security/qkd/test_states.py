"""States and their readings: certain in their own basis, a fair coin across, and in between."""

import numpy as np
import pytest

from circuits.qkd import CIRCULAR, DEGREES, TILTED
from qfl.security.qkd.states import States, correlation, random_states

N = 40_000
BOUND = 4.5 / np.sqrt(N)
"""4.5 standard deviations of a mean of N signs: a false alarm in 10^5 or fewer."""


@pytest.mark.parametrize("sent", range(5))
@pytest.mark.parametrize("read", range(5))
def test_readings_agree_as_often_as_the_angle_says(sent, read):
    rng = np.random.default_rng(10 * sent + read)
    states = States(rng.integers(0, 2, N, dtype=np.uint8), np.full(N, sent, np.uint8))
    found = states.measure(np.full(N, read, np.uint8), rng=rng)
    agreed = 1 - 2 * np.mean(found != states.bits)
    assert agreed == pytest.approx(correlation(sent, read), abs=BOUND)


def test_correlations_are_those_of_polarisers():
    for one, other in np.ndindex(5, 5):
        assert correlation(one, other) == correlation(other, one)
        if one != other and CIRCULAR not in (one, other):
            angle = np.radians(2 * (DEGREES[one] - DEGREES[other]))
            assert correlation(one, other) == pytest.approx(np.cos(angle), abs=1e-12)


@pytest.mark.parametrize("bases", [2, 3, 5])
def test_bits_and_bases_are_drawn_evenly(bases):
    states = random_states(N, bases=bases, rng=np.random.default_rng(bases))
    shares = np.bincount(states.bases, minlength=bases) / N
    assert len(shares) == bases
    assert shares == pytest.approx(1 / bases, abs=BOUND)
    assert states.bits.mean() == pytest.approx(0.5, abs=BOUND)


def test_the_same_generator_reads_the_same():
    states = random_states(100, rng=np.random.default_rng(0))
    bases = np.full(100, TILTED, np.uint8)
    one, two = (states.measure(bases, rng=np.random.default_rng(1)) for _ in range(2))
    assert (one == two).all()
