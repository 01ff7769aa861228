"""Loss distributions for vectors under discrete Gaussian noise, against those of single vectors."""

from math import exp, inf, log, pi, sqrt

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.privacy import Guarantee
from qfl.security.privacy.distributed import SumNoise, sum_distance
from qfl.security.privacy.dominance import Dominating, dominating_gaussian, rounding_gap
from qfl.security.privacy.guarantee import Adjacency, Conversion

TWENTY_FIVE = ((5,), (3, 4), (1,) * 25, (2,) * 6 + (1,), (4,) + (1,) * 9, (2, 2, 2, 2, 3))


def density(z, deviation):
    """N_Z(0, deviation^2), normalised by summation."""
    every = np.arange(-ceil_of(deviation), ceil_of(deviation) + 1)
    weights = np.exp(-(z**2) / (2 * deviation**2))
    return weights / np.exp(-(every**2) / (2 * deviation**2)).sum()


def ceil_of(deviation):
    return int(40 * deviation) + 1


@pytest.mark.parametrize(("deviation", "width"), [(2.0, 0.5), (1.2, 0.4), (1.0, 0.6), (0.5, 0.45)])
def test_a_rounded_gaussian_is_nearly_a_discrete_one(deviation, width):
    """Both densities by quadrature; their ratio stays within exp(kappa) everywhere."""
    inner = sqrt(deviation**2 - width**2)
    x = np.linspace(-14 * deviation, 14 * deviation, 200_001)
    weight = np.exp(-(x**2) / (2 * inner**2))
    weight /= weight.sum()
    span = ceil_of(deviation)
    total = sum(np.exp(-((k - x) ** 2) / (2 * width**2)) for k in range(-span, span + 1))
    z = np.arange(-int(5 * deviation), int(5 * deviation) + 1)
    rounded = np.array(
        [(weight * np.exp(-((k - x) ** 2) / (2 * width**2)) / total).sum() for k in z]
    )
    ratio = np.abs(np.log(rounded / density(z, deviation))).max()
    assert ratio <= rounding_gap(width) < 0.2


def test_the_gap_is_the_sum_over_the_dual_lattice():
    terms = [2 * exp(-2 * (pi * 0.4 * k) ** 2) for k in (1, 2, 3)]
    assert rounding_gap(0.4) == pytest.approx(log((1 + sum(terms)) / (1 - sum(terms))), rel=1e-12)
    assert rounding_gap(0.1) == inf
    with pytest.raises(ConfigError, match="positive"):
        rounding_gap(0.0)


@pytest.mark.parametrize("change", TWENTY_FIVE)
@pytest.mark.parametrize("rounds", [1, 10])
@pytest.mark.parametrize("delta", [1e-5, 1e-2])
def test_no_direction_costs_more(change, rounds, delta):
    """Changes of L2 norm 5, each priced exactly: dp-accounting's losses, number by number."""
    library = pytest.importorskip("dp_accounting.pld.privacy_loss_distribution")
    loss = library.identity()
    for number in change:
        loss = loss.compose(
            library.from_discrete_gaussian_mechanism(
                8.0, sensitivity=number, value_discretization_interval=1e-4
            )
        )
    exact = loss.self_compose(rounds).get_epsilon_for_delta(delta)
    bound = dominating_gaussian(deviation=8.0, norm=5.0, dimension=25, rounds=rounds, sum_gap=0.0)
    assert exact < bound.epsilon(rounds=rounds, delta=delta) < 1.03 * exact


def test_the_gap_of_shares_is_paid_twice_in_epsilon_and_once_in_delta():
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    far, near = Dominating(1.0, 0.5), Dominating(1.0, 0.0)
    paid = far.epsilon(rounds=3, delta=1e-5)
    assert paid == pytest.approx(near.epsilon(rounds=3, delta=1e-5 * exp(-0.5)) + 1.0)
    assert Dominating(1.0, inf).epsilon(rounds=1, delta=1e-5) == inf
    assert Dominating(1.0, 800.0).epsilon(rounds=1, delta=1e-5) == inf


def test_noise_that_is_too_narrow_has_no_dominating_gaussian():
    narrow = {"norm": 5.0, "dimension": 100, "rounds": 1, "sum_gap": 0.0}
    assert dominating_gaussian(deviation=1.0, **narrow) is None
    assert dominating_gaussian(deviation=2.0, **narrow) is not None


def sum_noise(**changes):
    options = {"kind": "discrete_gaussian", "deviation": 400.0, "share": 100.0, "shares": 16}
    return SumNoise(**{**options, "norm": 500.0, "dimension": 5000, **changes})


def price(noise, rounds=6):
    return noise.price(rounds=rounds, delta=1e-5, adjacency=Adjacency.ZERO_OUT)


def test_loss_distributions_stand_first_and_renyi_beside_them():
    pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")
    found = price(sum_noise())
    assert isinstance(found.guarantee, Guarantee)
    assert found.guarantee.conversion is Conversion.PLD_DOMINATING
    assert 0.9 * found.epsilon_renyi < found.guarantee.epsilon < found.epsilon_renyi
    thin = price(sum_noise(share=1.4))  # the same noise in thin shares: tau is paid for
    gap = 6 * 5000 * sum_distance(16, sigma=1.4)
    assert 1e-3 < 2 * gap < thin.guarantee.epsilon - found.guarantee.epsilon < 4 * gap


def test_skellam_says_why_it_has_no_loss_distribution():
    found = price(sum_noise(kind="skellam"))
    assert found.guarantee.epsilon == found.epsilon_renyi
    assert "no loss distribution is proven for this noise on vectors" in str(found.guarantee)


def test_narrow_noise_falls_back_to_renyi():
    found = price(sum_noise(deviation=1.5, share=1.5, shares=1, norm=3.0))
    assert found.guarantee.conversion is Conversion.RDP
    assert found.guarantee.epsilon == found.epsilon_renyi


def test_shares_below_the_reach_of_the_theorem_are_refused():
    """arXiv:2102.06387, theorem 5, holds from sigma = 1/2 on."""
    with pytest.raises(ConfigError, match="more steps"):
        sum_noise(share=0.4)
    sum_noise(share=0.4, kind="skellam")
