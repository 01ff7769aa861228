"""What one measured number means, and how it is printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from qfl.core.prefixes import prefixed, scale

Kind = Literal["mean", "proportion", "count", "time"]


@dataclass(frozen=True, slots=True)
class Metric:
    """The meaning of one measured number.

    Attributes:
        name: the key in records, such as "digit.accuracy".
        label: what a reader sees; lower case unless a proper name.
        unit: SI symbol, or "" if dimensionless.
        higher_is_better: None where more is neither good nor bad.
        kind: "proportion" gets a Wilson interval when it counts trials.
        range: least and greatest possible value, None where unbounded.
        format: a format code that Python and D3 share, or ".3s" for SI prefixes.
        definition: one sentence for the Methods section.
        version: raised when the definition changes.
    """

    name: str
    label: str
    unit: str
    higher_is_better: bool | None
    kind: Kind
    range: tuple[float | None, float | None]
    format: str
    definition: str
    version: int = 1

    @property
    def arrow(self) -> str:
        """↑ if more is better, ↓ if less is, "" if neither."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    def text(self, value: float, *, unit: bool = True) -> str:
        """Return `value` as printed, with its unit.

        >>> from qfl.core.metrics import metric
        >>> metric("digit.accuracy").text(0.8125), metric("payload_bytes_up").text(2_345_678)
        ('81.2 %', '2.35 MB')
        """
        number, suffix = self._parts(value)
        return f"{number} {suffix}".strip() if unit and suffix else number

    def short(self, value: float) -> str:
        """Return `value` as printed, without a decimal part of zeros: targets are round numbers.

        >>> from qfl.core.metrics import metric
        >>> metric("digit.accuracy").short(0.8)
        '80 %'
        """
        number, suffix = self._parts(value)
        whole, _, decimals = number.partition(".")
        return f"{number if decimals.strip('0') else whole} {suffix}".strip()

    def text_like(self, value: float, like: float) -> str:
        """Return `value` without unit, in the prefix and decimals in which `like` is printed.

        >>> from qfl.core.metrics import metric
        >>> metric("payload_bytes_up").text_like(34_567, 2_345_678)
        '0.03'
        """
        if not self.format.endswith("s") or not (math.isfinite(value) and math.isfinite(like)):
            return self.text(value, unit=False)
        digits = int(self.format[1:-1])
        power, decimals = scale(like, digits)
        return f"{value / 1000**power:.{decimals}f}".replace("-", "−")

    def difference_text(self, value: float, *, unit: bool = True) -> str:
        """Return a signed difference; percentages differ by points.

        >>> from qfl.core.metrics import metric
        >>> metric("digit.accuracy").difference_text(-0.031)
        '−3.1 points'
        """
        number, suffix = self._parts(abs(value))
        if self.format.endswith("%"):
            suffix = "points"
        sign = "" if not number.strip("0.") else "−" if value < 0 else "+"
        return f"{sign}{number} {suffix}".strip() if unit and suffix else f"{sign}{number}"

    def _parts(self, value: float) -> tuple[str, str]:
        if not math.isfinite(value):
            return "–" if math.isnan(value) else "∞", ""
        if self.format.endswith("s"):
            return prefixed(value, int(self.format[1:-1]), self.unit)
        text = format(value, self.format).replace("-", "−")
        return (text[:-1], "%") if text.endswith("%") else (text, self.unit)
