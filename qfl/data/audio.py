"""Sound as a picture: the logarithm of the energy in mel bands, frame by frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE, WINDOW, HOP, BANDS, FRAMES = 8000, 256, 80, 40, 32
"""Samples per second; samples per window and between windows; bands; frames of one clip."""

_FLOOR = 1e-6


def log_mel(wave: NDArray[np.floating], *, frames: int = FRAMES) -> NDArray[np.float32]:
    """Return the log-mel picture of one clip, (40, frames), mean 0 and variance 1 over the clip.

    Clips of any length are stretched linearly to `frames`; one shorter than a window is padded.

    Args:
        wave: (samples,) in -1..1 at 8 kHz.
        frames: columns of the result.

    >>> log_mel(np.sin(np.arange(2000))).shape
    (40, 32)
    """
    padded = np.pad(np.asarray(wave, np.float64), (0, max(0, WINDOW - len(wave))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1)) ** 2
    bands = np.log(power @ _filters().T + _FLOOR)
    place = np.linspace(0, len(bands) - 1, frames)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, len(bands) - 1)
    share = (place - low)[:, None]
    picture = (bands[low] * (1 - share) + bands[high] * share).T
    return ((picture - picture.mean()) / (picture.std() + _FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float64]:
    """(40, 129) triangles, equally wide on the mel scale 2595 log10(1 + f / 700)."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    tones = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rise = (tones - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - tones) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rise, fall))
