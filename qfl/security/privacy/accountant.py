"""What many Gaussian releases guarantee together; the only file that imports `dp_accounting`.

Amplification holds for Poisson sampling alone: every client takes part independently of all
others and of its data. A fixed number of clients, or a choice by utility, must be priced with
rate 1.
"""

from __future__ import annotations

from functools import cache, partial
from math import exp, log, log1p, sqrt
from types import ModuleType

from qfl.core.errors import ConfigError, MissingExtraError
from qfl.security.privacy.guarantee import Adjacency, Conversion, Guarantee
from qfl.security.privacy.renyi import ORDERS, epsilon_from_rdp

_TINY_LOG = -600.0
_TOLERANCE = 1e-4
_FINE = 1e-4
_MOST_POINTS = 2e5


def gaussian_guarantee(
    *,
    noise_multiplier: float,
    rounds: int,
    delta: float,
    rate: float = 1.0,
    conversion: Conversion = Conversion.PLD,
) -> Guarantee:
    """Return what `rounds` noisy sums guarantee.

    Args:
        noise_multiplier: z, noise relative to the clipping norm.
        rounds: T.
        delta: of the guarantee.
        rate: q of Poisson sampling; 1 means that no amplification is claimed.
        conversion: PLD, or RDP or RDP_CLASSIC beside it.

    Raises:
        MissingExtraError: dp-accounting is not installed.

    References: Koskela et al., AISTATS 2020 (PLD); Mironov et al., arXiv:1908.10530 (RDP).
    """
    if not noise_multiplier > 0 or rounds < 1 or not 0 < rate <= 1 or not 0 < delta < 1:
        raise ConfigError(
            f"noise multiplier {noise_multiplier!r}, {rounds!r} rounds, rate {rate!r}, delta "
            f"{delta!r}; allowed: positive, at least 1, up to 1, between 0 and 1"
        )
    if conversion is Conversion.PLD:
        epsilon = _pld_epsilon(noise_multiplier, rate, rounds, delta)
    else:
        rdp = _rdp(noise_multiplier, rate, rounds)
        epsilon = epsilon_from_rdp(rdp, delta=delta, conversion=conversion)
    return Guarantee(
        epsilon=epsilon,
        delta=delta,
        adjacency=Adjacency.ADD_OR_REMOVE,
        conversion=conversion,
        rounds=rounds,
        sampling=f"Poisson sampling, q = {rate:.4g}" if rate < 1 else "no amplification",
    )


def calibrated_noise(*, epsilon: float, delta: float, rounds: int, rate: float = 1.0) -> float:
    """Return the least noise multiplier, to 1e-4, whose PLD guarantee is (epsilon, delta).

    Args:
        epsilon, delta: wanted.
        rounds: T.
        rate: q of Poisson sampling.
    """
    from scipy.optimize import brentq

    price = partial(gaussian_guarantee, rounds=rounds, delta=delta, rate=rate)
    if not epsilon > 0:
        raise ConfigError(f"epsilon is {epsilon!r}; allowed: positive")
    high = 1.0
    while price(noise_multiplier=high).epsilon > epsilon:
        high *= 2
    low = high / 2
    while price(noise_multiplier=low).epsilon <= epsilon:
        low, high = low / 2, low
    root = float(
        brentq(
            lambda noise: log(price(noise_multiplier=noise).epsilon / epsilon),
            low,
            high,
            xtol=_TOLERANCE / 4,
        )
    )
    return root if price(noise_multiplier=root).epsilon <= epsilon else root + _TOLERANCE / 2


@cache
def _pld_epsilon(noise_multiplier: float, rate: float, rounds: int, delta: float) -> float:
    """Return an upper bound; large losses are counted on a grid as much coarser."""
    library = _library()
    spread = sqrt(rounds) / noise_multiplier
    reach = spread**2 / 2 + 10 * spread
    step = _FINE if rate < 1 else max(10 * _FINE, reach / _MOST_POINTS)
    accountant = library.pld.PLDAccountant(value_discretization_interval=step)
    accountant.compose(_event(library, noise_multiplier, rate), rounds)
    return float(accountant.get_epsilon(delta))


@cache
def _rdp(noise_multiplier: float, rate: float, rounds: int) -> dict[float, float]:
    """Return order -> Renyi divergence of all rounds.

    The library tells an epsilon, not a divergence; its improved conversion is undone per order,
    at a delta so small that no case distinction of the library comes in between.
    """
    library = _library()
    event = _event(library, noise_multiplier, rate)
    found = {}
    for order in ORDERS:
        accountant = library.rdp.RdpAccountant([order])
        accountant.compose(event, rounds)
        epsilon = float(accountant.get_epsilon(exp(_TINY_LOG)))
        found[order] = epsilon - log1p(-1 / order) + (_TINY_LOG + log(order)) / (order - 1)
    return found


def _event(library: ModuleType, noise_multiplier: float, rate: float) -> object:
    release = library.GaussianDpEvent(noise_multiplier)
    return release if rate == 1 else library.PoissonSampledDpEvent(rate, release)


def _library() -> ModuleType:
    try:
        import dp_accounting
        import dp_accounting.pld
        import dp_accounting.rdp
    except ImportError:
        raise MissingExtraError("accounting for privacy", "privacy") from None
    return dp_accounting
