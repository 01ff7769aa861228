"""Entanglement-based QKD (BBM92, E91) with a down-conversion source between the two ends.

Reference: Ma, Fung, Lo, Phys. Rev. A 76, 012307 (2007), eqs. 9, 10 and 15.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.qkd.distil import Distilled, Processing, distil
from qfl.security.qkd.line import PublicLine
from qfl.security.qkd.link import Link
from qfl.security.qkd.rates import binary_entropy, e91_rate
from qfl.security.qkd.session import Session, record_session
from qfl.security.qkd.sifting import DROPPED, UNLIKE, sift
from qfl.security.qkd.states import Eavesdropper, random_states

SIFTING = 0.5
E91_SIFTING = 2 / 9
"""Of nine pairs of angles two are equal: those pairs give the key."""


@dataclass(frozen=True, slots=True)
class PairLink:
    """Two links with a pair source where they meet.

    Attributes:
        left, right: links to the two ends; the misalignments add.
        pairs: mean number of photon pairs per pulse (2 lambda in the reference).
    """

    left: Link
    right: Link
    pairs: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.pairs < float("inf"):
            raise ConfigError(f"a mean of {self.pairs!r} photon pairs; allowed: positive")

    @property
    def misalignment(self) -> float:
        """Probability that a pair shows the wrong correlation."""
        a, b = self.left.misalignment, self.right.misalignment
        return a + b - 2 * a * b

    @property
    def coincidence_gain(self) -> float:
        """Probability that both ends click on a pulse (eq. 9)."""
        a, b, both, half = self._factors()
        dark_a, dark_b = self.left.dark_count_probability, self.right.dark_count_probability
        silent = (1 - dark_a) / a**2 + (1 - dark_b) / b**2
        return max(0.0, 1 - silent + (1 - dark_a) * (1 - dark_b) / both**2) if half else 0.0

    @property
    def qber(self) -> float:
        """Error rate of the coincidences (eq. 10); 1/2 if there are none."""
        gain = self.coincidence_gain
        if gain == 0:
            return 0.5
        a, b, both, half = self._factors()
        product = self.left.transmittance * self.right.transmittance
        paired = product * half * (1 + half) / (a * b * both)
        return min(0.5, 0.5 - 2 * (0.5 - self.misalignment) * paired / gain)

    def _factors(self) -> tuple[float, float, float, float]:
        half = self.pairs / 2
        eta_a, eta_b = self.left.transmittance, self.right.transmittance
        return (
            1 + eta_a * half,
            1 + eta_b * half,
            1 + (eta_a + eta_b - eta_a * eta_b) * half,
            half,
        )


def bbm92_rate(link: PairLink) -> float:
    """Return secret bits per pulse, q Q (1 - (1+f) h(E)), 0 beyond the reach; asymptotic.

    f is the left link's error-correction efficiency.

    >>> from qfl.security.qkd.link import FibreLink
    >>> end = FibreLink(length_km=10, error_correction_efficiency=1.22)
    >>> 1e-4 < bbm92_rate(PairLink(end, end, pairs=0.1)) < 1e-3
    True
    """
    f = link.left.error_correction_efficiency
    return SIFTING * link.coincidence_gain * max(0.0, 1 - (1 + f) * binary_entropy(link.qber))


def e91_pulse_rate(link: PairLink) -> float:
    """Return secret bits per pulse when the CHSH value prices the eavesdropper; asymptotic.

    Two ninths of the coincidences are sifted, as in `ekert.run_e91_session`; the rest is tested
    or lost.

    Coincidences are post-selected (fair sampling), so this does not close the detection loophole.
    """
    f = link.left.error_correction_efficiency
    rate = e91_rate(link.qber, error_correction_efficiency=f)
    return E91_SIFTING * link.coincidence_gain * max(0.0, rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairProtocol:
    """What the two ends of a pair source agree on.

    Attributes:
        sifted_bits: that the undisturbed link is expected to sift; fixes the pulses.
        processing: of the classical half.
    """

    sifted_bits: int = 3000
    processing: Processing = field(default_factory=Processing)

    def pulses(self, link: PairLink, *, sifting: float = SIFTING) -> int:
        """Return how many pump pulses the session takes if it sifts this share of its pairs."""
        if link.coincidence_gain == 0:
            raise ConfigError(f"{link} never clicks at both ends; no session can run on it")
        return ceil(self.sifted_bits / (sifting * link.coincidence_gain))


def run_pair_session(
    link: PairLink,
    *,
    protocol: PairProtocol,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
) -> Session:
    """Return the outcome of one BBM92 session; asymptotic key length n (1 - h(E)) - disclosed.

    Coincidences are sampled as a count, the sifted ones bit by bit. Measuring her half of a pair
    prepares the other half for Alice, so the eavesdropper meets states as in BB84.

    >>> from qfl.security.qkd.link import FibreLink
    >>> arm = FibreLink(length_km=5)
    >>> session = run_pair_session(PairLink(arm, arm, pairs=0.02), protocol=PairProtocol(),
    ...                            rng=np.random.default_rng(1))
    >>> session.keys[0] == session.keys[1], session.secret_bits > 512
    (True, True)
    """
    line = line or PublicLine()
    pulses = protocol.pulses(link)
    n = int(rng.binomial(pulses, SIFTING * link.coincidence_gain))
    sent = random_states(n, rng=rng)
    arriving = eavesdropper.intercept(sent, rng=rng) if eavesdropper else sent
    wrong = (rng.random(n) < link.qber).astype(np.uint8)

    def length(kept: int, errors: int, disclosed: int) -> int:
        secret = kept * (1 - binary_entropy(min(0.5, errors / n)))
        return max(0, floor(secret - disclosed)) // 8 * 8

    bob = arriving.measure(sent.bases, rng=rng) ^ wrong
    both = sift(line, alice_bases=sent.bases, bob_bases=sent.bases)
    if not both.alike:
        distilled = Distilled(0, None, aborted=UNLIKE)
        return record_session(pulses, link.left.pulse_rate_hz, n, distilled, line)
    distilled = distil(
        sent.bits[both.alice != DROPPED],
        bob[both.bob != DROPPED],
        processing=protocol.processing,
        secret_length=length,
        line=line,
        rng=rng,
    )
    return record_session(pulses, link.left.pulse_rate_hz, n, distilled, line)
