"""BB84 seen by two threshold detectors, without approximation: dark counts of either detector,
double clicks read as a fair coin, clicks of empty pulses counted as secret.

`decoy.py` holds the printed approximations that most of the literature computes with; the two
differ by parts in a thousand. Infinitely many decoys, infinitely long key, nearly all pulses sent
in the key basis.

References: Attema, Bosman, Neumann, doi:10.1007/s11128-021-03078-0 (2021); Lo, Quantum Inf.
Comput. 5, 413 (2005) for empty pulses.
"""

from __future__ import annotations

from math import exp, expm1, sqrt

from qfl.security.qkd.decoy import SinglePhotons
from qfl.security.qkd.link import Link
from qfl.security.qkd.rates import binary_entropy


def detected_gain(link: Link, intensity: float) -> float:
    """Return the probability that at least one of the detectors clicks on a pulse.

    >>> from qfl.security.qkd.link import FibreLink
    >>> round(detected_gain(FibreLink(length_km=10, dark_count_probability=0.5), 0.48), 4)
    0.5294
    """
    quiet = 1 - link.dark_count_probability
    return link.dark_count_probability - quiet * expm1(-link.transmittance * intensity)


def detected_error_gain(link: Link, intensity: float) -> float:
    """Return the probability that a pulse is read wrongly, half of the double clicks included."""
    arriving, quiet = link.transmittance * intensity, _quiet(link)
    wrong_quiet = quiet * exp(-arriving * link.misalignment)
    right_quiet = quiet * exp(-arriving * (1 - link.misalignment))
    return (1 - wrong_quiet) * (1 + right_quiet) / 2


def detected_single_photons(link: Link) -> SinglePhotons:
    """Return yield and error rate of single photons."""
    dark, eta, quiet = link.dark_count_probability, link.transmittance, _quiet(link)
    detected = dark + (1 - dark) * eta
    wrong = (dark - quiet * (1 - quiet) * eta) / 2 + quiet * eta * link.misalignment
    return SinglePhotons(detected, wrong / detected if detected else 0.5)


def threshold_decoy_rate(link: Link, *, signal: float) -> float:
    """Return secret bits per pulse, which are negative beyond the reach; asymptotic.

    Args:
        link: its background is that of two equal detectors together.
        signal: mean photon number of the signal.

    >>> from qfl.security.qkd.link import FibreLink
    >>> f"{threshold_decoy_rate(FibreLink(length_km=50), signal=0.6):.3e}"
    '4.932e-03'
    """
    total, wrong = detected_gain(link, signal), detected_error_gain(link, signal)
    if total == 0:
        return 0.0
    single = detected_single_photons(link)
    empty = exp(-signal) * link.dark_count_probability
    secret = empty + single.gain(signal) * (1 - binary_entropy(single.error))
    correction = link.error_correction_efficiency * binary_entropy(wrong / total)
    return secret - total * correction


def _quiet(link: Link) -> float:
    """Return the probability that one given detector stays dark."""
    return sqrt(1 - link.dark_count_probability)
