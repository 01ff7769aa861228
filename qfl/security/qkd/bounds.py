"""What no protocol can exceed: secret bits per use of a lossy channel."""

from __future__ import annotations

from math import inf, log, log1p, sqrt

from qfl.core.errors import ConfigError


def repeaterless_bound(transmittance: float) -> float:
    """Return -log2(1 - eta), the secret-key capacity of a pure-loss channel, in bits per use.

    Reference: Pirandola, Laurenza, Ottaviani, Banchi, Nat. Commun. 8, 15043 (2017), eq. 1.

    >>> round(repeaterless_bound(0.1), 6)
    0.152003
    """
    if not 0 <= transmittance <= 1:
        raise ConfigError(f"a transmittance of {transmittance!r}; allowed: from 0 to 1")
    return inf if transmittance == 1 else -log1p(-transmittance) / log(2)


def single_repeater_bound(transmittance: float) -> float:
    """Return -log2(1 - sqrt(eta)), with one ideal repeater in the middle.

    Reference: Pirandola, Commun. Phys. 2, 51 (2019). Twin-field protocols are judged by it.

    >>> single_repeater_bound(0.01) == repeaterless_bound(0.1)
    True
    """
    if not 0 <= transmittance <= 1:
        raise ConfigError(f"a transmittance of {transmittance!r}; allowed: from 0 to 1")
    return repeaterless_bound(sqrt(transmittance))
