"""Shor and Preskill 2000: 1 - (1+f) h(Q); entropy by definition."""

import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.rates import (
    bb84_rate,
    bb84_threshold,
    binary_entropy,
    chsh_value,
    e91_rate,
    e91_threshold,
    falling_root,
    intercepted_fraction,
    six_state_rate,
    six_state_threshold,
)


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


@pytest.mark.golden
def test_six_state():
    """Lo 2001; the literature prints a threshold of 12.6 %."""
    assert six_state_threshold() == pytest.approx(0.12619308327682116, abs=1e-9)
    for qber, rate in (
        (0.01, 0.8638648523898059),
        (0.03, 0.6639116535318673),
        (0.08, 0.2804436346260969),
    ):
        assert six_state_rate(qber) == pytest.approx(rate, abs=1e-9)
    assert six_state_rate(0) == 1
    assert six_state_rate(0.03, error_correction_efficiency=1.2) < six_state_rate(0.03)
    with pytest.raises(ConfigError, match="2/3"):
        six_state_rate(0.7)


@pytest.mark.golden
def test_chsh_priced_e91():
    """Acin et al. 2007; the literature prints a threshold of 7.1 %, S = 2 is at 14.64 %."""
    assert e91_threshold() == pytest.approx(0.07149175884448544, abs=1e-9)
    for qber, value, rate in (
        (0.03, 2.6587214972614186, 0.470077769094159),
        (0.06, 2.4890158697766475, 0.11622916125193783),
    ):
        assert chsh_value(qber) == pytest.approx(value, abs=1e-9)
        assert e91_rate(qber) == pytest.approx(rate, abs=1e-9)
    assert chsh_value(0.1464466094067262) == pytest.approx(2, abs=1e-12)
    assert e91_rate(0.2) == pytest.approx(-binary_entropy(0.2), abs=1e-12)


@pytest.mark.golden
def test_interception_that_explains_a_qber():
    assert intercepted_fraction(bb84_threshold()) == pytest.approx(0.4401114577534382, abs=1e-8)
    assert intercepted_fraction(0.05) == pytest.approx(0.2, abs=1e-12)
    assert intercepted_fraction(1 / 3, bases=3) == pytest.approx(1, abs=1e-12)
    assert intercepted_fraction(0.4) == 1
    with pytest.raises(ConfigError, match="bases"):
        intercepted_fraction(0.1, bases=4)
