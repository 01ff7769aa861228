"""Known answers, metamorphic relations and breakdown points of every rule."""

from functools import partial

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.poisoning import sign_flip
from qfl.security.robust import (
    bulyan,
    fltrust,
    geometric_median,
    krum,
    krum_scores,
    median,
    multi_krum,
    norm_bounded_mean,
    trimmed_mean,
)

UPDATES = np.array([[1, 0], [1.1, 0.2], [0.9, -0.1], [1.05, 0.1], [0.95, 0.05], [-5, 4], [6, -7]])
SERVER = np.array([1, 0.05])
RULES = {
    "krum": partial(krum, corrupted=2),
    "multi_krum": partial(multi_krum, corrupted=2),
    "bulyan": partial(bulyan, corrupted=1),
    "median": median,
    "trimmed_mean": partial(trimmed_mean, corrupted=2),
    "geometric_median": geometric_median,
    "norm_bounded_mean": partial(norm_bounded_mean, bound=1.0),
    "fltrust": partial(fltrust, server_update=SERVER),
}
EQUIVARIANT = ("krum", "multi_krum", "bulyan", "median", "trimmed_mean", "geometric_median")


@pytest.mark.golden
def test_known_answers():
    """By the definitions: Blanchard 2017, Yin 2018, Weiszfeld, Cao 2021; n = 7, f = 2."""
    scores = [0.0375, 0.1075, 0.1075, 0.0375, 0.0425, 154.275, 222.5325]
    assert krum_scores(UPDATES, corrupted=2) == pytest.approx(scores, abs=1e-7)
    assert krum(UPDATES, corrupted=2).tolist() == [1.0, 0.0]
    assert median(UPDATES) == pytest.approx([1.0, 0.05], abs=1e-12)
    assert trimmed_mean(UPDATES, corrupted=2) == pytest.approx([1.0, 0.05], abs=1e-12)
    expected = [0.9849359564955664, 0.03194961100383832]
    assert geometric_median(UPDATES) == pytest.approx(expected, abs=1e-7)
    expected = [0.9579543223672505, -0.04462457762351308]
    assert fltrust(UPDATES, server_update=SERVER) == pytest.approx(expected, abs=1e-7)


def cloud(seed, n=11, d=6):
    return np.random.default_rng(seed).normal(0, 1, (n, d))


@pytest.mark.parametrize("name", RULES)
def test_the_order_of_clients_does_not_matter(name):
    rule = RULES[name] if name != "fltrust" else partial(fltrust, server_update=np.ones(6))
    rng = np.random.default_rng(0)
    for seed in range(10):
        rows = cloud(seed)
        assert rule(rows) == pytest.approx(rule(rng.permutation(rows)), abs=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_equal_updates_come_back(name):
    rows = np.tile([0.6, 0.03], (9, 1))
    rule = RULES[name] if name != "fltrust" else partial(fltrust, server_update=rows[0])
    assert rule(rows) == pytest.approx(rows[0], abs=1e-12)


@pytest.mark.parametrize("name", EQUIVARIANT)
def test_translations_and_scalings_commute(name):
    for seed in range(10):
        rows, shift = cloud(seed), np.linspace(-3, 8, 6)
        moved = RULES[name](4 * rows + shift)
        assert moved == pytest.approx(4 * RULES[name](rows) + shift, abs=1e-6)


@pytest.mark.parametrize(
    "rule",
    [
        partial(trimmed_mean, corrupted=0),
        partial(multi_krum, corrupted=0),
        partial(bulyan, corrupted=0),
        partial(norm_bounded_mean, bound=1e9),
    ],
)
def test_without_corrupted_clients_it_is_the_mean(rule):
    rows = cloud(5)
    assert rule(rows) == pytest.approx(rows.mean(axis=0), abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 10.0, 1e6])
@pytest.mark.parametrize("name", [n for n in RULES if n != "norm_bounded_mean"])
def test_flipped_updates_up_to_the_breakdown_do_not_reverse_the_direction(name, scale):
    """n = 11 honest around (1, ..., 1); f sign flips of any strength, f = 2 (Bulyan) or 4."""
    f = 2 if name == "bulyan" else 4
    rows = 1 + 0.1 * cloud(3)
    rows[:f] = sign_flip(rows[:f], scale=scale)
    rules = {
        "krum": partial(krum, corrupted=f),
        "multi_krum": partial(multi_krum, corrupted=f),
        "bulyan": partial(bulyan, corrupted=f),
        "trimmed_mean": partial(trimmed_mean, corrupted=f),
        "fltrust": partial(fltrust, server_update=np.ones(6)),
    }
    assert (rules.get(name, RULES[name])(rows) > 0.5).all()


@pytest.mark.parametrize(("scale", "breaks"), [(1.7, False), (1.8, True)])
def test_the_mean_breaks_when_scale_times_f_exceeds_the_honest(scale, breaks):
    """n = 11, f = 4: 7 / 4 = 1.75."""
    rows = np.ones((11, 3))
    rows[:4] = sign_flip(rows[:4], scale=scale)
    assert (rows.mean(axis=0) < 0).all() == breaks


@pytest.mark.parametrize(
    "call",
    [
        lambda: krum(np.ones((6, 2)), corrupted=2),
        lambda: bulyan(np.ones((10, 2)), corrupted=2),
        lambda: trimmed_mean(np.ones((4, 2)), corrupted=2),
        lambda: trimmed_mean(np.ones((4, 2)), corrupted=-1),
        lambda: krum_scores(np.ones((4, 2)), corrupted=-1),
        lambda: multi_krum(np.ones((4, 2)), corrupted=0, keep=5),
        lambda: median(np.ones(3)),
        lambda: median([[np.nan, 1.0]]),
        lambda: norm_bounded_mean(np.ones((2, 2)), bound=0.0),
        lambda: fltrust(np.ones((2, 2)), server_update=np.zeros(2)),
        lambda: fltrust(np.ones((2, 2)), server_update=np.ones(3)),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ConfigError):
        call()
