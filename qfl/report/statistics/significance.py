"""Tests: paired permutation, paired log-rank, Holm, equivalence, ranks; and their guards.

Everything here takes arrays and returns frozen results; nothing knows about cells or pages.
A test that can never reach significance at this sample size says so instead of printing a p.
scipy.stats is imported inside the functions that need it (it takes over a second to load).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.report.statistics.intervals import ALPHA, Interval, sample_of, student_interval

_EXACT_UP_TO = 16
_RANDOM_FLIPS = 99_999
_MIN_RANK_BLOCKS = 6


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A two-sided permutation test on pairs.

    Attributes:
        p: the p-value.
        smallest: the smallest p that n pairs can give, 2 / 2^n.
        exact: every sign pattern was visited; otherwise a seeded random sample of them.
    """

    p: float
    smallest: float
    n: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests: the 90 % interval of the gap against a margin declared beforehand."""

    gap: Interval
    margin: float
    p: float
    equivalent: bool


@dataclass(frozen=True, slots=True)
class Ranks:
    """Friedman's test over blocks with the Nemenyi critical difference of mean ranks.

    Attributes:
        mean_ranks: (k,) float, 1 is the best.
    """

    mean_ranks: NDArray[np.float64]
    statistic: float
    p: float
    critical_difference: float
    blocks: int


def paired_sign_flip(differences: ArrayLike, *, rng: np.random.Generator) -> PairedTest:
    """Return the two-sided sign-flip permutation test that paired differences have mean zero.

    Exact up to 16 pairs; beyond, 99,999 random sign patterns from `rng` and the observed one.

    Reference: Fisher 1935, The Design of Experiments, section 21.

    >>> paired_sign_flip([1.0, 2.0, 3.0], rng=np.random.default_rng(0)).p
    0.25
    """
    return _flip(sample_of(differences), rng)


def paired_log_rank(
    first: ArrayLike, second: ArrayLike, *, censored_at: float, rng: np.random.Generator
) -> PairedTest:
    """Return the log-rank test of two paired samples of times, permuted within pairs.

    Args:
        first, second: (n,) times of the same n pairs; a time above `censored_at` is censored.
        censored_at: when observation ended.
        rng: for more than 16 pairs.

    Reference: Mantel 1966, Cancer Chemother. Rep. 50, 163; the permutation respects the pairs.
    """
    a, b = sample_of(first), sample_of(second)
    if a.size != b.size:
        raise ConfigError(f"pairs need equally many times, got {a.size} and {b.size}")
    scores = _log_rank_scores(np.concatenate([a, b]), censored_at)
    gaps = scores[: a.size] - scores[a.size :]
    return _flip(gaps, rng)


def smallest_p(pairs: int) -> float:
    """Return the smallest two-sided p of an exact paired test: 2 / 2^n, at most 1."""
    return min(1.0, 2.0 / 2.0**pairs)


def pairs_needed(comparisons: int = 1, *, alpha: float = ALPHA) -> int:
    """Return how many pairs let the first of `comparisons` Holm steps reach `alpha`.

    >>> [pairs_needed(m) for m in (1, 5, 10)]
    [6, 8, 9]
    """
    return max(1, math.ceil(1 + math.log2(comparisons / alpha) - 1e-12))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given.

    Reference: Holm 1979, Scand. J. Stat. 6, 65.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted = [0.0] * len(p)
    running = 0.0
    for step, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - step) * p[i]))
        adjusted[i] = running
    return adjusted


def equivalence(differences: ArrayLike, *, margin: float, alpha: float = ALPHA) -> Equivalence:
    """Return whether the mean paired gap lies within +-margin: two one-sided t tests.

    Reference: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657.

    Raises:
        ConfigError: the margin is not positive, or there are fewer than two pairs.
    """
    from scipy.special import stdtr

    sample = sample_of(differences)
    n = sample.size
    if not margin > 0 or n < 2:
        raise ConfigError(f"equivalence needs a margin > 0 and two pairs, got {margin} and {n}")
    gap = student_interval(sample, confidence=1 - 2 * alpha)
    error = float(sample.std(ddof=1)) / math.sqrt(n)
    room = margin - abs(gap.estimate)
    p = float(stdtr(n - 1, -room / error)) if error > 0 else float(room <= 0)
    return Equivalence(gap, margin, p, -margin < gap.low and gap.high < margin)


def rank_refusal(blocks: int, methods: int) -> str:
    """Return why ranks are not tested, or "" if they may be."""
    if methods < 3:
        return f"ranks compare three methods or more; there are {methods}"
    if blocks < _MIN_RANK_BLOCKS:
        return (
            f"ranks need {_MIN_RANK_BLOCKS} instances (seeds averaged first) and there "
            f"{'is' if blocks == 1 else 'are'} {blocks}; seeds are not instances"
        )
    return ""


def friedman(table: ArrayLike, *, higher_is_better: bool, alpha: float = ALPHA) -> Ranks:
    """Return Friedman's rank test of a (blocks, methods) table.

    Reference: Demšar 2006, J. Mach. Learn. Res. 7, 1, section 3.2.

    Raises:
        ConfigError: too few blocks or methods (`rank_refusal` says which).
    """
    from scipy.stats import chi2, rankdata

    values = np.asarray(table, dtype=np.float64)
    blocks, methods = values.shape
    if refusal := rank_refusal(blocks, methods):
        raise ConfigError(refusal)
    ranks = rankdata(-values if higher_is_better else values, axis=1)
    mean_ranks = ranks.mean(axis=0)
    spread = float(((ranks - (methods + 1) / 2) ** 2).sum())
    between = float(((mean_ranks - (methods + 1) / 2) ** 2).sum())
    statistic = (methods - 1) * blocks**2 * between / spread if spread else 0.0
    return Ranks(
        mean_ranks=mean_ranks,
        statistic=statistic,
        p=float(chi2.sf(statistic, methods - 1)),
        critical_difference=nemenyi_critical_difference(methods, blocks, alpha=alpha),
        blocks=blocks,
    )


def nemenyi_critical_difference(methods: int, blocks: int, *, alpha: float = ALPHA) -> float:
    """Return the gap of mean ranks beyond which two methods differ.

    Reference: Demšar 2006, equation for CD in section 3.2.2; q is the studentised range over
    sqrt 2.

    >>> round(nemenyi_critical_difference(6, 12), 2)
    2.18
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * blocks))


