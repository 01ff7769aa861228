import pytest

from qfl.core.errors import ConfigError, SecurityError
from qfl.security.privacy import Budget, Guarantee
from qfl.security.privacy.guarantee import Adjacency, Conversion


def linear(rounds):
    return Guarantee(
        epsilon=0.25 * rounds,
        delta=1e-5,
        adjacency=Adjacency.REPLACE,
        conversion=Conversion.RDP,
        rounds=rounds,
        sampling="no amplification",
        dropouts=3,
    )


def test_everything_is_printed_together():
    text = str(linear(8))
    for part in ("(2, 1e-05)-DP", "8 rounds", "replace one client", "Renyi, improved", "3 noise"):
        assert part in text


@pytest.mark.parametrize(("epsilon", "expected"), [(0.2, 0), (0.25, 1), (2.6, 10), (99, 40)])
def test_rounds_that_a_budget_pays_for(epsilon, expected):
    assert Budget(epsilon=epsilon, delta=1e-5).rounds(linear, most=40) == expected


def test_a_smaller_delta_than_the_price_pays_for_nothing():
    assert Budget(epsilon=9.0, delta=1e-6).rounds(linear, most=40) == 0


def test_training_stops_before_the_release():
    budget = Budget(epsilon=1.0, delta=1e-5)
    assert budget.require(linear(4)) == linear(4)
    with pytest.raises(SecurityError, match=r"over the budget of \(1, 1e-05\)"):
        budget.require(linear(5))


@pytest.mark.parametrize("options", [{"epsilon": 0.0}, {"delta": 0.0}, {"delta": 1.0}])
def test_bad_budgets(options):
    with pytest.raises(ConfigError):
        Budget(**{"epsilon": 1.0, "delta": 1e-5, **options})
