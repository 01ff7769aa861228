"""One sampled session with weak coherent pulses: two equal keys, or the reason for none.

Pulses are sampled as counts (how many of each intensity are sent, detected and sifted) or one by
one, the sifted ones bit by bit: an eavesdropper meets states, Cascade meets real errors. The key
length follows from the decoy bounds on the observed gains. It is asymptotic: fluctuations of the
finite block are not priced in, so the length is right on average, not to any epsilon
(`finite.py` has the lengths that are, `sifted_block.py` a session that keeps to them).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.security.keys.secret import Secret
from qfl.security.qkd.decoy import (
    Gains,
    Intensities,
    expected_gains,
    gain,
    single_photon_bounds,
)
from qfl.security.qkd.distil import Distilled, Processing, distil
from qfl.security.qkd.line import PublicLine
from qfl.security.qkd.link import Link
from qfl.security.qkd.pulses import Splitter, send_pulses
from qfl.security.qkd.rates import amplification_cost
from qfl.security.qkd.sifting import UNLIKE, publish, sift
from qfl.security.qkd.states import Eavesdropper, random_bits, random_states


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What the two ends agree on before a session.

    Attributes:
        sifted_bits: signal bits that the undisturbed link is expected to sift; fixes the pulses.
        bases: 2 for BB84, 3 for the six-state protocol, chosen with equal probability.
        intensities: mean photon numbers of signal and weak decoy.
        weak_share, vacuum_share: fractions of the pulses sent as decoys.
        processing: of the classical half.
    """

    sifted_bits: int = 3000
    bases: int = 2
    intensities: Intensities = field(default_factory=Intensities)
    weak_share: float = 0.3
    vacuum_share: float = 0.1
    processing: Processing = field(default_factory=Processing)

    def __post_init__(self) -> None:
        if self.sifted_bits < 1:
            raise ConfigError(f"sifted_bits is {self.sifted_bits!r}; allowed: at least 1")
        if self.bases not in (2, 3):
            raise ConfigError(f"bases is {self.bases!r}; allowed: 2 (BB84) or 3 (six-state)")
        if min(self.weak_share, self.vacuum_share) <= 0 or self.signal_share <= 0:
            raise ConfigError(
                f"weak_share {self.weak_share!r} and vacuum_share {self.vacuum_share!r}; "
                "allowed: positive, with a sum below 1"
            )

    @property
    def signal_share(self) -> float:
        """Fraction of the pulses that carry the key."""
        return 1 - self.weak_share - self.vacuum_share

    def pulses(self, link: Link) -> int:
        """Return how many pulses the session sends."""
        click = self.signal_share * gain(link, self.intensities.signal) / self.bases
        if click == 0:
            raise ConfigError(f"{link} never clicks; no session can run on it")
        return ceil(self.sifted_bits / click)


@dataclass(frozen=True, slots=True)
class Session:
    """How a session went.

    Attributes:
        pulses: sent.
        duration_seconds: pulses over the pulse rate.
        sifted_bits: signal bits with equal bases.
        sampled_bits: of those, published for the estimate.
        qber: errors among the sampled bits, None if none was sampled.
        disclosed_bits: parities and hash bits published.
        authentication_bits: one-time key spent on tags.
        aborted: why there is no key, or "".
        keys: the final keys of both ends, made independently; None if aborted.
        chsh: CHSH value that was estimated; None in protocols that estimate none.
    """

    pulses: int
    duration_seconds: float
    sifted_bits: int
    sampled_bits: int
    qber: float | None
    disclosed_bits: int
    authentication_bits: int
    aborted: str
    keys: tuple[Secret, Secret] | None = field(repr=False)
    chsh: float | None = None

    @property
    def secret_bits(self) -> int:
        """Length of the final key, a multiple of 8; 0 if aborted."""
        return self.keys[0].bits if self.keys else 0


@dataclass(frozen=True, slots=True, eq=False)
class _Arrivals:
    """Pulses, detections and sifted detections per intensity; which sifted ones are background."""

    pulses: NDArray[np.int64]
    detected: NDArray[np.int64]
    sifted: NDArray[np.int64]
    dark: NDArray[np.bool_]


def run_session(
    link: Link,
    *,
    protocol: Protocol,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
) -> Session:
    """Return the outcome of one session; equal seeds give equal sessions.

    Args:
        link: carries the pulses.
        protocol: what the ends agreed on.
        rng: everything random, on both ends and in between.
        eavesdropper: in the quantum channel.
        line: the classical channel; by default nobody meddles and nobody authenticates.

    Reference: Bennett and Brassard 1984; privacy amplification as in Bennett, Brassard, Crepeau,
    Maurer, IEEE Trans. Inf. Theory 41, 1915 (1995).

    >>> from qfl.security.qkd.link import FibreLink
    >>> session = run_session(FibreLink(length_km=10), protocol=Protocol(),
    ...                       rng=np.random.default_rng(1))
    >>> session.keys[0] == session.keys[1], session.secret_bits > 512
    (True, True)
    """
    arrivals = _count(link, protocol, rng)
    return _finish(link, protocol, arrivals, rng, eavesdropper, line or PublicLine())


def run_pulse_session(
    link: Link,
    *,
    protocol: Protocol,
    rng: np.random.Generator,
    splitter: Splitter | None = None,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
) -> Session:
    """Return the outcome of one session whose pulses are drawn one by one.

    Slower than `run_session` and equal to it in distribution, unless a splitter counts photons.

    Args:
        link, protocol, rng, eavesdropper, line: as in `run_session`.
        splitter: in the quantum channel; decides by photon number what passes.
    """
    arrivals = _send(link, protocol, rng, splitter)
    return _finish(link, protocol, arrivals, rng, eavesdropper, line or PublicLine())