def _flip(gaps: NDArray[np.float64], rng: np.random.Generator) -> PairedTest:
    """Return the test of the sum of `gaps` over all, or many random, patterns of their signs."""
    pairs = gaps.size
    exact = pairs <= _EXACT_UP_TO
    if exact:  # a pattern and its negative agree in size: the first sign may stay positive
        index = np.arange(2 ** (pairs - 1))
        signs = 1.0 - 2.0 * ((index[:, None] >> np.arange(pairs)) & 1)
    else:
        signs = rng.choice([-1.0, 1.0], size=(_RANDOM_FLIPS, pairs))
    rounding = 1e-12 * float(np.abs(gaps).sum())
    at_least = int((np.abs(signs @ gaps) >= abs(float(gaps.sum())) - rounding).sum())
    p = at_least / len(signs) if exact else (at_least + 1) / (len(signs) + 1)
    return PairedTest(p, smallest_p(pairs), pairs, exact)


def _log_rank_scores(times: NDArray[np.float64], end: float) -> NDArray[np.float64]:
    """Return event minus pooled cumulative hazard; a group's sum is observed minus expected."""
    seen = times <= end
    clipped = np.minimum(times, end)
    events = np.unique(clipped[seen])
    at_risk = (clipped[None, :] >= events[:, None]).sum(axis=1)
    happened = ((clipped[None, :] == events[:, None]) & seen).sum(axis=1)
    hazard = (events[None, :] <= clipped[:, None]).astype(float) @ (happened / at_risk)
    return np.asarray(seen - hazard, dtype=np.float64)
