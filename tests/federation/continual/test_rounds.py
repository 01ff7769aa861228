"""Which rounds belong to which stage, and what cannot be divided."""

import pytest

from qfl.core.errors import ConfigError
from qfl.federation.continual.rounds import ends


def test_rounds_are_divided_evenly_or_as_said():
    assert ends(12, 3) == (4, 8, 12)
    assert ends(12, 3, (1, 2, 9)) == (1, 3, 12)


@pytest.mark.parametrize(
    ("rounds", "each", "message"),
    [
        (5, (), "5 rounds cannot be divided among 2 stages; take a multiple of 2"),
        (0, (), "0 rounds cannot be divided"),
        (4, (4, 0), r"stages with \[4, 0\] rounds; allowed: 2 numbers of at least 1"),
        (4, (1, 2), "that add up to federation.rounds = 4"),
        (4, (4,), "2 numbers"),
    ],
)
def test_what_leaves_a_stage_without_rounds_is_refused(rounds, each, message):
    with pytest.raises(ConfigError, match=message):
        ends(rounds, 2, each)
