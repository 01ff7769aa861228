"""Shor and Preskill 2000: 1 - (1+f) h(Q); entropy by definition."""

import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.rates import bb84_rate, bb84_threshold, binary_entropy, falling_root


@pytest.mark.golden
@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.01, 0.08079313589591118), (0.11, 0.499915958164528), (0.03, 0.1943918578315762)],
)
def test_entropy(x, expected):
    assert binary_entropy(x) == pytest.approx(expected, abs=1e-12)
    assert binary_entropy(1 - x) == pytest.approx(expected, abs=1e-12)


def test_entropy_at_its_ends_and_beyond():
    assert binary_entropy(0) == binary_entropy(1) == 0
    assert binary_entropy(0.5) == 1
    with pytest.raises(ConfigError, match="from 0 to 1"):
        binary_entropy(1.2)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (1.0, 0.11002786443835955),
        (1.05, 0.10602382763734489),
        (1.16, 0.09810603806878633),
        (1.3, 0.08949519892802878),
    ],
)
def test_bb84_thresholds(f, expected):
    assert bb84_threshold(error_correction_efficiency=f) == pytest.approx(expected, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("qber", "shannon", "cascade"),
    [
        (0.01, 0.8384137282081776, 0.8254868264648318),
        (0.03, 0.6112162843368476, 0.5801135870837955),
        (0.08, 0.19564161959545445, 0.13129294916309076),
    ],
)
def test_bb84_rates(qber, shannon, cascade):
    assert bb84_rate(qber) == pytest.approx(shannon, abs=1e-9)
    assert bb84_rate(qber, error_correction_efficiency=1.16) == pytest.approx(cascade, abs=1e-9)


def test_falling_root_is_exact_and_knows_when_there_is_none():
    root = falling_root(lambda x: 2 - x * x, 0.0, 2.0)
    assert root * root <= 2 < (root * (1 + 1e-15)) ** 2
    assert falling_root(lambda x: -1.0, 0.0, 1.0) == 0.0
