"""Prefixes and digits of printed numbers, at the edges of each prefix and beyond the last."""

import pytest

from qfl.core.prefixes import prefixed, scale


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (999.0, ("999", "B")),
        (999.6, ("1.00", "kB")),
        (1_000.0, ("1.00", "kB")),
        (-34_567.0, ("−34.6", "kB")),
        (0.000_001, ("1.00", "µB")),
        (1e-15, ("0.00100", "pB")),
        (4e18, ("4000", "PB")),
    ],
)
def test_three_digits_in_the_prefix_that_fits(value, printed):
    assert prefixed(value, 3, "B") == printed


def test_another_number_may_be_printed_in_the_same_prefix():
    power, decimals = scale(2_345_678, 3)
    assert f"{34_567 / 1000**power:.{decimals}f}" == "0.03"
