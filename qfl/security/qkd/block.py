"""A session of count level: a finite block of decoy BB84 whose every deviation is priced in.

Detections are drawn as numbers, the length of the key is that of `finite.py`, and error
correction is assumed to disclose n f h(Q) bits: for keys of megabits, where Cascade bit by bit
(`session.py`) would take longer than the study that asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.keys.secret import Secret
from qfl.security.qkd.finite import FiniteProtocol, finite_key, sampled_counts
from qfl.security.qkd.line import End, PublicLine
from qfl.security.qkd.link import FibreLink, Link
from qfl.security.qkd.rates import binary_entropy
from qfl.security.qkd.session import Session
from qfl.security.qkd.states import Eavesdropper, random_states

_PROBES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What the two ends agree on before a block.

    Attributes:
        pulses: of the block.
        protocol: intensities, their probabilities, key basis, secrecy and correctness.
        abort_qber: an error rate above this ends the session.
        most_bits: longest key that is kept; a shorter hash of the same block is as secret.
    """

    pulses: int = 10**9
    protocol: FiniteProtocol = field(
        default_factory=lambda: FiniteProtocol(
            intensities=(0.45, 0.2, 2e-4), probabilities=(0.5, 0.3, 0.2), key_basis=0.85
        )
    )
    abort_qber: float = 0.08
    most_bits: int = 1 << 20

    def __post_init__(self) -> None:
        if self.pulses < 1 or self.most_bits < 8 or not 0 < self.abort_qber < 1:
            raise ConfigError(
                f"a block of {self.pulses!r} pulses, at most {self.most_bits!r} bits and "
                f"abort_qber {self.abort_qber!r}; allowed: at least 1, at least 8, between 0 and 1"
            )


def run_block(
    link: Link,
    *,
    block: Block,
    rng: np.random.Generator,
    eavesdropper: Eavesdropper | None = None,
    line: PublicLine | None = None,
) -> Session:
    """Return the outcome of one block; equal seeds give equal sessions.

    Args:
        link: carries the pulses.
        block: what the ends agreed on.
        rng: draws counts and key.
        eavesdropper: in the quantum channel; the errors she causes are measured on probes.
        line: authenticates the session's transcript.

    >>> found = run_block(FibreLink(length_km=20), block=Block(), rng=np.random.default_rng(0))
    >>> found.keys[0] == found.keys[1], found.secret_bits
    (True, 1048576)
    """
    line = line or PublicLine()
    carrying = _tapped(link, eavesdropper, rng) if eavesdropper else link
    key, test = sampled_counts(carrying, block.protocol, pulses=block.pulses, rng=rng)
    sifted, errors = int(sum(key.detected)), int(sum(key.errors))
    qber = errors / sifted if sifted else None
    disclosed, secret, aborted = 0, 0, ""
    if qber is None:
        aborted = "no pulse was detected"
    elif qber > block.abort_qber:
        aborted = f"QBER {qber:.3f} above {block.abort_qber:g} in {sifted} sifted bits"
    else:
        spent = sifted * link.error_correction_efficiency * binary_entropy(qber)
        length = finite_key(key, test, block.protocol, disclosed_bits=spent).length
        disclosed, secret = round(spent), min(length, block.most_bits) // 8 * 8
        if not secret:
            aborted = f"a block of {block.pulses} pulses leaves no secret bits"
    line.say(End.ALICE, repr((key, test)).encode())
    if not line.authentic():
        secret, aborted = 0, aborted or "the classical messages do not authenticate"
    material = rng.bytes(secret // 8)
    return Session(
        pulses=block.pulses,
        duration_seconds=block.pulses / link.pulse_rate_hz,
        sifted_bits=sifted,
        sampled_bits=int(sum(test.detected)),
        qber=qber,
        disclosed_bits=disclosed,
        authentication_bits=line.spent_bits,
        aborted=aborted,
        keys=(Secret(material), Secret(material)) if secret else None,
    )


def _tapped(link: Link, eavesdropper: Eavesdropper, rng: np.random.Generator) -> FibreLink:
    """Return a link of the same transmittance with the errors that the eavesdropper adds."""
    sent = random_states(_PROBES, rng=rng)
    seen = eavesdropper.intercept(sent, rng=rng).measure(sent.bases, rng=rng)
    added, own = float((seen != sent.bits).mean()), link.misalignment
    return FibreLink(
        length_km=0,
        detector_efficiency=link.transmittance,
        dark_count_probability=link.dark_count_probability,
        afterpulse_probability=link.afterpulse_probability,
        misalignment=min(0.5, own + added - 2 * own * added),
    )
