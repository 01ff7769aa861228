"""Numbers as printed with the prefixes of the SI, from pico to peta."""

from __future__ import annotations

import math

_PREFIXES = {-4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T", 5: "P"}


def prefixed(value: float, digits: int, unit: str) -> tuple[str, str]:
    """Return the number and the prefixed unit, `digits` significant digits.

    >>> prefixed(2_345_678, 3, "B"), prefixed(0, 3, "s")
    (('2.35', 'MB'), ('0', 's'))
    """
    if value == 0:
        return "0", unit
    power, decimals = scale(value, digits)
    return f"{value / 1000**power:.{decimals}f}".replace("-", "−"), f"{_PREFIXES[power]}{unit}"


def scale(value: float, digits: int) -> tuple[int, int]:
    """Return the power of 1000 and the decimals that print `value` with `digits` digits.

    >>> scale(2_345_678, 3), scale(0.012, 3)
    ((2, 2), (-1, 1))
    """
    if value == 0:
        return 0, digits - 1
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    power = min(max(size // 3, min(_PREFIXES)), max(_PREFIXES))
    return power, max(0, digits - 1 - (size - 3 * power))
