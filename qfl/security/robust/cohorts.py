"""What robust rules may look at: single updates, buckets, or cohorts under masked sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.robust.rows import Rows, checked_rows

RULES = {
    "mean": 0,
    "norm_bounded_mean": 0,
    "median": 2,
    "geometric_median": 2,
    "trimmed_mean": 2,
    "krum": 2,
    "multi_krum": 2,
    "bulyan": 4,
    "fltrust": 1,
}
"""Rule -> how many rows it needs per corrupted one (Krum and Bulyan: and three more)."""

_THREE_MORE = ("krum", "multi_krum", "bulyan")
_IN_THE_MASK = ("mean",)


_CUTTING = "norm_bounded_mean"
_BOUNDED = ", or norm_bounded_mean with 2 or more, whose means it cuts"
_OTHERWISE = {_CUTTING: ", whose means it cuts"}


def check_visible(rule: str, *, masked: bool, cohorts: int = 1, corrupted: int = 0) -> None:
    """Return if a rule sees what it compares; ask when a study is validated.

    Args:
        rule: a name in RULES.
        masked: whether the server sees sums only.
        cohorts: masked sums per round, each over clients of its own.
        corrupted: cohorts with a corrupted client, at most.

    Raises:
        ConfigError: a masked sum hides the updates; the message names the alternative.

    >>> check_visible("krum", masked=True, cohorts=7, corrupted=2)
    """
    if rule not in RULES:
        raise UnknownNameError("aggregation rule", rule, RULES)
    if not masked or rule in _IN_THE_MASK:
        return
    needed = RULES[rule] * corrupted + (3 if rule in _THREE_MORE else 1)
    if cohorts < 2 or cohorts < needed:
        raise ConfigError(
            f"{rule} {'cuts' if rule == _CUTTING else 'compares'} updates, and under a masked sum "
            f"the server sees {cohorts} cohort means, not updates; with {corrupted} corrupted "
            f"cohorts take at least {max(2, needed)} cohorts{_OTHERWISE.get(rule, _BOUNDED)}, or "
            "privacy without a rule: there clients clip before they mask"
        )


def cohort_means(updates: ArrayLike, *, cohorts: Sequence[Sequence[int]]) -> Rows:
    """Return the mean of each cohort; (cohorts, d).

    Args:
        updates: (n, d).
        cohorts: row numbers of each, at least two per cohort: the mean of one is its update.

    >>> cohort_means([[1.0], [3.0], [5.0], [7.0]], cohorts=[[0, 1], [2, 3]]).tolist()
    [[2.0], [6.0]]
    """
    rows = checked_rows(updates)
    if any(len(set(cohort)) < 2 for cohort in cohorts):
        raise ConfigError("a cohort of one: its mean is its update; allowed: two or more")
    return np.stack([rows[list(cohort)].mean(axis=0) for cohort in cohorts])


def bucket_means(updates: ArrayLike, *, size: int, rng: np.random.Generator) -> Rows:
    """Return the means of random buckets of `size` updates; (ceil(n/size), d).

    Makes heterogeneous honest updates more alike before a rule; f corrupted updates corrupt at
    most f buckets.

    Reference: Karimireddy, He, Jaggi, ICLR 2022, algorithm 1.
    """
    rows = checked_rows(updates)
    if not 1 <= size <= len(rows):
        raise ConfigError(f"buckets of {size!r} for {len(rows)} updates; allowed: 1 to all")
    order = rng.permutation(len(rows))
    return np.stack([rows[order[i : i + size]].mean(axis=0) for i in range(0, len(rows), size)])
