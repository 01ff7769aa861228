"""Trust by agreement with an update that the server computed itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qfl.core.errors import ConfigError
from qfl.security.robust.rows import Rows, checked_rows


def fltrust(updates: ArrayLike, *, server_update: ArrayLike) -> Rows:
    """Return sum TS_i |g0|/|g_i| g_i / sum TS_i with TS_i = ReLU(cos(g_i, g0)); (d,).

    If nobody agrees with the server, its own update is the answer.

    Args:
        updates: (n, d).
        server_update: (d,) from the server's own clean data.

    Reference: Cao, Fang, Liu, Gong, NDSS 2021, equations 1 to 4.

    >>> fltrust([[2.0, 0.0], [-9.0, 0.0]], server_update=[1.0, 0.0]).tolist()
    [1.0, 0.0]
    """
    rows = checked_rows(updates)
    own = checked_rows(np.atleast_2d(np.asarray(server_update, dtype=np.float64)))[0]
    length = float(np.linalg.norm(own))
    if own.shape != rows.shape[1:] or length == 0:
        raise ConfigError(
            f"a server update of shape {own.shape} and norm {length:g} for updates of dimension "
            f"{rows.shape[1]}; allowed: the same dimension, not zero"
        )
    norms = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(float).tiny)
    directions = rows / norms[:, None]
    trust = np.maximum(0.0, directions @ own / length)
    if not trust.any():
        return own
    return length * (trust @ directions) / trust.sum()
