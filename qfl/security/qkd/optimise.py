"""The best settings of a finite-key link: basis choice, intensities and how often each is sent."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.qkd.finite import FiniteKey, FiniteProtocol, expected_finite_key
from qfl.security.qkd.link import FibreLink

_VACUUM = 2e-4
_GRID = ((-0.5, 0.3, 1.0, 2.0, 3.0), (-1.0, 0.0, 1.0), (-0.5, 0.3, 1.0), (-0.8, -0.5), (-1.2, -0.4))
"""Where the search may begin: key basis, two shares, two intensities, as `_protocol` reads them."""
_BEGINNINGS = 2
_ROUNDS = 3


def optimal_two_decoys(
    link: FibreLink, *, block: float, secrecy_per_bit: float = 1e-15, correctness: float = 1e-15
) -> tuple[FiniteProtocol, FiniteKey, float]:
    """Return the settings, the key and the secret bits per pulse that a search found best.

    epsilon_sec is secrecy_per_bit times the key length, as in the reference. The weakest
    intensity stays at 2e-4: an intensity modulator does not reach zero.

    Args:
        link: the fibre.
        block: sifted bits in the key basis.
        secrecy_per_bit: kappa.
        correctness: epsilon_cor.

    Raises:
        ConfigError: no settings give a key.

    Reference: Lim et al., Phys. Rev. A 89, 022307 (2014), section IV.
    """
    from scipy.optimize import minimize

    def cost(x: NDArray[np.float64]) -> float:
        found = _evaluate(link, _protocol(x, correctness), block, secrecy_per_bit)
        return -log(found[2]) if found[1].length else 100.0 + found[1].phase_error

    options = {"maxiter": 600, "xatol": 1e-4, "fatol": 1e-6}
    starts = sorted((np.array(point) for point in product(*_GRID)), key=cost)[:_BEGINNINGS]
    best = min(
        (minimize(cost, start, method="Nelder-Mead", options=options) for start in starts),
        key=lambda result: float(result.fun),
    )
    best = minimize(cost, best.x, method="Nelder-Mead", options=options)
    found = _evaluate(link, _protocol(best.x, correctness), block, secrecy_per_bit)
    if not found[1].length:
        raise ConfigError(
            f"no settings give a key from {block:g} sifted bits over {link.length_km:g} km; "
            "take a longer block or a shorter fibre"
        )
    return found


def _protocol(x: NDArray[np.float64], correctness: float) -> FiniteProtocol:
    """Return the settings that five unbounded numbers stand for."""
    weights = np.exp(np.clip([x[1], x[2], 0.0], -30, 30))
    p = np.maximum(weights / weights.sum(), 1e-9)
    p /= p.sum()
    strong = _VACUUM * 3 + exp(min(x[3], 1.0))
    weak = _VACUUM * 1.5 + (strong - _VACUUM * 2.6) / (1 + exp(-max(min(x[4], 30.0), -30.0)))
    return FiniteProtocol(
        intensities=(strong, weak, _VACUUM),
        probabilities=tuple(p.tolist()),
        key_basis=1 / (1 + exp(-max(min(x[0], 30.0), -30.0))),
        correctness=correctness,
    )


def _evaluate(
    link: FibreLink, protocol: FiniteProtocol, block: float, secrecy_per_bit: float
) -> tuple[FiniteProtocol, FiniteKey, float]:
    """Return the key at the epsilon_sec that fits its own length."""
    for _ in range(_ROUNDS):
        key, rate = expected_finite_key(link, protocol, block=block)
        protocol = replace(protocol, secrecy=secrecy_per_bit * max(key.length, 1))
    return protocol, key, rate
