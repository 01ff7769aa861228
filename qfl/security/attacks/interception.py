"""An eavesdropper who measures pulses and sends replacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.core.errors import ConfigError
from qfl.security.qkd.states import States


@dataclass(frozen=True, slots=True)
class InterceptResend:
    """Measures a fraction of the pulses in a random basis and resends what she saw.

    She reproduces the photon statistics of every pulse, so that only the errors betray her: where
    her basis is wrong, half of the pulses give the receiver the wrong bit. The QBER rises by
    fraction/4 (BB84) or fraction/3 (six-state); she learns at most fraction/2 of the sifted bits.

    Attributes:
        fraction: of the pulses, from 0 to 1.
        bases: that the protocol uses and she guesses among.

    >>> InterceptResend(fraction=0.2).added_qber
    0.05
    """

    fraction: float = 1.0
    bases: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise ConfigError(f"an attacked fraction of {self.fraction!r}; allowed: from 0 to 1")
        if self.bases not in (2, 3):
            raise ConfigError(f"{self.bases!r} bases; allowed: 2 (BB84) or 3 (six-state)")

    @property
    def added_qber(self) -> float:
        """QBER on an otherwise perfect link."""
        return self.fraction * (self.bases - 1) / (2 * self.bases)

    def intercept(self, states: States, *, rng: np.random.Generator) -> States:
        """Return the states with the attacked ones replaced by her measurement results."""
        attacked = rng.random(len(states.bits)) < self.fraction
        bases = rng.integers(0, self.bases, len(states.bits), dtype=np.uint8)
        seen = states.measure(bases, rng=rng)
        return States(
            np.where(attacked, seen, states.bits), np.where(attacked, bases, states.bases)
        )
