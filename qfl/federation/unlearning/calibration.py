"""Forgetting a client: how a calibrated update is made, and what two ways of forgetting cost.

Only numpy may be imported here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError


def calibrated_update(stored: ArrayLike, retrained: ArrayLike) -> NDArray[np.float64]:
    """Return the retrained direction at the length of the stored update; shape (d,).

    Args:
        stored: (d,) what the client sent in the original run.
        retrained: (d,) what it finds now, after a few steps; not zero.

    Reference: Liu, Ma, Yang, Wang, Liu, FedEraser, IWQoS 2021 (update calibration).

    >>> calibrated_update([3.0, 4.0], [0.0, 2.0]).tolist()
    [0.0, 5.0]
    """
    old, new = np.asarray(stored, dtype=np.float64), np.asarray(retrained, dtype=np.float64)
    length = float(np.linalg.norm(new))
    if old.shape != new.shape or not length > 0:
        raise ConfigError(
            f"stored and retrained updates of shapes {old.shape} and {new.shape}, the latter of "
            f"norm {length:g}; allowed: one shape, not zero"
        )
    return float(np.linalg.norm(old)) * new / length


def calibration_speedup(*, interval: int, ratio: float) -> float:
    """Return how many times fewer client steps calibration takes than retraining.

    Args:
        interval: rounds between two stored updates.
        ratio: steps of a calibration round over those of an original one, in (0, 1].

    Reference: Liu, Ma, Yang, Wang, Liu, FedEraser, IWQoS 2021 (its cost model).

    >>> calibration_speedup(interval=2, ratio=0.5)
    4.0
    """
    if interval < 1 or not 0 < ratio <= 1:
        raise ConfigError(
            f"interval {interval!r} and ratio {ratio!r}; allowed: at least 1, above 0 to 1"
        )
    return interval / ratio


def shard_retraining_fraction(shards: int) -> float:
    """Return the part of the training that one request repeats if clients train in shards.

    Reference: Bourtoule et al., arXiv:1912.03817 (sharded, one slice).

    >>> shard_retraining_fraction(5)
    0.2
    """
    if shards < 1:
        raise ConfigError(f"{shards!r} shards; allowed: at least 1")
    return 1 / shards
