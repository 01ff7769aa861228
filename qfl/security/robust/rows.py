"""The one check that every rule starts with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

Rows = NDArray[np.float64]


def checked_rows(updates: ArrayLike, *, least: int = 1) -> Rows:
    """Return the updates as a float matrix of at least `least` rows.

    Raises:
        ConfigError: another shape, or an entry that is not finite, which would win every rule.
    """
    rows = np.asarray(updates, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < least:
        raise ConfigError(
            f"updates of shape {rows.shape}; allowed: (clients, dimension), clients >= {least}"
        )
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise ConfigError(f"update {bad} is not finite; leave its client out")
    return rows
