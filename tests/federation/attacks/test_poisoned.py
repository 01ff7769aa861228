"""What poisoned clients do to a small federation, under the mean and under every rule."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.data.digits import Digits
from qfl.federation.attacks.poisoned import Defence, Poison, PoisonedFederation, Setting
from qfl.security.robust import RULES

SAMPLES = Digits().load().samples
IMAGES, LABELS = SAMPLES.inputs["image"], SAMPLES.targets["digit"]
LOUD = [
    Poison(attack="sign_flip", scale=5.0),
    Poison(attack="ipm", scale=8.0),
    Poison(attack="label_flip", scale=5.0),
]


def federation(**options):
    setting = Setting(**options)
    return PoisonedFederation(IMAGES, LABELS, setting=setting, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def few():
    return federation(corrupted=4)


@pytest.fixture(scope="module")
def many():
    return federation(corrupted=8)


def test_a_clean_federation_learns_and_knows_no_trigger(few):
    clean = few.run(Poison(), Defence())
    assert clean.accuracy > 0.88
    assert clean.backdoor < 0.02
    assert few.run(Poison(), Defence()) == clean


@pytest.mark.parametrize("poison", LOUD, ids=lambda poison: poison.attack)
def test_loud_attacks_break_the_mean_and_not_the_rules(few, poison):
    assert few.run(poison, Defence()).accuracy < 0.5
    for rule in set(RULES) - {"mean", "krum"}:
        assert few.run(poison, Defence(rule=rule)).accuracy > 0.7


def test_krum_pays_for_safety_with_accuracy(few):
    """One client's update per round: less is learnt, attacked or not."""
    clean = few.run(Poison(), Defence(rule="krum")).accuracy
    assert 0.6 < clean < few.run(Poison(), Defence()).accuracy - 0.02
    assert few.run(LOUD[0], Defence(rule="krum")).accuracy > clean - 0.05


def test_a_backdoor_hides_behind_the_main_task(few):
    """Accuracy hardly moves, the trigger works; a norm bound and the geometric median let some of
    it through, Krum, Multi-Krum and FLTrust do not."""
    poison = Poison(attack="backdoor", scale=5.0)
    open_ = few.run(poison, Defence())
    assert open_.accuracy > few.run(Poison(), Defence()).accuracy - 0.08
    assert open_.backdoor > 0.95
    for rule in ("krum", "multi_krum", "fltrust", "median"):
        assert few.run(poison, Defence(rule=rule)).backdoor < 0.1
    for rule in ("norm_bounded_mean", "geometric_median"):
        assert 0.1 < few.run(poison, Defence(rule=rule)).backdoor < open_.backdoor


def test_a_small_inner_product_by_many_breaks_the_rules_and_not_the_mean(many):
    """Xie et al. 2019: inside the honest spread, and identical. Rules that look for company take
    it for the truth; the mean, at epsilon below (n-f)/f = 1.5, still points forward."""
    poison = Poison(attack="ipm", scale=0.5)
    mean = many.run(poison, Defence()).accuracy
    assert mean > 0.75
    for rule in ("krum", "multi_krum", "median", "geometric_median", "trimmed_mean"):
        assert many.run(poison, Defence(rule=rule)).accuracy < mean - 0.1
    assert many.run(poison, Defence(rule="fltrust")).accuracy > 0.85


def test_quiet_label_flips_by_many_cost_the_mean(many):
    poison = Poison(attack="label_flip")
    lost = many.run(Poison(), Defence()).accuracy - many.run(poison, Defence()).accuracy
    assert lost > 0.05
    assert many.run(poison, Defence(rule="fltrust")).accuracy > 0.85


def test_rules_over_masked_cohorts(few):
    """Ten cohorts of two, four of them hit at most: robust, but less than over single updates."""
    for rule, least in (("median", 0.6), ("trimmed_mean", 0.6), ("fltrust", 0.85)):
        assert few.run(LOUD[0], Defence(rule=rule, cohort_size=2)).accuracy > least
    assert few.run(LOUD[0], Defence(cohort_size=2)).accuracy < 0.5


def test_krum_over_masked_cohorts():
    """Three attackers hit at most three of ten cohorts, and 2 x 3 + 3 = 9 are enough."""
    few = federation(corrupted=3)
    loud = Poison(attack="sign_flip", scale=8.0)
    assert few.run(loud, Defence(cohort_size=2)).accuracy < 0.5
    for rule in ("krum", "multi_krum"):
        assert few.run(loud, Defence(rule=rule, cohort_size=2)).accuracy > 0.7


def test_what_cannot_work_is_refused(few, many):
    for each, defence, message in (
        (few, Defence(rule="krum", cohort_size=20), "under a masked sum the server sees 1"),
        (few, Defence(rule="krum", cohort_size=2), "at least 11 cohorts"),
        (many, Defence(rule="median", cohort_size=2), "cohorts"),
        (many, Defence(rule="bulyan"), "clients >= 35"),
    ):
        with pytest.raises(ConfigError, match=message):
            each.run(Poison(), defence)
    with pytest.raises(UnknownNameError, match="did you mean 'alie'"):
        Poison(attack="allie")
    with pytest.raises(ConfigError, match="some corrupted"):
        Setting(corrupted=20)
