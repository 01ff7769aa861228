import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.membership import (
    advantage_bound,
    area_under_curve,
    audited_epsilon,
    epsilon_of_advantage,
    likelihood_ratios,
    loss_threshold_advantage,
    scaled_confidence,
    true_positives_at,
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


def test_the_area_is_the_one_of_the_roc_curve():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    members, others = rng.integers(0, 9, 40), rng.integers(0, 7, 60)
    truth = np.repeat([1, 0], [40, 60])
    expected = roc_auc_score(truth, np.concatenate([members, others]))
    assert area_under_curve(members, others) == pytest.approx(expected, abs=1e-12)


def test_true_positives_keep_the_false_ones_low():
    others = np.arange(100.0)
    assert true_positives_at([98.5, 97.5, 50.0], others, false_positives=0.01) == 1 / 3
    assert true_positives_at([98.5, 97.5, 50.0], others, false_positives=0.02) == 2 / 3
    assert true_positives_at([0.0], others, false_positives=1.0) == 1
    assert true_positives_at([5.0, 5.0], [5.0], false_positives=0.0) == 0


def test_the_likelihood_ratio_is_the_best_test_between_its_gaussians():
    """Samples of different difficulty, members one sigma higher: the exact ratio's area is
    Phi(1/sqrt2) = 0.760; 64 shadows come within 0.03 of it, the raw confidence does not. Over
    10,000 scores the standard error is below 0.005."""
    rng = np.random.default_rng(3)
    n, models = 10_000, 64
    difficulty = rng.normal(0, 5, n)
    member = rng.permuted(np.tile(np.arange(models) % 2 == 0, (n, 1)), axis=1).T
    shadows = difficulty + member + rng.normal(0, 1, (models, n))
    inside = rng.random(n) < 0.5
    observed = difficulty + inside + rng.normal(0, 1, n)
    ratios = likelihood_ratios(observed, shadows, member)
    assert area_under_curve(ratios[inside], ratios[~inside]) > 0.760 - 0.03
    assert area_under_curve(observed[inside], observed[~inside]) < 0.6
    never = likelihood_ratios(rng.permutation(observed), shadows, member)
    assert abs(area_under_curve(never[inside], never[~inside]) - 0.5) < 0.03


def test_scaled_confidence_is_the_log_odds():
    logits = np.random.default_rng(4).normal(0, 2, (3, 5, 10))
    labels = np.arange(5)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    p = p[:, np.arange(5), labels]
    assert scaled_confidence(logits, labels) == pytest.approx(np.log(p / (1 - p)), abs=1e-9)
    sure = scaled_confidence([[800.0, 0.0]], [0])
    assert sure.tolist() == [800.0]


def test_epsilon_of_an_advantage_is_the_inverse():
    for epsilon in (0.1, 1.0, 7.0):
        assert epsilon_of_advantage(advantage_bound(epsilon)) == pytest.approx(epsilon)


def test_nonsense_is_refused():
    for call in (
        lambda: advantage_bound(-1.0),
        lambda: epsilon_of_advantage(1.0),
        lambda: loss_threshold_advantage([], [1.0]),
        lambda: true_positives_at([1.0], [1.0], false_positives=2.0),
        lambda: likelihood_ratios([1.0], [[1.0, 2.0]], [[True, False]]),
        lambda: likelihood_ratios([1.0], [[1.0], [2.0]], [[True], [True]]),
        lambda: audited_epsilon(hits=3, members=2, alarms=0, others=1, delta=0.0),
        lambda: audited_epsilon(hits=1, members=2, alarms=0, others=1, delta=0.0, confidence=1.0),
    ):
        with pytest.raises(ConfigError):
            call()
