"""Differential privacy of what a federation releases: clip, add noise, account, stop in time.

A guarantee here is never a bare epsilon: `Guarantee` carries delta, adjacency, conversion and
sampling with it, and prints them together. Accounting is by `dp-accounting` (the extra `privacy`),
which `accountant` alone imports; closed forms are in `renyi` and `distributed`.
"""

from qfl.security.privacy.accountant import calibrated_noise, gaussian_guarantee
from qfl.security.privacy.clipping import AdaptiveClip, clip_to_norm
from qfl.security.privacy.distributed import DistributedNoise
from qfl.security.privacy.gaussian import CentralGaussian, LocalGaussian
from qfl.security.privacy.guarantee import Budget, Guarantee

__all__ = [
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
