"""Feature and concept shift touch the clients they name, and nothing else."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.data.shifts import concept_shift, feature_shift

PICTURES = np.random.default_rng(0).random((9, 4, 4)).astype(np.float32)
PARTS = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5]), np.array([6])]


def draw():
    return np.random.default_rng(1)


def test_the_kth_client_turns_its_pictures_by_k_quarters():
    turned = feature_shift(PICTURES, PARTS, kind="rotation", rng=draw())
    for k, rows in enumerate(PARTS):
        for row in rows:
            np.testing.assert_array_equal(turned[row], np.rot90(PICTURES[row], k))
    np.testing.assert_array_equal(turned[7:], PICTURES[7:])


def test_noise_grows_over_the_clients_and_a_gain_is_one_number_per_client():
    noisy = feature_shift(PICTURES, PARTS, kind="noise", strength=0.5, rng=draw())
    spread = [float((noisy[rows] - PICTURES[rows]).std()) for rows in PARTS]
    assert spread[0] == 0
    assert 0 < spread[1] < spread[3]
    louder = feature_shift(PICTURES, PARTS, kind="gain", rng=draw())
    ratios = [np.unique((louder[rows] / PICTURES[rows]).round(4)) for rows in PARTS]
    assert len({float(ratio.mean()) for ratio in ratios}) == 4
    assert all(np.ptp(ratio) < 1e-3 for ratio in ratios)


def test_labels_are_swapped_only_where_asked():
    labels = np.array([0, 1, 0, 2, 1, 1, 0, 2, 0])
    swapped = concept_shift(labels, PARTS, swaps=[(0, 1), None, (1, 2), None])
    assert swapped.tolist() == [1, 0, 0, 2, 2, 2, 0, 2, 0]


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ConfigError, match="square"):
        feature_shift(PICTURES[:, :3], PARTS, kind="rotation", rng=draw())
    with pytest.raises(ConfigError, match="rotation, noise, gain"):
        feature_shift(PICTURES, PARTS, kind="blur", rng=draw())
    with pytest.raises(ConfigError, match="4 clients and 1 swaps"):
        concept_shift(np.zeros(9, int), PARTS, swaps=[None])
