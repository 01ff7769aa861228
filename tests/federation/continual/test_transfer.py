"""The matrix of scores by hand: averages, transfer in both directions, forgetting."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.federation.continual.transfer import (
    average,
    backward_transfer,
    forgetting,
    forward_transfer,
    learning_score,
    what_it_says,
)

SCORES = [
    [0.9, 0.2, 0.3],
    [0.95, 0.8, 0.4],
    [0.5, 0.7, 0.85],
]


def test_by_hand():
    assert average(SCORES) == pytest.approx((0.5 + 0.7 + 0.85) / 3)
    assert backward_transfer(SCORES) == pytest.approx(((0.5 - 0.9) + (0.7 - 0.8)) / 2)
    fwt = ((0.2 - 0.1) + (0.4 - 0.25)) / 2
    assert forward_transfer(SCORES, [0.5, 0.1, 0.25]) == pytest.approx(fwt)
    assert learning_score(SCORES) == pytest.approx((0.9 + 0.8 + 0.85) / 3)
    assert learning_score(SCORES, first=1) == pytest.approx((0.8 + 0.85) / 2)
    assert forgetting(SCORES) == pytest.approx(((0.95 - 0.5) + (0.8 - 0.7)) / 2)


def test_what_is_never_lost_is_not_forgotten():
    steady = np.tile([0.6, 0.7, 0.8], (3, 1))
    assert backward_transfer(steady) == forgetting(steady) == 0.0
    assert forward_transfer(steady, steady[0]) == 0.0


def test_a_stage_that_gains_later_has_negative_forgetting():
    """Best before the end, not after it: gains count."""
    assert forgetting([[0.5, 0.0], [0.7, 0.9]]) == pytest.approx(-0.2)


def test_a_client_that_sits_out_a_stage_by_hand():
    """It never met the second of three stages; the mutation, all columns, finds a hole."""
    holes = np.array(SCORES)
    holes[:, 1] = np.nan
    own = [0, 2]
    found = what_it_says(holes, [0.5, np.nan, 0.25], stages=own)
    assert found == pytest.approx(
        {
            "continual_score": (0.5 + 0.85) / 2,
            "learning_score": (0.9 + 0.85) / 2,
            "backward_transfer": 0.5 - 0.9,
            "forward_transfer": 0.4 - 0.25,
            "forgetting": 0.95 - 0.5,
        }
    )
    with pytest.raises(ConfigError, match="complete streams only"):
        what_it_says(holes, [0.5, np.nan, 0.25])


def test_what_no_stage_of_a_client_can_say_is_no_number():
    """Who comes last has nothing to forget; who came first alone, nothing to be helped with."""
    last, first = (what_it_says(SCORES, [0.5, 0.1, 0.25], stages=[own]) for own in (2, 0))
    assert np.isnan(
        [last["forgetting"], last["backward_transfer"], first["forward_transfer"]]
    ).all()
    assert last["continual_score"] == last["learning_score"] == 0.85
    assert first["forgetting"] == pytest.approx(0.45)


@pytest.mark.parametrize("scores", [[[0.5]], [[0.5, 0.1]], [0.1, 0.2]])
def test_shapes_that_are_no_stream_are_refused(scores):
    with pytest.raises(ConfigError, match="a square with a row and a column"):
        average(scores)


def test_holes_are_refused():
    with pytest.raises(ConfigError, match="complete streams only"):
        average([[0.5, np.nan], [0.5, 0.5]])
    with pytest.raises(ConfigError, match="one per stage"):
        forward_transfer([[0.5, 0.1], [0.5, 0.5]], [0.1])
