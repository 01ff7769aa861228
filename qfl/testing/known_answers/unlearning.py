"""Known answers on forgetting a client."""

from __future__ import annotations

from qfl.federation.unlearning.calibration import (
    calibrated_update,
    calibration_speedup,
    shard_retraining_fraction,
)
from qfl.testing.known_answers.inputs import Inputs


def federaser_speedup(given: Inputs) -> float:
    """Return how much cheaper calibration is than retraining."""
    return calibration_speedup(interval=given.whole("dt", 1), ratio=given.number("r"))


def federaser_calibrate(given: Inputs) -> list[float]:
    """Return a calibrated update."""
    return calibrated_update(given.numbers("stored"), given.numbers("retrained")).tolist()


def shard_unlearn(given: Inputs) -> float:
    """Return the part of the training that one request repeats."""
    return shard_retraining_fraction(given.whole("shards", 1))
