"""dp-accounting 0.6, default orders; TF-Privacy prints 3.01, 1.19 and 7.10 for the first three."""

import sys

import pytest

from qfl.core.errors import ConfigError, MissingExtraError
from qfl.security.privacy import Budget, calibrated_noise, gaussian_guarantee
from qfl.security.privacy.gaussian import gaussian_epsilon
from qfl.security.privacy.guarantee import Conversion


@pytest.fixture
def library():
    return pytest.importorskip("dp_accounting", reason="needs the extra 'privacy'")


BATCH = 256 / 60_000
ROWS = [
    (BATCH, 1.1, 14_062, 1e-5, (3.0082720891050823, 2.5965558697943036, 2.381686002234784)),
    (BATCH, 1.3, 3516, 1e-5, (1.1922644089660859, 0.9545639531461374, 0.8645889419787726)),
    (BATCH, 0.7, 10_547, 1e-5, (7.101559404658579, 6.31974800597639, 5.63971643638149)),
    (250 / 60_000, 0.7, 10_800, 1e-5, (7.009926189031859, 6.234250492833798, 5.562178261368616)),
    (0.1, 1, 100, 1e-5, (8.800377770298908, 7.903850223578231, 7.04660287720805)),
    (1, 10, 100, 1e-5, (5.298526138535465, 4.728507067217623, 4.37717810002493)),
    (100 / 3400, 1, 1500, 3400**-1.1, (7.953976941738464, 7.070587727843762, 6.350059051023555)),
    (0.001, 1, 1000, 1e-6, (1.1634963031445777, 0.86970781568258, 0.18557092391586444)),
]


@pytest.mark.golden
@pytest.mark.parametrize(("rate", "noise", "rounds", "delta", "expected"), ROWS)
def test_three_conversions(library, rate, noise, rounds, delta, expected):
    ways = (Conversion.RDP_CLASSIC, Conversion.RDP, Conversion.PLD)
    for way, epsilon in zip(ways, expected, strict=True):
        found = gaussian_guarantee(
            noise_multiplier=noise, rounds=rounds, delta=delta, rate=rate, conversion=way
        )
        assert found.epsilon == pytest.approx(epsilon, abs=0.002)
        assert found.conversion is way


@pytest.mark.golden
@pytest.mark.parametrize(
    ("epsilon", "expected"), [(1, 3.9416547670494797), (4, 1.3859949218594032)]
)
def test_calibration(library, epsilon, expected):
    """PLD, q = 0.1, 100 rounds, delta 1e-5."""
    found = calibrated_noise(epsilon=epsilon, delta=1e-5, rounds=100, rate=0.1)
    assert found == pytest.approx(expected, abs=0.001)


def test_a_hundred_releases_at_ten_are_one_at_one(library):
    """Gaussian releases compose exactly; the PLD is an upper bound."""
    found = gaussian_guarantee(noise_multiplier=10.0, rounds=100, delta=1e-5)
    exact = gaussian_epsilon(sigma=1.0, delta=1e-5)
    assert exact <= found.epsilon <= exact + 1e-3
    assert "no amplification" in str(found)


def test_a_budget_stops_the_training(library):
    def price(rounds):
        return gaussian_guarantee(
            noise_multiplier=1.0, rounds=rounds, delta=1e-5, rate=0.05, conversion=Conversion.RDP
        )

    budget = Budget(epsilon=2.0, delta=1e-5)
    rounds = budget.rounds(price, most=200)
    assert 0 < rounds < 200
    assert price(rounds).epsilon <= 2.0 < price(rounds + 1).epsilon


@pytest.mark.parametrize(
    "options", [{"noise_multiplier": 0.0}, {"rounds": 0}, {"rate": 1.1}, {"delta": 0.0}]
)
def test_nonsense_is_refused(options):
    with pytest.raises(ConfigError):
        gaussian_guarantee(**{"noise_multiplier": 1.0, "rounds": 1, "delta": 1e-5, **options})
    with pytest.raises(ConfigError, match="epsilon"):
        calibrated_noise(epsilon=0.0, delta=1e-5, rounds=1)


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(MissingExtraError, match=r"qfl\[privacy\]"):
        gaussian_guarantee(noise_multiplier=1.0, rounds=1, delta=1e-5)
