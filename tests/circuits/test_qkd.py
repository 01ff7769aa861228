import numpy as np
import pytest

from circuits.qkd import CIRCULAR, DEGREES, bb84_round, pair_round
from qfl.security.qkd.states import correlation
from qfl.simulators.statevector import probabilities, run


def distribution(spec):
    return probabilities(run(spec), spec.measured).numpy()


@pytest.mark.parametrize("read", range(5))
@pytest.mark.parametrize("prepared", range(5))
@pytest.mark.parametrize("bit", [0, 1])
def test_a_round_follows_malus(bit, prepared, read):
    expected = (1 + correlation(prepared, read)) / 2
    found = distribution(bb84_round(bit, prepared=prepared, read=read))
    assert found[bit] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bob", DEGREES)
@pytest.mark.parametrize("alice", DEGREES)
def test_a_pair_is_correlated_as_the_angles_are(alice, bob):
    both_0, _, _, both_1 = found = distribution(pair_round(alice, bob))
    assert 2 * (both_0 + both_1) - 1 == pytest.approx(correlation(alice, bob), abs=1e-12)
    assert found.reshape(2, 2).sum(0) == pytest.approx([0.5, 0.5], abs=1e-12)


def test_rounds_that_are_none():
    with pytest.raises(ValueError, match="a bit is 0 or 1, got 2"):
        bb84_round(2, prepared=0, read=0)
    with pytest.raises(ValueError, match="unknown basis 5"):
        bb84_round(0, prepared=5, read=0)
    with pytest.raises(ValueError, match="linear bases"):
        pair_round(CIRCULAR, 0)


def test_chsh_of_the_angles_of_e91():
    """2 sqrt2 from 0 and 45 degrees against 22.5 and 67.5."""
    total = sum(
        sign * correlation(a, b) for a, b, sign in ((0, 3, 1), (0, 4, -1), (1, 3, 1), (1, 4, 1))
    )
    assert total == pytest.approx(2 * np.sqrt(2), abs=1e-12)
