"""Every protocol of this package over one kind of fibre: secret bits per pulse against distance.

Asymptotic unless the name says a block. All of them must lie beneath the repeaterless bound of the
bare fibre, which knows neither detectors nor noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from qfl.security.qkd.bounds import repeaterless_bound
from qfl.security.qkd.continuous import GaussianLink, gaussian_key
from qfl.security.qkd.decoy import decoy_rate, no_decoy_rate, no_decoy_signal, optimal_signal
from qfl.security.qkd.entangled import PairLink, bbm92_rate, e91_pulse_rate
from qfl.security.qkd.finite import FiniteProtocol, expected_finite_key
from qfl.security.qkd.link import FibreLink

BOUND = "repeaterless bound"
_BLOCK = 1e7
_WEAK = 0.05
_TWO_DECOYS = FiniteProtocol(
    intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2), key_basis=0.85
)
_ONE_DECOY = FiniteProtocol(intensities=(0.45, 0.12), probabilities=(0.8, 0.2), key_basis=0.85)
_DETECTED = 1e-12


def rates(fibre: FibreLink) -> dict[str, float]:
    """Return protocol -> secret bits per pulse over a fibre, the bound first; 0 beyond a reach.

    Continuous variables are modulated with variance 4 and have an excess noise of 1 %; a pair
    source sits in the middle of its fibre.

    >>> found = rates(FibreLink(length_km=50))
    >>> max(found, key=found.get)
    'repeaterless bound'
    """
    return {
        BOUND: repeaterless_bound(fibre.channel_transmittance),
        **{name: max(0.0, rate(fibre)) for name, rate in PROTOCOLS.items()},
    }


def padded_rate(fibre: FibreLink) -> float:
    """Return secret bits per second of decoy BB84 in blocks of 10^7, which may pad models.

    >>> padded_rate(FibreLink(length_km=50)) > padded_rate(FibreLink(length_km=100)) > 0
    True
    """
    return _finite(_TWO_DECOYS)(fibre) * fibre.pulse_rate_hz


def _finite(protocol: FiniteProtocol) -> Callable[[FibreLink], float]:
    def rate(fibre: FibreLink) -> float:
        if fibre.transmittance + fibre.dark_count_probability < _DETECTED:
            return 0.0
        return expected_finite_key(fibre, protocol, block=_BLOCK)[1]

    return rate


def _decoys(fibre: FibreLink, weak: float | None, *, bases: int = 2) -> float:
    """Return the rate at the best signal; 0 where none works, for no decoy is weaker than that."""
    signal = optimal_signal(fibre, bases=bases)
    if not signal:
        return 0.0
    return decoy_rate(fibre, signal=signal, weak=weak and min(weak, signal / 4), bases=bases)


def _halves(fibre: FibreLink) -> PairLink:
    half = replace(fibre, length_km=fibre.length_km / 2)
    return PairLink(half, half)


def _gaussian(fibre: FibreLink) -> float:
    link = GaussianLink(
        modulation_variance=4.0,
        transmittance=max(fibre.channel_transmittance, _DETECTED),
        excess_noise=0.01,
    )
    return gaussian_key(link).rate


PROTOCOLS: Mapping[str, Callable[[FibreLink], float]] = {
    "BB84, infinite decoys": lambda f: _decoys(f, None),
    "BB84, two decoys": lambda f: _decoys(f, _WEAK),
    "BB84, no decoys": lambda f: no_decoy_rate(f, signal=no_decoy_signal(f)),
    "six-state, infinite decoys": lambda f: _decoys(f, None, bases=3),
    "BB84, block of 10^7": _finite(_TWO_DECOYS),
    "BB84, block, 1 decoy": _finite(_ONE_DECOY),
    "BBM92, pairs": lambda f: bbm92_rate(_halves(f)),
    "E91, CHSH": lambda f: e91_pulse_rate(_halves(f)),
    "GG02, Gaussian": _gaussian,
}
