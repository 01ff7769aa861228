"""Physical links between a pulsed source and a pair of detectors, as numbers.

A link knows its loss and its noise; what a protocol makes of them is in the other files here.
Lengths are in kilometres and loss in dB/km because that is how fibres are specified.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from qfl.core.errors import ConfigError

_PROBABILITIES = ("detector_efficiency", "dark_count_probability", "afterpulse_probability")


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
        for option in fields(self):
            value = getattr(self, option.name)
            if not 0 <= value < float("inf"):
                raise ConfigError(f"{option.name} is {value!r}; allowed: finite and not negative")
        for name in _PROBABILITIES:
            if getattr(self, name) > 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: from 0 to 1")
        if self.misalignment > 0.5:
            raise ConfigError(f"misalignment is {self.misalignment!r}; allowed: from 0 to 0.5")
        if self.error_correction_efficiency < 1:
            raise ConfigError(
                f"error_correction_efficiency is {self.error_correction_efficiency!r}; "
                "allowed: at least 1 (the Shannon limit)"
            )
        if self.pulse_rate_hz == 0:
            raise ConfigError("pulse_rate_hz is 0; allowed: positive")

    @property
    def channel_transmittance(self) -> float:
        """Probability that a photon survives the fibre alone."""
        return 10 ** (-self.loss_db_per_km * self.length_km / 10)

    @property
    def transmittance(self) -> float:
        """Probability that a photon survives the fibre and is detected."""
        return self.detector_efficiency * self.channel_transmittance
