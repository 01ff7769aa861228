"""What learning a stream did to its stages: pure functions of the matrix of scores.

`scores[i, j]` is the score on stage j after learning stage i; all stages count from 0 here. A
client that sits out a stage has no score on it: `stages` names the columns that count then, and
what none of them can say is NaN.

Reference: Lopez-Paz and Ranzato, "Gradient Episodic Memory", NeurIPS 2017; forgetting as in
Chaudhry et al., ECCV 2018.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

Stages = Sequence[int] | None
"""The columns that count; None counts all."""


def average(scores: ArrayLike, *, stages: Stages = None) -> float:
    """Return ACC, the mean score over all stages after the last one.

    >>> average([[0.8, 0.1], [0.6, 0.9]])
    0.75
    """
    matrix, own = _square(scores, stages)
    return _mean(matrix[-1, own])


def learning_score(scores: ArrayLike, *, first: int = 0, stages: Stages = None) -> float:
    """Return the mean score on each stage right after it.

    Args:
        scores: (stages, stages).
        first: the stage to begin with; 1 leaves out the one that nothing came before.
        stages: the columns that count.

    >>> round(learning_score([[0.8, 0.1], [0.6, 0.9]]), 6)
    0.85
    """
    matrix, own = _square(scores, stages)
    return _mean(matrix.diagonal()[own[own >= first]])


def backward_transfer(scores: ArrayLike, *, stages: Stages = None) -> float:
    """Return BWT, how much later learning changed earlier stages; negative is forgetting.

    >>> round(backward_transfer([[0.8, 0.1], [0.6, 0.9]]), 6)
    -0.2
    """
    matrix, own = _square(scores, stages)
    return _mean((matrix[-1] - matrix.diagonal())[own[own < len(matrix) - 1]])


def forward_transfer(scores: ArrayLike, untrained: ArrayLike, *, stages: Stages = None) -> float:
    """Return FWT, how much earlier learning helped a stage before it came.

    Args:
        scores: (stages, stages).
        untrained: (stages,) scores of the model before any training.
        stages: the columns that count.

    >>> round(forward_transfer([[0.8, 0.3], [0.6, 0.9]], [0.1, 0.1]), 6)
    0.2
    """
    matrix, own = _square(scores, stages)
    before = np.asarray(untrained, dtype=np.float64)
    if before.shape != matrix.diagonal().shape:
        raise ConfigError(
            f"{before.shape} untrained scores for {len(matrix)} stages; one per stage"
        )
    later = own[own > 0]
    return _mean(matrix[later - 1, later] - before[later])


def forgetting(scores: ArrayLike, *, stages: Stages = None) -> float:
    """Return how far the earlier stages fell from their best, averaged over them.

    >>> round(forgetting([[0.8, 0.1], [0.6, 0.9]]), 6)
    0.2
    """
    matrix, own = _square(scores, stages)
    return _mean((matrix[:-1].max(0) - matrix[-1])[own[own < len(matrix) - 1]])


def what_it_says(
    scores: ArrayLike, untrained: ArrayLike, *, stages: Stages = None
) -> dict[str, float]:
    """Return all of these by the names that they have in records."""
    return {
        "continual_score": average(scores, stages=stages),
        "learning_score": learning_score(scores, stages=stages),
        "backward_transfer": backward_transfer(scores, stages=stages),
        "forward_transfer": forward_transfer(scores, untrained, stages=stages),
        "forgetting": forgetting(scores, stages=stages),
    }


def _square(scores: ArrayLike, stages: Stages) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The matrix, and the columns that count."""
    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ConfigError(
            f"scores of shape {matrix.shape}; allowed: a square with a row and a column for each "
            "of two stages or more"
        )
    own = np.arange(len(matrix)) if stages is None else np.array(sorted(stages), dtype=np.intp)
    if not np.isfinite(matrix[:, own]).all():
        raise ConfigError("a score of the stream is missing; compare complete streams only")
    return matrix, own


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else math.nan
