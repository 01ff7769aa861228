"""Differential privacy of what a federation releases: clip, add noise, account, stop in time.

A guarantee here is never a bare epsilon: `Guarantee` carries delta, adjacency, conversion and
sampling with it, and prints them together. Accounting is by `dp-accounting` (the extra `privacy`),
which `accountant` alone imports; closed forms are in `renyi` and `distributed`.
"""

from qfl.core.registry import Registry, Row
from qfl.security.privacy.accountant import calibrated_noise, gaussian_guarantee
from qfl.security.privacy.clipping import AdaptiveClip, clip_to_norm
from qfl.security.privacy.distributed import DistributedNoise
from qfl.security.privacy.gaussian import CentralGaussian, LocalGaussian
from qfl.security.privacy.guarantee import Budget, Guarantee

MECHANISMS = Registry(
    "mechanism",
    {
        "none": Row(
            "qfl.security.privacy.mechanisms:Nothing",
            "no differential privacy",
        ),
        "central": Row(
            "qfl.security.privacy.mechanisms:Central",
            "clipped changes, Gaussian noise added by the server",
            extra="privacy",
            requires=("dp_accounting",),
        ),
        "local": Row(
            "qfl.security.privacy.mechanisms:Local",
            "clipped changes, Gaussian noise added by every client for itself",
            extra="privacy",
            requires=("dp_accounting",),
        ),
        "distributed": Row(
            "qfl.security.privacy.mechanisms:Distributed",
            "clipped changes, discrete noise in shares under masks",
            extra="privacy",
            requires=("dp_accounting",),
        ),
    },
)

__all__ = [
    "MECHANISMS",
    "AdaptiveClip",
    "Budget",
    "CentralGaussian",
    "DistributedNoise",
    "Guarantee",
    "LocalGaussian",
    "calibrated_noise",
    "clip_to_norm",
    "gaussian_guarantee",
]
