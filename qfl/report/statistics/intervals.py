"""Estimates with their uncertainty: means, proportions, curves and times that may be censored.

Everything here takes arrays and returns frozen results; nothing knows about cells or pages.
Small samples get Student's interval, ten or more a BCa bootstrap, proportions Wilson's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

ALPHA = 0.05
CONFIDENCE = 1.0 - ALPHA
BOOTSTRAP_FROM = 10
"""Samples from which a bootstrap interval is used; below it, Student's."""

_RESAMPLES = 4_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a confidence interval; low and high are NaN where n is too small.

    Attributes:
        method: how the interval was computed: "Student", "BCa bootstrap", "Wilson" or "none".
    """

    estimate: float
    low: float
    high: float
    n: int
    method: str

    @property
    def known(self) -> bool:
        """True if there is an interval at all."""
        return not math.isnan(self.low)

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2

    def excludes(self, value: float) -> bool:
        """Return True if `value` lies outside the interval."""
        return self.known and not self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Band:
    """Pointwise summaries of curves: each array has one entry per point.

    Attributes:
        mean, low, high: mean with its confidence interval (NaN where one curve is too few).
        median, lower_quartile, upper_quartile: over the curves.
        n: how many curves.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    median: NDArray[np.float64]
    lower_quartile: NDArray[np.float64]
    upper_quartile: NDArray[np.float64]
    n: int


@dataclass(frozen=True, slots=True)
class Times:
    """Times to an event of which some were not seen.

    Attributes:
        reached: how many of the n runs got there.
        median: infinite if half of the runs or more did not.
        restricted: mean of min(time, end) with its interval: censored runs count as the end.
        end: when observation ended.
    """

    reached: int
    median: float
    restricted: Interval
    end: float

    @property
    def censored(self) -> bool:
        """True if any run was not seen to reach the target."""
        return self.reached < self.restricted.n


