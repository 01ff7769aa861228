"""How much a reconstructed picture resembles the true one."""

from __future__ import annotations

from math import inf, log10

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError

_WINDOW = 7


def psnr(found: ArrayLike, truth: ArrayLike) -> float:
    """Return the peak signal-to-noise ratio in dB of pictures with values from 0 to 1.

    >>> round(psnr([[0.5]], [[0.6]]), 6)
    20.0
    """
    one, other = _pictures(found, truth)
    error = float(((one - other) ** 2).mean())
    return -10 * log10(error) if error else inf


def ssim(found: ArrayLike, truth: ArrayLike) -> float:
    """Return the structural similarity, 1 for equal pictures, near 0 for unrelated ones.

    Mean over all 7 x 7 windows, unbiased variances, values from 0 to 1.

    Args:
        found, truth: (height, width), both at least 7.

    Reference: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Process. 13, 600 (2004), with a
    uniform window.

    >>> picture = np.eye(8)
    >>> ssim(picture, picture), ssim(picture, 1 - picture) < 0
    (1.0, True)
    """
    one, other = _pictures(found, truth)
    if one.ndim != 2 or min(one.shape) < _WINDOW:
        raise ConfigError(f"pictures of shape {one.shape}; allowed: (height, width) from 7 x 7")
    a, b = (
        sliding_window_view(x, (_WINDOW, _WINDOW)).reshape(-1, _WINDOW**2) for x in (one, other)
    )
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    freedom = _WINDOW**2 - 1
    spread = (((a - mean_a[:, None]) ** 2) + ((b - mean_b[:, None]) ** 2)).sum(axis=1) / freedom
    shared = ((a - mean_a[:, None]) * (b - mean_b[:, None])).sum(axis=1) / freedom
    c1, c2 = 0.01**2, 0.03**2
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((light * (2 * shared + c2) / (spread + c2)).mean())


def _pictures(
    found: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = (np.asarray(x, dtype=np.float64) for x in (found, truth))
    if one.shape != other.shape or not one.size:
        raise ConfigError(f"pictures of shape {one.shape} and {other.shape}; allowed: the same")
    return one, other
