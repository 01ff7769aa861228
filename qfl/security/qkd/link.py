"""Physical links between a pulsed source and a pair of detectors, as numbers.

A link knows its loss and its noise; what a protocol makes of them is in the other files here.
Lengths are in kilometres and loss in dB/km because that is how fibres are specified.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import expm1, pi, radians, sin
from typing import Protocol

from qfl.core.errors import ConfigError

_PROBABILITIES = ("detector_efficiency", "dark_count_probability", "afterpulse_probability")


class Link(Protocol):
    """What the closed forms and the sessions need to know of any link."""

    @property
    def transmittance(self) -> float:
        """Probability that a photon arrives and is detected."""
        ...

    @property
    def dark_count_probability(self) -> float:
        """Background clicks per pulse, all detectors together (Y0)."""
        ...

    @property
    def afterpulse_probability(self) -> float:
        """Extra clicks per click."""
        ...

    @property
    def misalignment(self) -> float:
        """Probability that a photon reaches the wrong detector."""
        ...

    @property
    def error_correction_efficiency(self) -> float:
        """Disclosed bits relative to the Shannon limit."""
        ...

    @property
    def pulse_rate_hz(self) -> float:
        """Pulses per second."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FibreLink:
    """A fibre with a weak-coherent source at one end and threshold detectors at the other.

    Attributes:
        length_km: fibre length.
        loss_db_per_km: attenuation of the fibre.
        detector_efficiency: transmittance of everything at the receiver, detectors included.
        dark_count_probability: background clicks per pulse, both detectors together (Y0).
        afterpulse_probability: extra clicks per click; only the finite-key forms price it in.
        misalignment: probability that a photon reaches the wrong detector, at most 1/2.
        error_correction_efficiency: disclosed bits relative to the Shannon limit, assumed by the
            closed forms (a sampled session counts what it really discloses).
        pulse_rate_hz: pulses sent per second.

    >>> FibreLink(length_km=50, loss_db_per_km=0.2, detector_efficiency=0.5).transmittance
    0.05
    """

    length_km: float
    loss_db_per_km: float = 0.2
    detector_efficiency: float = 0.2
    dark_count_probability: float = 1e-6
    afterpulse_probability: float = 0.0
    misalignment: float = 0.01
    error_correction_efficiency: float = 1.16
    pulse_rate_hz: float = 1e9

    def __post_init__(self) -> None:
        _check(self)

    @property
    def channel_transmittance(self) -> float:
        """Probability that a photon survives the fibre alone."""
        return 10 ** (-self.loss_db_per_km * self.length_km / 10)

    @property
    def transmittance(self) -> float:
        """Probability that a photon survives the fibre and is detected."""
        return self.detector_efficiency * self.channel_transmittance


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSpaceLink:
    """A beam between two telescopes, as from a satellite to the ground.

    Attributes:
        distance_km: between the telescopes.
        wavelength_nm: of the light.
        transmitter_aperture_m, receiver_aperture_m: diameters of the telescopes; the beam leaves
            with its 1/e^2 radius filling the transmitter.
        pointing_jitter_urad: standard deviation of the beam's direction, per axis.
        elevation_degrees: of the line of sight above the horizon.
        zenith_transmittance: of the atmosphere straight up.
        detector_efficiency, dark_count_probability, afterpulse_probability, misalignment,
            error_correction_efficiency, pulse_rate_hz: as in `FibreLink`.

    Reference: Siegman, Lasers (1986), section 17.1, for the Gaussian beam; the jitter widens it
    on average; the atmosphere is plane-parallel.

    >>> low = FreeSpaceLink(distance_km=1200, elevation_degrees=30)
    >>> 1e-4 < low.channel_transmittance < FreeSpaceLink(distance_km=600).channel_transmittance
    True
    """

    distance_km: float
    wavelength_nm: float = 850.0
    transmitter_aperture_m: float = 0.3
    receiver_aperture_m: float = 1.0
    pointing_jitter_urad: float = 1.0
    elevation_degrees: float = 90.0
    zenith_transmittance: float = 0.7
    detector_efficiency: float = 0.2
    dark_count_probability: float = 1e-6
    afterpulse_probability: float = 0.0
    misalignment: float = 0.01
    error_correction_efficiency: float = 1.16
    pulse_rate_hz: float = 1e9

    def __post_init__(self) -> None:
        _check(self)
        for name in ("wavelength_nm", "transmitter_aperture_m", "receiver_aperture_m"):
            if getattr(self, name) == 0:
                raise ConfigError(f"{name} is 0; allowed: positive")
        if not 0 < self.elevation_degrees <= 90:
            raise ConfigError(
                f"elevation_degrees is {self.elevation_degrees!r}; allowed: above 0, at most 90"
            )
        if not 0 <= self.zenith_transmittance <= 1:
            raise ConfigError(
                f"zenith_transmittance is {self.zenith_transmittance!r}; allowed: from 0 to 1"
            )

    @property
    def channel_transmittance(self) -> float:
        """Probability that a photon survives diffraction, pointing and the atmosphere."""
        metres = 1e3 * self.distance_km
        waist = self.transmitter_aperture_m / 2
        spread = self.wavelength_nm * 1e-9 / (pi * waist)
        wander = 2 * self.pointing_jitter_urad * 1e-6
        squared_radius = waist**2 + (spread**2 + wander**2) * metres**2
        collected = -expm1(-2 * (self.receiver_aperture_m / 2) ** 2 / squared_radius)
        air = self.zenith_transmittance ** (1 / sin(radians(self.elevation_degrees)))
        return collected * air

    @property
    def transmittance(self) -> float:
        """Probability that a photon survives the way and is detected."""
        return self.detector_efficiency * self.channel_transmittance


def _check(link: FibreLink | FreeSpaceLink) -> None:
    """Refuse what no link can be."""
    for option in fields(link):
        value = getattr(link, option.name)
        if not 0 <= value < float("inf"):
            raise ConfigError(f"{option.name} is {value!r}; allowed: finite and not negative")
    for name in _PROBABILITIES:
        if getattr(link, name) > 1:
            raise ConfigError(f"{name} is {getattr(link, name)!r}; allowed: from 0 to 1")
    if link.misalignment > 0.5:
        raise ConfigError(f"misalignment is {link.misalignment!r}; allowed: from 0 to 0.5")
    if link.error_correction_efficiency < 1:
        raise ConfigError(
            f"error_correction_efficiency is {link.error_correction_efficiency!r}; "
            "allowed: at least 1 (the Shannon limit)"
        )
    if link.pulse_rate_hz == 0:
        raise ConfigError("pulse_rate_hz is 0; allowed: positive")