def student_interval(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the mean of (n,) values with Student's t interval.

    >>> interval = student_interval([1.0, 2.0, 3.0])
    >>> round(interval.low, 3), round(interval.high, 3)
    (-0.484, 4.484)
    """
    from scipy.special import stdtrit

    sample = sample_of(values)
    n, mean = sample.size, float(sample.mean())
    if n < 2:
        return Interval(mean, math.nan, math.nan, n, "none")
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(sample.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, "Student")


def bca_interval(
    values: ArrayLike, *, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> Interval:
    """Return the mean of (n,) values with the bias-corrected, accelerated bootstrap interval.

    Reference: Efron 1987, J. Am. Stat. Assoc. 82, 171, section 4.
    """
    sample = sample_of(values)
    mean = float(sample.mean())
    if np.ptp(sample) == 0:
        return Interval(mean, mean, mean, sample.size, "BCa bootstrap")
    low, high = _bca(sample[:, None], rng, confidence)
    return Interval(mean, float(low[0]), float(high[0]), sample.size, "BCa bootstrap")


def mean_interval(values: ArrayLike, *, rng: np.random.Generator) -> Interval:
    """Return the mean with the interval that suits n: BCa from 10 samples on, Student below."""
    sample = sample_of(values)
    return (
        student_interval(sample) if sample.size < BOOTSTRAP_FROM else bca_interval(sample, rng=rng)
    )


def median_interval(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the median of (n,) values between two order statistics; infinite entries are fine.

    Limits are the tightest symmetric pair of order statistics that covers the median of any
    distribution with at least `confidence`; with fewer than 6 values there is none at 95 %.

    Reference: David and Nagaraja 2003, Order Statistics, section 7.1.

    >>> interval = median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, float("inf")])
    >>> interval.estimate, interval.low, interval.high
    (4.0, 1.0, inf)
    """
    from scipy.special import bdtr

    ordered = np.sort(sample_of(values))
    n, median = ordered.size, censored_median(values)
    inside = [k for k in range(n // 2) if 1 - 2 * float(bdtr(k, n, 0.5)) >= confidence]
    if not inside:
        return Interval(median, math.nan, math.nan, n, "none")
    k = inside[-1]
    return Interval(median, float(ordered[k]), float(ordered[-1 - k]), n, "order statistics")


def band(curves: ArrayLike, *, rng: np.random.Generator) -> Band:
    """Return pointwise summaries of (n, points) curves; intervals as in `mean_interval`."""
    table = np.asarray(curves, dtype=np.float64)
    n, points = table.shape
    mean = table.mean(axis=0)
    if n < BOOTSTRAP_FROM:
        columns = [student_interval(column) for column in table.T]
        low = np.array([interval.low for interval in columns])
        high = np.array([interval.high for interval in columns])
    else:
        low, high = _bca(table, rng, CONFIDENCE)
    quartiles = np.quantile(table, [0.25, 0.5, 0.75], axis=0) if points else np.empty((3, 0))
    return Band(mean, low, high, quartiles[1], quartiles[0], quartiles[2], n)


def times_to_event(times: ArrayLike, *, end: float, rng: np.random.Generator) -> Times:
    """Return the summary of (n,) times; infinite entries were not seen to happen by `end`."""
    sample = sample_of(times)
    return Times(
        reached=int(np.isfinite(sample).sum()),
        median=censored_median(sample),
        restricted=mean_interval(np.minimum(sample, end), rng=rng),
        end=end,
    )


def censored_median(times: ArrayLike) -> float:
    """Return the median, infinite if half of the times or more were not seen.

    >>> censored_median([3.0, 5.0, float("inf")]), censored_median([3.0, float("inf")])
    (5.0, inf)
    """
    ordered = np.sort(sample_of(times))
    return float(ordered[[(ordered.size - 1) // 2, ordered.size // 2]].mean())


def wilson_interval(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return a proportion with Wilson's score interval, which stays honest at 0 and 1.

    Reference: Wilson 1927, J. Am. Stat. Assoc. 22, 209.

    >>> interval = wilson_interval(10, 10)
    >>> round(interval.low, 3), interval.high
    (0.722, 1.0)
    """
    from scipy.special import ndtri

    if not 0 <= successes <= trials or trials == 0:
        raise ConfigError(
            f"a proportion needs 0 <= successes <= trials > 0, got {successes}/{trials}"
        )
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * trials)) / trials) / (1 + z2 / trials)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(share, low, high, trials, "Wilson")


def sample_of(values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as (n,) floats; infinite entries are allowed.

    Raises:
        ConfigError: there are none, or one is not a number.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0 or np.isnan(sample).any():
        raise ConfigError(f"statistics need a non-empty row of numbers, got {values!r}")
    return sample


def _bca(
    table: NDArray[np.float64], rng: np.random.Generator, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the BCa limits of every column mean; all columns share the resamples."""
    from scipy.special import ndtr, ndtri

    n, columns = table.shape
    draws = rng.multinomial(n, np.full(n, 1 / n), size=_RESAMPLES) / n
    resampled = np.sort(draws @ table, axis=0)
    mean = table.mean(axis=0)
    tie = 1e-12 * np.abs(table).max(axis=0)  # the sample itself may be among the resamples
    below = ((resampled < mean - tie).mean(axis=0) + (resampled <= mean + tie).mean(axis=0)) / 2
    shift = ndtri(np.clip(below, 1 / _RESAMPLES, 1 - 1 / _RESAMPLES))
    influence = table - mean  # the jackknife of a mean, up to a factor
    cubes, squares = (influence**3).sum(axis=0), (influence**2).sum(axis=0)
    flat = squares <= 1e-24 * np.maximum(1.0, mean**2)
    acceleration = np.where(flat, 0.0, cubes / (6 * np.where(flat, 1.0, squares) ** 1.5))
    limits = []
    for z in (ndtri((1 - confidence) / 2), ndtri((1 + confidence) / 2)):
        level = ndtr(shift + (shift + z) / (1 - acceleration * (shift + z)))
        limits.append(np.array([np.quantile(resampled[:, c], level[c]) for c in range(columns)]))
    return np.where(flat, mean, limits[0]), np.where(flat, mean, limits[1])
