"""One sampled BB84 session: pulses to two equal keys, or the reason why there are none.

Pulses are sampled as counts (how many of each intensity are sent, detected and sifted), the
sifted ones bit by bit: an eavesdropper meets states, Cascade meets real errors. The key length
follows from the decoy bounds on the observed gains. It is asymptotic: statistical fluctuations
of the finite block are not priced in, so the length is right on average, not to any epsilon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.security.keys.secret import Secret
from qfl.security.qkd.cascade import VARIANTS, Reconciliation, reconcile
from qfl.security.qkd.decoy import (
    SIFTING,
    Gains,
    Intensities,
    expected_gains,
    gain,
    single_photon_bounds,
)
from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.rates import binary_entropy
from qfl.security.qkd.states import Bits, Eavesdropper, random_bits, random_states
from qfl.security.qkd.toeplitz import toeplitz_hash, verification_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What the two ends agree on before a session.

    Attributes:
        sifted_bits: signal bits that the undisturbed link is expected to sift; fixes the pulses.
        intensities: mean photon numbers of signal and weak decoy.
        weak_share, vacuum_share: fractions of the pulses sent as decoys.
        sample_fraction: of the sifted signal bits, published to estimate the QBER.
        abort_qber: an estimate above this ends the session.
        correctness: probability that unequal keys pass verification.
        variant: of Cascade; the original four passes leave 2 % of such short keys unequal.
    """

    sifted_bits: int = 3000
    intensities: Intensities = field(default_factory=Intensities)
    weak_share: float = 0.3
    vacuum_share: float = 0.1
    sample_fraction: float = 0.1
    abort_qber: float = 0.08
    correctness: float = 1e-15
    variant: str = "opt3"

    def __post_init__(self) -> None:
        if self.sifted_bits < 1:
            raise ConfigError(f"sifted_bits is {self.sifted_bits!r}; allowed: at least 1")
        if min(self.weak_share, self.vacuum_share) <= 0 or self.signal_share <= 0:
            raise ConfigError(
                f"weak_share {self.weak_share!r} and vacuum_share {self.vacuum_share!r}; "
                "allowed: positive, with a sum below 1"
            )
        if self.variant not in VARIANTS:
            raise UnknownNameError("Cascade variant", self.variant, VARIANTS)
        for name in ("sample_fraction", "abort_qber", "correctness"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; allowed: between 0 and 1")

    @property
    def signal_share(self) -> float:
        """Fraction of the pulses that carry the key."""
        return 1 - self.weak_share - self.vacuum_share

    @property
    def verification_bits(self) -> int:
        """Length of the published hash."""
        return verification_bits(self.correctness)

    def pulses(self, link: FibreLink) -> int:
        """Return how many pulses the session sends."""
        click = SIFTING * self.signal_share * gain(link, self.intensities.signal)
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
        secret_bits: length of the final key, a multiple of 8; 0 if aborted.
        aborted: why there is no key, or "".
        keys: the final keys of both ends, made independently; None if aborted.
    """

    pulses: int
    duration_seconds: float
    sifted_bits: int
    sampled_bits: int
    qber: float | None
    disclosed_bits: int = 0
    secret_bits: int = 0
    aborted: str = ""
    keys: tuple[Secret, Secret] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Sifted:
    """Sifted bits of all intensities: signal first, then weak, then vacuum."""

    alice: Bits
    bob: Bits
    pulses: NDArray[np.int64]
    detected: NDArray[np.int64]
    counts: NDArray[np.int64]


def run_session(
    link: FibreLink,
    *,
    protocol: Protocol,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
) -> Session:
    """Return the outcome of one session; equal seeds give equal sessions.

    Reference: Bennett and Brassard 1984; privacy amplification as in Bennett, Brassard, Crepeau,
    Maurer, IEEE Trans. Inf. Theory 41, 1915 (1995).

    >>> session = run_session(FibreLink(length_km=10), protocol=Protocol(),
    ...                       rng=np.random.default_rng(1))
    >>> session.keys[0] == session.keys[1], session.secret_bits > 512
    (True, True)
    """
    sifted = _transmit(link, protocol, rng, eavesdropper)
    n = int(sifted.counts[0])
    pulses = int(sifted.pulses.sum())
    sample = ceil(protocol.sample_fraction * n)
    seconds = pulses / link.pulse_rate_hz
    if n - sample < 1:
        return Session(pulses, seconds, n, 0, None, aborted=f"only {n} bits were sifted")
    order = rng.permutation(n)
    published, kept = order[:sample], order[sample:]
    seen = int((sifted.alice[published] != sifted.bob[published]).sum())
    qber = seen / sample
    if qber > protocol.abort_qber:
        reason = f"QBER {qber:.3f} above {protocol.abort_qber:g} in {sample} compared bits"
        return Session(pulses, seconds, n, sample, qber, aborted=reason)
    alice = sifted.alice[kept]
    result = reconcile(
        alice,
        sifted.bob[kept],
        qber=min(0.5, (seen + 1) / (sample + 2)),
        rng=rng,
        variant=protocol.variant,
    )
    disclosed = result.disclosed_bits + protocol.verification_bits
    reason = "the verification hashes differ"
    keys = None
    if _verified(alice, result.bits, protocol, rng):
        length = secret_length(
            len(kept), _observed(sifted, seen + result.corrected_bits), protocol, disclosed
        )
        reason = "" if length else "the decoy statistics leave no secret bits"
        keys = _amplify(alice, result, length, rng) if length else None
    bits = keys[0].bits if keys else 0
    return Session(pulses, seconds, n, sample, qber, disclosed, bits, reason, keys)


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
    signal = protocol.intensities.signal
    single = single_photon_bounds(gains, protocol.intensities)
    share = min(1.0, single.gain(signal) / gains.signal)
    error = min(0.5, max(single.error, gains.qber))
    return max(0, floor(n * share * (1 - binary_entropy(error)) - disclosed)) // 8 * 8


def _transmit(
    link: FibreLink,
    protocol: Protocol,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None,
) -> _Sifted:
    expected = expected_gains(link, protocol.intensities)
    gains = np.array([expected.signal, expected.weak, expected.vacuum])
    shares = [protocol.signal_share, protocol.weak_share, protocol.vacuum_share]
    pulses = rng.multinomial(protocol.pulses(link), shares)
    detected = rng.binomial(pulses, gains)
    counts = rng.binomial(detected, SIFTING)
    background = np.divide(expected.vacuum, gains, out=np.zeros(3), where=gains > 0)
    n = int(counts.sum())
    sent = random_states(n, rng=rng)
    arriving = eavesdropper.intercept(sent, rng=rng) if eavesdropper else sent
    flipped = (rng.random(n) < link.misalignment).astype(np.uint8)
    photon = arriving.measure(sent.bases, rng=rng) ^ flipped
    dark = rng.random(n) < np.repeat(background, counts)
    bob = np.where(dark, random_bits(n, rng=rng), photon)
    return _Sifted(sent.bits, bob, pulses, detected, counts)


def _observed(sifted: _Sifted, signal_errors: int) -> Gains:
    """Return the gains that both ends know after reconciliation."""
    signal, weak, vacuum = sifted.detected / np.maximum(sifted.pulses, 1)
    first, last = int(sifted.counts[0]), int(sifted.counts[:2].sum())
    weak_errors = int((sifted.alice[first:last] != sifted.bob[first:last]).sum())
    return Gains(
        signal=float(signal),
        weak=float(weak),
        vacuum=float(vacuum),
        signal_errors=float(signal) * signal_errors / max(first, 1),
        weak_errors=float(weak) * weak_errors / max(last - first, 1),
    )


def _verified(alice: Bits, bob: Bits, protocol: Protocol, rng: np.random.Generator) -> bool:
    length = protocol.verification_bits
    seed = random_bits(len(alice) + length - 1, rng=rng)
    first, second = toeplitz_hash(np.stack([alice, bob]), seed, length=length)
    return bool((first == second).all())


def _amplify(
    alice: Bits, reconciled: Reconciliation, length: int, rng: np.random.Generator
) -> tuple[Secret, Secret]:
    seed = random_bits(len(alice) + length - 1, rng=rng)
    hashes = toeplitz_hash(np.stack([alice, reconciled.bits]), seed, length=length)
    first, second = np.packbits(hashes, axis=1)
    return Secret(first.tobytes()), Secret(second.tobytes())