def record_session(
    pulses: int, pulse_rate_hz: float, sifted: int, distilled: Distilled, line: PublicLine
) -> Session:
    """Return the session that ended in `distilled`."""
    return Session(
        pulses=pulses,
        duration_seconds=pulses / pulse_rate_hz,
        sifted_bits=sifted,
        sampled_bits=distilled.sampled_bits,
        qber=distilled.qber,
        disclosed_bits=distilled.disclosed_bits,
        authentication_bits=line.spent_bits,
        aborted=distilled.aborted,
        keys=distilled.keys,
    )


def secret_length(n: int, gains: Gains, protocol: Protocol, disclosed: int) -> int:
    """Return the bits, a multiple of 8, that privacy amplification may keep; asymptotic.

    A small block's estimate of the single-photon error never counts as less than the observed
    error of all photons.

    Args:
        n: reconciled bits.
        gains: as observed.
        protocol: the session's settings.
        disclosed: bits published about the reconciled key.
    """
    single = single_photon_bounds(gains, protocol.intensities)
    share = min(1.0, single.gain(protocol.intensities.signal) / gains.signal)
    error = min(0.5, max(single.error, gains.qber))
    kept = n * share * (1 - amplification_cost(error, bases=protocol.bases))
    return max(0, floor(kept - disclosed)) // 8 * 8


def _shares(protocol: Protocol) -> list[float]:
    return [protocol.signal_share, protocol.weak_share, protocol.vacuum_share]


def _count(link: Link, protocol: Protocol, rng: np.random.Generator) -> _Arrivals:
    """Sample how many pulses of each intensity are detected and sifted."""
    expected = expected_gains(link, protocol.intensities)
    gains = np.array([expected.signal, expected.weak, expected.vacuum])
    pulses = rng.multinomial(protocol.pulses(link), _shares(protocol))
    detected = rng.binomial(pulses, gains)
    sifted = rng.binomial(detected, 1 / protocol.bases)
    background = np.divide(expected.vacuum, gains, out=np.zeros(3), where=gains > 0)
    dark = rng.random(int(sifted.sum())) < np.repeat(background, sifted)
    return _Arrivals(pulses, detected, sifted, dark)


def _send(
    link: Link, protocol: Protocol, rng: np.random.Generator, splitter: Splitter | None
) -> _Arrivals:
    """Draw every pulse."""
    pulses = rng.multinomial(protocol.pulses(link), _shares(protocol))
    dark, detected = [], []
    levels = (protocol.intensities.signal, protocol.intensities.weak, 0.0)
    for intensity, number in zip(levels, pulses, strict=True):
        clicks = send_pulses(link, intensity, pulses=int(number), rng=rng, splitter=splitter)
        same_basis = rng.random(len(clicks.photons)) < 1 / protocol.bases
        detected.append(len(clicks.photons))
        dark.append(clicks.background[same_basis])
    sifted = np.array([len(part) for part in dark])
    return _Arrivals(pulses, np.array(detected), sifted, np.concatenate(dark))


def _finish(
    link: Link,
    protocol: Protocol,
    arrivals: _Arrivals,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None,
    line: PublicLine,
) -> Session:
    """Give the sifted detections their bits and distil a key from them."""
    n, total = int(arrivals.sifted[0]), len(arrivals.dark)
    sent = random_states(total, bases=protocol.bases, rng=rng)
    arriving = eavesdropper.intercept(sent, rng=rng) if eavesdropper else sent
    flipped = (rng.random(total) < link.misalignment).astype(np.uint8)
    photon = arriving.measure(sent.bases, rng=rng) ^ flipped
    bob = np.where(arrivals.dark, random_bits(total, rng=rng), photon)
    pulses = int(arrivals.pulses.sum())
    levels = np.repeat(np.arange(3), arrivals.sifted)
    kept = sift(line, alice_bases=sent.bases, bob_bases=sent.bases, intensities=levels)
    if not kept.alike:
        return record_session(
            pulses, link.pulse_rate_hz, n, Distilled(0, None, aborted=UNLIKE), line
        )
    weak = publish(line, bob[kept.bob == 1])
    weak_errors = int((sent.bits[kept.alice == 1] != weak).sum())

    def length(reconciled: int, errors: int, disclosed: int) -> int:
        return secret_length(
            reconciled, _observed(arrivals, errors, weak_errors), protocol, disclosed
        )

    distilled = distil(
        sent.bits[kept.alice == 0],
        bob[kept.bob == 0],
        processing=protocol.processing,
        secret_length=length,
        line=line,
        rng=rng,
    )
    return record_session(pulses, link.pulse_rate_hz, n, distilled, line)


def _observed(arrivals: _Arrivals, signal_errors: int, weak_errors: int) -> Gains:
    """Return the gains that both ends know after reconciliation; weak bits are all published."""
    signal, weak, vacuum = arrivals.detected / np.maximum(arrivals.pulses, 1)
    return Gains(
        signal=float(signal),
        weak=float(weak),
        vacuum=float(vacuum),
        signal_errors=float(signal) * signal_errors / max(int(arrivals.sifted[0]), 1),
        weak_errors=float(weak) * weak_errors / max(int(arrivals.sifted[1]), 1),
    )
