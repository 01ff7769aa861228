"""One call for every rule, for those who know a rule by its name."""

from __future__ import annotations

from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.robust.centre import geometric_median, median, norm_bounded_mean, trimmed_mean
from qfl.security.robust.cohorts import RULES
from qfl.security.robust.krum import bulyan, krum, multi_krum
from qfl.security.robust.rows import Rows, checked_rows
from qfl.security.robust.trust import fltrust


def aggregate_rows(
    rule: str,
    updates: ArrayLike,
    *,
    corrupted: int = 0,
    bound: float | None = None,
    server_update: ArrayLike | None = None,
) -> Rows:
    """Return the aggregate of the rows under the rule of this name; (d,).

    Args:
        rule: a name in RULES.
        updates: (n, d), of clients or cohorts.
        corrupted: f, for the rules that count.
        bound: for norm_bounded_mean.
        server_update: (d,), for fltrust.

    >>> aggregate_rows("median", [[0.0], [1.0], [50.0]]).tolist()
    [1.0]
    """
    if rule not in RULES:
        raise UnknownNameError("aggregation rule", rule, RULES)
    if rule == "mean":
        return checked_rows(updates).mean(axis=0)
    if rule == "norm_bounded_mean":
        if bound is None:
            raise ConfigError("norm_bounded_mean without a bound; pass bound, the greatest norm")
        return norm_bounded_mean(updates, bound=bound)
    if rule == "fltrust":
        if server_update is None:
            raise ConfigError("fltrust without a server_update; train one on the server's data")
        return fltrust(updates, server_update=server_update)
    if rule in ("median", "geometric_median"):
        return median(updates) if rule == "median" else geometric_median(updates)
    counting = {"trimmed_mean": trimmed_mean, "krum": krum, "multi_krum": multi_krum}
    return counting.get(rule, bulyan)(updates, corrupted=corrupted)
