"""Schedules that grow with the depth: each one is trained from the one before.

The budget is shared evenly by the depths. Both start from the transferable angles of depth 1.

Reference:
    Zhou, Wang, Choi, Pichler, Lukin, arXiv:1812.01041, appendix B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.solvers.landscape import Angles, Landscape
from qfl.solvers.options import check_count
from qfl.solvers.schedules.descent import Chart, Training, train
from qfl.solvers.schedules.ramp import linear_ramp
from qfl.solvers.schedules.units import in_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Interp:
    """Trained at every depth, starting from the interpolated angles of the depth before.

    Attributes:
        evaluations: the budget of all depths together, at least one per depth.
        optimiser, shots_per_evaluation: as in `trained`.
    """

    evaluations: int = 80
    optimiser: str = "lbfgs"
    shots_per_evaluation: int = 0

    def __post_init__(self) -> None:
        _training(self.evaluations, 1, self.optimiser, self.shots_per_evaluation)

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the trained angles."""
        training = _training(self.evaluations, depth, self.optimiser, self.shots_per_evaluation)
        angles = linear_ramp(1, delta_gamma=0.5, delta_beta=0.6)
        for layers in range(1, depth + 1):
            if layers > 1:
                angles = np.array([interpolated(row) for row in angles])
            chart = Chart.free(layers)
            angles = chart.angles(train(landscape, angles.ravel(), chart, training, rng))
        return in_units(landscape, angles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fourier:
    """Trained in the amplitudes of sines (gamma) and cosines (beta), one more per depth.

    Attributes:
        frequencies: the most amplitudes per row; 0 means as many as layers.
        evaluations: the budget of all depths together, at least one per depth.
        optimiser, shots_per_evaluation: as in `trained`.
    """

    frequencies: int = 0
    evaluations: int = 80
    optimiser: str = "lbfgs"
    shots_per_evaluation: int = 0

    def __post_init__(self) -> None:
        check_count("frequencies", self.frequencies, least=0)
        _training(self.evaluations, 1, self.optimiser, self.shots_per_evaluation)

    def angles(self, landscape: Landscape, depth: int, rng: np.random.Generator) -> Angles:
        """Return the trained angles."""
        training = _training(self.evaluations, depth, self.optimiser, self.shots_per_evaluation)
        amplitudes = np.array([[0.7], [-0.85]])
        chart = fourier_chart(1, 1)
        for layers in range(1, depth + 1):
            terms = min(layers, self.frequencies or layers)
            chart = fourier_chart(layers, terms)
            amplitudes = np.pad(amplitudes, ((0, 0), (0, terms - amplitudes.shape[1])))
            vector = train(landscape, amplitudes.ravel(), chart, training, rng)
            amplitudes = vector.reshape(2, terms)
        return in_units(landscape, chart.angles(amplitudes.ravel()))


def interpolated(angles: ArrayLike) -> NDArray[np.float64]:
    """Return p + 1 angles from p by INTERP: u'_i = (i-1)/p u_(i-1) + (p-i+1)/p u_i.

    >>> interpolated([0.4, 0.8]).round(3).tolist()
    [0.4, 0.6, 0.8]
    """
    old = np.asarray(angles, dtype=np.float64)
    p = len(old)
    i = np.arange(1, p + 2)
    padded = np.pad(old, 1)
    return np.asarray((i - 1) / p * padded[:-1] + (p - i + 1) / p * padded[1:])


def fourier_angles(u: ArrayLike, v: ArrayLike, depth: int) -> Angles:
    """Return gammas and betas, (2, depth), from amplitudes u (q,) and v (q,); signs as given.

    gamma_i = sum_k u_k sin((k - 1/2)(i - 1/2) pi / p), beta_i the same with v and cos.

    >>> fourier_angles([0.7], [0.6], 1).round(4).tolist()
    [[0.495], [0.4243]]
    """
    sines, cosines = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if sines.ndim != 1 or sines.shape != cosines.shape:
        raise ConfigError(
            f"u and v must be lists of one length, got shapes {sines.shape} and {cosines.shape}"
        )
    return fourier_chart(depth, len(sines)).angles(np.concatenate([sines, cosines]))


def fourier_chart(depth: int, terms: int) -> Chart:
    """Return the coordinates whose entries are `terms` sine and `terms` cosine amplitudes."""
    layer, k = np.arange(depth) + 0.5, np.arange(terms) + 0.5
    phase = np.outer(layer, k) * np.pi / max(1, depth)
    return Chart(np.sin(phase), np.cos(phase))


def _training(evaluations: int, depth: int, optimiser: str, shots: int) -> Training:
    check_count("evaluations", evaluations)
    if evaluations < depth:
        raise ConfigError(f"{depth} depths need at least {depth} evaluations, got {evaluations}")
    return Training(
        evaluations=evaluations // depth, optimiser=optimiser, shots_per_evaluation=shots
    )
