import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.masking import Cohort, Grid, kem_pair_keys, masked_sum
from qfl.security.robust import RULES, bucket_means, check_visible, cohort_means, krum


@pytest.mark.parametrize("rule", RULES)
def test_in_the_open_every_rule_may_look(rule):
    check_visible(rule, masked=False)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"mean", "norm_bounded_mean"}))
def test_one_masked_sum_hides_what_is_compared(rule):
    with pytest.raises(ConfigError, match=r"cohorts, or norm_bounded_mean with 2 or more"):
        check_visible(rule, masked=True)


def test_what_is_recommended_is_not_refused():
    check_visible("norm_bounded_mean", masked=True, cohorts=2)
    with pytest.raises(ConfigError, match="at least 2 cohorts, whose means it cuts, or privacy"):
        check_visible("norm_bounded_mean", masked=True)


@pytest.mark.parametrize(
    ("rule", "corrupted", "enough"), [("krum", 2, 7), ("bulyan", 1, 7), ("median", 3, 7)]
)
def test_enough_cohorts_are_enough(rule, corrupted, enough):
    """Krum over G cohorts needs G >= 2f+3."""
    check_visible(rule, masked=True, cohorts=enough, corrupted=corrupted)
    with pytest.raises(ConfigError, match=f"at least {enough}"):
        check_visible(rule, masked=True, cohorts=enough - 1, corrupted=corrupted)


def test_unknown_rules():
    with pytest.raises(UnknownNameError, match="did you mean 'krum'"):
        check_visible("krumm", masked=False)


def test_krum_over_masked_cohorts_finds_the_honest_direction():
    """Seven masked cohorts of four, one attacker in each of two: the server sees only means."""
    rng = np.random.default_rng(0)
    updates = 1 + 0.1 * rng.normal(0, 1, (28, 5))
    updates[[0, 4]] = -50
    grid = Grid(clip=64.0, levels=1 << 20, clients=4)
    seen = []
    for start in range(0, 28, 4):
        cohort = Cohort.complete("abcd", threshold=3, modulus_bits=grid.modulus_bits)
        values = {
            name: grid.residues(grid.quantise(row, rng=rng))
            for name, row in zip("abcd", updates[start : start + 4], strict=True)
        }
        done = masked_sum(values, cohort, pair_keys=kem_pair_keys(cohort.edges))
        seen.append(grid.values(grid.centred(done.total)) / 4)
    groups = [range(start, start + 4) for start in range(0, 28, 4)]
    assert np.abs(cohort_means(updates, cohorts=groups) - seen).max() <= grid.step
    assert np.abs(krum(seen, corrupted=2) - 1).max() < 0.3
    assert np.abs(np.mean(seen, axis=0) - 1).min() > 3


def test_buckets_cover_everybody_once():
    rows = np.eye(7)
    means = bucket_means(rows, size=3, rng=np.random.default_rng(0))
    assert means.shape == (3, 7)
    sizes = np.array([3, 3, 1])[:, None]
    assert (means * sizes).sum(axis=0) == pytest.approx(np.ones(7))
    assert bucket_means(rows, size=1, rng=np.random.default_rng(0)).sum() == 7


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="cohort of one"):
        cohort_means(np.ones((3, 2)), cohorts=[[0, 1], [2, 2]])
    with pytest.raises(ConfigError, match="buckets"):
        bucket_means(np.ones((3, 2)), size=4, rng=np.random.default_rng(0))
