import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.attacks.poisoning import (
    alie,
    alie_z,
    corrupt,
    flip_labels,
    inner_product_attack,
    inner_product_threshold,
    plant_backdoor,
    sign_flip,
)
from qfl.security.robust import geometric_median, krum, median, trimmed_mean


@pytest.mark.golden
@pytest.mark.parametrize(
    ("clients", "corrupted", "expected"),
    [(50, 24, 1.4260768722728474), (20, 4, 0.1573106846101707), (10, 2, 0.0)],
)
def test_alie_z(clients, corrupted, expected):
    """Baruch et al., arXiv:1902.06156."""
    assert alie_z(clients, corrupted) == pytest.approx(expected, abs=1e-6)


def test_a_little_is_enough_against_every_rule():
    """Attackers stay among the honest and yet move median, trimmed mean and Krum to one side."""
    rng = np.random.default_rng(1)
    n, m = 50, 24
    honest = rng.normal(0, 1, (n - m, 200))
    rows = np.vstack([honest, np.tile(alie(honest, clients=n, corrupted=m), (m, 1))])
    for found in (median(rows), trimmed_mean(rows, corrupted=m), geometric_median(rows)):
        assert found.mean() < honest.mean() - 0.4
    spread = np.linalg.norm(honest - honest.mean(axis=0), axis=1)
    attack = np.linalg.norm(alie(honest, clients=n, corrupted=m) - honest.mean(axis=0))
    assert attack < 1.5 * spread.max()


@pytest.mark.golden
def test_inner_product_threshold():
    """Xie et al., arXiv:1903.03936: the mean flips iff epsilon > (n-f)/f."""
    assert inner_product_threshold(10, 2) == 4.0
    honest = np.ones((8, 3)) + np.random.default_rng(0).normal(0, 0.1, (8, 3))
    for epsilon, flips in ((3.99, False), (4.01, True)):
        attack = inner_product_attack(honest, epsilon=epsilon)
        mean = np.vstack([honest, attack, attack]).mean(axis=0)
        assert (float(mean @ honest.mean(axis=0)) < 0) == flips
        assert krum(np.vstack([honest, attack, attack]), corrupted=2) @ np.ones(3) > 0


def test_krum_prefers_what_hides_among_the_honest():
    """Identical updates near the mean keep each other company: Krum picks an attacker's, of ALIE
    and of a small inner product alike, and never the one of a large one."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        rows = 0.1 + rng.normal(0, 1, (20, 200))
        for attack, scale, picked in (("alie", 1.0, True), ("ipm", 0.5, True), ("ipm", 50, False)):
            sent = corrupt(attack, rows, corrupted=8, scale=scale)
            assert (krum(sent, corrupted=8) == sent[0]).all() == picked


def test_only_the_corrupted_change_and_they_change_as_told():
    rows = np.random.default_rng(3).normal(1, 1, (9, 4))
    honest = rows[2:]
    expected = {
        "sign_flip": sign_flip(rows[:2], scale=3.0),
        "boost": 3.0 * rows[:2],
        "ipm": inner_product_attack(honest, epsilon=3.0),
        "alie": alie(honest, clients=9, corrupted=2),
    }
    for attack, sent in expected.items():
        found = corrupt(attack, rows, corrupted=2, scale=3.0)
        assert (found[2:] == honest).all()
        assert found[:2] == pytest.approx(np.broadcast_to(sent, (2, 4)), abs=1e-12)
    with pytest.raises(UnknownNameError, match="did you mean 'alie'"):
        corrupt("alice", rows, corrupted=2)


def test_flipping_labels_twice_is_nothing():
    labels = np.arange(10)
    assert (flip_labels(flip_labels(labels, classes=10), classes=10) == labels).all()
    assert flip_labels([], classes=3).tolist() == []


def test_a_backdoor_touches_its_corner_only():
    images = np.random.default_rng(0).random((5, 8, 8))
    stamped, labels = plant_backdoor(images, np.arange(5), target=3, size=2, value=9.0)
    assert (stamped[:, -2:, -2:] == 9).all()
    assert (stamped[:, :-2] == images[:, :-2]).all()
    assert (images < 9).all()
    assert labels.tolist() == [3] * 5


def test_nonsense_is_refused():
    for call in (
        lambda: alie_z(10, 5),
        lambda: alie_z(10, 0),
        lambda: inner_product_threshold(3, 3),
        lambda: corrupt("ipm", np.ones((3, 2)), corrupted=3),
        lambda: corrupt("ipm", np.ones(3), corrupted=1),
        lambda: flip_labels([3], classes=3),
        lambda: plant_backdoor(np.zeros((1, 3, 3)), [0], target=0, size=4),
        lambda: plant_backdoor(np.zeros((3, 3)), [0], target=0),
    ):
        with pytest.raises(ConfigError):
            call()
