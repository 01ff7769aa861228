"""Aggregation rules that some corrupted clients cannot steer, as plain functions.

Every rule takes updates of shape (n, d), one row per client or per cohort, and returns one row.
Rules must see the rows: under masked sums a row is the mean of a cohort (`check_visible`).
"""

from qfl.security.robust.centre import (
    geometric_median,
    median,
    norm_bounded_mean,
    trimmed_mean,
)
from qfl.security.robust.choose import aggregate_rows
from qfl.security.robust.cohorts import RULES, bucket_means, check_visible, cohort_means
from qfl.security.robust.krum import bulyan, krum, krum_scores, multi_krum
from qfl.security.robust.trust import fltrust

__all__ = [
    "RULES",
    "aggregate_rows",
    "bucket_means",
    "bulyan",
    "check_visible",
    "cohort_means",
    "fltrust",
    "geometric_median",
    "krum",
    "krum_scores",
    "median",
    "multi_krum",
    "norm_bounded_mean",
    "trimmed_mean",
]
