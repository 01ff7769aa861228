"""Renyi divergences of the Gaussian mechanism, and what they mean as (epsilon, delta)."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, lgamma, log, log1p

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.privacy.guarantee import Conversion

ORDERS = (*(1 + x / 10 for x in range(1, 100)), *range(11, 64), 128, 256, 512, 1024)


def gaussian_rdp(order: float, *, noise_multiplier: float) -> float:
    """Return the Renyi divergence a / (2 z^2) of one Gaussian release.

    Reference: Mironov, CSF 2017, proposition 7.
    """
    _check(order, noise_multiplier)
    return order / (2 * noise_multiplier**2)


def sampled_gaussian_rdp(order: int, *, noise_multiplier: float, rate: float) -> float:
    """Return the Renyi divergence of a Gaussian release to a Poisson sample.

    (a-1)^-1 log sum_k C(a,k) (1-q)^(a-k) q^k exp((k^2 - k) / (2 z^2)), in logarithms.

    Args:
        order: a, an integer of at least 2.
        noise_multiplier: z, noise relative to the clipping norm.
        rate: q, probability that a client takes part.

    Reference: Mironov, Talwar, Zhang, arXiv:1908.10530, section 3.3.

    >>> round(sampled_gaussian_rdp(2, noise_multiplier=1.0, rate=0.01), 12)
    0.000171813422
    """
    _check(order, noise_multiplier)
    if order != int(order) or not 0 <= rate <= 1:
        raise ConfigError(
            f"order {order!r} at sampling rate {rate!r}; allowed: an integer order, rate 0 to 1"
        )
    if rate in (0, 1):
        return rate * gaussian_rdp(order, noise_multiplier=noise_multiplier)
    k = np.arange(2, int(order) + 1)
    binomials = np.array(
        [lgamma(order + 1) - lgamma(i + 1) - lgamma(order - i + 1) for i in k.tolist()]
    )
    terms = binomials + (order - k) * log1p(-rate) + k * log(rate)
    # Without the exponentials the sum is 1. Their excess over 1 is added up alone, or a rare
    # client would vanish behind the 1; the terms 0 and 1 have none.
    exponents = (k * k - k) / (2 * noise_multiplier**2)
    terms += exponents + np.log(-np.expm1(-exponents))
    return float(np.logaddexp(0.0, np.logaddexp.reduce(terms))) / (order - 1)


def epsilon_from_rdp(
    rdp: Mapping[float, float], *, delta: float, conversion: Conversion = Conversion.RDP
) -> float:
    """Return the least epsilon over the orders.

    Args:
        rdp: order -> Renyi divergence of all releases together.
        delta: of the guarantee.
        conversion: Conversion.RDP or Conversion.RDP_CLASSIC.

    References: Mironov, CSF 2017, proposition 3 (classic); Canonne, Kamath, Steinke, NeurIPS
    2020, proposition 12 (improved).

    >>> round(epsilon_from_rdp({10.0: 1.0}, delta=1e-5, conversion=Conversion.RDP_CLASSIC), 4)
    2.2792
    """
    if not 0 < delta < 1:
        raise ConfigError(f"delta is {delta!r}; allowed: between 0 and 1")
    if conversion not in (Conversion.RDP, Conversion.RDP_CLASSIC):
        raise ConfigError(f"{conversion!r} is no conversion of Renyi divergences")
    best = inf
    for order, divergence in rdp.items():
        epsilon = divergence - log(delta) / (order - 1)
        if conversion is Conversion.RDP:
            epsilon += log1p(-1 / order) - log(order) / (order - 1)
        best = min(best, epsilon)
    return max(0.0, best)


def _check(order: float, noise_multiplier: float) -> None:
    if order <= 1 or noise_multiplier <= 0:
        raise ConfigError(
            f"order {order!r} and noise multiplier {noise_multiplier!r}; allowed: above 1 and "
            "positive"
        )
