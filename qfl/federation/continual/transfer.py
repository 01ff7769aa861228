"""What learning a stream did to its stages: pure functions of the matrix of scores.

`scores[i, j]` is the score on stage j after learning stage i; all stages count from 0 here.

Reference: Lopez-Paz and Ranzato, "Gradient Episodic Memory", NeurIPS 2017; forgetting as in
Chaudhry et al., ECCV 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError


def average(scores: ArrayLike) -> float:
    """Return ACC, the mean score over all stages after the last one.

    >>> average([[0.8, 0.1], [0.6, 0.9]])
    0.75
    """
    return float(_square(scores)[-1].mean())


def learning_score(scores: ArrayLike, *, first: int = 0) -> float:
    """Return the mean score on each stage right after it.

    Args:
        scores: (stages, stages).
        first: the stage to begin with; 1 leaves out the one that nothing came before.

    >>> round(learning_score([[0.8, 0.1], [0.6, 0.9]]), 6)
    0.85
    """
    return float(_square(scores).diagonal()[first:].mean())


def backward_transfer(scores: ArrayLike) -> float:
    """Return BWT, how much later learning changed earlier stages; negative is forgetting.

    >>> round(backward_transfer([[0.8, 0.1], [0.6, 0.9]]), 6)
    -0.2
    """
    matrix = _square(scores)
    return float((matrix[-1] - matrix.diagonal())[:-1].mean())


def forward_transfer(scores: ArrayLike, untrained: ArrayLike) -> float:
    """Return FWT, how much earlier learning helped a stage before it came.

    Args:
        scores: (stages, stages).
        untrained: (stages,) scores of the model before any training.

    >>> round(forward_transfer([[0.8, 0.3], [0.6, 0.9]], [0.1, 0.1]), 6)
    0.2
    """
    matrix, before = _square(scores), np.asarray(untrained, dtype=np.float64)
    if before.shape != matrix.diagonal().shape:
        raise ConfigError(
            f"{before.shape} untrained scores for {len(matrix)} stages; one per stage"
        )
    return float((np.diagonal(matrix, 1) - before[1:]).mean())


def forgetting(scores: ArrayLike) -> float:
    """Return how far the earlier stages fell from their best, averaged over them.

    >>> round(forgetting([[0.8, 0.1], [0.6, 0.9]]), 6)
    0.2
    """
    matrix = _square(scores)
    return float((matrix[:-1].max(0) - matrix[-1])[:-1].mean())


def _square(scores: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ConfigError(
            f"scores of shape {matrix.shape}; allowed: a square with a row and a column for each "
            "of two stages or more"
        )
    if not np.isfinite(matrix).all():
        raise ConfigError("a score of the stream is missing; compare complete streams only")
    return matrix
