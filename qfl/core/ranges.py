"""Numbers that options may hold: one sentence for whatever lies outside, NaN included."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qfl.core.errors import ConfigError


def check_ranges(options: object, ranges: Mapping[str, str]) -> None:
    """Do nothing if every named field of `options` lies in its interval.

    Args:
        options: whose attributes are looked at.
        ranges: name -> interval, such as "[1, inf)" or "(0, 1)"; round brackets leave the end out.

    Raises:
        ConfigError: a number lies outside; says which, what it is and what is allowed.

    >>> from types import SimpleNamespace
    >>> check_ranges(SimpleNamespace(epochs=0), {"epochs": "[1, inf)"})
    Traceback (most recent call last):
        ...
    qfl.core.errors.ConfigError: epochs must be at least 1, got 0
    """
    for name, interval in ranges.items():
        value = getattr(options, name)
        low, high = (float(end) for end in interval[1:-1].split(","))
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
        if not (above and below):
            raise ConfigError(f"{name} must be {_words(interval, low, high)}, got {value}")


def _words(interval: str, low: float, high: float) -> str:
    parts = [f"at least {low:g}" if interval[0] == "[" else f"above {low:g}"]
    if math.isfinite(high):
        parts.append(f"at most {high:.9g}" if interval[-1] == "]" else f"below {high:.9g}")
    return " and ".join(parts)
