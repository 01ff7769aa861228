"""Ends belong to an interval or not, NaN belongs to none, and the sentence says what is allowed."""

import math
from types import SimpleNamespace

import pytest

from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges


@pytest.mark.parametrize(
    ("interval", "inside", "outside", "words"),
    [
        ("[1, inf)", (1, 10**9), (0, -1, math.inf), "at least 1"),
        ("(0, inf]", (1e-9, math.inf), (0, -1.0), "above 0"),
        ("(0, 1)", (0.5,), (0, 1, 2), "above 0 and below 1"),
        ("[0, 2000000]", (0, 2000000), (-1, 2000001), "at least 0 and at most 2000000"),
    ],
)
def test_a_number_outside_is_named_with_what_is_allowed(interval, inside, outside, words):
    for value in inside:
        check_ranges(SimpleNamespace(rate=value), {"rate": interval})
    for value in (*outside, math.nan):
        with pytest.raises(ConfigError, match=f"rate must be {words}, got {value}"):
            check_ranges(SimpleNamespace(rate=value), {"rate": interval})
