import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.membership import (
    advantage_bound,
    audited_epsilon,
    epsilon_of_advantage,
    loss_threshold_advantage,
)
from qfl.security.privacy.gaussian import gaussian_delta, gaussian_epsilon


@pytest.mark.golden
@pytest.mark.parametrize(
    ("epsilon", "expected"), [(1, 0.4621225360884371), (4, 0.9640279398000161)]
)
def test_bound(epsilon, expected):
    """(e^eps - 1 + 2 delta) / (e^eps + 1), delta 1e-5."""
    assert advantage_bound(epsilon, delta=1e-5) == pytest.approx(expected, abs=1e-9)


def test_bound_at_the_ends():
    assert advantage_bound(0.0) == 0
    assert advantage_bound(1000.0, delta=0.5) == 1
    assert advantage_bound(0.0, delta=1.0) == 1


def test_the_best_attack_on_a_gaussian_release_stays_below_the_bound():
    """Total variation is delta at epsilon 0; the bound holds at every (epsilon, delta)."""
    for sigma in (0.5, 1.0, 4.0):
        advantage = gaussian_delta(0.0, sigma=sigma)
        for delta in (1e-6, 1e-2, 0.2):
            epsilon = gaussian_epsilon(sigma=sigma, delta=delta)
            assert advantage <= advantage_bound(epsilon, delta=delta) + 1e-12


def test_an_audit_stays_below_the_truth():
    """1,000 members and others under sigma 1; a threshold fixed beforehand, 50 audits at 99.9 %.

    The chance that any of them exceeds the exact epsilon at delta 1e-5 is below 5 %; the true
    epsilon of this threshold is far below it.
    """
    rng = np.random.default_rng(0)
    exact = gaussian_epsilon(sigma=1.0, delta=1e-5)
    for _ in range(50):
        members, others = rng.normal(1, 1, 1000), rng.normal(0, 1, 1000)
        found = audited_epsilon(
            hits=int((members > 1.5).sum()),
            members=1000,
            alarms=int((others > 1.5).sum()),
            others=1000,
            delta=1e-5,
            confidence=0.999,
        )
        assert 0.5 < found < exact


def test_rates_are_clopper_pearson():
    from scipy.stats import binomtest

    low = binomtest(70, 90).proportion_ci(0.9, method="exact").low
    high = binomtest(8, 80).proportion_ci(0.9, method="exact").high
    found = audited_epsilon(hits=70, members=90, alarms=8, others=80, delta=0.01, confidence=0.9)
    assert found == pytest.approx(np.log((low - 0.01) / high), rel=1e-9)  # a root finder


def test_an_attack_that_fails_proves_nothing():
    counts = {"hits": 500, "members": 1000, "alarms": 500, "others": 1000}
    assert audited_epsilon(**counts, delta=1e-5) == 0
    assert audited_epsilon(hits=0, members=9, alarms=9, others=9, delta=0.0) == 0


def test_threshold_advantage():
    assert loss_threshold_advantage([0.1, 0.2], [0.3, 0.4]) == 1
    assert loss_threshold_advantage([0.3, 0.4], [0.1, 0.2]) == 0
    rng = np.random.default_rng(1)
    same = loss_threshold_advantage(rng.random(5000), rng.random(5000))
    assert same < 2.5 * np.sqrt(2 / 5000)  # Kolmogorov-Smirnov, false alarm below 1e-5


def test_epsilon_of_an_advantage_is_the_inverse():
    for epsilon in (0.1, 1.0, 7.0):
        assert epsilon_of_advantage(advantage_bound(epsilon)) == pytest.approx(epsilon)


def test_nonsense_is_refused():
    for call in (
        lambda: advantage_bound(-1.0),
        lambda: epsilon_of_advantage(1.0),
        lambda: loss_threshold_advantage([], [1.0]),
        lambda: audited_epsilon(hits=3, members=2, alarms=0, others=1, delta=0.0),
        lambda: audited_epsilon(hits=1, members=2, alarms=0, others=1, delta=0.0, confidence=1.0),
    ):
        with pytest.raises(ConfigError):
            call()
